"""The routes of the dictionary: `/v1/dictionary`."""

import time
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from service.accounts.principal import Principal, Scope
from service.library.fields import Line, TermFields
from service.library.kinds import Kind
from service.library.shelf import Before, IfChange, ItemView, Limit, Shelf, shown
from service.parts import Parts
from service.storage.identifiers import uuid7
from service.storage.items import PostgresItems, StoredItem

_DEFAULTS: Final[dict[str, Any]] = TermFields().model_dump()


class WholeTerm(TermFields):
    """A term as it is made: with the word itself."""

    term: Annotated[Line, Field(max_length=200)]


class TermView(ItemView):
    """A word that the recogniser is to know, and how it sounds."""

    term: str
    sounds_like: list[str]
    language: str | None
    is_case_sensitive: bool


class TermPage(BaseModel):
    """Some terms, newest first."""

    terms: list[TermView]
    next: UUID | None
    """`before` of the next page; none: this is the last."""


def dictionary_routes(parts: Parts) -> APIRouter:
    """Make the router with `/v1/dictionary`."""
    router = APIRouter(tags=["dictionary"])
    shelf = Shelf(PostgresItems(parts.storage.postgres, parts.storage.keys), Kind.TERM)
    owner = parts.gate.needs(Scope.LIBRARY)

    @router.get("/v1/dictionary")
    async def list_terms(
        principal: Annotated[Principal, owner], before: Before = None, limit: Limit = 50
    ) -> TermPage:
        page, after = await shelf.page(principal, before=before, limit=limit)
        return TermPage(terms=[_view(item) for item in page], next=after)

    @router.post("/v1/dictionary", status_code=201)
    async def make_term(principal: Annotated[Principal, owner], term: WholeTerm) -> TermView:
        item = uuid7(time.time_ns() // 1_000_000)
        return _view(await shelf.write(principal, item, _DEFAULTS | term.given()))

    @router.get("/v1/dictionary/{term_id}")
    async def read_term(
        principal: Annotated[Principal, owner], term_id: Annotated[UUID, Path()]
    ) -> TermView:
        return _view(await shelf.get(principal, term_id))

    @router.put("/v1/dictionary/{term_id}")
    async def put_term(
        principal: Annotated[Principal, owner],
        term_id: Annotated[UUID, Path(description="Made by the client: a UUIDv7.")],
        term: WholeTerm,
        if_change: IfChange = None,
    ) -> TermView:
        values = _DEFAULTS | term.given()
        return _view(await shelf.write(principal, term_id, values, if_change=if_change))

    @router.patch("/v1/dictionary/{term_id}")
    async def change_term(
        principal: Annotated[Principal, owner],
        term_id: Annotated[UUID, Path()],
        term: TermFields,
        if_change: IfChange = None,
    ) -> TermView:
        return _view(
            await shelf.write(
                principal, term_id, term.given(), must_exist=True, if_change=if_change
            )
        )

    @router.delete("/v1/dictionary/{term_id}", status_code=204)
    async def delete_term(
        principal: Annotated[Principal, owner],
        term_id: Annotated[UUID, Path()],
        if_change: IfChange = None,
    ) -> None:
        await shelf.delete(principal, term_id, if_change=if_change)

    return router


def _view(item: StoredItem) -> TermView:
    return TermView(**shown(item, _DEFAULTS))
