"""The SHA-256 of a recording, piece by piece, off the event loop."""

import hashlib
from asyncio import get_running_loop
from concurrent.futures import Executor

from service.recordings.decoding import Pieces
from service.recordings.recording import MAX_CHUNK_BYTES


async def sha256_of(pieces: Pieces, threads: Executor) -> bytes:
    """Give the digest of all bytes.

    Raises:
        AudioGone: the recording was deleted meanwhile.
    """
    digest = hashlib.sha256()
    position = 0
    while data := await pieces.read(position, 2 * MAX_CHUNK_BYTES):
        position += len(data)
        await get_running_loop().run_in_executor(threads, digest.update, data)
    return digest.digest()
