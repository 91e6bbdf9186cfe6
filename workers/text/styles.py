"""How a finished text looks in the place it goes to.

    neutral  as it is
    formal   begins with a capital letter and ends with a mark
    chat     a short last sentence has no full stop; letters stay as they are
    code     no full stop, no capital letter at the beginning, straight quotes and hyphens
    email    as formal; the greeting and the farewell stand on lines of their own

`raw` is the style in which no step of the pipeline is taken at all: here, too, it changes nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from workers.contract.finishing import Style
from workers.text.letters import capitalised, has_latin, is_cyrillic, lowered
from workers.text.tokens import Token

CHAT_WORDS: Final = 15
"""Words up to which a last sentence is a short one: two lines on a telephone. Our choice: from there on
a text without a full stop looks broken off."""
_ABBREVIATED: Final = frozenset(
    "д п г гг в вв э др т тд тп пр руб коп тыс шт ул обл им стр с см etc e.g i.e a.m p.m a p inc ltd "
    "mr mrs dr".split()
)
"""Last words whose full stop is their own."""
_CLOSING: Final = "»“”’\"')]}>"
_STRAIGHT: Final = str.maketrans(
    {"«": '"', "»": '"', "„": '"', "“": '"', "”": '"', "‘": "'", "’": "'", "—": "-", "–": "-",
     "…": "...", "\u00a0": " ", "\u202f": " "}
)  # fmt: skip
_GREETS: Final = frozenset(
    "здравствуйте здравствуй привет приветствую уважаемый уважаемая уважаемые дорогой дорогая "
    "дорогие добрый доброе доброго коллеги hello hi dear good".split()
)
_PARTS: Final = (
    ("с", "уважением"), ("с", "наилучшими", "пожеланиями"), ("всего", "доброго"), ("best", "regards"),
    ("kind", "regards"), ("sincerely",), ("искренне", "ваш"), ("искренне", "ваша"),
)  # fmt: skip
_LONGEST_GREETING: Final = 6
_LONGEST_FAREWELL: Final = 8


def styled(tokens: Sequence[Token], style: Style) -> tuple[Token, ...]:
    """Make a finished text look as it should where it goes."""
    row = list(tokens)
    match style:
        case "formal":
            _complete(row)
        case "email":
            _complete(row)
            _part_greeting(row)
            _part_farewell(row)
        case "chat":
            _end_lightly(row)
        case "code":
            _straighten(row)
        case "raw" | "neutral":
            pass
    return tuple(row)


def begins_farewell(keys: Sequence[str]) -> bool:
    """Whether words, in small letters, begin as «С уважением, Анна» does."""
    return any(tuple(keys[: len(part)]) == part for part in _PARTS)


def _last_word(row: Sequence[Token]) -> int | None:
    """Say where the last token stands, if it is a word and no line end stands after it."""
    return len(row) - 1 if row and row[-1].word and " " not in row[-1].word else None


def _without_stop(token: Token) -> Token:
    """Take the full stop off that ends the text; one of a word cut short, or of an ellipsis, stays."""
    marks = token.trail.rstrip(_CLOSING)
    if not marks.endswith("."):
        return token
    before = marks[:-1]
    ends_phrase = before[-1:] in _CLOSING if before else token.key not in _ABBREVIATED
    return replace(token, trail=before + token.trail[len(marks) :]) if ends_phrase else token


def _complete(row: list[Token]) -> None:
    if row and row[0].word and " " not in row[0].word:
        row[0] = replace(row[0], word=capitalised(row[0].word))
    last = _last_word(row)
    if last is None or row[last].ends_sentence or row[last].trail.rstrip(' »“”")')[-1:] == ":":
        return
    if row[last].word[-1:].isalnum():
        row[last] = replace(row[last], trail=row[last].trail.rstrip(" ,;—–-") + ".")


def _end_lightly(row: list[Token]) -> None:
    last = _last_word(row)
    if last is None:
        return
    words = 1
    while words <= CHAT_WORDS and words < len(row) and not row[last - words].ends_sentence:
        words += 1
    if words <= CHAT_WORDS:
        row[last] = _without_stop(row[last])


def _straighten(row: list[Token]) -> None:
    last = _last_word(row)  # asked first: a number has no-break spaces, which become blanks
    for place, token in enumerate(row):
        if " " not in token.word and "\n" not in token.word:  # not the text of a snippet
            row[place] = replace(
                token,
                word=token.word.translate(_STRAIGHT),
                lead=token.lead.translate(_STRAIGHT),
                trail=token.trail.translate(_STRAIGHT),
            )
    if last is not None:
        row[last] = _without_stop(row[last])
    if row and _is_no_name(row):
        row[0] = replace(row[0], word=lowered(row[0].word))


def _is_no_name(row: Sequence[Token]) -> bool:
    """Whether the first word is capital only because a sentence begins: Latin among Cyrillic is a name."""
    first = row[0].word
    if first == "I" or " " in first or "\n" in first:
        return False
    return not has_latin(first) or not any(is_cyrillic(token.word) for token in row)


def _part_greeting(row: list[Token]) -> None:
    """End the line after «Здравствуйте, Иван Петрович!»."""
    if not row or row[0].key not in _GREETS:
        return
    for place, token in enumerate(row[:_LONGEST_GREETING]):
        if token.ends_sentence:
            if place + 1 < len(row) and "\n" not in token.gap:
                row[place] = replace(token, gap="\n\n")
                row[place + 1] = replace(row[place + 1], word=capitalised(row[place + 1].word))
            return


def _part_farewell(row: list[Token]) -> None:
    """Begin a line before «С уважением, Анна»; a signature has no full stop."""
    for place in range(max(1, len(row) - _LONGEST_FAREWELL), len(row)):
        before = row[place - 1]
        keys = [token.key for token in row[place : place + 3]]
        if before.ends_sentence and begins_farewell(keys):
            if "\n" not in before.gap:
                row[place - 1] = replace(before, gap="\n\n")
            last = _last_word(row)
            if last is not None:
                row[last] = _without_stop(row[last])
            return
