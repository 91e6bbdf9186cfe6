"""Why a punctuation model cannot be used. The recogniser works without one.

PunctuatorUnusable          the operator's turn: trying again will not help
    punctuator.model_missing      the folder, or a file in it, is not there
    punctuator.model_invalid      a file is there and says something that cannot be right
    punctuator.load_failed        the files are right and the back end does not take them
    punctuator.package_missing    this back end needs packages that are not installed
    punctuator.labels_unknown     nobody has said what the labels of this checkpoint mean
"""

from typing import Literal

from workers.contract.errors import WorkerError

Code = Literal[
    "punctuator.model_missing",
    "punctuator.model_invalid",
    "punctuator.load_failed",
    "punctuator.package_missing",
    "punctuator.labels_unknown",
]


class PunctuatorUnusable(WorkerError):
    """A punctuation model cannot be loaded; texts are left as the recogniser wrote them."""

    retryable = False

    def __init__(self, code: Code, message: str, **details: str) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]  # each instance carries its own
        self.details = details
        """What a translated message needs; never a path of the host."""


def missing(file: str) -> PunctuatorUnusable:
    """Say that a file of the model is not there."""
    return PunctuatorUnusable(
        "punctuator.model_missing",
        f"{file} of the punctuation model is missing; install the model again",
        file=file,
    )


def invalid(file: str, reason: str) -> PunctuatorUnusable:
    """Say that a file of the model cannot be right."""
    return PunctuatorUnusable(
        "punctuator.model_invalid",
        f"{file} of the punctuation model cannot be used: {reason}",
        file=file,
        reason=reason,
    )


def load_failed(reason: str) -> PunctuatorUnusable:
    """Say that the back end does not take the files."""
    return PunctuatorUnusable(
        "punctuator.load_failed",
        f"the punctuation model cannot be loaded: {reason}",
        reason=reason,
    )
