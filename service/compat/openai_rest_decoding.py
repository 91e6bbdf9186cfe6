"""An uploaded file as PCM16 mono 16 kHz, decoded where a hostile one can hurt nobody."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.compat.openai_rest_errors import OpenAIRefused
from service.recordings.decoding import DecodedAudio, Pieces, Unusable
from service.recordings.recording import Encoding, Reason

_PIECE_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Upload:
    """A file of whatever kind; what is in it says which."""

    encoding: Encoding = Encoding.WAV
    sample_rate: int | None = None


@asynccontextmanager
async def decoded(path: Path, *, size: int, most_s: float) -> AsyncIterator[AsyncIterator[bytes]]:
    """Give the samples of a file, one block after the other; the block's end ends the decoder.

    Iterating raises OpenAIRefused: `invalid_file`, it gives no sound; `audio_too_long`.

    Args:
        path: of the file.
        size: its bytes, at least 1.
        most_s: seconds of audio beyond which it is refused.
    """
    with path.open("rb", buffering=0) as file:

        async def read_piece(position: int) -> tuple[int, bytes] | None:
            first = position // _PIECE_BYTES * _PIECE_BYTES
            return first, await asyncio.to_thread(_read, file.fileno(), first)

        audio = DecodedAudio(_Upload(), Pieces(read_piece, size), most_s=int(most_s))
        async with aclosing(audio.blocks()) as blocks:
            yield _plainly_failing(blocks)


def _read(descriptor: int, first: int) -> bytes:
    return os.pread(descriptor, _PIECE_BYTES, first)


async def _plainly_failing(blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for block in blocks:
            yield block
    except Unusable as exc:
        if exc.reason is Reason.TOO_LONG:
            raise OpenAIRefused(
                "audio_too_long", "the file is longer than this server takes", param="file"
            ) from exc
        raise OpenAIRefused(
            "invalid_file",
            "the file holds no sound that can be decoded; send wav, flac, ogg, opus, mp3, m4a, mp4 "
            "or webm",
            param="file",
        ) from exc
