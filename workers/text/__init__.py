"""Finished text out of recognised text: rules and a small model, each a step on a row of tokens."""
