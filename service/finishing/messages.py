"""What is asked and answered about a text to finish, over HTTP and on the command line."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.library.fields import Language, Line, Text
from workers.contract.finishing import Finished, Finishing, Step, Style

LONGEST_REQUEST: Final = 100_000
"""Letters of a text that comes over HTTP: 10,000 words and more, three quarters of an hour of speech."""


class TextRequest(BaseModel):
    """A text, and what is to be done with it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Annotated[Text, Field(min_length=1, max_length=LONGEST_REQUEST)]
    """Its blanks and line ends only part words."""
    language: Language | None = None
    """None: not known; Russian rules are used where the letters are Cyrillic."""
    steps: (
        Annotated[list[Annotated[Step, Field(strict=False)]], Field(max_length=len(Step))] | None
    ) = None
    """Which steps are taken; their order is always the same. None: those that the person prefers."""
    style: Style | None = None
    """How the text looks. None: as the person prefers it, in this application if that is named."""
    app: Annotated[Line, Field(max_length=100)] | None = None
    """Name of the application that the text goes to."""


class StepTaken(BaseModel):
    """What a step did."""

    name: Step
    before: str
    after: str


class Place(BaseModel):
    """A place in the text that only the client can fill."""

    name: Literal["clipboard", "cursor"]
    offset: int
    """Code points before it."""


class FinishedText(BaseModel):
    """A finished text, and how it became so."""

    text: str
    steps: list[StepTaken]
    """Those that were taken, in order, also where they changed nothing."""
    markers: list[Place]
    punctuator: str | None
    """Name of the punctuation model; None: there is none, and marks are only repaired."""


def as_asked(
    finishing: Finishing, *, steps: Iterable[Step] | None, style: Style | None
) -> Finishing:
    """Give a person's wishes with what was asked for this once.

    Args:
        finishing: the person's wishes.
        steps: to be taken; None: as they wish. Named steps are taken also where they wish for the
            raw text.
        style: None: as they wish.
    """
    if steps is not None:
        finishing = replace(finishing, steps=frozenset(steps))
        if style is None and finishing.style == "raw":
            style = "neutral"
    return finishing if style is None else replace(finishing, style=style)


def told(done: Finished, punctuator: str | None) -> FinishedText:
    """Tell a client what became of a text."""
    return FinishedText(
        text=done.text,
        steps=[
            StepTaken(name=taken.step, before=taken.before, after=taken.after)
            for taken in done.steps
        ],
        markers=[Place(name=marker.name, offset=marker.offset) for marker in done.markers],
        punctuator=punctuator,
    )
