"""Texts rewritten by a language model that the operator chose: off unless they name one."""
