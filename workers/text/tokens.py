"""A text as a row of tokens: words with the marks that stick to them and the time they were said.

Every step of the text pipeline takes such a row and gives one. `read` and `written` are inverse to
each other but for blanks: each row of ASCII blanks and line ends becomes one blank, outer ones go; and
but for U+FDD0 to U+FDEF, which no text needs and which mean something between the steps (`snippets`).
Nothing else parts words: a no-break space is part of one, so that «25 000» and «+7 912 123-45-67»
stay one token where a finished text is read again.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from workers.contract.words import Word

_MARKS: Final = re.compile(r"""[\s.,!?…:;—–\-"'«»„“”‘’()\[\]{}<>*]*""")
_PARTS_WORDS: Final = re.compile(r"[ \t-\r\x1c-\x1f\x85\u2028\u2029]+")
"""ASCII blanks and what `str.splitlines` takes as a line end."""
_NONCHARACTERS: Final = re.compile("[\ufdd0-\ufdef]")
"""For a program's own use (Unicode, section 23.7): what stands for such a use came from nobody."""
SENTENCE_ENDS: Final = frozenset(".!?…")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """When a token was said, and how sure the recogniser was."""

    start: int
    """First sample, counted from the start of the window."""
    end: int
    """Sample after the last."""
    probability: float
    """0.0 to 1.0."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word as it is written."""

    word: str
    """Letters, digits and signs without the marks around them: «кто-то», «3,5», «C++», «😀».
    Empty only where a text has no word at all, or where a step put a mark that no word carries."""
    lead: str = ""
    """Marks before the word: «(», «"», «— »."""
    trail: str = ""
    """Marks after the word: «,», «?!», «».», « —»."""
    gap: str = " "
    """What stands between it and the next: a blank, line ends, or nothing."""
    is_spelt: bool = False
    """Whether its letters are as the person wants them: a term of theirs. Its case stays."""
    heard: Heard | None = None
    """None: the recogniser gave no times, or nobody said this."""

    @property
    def text(self) -> str:
        """The token with its marks."""
        return f"{self.lead}{self.word}{self.trail}"

    @property
    def key(self) -> str:
        """The word as rules look for it: small letters, ё as е."""
        return self.word.lower().replace("ё", "е")

    @property
    def ends_sentence(self) -> bool:
        """Whether a sentence ends after it."""
        return any(mark in SENTENCE_ENDS for mark in self.trail) or "\n" in self.gap


def read(text: str) -> tuple[Token, ...]:
    """Read a text: blanks part the words; marks alone stick to the word before, at first after."""
    tokens: list[Token] = []
    waiting = ""  # marks before the first word
    for part in filter(None, _PARTS_WORDS.split(_NONCHARACTERS.sub("", text))):
        lead = _marks(part)
        word = part[len(lead) :]
        trail = _marks(word[::-1])[::-1]
        if word:
            tokens.append(Token(word[: len(word) - len(trail)], waiting + lead, trail))
            waiting = ""
        elif tokens:
            tokens[-1] = replace(tokens[-1], trail=f"{tokens[-1].trail} {part}")
        else:
            waiting += f"{part} "
    if waiting:
        tokens.append(Token("", waiting[:-1]))
    return tuple(tokens)


def _marks(text: str) -> str:
    found = _MARKS.match(text)
    return found[0] if found else ""


def written(tokens: Iterable[Token]) -> str:
    """Write a row of tokens as text; what stands after the last is left out."""
    parts: list[str] = []
    for token in tokens:
        parts += (token.text, token.gap)
    return "".join(parts[:-1])


def heard(tokens: Sequence[Token], words: Sequence[Word]) -> tuple[Token, ...]:
    """Give tokens the times of the recogniser's words.

    Both are ways to cut the same text, blanks aside; a token gets the time of all words it shares a
    letter with.

    Args:
        tokens: as read from the text of a hypothesis.
        words: of the same hypothesis; if they spell another text, the tokens stay without times.
    """
    spelt = "".join("".join(word.text.split()) for word in words)
    if spelt != "".join("".join(token.text.split()) for token in tokens):
        return tuple(tokens)
    timed: list[Token] = []
    place, following, ends_at = 0, 0, 0
    current: Word | None = None
    for token in tokens:
        end = place + len("".join(token.text.split()))
        shared: list[Word] = [current] if current is not None and ends_at > place else []
        while ends_at < end:
            current = words[following]
            following += 1
            ends_at += len("".join(current.text.split()))
            shared.append(current)
        timed.append(replace(token, heard=_together(shared)))
        place = end
    return tuple(timed)


def _together(words: Sequence[Word]) -> Heard | None:
    if not words:
        return None
    return Heard(
        start=words[0].start,
        end=words[-1].end,
        probability=sum(word.probability for word in words) / len(words),
    )


def one(tokens: Sequence[Token], word: str) -> Token:
    """Put another word in the place of several.

    Args:
        tokens: 1 or more, next to each other: the outer marks and the time of all of them are kept.
        word: what is written instead.
    """
    times = [token.heard for token in tokens if token.heard is not None]
    return Token(
        word,
        lead=tokens[0].lead,
        trail=tokens[-1].trail,
        gap=tokens[-1].gap,
        heard=Heard(
            start=times[0].start,
            end=times[-1].end,
            probability=sum(time.probability for time in times) / len(times),
        )
        if times
        else None,
    )


def as_words(tokens: Iterable[Token]) -> tuple[Word, ...]:
    """Give the words with their times, for clients; tokens that nobody said have none."""
    return tuple(
        Word(
            text=token.text,
            start=token.heard.start,
            end=token.heard.end,
            probability=token.heard.probability,
        )
        for token in tokens
        if token.heard is not None and token.text
    )
