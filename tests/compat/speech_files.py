"""Speech in files, as people send them."""

import io
import wave

import av
import numpy as np

from tests.voice import quiet, voice

TAKE = quiet(300) + voice(2500, seed=1) + quiet(1200) + voice(1700, seed=2) + quiet(400)
"""Two utterances in 6.1 s, PCM16 mono 16 kHz."""


def wav(pcm: bytes = TAKE, *, rate: int = 16_000) -> bytes:
    """A WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(pcm)
    return file.getvalue()


def encoded(container: str, codec: str, pcm: bytes = TAKE) -> bytes:
    """A file in another format."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=16_000, layout="mono")
        samples = np.frombuffer(pcm, dtype="<i2").reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = 16_000
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=stream.rate)
        fifo = av.AudioFifo()
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            fifo.write(part)
        size = stream.codec_context.frame_size or fifo.samples
        while fifo.samples:
            piece = fifo.read(size, partial=True)
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
    return file.getvalue()
