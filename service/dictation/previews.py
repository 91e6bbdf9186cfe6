"""What is shown of an utterance while it is being spoken. Pure; positions are 16 kHz samples.

    spoken   ███████ █████████  ██████████ ████
    asked    [---->                               one a second, from the beginning,
             [------------>
             [----------------|                   until a pause in a long stretch:
                              [------>            what lies before it is not decoded again
                              [-------------->

A preview costs what its audio is long, and people breathe every few seconds; without the cut, the
second half of a long sentence costs most of all. Nothing rests on previews: the final is decoded
from the whole utterance.
"""

from dataclasses import dataclass
from typing import Final

from service.dictation.stabilisation import Stabiliser

CUT_FROM_SAMPLES: Final = 4 * 16_000
"""Shortest stretch that ends at a pause. 4 s is the recogniser's smallest input for previews: below
it a cut saves nothing, and costs the words around it their context."""
SLOW_FROM_SAMPLES: Final = 8 * 16_000
"""From this stretch on previews come half as often: the encoder's cost grows with its square."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A preview to ask for."""

    revision: int
    start: int
    end: int
    before: str
    """What was said in the utterance before `start`."""
    draft: str
    """What it probably says: the preview before it."""
    at_pause: bool
    """It ends in a pause, so later ones may start there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What to show of the utterance from now on."""

    revision: int
    stable: str
    tail: str


class Previews:
    """The previews of one open utterance."""

    def __init__(self, start: int, *, interval: int) -> None:
        """Begin with an utterance.

        Args:
            start: its first sample.
            interval: samples between two previews.
        """
        self._stretch = start  # first sample of what is still decoded
        self._before = ""
        self._draft = ""
        self._due = start + interval
        self._revision = 0
        self._shown = 0
        self._asked: dict[int, Preview] = {}  # those that may still be answered, by revision
        self._stabiliser = Stabiliser()

    def is_due(self, position: int) -> bool:
        """Say whether it is time for the next preview."""
        return position >= self._due

    def is_long(self, end: int) -> bool:
        """Say whether the stretch up to a pause at `end` is worth ending there."""
        return end - self._stretch >= CUT_FROM_SAMPLES

    def ask(self, end: int, *, interval: int, at_pause: bool = False) -> Preview:
        """Give the next preview, and set the time of the one after it."""
        slow = 2 if end - self._stretch >= SLOW_FROM_SAMPLES else 1
        self._due = end + interval * slow
        self._revision += 1
        asked = Preview(
            revision=self._revision,
            start=self._stretch,
            end=end,
            before=self._before,
            draft=self._draft,
            at_pause=at_pause,
        )
        self._asked[asked.revision] = asked
        return asked

    def answered(self, revision: int, text: str) -> Shown | None:
        """Take the text of a preview; None when a newer one is shown or there is no text."""
        asked = self._asked.pop(revision, None)
        if asked is None or revision <= self._shown or not text:
            return None
        said = _joined(asked.before, text)
        if asked.start == self._stretch:
            self._draft = text
            if asked.at_pause:
                self._cut(asked.end, said)
        return self._show(revision, said)

    def heard(self, text: str) -> Shown | None:
        """Take a text of the whole utterance so far that was decoded for another reason."""
        if not text:
            return None
        self._revision += 1
        return self._show(self._revision, text)

    def cut(self, end: int, text: str) -> None:
        """Take it that everything up to a pause at `end` is said in `text`."""
        if text and self.is_long(end):
            self._cut(end, text)

    def _cut(self, end: int, said: str) -> None:
        self._stretch = end
        self._before = said
        self._draft = ""

    def _show(self, revision: int, said: str) -> Shown:
        self._shown = revision
        self._asked = {later: asked for later, asked in self._asked.items() if later > revision}
        stable, tail = self._stabiliser.update(said)
        return Shown(revision=revision, stable=stable, tail=tail)


def _joined(before: str, text: str) -> str:
    return f"{before} {text}" if before else text
