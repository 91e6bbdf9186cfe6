"""Files of every common kind, made here, read back as PCM16 mono 16 kHz."""

import av
import numpy as np
import pytest

from service.client.media import KEPT_S, AudioUnreadable, MediaFile

RATE = 16_000
KINDS = [
    # ending, codec, rate, layout, sample format, samples the codec may add or shift
    ("wav", "pcm_s16le", 16_000, "mono", "s16", 0),
    ("wav", "pcm_s16le", 8_000, "stereo", "s16", 40),
    ("wav", "pcm_s16le", 44_100, "stereo", "s16", 40),
    ("flac", "flac", 48_000, "stereo", "s16", 40),
    ("mp3", "libmp3lame", 44_100, "stereo", "s16p", 2_000),
    ("ogg", "libopus", 48_000, "stereo", "s16", 1_000),
    ("m4a", "aac", 44_100, "stereo", "fltp", 2_000),
]


def tone(seconds, rate, channels):
    """440 Hz, getting louder; the right channel is silent, so a downmix halves it."""
    t = np.arange(round(seconds * rate)) / rate
    left = np.sin(2 * np.pi * 440 * t) * t / seconds * 0.8
    return np.stack([left, np.zeros_like(left)][:channels])


def write(path, codec, rate, layout, form, seconds=2.0):
    channels = 2 if layout == "stereo" else 1
    sound = tone(seconds, rate, channels)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        stream.format = form
        resampler = av.AudioResampler(form, layout, rate)
        packed = (sound.T.reshape(1, -1) * 32767).astype("<i2")
        for first in range(0, packed.shape[1], rate * channels):
            block = np.ascontiguousarray(packed[:, first : first + rate * channels])
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout=layout)
            frame.sample_rate = rate
            for ready in resampler.resample(frame):
                container.mux(stream.encode(ready))
        container.mux(stream.encode(None))
    return path


async def read_all(media, step=4_000):
    pcm = bytearray()
    while block := await media.read(len(pcm) // 2, step):
        pcm += block
    return np.frombuffer(bytes(pcm), dtype="<i2").astype(float) / 32768


@pytest.mark.parametrize(("ending", "codec", "rate", "layout", "form", "slack"), KINDS)
async def test_any_kind_of_file_gives_its_whole_sound(
    tmp_path, ending, codec, rate, layout, form, slack
):
    path = write(tmp_path / f"запись.{ending}", codec, rate, layout, form)
    with MediaFile(path) as media:
        sound = await read_all(media)
        assert media.length == pytest.approx(2 * RATE, abs=max(slack, 1))
    assert len(sound) == pytest.approx(2 * RATE, abs=max(slack, 1))
    spectrum = np.abs(np.fft.rfft(sound))
    assert np.argmax(spectrum) * RATE / len(sound) == pytest.approx(440, abs=2)
    loudness = 0.8 / (2 if layout == "stereo" else 1)
    assert np.abs(sound).max() == pytest.approx(loudness, rel=0.12)
    quarter = len(sound) // 4
    assert np.abs(sound[:quarter]).max() < 0.35 * loudness
    assert np.abs(sound[-quarter:]).max() > 0.8 * loudness


async def test_the_sound_of_a_video_is_read(tmp_path):
    path = tmp_path / "встреча.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=10)
        video.width = video.height = 64
        audio = container.add_stream("aac", rate=16_000, layout="mono")
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), dtype=np.uint8), format="rgb24")
        for number in range(10):
            picture.pts = number
            container.mux(video.encode(picture))
        sound = (tone(1.0, 16_000, 1) * 32767).astype("<i2")
        frame = av.AudioFrame.from_ndarray(sound, format="s16", layout="mono")
        frame.sample_rate = 16_000
        container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
        container.mux(video.encode(None))
    with MediaFile(path) as media:
        assert len(await read_all(media)) == pytest.approx(RATE, abs=2_100)


async def test_audio_long_gone_is_read_again_exactly(tmp_path):
    path = write(tmp_path / "long.flac", "flac", 16_000, "mono", "s16", seconds=KEPT_S + 60.0)
    with MediaFile(path) as media:
        whole = await read_all(media, step=RATE)
        assert len(whole) == (KEPT_S + 60) * RATE
        for start in (0, 123_457, len(whole) - 500):
            again = np.frombuffer(await media.read(start, 1_000), dtype="<i2") / 32768
            assert np.array_equal(again, whole[start : start + 1_000])
        assert len(media._kept) <= (KEPT_S + 15) * RATE * 2


async def test_a_cut_off_file_gives_what_it_has(tmp_path):
    path = write(tmp_path / "whole.mp3", "libmp3lame", 44_100, "stereo", "s16p", seconds=4.0)
    cut = tmp_path / "cut.mp3"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with MediaFile(cut) as media:
        assert len(await read_all(media)) == pytest.approx(2 * RATE, rel=0.1)


def unreadable_files(folder):
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.mp3").write_text("это не музыка " * 100, encoding="utf-8")
    (folder / "noise.flac").write_bytes(np.random.default_rng(1).bytes(50_000))
    whole = write(folder / "whole.m4a", "aac", 44_100, "stereo", "fltp").read_bytes()
    (folder / "headless.m4a").write_bytes(whole[: len(whole) // 2])
    head = write(folder / "whole.wav", "pcm_s16le", 16_000, "mono", "s16").read_bytes()
    (folder / "silent.wav").write_bytes(head[: head.index(b"data") + 8])
    with av.open(str(folder / "silent.mp4"), "w") as container:
        video = container.add_stream("mpeg4", rate=10)
        video.width = video.height = 64
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), dtype=np.uint8), format="rgb24")
        container.mux(video.encode(picture))
        container.mux(video.encode(None))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("absent.wav", "audio.not_found"),
        (".", "audio.folder"),
        ("empty.wav", "audio.empty"),
        ("silent.wav", "audio.empty"),
        ("text.mp3", "audio.unreadable"),
        ("noise.flac", "audio.unreadable"),
        ("headless.m4a", "audio.unreadable"),
        ("silent.mp4", "audio.no_sound"),
    ],
)
def test_a_file_without_sound_says_so(tmp_path, name, code):
    unreadable_files(tmp_path)
    with pytest.raises(AudioUnreadable) as refusal, MediaFile(tmp_path / name):
        pass
    assert refusal.value.code == code
    assert str(tmp_path) not in refusal.value.message
