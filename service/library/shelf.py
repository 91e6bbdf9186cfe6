"""One kind of a person's items, for the routes of that kind: made, read, changed, deleted, listed."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, NoReturn
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, BaseModel

from service.accounts.principal import Principal
from service.library.kinds import Kind
from service.library.merging import Contents, FieldWrite, MergeRefused
from service.problems import RequestRefused, not_found
from service.storage.items import DeleteItem, Done, Edit, PostgresItems, StoredItem, WriteItem
from service.storage.unlike import Unlike

LONGEST_PAGE: Final = 200
_STATUS: Final = {"request.invalid": 422, "request.not_found": 404}

Limit = Annotated[int, Query(ge=1, le=LONGEST_PAGE)]
Before = Annotated[
    UUID | None, Query(description="Only ids less than this: the `next` of the page before.")
]
IfChange = Annotated[
    int | None,
    Query(ge=0, le=2**53, description="Do it only if the newest change still is this one."),
]


class ConflictView(BaseModel):
    """A text that lost against another, kept until the person has seen to it."""

    id: str
    field: str
    text: str
    written_at_ms: int
    """Milliseconds since 1970-01-01 UTC."""


class ItemView(BaseModel):
    """What is said of every item."""

    id: UUID
    change: int
    """Number of its newest change; give it as `if_change` to change only what you have seen."""
    created_at: AwareDatetime
    updated_at: AwareDatetime
    conflicts: list[ConflictView]


def writer_of(principal: Principal) -> str:
    """Say who writes: the device, else the key, else the person."""
    return str(principal.device or principal.key or principal.user)


def refuse(refusal: MergeRefused) -> NoReturn:
    """Answer a request whose write could not be merged.

    Raises:
        RequestRefused: with the code of the refusal, status 409, 404 or 422.
    """
    raise RequestRefused(refusal.code, refusal.message, status=_STATUS.get(refusal.code, 409))


class Shelf:
    """The items of one kind."""

    def __init__(self, items: PostgresItems, kind: Kind, *, unlike: Unlike | None = None) -> None:
        self._items = items
        self._kind = kind
        self._unlike = unlike

    async def write(
        self,
        principal: Principal,
        item: UUID,
        values: Mapping[str, Any],
        *,
        must_exist: bool = False,
        if_change: int | None = None,
        settled: Sequence[str] = (),
    ) -> StoredItem:
        """Write fields as of now, over whatever is stored.

        Raises:
            RequestRefused: 404, it does not exist but must; 409 `library.*`.
        """
        await self._edit(
            principal,
            WriteItem(
                kind=self._kind,
                id=item,
                fields={name: FieldWrite(value=value) for name, value in values.items()},
                must_exist=must_exist,
                if_change=if_change,
                settled=tuple(settled),
                unlike=self._unlike,
            ),
        )
        return await self.get(principal, item)

    async def delete(
        self, principal: Principal, item: UUID, *, if_change: int | None = None
    ) -> None:
        """Delete an item as of now.

        Raises:
            RequestRefused: 404, there is none; 409 `library.changed`.
        """
        await self._edit(
            principal,
            DeleteItem(
                kind=self._kind,
                id=item,
                when=FieldWrite(value=None),
                must_exist=True,
                if_change=if_change,
            ),
        )

    async def get(self, principal: Principal, item: UUID) -> StoredItem:
        """Give one item.

        Raises:
            RequestRefused: 404, there is none.
        """
        found = await self._items.get(principal.user, self._kind, item)
        if found is None:
            raise not_found(str(self._kind))
        return found

    async def page(
        self, principal: Principal, *, before: UUID | None, limit: int
    ) -> tuple[list[StoredItem], UUID | None]:
        """Give a page, newest first, and where the next one begins."""
        found = await self._items.page(principal.user, self._kind, before=before, limit=limit + 1)
        page = found[:limit]
        return page, page[-1].id if len(found) > limit else None

    async def _edit(self, principal: Principal, edit: Edit) -> Done:
        (answer,) = await self._items.edit(principal.user, [edit], writer=writer_of(principal))
        if isinstance(answer, MergeRefused):
            refuse(answer)
        return answer


def shown(item: StoredItem, names: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values of a view: what every item has, and fields with their defaults."""
    contents = item.contents
    if not isinstance(contents, Contents):
        raise not_found(str(item.kind))
    return {
        "id": item.id,
        "change": item.change,
        "created_at": item.created_at,
        "updated_at": item.updated_at,
        "conflicts": [
            ConflictView(id=one.id, field=one.field, text=one.value, written_at_ms=one.stamp.at)
            for one in contents.conflicts
        ],
        **{name: contents.value(name, default) for name, default in names.items()},
    }
