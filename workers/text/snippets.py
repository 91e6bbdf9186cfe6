"""Saying a snippet's trigger inserts its text.

    trigger «моя почта», text «ivan@example.ru»
    «Пишите на моя почта.» -> «Пишите на ivan@example.ru.»
    «Моя почта.»           -> «ivan@example.ru»          the whole text: no full stop of ours

The inserted text stands in one token, blanks and line ends as they are.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from workers.contract.finishing import Marker, Moment, Snippet
from workers.text.removal import bare
from workers.text.tokens import SENTENCE_ENDS, Token, one, read

Place: TypeAlias = Literal["clipboard", "cursor"]
_BRACES: Final = re.compile(r"\{\{|\}\}|\{([a-z]+)\}")
_SIGNS: Final[Mapping[str, Place]] = {"\ufdd0": "clipboard", "\ufdd1": "cursor"}
"""Stand for the places until the text is written; Unicode noncharacters, which no text may hold."""
_PLACES: Final[Mapping[str, str]] = {name: sign for sign, name in _SIGNS.items()}
_ANY_SIGN: Final = re.compile("[" + "".join(_SIGNS) + "]")
MOST_LETTERS: Final = 200_000
"""Letters inserted into one text; what comes after stays as it was said. 20 of the longest snippets
that can be stored: more is a loop of some player, not a person."""


@dataclass(frozen=True, slots=True)
class Triggers:
    """Snippets by the first word of their triggers; make it once for a person, with `indexed`."""

    by_first: Mapping[str, tuple[tuple[tuple[str, ...], str], ...]]
    """The words of the trigger and the text; the longest trigger first."""


def indexed(snippets: Iterable[Snippet]) -> Triggers:
    """Index snippets; of two with the same trigger the first wins. Triggers without words are none."""
    found: dict[str, dict[tuple[str, ...], str]] = {}
    for snippet in snippets:
        words = tuple(token.key for token in read(snippet.trigger) if token.word)
        if words:
            found.setdefault(words[0], {}).setdefault(words, snippet.text)
    return Triggers(
        {
            first: tuple(sorted(texts.items(), key=lambda pair: -len(pair[0])))
            for first, texts in found.items()
        }
    )


def expand(tokens: Sequence[Token], triggers: Triggers, moment: Moment) -> tuple[Token, ...]:
    """Insert the texts of snippets whose triggers were said.

    Places for the client are in the tokens as signs; `placed` takes them out of the written text.

    Args:
        tokens: a text.
        triggers: the person's snippets, indexed.
        moment: what {date}, {time} and {name} stand for.
    """
    row: list[Token] = []
    place, inserted = 0, 0
    spoken = sum(1 for token in tokens if token.word)
    while place < len(tokens):
        words, text = _said_at(tokens, place, triggers)
        filled = _filled(text, moment) if words else ""
        if not words or inserted + len(filled) > MOST_LETTERS:
            row.append(tokens[place])
            place += 1
            continue
        inserted += len(filled)
        said = tokens[place : place + words]
        row.append(_inserted(said, filled, is_whole=words == spoken))
        place += words
    return tuple(row)


def placed(text: str) -> tuple[str, tuple[Marker, ...]]:
    """Take the signs of places out of a written text, and say where they were."""
    parts: list[str] = []
    markers: list[Marker] = []
    length, start = 0, 0
    for sign in _ANY_SIGN.finditer(text):
        part = text[start : sign.start()]
        length += len(part)
        parts.append(part)
        markers.append(Marker(_SIGNS[sign[0]], length))
        start = sign.end()
    parts.append(text[start:])
    return "".join(parts), tuple(markers)


def _said_at(tokens: Sequence[Token], place: int, triggers: Triggers) -> tuple[int, str]:
    """Give how many words from a place on are a trigger, and its text; 0: none."""
    for words, text in triggers.by_first.get(tokens[place].key, ()):
        said = tokens[place : place + len(words)]
        if tuple(token.key for token in said) == words:
            return len(words), text
    return 0, ""


def _filled(text: str, moment: Moment) -> str:
    values: dict[str, str] = {
        "date": moment.date,
        "time": moment.time,
        "name": moment.name,
        **_PLACES,
    }

    def value(brace: re.Match[str]) -> str:
        whole, name = brace.group(0), brace.group(1)
        return str(whole)[0] if name is None else values.get(str(name), str(whole))

    return _BRACES.sub(value, _ANY_SIGN.sub("", text))


def _inserted(said: Sequence[Token], text: str, *, is_whole: bool) -> Token:
    token = one(said, text)
    if is_whole:
        return replace(token, trail=bare(token.trail) if token.lead else "")
    written = _ANY_SIGN.sub("", text)
    if written[-1:] in SENTENCE_ENDS or written[-1:] in {",", ":", ";", "\n"}:
        return replace(token, trail=bare(token.trail))
    return token
