"""The routes of preferences: `/v1/preferences`, one document a person."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ValidationError

from service.accounts.principal import Principal, Scope
from service.library.fields import PreferencesFields
from service.library.kinds import PREFERENCES, Kind
from service.library.merging import Contents, FieldWrite, MergeRefused
from service.library.shelf import IfChange, refuse, writer_of
from service.storage.items import PostgresItems, WriteItem

if TYPE_CHECKING:
    from service.parts import Parts


class PreferencesView(BaseModel):
    """What a person prefers, with defaults for what was never said."""

    change: int
    """Number of the newest change; 0: all are defaults."""
    values: PreferencesFields
    said: list[str]
    """Names of what the person, or a client of theirs, has set; the other values are defaults."""


def preference_routes(parts: "Parts") -> APIRouter:
    """Make the router with `/v1/preferences`."""
    router = APIRouter(tags=["preferences"])
    items = PostgresItems(parts.storage.postgres, parts.storage.keys)
    owner = parts.gate.needs(Scope.LIBRARY)

    @router.get("/v1/preferences")
    async def read_preferences(principal: Annotated[Principal, owner]) -> PreferencesView:
        return await preferences_of(items, principal.user)

    @router.patch("/v1/preferences")
    async def change_preferences(
        principal: Annotated[Principal, owner],
        preferences: PreferencesFields,
        if_change: IfChange = None,
    ) -> PreferencesView:
        await write_preferences(items, principal, preferences.given(), if_change=if_change)
        return await preferences_of(items, principal.user)

    return router


async def preferences_of(items: PostgresItems, user: UUID) -> PreferencesView:
    """Read a person's preferences; what is stored but not understood here has its default."""
    found = await items.get(user, Kind.PREFERENCES, PREFERENCES)
    if found is None or not isinstance(found.contents, Contents):
        return PreferencesView(change=0, values=PreferencesFields(), said=[])
    stored = {name: one.value for name, one in found.contents.fields.items()}
    values = understood(stored)
    return PreferencesView(change=found.change, values=values, said=sorted(values.given()))


async def write_preferences(
    items: PostgresItems,
    principal: Principal,
    values: Mapping[str, Any],
    *,
    if_change: int | None = None,
) -> None:
    """Write some preferences as of now.

    Raises:
        RequestRefused: 409, `library.changed` or `library.full`.
    """
    fields = {name: FieldWrite(value=value) for name, value in values.items()}
    edit = WriteItem(kind=Kind.PREFERENCES, id=PREFERENCES, fields=fields, if_change=if_change)
    (answer,) = await items.edit(principal.user, [edit], writer=writer_of(principal))
    if isinstance(answer, MergeRefused):
        refuse(answer)


def understood(values: Mapping[str, Any]) -> PreferencesFields:
    """Read stored values, leaving out those that this version takes for wrong."""
    try:
        return PreferencesFields.model_validate(values)
    except ValidationError:
        pass
    right = {}
    for name, value in values.items():
        try:
            PreferencesFields.model_validate({name: value})
        except ValidationError:
            continue
        right[name] = value
    return PreferencesFields.model_validate(right)
