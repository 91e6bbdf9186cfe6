"""A file somebody uploads, on disk for as long as it is worked on, and unreadable there.

It has no name, so it ends with the process, whatever ends it; and it is encrypted under a key that
exists in memory only (AES-256 in counter mode, NIST SP 800-38A section 6.5: any place can be read
without the rest), so that nothing of it can be read from the disk afterwards. Nobody but this
process could change it meanwhile, which is why there is no tag to check.
"""

import os
import tempfile
from types import TracebackType
from typing import Final, Self

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

_BLOCK_BYTES: Final = 16


class Upload:
    """The bytes of a file: written once, from front to back, then read anywhere."""

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._file = tempfile.TemporaryFile(prefix="alfavoice-upload-", buffering=0)  # noqa: SIM115
        self._writing = self._cipher(0).encryptor()
        self.size = 0
        """Bytes written."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(self, data: bytes | bytearray) -> None:
        """Add bytes at the end; blocks.

        Raises:
            OSError: the disk is full.
        """
        sealed = memoryview(self._writing.update(data))
        while sealed:
            sealed = sealed[self._file.write(sealed) :]
        self.size += len(data)

    def read(self, position: int, length: int) -> bytes:
        """Give up to `length` bytes from a position; none at the end; blocks."""
        skipped = position % _BLOCK_BYTES
        first = position - skipped
        sealed = os.pread(self._file.fileno(), length + skipped, first)
        opened = self._cipher(first // _BLOCK_BYTES).decryptor().update(sealed)
        return opened[skipped:]

    def _cipher(self, block: int) -> Cipher[CTR]:
        return Cipher(AES256(self._key), CTR(block.to_bytes(_BLOCK_BYTES, "big")))
