"""The commands of `alfavoice`, a module each: `add_parser(subparsers, language)` and `run`.

They import what they need when they run, so that `alfavoice --help` answers at once.
"""
