"""Files of every kind become samples; hostile ones are a failure of theirs and of nothing else."""

import asyncio
import os
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from service.recordings.decoding import DecodedAudio, Pieces, Unusable
from service.recordings.recording import Encoding, Reason
from tests.recordings.files import encoded, hostile, wav
from tests.recordings.test_kinds import KINDS
from tests.voice import quiet, voice
from workers.contract.audio import samples_from_pcm16

SPEECH = quiet(200) + voice(3000, seed=4) + quiet(200)


class File:
    """Bytes in pieces of an odd length."""

    encoding = Encoding.FLAC
    sample_rate = None

    def __init__(self, data: bytes, *, piece: int = 70_001) -> None:
        self._data = data
        self._piece = piece

    async def read(self, position: int) -> tuple[int, bytes]:
        first = position // self._piece * self._piece
        return first, self._data[first : first + self._piece]

    def decoded(self, *, most_s: int = 14_400) -> DecodedAudio:
        return DecodedAudio(self, Pieces(self.read, len(self._data)), most_s=most_s)


async def samples(data: bytes, **options: int) -> bytes:
    blocks = File(data).decoded(**options).blocks()
    async with aclosing(blocks):
        return b"".join([block async for block in blocks])


async def refused(data: bytes, **options: int) -> Reason:
    with pytest.raises(Unusable) as refusal:
        await samples(data, **options)
    return refusal.value.reason


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind[0]}-{kind[1]}")
async def test_every_kind_of_file_becomes_samples(kind: tuple[str, str, int]) -> None:
    container, codec, rate = kind

    pcm = await samples(encoded(SPEECH, container, codec, rate=rate))

    assert len(pcm) == pytest.approx(len(SPEECH), abs=0.15 * 32_000)
    ours, theirs = (np.abs(samples_from_pcm16(one)).mean() for one in (pcm, SPEECH))
    assert ours == pytest.approx(theirs, rel=0.3)


@pytest.mark.parametrize("name", hostile())
async def test_a_hostile_file_is_undecodable(name: str) -> None:
    assert await refused(hostile()[name]) is Reason.UNDECODABLE


async def test_a_file_without_a_sound_track_is_undecodable() -> None:
    import io

    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        stream = file.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        for _ in range(5):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), "u1"), format="rgb24")
            for packet in stream.encode(frame):
                file.mux(packet)
        for packet in stream.encode(None):
            file.mux(packet)

    assert await refused(out.getvalue()) is Reason.UNDECODABLE


async def test_a_small_file_with_hours_of_sound_ends_at_the_limit() -> None:
    flac = encoded(quiet(600_000), "flac", "flac")

    assert len(flac) < 200_000
    assert await refused(flac, most_s=60) is Reason.TOO_LONG


async def test_a_header_that_claims_hours_is_not_believed() -> None:
    pcm = await samples(wav(SPEECH, rate=16_000, bits=16, claimed=2**32 - 1))

    assert len(pcm) == len(SPEECH)


async def test_of_a_file_that_breaks_off_what_is_there_is_heard() -> None:
    flac = encoded(SPEECH, "flac", "flac")

    pcm = await samples(flac[: len(flac) // 2])

    assert 0.2 * len(SPEECH) < len(pcm) < 0.8 * len(SPEECH)


async def test_the_decoder_knows_no_secret_and_can_open_nothing() -> None:
    before = set(children())
    blocks = File(encoded(quiet(60_000), "wav", "pcm_s16le")).decoded().blocks()
    async with aclosing(blocks):
        await anext(blocks)
        (pid,) = set(children()) - before
        limits = Path(f"/proc/{pid}/limits").read_text()
        environment = Path(f"/proc/{pid}/environ").read_text()
        descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
    assert "Max open files            0 " in limits
    assert "Max file size             0 " in limits
    assert "ALFAVOICE" not in environment
    assert "DATABASE" not in environment
    assert len(descriptors) <= 4
    async with asyncio.timeout(10):
        while Path(f"/proc/{pid}").exists():
            await asyncio.sleep(0.01)


def children() -> list[int]:
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return [int(pid) for pid in listed.split()]
