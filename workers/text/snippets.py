"""Saying a snippet's trigger inserts its text.

    trigger «моя почта», text «ivan@example.ru»
    «Пишите на моя почта.» -> «Пишите на ivan@example.ru.»
    «Моя почта.»           -> «ivan@example.ru»          the whole text: no full stop of ours

Numbers are in digits by then, or small and in words: a trigger «подпись 2» or «почта пятнадцать» is
known either way.

The inserted text stands in one token, blanks and line ends as they are.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from workers.contract.finishing import Marker, Moment, Snippet
from workers.text.merging.marks import is_cut_short
from workers.text.numbers.formats import GROUP, ordinal
from workers.text.numbers.numerals import NUMERALS
from workers.text.numbers.rules import write_numbers
from workers.text.numbers.runs import Number, Row
from workers.text.removal import bare
from workers.text.tokens import SENTENCE_ENDS, Token, one, read

Place: TypeAlias = Literal["clipboard", "cursor"]
_BRACES: Final = re.compile(r"\{\{|\}\}|\{([a-z]+)\}")
_NAME: Final = r"(?<!\{)\{name\}"
_BLANKS: Final = r"[ \t]{0,8}"
_NAMELESS: Final = (
    re.compile(
        rf"^{_BLANKS}{_NAME}{_BLANKS},?{_BLANKS}(?:\r?\n|\Z)", re.MULTILINE
    ),  # a line of its own
    re.compile(rf"^{_NAME},?{_BLANKS}", re.MULTILINE),
    re.compile(rf",?{_BLANKS}{_NAME}(?={_BLANKS}(?:\r?$|[.,!?]))", re.MULTILINE),
    re.compile(rf"[ \t]{_NAME}(?=[ \t])"),
)
"""What goes with a name where there is none: «С уважением, {name}»."""
_DANGLING: Final = re.compile(r",[ \t]{0,8}\r?\n?\Z")
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
    triggers = [
        (tuple(token for token in read(snippet.trigger) if token.word), snippet.text)
        for snippet in snippets
    ]
    spelt = [(tuple(map(_key, tokens)), text) for tokens, text in triggers]
    # What somebody typed goes before what it can be spelt like.
    spelt += [(words, text) for tokens, text in triggers for words in _in_digits(tokens)]
    for words, text in spelt:
        if words:
            found.setdefault(words[0], {}).setdefault(words, text)
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
    numbered = Row(tokens)
    while place < len(tokens):
        words, text = _said_at(numbered, place, triggers)
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


def _key(token: Token) -> str:
    """Give a word as triggers are compared: «25 000» is 25000."""
    return token.key.replace(GROUP, "")


def _in_digits(tokens: Sequence[Token]) -> Iterable[tuple[str, ...]]:
    """Spell a trigger in which numbers are words with digits: each by itself, and as texts have them."""
    if not any(token.key in NUMERALS for token in tokens):
        return
    row, place = Row(tokens), 0
    words: list[str] = []
    while place < len(row):
        number = row.number(place)
        digits = "" if number is None else _digits(number)
        words.append(digits or _key(tokens[place]))
        place += number.length if number is not None and digits else 1
    yield tuple(words)
    yield tuple(map(_key, write_numbers(tokens)))


def _digits(number: Number) -> str:
    """Write a number as the name of something; "": its form says that it is no name, «двух»."""
    if number.is_ordinal:
        return ordinal(number.value, number.ending)
    return str(number.value) if number.nominative else ""


def _said_at(row: Row, place: int, triggers: Triggers) -> tuple[int, str]:
    """Give how many words from a place on are a trigger, the longest, and its text; 0: none."""
    firsts = [_key(row.tokens[place])]
    if firsts[0] in NUMERALS and (number := row.number(place)) is not None:
        firsts.append(_digits(number))
    longest, its_text = 0, ""
    for first in firsts:
        for words, text in triggers.by_first.get(first, ()):
            said = _length_said(row, place, words)
            if said > longest:
                longest, its_text = said, text
            if said:
                break
    return longest, its_text


def _length_said(row: Row, place: int, words: Sequence[str]) -> int:
    """Give how many words from a place on are those of a trigger; 0: they are others."""
    at = place
    for word in words:
        if at >= len(row):
            return 0
        if _key(row.tokens[at]) == word:
            at += 1
            continue
        number = row.number(at) if word[:1].isdigit() else None
        if number is None or _digits(number) != word:
            return 0
        at += number.length
    return at - place


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

    text = _ANY_SIGN.sub("", text)
    return _BRACES.sub(value, text if moment.name else _nameless(text))


def _nameless(text: str) -> str:
    """Take {name} out, with the blank, the comma or the line that goes with it."""
    left = text
    for pattern in _NAMELESS:
        left = pattern.sub("", left)
    ended_in_name = text.rstrip().endswith("{name}") and left != text
    return _DANGLING.sub("", left) if ended_in_name else left


def _inserted(said: Sequence[Token], text: str, *, is_whole: bool) -> Token:
    token = one(said, text)
    if is_whole:
        return replace(token, trail=bare(token.trail) if token.lead else "")
    written = _ANY_SIGN.sub("", text)
    last = read(written)[-1:]
    if written[-1:] == "." and last and not _is_sentence(written, last[0]):
        # «5 мая 1990 г.», an address: its full stop does for the end of a sentence and nothing else.
        return replace(token, trail=bare(token.trail)) if token.trail[:1] in {".", "…"} else token
    if written[-1:] in SENTENCE_ENDS or written[-1:] in {",", ":", ";", "\n"}:
        return replace(token, trail=bare(token.trail))
    return token


def _is_sentence(text: str, last: Token) -> bool:
    """Whether a text with a full stop is a sentence of its own, not a name that ends in one."""
    return text[:1].isupper() and len(text.split()) > 1 and not is_cut_short(last)
