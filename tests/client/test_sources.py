"""Recordings that grow on disk, and long files cut into sections."""

import asyncio
import stat
import wave

import numpy as np

from service.client.media import MediaFile
from service.client.sections import SEARCH_S, SECTION_S, Section
from service.client.sources import Spool
from service.client.stream import Stream, StreamOptions
from service.client.transcribing import transcribe_source
from tests.client.faulty_server import heard, spoken

RATE = 16_000


def spool(path, limit_s=60):
    return Spool(path, sample_rate=RATE, limit_samples=limit_s * RATE)


async def test_a_growing_recording_is_streamed_as_it_grows(tmp_path, server):
    pcm = spoken(3, tail=200)
    with spool(tmp_path / "r.wav") as growing:
        stream = asyncio.ensure_future(Stream(growing, StreamOptions(server=server.url)).run())
        for first in range(0, len(pcm), 3_200):
            growing.append(pcm[first : first + 3_200])
            await asyncio.sleep(0)
        growing.close()
        async with asyncio.timeout(20):
            assert (await stream).done.text == heard(pcm)


async def test_a_finished_recording_is_a_wav_file_for_its_owner_only(tmp_path):
    path, pcm = tmp_path / "r.wav", spoken(1)
    with spool(path) as recording:
        recording.append(pcm)
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        assert file.readframes(RATE * 2) == pcm
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_recording_whose_program_died_can_still_be_read(tmp_path):
    path, pcm = tmp_path / "r.wav", spoken(2)
    recording = spool(path)
    recording.append(pcm)
    with MediaFile(path) as media:  # never closed: the header does not know the length
        assert await media.read(0, 3 * RATE) == pcm
    recording.__exit__(None, None, None)


async def test_a_recording_ends_by_itself_at_its_limit(tmp_path):
    with spool(tmp_path / "r.wav", limit_s=1) as recording:
        recording.append(spoken(1))
        assert recording.failure is None
        recording.append(b"\x01\x00")
        async with asyncio.timeout(1):
            await recording.ended()
        assert recording.failure.code == "recording.too_long"
        assert await recording.read(0, 2 * RATE) == spoken(1)
        assert await recording.read(RATE, 10) == b""


class LongAudio:
    """Two hours and a bit of hum, quiet at one place near the end of each hour."""

    def __init__(self, samples, quiet):
        self.samples = samples
        self.quiet = quiet

    async def read(self, start, samples):
        count = max(0, min(samples, self.samples - start))
        positions = np.arange(start, start + count)
        hum = np.where(positions % 2 == 0, 1000, -1000)
        for first, end in self.quiet:
            hum[(positions >= first) & (positions < end)] = 0
        return hum.astype("<i2").tobytes()

    def forget(self, before):
        pass


async def test_a_long_file_is_cut_at_the_quietest_place_near_the_hour():
    quiet = ((SECTION_S - 12) * RATE, (SECTION_S - 11) * RATE)
    section = Section(LongAudio((SECTION_S + 500) * RATE, [quiet]), first=0, sample_rate=RATE)
    position = (SECTION_S - SEARCH_S) * RATE - 100
    while block := await section.read(position, 8_000):
        position += len(block) // 2
    assert quiet[0] < position == section.end < quiet[1]
    assert not section.is_last
    rest = Section(
        LongAudio((SECTION_S + 500) * RATE, [quiet]), first=section.end, sample_rate=RATE
    )
    end = (SECTION_S + 500) * RATE - section.end
    assert len(await rest.read(end - 5, 100)) == 10
    assert await rest.read(end, 100) == b""
    assert rest.is_last


async def test_sections_of_a_file_make_one_transcript(monkeypatch, server):
    monkeypatch.setattr("service.client.sections.SECTION_S", 4)
    monkeypatch.setattr("service.client.sections.SEARCH_S", 2)
    pcm = bytearray(spoken(9))
    starts = []

    class Held(LongAudio):
        async def read(self, start, samples):
            return bytes(pcm[start * 2 : (start + samples) * 2])

    result = await transcribe_source(
        Held(0, ()), StreamOptions(server=server.url), begin_section=starts.append
    )
    assert result.samples == 9 * RATE
    assert starts[0] == 0.0
    assert len(starts) == len(server.sessions) == 4
    assert [f.utterance for f in result.finals] == list(range(len(result.finals)))
    assert result.finals[0].start == 0
    assert result.finals[-1].end == 9 * RATE
    assert all(a.end == b.start for a, b in zip(result.finals, result.finals[1:], strict=False))
    whole = b"".join(bytes(kept.pcm) for kept in server.sessions.values())
    assert whole == bytes(pcm)
