"""Put back what an archive holds. Each thing once, by its id; what is here already stays as it is.

A line that does not fit is counted and left out; it does not keep the others from coming.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, Protocol, TypeVar
from uuid import UUID

import msgspec

from service.dictation.transcripts import StoredFinal, StoredWord
from service.library.archive_format import (
    AUDIO,
    FORMAT,
    HISTORY,
    ITEMS,
    LONGEST_ITEM,
    MANIFEST,
    RECORDINGS,
    VERSION,
    ArchivedFinal,
    ArchivedItem,
    ArchivedRecording,
    ArchivedTranscript,
    Manifest,
    cleaned,
)
from service.library.archive_zip import BadArchive, ZipReader
from service.library.fields import checked
from service.library.kinds import RULES, Kind
from service.library.merging import Contents, Lost, MergeRefused, Stamp, Written
from service.recordings.recording import Encoding, Reason
from service.storage.archive import PIECE_BYTES, PostgresArchive, WholeTranscript
from service.storage.items import CopyItem, Done, PostgresItems

T = TypeVar("T")
_AT_ONCE: Final = 20
_manifest: Final = msgspec.json.Decoder(Manifest).decode
_item: Final = msgspec.json.Decoder(ArchivedItem).decode
_transcript: Final = msgspec.json.Decoder(ArchivedTranscript).decode
_recording: Final = msgspec.json.Decoder(ArchivedRecording).decode


@dataclass(slots=True, kw_only=True)
class Count:
    """What became of the things of one kind."""

    added: int = 0  # or changed by what the archive knew better
    unchanged: int = 0
    refused: int = 0


@dataclass(slots=True, kw_only=True)
class Imported:
    """What became of all of an archive."""

    counts: dict[str, Count] = field(default_factory=dict)
    """By name: notes, snippets, dictionary, preferences, history, recordings."""


class AudioRules(Protocol):
    """What holds for audio on this server, whatever an archive says."""

    async def keep_audio(self, user: UUID) -> timedelta:
        """How long a person's is kept after its text is done."""
        ...

    async def has_room(self, user: UUID, recording: UUID, size: int, *, is_done: bool) -> bool:
        """Whether there is room for the audio of a recording.

        Args:
            user: whose.
            recording: its id.
            size: bytes.
            is_done: whether it has its text, so that its audio goes after `keep_audio`.
        """
        ...


class ArchiveImport:
    """Puts one archive back for one person."""

    def __init__(
        self,
        user: UUID,
        reader: ZipReader,
        items: PostgresItems,
        archive: PostgresArchive,
        *,
        rules: AudioRules,
    ) -> None:
        self._user = user
        self._rules = rules
        self._reader = reader
        self._items = items
        self._archive = archive
        self._result = Imported()

    async def run(self) -> Imported:
        """Put everything back.

        Raises:
            BadArchive: it is none of ours, of a later version, or damaged; what came before stays.
            StoreUnavailable: the same once more does the rest.
        """
        await self._check_manifest()
        for name, kind in ITEMS.items():
            async for lines in _some(self._reader.lines(name, longest=LONGEST_ITEM), _AT_ONCE):
                await self._put_items(lines, kind, self._count(name))
        async for lines in _some(self._reader.lines(HISTORY), 1):
            for line in lines:
                await self._put_transcript(line, self._count(HISTORY))
        async for lines in _some(self._reader.lines(RECORDINGS, longest=LONGEST_ITEM), _AT_ONCE):
            for line in lines:
                await self._put_recording(line, self._count(RECORDINGS))
        return self._result

    def _count(self, name: str) -> Count:
        return self._result.counts.setdefault(name.partition(".")[0], Count())

    async def _check_manifest(self) -> None:
        lines = await asyncio.to_thread(
            lambda: list(islice(self._reader.lines(MANIFEST, longest=LONGEST_ITEM), 1))
        )
        manifest = _decoded(_manifest, lines[0]) if lines else None
        if manifest is None or manifest.format != FORMAT:
            raise BadArchive("it is no archive of AlfaVoice")
        if manifest.version > VERSION:
            raise BadArchive("it was made by a later version: update this server first")

    async def _put_items(self, lines: list[bytes], kind: Kind, count: Count) -> None:
        edits = []
        for line in lines:
            archived = _decoded(_item, line)
            try:
                if archived is None:
                    raise MergeRefused("request.invalid", "not an item")  # noqa: TRY301
                edits.append(_copy(archived, kind))
            except MergeRefused:
                count.refused += 1
        for answer in await self._items.edit(self._user, edits, writer=str(self._user)):
            if not isinstance(answer, Done):
                count.refused += 1
            elif answer.changed:
                count.added += 1
            else:
                count.unchanged += 1

    async def _put_transcript(self, line: bytes, count: Count) -> None:
        archived = await asyncio.to_thread(_decoded, _transcript, line)
        if archived is None:
            count.refused += 1
            return
        _, added = await self._archive.add_transcript(self._user, _whole(archived))
        if added:
            count.added += 1
        else:
            count.unchanged += 1

    async def _put_recording(self, line: bytes, count: Count) -> None:
        archived = _decoded(_recording, line)
        if archived is None or not _is_known(archived):
            count.refused += 1
            return
        sha256 = bytes.fromhex(archived.sha256)
        columns = (
            sha256,
            archived.size_bytes,
            archived.encoding,
            archived.sample_rate,
            cleaned(archived.language),
            None if archived.app is None else cleaned(archived.app),
            archived.recorded_at,
        )
        is_done = archived.state == "done"
        if archived.has_audio and not (
            await self._rules.has_room(
                self._user, archived.id, archived.size_bytes, is_done=is_done
            )
            and await asyncio.to_thread(self._audio_is_right, archived)
        ):
            count.refused += 1
            return
        if not await self._archive.open_recording(self._user, archived.id, columns, sha256):
            count.unchanged += 1
            return
        audio_bytes = await self._put_audio(archived) if archived.has_audio else 0
        transcript = None
        if archived.transcript is not None:
            transcript = await self._archive.transcript_here(self._user, archived.transcript)
        # What still waited for its text does not come into this server's queue by itself: a person
        # who wants it presses «again».
        reason = None if is_done else archived.reason or Reason.FAILED.value
        ended = (
            "done" if is_done else "failed",
            reason,
            transcript,
            archived.audio_samples,
            archived.is_silent,
            await self._kept_until(archived) if is_done else None,
            archived.has_audio,
            1.0 if is_done else 0.0,
        )
        if await self._archive.complete_recording(
            self._user, archived.id, ended, audio_bytes=audio_bytes
        ):
            count.added += 1
        else:
            count.unchanged += 1

    async def _kept_until(self, archived: ArchivedRecording) -> datetime:
        longest = datetime.now(UTC) + await self._rules.keep_audio(self._user)
        return min(archived.keep_audio_until or longest, longest)

    def _audio_is_right(self, archived: ArchivedRecording) -> bool:
        name = f"{AUDIO}{archived.id}"
        if name not in self._reader or self._reader.size(name) != archived.size_bytes:
            return False
        digest = hashlib.sha256()
        for piece in self._reader.pieces(name):
            digest.update(piece)
        return digest.hexdigest() == archived.sha256

    async def _put_audio(self, archived: ArchivedRecording) -> int:
        first = 0
        pending = bytearray()
        async for pieces in _some(self._reader.pieces(f"{AUDIO}{archived.id}"), 4):
            for piece in pieces:
                pending += piece
            while len(pending) >= PIECE_BYTES:
                audio = bytes(pending[:PIECE_BYTES])
                del pending[:PIECE_BYTES]
                await self._archive.add_piece(self._user, archived.id, first, audio)
                first += len(audio)
        if pending:
            await self._archive.add_piece(self._user, archived.id, first, bytes(pending))
        return first + len(pending)


