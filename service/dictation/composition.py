"""The text of a session, put together of its finals. Pure.

A final says how it follows what came before: `erase` letters go from the end («удали последнее»), `glue`
is put between (a blank, nothing before a comma, «. » where a chat had left off the full stop), then its
own text follows. Clients that type finals as they come do the same with the letters they typed.

    text «Купи хлеб. Позвони маме»   final erase 14, glue «», text «»      -> «Купи хлеб.»
    text «Купи хлеб.»                final erase 0, glue « », text «Молоко.» -> «Купи хлеб. Молоко.»

Where the text before broke off in a sentence, a capital that only begins one is small: «Мы едем на»
«Вокзал.» -> «Мы едем на вокзал.»
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from workers.contract.finishing import Finished

BLANK: Final = " "
_MAY_END_SENTENCE: Final = re.compile(r"[.!?…][.!?…»”\")\]]*+|\n")
"""Runs of marks, each read once; one ends a sentence if a blank follows it. Also a line end does."""
_INSIDE: Final = (",", ";", ":", "—", "–")
"""Marks after which a sentence goes on."""
_OPENS: Final = frozenset("«„“([\n\t")
"""After these no blank belongs."""


class Follows(Protocol):
    """A final, as far as the text of its session needs it."""

    @property
    def text(self) -> str:
        """Its own text."""
        ...

    @property
    def glue(self) -> str:
        """What stands between it and what came before; not at the beginning of a text."""
        ...

    @property
    def erase(self) -> int:
        """Letters (code points) that go from the end of what came before."""
        ...


def composed(finals: Iterable[Follows]) -> str:
    """Give the text that finals make, in order."""
    said = list(finals)
    parts: list[str] = []
    for final, text in zip(said, surviving(said), strict=True):
        if text:
            parts += (final.glue, text) if parts else (text,)
    return "".join(parts)


def followed(text: str, final: Follows) -> str:
    """Give a text with one more final."""
    kept = text[: max(0, len(text) - final.erase)]
    if not final.text:
        return kept
    return f"{kept}{final.glue}{final.text}" if kept else final.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """How a final follows what came before."""

    erase: int = 0
    glue: str = BLANK
    small: bool = False
    """Whether the final's first letter is small: it goes on with a sentence."""


def surviving(finals: Sequence[Follows]) -> list[str]:
    """Give what is left of each final's text once those after it have erased what they erase.

    With no `erase`, and the `glue` as it is, these texts make the same text as the finals.
    """
    texts = [final.text for final in finals]
    standing: list[tuple[int, str]] = []  # number of a final, and the glue before its text
    for number, final in enumerate(finals):
        left = final.erase
        while left > 0 and standing:
            last, glue = standing[-1]
            whole = glue + texts[last]
            rest = whole[: max(0, len(whole) - left)]
            texts[last] = rest[len(glue) :]
            if texts[last]:
                break
            standing.pop()
            left -= len(whole)
            if rest and standing:  # part of the glue stays: «. » had brought back a full stop
                texts[standing[-1][0]] += rest
        if final.text:
            standing.append((number, final.glue if standing else ""))
    return texts


def joint(before: str, finished: Finished, *, withheld: str = "") -> Joint:
    """Say how a finished text follows a session's text.

    Args:
        before: the text of the session so far.
        finished: what comes now.
        withheld: a mark that the last final's style left off.
    """
    kept = _without_last_words(before, finished.undo)
    kept = _without_last_sentences(kept, finished.undo_sentences)
    erase = len(before) - len(kept)
    if erase:
        withheld = ""
    if finished.sticks:
        begins_line = finished.text[:1] in "\n\t"
        return Joint(erase=erase, glue=withheld if begins_line else "")
    if not kept or kept[-1] in _OPENS:
        return Joint(erase=erase, glue="")
    small = finished.small_inside and not withheld and _goes_on(kept)
    return Joint(erase=erase, glue=withheld + BLANK, small=small)


def _goes_on(text: str) -> bool:
    """Whether the last sentence of a text did not end: after a comma, a word, or an ellipsis."""
    body = text.rstrip(BLANK)
    return body[-1:].isalnum() or body.endswith((*_INSIDE, "…", "..."))


def _without_last_words(text: str, words: int) -> str:
    for _ in range(words):
        body = text.rstrip()
        if not body:
            return ""
        text = body[: len(body) - len(body.rsplit(maxsplit=1)[-1])].rstrip(" \t")  # line ends stay
    return text


def _without_last_sentences(text: str, sentences: int) -> str:
    for _ in range(sentences):
        body = text.rstrip()
        ends = [
            found.end()
            for found in _MAY_END_SENTENCE.finditer(body)
            if found[0] == "\n" or body[found.end() : found.end() + 1].isspace()
        ]
        text = body[: ends[-1]] if ends else ""
        if not text:
            break
    return text
