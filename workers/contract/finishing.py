"""How a person wants their texts finished, and what became of one: the contract of the text pipeline.

`workers.text.pipeline` does it; the service says what is wanted and shows what came of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from workers.contract.words import Word

Style: TypeAlias = Literal["raw", "neutral", "formal", "chat", "code", "email"]
"""How a finished text looks where it goes (`workers.text.styles`); raw: it is left as recognised."""


class Step(StrEnum):
    """A step of the pipeline, in the order in which they are taken."""

    TERMS = "terms"  # the person's own words as they want them
    FILLERS = "fillers"  # «э-э», «ну вот», words said twice go
    PUNCTUATION = "punctuation"  # marks and case
    NUMBERS = "numbers"  # «двадцать пять» is 25
    COMMANDS = "commands"  # «новая строка»
    SNIPPETS = "snippets"  # a trigger is the text it stands for
    PROFANITY = "profanity"  # obscene words are masked; off unless asked for
    STYLE = "style"  # as it should look where it goes


USUAL_STEPS: Final = frozenset(Step) - {Step.PROFANITY}
"""What is done for who never said otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A word or phrase that a person wants written in one way."""

    term: str
    """As it is to be written."""
    sounds_like: tuple[str, ...] = ()
    """How it is heard, where that is not how it is written."""
    language: str | None = None
    """ISO 639-1 code of the language it is said in; None: any."""
    is_case_sensitive: bool = False
    """Whether its own letters in another case are another word: «МИД» but not «мид»."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A text that stands for a phrase."""

    trigger: str
    """The phrase to say; marks and capitals do not matter."""
    text: str
    """What is inserted. {date}, {time}, {name}, {clipboard}, {cursor}; `{{` and `}}` are braces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who speaks, as far as a snippet can say it."""

    name: str = ""
    language: Literal["ru", "en"] = "ru"
    """Of their interface: in which a date is written."""
    time_zone: str = "UTC"
    """IANA name of the zone in which they have the date and the time of day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What variables of snippets stand for, as the person's language writes it."""

    date: str = ""
    time: str = ""
    name: str = ""
    """Of the person."""


TAKING_BACK: Final = frozenset({"delete_word", "delete_sentence", "undo"})
"""Commands that delete what was said before: of no use to programs that cannot take back a text."""
NOBODY: Final = Person()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finishing:
    """How one person wants their texts."""

    steps: frozenset[Step] = USUAL_STEPS
    style: Style = "neutral"
    commands_off: frozenset[str] = frozenset()
    """Names of commands (docs/text_commands.md) that stay words."""
    terms: tuple[Term, ...] = ()
    snippets: tuple[Snippet, ...] = ()
    person: Person = NOBODY

    @property
    def joins_sentences(self) -> bool:
        """Whether sentences that pauses had cut are to be joined in the transcript."""
        return Step.PUNCTUATION in self.steps and self.style not in ("raw", "code")


@dataclass(frozen=True, slots=True)
class Marker:
    """A place in a text that only the client can fill."""

    name: Literal["clipboard", "cursor"]
    """«clipboard»: insert what is in the clipboard; «cursor»: leave the cursor there."""
    offset: int
    """Code points before it in the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a step did."""

    step: Step
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A text as its person wants it."""

    text: str
    words: tuple[Word, ...] = ()
    """Of the text, with their times; empty unless the recogniser gave times."""
    steps: tuple[Taken, ...] = ()
    """Those that were taken, in order, also where they changed nothing."""
    undo: int = 0
    """Words to delete from the end of what came before."""
    undo_sentences: int = 0
    """Sentences to delete from the end of what came before, after those words."""
    sticks: bool = False
    """Whether no blank belongs between it and what came before."""
    withheld: str = ""
    """A mark that its style left off at the end, and that belongs there if more text follows."""
    small_inside: bool = False
    """Whether the text begins with a capital only because a sentence does: where it goes on with one,
    that letter is small."""
    markers: tuple[Marker, ...] = ()
    """Places in the text that only the client can fill."""


def style_for(app: str | None, style: Style, app_styles: Mapping[str, Style]) -> Style:
    """Say which style a text gets.

    Args:
        app: name of the application it goes to, if the client told; case does not matter.
        style: the person's, for all other applications.
        app_styles: styles of single applications, by their name.
    """
    if app is None:
        return style
    by_name = {name.casefold(): each for name, each in app_styles.items()}
    return by_name.get(app.casefold(), style)