async def _some(source: Iterator[T], size: int) -> AsyncIterator[list[T]]:
    """Give lists of what a slow iterator gives, which is run on a thread."""
    while some := await asyncio.to_thread(lambda: list(islice(source, size))):
        yield some


def _decoded(decode: Callable[[bytes], T], line: bytes) -> T | None:
    try:
        return decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError):
        return None


def _copy(archived: ArchivedItem, kind: Kind) -> CopyItem:
    """Check an item.

    Raises:
        MergeRefused: a value is none of its field.
    """
    values = checked(kind, {name: one.value for name, one in archived.fields.items()})
    texts = {lost.field: lost.value for lost in archived.conflicts}
    for lost in archived.conflicts:
        checked(kind, {lost.field: lost.value})
    if not texts.keys() | RULES[kind].whole <= values.keys():
        raise MergeRefused("library.incomplete", "a field is missing")
    contents = Contents(
        fields={
            name: Written(value=values[name], stamp=_stamp(one.at, one.writer))
            for name, one in archived.fields.items()
        },
        conflicts=tuple(
            Lost(id=lost.id, field=lost.field, value=lost.value, stamp=_stamp(lost.at, lost.writer))
            for lost in archived.conflicts
        ),
    )
    return CopyItem(kind=kind, id=archived.id, contents=contents, created_at=archived.created_at)


def _stamp(at: int, writer: str) -> Stamp:
    return Stamp(at=at, writer=cleaned(writer))


def _whole(archived: ArchivedTranscript) -> WholeTranscript:
    return WholeTranscript(
        id=archived.id,
        columns=(
            archived.kind,
            cleaned(archived.language),
            archived.sample_rate,
            cleaned(archived.client),
            None if archived.app is None else cleaned(archived.app),
            archived.started_at,
            archived.finished_at,
            archived.audio_samples,
            archived.is_favourite,
        ),
        edited=None if archived.edited is None else cleaned(archived.edited),
        edited_at=archived.edited_at,
        edited_until=archived.edited_until,
        deleted_at=archived.deleted_at,
        finals=tuple(_final(final) for final in archived.finals),
    )


def _final(final: ArchivedFinal) -> StoredFinal:
    return StoredFinal(
        utterance=final.utterance,
        start=final.start,
        end=final.end,
        language=final.language,
        text=final.text,
        raw=final.raw,
        words=tuple(
            StoredWord(
                text=word.text,
                start=word.start,
                end=word.end,
                probability=min(1.0, max(0.0, word.probability or 0.0)),
            )
            for word in final.words
        ),
        glue=cleaned(final.glue),
        erase=final.erase,
    )


def _is_known(archived: ArchivedRecording) -> bool:
    return archived.encoding in set(Encoding) and (
        archived.reason is None or archived.reason in set(Reason)
    )
