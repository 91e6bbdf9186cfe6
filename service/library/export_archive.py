"""Many transcripts as one zip, written while it is sent: a few of them are in memory at a time.

`zipfile` writes to anything that takes bytes; what it wrote is taken away after each document.
"""

import zipfile
from collections.abc import AsyncIterator, Sequence
from datetime import tzinfo
from functools import partial
from typing import Final
from uuid import UUID

from service.library.export_documents import FORMATS, file_name
from service.library.history_entries import START, Choice, Transcript
from service.storage.history import PostgresHistory

_AT_ONCE: Final = 5
"""Transcripts in memory; one of four hours takes 10 MB."""
_FIRST_ZIP_YEAR: Final = 1980
_LAST_ZIP_YEAR: Final = 2107


class _Outgoing:
    """Takes what is written, for whoever sends it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def taken(self) -> bytes:
        """Take all that was written since."""
        data = b"".join(self._parts)
        self._parts.clear()
        return data


class HistoryArchive:
    """Writes zips of a person's transcripts."""

    def __init__(self, history: PostgresHistory) -> None:
        self._history = history

    async def of_ids(
        self, user: UUID, ids: Sequence[UUID], *, ending: str, zone: tzinfo
    ) -> AsyncIterator[bytes]:
        """Write the transcripts with these ids."""

        async def batches() -> AsyncIterator[Sequence[UUID]]:
            for first in range(0, len(ids), _AT_ONCE):
                yield ids[first : first + _AT_ONCE]

        async for part in self._written(user, batches(), ending=ending, zone=zone):
            yield part

    async def of_choice(
        self, user: UUID, choice: Choice, *, ending: str, zone: tzinfo
    ) -> AsyncIterator[bytes]:
        """Write the transcripts that are chosen, newest first."""

        async def batches() -> AsyncIterator[Sequence[UUID]]:
            after = START
            while places := await self._history.ids(user, choice, after=after, limit=_AT_ONCE):
                yield [place.id for place in places]
                after = places[-1]

        async for part in self._written(user, batches(), ending=ending, zone=zone):
            yield part

    async def _written(
        self, user: UUID, batches: AsyncIterator[Sequence[UUID]], *, ending: str, zone: tzinfo
    ) -> AsyncIterator[bytes]:
        out = _Outgoing()
        unreadable: list[str] = []
        archive = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED)  # type: ignore[call-overload]
        async for ids in batches:
            for transcript in await self._history.transcripts(user, ids):
                name = file_name(transcript.entry, ending, zone)
                if not transcript.entry.is_readable:
                    unreadable.append(name)
                    continue
                await self._history.on_thread(
                    partial(_add, archive, transcript, name=name, ending=ending, zone=zone)
                )
                yield out.taken()
        if unreadable:
            names = "".join(f"{name}\n" for name in unreadable)
            archive.writestr(
                "unreadable.txt", f"These are damaged, or their key is gone:\n\n{names}"
            )
        archive.close()
        yield out.taken()


def _add(
    archive: zipfile.ZipFile, transcript: Transcript, *, name: str, ending: str, zone: tzinfo
) -> None:
    at = transcript.entry.started_at.astimezone(zone)
    info = zipfile.ZipInfo(name)
    if _FIRST_ZIP_YEAR <= at.year <= _LAST_ZIP_YEAR:
        info.date_time = (at.year, at.month, at.day, at.hour, at.minute, at.second)
    info.compress_type = zipfile.ZIP_STORED if ending == "docx" else zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    archive.writestr(info, FORMATS[ending].write(transcript, zone))
