"""Spoken commands are carried out: «привет запятая как дела» is «привет, как дела»."""

from bisect import bisect_left
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Final

from workers.text.commands.draft import Draft, Shape
from workers.text.commands.evidence import Found
from workers.text.commands.surroundings import find, meant
from workers.text.commands.table import Effect
from workers.text.tokens import Token

_STICKING: Final = frozenset(".,!?…:;»)\n\t")
_ENGLISH_QUOTES: Final = {"«": "“", "»": "”"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Obeyed:
    """What commands made of a text."""

    tokens: tuple[Token, ...]
    """The text. A mark or a line end at its beginning or end is a token without a word."""
    undo: int = 0
    """Words to delete from the end of what came before this text."""
    undo_sentences: int = 0
    """Sentences to delete from the end of what came before this text, after those words."""

    @property
    def sticks(self) -> bool:
        """Whether no blank belongs between this text and what came before: it begins with a mark."""
        if not self.tokens or self.tokens[0].word:
            return False
        begins = (self.tokens[0].text or self.tokens[0].gap)[:1]
        return begins in _STICKING


def obey(tokens: Sequence[Token], off: Set[str] = frozenset()) -> Obeyed:
    """Carry out the commands in a text; words that only sound like commands stay words.

    Args:
        tokens: a text.
        off: names of commands that are off: their words stay, and say nothing about other words.
    """
    found = find(tokens)
    if not found:
        return Obeyed(tokens=tuple(tokens))
    enabled = [each for each in found if each.phrase.command.name not in off]
    commands = {each.start: each for each in meant(tokens, enabled)}
    if not commands:
        return Obeyed(tokens=tuple(tokens))
    endings = [each for each in enabled if each.phrase.is_end]
    draft = Draft()
    place, upper_until, ending = 0, -1, -1
    while place < len(tokens):
        command = commands.get(place)
        if place == ending:
            place = _after_ending(draft, tokens, endings, place)
        elif command is None:
            if place < upper_until:
                draft.shape = Shape.UPPER
            draft.add(tokens[place])
            place += 1
        else:
            if command.phrase.command.effect is Effect.CAPITALS:
                ending = _ending_of(command, endings)
                upper_until = ending if ending > 0 else command.end + 1
            else:
                _carry_out(draft, command, tokens[command.end - 1].trail)
            place = command.end
    return Obeyed(tokens=draft.finished(), undo=draft.undo, undo_sentences=draft.undo_sentences)


def _ending_of(command: Found, endings: Sequence[Found]) -> int:
    """Say where the phrase begins that ends a command; -1: it is not ended."""
    place = bisect_left(endings, command.end, key=lambda each: each.start)
    return endings[place].start if place < len(endings) else -1


def _after_ending(
    draft: Draft, tokens: Sequence[Token], endings: Sequence[Found], place: int
) -> int:
    end = endings[bisect_left(endings, place, key=lambda each: each.start)].end
    draft.drop_command(tokens[end - 1].trail)
    return end


def _carry_out(draft: Draft, found: Found, trail: str) -> None:  # noqa: PLR0912 - one arm an effect
    command = found.phrase.command
    sign = command.writes
    if found.phrase.is_english:
        sign = _ENGLISH_QUOTES.get(sign, sign)
    ended = any(mark in ".!?…" for mark in trail)
    match command.effect:
        case Effect.MARK:
            draft.mark(sign, ended=ended)
        case Effect.DASH:
            draft.dash(sign, ended=ended)
        case Effect.BREAK:
            draft.end_line(sign)
        case Effect.ITEM:
            draft.begin_item(sign)
        case Effect.OPEN:
            draft.open(sign)
        case Effect.CLOSE:
            draft.close(sign, ended=ended)
        case Effect.JOIN:
            draft.join(sign)
        case Effect.SPACE:
            draft.drop_command(trail)
        case Effect.CAPITALS:
            draft.shape = Shape.UPPER
        case Effect.CAPITAL:
            draft.shape = Shape.LARGE
        case Effect.DELETE_WORD:
            draft.delete_word()
        case Effect.DELETE_SENTENCE:
            draft.delete_sentence()
        case Effect.WRITE:
            draft.write(sign)
