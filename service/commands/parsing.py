"""The words of `argparse` itself in the person's language: of help, and of what it refuses."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from service.language import Language

_NAMES: Final = (
    "usage",
    "positional",
    "options",
    "help",
    "error",
    "argument",
    "unrecognised",
    "required",
    "one_of",
    "choice",
    "value",
    "one",
    "at_most_one",
    "at_least_one",
    "some",
    "together",
    "ambiguous",
    "ignored",
    "unknown_command",
)


@contextmanager
def argparse_in(language: Language) -> Iterator[None]:
    """Have `argparse` speak a language for a while; what is not translated stays English.

    It asks `gettext`, which takes catalogues from files only. So its two functions are replaced in
    it while a parser is made and parses, and put back afterwards.
    """
    english, words = Language("en"), vars(argparse)
    said = {english.text(f"argparse.{name}"): language.text(f"argparse.{name}") for name in _NAMES}

    def one(message: str) -> str:
        return said.get(message, message)

    def counted(_: str, several: str, __: int) -> str:
        return one(several)

    ours = {"_": one, "ngettext": counted}
    kept = {name: words[name] for name in ours if name in words}
    words.update({name: ours[name] for name in kept})
    try:
        yield
    finally:
        words.update(kept)
