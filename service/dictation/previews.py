"""What is shown of an utterance while it is being spoken. Pure; positions are 16 kHz samples.

    spoken   ███████ █████████  ██████████ ████
    asked    [---->                               one a second, from the beginning,
             [------------>
             [----------------|                   until a pause in a long stretch:
                              [------>            what lies before it is not decoded again
                              [-------------->

A preview costs what its audio is long, and people breathe every few seconds; without the cut, the
second half of a long sentence costs most of all. Nothing rests on previews: the final is decoded
from the whole utterance, with them as a draft that spares time and changes nothing.
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

    def __init__(self, start: int, *, interval: int, revision: int = 0) -> None:
        """Begin with an utterance.

        Args:
            start: its first sample.
            interval: samples between two previews.
            revision: of the last preview asked for under the utterance's number, where one that
                was no speech had it before.
        """
        self._stretch = start  # first sample of what is still decoded
        self._before = ""
        self._draft = ""
        self._said = ""
        self._due = start + interval
        self._revision = revision
        self._asked: dict[int, Preview] = {}  # those that may still be answered, by revision
        self._stabiliser = Stabiliser()

    @property
    def revision(self) -> int:
        """Of the last preview asked for or shown."""
        return self._revision

    @property
    def said(self) -> str:
        """What the whole utterance was last heard to say."""
        return self._said

    def is_due(self, position: int) -> bool:
        """Say whether it is time for the next preview."""
        return position >= self._due

    def is_long(self, end: int) -> bool:
        """Say whether the stretch up to a pause at `end` is worth ending there."""
        return end - self._stretch >= CUT_FROM_SAMPLES

    def ask(self, end: int, *, interval: int) -> Preview:
        """Give the preview of what was said up to now, and set the time of the next."""
        slow = 2 if end - self._stretch >= SLOW_FROM_SAMPLES else 1
        self._due = end + interval * slow
        return self._ask(end, at_pause=False)

    def ask_to_pause(self, end: int, *, now: int, interval: int) -> Preview:
        """Give the preview of what was said before a pause that began at `end` and is over."""
        self._due = now + interval
        return self._ask(end, at_pause=True)

    def answered(self, revision: int, text: str, *, sound: bool = True) -> Shown | None:
        """Take the text of a preview; None when a newer one is shown or there is no text.

        Args:
            revision: of the preview.
            text: what was heard.
            sound: nothing about the text is doubtful, so that later ones may build on it.
        """
        asked = self._asked.pop(revision, None)
        if asked is None or not text:
            return None
        shown = self._show(revision, _joined(asked.before, text))
        if asked.start == self._stretch:
            self._draft = text
            if asked.at_pause and sound:
                self._cut(asked.end, shown.stable + shown.tail)
        return shown

    def heard(self, text: str) -> Shown | None:
        """Take a text of the whole utterance so far that was decoded for another reason."""
        if not text:
            return None
        self._revision += 1
        return self._show(self._revision, text)

    def cut(self, end: int, text: str, *, now: int, interval: int) -> None:
        """Take it that what was said before a pause that is over is `text`, which was shown."""
        if text and self.is_long(end):
            self._due = now + interval
            self._cut(end, self._stabiliser.as_shown(text))

    def _ask(self, end: int, *, at_pause: bool) -> Preview:
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

    def _cut(self, end: int, said: str) -> None:
        # What people see, not what was heard: else a word that disagrees with the stable ones would
        # keep them from ever growing again.
        self._stretch = end
        self._before = said
        self._draft = ""

    def _show(self, revision: int, said: str) -> Shown:
        """Show a text; answers to previews before it come too late."""
        self._asked = {later: asked for later, asked in self._asked.items() if later > revision}
        self._said = said
        stable, tail = self._stabiliser.update(said)
        return Shown(revision=revision, stable=stable, tail=tail)


def _joined(before: str, text: str) -> str:
    return f"{before} {text}" if before else text
