"""Writes that are refused where another item like the written one is stored.

Two requests at once would both find nothing, so this looks within the transaction of the write, which holds
the lock of the person's change counter.
"""

import asyncio
from collections.abc import Callable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from service.library.kinds import Kind
from service.storage.encryption.keys import UserCipher
from service.storage.encryption.sealing import Unreadable
from service.storage.postgres import Connection
from service.storage.sealed_items import item_values
from service.storage.statements import statements

_page: Final = statements("items")["page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlike:
    """What an item must not have in common with another of its kind."""

    field: str
    ways: Callable[[Any], Set[object]]
    """The ways to say the field's value; two that share one are alike."""
    among: int
    """So many of the newest are looked at."""
    code: str
    """Of the refusal."""
    message: str


async def alike(
    connection: Connection, cipher: UserCipher, kind: Kind, value: object, unlike: Unlike
) -> frozenset[UUID]:
    """Give the stored items that are like this value.

    Args:
        connection: of a transaction that holds the lock of the person's changes.
        cipher: of the person.
        kind: of which kind.
        value: of the field.
        unlike: what is compared.
    """
    rows = await connection.fetch(_page, kind, None, unlike.among)
    return await asyncio.to_thread(_like, cipher, rows, value, unlike)


def _like(
    cipher: UserCipher, rows: Sequence[asyncpg.Record], value: object, unlike: Unlike
) -> frozenset[UUID]:
    wanted, found = unlike.ways(value), set[UUID]()
    for row in rows:
        with suppress(Unreadable):  # what cannot be read is in nobody's way
            values = item_values(cipher, row["id"], row["sealed"])
            if not wanted.isdisjoint(unlike.ways(values.get(unlike.field, ""))):
                found.add(row["id"])
    return frozenset(found)
