"""Where transcripts are kept: PostgreSQL, embedded in the data folder or a server of its own."""
