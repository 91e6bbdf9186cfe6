"""Small things of the library in PostgreSQL: notes, snippets, terms and preferences, sealed.

All writes of one user come one after the other: each transaction first takes the lock of the user's
change counter, so that a merge sees what it merges with, and readers see changes in their order.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

import asyncpg

from service.library.kinds import MOST_ITEMS, PREFERENCES, RULES, Kind
from service.library.merging import (
    Contents,
    FieldWrite,
    Merged,
    MergeRefused,
    Outcome,
    Tombstone,
    merge_copy,
    merge_delete,
    merge_write,
    settle,
)
from service.storage.encryption.keys import UserCipher, UserKeys
from service.storage.postgres import Connection, Postgres
from service.storage.sealed_items import opened_contents, sealed_contents
from service.storage.statements import statements
from service.storage.unlike import Unlike, alike

_sql: Final = statements("items")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredItem:
    """An item as it is read back."""

    id: UUID
    kind: Kind
    contents: Contents | Tombstone
    change: int  # number of its newest change among all of the user's
    created_at: datetime  # aware
    updated_at: datetime  # aware


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteItem:
    """Write some fields of an item, making it where there is none."""

    kind: Kind
    id: UUID
    fields: dict[str, FieldWrite]
    settled: tuple[str, ...] = ()  # ids of lost texts that the person has seen to
    operation: UUID | None = None  # the client's id of this write; done once
    must_exist: bool = False  # refuse to make it
    if_change: int | None = None  # refuse if its newest change is another
    created_at: datetime | None = None  # aware; of a new one; None: now
    unlike: Unlike | None = None  # refuse if another one that is stored is like it


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteItem:
    """Delete an item; one that is not there is no error, unless it must exist."""

    kind: Kind
    id: UUID
    when: FieldWrite  # of no value
    operation: UUID | None = None
    must_exist: bool = False
    if_change: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyItem:
    """Merge a copy of an item, as an archive has it, into what is here."""

    kind: Kind
    id: UUID
    contents: Contents
    created_at: datetime | None  # aware; of one that is not here yet; None: now
    operation: UUID | None = None
    must_exist: bool = False
    if_change: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An edit was done, now or before."""

    outcome: Outcome
    made: bool = False  # there was no such item before
    changed: bool = True  # it is another now


Edit = WriteItem | DeleteItem | CopyItem
Answer = Done | MergeRefused


@dataclass(slots=True, kw_only=True)
class _Row:
    """An item while a transaction works on it."""

    kind: Kind
    contents: Contents | Tombstone
    change: int = 0
    is_new: bool = False
    is_changed: bool = False
    created_at: datetime | None = None

    @property
    def lives(self) -> bool:
        """Whether it is there and not deleted."""
        return isinstance(self.contents, Contents)


