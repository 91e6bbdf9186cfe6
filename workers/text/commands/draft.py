"""The text that commands act on, word by word."""

from dataclasses import replace
from enum import Enum
from typing import Final

from workers.text.commands.uncapitalised import is_common
from workers.text.letters import capitalised, lowered
from workers.text.removal import bare
from workers.text.tokens import SENTENCE_ENDS, Token, one

_SOFT: Final = " ,;—–-"
"""Marks with which a recogniser sets a command off; they go with it."""


class Shape(Enum):
    """What becomes of the next word's letters."""

    SAID = "said"
    LARGE = "large"  # a capital letter at its beginning
    SMALL = "small"  # no capital letter, if it is a word that nobody would write with one
    UPPER = "upper"  # all in capital letters


class Draft:
    """A text that grows: words are added, commands act on its end.

    Marks that a command wrote are *firm*: what comes after adds to them and takes none away.
    """

    def __init__(self) -> None:
        self.shape = Shape.SAID
        """Of the next word."""
        self.undo = 0
        """Words to delete from what came before this text."""
        self.undo_sentences = 0
        """Sentences to delete from what came before this text."""
        self._tokens: list[Token] = []
        self._is_firm = False
        self._has_heard_stop = (
            False  # the last mark is a full stop of the recogniser's behind a quote
        )
        self._lead = ""
        self._joint: str | None = None

    def add(self, token: Token) -> None:
        """Add a word that was said."""
        word = _shaped(token.word, token.key, self.shape)
        token = replace(token, word=word, lead=self._lead + token.lead)
        if self._joint is not None and self._tokens:
            before = self._tokens.pop()
            token = one([before, token], f"{before.word}{self._joint}{token.word}")
        self._tokens.append(token)
        self._joint, self._lead = None, ""
        self._is_firm = self._has_heard_stop = False
        self.shape = Shape.SAID

    def mark(self, sign: str, *, ended: bool, keeps: str = "") -> None:
        """Put a mark after the last word instead of the recogniser's.

        Args:
            sign: the mark.
            ended: whether the recogniser had a sentence end after the command.
            keeps: marks of the recogniser that this one does not stand instead of.
        """
        ended = ended or self._ends_sentence()
        last = self._last()
        if not self._is_firm:
            kept = bare(last.trail) + "".join(mark for mark in last.trail if mark in keeps)
        else:
            kept = last.trail[:-1] if self._has_heard_stop else last.trail
        self._replace_last(replace(last, trail=kept + sign))
        self._is_firm, self._has_heard_stop = True, False
        if sign in ".!?":
            self.shape = Shape.LARGE
        elif ended:
            self.shape = Shape.SMALL

    def dash(self, sign: str, *, ended: bool) -> None:
        """Put a dash after the last word, or before the first of a text or a line."""
        if not self._tokens or "\n" in self._tokens[-1].gap:
            self._lead += f"{sign} "
            return
        self.mark(f" {sign}", ended=ended, keeps="?!")

    def end_line(self, sign: str) -> None:
        """End a line, a paragraph or a column after the last word."""
        last = self._last()
        trail = last.trail if self._is_firm else last.trail.rstrip(_SOFT)
        gap = last.gap if "\n" in last.gap or "\t" in last.gap else ""
        self._replace_last(replace(last, trail=trail, gap=gap + sign))
        self._is_firm = True
        if "\n" in sign:
            self.shape = Shape.LARGE

    def begin_item(self, sign: str) -> None:
        """Begin an item of a list on a line of its own."""
        if not self._tokens or "\n" not in self._tokens[-1].gap:
            self.end_line("\n")
        self._lead, self.shape = sign, Shape.LARGE

    def open(self, sign: str) -> None:
        """Put a quote or bracket before the next word."""
        self._soften()
        self._lead += sign

    def close(self, sign: str, *, ended: bool) -> None:
        """Put a quote or bracket after the last word; a full stop of the recogniser goes behind it.

        Args:
            sign: the quote or bracket.
            ended: whether the recogniser had a sentence end after the command.
        """
        last = self._last()
        trail = last.trail
        if not self._is_firm:
            stop = "." if last.word and (ended or trail.endswith(".")) else ""
            loud = "".join(mark for mark in trail if mark in "!?…")
            self._has_heard_stop = bool(stop) and not loud
            trail = bare(trail) + loud + sign + ("" if loud else stop)
        else:
            self._has_heard_stop = False
            trail += sign
        self._replace_last(replace(last, trail=trail))
        self._is_firm = True

    def join(self, joint: str) -> None:
        """Make the last word and the next one word."""
        if not self._tokens or not self._tokens[-1].word:
            return
        last = self._tokens[-1]
        self._tokens[-1] = replace(last, trail=bare(last.trail))
        self._joint = (self._joint or "") + joint  # «дефис дефис»
        if not joint:
            self.shape = Shape.SMALL

    def write(self, sign: str) -> None:
        """Write a sign that nobody said as a word."""
        self._soften()
        self._tokens.append(Token(sign))
        self._is_firm = True

    def delete_word(self) -> None:
        """Take the last word away; if there is none, count it."""
        while self._tokens and not self._tokens[-1].word:
            self._tokens.pop()
        if self._tokens:
            self._deleted(self._tokens.pop())
        else:
            self.undo += 1

    def delete_sentence(self) -> None:
        """Take away what was said since the last sentence end; if there is nothing, count it."""
        while self._tokens and not self._tokens[-1].word:
            self._tokens.pop()
        if not self._tokens:
            self.undo_sentences += 1
            return
        first = self._tokens.pop()
        while self._tokens and not self._tokens[-1].ends_sentence:
            first = self._tokens.pop()
        self._deleted(first)

    def drop_command(self, trail: str) -> None:
        """Keep the sentence end that the recogniser put after a command without marks of its own."""
        if self._tokens and not self._is_firm and any(mark in SENTENCE_ENDS for mark in trail):
            self._soften()
            last = self._tokens[-1]
            if not last.ends_sentence:
                self._tokens[-1] = replace(last, trail=last.trail + trail.strip())

    def finished(self) -> tuple[Token, ...]:
        """Give the text; line ends at its end are a token of their own."""
        tokens = list(self._tokens)
        if self._lead:
            tokens.append(Token("", lead=self._lead.rstrip(" ") if tokens else self._lead))
        elif tokens and tokens[-1].gap != " ":
            last = tokens.pop()
            if last.text:
                tokens.append(replace(last, gap=""))
            tokens.append(Token("", lead=last.gap, gap=""))
        return tuple(tokens)

    def _deleted(self, first: Token) -> None:
        self._lead, self._joint = "", None
        self._is_firm = self._has_heard_stop = False
        if not self._tokens or self._ends_sentence():
            self.shape = Shape.LARGE if first.word[:1].isupper() else Shape.SAID
        else:
            self.shape = Shape.SMALL

    def _soften(self) -> None:
        if self._tokens and not self._is_firm:
            last = self._tokens[-1]
            self._tokens[-1] = replace(last, trail=last.trail.rstrip(_SOFT))

    def _ends_sentence(self) -> bool:
        return bool(self._tokens) and self._tokens[-1].ends_sentence

    def _last(self) -> Token:
        """Give the last token; before the first word: one without a word."""
        return self._tokens[-1] if self._tokens else Token("")

    def _replace_last(self, token: Token) -> None:
        self._tokens[-1:] = [token]


def _shaped(word: str, key: str, shape: Shape) -> str:
    if shape is Shape.UPPER:
        return word.upper()
    if shape is Shape.LARGE:
        return capitalised(word)
    if shape is Shape.SMALL and is_common(key) and key != "i":
        return lowered(word)
    return word
