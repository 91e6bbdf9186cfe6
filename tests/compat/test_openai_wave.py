"""Plain WAV files, and files that only look like them."""

import io
import struct

import numpy as np
import pytest

from service.compat.openai_rest_wave import PlainWave, plain_wave
from tests.compat.speech_files import wav
from tests.voice import voice


def found(data: bytes) -> PlainWave | None:
    return plain_wave(io.BytesIO(data), size=len(data))


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def made(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def form(*, tag: int = 1, channels: int = 1, rate: int = 16_000, bits: int = 16) -> bytes:
    block = channels * bits // 8
    return struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits)


def test_the_samples_of_a_plain_file_are_found() -> None:
    data = wav(b"\1\0" * 1600, rate=8_000)

    wave = found(data)

    assert wave == PlainWave(first_byte=44, size=3200, width=2, channels=1, rate_hz=8_000)
    assert wave.duration_s == pytest.approx(0.2)


def test_other_chunks_before_the_samples_are_skipped() -> None:
    data = made(chunk(b"LIST", b"odd"), chunk(b"fmt ", form()), chunk(b"data", b"\1\0\2\0"))

    wave = found(data)

    assert wave is not None
    assert data[wave.first_byte : wave.first_byte + wave.size] == b"\1\0\2\0"


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF, 10_000])
def test_a_length_that_is_not_known_or_not_true_ends_with_the_file(length: int) -> None:
    head = made(chunk(b"fmt ", form()))

    wave = found(head + b"data" + struct.pack("<I", length) + b"\1\0" * 100)

    assert wave is not None
    assert wave.size == 200


def test_extensible_headers_are_pcm_when_they_say_so() -> None:
    pcm = bytes.fromhex("0100000000001000800000aa00389b71")
    extra = struct.pack("<HHI", 22, 16, 4)

    plain = found(made(chunk(b"fmt ", form(tag=0xFFFE) + extra + pcm), chunk(b"data", b"\1\0")))
    other = found(
        made(chunk(b"fmt ", form(tag=0xFFFE) + extra + pcm[::-1]), chunk(b"data", b"\1\0"))
    )

    assert plain is not None
    assert other is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF",
        b"OggS" * 20,
        made(),
        made(chunk(b"data", b"\1\0")),
        made(chunk(b"fmt ", b"\1"), chunk(b"data", b"\1\0")),
        made(chunk(b"fmt ", form(tag=3, bits=32)), chunk(b"data", b"\1\0\1\0")),
        made(chunk(b"fmt ", form(rate=1)), chunk(b"data", b"\1\0")),
        made(chunk(b"fmt ", form(channels=0)), chunk(b"data", b"\1\0")),
        made(chunk(b"fmt ", form(channels=300)), chunk(b"data", b"\1\0")),
        made(chunk(b"fmt ", form(bits=12)), chunk(b"data", b"\1\0")),
        made(chunk(b"fmt ", form()), chunk(b"data", b"")),
        made(*[chunk(b"junk", b"") for _ in range(100)]),
    ],
)
def test_everything_else_is_left_to_the_decoder(data: bytes) -> None:
    assert found(data) is None


def test_every_cut_of_a_file_is_read_or_left_alone() -> None:
    data = wav(voice(100))

    for length in range(len(data)):
        wave = found(data[:length])
        assert wave is None or wave.first_byte + wave.size <= length


def test_random_headers_break_nothing() -> None:
    rng = np.random.default_rng(1)
    data = np.frombuffer(wav(b"\1\0" * 50), "u1")
    for _ in range(2000):
        changed = data.copy()
        changed[rng.integers(0, 48, 4)] = rng.integers(0, 256, 4)
        wave = found(changed.tobytes())
        assert wave is None or (0 < wave.size <= len(data) and wave.duration_s > 0)
