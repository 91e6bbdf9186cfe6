"""An uploaded file as PCM16 mono 16 kHz, decoded where a hostile one can hurt nobody."""

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from service.compat.mixing import Mixdown
from service.compat.openai_rest_errors import OpenAIRefused
from service.compat.openai_rest_upload import Upload
from service.compat.openai_rest_wave import PlainWave, plain_wave
from service.dictation.audio import IncomingAudio
from service.dictation.wire import AudioFormat
from service.recordings.decoding import DecodedAudio, Pieces, Unusable
from service.recordings.recording import Encoding, Reason

_PIECE_BYTES: Final = 1024 * 1024
_BLOCK_BYTES: Final = 64 * 1024
_HEAD_BYTES: Final = 64 * 1024
"""Where the samples of a plain WAV file begin, or it is no plain one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Upload:
    """A file of whatever kind; what is in it says which."""

    encoding: Encoding = Encoding.WAV
    sample_rate: int | None = None


@asynccontextmanager
async def decoded(upload: Upload, *, most_s: float) -> AsyncIterator[AsyncIterator[bytes]]:
    """Give the samples of a file, one block after the other; the block's end ends the decoder.

    Iterating raises OpenAIRefused: `invalid_file`, it gives no sound; `audio_too_long`.

    Args:
        upload: at least 1 byte.
        most_s: seconds of audio beyond which it is refused.
    """
    head = await asyncio.to_thread(upload.read, 0, _HEAD_BYTES)
    wave = plain_wave(io.BytesIO(head), size=upload.size)
    if wave is not None:
        blocks = _samples(upload, wave, most_s=most_s)
    else:
        blocks = _converted(upload, most_s=most_s)
    async with aclosing(blocks):
        yield blocks


async def _samples(
    upload: Upload, wave: PlainWave, *, most_s: float
) -> AsyncGenerator[bytes, None]:
    if wave.duration_s > most_s:
        raise _too_long()
    mixdown = Mixdown(width=wave.width, channels=wave.channels)
    audio = IncomingAudio(AudioFormat(sample_rate=wave.rate_hz))
    position, end = wave.first_byte, wave.first_byte + wave.size
    while position < end:
        length = min(_BLOCK_BYTES, end - position)
        data = await asyncio.to_thread(upload.read, position, length)
        position += length
        yield audio.decode(mixdown.mono(data))
    yield audio.flush()


async def _converted(upload: Upload, *, most_s: float) -> AsyncGenerator[bytes, None]:
    async def read_piece(position: int) -> tuple[int, bytes] | None:
        first = position // _PIECE_BYTES * _PIECE_BYTES
        return first, await asyncio.to_thread(upload.read, first, _PIECE_BYTES)

    audio = DecodedAudio(_Upload(), Pieces(read_piece, upload.size), most_s=int(most_s))
    try:
        async with aclosing(audio.blocks()) as blocks:
            async for block in blocks:
                yield block
    except Unusable as exc:
        if exc.reason is Reason.TOO_LONG:
            raise _too_long() from exc
        raise OpenAIRefused(
            "invalid_file",
            "the file holds no sound that can be decoded; send wav, flac, ogg, opus, mp3, m4a, mp4 "
            "or webm",
            param="file",
        ) from exc


def _too_long() -> OpenAIRefused:
    return OpenAIRefused(
        "audio_too_long", "the file is longer than this server takes", param="file"
    )
