"""Transcripts as documents and subtitles, for clients and for the server's exports."""
