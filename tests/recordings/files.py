"""Sound files made by arithmetic, honest and hostile ones."""

import io
import struct

import av
import numpy as np


def encoded(pcm: bytes, container: str, codec: str, *, rate: int = 16_000) -> bytes:
    """Encode PCM16 mono 16 kHz; `rate` is the one the codec works at."""
    samples = np.frombuffer(pcm, "<i2").reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate = 16_000
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout="mono")
        resampler = av.AudioResampler(
            format=stream.codec_context.format, layout="mono", rate=rate,
            frame_size=stream.codec_context.frame_size or None,
        )  # fmt: skip
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            for packet in stream.encode(piece):
                file.mux(packet)
        for packet in stream.encode(None):
            file.mux(packet)
    return out.getvalue()


def wav(data: bytes, *, rate: int, bits: int = 8, claimed: int | None = None) -> bytes:
    """A WAV file whose header says whatever it is told to."""
    size = len(data) if claimed is None else claimed
    form = struct.pack("<IHHIIHH", 16, 1, 1, rate, rate * bits // 8, bits // 8, bits)
    return b"".join(
        (b"RIFF", struct.pack("<I", (36 + size) % 2**32), b"WAVEfmt ", form, b"data",
         struct.pack("<I", size % 2**32), data)
    )  # fmt: skip


def hostile() -> dict[str, bytes]:
    """Files that must be a failure of theirs and of nothing else, by what is wrong with them."""
    rng = np.random.default_rng(1)
    tone = (np.sin(np.arange(48_000) / 10) * 8000).astype("<i2").tobytes()
    mp4 = encoded(tone, "mp4", "aac")
    return {
        "noise": rng.bytes(100_000),
        "one byte": b"\x00",
        "an index cut off": mp4[: len(mp4) // 2],
        "one sample a second": wav(bytes(60_000), rate=1),
        "a playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:1,\nfile:///etc/passwd\n",
        "a playlist of the net": b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/sound.ts\n",
        "a list of files": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        "a manifest": b"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'>"
        b"<Period><AdaptationSet><Representation><BaseURL>file:///etc/passwd</BaseURL>"
        b"</Representation></AdaptationSet></Period></MPD>",
        "a session description": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nt=0 0\n"
        b"m=audio 9 RTP/AVP 0\n",
        "a picture": b"\x89PNG\r\n\x1a\n" + rng.bytes(5000),
        "text": "просто слова ".encode() * 500,
        "a damaged index": mp4.replace(b"moov", b"mooo"),
    }
