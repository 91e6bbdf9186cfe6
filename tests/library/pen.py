"""Writes what people want into the database, and asks what is known of it."""

import time
from uuid import UUID

import asyncpg

from service.accounts.principal import LOCAL_USER
from service.dictation.personal import Personal
from service.library.kinds import PREFERENCES, Kind
from service.library.merging import FieldWrite
from service.library.wishes import LibraryWishes
from service.storage.identifiers import uuid7
from service.storage.items import DeleteItem, Done, PostgresItems, WriteItem
from service.storage.opening import Storage


async def asked(wishes: LibraryWishes, user: UUID = LOCAL_USER, **said) -> Personal:
    return await wishes.of(user, **({"language": "ru", "app": None} | said))


class Pen:
    """Writes into a person's library, unchecked, as a version with other rules might have."""

    def __init__(self, storage: Storage, user: UUID = LOCAL_USER) -> None:
        self._items = PostgresItems(storage.postgres, storage.keys)
        self._user = user
        self._ms = time.time_ns() // 1_000_000

    async def term(self, term: object, **fields: object) -> UUID:
        whole = {"sounds_like": [], "language": None, "is_case_sensitive": False} | fields
        return await self._write(Kind.TERM, self._id(), {"term": term} | whole)

    async def snippet(self, trigger: object, text: object) -> UUID:
        return await self._write(Kind.SNIPPET, self._id(), {"trigger": trigger, "text": text})

    async def prefers(self, **values: object) -> None:
        await self._write(Kind.PREFERENCES, PREFERENCES, values)

    async def delete(self, kind: Kind, item: UUID) -> None:
        edit = DeleteItem(kind=kind, id=item, when=FieldWrite(value=None))
        await self._items.edit(self._user, [edit], writer="test")

    async def _write(self, kind: Kind, item: UUID, values: dict[str, object]) -> UUID:
        fields = {name: FieldWrite(value=value) for name, value in values.items()}
        edit = WriteItem(kind=kind, id=item, fields=fields)
        (answer,) = await self._items.edit(self._user, [edit], writer="test")
        assert isinstance(answer, Done)
        return item

    def _id(self) -> UUID:
        self._ms += 1
        return uuid7(self._ms)


async def on(storage: Storage, statement: str, *values: object) -> None:
    """Change the database behind everybody's back."""
    connection = await asyncpg.connect(storage.dsn, timeout=10)
    try:
        await connection.execute(statement, *values, timeout=30)
    finally:
        await connection.close(timeout=10)
