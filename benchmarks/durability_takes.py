"""What is said while things are killed, and how its text is recognised again.

The scripted engine makes a window's text of the checksum and the length of its audio. So a
transcript proves which samples it was made of: another text means other audio.
"""

import io
import random
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.voice import quiet, voice
from workers.contract.audio import BYTES_PER_SAMPLE, SAMPLE_RATE_HZ
from workers.recognition.scripted import derived_text

_GAP_MS: Final = 1100
"""Longer than the silence that ends an utterance."""
_LONGEST_SHIFT: Final = SAMPLE_RATE_HZ * 2 // 5
"""How far the borders of an utterance may move when a new process hears it from its beginning: its
speech detector has not heard what came before. Samples; the silences are longer than twice this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """Some utterances with silences between them."""

    pcm: bytes
    """PCM16 mono 16 kHz, whole milliseconds."""
    utterances: int

    def as_file(self, encoding: str) -> bytes:
        """Give it as a recording is uploaded: `pcm16` or `wav`."""
        if encoding == "pcm16":
            return self.pcm
        out = io.BytesIO()
        with wave.open(out, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(BYTES_PER_SAMPLE)
            file.setframerate(SAMPLE_RATE_HZ)
            file.writeframes(self.pcm)
        return out.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What became of a take when nothing was killed."""

    text: str
    borders: tuple[tuple[int, int], ...]
    """First sample and the one after the last of each utterance."""


def make_takes(count: int, *, chance: random.Random) -> list[Take]:
    """Make takes of 6 to 12 s, each another voice."""
    takes = []
    for _ in range(count):
        utterances = chance.randint(3, 4)
        said = [
            voice(chance.randint(1100, 2100), seed=chance.randrange(2**32)) + quiet(_GAP_MS)
            for _ in range(utterances)
        ]
        takes.append(Take(pcm=b"".join(said), utterances=utterances))
    return takes


def borders_of(finals: Sequence[dict[str, Any]]) -> tuple[tuple[int, int], ...]:
    """Give the borders of the utterances of a transcript in the history, in samples."""
    return tuple(
        (round(final["start_s"] * SAMPLE_RATE_HZ), round(final["end_s"] * SAMPLE_RATE_HZ))
        for final in finals
    )


def fault_of(take: Take, expected: Expected, transcript: dict[str, Any]) -> str | None:
    """Say what is wrong with a live session's transcript; None: nothing.

    The text of each utterance must be that of exactly its own audio, and there must be as many as
    undisturbed, at the same places: then nothing is missing and nothing is there twice.
    """
    finals = transcript["finals"]
    borders = borders_of(finals)
    if len(borders) != len(expected.borders):
        return f"{len(borders)} utterances instead of {len(expected.borders)}"
    for number, (start, end) in enumerate(borders):
        heard = take.pcm[start * BYTES_PER_SAMPLE : end * BYTES_PER_SAMPLE]
        if finals[number]["utterance"] != number or finals[number]["raw"] != derived_text(heard):
            return f"the text of utterance {number} is not that of its audio"
        was_start, was_end = expected.borders[number]
        if max(abs(start - was_start), abs(end - was_end)) > _LONGEST_SHIFT:
            return f"utterance {number} is cut at {start}..{end} instead of {was_start}..{was_end}"
    if transcript["text"] != " ".join(final["text"] for final in finals):
        return "the text is not that of its utterances"
    return None
