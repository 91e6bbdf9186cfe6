"""Sound to text: one socket, one session, its utterances."""
