"""The words of `argparse` itself in the person's language: of help, and of what it refuses."""

import argparse
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from math import nan
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


def port_number(language: Language) -> Callable[[str], float]:
    """Give the type of a flag that takes a port; 0: any that is free."""
    return number_within(language, 0, 65_535, whole=True)


def number_within(
    language: Language, low: float, high: float, *, whole: bool = False
) -> Callable[[str], float]:
    """Give the type of a flag that takes a number between two bounds, which refusals name."""
    kind = language.text(f"argparse.{'whole_number' if whole else 'number'}")
    bounds = {"low": grouped(low, language), "high": grouped(high, language)}

    def read(text: str) -> float:
        try:
            number: float = int(text) if whole else float(with_point(text, language))
        except ValueError:
            number = nan
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(
                language.text("argparse.within", value=repr(text), kind=kind, **bounds)
            )
        return number

    return read


def with_point(text: str, language: Language) -> str:
    """Give a number as `float` reads it: where people write «0,2» they may. In English 1,000 is a thousand."""
    return text.replace(",", ".") if language.code == "ru" else text


def grouped(number: float, language: Language) -> str:
    """Write a number as people do: «1 000 000», «0,05»."""
    written = f"{int(number):,}" if number == int(number) else str(number)
    # A usual blank, which every terminal has.
    return written.translate({ord(","): " ", ord("."): ","}) if language.code == "ru" else written


def too_early(
    arguments: Sequence[str], commands: Container[str], *, own: Container[str], language: Language
) -> str | None:
    """Say what is wrong with a flag that stands before the command and is none of the program.

    The parser would take the flag's value for the command, or ask for a command first.

    Args:
        arguments: as given.
        commands: names of all commands.
        own: flags of the program itself.
        language: of the sentence.
    """
    before: list[str] = []
    unknown: str | None = None
    for place, argument in enumerate(arguments):
        is_value = arguments[place - 1 : place] == ["--language"]
        if argument in commands and not is_value:
            break
        if argument.startswith("-") and argument != "--":
            flag = argument.partition("=")[0]
            unknown = unknown or (None if flag in own else flag)
        elif unknown is None and not is_value:
            return None  # no command is called so: the parser says it, and which there are
        before.append(argument)
    if unknown is None:
        return None
    rest = arguments[len(before) :]
    command = rest[0] if rest else language.text("cli.command")
    return language.text("argparse.too_early", flag=unknown, command=command)
