"""Files longer than a session: sections of an hour, cut at a quiet place.

file   |────────── 60 min ──────────|──────────
                               [30 s]            the quietest 0.2 s in here is the cut
"""

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec
import numpy as np

from service.dictation.composition import BLANK, surviving
from service.dictation.wire import Final as FinalMessage
from service.dictation.wire import WordTime

SECTION_S: Final = 3600
"""A quarter of the server's default session limit, so that operators may lower it."""
SEARCH_S: Final = 30
"""Nobody speaks 30 s without drawing breath."""
_FRAME_S: Final = 0.2
BYTES_PER_SAMPLE: Final = 2


class _Source(Protocol):
    async def read(self, start: int, samples: int) -> bytes: ...

    def forget(self, before: int) -> None: ...


class Section:
    """A stretch of a longer source, itself a source that begins at sample 0."""

    def __init__(self, source: _Source, *, first: int, sample_rate: int) -> None:
        self.first = first
        self.end: int | None = None
        """Sample of the source after the last of this section, once it is known."""
        self.is_last = False
        """Whether the source ended within this section."""
        self._source = source
        self._rate = sample_rate
        self._search_from = first + (SECTION_S - SEARCH_S) * sample_rate

    async def read(self, start: int, samples: int) -> bytes:
        """Give up to `samples` samples from sample `start` of the section."""
        position = self.first + start
        if self.end is None and position + samples > self._search_from:
            await self._find_end()
        if self.end is not None:
            samples = min(samples, self.end - position)
        if samples <= 0:
            return b""
        pcm = await self._source.read(position, samples)
        if not pcm:
            self.is_last, self.end = True, position
        return pcm

    def forget(self, before: int) -> None:
        """Pass it on to the source."""
        self._source.forget(self.first + before)

    async def _find_end(self) -> None:
        pcm = await self._source.read(self._search_from, SEARCH_S * self._rate)
        if len(pcm) < SEARCH_S * self._rate * BYTES_PER_SAMPLE:
            self.is_last, self.end = True, self._search_from + len(pcm) // BYTES_PER_SAMPLE
            return
        frame = round(_FRAME_S * self._rate)
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
        frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
        quietest = int(np.argmin(np.square(frames).mean(axis=1)))
        self.end = self._search_from + quietest * frame + frame // 2


def moved(final: FinalMessage, *, samples: int, utterances: int) -> FinalMessage:
    """Give a section's final with the positions and number it has in the whole file."""
    return FinalMessage(
        utterance=final.utterance + utterances,
        start=final.start + samples,
        end=final.end + samples,
        text=final.text,
        raw=final.raw,
        words=[
            WordTime(
                text=word.text,
                start=word.start + samples,
                end=word.end + samples,
                probability=word.probability,
            )
            for word in final.words
        ],
        language=final.language,
        glue=final.glue,
        erase=final.erase,
        places=final.places,
    )


def settled(finals: Sequence[FinalMessage]) -> list[FinalMessage]:
    """Give finals of a section that erase nothing of each other any more.

    The first that says something stands apart from the section before.
    """
    kept = [
        msgspec.structs.replace(final, text=text, erase=0)
        for final, text in zip(finals, surviving(finals), strict=True)
    ]
    first = next((number for number, final in enumerate(kept) if final.text), None)
    if first is not None:
        kept[first] = msgspec.structs.replace(kept[first], glue=BLANK)
    return kept
