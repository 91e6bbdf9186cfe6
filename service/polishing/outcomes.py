"""What may become of a text that a model was asked to rewrite: a closed set."""

from enum import StrEnum


class Outcome(StrEnum):
    """How it ended. All but `polished` leave the text as it was."""

    POLISHED = "polished"
    BUSY = "busy"
    """As many texts as the operator allows are under way, or the model's server says so (429, 503)."""
    TIMED_OUT = "timed_out"
    """The whole answer was not there in time."""
    UNREACHABLE = "unreachable"
    """No connection, or it broke."""
    REFUSED = "refused"
    """The model's server answered with another status than 200, or would not rewrite such a text."""
    UNREADABLE = "unreadable"
    """The answer is no chat completion, too many bytes, or letters that no text should have."""
    EMPTY = "empty"
    CUT_SHORT = "cut_short"
    """The model came to the end of its tokens before the end of the text."""
    TOO_LONG = "too_long"
    """Longer than what was asked for can be."""
    TOO_SHORT = "too_short"
    """So short that it cannot say what was said."""
    CHATTING = "chatting"
    """The model talks about the text, or excuses itself."""
    CONTROL_TOKENS = "control_tokens"
    """The text holds special tokens of chat templates, and was not sent."""
    ABANDONED = "abandoned"
    """Whoever asked went away."""


class NotPolished(Exception):
    """The text stays as it was; it says no more than why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome
