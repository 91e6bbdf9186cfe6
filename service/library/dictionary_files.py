"""The dictionary as a file: `/v1/dictionary/export` and `/v1/dictionary/import`."""

import asyncio
import time
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from service.accounts.principal import Principal, Scope
from service.library.dictionary_csv import (
    MOST_REPORTED,
    NotATable,
    RefusedLine,
    TermLine,
    read_csv,
    write_csv,
)
from service.library.fields import TermFields
from service.library.kinds import MOST_ITEMS, Kind
from service.library.merging import Contents, FieldWrite, MergeRefused
from service.library.shelf import writer_of
from service.operations.bodies import MIB, pieces
from service.parts import Parts
from service.problems import RequestRefused
from service.storage.identifiers import uuid7
from service.storage.items import PostgresItems, StoredItem, WriteItem

_LONGEST_FILE: Final = 4 * MIB
_TOGETHER: Final = 200
"""Terms written in one transaction."""
_PAGE: Final = 1_000
_DEFAULTS: Final[dict[str, Any]] = TermFields().model_dump()


class RefusedView(BaseModel):
    """A line that was not taken."""

    line: int
    """Of the file, from 1."""
    reason: str


class ImportReport(BaseModel):
    """What became of an imported dictionary."""

    added: int
    changed: int
    unchanged: int
    refused: list[RefusedView]
    """The first thousand of them."""
    refused_count: int


def dictionary_file_routes(parts: Parts) -> APIRouter:
    """Make the router with the dictionary's files. Before that of single terms: its paths are words."""
    router = APIRouter(tags=["dictionary"])
    items = PostgresItems(parts.storage.postgres, parts.storage.keys)
    owner = parts.gate.needs(Scope.LIBRARY)

    @router.get(
        "/v1/dictionary/export",
        response_class=Response,
        responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    )
    async def export_dictionary(principal: Annotated[Principal, owner]) -> Response:
        terms = [_values(item) for item in await _all_terms(items, principal)]
        text = await asyncio.to_thread(write_csv, reversed(terms))
        return Response(
            # Spreadsheets take a file without the mark for one in the machine's own encoding.
            "\ufeff" + text,
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="dictionary.csv"'},
        )

    @router.post(
        "/v1/dictionary/import",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"text/csv": {"schema": {"type": "string"}}},
            }
        },
    )
    async def import_dictionary(
        principal: Annotated[Principal, owner], request: Request
    ) -> ImportReport:
        content = b"".join([piece async for piece in pieces(request, limit_bytes=_LONGEST_FILE)])
        try:
            good, bad = await asyncio.to_thread(read_csv, content)
        except NotATable as exc:
            raise RequestRefused(
                "library.not_a_table", f"this is no table: {exc}", status=422
            ) from None
        return await _take(items, principal, good, bad)

    return router


async def _take(
    items: PostgresItems, principal: Principal, good: list[TermLine], bad: list[RefusedLine]
) -> ImportReport:
    known = {_name(_values(item)): item for item in await _all_terms(items, principal)}
    edits: dict[tuple[str, str | None], tuple[TermLine, WriteItem]] = {}
    refused = list(bad)
    added = changed = unchanged = 0
    for line in good:
        name = _name(line.fields)
        stored = known.get(name)
        if name in edits:
            refused.append(RefusedLine(line=line.line, reason="the same term stands above"))
        elif stored is not None and _values(stored) == _values(stored) | line.fields:
            unchanged += 1
        else:
            values = line.fields if stored else _DEFAULTS | line.fields
            fields = {key: FieldWrite(value=value) for key, value in values.items()}
            item = uuid7(time.time_ns() // 1_000_000) if stored is None else stored.id
            edits[name] = line, WriteItem(kind=Kind.TERM, id=item, fields=fields)
    waiting = list(edits.items())
    for first in range(0, len(waiting), _TOGETHER):
        some = waiting[first : first + _TOGETHER]
        answers = await items.edit(
            principal.user, [edit for _, (_, edit) in some], writer=writer_of(principal)
        )
        for (name, (line, _)), answer in zip(some, answers, strict=True):
            if isinstance(answer, MergeRefused):
                refused.append(RefusedLine(line=line.line, reason=answer.message))
            elif name in known:
                changed += 1
            else:
                added += 1
    refused.sort(key=lambda one: one.line)
    return ImportReport(
        added=added,
        changed=changed,
        unchanged=unchanged,
        refused=[RefusedView(line=one.line, reason=one.reason) for one in refused[:MOST_REPORTED]],
        refused_count=len(refused),
    )


async def _all_terms(items: PostgresItems, principal: Principal) -> list[StoredItem]:
    found: list[StoredItem] = []
    while len(found) < MOST_ITEMS:
        before = found[-1].id if found else None
        page = await items.page(principal.user, Kind.TERM, before=before, limit=_PAGE)
        found += page
        if len(page) < _PAGE:
            break
    return found


def _values(item: StoredItem) -> dict[str, Any]:
    assert isinstance(item.contents, Contents)  # noqa: S101 - pages have no tombstones
    return {name: item.contents.value(name, default) for name, default in _DEFAULTS.items()}


def _name(values: dict[str, Any]) -> tuple[str, str | None]:
    """Give what makes two terms the same: the word in any case, and the language."""
    return values["term"].casefold(), values.get("language")
