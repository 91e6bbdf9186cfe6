"""Do what a client pushed, operation by operation, each exactly once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from typing import Final, TypeVar
from uuid import UUID

from service.library.fields import checked
from service.library.kinds import Kind
from service.library.merging import FieldWrite, MergeRefused
from service.library.sync_operations import (
    DeleteOperation,
    DeleteTranscriptOperation,
    EditTranscriptOperation,
    FavouriteTranscriptOperation,
    Operation,
    OperationResult,
    RestoreTranscriptOperation,
    WriteOperation,
)
from service.problems import StoreUnavailable
from service.storage.items import Answer, DeleteItem, Edit, PostgresItems, WriteItem
from service.storage.pushed_edits import (
    EditText,
    PushedEdits,
    SetDeleted,
    SetFavourite,
    TranscriptEdit,
)

T = TypeVar("T")

_TOGETHER: Final = 50
"""Operations in one transaction: as long as it lasts, the user's other writers wait."""
_TRIES: Final = 3
"""Two writers of one user can stand in each other's way (deadlock): one is rolled back."""
_PAUSE_S: Final = 0.05


class Pushing:
    """Does pushed operations."""

    def __init__(self, items: PostgresItems, edits: PushedEdits) -> None:
        self._items = items
        self._edits = edits

    async def push(
        self, user: UUID, operations: Sequence[Operation], *, writer: UUID
    ) -> list[OperationResult]:
        """Do operations in order.

        Raises:
            StoreUnavailable: some may be done: the same push again does the rest.
        """
        results: list[OperationResult] = []
        for is_item, some in groupby(
            operations, lambda one: isinstance(one, WriteOperation | DeleteOperation)
        ):
            group = list(some)
            size = _TOGETHER if is_item else 1
            for first in range(0, len(group), size):
                results += await self._some(user, group[first : first + size], writer)
        return results

    async def _some(
        self, user: UUID, operations: Sequence[Operation], writer: UUID
    ) -> list[OperationResult]:
        edits: list[Edit] = []
        answers: dict[int, Answer] = {}
        places: list[int] = []
        for place, operation in enumerate(operations):
            try:
                edit = _edit(operation)
            except MergeRefused as refusal:
                answers[place] = refusal
                continue
            if isinstance(edit, TranscriptEdit):
                answers[place] = await _patiently(lambda edit=edit: self._edits.edit(user, edit))  # type: ignore[misc]
            else:
                edits.append(edit)
                places.append(place)
        if edits:
            done = await _patiently(lambda: self._items.edit(user, edits, writer=str(writer)))
            answers |= dict(zip(places, done, strict=True))
        return [
            _result(operation.operation, answers[place])
            for place, operation in enumerate(operations)
        ]


async def _patiently(action: Callable[[], Awaitable[T]]) -> T:
    for _ in range(_TRIES - 1):
        try:
            return await action()
        except StoreUnavailable:
            await asyncio.sleep(_PAUSE_S)
    return await action()


def _edit(operation: Operation) -> Edit | TranscriptEdit:
    """Translate an operation.

    Raises:
        MergeRefused: a value is none of its field.
    """
    match operation:
        case WriteOperation():
            values = checked(
                operation.kind, {name: one.value for name, one in operation.fields.items()}
            )
            return WriteItem(
                kind=operation.kind,
                id=operation.id,
                fields={
                    name: FieldWrite(value=values[name], at=one.at, seen=one.seen)
                    for name, one in operation.fields.items()
                },
                settled=tuple(operation.settled),
                operation=operation.operation,
            )
        case DeleteOperation():
            return DeleteItem(
                kind=Kind(operation.kind),
                id=operation.id,
                when=FieldWrite(value=None, at=operation.at, seen=operation.seen),
                operation=operation.operation,
            )
        case EditTranscriptOperation():
            what: EditText | SetFavourite | SetDeleted = EditText(
                text=operation.text, seen=operation.seen
            )
        case FavouriteTranscriptOperation():
            what = SetFavourite(is_favourite=operation.is_favourite)
        case DeleteTranscriptOperation():
            what = SetDeleted(is_deleted=True)
        case RestoreTranscriptOperation():
            what = SetDeleted(is_deleted=False)
    return TranscriptEdit(operation=operation.operation, id=operation.id, what=what)


def _result(operation: UUID, answer: Answer) -> OperationResult:
    if isinstance(answer, MergeRefused):
        return OperationResult(
            operation=operation, outcome="refused", code=answer.code, detail=answer.message
        )
    return OperationResult(operation=operation, outcome=answer.outcome.value)
