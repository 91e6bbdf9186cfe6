"""Seal what was stored in the clear before there was encryption.

Migration 0002 sets the old table aside as `plain_finals`. Each batch moves in one transaction, so
that an interrupted move goes on at the next start; processes that start at once take turns. The files of
the emptied table are deleted by PostgreSQL; what its write-ahead log still holds is overwritten in
the course of time.
"""

from typing import Final

import msgspec
import structlog

from service.dictation.transcripts import StoredFinal, StoredWord
from service.storage.encryption.keys import UserKeys
from service.storage.postgres import Connection, Postgres
from service.storage.statements import statements
from service.storage.transcripts import sealed_final

_BATCH: Final = 200
_LOCK: Final = int.from_bytes(b"alfaseal")
_sql: Final = statements("plain_finals")
_stored: Final = statements("transcripts")
_decode_words = msgspec.json.Decoder(tuple[StoredWord, ...]).decode
_log = structlog.get_logger(__name__)


async def seal_plain_finals(postgres: Postgres, keys: UserKeys) -> int:
    """Move everything; gives how many finals were moved by this process."""
    if not await postgres.call(lambda connection: connection.fetchval(_sql["any"])):
        return 0
    owners = await postgres.call(lambda connection: connection.fetch(_sql["owners"]))
    ciphers = {row["user_id"]: await keys.of(row["user_id"]) for row in owners}

    async def move(connection: Connection) -> int:
        async with connection.transaction():
            # One batch at a time: two that move finals of one transcript would each count its words
            # without the other's.
            await connection.execute(_sql["turn"], _LOCK)
            rows = await connection.fetch(_sql["take"], _BATCH)
            for row in rows:
                cipher = ciphers[row["user_id"]]
                final = StoredFinal(
                    utterance=row["utterance"],
                    start=row["start_sample"],
                    end=row["end_sample"],
                    text=row["text"],
                    raw=row["raw"],
                    language=row["language"],
                    words=_decode_words(row["words"]),
                )
                await connection.execute(
                    _stored["add_final"], *sealed_final(cipher, row["transcript_id"], final)
                )
            for transcript in {row["transcript_id"] for row in rows}:
                await connection.execute(_stored["index"], transcript)
            return len(rows)

    moved, is_left = 0, True
    while is_left:
        while count := await postgres.call(move):
            moved += count
        is_left = await postgres.call(_some_left)
    _log.info("plain_finals_sealed", finals=moved)
    return moved


async def _some_left(connection: Connection) -> bool:
    """Empty the table's files, unless rows are left in it.

    Another process may have been killed in the middle of its batch, which is there again then: only
    whoever has the table alone can tell.
    """
    async with connection.transaction():
        await connection.execute(_sql["alone"])
        if await connection.fetchval(_sql["any"]):
            return True
        await connection.execute(_sql["empty"])
    return False
