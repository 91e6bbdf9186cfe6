"""SHA-256 of files, and the git blob name the hub gives for small ones."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

BLOCK_BYTES: Final = 1 << 20
"""Read at a time: large enough that Python's share of hashing stays under 1 %."""

Advance = Callable[[int], None]
"""Told how many more bytes were worked through."""


def sha256_of(path: Path, advance: Advance | None = None) -> str:
    """Give the SHA-256 of a file, in lower-case hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
            if advance:
                advance(len(block))
    return digest.hexdigest()


def git_blob_sha1_of(path: Path) -> str:
    """Give the name git has for a file's content (Pro Git, section 10.2).

    The hub publishes no SHA-256 for files outside LFS, only this; it tells damage, and over TLS
    it tells that the file is the one of that commit.
    """
    content = path.read_bytes()
    digest = hashlib.sha1(b"blob %d\0" % len(content), usedforsecurity=False)
    digest.update(content)
    return digest.hexdigest()
