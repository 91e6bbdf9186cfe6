"""What clients send becomes 16 kHz PCM16, however it is cut; what is not audio is refused."""

import random

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame

from service.dictation.audio import IncomingAudio
from service.dictation.wire import AudioFormat
from service.problems import ProtocolError


def tone(rate: int, duration_s: float = 2.0) -> bytes:
    t = np.arange(int(rate * duration_s)) / rate
    return (np.sin(2 * np.pi * 440 * t) * 8000).astype("<i2").tobytes()


def opus_packets(duration_s: float = 2.0) -> list[bytes]:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "s16"
    samples = np.frombuffer(tone(48_000, duration_s), dtype="<i2")
    packets = []
    for first in range(0, len(samples) - 959, 960):
        frame = AudioFrame.from_ndarray(
            samples[first : first + 960].reshape(1, -1), format="s16", layout="mono"
        )
        frame.sample_rate, frame.pts = 48_000, first
        packets += [bytes(p) for p in encoder.encode(frame)]
    return packets


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000])
def test_pcm_of_any_rate_comes_out_the_same_however_it_is_cut(rate: int) -> None:
    sent = tone(rate)
    whole = IncomingAudio(AudioFormat(sample_rate=rate))
    expected = whole.decode(sent) + whole.flush()
    rng = random.Random(rate)

    cut = IncomingAudio(AudioFormat(sample_rate=rate))
    got, rest = b"", sent
    while rest:
        size = 2 * rng.randint(1, 3000)
        got += cut.decode(rest[:size])
        rest = rest[size:]
    got += cut.flush()

    assert got == expected
    assert cut.received == len(sent) // 2
    assert abs(len(got) // 2 - 32_000) <= 1
    spectrum = np.abs(np.fft.rfft(np.frombuffer(got, dtype="<i2").astype(float)))
    assert abs(spectrum.argmax() * 16_000 / (len(got) // 2) - 440) < 2


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_opus_packets_are_counted_at_the_rate_the_client_named(rate: int) -> None:
    audio = IncomingAudio(AudioFormat(encoding="opus", sample_rate=rate))
    packets = opus_packets()

    got = b"".join(audio.decode(packet) for packet in packets) + audio.flush()

    assert audio.received == len(packets) * 960 * rate // 48_000
    assert abs(len(got) // 2 - len(packets) * 320) <= 64


def test_half_a_sample_is_refused_and_changes_nothing() -> None:
    audio = IncomingAudio(AudioFormat())

    with pytest.raises(ProtocolError) as refused:
        audio.decode(b"\x00\x01\x02")

    assert refused.value.code == "audio.odd_bytes"
    assert audio.received == 0


def test_random_bytes_instead_of_opus_are_refused_or_decoded_but_never_crash() -> None:
    rng = random.Random(7)
    audio = IncomingAudio(AudioFormat(encoding="opus", sample_rate=48_000))
    codes = set()
    for _ in range(500):
        try:
            audio.decode(rng.randbytes(rng.randint(1, 400)))
        except ProtocolError as exc:
            codes.add(exc.code)

    assert codes == {"audio.undecodable"}


def test_opus_at_a_rate_opus_does_not_know_is_refused() -> None:
    with pytest.raises(ProtocolError) as refused:
        IncomingAudio(AudioFormat(encoding="opus", sample_rate=44_100))

    assert refused.value.code == "audio.unsupported_format"


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_positions_translate_both_ways_within_a_sample(rate: int) -> None:
    audio = IncomingAudio(AudioFormat(sample_rate=rate), first_sample=7 * rate)

    assert audio.received == 7 * rate
    assert audio.inner_position(7 * rate) == 7 * 16_000
    assert audio.wire_position(7 * 16_000) == 7 * rate
