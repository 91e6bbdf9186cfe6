"""The commands there are, how they are said, and how sure we must be that one is meant.

docs/text_commands.md has the same table; a test compares them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final


class Effect(Enum):
    """What a command does to the text."""

    MARK = "mark"  # a mark after the word before; closes nothing
    DASH = "dash"  # a dash between two words
    BREAK = "break"  # a line end, a paragraph, a tab between two words
    ITEM = "item"  # a new line that begins as an item of a list
    OPEN = "open"  # a quote or bracket before the next word
    CLOSE = "close"  # a quote or bracket after the word before
    JOIN = "join"  # the words before and after become one
    SPACE = "space"  # nothing but the blank that is there
    CAPITALS = "capitals"  # the next word, or all up to the closing phrase, in capital letters
    CAPITAL = "capital"  # the next word begins with a capital letter
    DELETE_WORD = "delete_word"  # the last word goes
    DELETE_SENTENCE = "delete_sentence"  # what was said since the last sentence end goes
    WRITE = "write"  # a sign as a word of its own


class Surety(Enum):
    """What must speak for a command, beside that no word next to it speaks against it.

    *Set off* is: a mark, a pause, the beginning or end of the text, or another command. Several commands
    in a text make up for it where one is not set off (`surroundings`).
    """

    FREE = "free"  # nothing; but a dash at the end of a clause is set off before it
    SIDE = "side"  # a mark: set off after it, or a sentence seems to begin there; others: by their effect
    AFTER = "after"  # a mark as SIDE, or set off on both sides; a line: set off on both, with exceptions
    BOTH = "both"  # set off on both sides
    ALONE = "alone"  # a sentence of its own: it destroys


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command."""

    name: str
    """Stable: it is switched off by this name."""
    effect: Effect
    writes: str = ""
    """The mark or sign."""
    surety: Surety
    russian: tuple[str, ...]
    """Phrases, small letters."""
    english: tuple[str, ...]
    english_surety: Surety | None = None
    """Where English words need another surety."""
    ends: tuple[str, ...] = ()
    """Phrases that end what the command began."""


COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        name="new_line",
        effect=Effect.BREAK,
        writes="\n",
        surety=Surety.AFTER,
        russian=("новая строка", "с новой строки"),
        english=("new line", "newline"),
    ),
    Command(
        name="new_paragraph",
        effect=Effect.BREAK,
        writes="\n\n",
        surety=Surety.AFTER,
        russian=("новый абзац", "с нового абзаца"),
        english=("new paragraph",),
    ),
    Command(
        name="paragraph",
        effect=Effect.BREAK,
        writes="\n\n",
        surety=Surety.BOTH,
        russian=("абзац",),
        english=(),
    ),
    Command(
        name="new_item",
        effect=Effect.ITEM,
        writes="- ",
        surety=Surety.AFTER,
        russian=("новый пункт", "следующий пункт"),
        english=("new item", "new bullet", "bullet point"),
        english_surety=Surety.BOTH,
    ),
    Command(
        name="tab",
        effect=Effect.BREAK,
        writes="\t",
        surety=Surety.BOTH,
        russian=("табуляция",),
        english=("tab key",),
    ),
    Command(
        name="period",
        effect=Effect.MARK,
        writes=".",
        surety=Surety.AFTER,
        russian=("точка",),
        english=("period", "full stop"),
        english_surety=Surety.BOTH,
    ),
    Command(
        name="comma",
        effect=Effect.MARK,
        writes=",",
        surety=Surety.SIDE,
        russian=("запятая",),
        english=("comma",),
        english_surety=Surety.BOTH,
    ),
    Command(
        name="colon",
        effect=Effect.MARK,
        writes=":",
        surety=Surety.SIDE,
        russian=("двоеточие",),
        english=("colon",),
        english_surety=Surety.BOTH,
    ),
    Command(
        name="semicolon",
        effect=Effect.MARK,
        writes=";",
        surety=Surety.FREE,
        russian=("точка с запятой",),
        english=("semicolon",),
        english_surety=Surety.BOTH,
    ),
    Command(
        name="question_mark",
        effect=Effect.MARK,
        writes="?",
        surety=Surety.SIDE,
        russian=("вопросительный знак", "знак вопроса"),
        english=("question mark",),
    ),
    Command(
        name="exclamation_mark",
        effect=Effect.MARK,
        writes="!",
        surety=Surety.SIDE,
        russian=("восклицательный знак",),
        english=("exclamation mark", "exclamation point"),
    ),
    Command(
        name="ellipsis",
        effect=Effect.MARK,
        writes="…",
        surety=Surety.BOTH,
        russian=("многоточие",),
        english=("ellipsis", "dot dot dot"),
    ),
    Command(
        name="dash",
        effect=Effect.DASH,
        writes="—",
        surety=Surety.FREE,
        russian=("тире",),
        english=("dash", "em dash"),
        english_surety=Surety.BOTH,
    ),
    Command(
        name="hyphen",
        effect=Effect.JOIN,
        writes="-",
        surety=Surety.FREE,
        russian=("дефис",),
        english=("hyphen",),
        english_surety=Surety.BOTH,
    ),
    Command(
        name="open_quote",
        effect=Effect.OPEN,
        writes="«",
        surety=Surety.SIDE,
        russian=("открыть кавычки", "открой кавычки", "кавычки открываются", "открывающая кавычка"),
        english=("open quote", "open quotes"),
    ),
    Command(
        name="close_quote",
        effect=Effect.CLOSE,
        writes="»",
        surety=Surety.SIDE,
        russian=("закрыть кавычки", "закрой кавычки", "кавычки закрываются", "закрывающая кавычка"),
        english=("close quote", "close quotes", "end quote"),
    ),
    Command(
        name="open_bracket",
        effect=Effect.OPEN,
        writes="(",
        surety=Surety.SIDE,
        russian=("открыть скобку", "открой скобку", "скобка открывается", "открывающая скобка"),
        english=("open parenthesis", "open paren", "open bracket"),
    ),
    Command(
        name="close_bracket",
        effect=Effect.CLOSE,
        writes=")",
        surety=Surety.SIDE,
        russian=("закрыть скобку", "закрой скобку", "скобка закрывается", "закрывающая скобка"),
        english=("close parenthesis", "close paren", "close bracket"),
    ),
    Command(
        name="space",
        effect=Effect.SPACE,
        surety=Surety.BOTH,
        russian=("пробел",),
        english=("space bar",),
    ),
    Command(
        name="capitals",
        effect=Effect.CAPITALS,
        surety=Surety.SIDE,
        russian=("капсом",),
        english=("all caps",),
        english_surety=Surety.BOTH,
        ends=("конец капса", "end caps"),
    ),
    Command(
        name="capital",
        effect=Effect.CAPITAL,
        surety=Surety.SIDE,
        russian=("с большой буквы", "с заглавной буквы"),
        english=("capital letter",),
        english_surety=Surety.BOTH,
    ),
    Command(
        name="joined",
        effect=Effect.JOIN,
        surety=Surety.SIDE,
        russian=("слитно",),
        english=("no space",),
        english_surety=Surety.BOTH,
    ),
    Command(
        name="delete_word",
        effect=Effect.DELETE_WORD,
        surety=Surety.ALONE,
        russian=(
            "удали последнее слово",
            "удалить последнее слово",
            "сотри последнее слово",
            "удали последнее",
            "удалить последнее",
        ),
        english=("delete last word", "delete the last word"),
    ),
    Command(
        name="delete_sentence",
        effect=Effect.DELETE_SENTENCE,
        surety=Surety.ALONE,
        russian=(
            "удали последнее предложение",
            "удалить последнее предложение",
            "сотри последнее предложение",
        ),
        english=("delete last sentence", "delete the last sentence"),
    ),
    Command(
        name="undo",
        effect=Effect.DELETE_SENTENCE,
        surety=Surety.ALONE,
        russian=("отмени", "отменить"),
        english=("scratch that", "undo that"),
    ),
    Command(
        name="smile",
        effect=Effect.WRITE,
        writes="🙂",
        surety=Surety.BOTH,
        russian=("смайлик",),
        english=("smiley face",),
    ),
    Command(
        name="sad_smile",
        effect=Effect.WRITE,
        writes="🙁",
        surety=Surety.BOTH,
        russian=("грустный смайлик",),
        english=("sad face",),
    ),
)
NAMES: Final = frozenset(command.name for command in COMMANDS)


@dataclass(frozen=True, slots=True)
class Phrase:
    """One way to say a command."""

    words: tuple[str, ...]
    command: Command
    is_english: bool
    is_end: bool = False
    """Whether it ends what the command began."""

    @property
    def surety(self) -> Surety:
        """What must speak for it."""
        if self.is_english and self.command.english_surety is not None:
            return self.command.english_surety
        return self.command.surety


def _phrases() -> Mapping[str, tuple[Phrase, ...]]:
    found: dict[str, list[Phrase]] = {}
    for command in COMMANDS:
        said = [
            *(Phrase(tuple(text.split()), command, is_english=False) for text in command.russian),
            *(Phrase(tuple(text.split()), command, is_english=True) for text in command.english),
            *(
                Phrase(tuple(text.split()), command, is_english=text.isascii(), is_end=True)
                for text in command.ends
            ),
        ]
        for phrase in said:
            found.setdefault(phrase.words[0], []).append(phrase)
    return MappingProxyType(
        {
            first: tuple(sorted(phrases, key=lambda phrase: -len(phrase.words)))
            for first, phrases in found.items()
        }
    )


PHRASES: Final = _phrases()
"""All phrases by their first word, the longest first."""
