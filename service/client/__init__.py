"""AlfaVoice's own client of protocol `alfavoice.v1`: for the command line, tests and benchmarks."""
