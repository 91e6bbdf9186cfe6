"""A temporary file that is unreadable to everybody else: an archive holds all that a person said.

Its key is in memory only, and it has no name, so nothing is left of it when the process ends.
AES-256 in counter mode, in which every place can be read by itself (NIST SP 800-38A, section 6.5);
the key is never used for a second file, and nothing is written twice.
"""

import io
import os
import tempfile
from pathlib import Path
from typing import IO, Any, Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

_BLOCK: Final = 16


class SealedSpool(io.RawIOBase):
    """Written once from the beginning to the end, then read anywhere."""

    def __init__(self, folder: Path) -> None:
        """Open an empty one.

        Raises:
            OSError: the folder cannot be written to.
        """
        super().__init__()
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        self._key = os.urandom(32)
        self._encryptor = Cipher(AES(self._key), CTR(bytes(_BLOCK))).encryptor()
        self._size = 0
        self._at = 0

    def append(self, piece: bytes) -> None:
        """Write at the end.

        Raises:
            OSError: the disk is full.
        """
        sealed = memoryview(self._encryptor.update(piece))
        while sealed:
            written = self._file.write(sealed)
            sealed = sealed[written or 0 :]
        self._size += len(piece)

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be read anywhere."""
        return True

    def tell(self) -> int:
        """Give the position of the next byte read."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to another place."""
        begin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if begin + offset < 0:
            raise ValueError("before the beginning")
        self._at = begin + offset
        return self._at

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        """Read into a buffer; gives how many bytes."""
        skipped = self._at % _BLOCK
        self._file.seek(self._at)
        sealed = self._file.read(min(len(buffer), max(0, self._size - self._at)))
        counter = (self._at // _BLOCK).to_bytes(_BLOCK, "big")
        decryptor = Cipher(AES(self._key), CTR(counter)).decryptor()
        decryptor.update(bytes(skipped))
        buffer[: len(sealed)] = decryptor.update(sealed)
        self._at += len(sealed)
        return len(sealed)

    def close(self) -> None:
        """Close it; it is gone."""
        self._file.close()
        super().close()