class PostgresItems:
    """The items of all users. Every call raises `StoreUnavailable` when the database is away."""

    def __init__(
        self,
        postgres: Postgres,
        keys: UserKeys,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._postgres = postgres
        self._keys = keys
        self._now_ms = now_ms

    async def edit(self, user: UUID, edits: Sequence[Edit], *, writer: str) -> list[Answer]:
        """Do edits in order, all in one transaction.

        Args:
            user: whose items.
            edits: any number that can be done within a call's time; some hundreds.
            writer: id of the device, key or user.

        Returns:
            For each edit what became of it; those refused changed nothing.
        """
        cipher = await self._keys.of(user)

        async def work(connection: Connection) -> list[Answer]:
            await connection.fetchval(_sql["lock_changes"], user)
            operations = [edit.operation for edit in edits if edit.operation]
            done = {
                row["id"]: Outcome(row["outcome"])
                for row in (await connection.fetch(_sql["done"], operations) if operations else ())
            }
            found = await connection.fetch(_sql["of_ids"], list({edit.id for edit in edits}))
            rows = {
                row["id"]: _Row(
                    kind=Kind(row["kind"]),
                    contents=opened_contents(cipher, row),
                    change=row["change"],
                )
                for row in found
            }
            room = await self._room(connection, edits, rows)
            taken = await _taken(connection, cipher, edits)
            answers: list[Answer] = []
            for edit in edits:
                known = done.get(edit.operation) if edit.operation else None
                if known is not None:
                    answers.append(Done(outcome=known))
                    continue
                answer = self._do(edit, rows, room, taken, writer)
                answers.append(answer)
                if edit.operation and isinstance(answer, Done):
                    done[edit.operation] = answer.outcome
                    await connection.execute(
                        _sql["record_done"], user, edit.operation, answer.outcome
                    )
            for item, row in rows.items():
                if row.is_changed:
                    await _store(connection, cipher, item, row)
            return answers

        return await self._postgres.call_as(user, work)

    async def get(self, user: UUID, kind: Kind, item: UUID) -> StoredItem | None:
        """Give one item; None if there is none of this kind, or it was deleted."""
        (found,) = await self.of_ids(user, [item]) or (None,)
        if found is None or found.kind is not kind or isinstance(found.contents, Tombstone):
            return None
        return found

    async def of_ids(self, user: UUID, ids: Iterable[UUID]) -> list[StoredItem]:
        """Give items by id, tombstones too, in any order."""
        return await self._read(user, _sql["of_ids"], list(ids))

    async def page(
        self, user: UUID, kind: Kind, *, before: UUID | None = None, limit: int
    ) -> list[StoredItem]:
        """Give items of a kind, the greatest id (the newest, as clients make them) first.

        Args:
            user: whose.
            kind: of which kind.
            before: only ids less than this one.
            limit: how many at most.
        """
        return await self._read(user, _sql["page"], kind, before, limit)

    async def _read(self, user: UUID, sql: str, *values: object) -> list[StoredItem]:
        cipher = await self._keys.of(user)
        rows = await self._postgres.call_as(user, lambda connection: connection.fetch(sql, *values))
        return [stored_item(cipher, row) for row in rows]

    async def _room(
        self, connection: Connection, edits: Sequence[Edit], rows: dict[UUID, _Row]
    ) -> dict[Kind, int]:
        """Count how many more items there may be of the kinds that may get one."""
        growing = {
            edit.kind
            for edit in edits
            if not isinstance(edit, DeleteItem) and not (edit.id in rows and rows[edit.id].lives)
        }
        return {
            kind: MOST_ITEMS - await connection.fetchval(_sql["count"], kind) for kind in growing
        }

    def _do(
        self,
        edit: Edit,
        rows: dict[UUID, _Row],
        room: dict[Kind, int],
        taken: frozenset[UUID],
        writer: str,
    ) -> Answer:
        row = rows.get(edit.id)
        try:
            _check(edit, row, room, taken)
            merged = self._merged(edit, None if row is None else row.contents, writer)
        except MergeRefused as refusal:
            return refusal
        if merged is None:
            return Done(outcome=Outcome.APPLIED, changed=False)
        lived = row is not None and row.lives
        if row is None:
            created_at = None if isinstance(edit, DeleteItem) else edit.created_at
            row = rows[edit.id] = _Row(
                kind=edit.kind, contents=merged.contents, is_new=True, created_at=created_at
            )
        changed = row.is_new or row.contents != merged.contents
        row.is_changed = row.is_changed or changed
        row.contents = merged.contents
        if row.lives != lived:
            room[edit.kind] = room.get(edit.kind, 0) + (1 if lived else -1)
        return Done(outcome=merged.outcome, made=not lived, changed=changed)

    def _merged(
        self, edit: Edit, stored: Contents | Tombstone | None, writer: str
    ) -> Merged | None:
        rules, now_ms = RULES[edit.kind], self._now_ms()
        if isinstance(edit, DeleteItem):
            return merge_delete(stored, edit.when, rules, writer=writer, now_ms=now_ms)
        if isinstance(edit, CopyItem):
            return merge_copy(stored, edit.contents, now_ms=now_ms)
        merged = merge_write(
            stored,
            edit.fields,
            rules,
            writer=writer,
            now_ms=now_ms,
            lost_id=str(edit.operation or uuid4()),
        )
        if edit.settled and isinstance(merged.contents, Contents):
            return replace(merged, contents=settle(merged.contents, edit.settled))
        return merged


def _check(edit: Edit, row: _Row | None, room: dict[Kind, int], taken: frozenset[UUID]) -> None:
    if (edit.id == PREFERENCES) != (edit.kind is Kind.PREFERENCES) or (
        row is not None and row.kind is not edit.kind
    ):
        raise MergeRefused("library.wrong_kind", "this id is of something of another kind")
    lives = row is not None and row.lives
    if edit.must_exist and not lives:
        raise MergeRefused("request.not_found", f"there is no such {edit.kind}")
    if edit.if_change is not None and edit.if_change != (row.change if row else 0):
        raise MergeRefused("library.changed", "it was changed since: read it again")
    if not isinstance(edit, DeleteItem) and not lives and room[edit.kind] <= 0:
        raise MergeRefused("library.full", f"there are {MOST_ITEMS} already: delete some first")
    if isinstance(edit, WriteItem) and edit.unlike and edit.id in taken:
        raise MergeRefused(edit.unlike.code, edit.unlike.message)


async def _taken(
    connection: Connection, cipher: UserCipher, edits: Sequence[Edit]
) -> frozenset[UUID]:
    """Give the ids of edits that others stand in the way of, as stored before all of them.

    An item that is like another already may be written so again.
    """
    taken: set[UUID] = set()
    for edit in edits:
        if isinstance(edit, WriteItem) and edit.unlike and edit.unlike.field in edit.fields:
            value = edit.fields[edit.unlike.field].value
            having = await alike(connection, cipher, edit.kind, value, edit.unlike)
            if having and edit.id not in having:
                taken.add(edit.id)
    return frozenset(taken)


def stored_item(cipher: UserCipher, row: asyncpg.Record) -> StoredItem:
    """Read a row of `library_items`.

    Raises:
        Unreadable: it was damaged or moved.
    """
    return StoredItem(
        id=row["id"],
        kind=Kind(row["kind"]),
        contents=opened_contents(cipher, row),
        change=row["change"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


async def _store(connection: Connection, cipher: UserCipher, item: UUID, row: _Row) -> None:
    contents = row.contents
    sealed, deleted_at, deleted_by = None, None, None
    if isinstance(contents, Tombstone):
        deleted_at = datetime.fromtimestamp(contents.stamp.at / 1000, UTC)
        deleted_by = contents.stamp.writer
    else:
        sealed = cipher.seal("library_items", "sealed", item, sealed_contents(contents))
    if row.is_new and sealed is not None:
        await connection.execute(
            _sql["insert"], cipher.user, item, row.kind, sealed, row.created_at
        )
    elif not row.is_new:
        await connection.execute(_sql["update"], item, sealed, deleted_at, deleted_by)
