"""The language of a session: as named, or as heard for sure. Pure."""

from typing import Final

from workers.contract.requests import Hypothesis

LANGUAGE_CERTAINTY: Final = 0.7
"""A language detected with this probability is kept for the rest of the session: detecting it
again for every utterance costs a decoder step and now and then flips on a short «да»."""


class SpokenLanguage:
    """What is known of the language."""

    def __init__(self, named: str | None) -> None:
        self.code = named
        """ISO 639-1; None while it is to be detected."""

    def learn(self, hypothesis: Hypothesis) -> None:
        """Take note of the language of a final."""
        certain = hypothesis.language_probability >= LANGUAGE_CERTAINTY
        if self.code is None and hypothesis.text and certain:
            self.code = hypothesis.language
