"""Zip files without surprises: written as a stream, read within limits.

What comes in is anybody's: a directory of gigabytes, a bomb that unpacks to terabytes, names that
lead elsewhere. Nothing is ever unpacked to a path; entries are read by the names we know.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, Final, NoReturn

from service.library.archive_format import AUDIO, LONGEST_LINE

MOST_ENTRIES: Final = 25_000
_LONGEST_DIRECTORY: Final = 8 * 1024 * 1024
MOST_TEXT: Final = 2 * 1024**3
"""Bytes of all entries but audio, unpacked. Audio is never packed: it is no longer than what came."""
_HIGHEST_RATIO: Final = 100
"""Unpacked to packed; JSON of speech packs to a fifth, silence in raw audio is stored as it is."""
_ALLOWED_ANYWAY: Final = 64 * 1024 * 1024
"""A small entry may pack better: a thousand notes that are all the same."""
_READ: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_END: Final = struct.Struct("<4s4H2IH")
_END_64: Final = struct.Struct("<4sQ2H2I4Q")
_LOCATOR_64: Final = struct.Struct("<4sIQI")
_PIECE: Final = 256 * 1024


class BadArchive(Exception):
    """The file is no archive of ours, or more than we take; the message says which."""


class ZipStream:
    """Writes a zip that nobody has to hold: take the bytes after each step."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._zip = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self._entry: IO[bytes] | None = None

    def begin(self, name: str, *, packed: bool = True) -> None:
        """Begin an entry; the one before ends."""
        self._end_entry()
        info = zipfile.ZipInfo(name)  # of 1980, so that the same content is the same file
        info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        self._entry = self._zip.open(info, "w", force_zip64=True)

    def write(self, content: bytes) -> bytes:
        """Write on; gives what is to be sent."""
        assert self._entry is not None  # noqa: S101 - begin comes first
        self._entry.write(content)
        return self._sink.take()

    def end(self) -> bytes:
        """End the file; gives what is to be sent."""
        self._end_entry()
        self._zip.close()
        return self._sink.take()

    def _end_entry(self) -> None:
        if self._entry is not None:
            self._entry.close()
            self._entry = None


class _Sink(io.RawIOBase):
    """Collects what a ZipFile writes; cannot seek, so that nothing written is changed later."""

    def __init__(self) -> None:
        super().__init__()
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:  # noqa: ANN401 - any buffer
        self._written += content
        return len(content)

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


class ZipReader:
    """Reads the entries of an archive."""

    def __init__(self, file: IO[bytes]) -> None:
        """Look through the directory.

        Raises:
            BadArchive: no zip, or beyond a limit.
        """
        _check_directory(file)
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error):
            raise BadArchive("it is no zip file, or is broken off") from None
        self._entries: dict[str, zipfile.ZipInfo] = {}
        total = 0
        for info in self._zip.infolist():
            if info.filename in self._entries or len(self._entries) >= MOST_ENTRIES:
                raise BadArchive("an entry is there twice, or there are too many")
            is_packed = info.compress_type != zipfile.ZIP_STORED
            if info.flag_bits & 1 or info.compress_type not in _READ:
                raise BadArchive("an entry is encrypted, or packed in a way we do not read")
            is_audio = info.filename.startswith(AUDIO)
            if is_audio and is_packed:
                raise BadArchive("audio is packed")
            total += 0 if is_audio else info.file_size
            if total > MOST_TEXT or info.file_size > max(
                _ALLOWED_ANYWAY, info.compress_size * _HIGHEST_RATIO
            ):
                raise BadArchive("it unpacks to more than we take")
            self._entries[info.filename] = info

    def __contains__(self, name: str) -> bool:
        """Whether there is an entry of this name."""
        return name in self._entries

    def size(self, name: str) -> int:
        """Give the bytes of an entry."""
        return self._entries[name].file_size

    def lines(self, name: str, *, longest: int = LONGEST_LINE) -> Iterator[bytes]:
        """Give the lines of an entry, none if it is not there.

        Args:
            name: of the entry.
            longest: bytes of one line.

        Raises:
            BadArchive: it is damaged, or a line is too long.
        """
        if name not in self._entries:
            return
        try:
            with self._zip.open(self._entries[name]) as entry:
                while line := entry.readline(longest + 1):
                    if len(line) > longest:
                        raise BadArchive("a line is too long")
                    if line.strip():
                        yield line
        except _DAMAGED:
            _refuse_damaged()

    def pieces(self, name: str) -> Iterator[bytes]:
        """Give the bytes of an entry.

        Raises:
            BadArchive: it is damaged.
        """
        try:
            with self._zip.open(self._entries[name]) as entry:
                while piece := entry.read(_PIECE):
                    yield piece
        except _DAMAGED:
            _refuse_damaged()


_DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    ValueError,
)


def _refuse_damaged() -> NoReturn:
    raise BadArchive("an entry is damaged") from None


def _check_directory(file: IO[bytes]) -> None:
    """Check how large the directory is before anybody reads it whole into the memory.

    Raises:
        BadArchive: it is too large, or there is none.
    """
    size = file.seek(0, 2)
    file.seek(max(0, size - 65_536 - _END.size - _LOCATOR_64.size))
    tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) < place + _END.size:
        raise BadArchive("it is no zip file, or is broken off")
    end = _END.unpack_from(tail, place)
    entries, directory = [end[4]], [end[5]]
    locator = place - _LOCATOR_64.size
    if locator >= 0 and tail[locator : locator + 4] == b"PK\x06\x07":
        # Where it says, and where it must be with nothing in between: readers differ in which they
        # believe.
        said = _LOCATOR_64.unpack_from(tail, locator)[2]
        absolute = size - len(tail) + locator - _END_64.size
        entries, directory = [], []
        for offset in {said, absolute}:
            if 0 <= offset <= size - _END_64.size:
                file.seek(offset)
                end_64 = _END_64.unpack(file.read(_END_64.size))
                if end_64[0] == b"PK\x06\x06":
                    entries.append(end_64[7])
                    directory.append(end_64[8])
        if not directory:
            raise BadArchive("it is no zip file, or is broken off")
    if max(entries) > MOST_ENTRIES or max(directory) > _LONGEST_DIRECTORY:
        raise BadArchive("it has too many entries")
    file.seek(0)
