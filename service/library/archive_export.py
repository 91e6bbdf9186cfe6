"""Everything a person has, as one zip, made while it is sent.

There is never more of it in memory than a few transcripts, or one piece of audio.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final
from uuid import UUID

import asyncpg
import msgspec
import structlog

from service.dictation.transcripts import StoredFinal
from service.library.archive_format import (
    AUDIO,
    FORMAT,
    HISTORY,
    ITEMS,
    MANIFEST,
    RECORDINGS,
    VERSION,
    ArchivedField,
    ArchivedFinal,
    ArchivedItem,
    ArchivedLost,
    ArchivedRecording,
    ArchivedTranscript,
    ArchivedWord,
    Manifest,
)
from service.library.archive_zip import ZipStream
from service.library.kinds import Kind
from service.library.merging import Contents
from service.storage.archive import FIRST, PostgresArchive
from service.storage.encryption.keys import UserCipher
from service.storage.encryption.sealing import Unreadable
from service.storage.items import PostgresItems, StoredItem
from service.storage.transcripts import stored_finals

log = structlog.get_logger()

_ITEMS_AT_ONCE: Final = 100
_TRANSCRIPTS_AT_ONCE: Final = 10
_RECORDINGS_AT_ONCE: Final = 500
_encode: Final = msgspec.json.Encoder().encode


async def exported(
    user: UUID, items: PostgresItems, archive: PostgresArchive
) -> AsyncIterator[bytes]:
    """Give the bytes of an archive.

    What cannot be read, because its key is gone or it is damaged, is left out and logged by number.

    Raises:
        StoreUnavailable: the database went away; what was given is no whole zip.
    """
    stream = ZipStream()
    left_out = 0
    stream.begin(MANIFEST)
    manifest = Manifest(
        format=FORMAT, version=VERSION, made_at=datetime.now(UTC), made_by=version("alfavoice")
    )
    yield stream.write(_encode(manifest) + b"\n")
    for name, kind in ITEMS.items():
        stream.begin(name)
        async for found in _all_items(user, items, kind):
            yield await asyncio.to_thread(stream.write, b"".join(map(_item_line, found)))
    stream.begin(HISTORY)
    after = FIRST
    while True:
        rows, finals, cipher = await archive.transcripts(
            user, after=after, limit=_TRANSCRIPTS_AT_ONCE
        )
        if not rows:
            break
        for row in rows:
            line = await asyncio.to_thread(_transcript_line, cipher, row, finals[row["id"]])
            left_out += not line
            yield await asyncio.to_thread(stream.write, line)
        after = rows[-1]["started_at"], rows[-1]["id"]
    with_audio = []
    stream.begin(RECORDINGS)
    after = FIRST
    while True:
        rows = await archive.recordings(user, after=after, limit=_RECORDINGS_AT_ONCE)
        if not rows:
            break
        with_audio += [row["id"] for row in rows if row["has_audio"]]
        yield stream.write(b"".join(map(_recording_line, rows)))
        after = rows[-1]["recorded_at"], rows[-1]["id"]
    for recording in with_audio:
        stream.begin(f"{AUDIO}{recording}", packed=False)
        for first in await archive.pieces(user, recording):
            try:
                piece = await archive.piece(user, recording, first)
            except Unreadable:
                left_out += 1
                break
            if piece is None:  # deleted in between: the import says that it is not whole
                break
            yield stream.write(piece)
    yield stream.end()
    if left_out:
        log.warning("archive_left_out", count=left_out)


async def _all_items(
    user: UUID, items: PostgresItems, kind: Kind
) -> AsyncIterator[list[StoredItem]]:
    before = None
    while found := await items.page(user, kind, before=before, limit=_ITEMS_AT_ONCE):
        yield found
        before = found[-1].id


def _item_line(item: StoredItem) -> bytes:
    contents = item.contents
    if not isinstance(contents, Contents):
        return b""
    archived = ArchivedItem(
        id=item.id,
        created_at=item.created_at,
        fields={
            name: ArchivedField(value=one.value, at=one.stamp.at, writer=one.stamp.writer)
            for name, one in sorted(contents.fields.items())
        },
        conflicts=[
            ArchivedLost(
                id=lost.id,
                field=lost.field,
                value=lost.value,
                at=lost.stamp.at,
                writer=lost.stamp.writer,
            )
            for lost in contents.conflicts
        ],
    )
    return _encode(archived) + b"\n"


def _transcript_line(
    cipher: UserCipher, row: asyncpg.Record, finals: Sequence[asyncpg.Record]
) -> bytes:
    try:
        edited = row["edited"]
        if edited is not None:
            edited = cipher.unseal("transcripts", "edited", row["id"], edited).decode()
        opened = stored_finals(cipher, finals)
    except Unreadable:
        return b""
    archived = ArchivedTranscript(
        id=row["id"],
        kind=row["kind"],
        language=row["language"],
        sample_rate=row["sample_rate"],
        client=row["client"],
        app=row["app"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        audio_samples=row["audio_samples"],
        is_favourite=row["is_favourite"],
        edited=edited,
        edited_at=row["edited_at"],
        edited_until=row["edited_until"],
        deleted_at=row["deleted_at"],
        finals=[_final(final) for final in opened],
    )
    return _encode(archived) + b"\n"


def _final(final: StoredFinal) -> ArchivedFinal:
    return ArchivedFinal(
        utterance=final.utterance,
        start=final.start,
        end=final.end,
        language=final.language,
        text=final.text,
        raw=final.raw,
        words=[
            ArchivedWord(
                text=word.text, start=word.start, end=word.end, probability=word.probability
            )
            for word in final.words
        ],
        glue=final.glue,
        erase=final.erase,
    )


def _recording_line(row: asyncpg.Record) -> bytes:
    archived = ArchivedRecording(
        id=row["id"],
        sha256=row["sha256"].hex(),
        size_bytes=row["size_bytes"],
        encoding=row["encoding"],
        sample_rate=row["sample_rate"],
        language=row["language"],
        app=row["app"],
        recorded_at=row["recorded_at"],
        state=row["state"] if row["state"] in ("done", "failed") else "waiting",
        reason=row["reason"],
        transcript=row["transcript_id"],
        audio_samples=row["audio_samples"],
        is_silent=row["is_silent"],
        keep_audio_until=row["keep_audio_until"],
        has_audio=row["has_audio"],
    )
    return _encode(archived) + b"\n"
