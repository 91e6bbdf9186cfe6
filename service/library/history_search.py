"""The route of the search in history."""

from typing import Annotated

from fastapi import APIRouter

from service.accounts.principal import Principal, Scope
from service.library.history_cursor import read_cursor, write_cursor
from service.library.history_models import FoundPageModel, SearchRequest, found_model
from service.library.search import read_query
from service.parts import Parts
from service.storage.history import PostgresHistory
from service.storage.history_search import HistorySearch


def search_routes(parts: Parts, history: PostgresHistory) -> APIRouter:
    """Make the router with `/v1/history/search`."""
    router = APIRouter()
    search = HistorySearch(history)

    @router.post("/v1/history/search")
    async def search_history(
        principal: Annotated[Principal, parts.gate.needs(Scope.LIBRARY)], asked: SearchRequest
    ) -> FoundPageModel:
        """Give what has all the words asked for, newest first.

        A POST, because what somebody searches for belongs in no log of addresses.
        """
        query = read_query(asked.q)
        if not query.stems:
            return FoundPageModel(items=[], next=None)
        page = await search.page(
            principal.user,
            query,
            asked.choice(),
            after=read_cursor(asked.cursor),
            limit=asked.limit,
        )
        return FoundPageModel(
            items=[
                found_model(found.entry, found.snippet.text, found.snippet.highlights)
                for found in page.found
            ],
            next=write_cursor(page.next),
        )

    return router
