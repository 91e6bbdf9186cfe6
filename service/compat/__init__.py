"""Other people's protocols, so that programs made for them can use this server as it is."""
