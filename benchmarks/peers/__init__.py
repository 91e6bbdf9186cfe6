"""Peers under the same load: adapters, each installed from PyPI into an environment of its own."""
