"""People with something said, for the tests of keys."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg

from service.storage.encryption.keys import UserKeys
from service.storage.encryption.master import MasterKeys
from service.storage.opening import Storage, open_storage
from service.storage.postgres import Postgres, open_postgres
from tests.storage.samples import FIRST, ORIGIN, SECOND


@asynccontextmanager
async def second_process(
    url: str, master: MasterKeys, *, cached_s: float = 60.0
) -> AsyncIterator[UserKeys]:
    """The keys as another process of the service holds them."""
    async with open_postgres(url) as postgres:
        yield UserKeys(postgres, master, cached_s=cached_s)


@asynccontextmanager
async def opened(url: str, master: MasterKeys) -> AsyncIterator[Storage]:
    async with open_storage(url, Path("/nonexistent"), master=master) as storage:
        yield storage


async def person(postgres: Postgres) -> UUID:
    """Make a user."""
    user = uuid4()
    await postgres.call(lambda c: c.execute("INSERT INTO users (id) VALUES ($1)", user))
    return user


async def say_everything(storage: Storage, user: UUID) -> None:
    """Store a value of this user in every sealed column."""
    opened = await storage.transcripts.open(str(uuid4()), user=user, origin=ORIGIN)
    for final in (FIRST, SECOND):
        await storage.transcripts.add_final(user, opened.transcript, final)
    cipher = await storage.keys.of(user)
    transcript, item, recording = opened.transcript, uuid4(), uuid4()

    async def store(connection: asyncpg.Connection) -> None:
        await connection.execute(
            "UPDATE transcripts SET edited = $2 WHERE id = $1",
            transcript,
            cipher.seal("transcripts", "edited", transcript, b"edited"),
        )
        await connection.execute(
            "INSERT INTO library_items (user_id, id, kind, sealed) VALUES ($1, $2, 'note', $3)",
            user,
            item,
            cipher.seal("library_items", "sealed", item, b"note"),
        )
        await connection.execute(
            "INSERT INTO recordings (user_id, id, sha256, size_bytes, encoding, recorded_at) "
            "VALUES ($1, $2, $3, 4, 'pcm', now())",
            user,
            recording,
            secrets.token_bytes(32),
        )
        await connection.execute(
            "INSERT INTO recording_audio (user_id, recording_id, first_byte, size_bytes, sealed) "
            "VALUES ($1, $2, 0, 4, $3)",
            user,
            recording,
            cipher.seal("recording_audio", "sealed", f"{recording}/0", b"pcm!"),
        )

    await storage.postgres.call(store)
