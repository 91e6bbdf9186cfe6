"""The routes of snippets: `/v1/snippets`."""

import time
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from service.accounts.principal import Principal, Scope
from service.library.fields import VARIABLES, Line, SnippetFields
from service.library.kinds import Kind
from service.library.shelf import Before, IfChange, ItemView, Limit, Shelf, shown
from service.library.triggers import ONE_OF_A_KIND, check_sayable
from service.parts import Parts
from service.storage.identifiers import uuid7
from service.storage.items import PostgresItems, StoredItem

_DEFAULTS: Final[dict[str, Any]] = SnippetFields().model_dump()


class WholeSnippet(SnippetFields):
    """A snippet as it is made: with a trigger."""

    trigger: Annotated[Line, Field(max_length=200)]


class SnippetView(ItemView):
    """A snippet: say the trigger, and the text is inserted."""

    trigger: str
    text: str


class SnippetPage(BaseModel):
    """Some snippets, newest first."""

    snippets: list[SnippetView]
    next: UUID | None
    """`before` of the next page; none: this is the last."""


class Variable(BaseModel):
    """What a snippet's text may hold in braces, such as `{date}`."""

    name: str
    meaning: str


class Variables(BaseModel):
    """All of them. `{{` and `}}` are braces themselves."""

    variables: list[Variable]


def snippet_routes(parts: Parts) -> APIRouter:
    """Make the router with `/v1/snippets`."""
    router = APIRouter(tags=["snippets"])
    items = PostgresItems(parts.storage.postgres, parts.storage.keys)
    shelf = Shelf(items, Kind.SNIPPET, unlike=ONE_OF_A_KIND)
    owner = parts.gate.needs(Scope.LIBRARY)

    @router.get("/v1/snippets")
    async def list_snippets(
        principal: Annotated[Principal, owner], before: Before = None, limit: Limit = 50
    ) -> SnippetPage:
        page, after = await shelf.page(principal, before=before, limit=limit)
        return SnippetPage(snippets=[_view(item) for item in page], next=after)

    @router.get("/v1/snippets/variables")
    async def list_variables(principal: Annotated[Principal, owner]) -> Variables:
        return Variables(
            variables=[Variable(name=name, meaning=text) for name, text in VARIABLES.items()]
        )

    @router.post("/v1/snippets", status_code=201)
    async def make_snippet(
        principal: Annotated[Principal, owner], snippet: WholeSnippet
    ) -> SnippetView:
        check_sayable(snippet.trigger)
        item = uuid7(time.time_ns() // 1_000_000)
        return _view(await shelf.write(principal, item, _DEFAULTS | snippet.given()))

    @router.get("/v1/snippets/{snippet_id}")
    async def read_snippet(
        principal: Annotated[Principal, owner], snippet_id: Annotated[UUID, Path()]
    ) -> SnippetView:
        return _view(await shelf.get(principal, snippet_id))

    @router.put("/v1/snippets/{snippet_id}")
    async def put_snippet(
        principal: Annotated[Principal, owner],
        snippet_id: Annotated[UUID, Path(description="Made by the client: a UUIDv7.")],
        snippet: WholeSnippet,
        if_change: IfChange = None,
    ) -> SnippetView:
        check_sayable(snippet.trigger)
        values = _DEFAULTS | snippet.given()
        return _view(await shelf.write(principal, snippet_id, values, if_change=if_change))

    @router.patch("/v1/snippets/{snippet_id}")
    async def change_snippet(
        principal: Annotated[Principal, owner],
        snippet_id: Annotated[UUID, Path()],
        snippet: SnippetFields,
        if_change: IfChange = None,
    ) -> SnippetView:
        check_sayable(snippet.given().get("trigger"))
        return _view(
            await shelf.write(
                principal, snippet_id, snippet.given(), must_exist=True, if_change=if_change
            )
        )

    @router.delete("/v1/snippets/{snippet_id}", status_code=204)
    async def delete_snippet(
        principal: Annotated[Principal, owner],
        snippet_id: Annotated[UUID, Path()],
        if_change: IfChange = None,
    ) -> None:
        await shelf.delete(principal, snippet_id, if_change=if_change)

    return router


def _view(item: StoredItem) -> SnippetView:
    return SnippetView(**shown(item, _DEFAULTS))
