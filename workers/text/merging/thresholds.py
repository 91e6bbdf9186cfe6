"""How sure the model has to be before what the recogniser wrote is changed."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Probabilities, 0.0 to 1.0: at this or above the model has its way.

    They are used where the recogniser writes marks and case itself. A text without any is the
    model's alone: there the likeliest label stands. What the model has no say about at all is in `settled`.
    """

    add_comma: float = 0.5
    """A comma where there is no mark."""
    add_end: float = 0.6
    """The end of a sentence where there is no mark: full stop, question, exclamation and ellipsis
    together; which of them is the likeliest."""
    add_other: float = 0.7
    """A colon, dash or semicolon where there is no mark."""
    change: float = 0.9
    """Another mark instead of a comma or semicolon; the end of a sentence has to be as likely as `add_end`, too.
    A colon stays."""
    drop: float = 0.95
    """No mark instead of one of these."""
    turn_end: float = 0.9
    """Another end of a sentence: «.» becomes «?»."""
    open_end: float = 0.95
    """No end of a sentence where the recogniser wrote a full stop or an ellipsis within an utterance: it heard
    what follows…"""
    open_border: float = 0.95
    """…or at the end of one: every utterance ends so, whatever was said."""
    open_asked: float = 1.0
    """The same of a question mark within an utterance…"""
    open_asked_border: float = 1.0
    """…and at the end of one: a voice that rises before a pause to think sounds like a question."""
    small_after_open: float = 0.7
    """For all of these the word after it has also to be this sure to be written small. Both, or nothing changes."""
    open_last: float = 1.0
    """No end of a sentence after the last word, where nothing is known of what follows: «и тогда мы.» said
    by somebody who stopped to think."""
    title: float = 0.8
    """A capital inside a sentence: a name."""
    capitals: float = 0.9
    """A word all in capitals: США."""
    chosen_on: str = "careful guesses of 2026-11-22, not yet measured on recognised speech"
    """Where these numbers come from."""

    def __post_init__(self) -> None:
        """Refuse what is no probability."""
        for name in NAMES:
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is a probability, 0.0 to 1.0")


NAMES: Final = tuple(field.name for field in fields(Thresholds) if field.name != "chosen_on")
"""All that can be chosen."""


def thresholds_of(chosen: Mapping[str, float], *, chosen_on: str = "the model's own") -> Thresholds:
    """Give the thresholds that came with a model; what it does not name stays careful.

    Args:
        chosen: values by name; empty: nobody has chosen any. Names of later versions are ignored.
        chosen_on: what they were chosen on.

    Raises:
        ValueError: one of them is no probability.
    """
    known = {name: float(chosen[name]) for name in NAMES if name in chosen}
    return Thresholds(**known, chosen_on=chosen_on) if known else Thresholds()
