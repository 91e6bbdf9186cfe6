"""Encryption at rest: values sealed with a key of their user, keys wrapped by a master key."""
