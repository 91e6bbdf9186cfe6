"""Recordings: audio captured offline, uploaded in pieces, turned into a transcript exactly once."""
