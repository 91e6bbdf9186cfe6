"""The stream that tells open clients to pull, on a real server, woken by another connection."""

import asyncio
import json
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import httpx

from service.accounts.principal import LOCAL_USER
from service.library.changes import MOST_STREAMS_A_USER
from service.library.kinds import Kind
from service.library.merging import FieldWrite
from service.storage.items import PostgresItems, WriteItem
from service.storage.sync import PostgresSync

PATIENCE_S = 20


@asynccontextmanager
async def stream(http):
    async with (
        asyncio.timeout(PATIENCE_S),
        http.stream("GET", "/v1/sync/events", timeout=PATIENCE_S) as answer,
    ):
        yield answer, numbers(answer)


async def numbers(answer):
    event = None
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            event = line.removeprefix("event: ")
        elif line.startswith("data: ") and event == "changed":
            yield json.loads(line.removeprefix("data: "))["change"]


async def write_a_note(storage):
    fields = {"title": "т", "text": "", "is_pinned": False}
    edit = WriteItem(
        kind=Kind.NOTE,
        id=uuid4(),
        fields={name: FieldWrite(value=value) for name, value in fields.items()},
    )
    await PostgresItems(storage.postgres, storage.keys).edit(LOCAL_USER, [edit], writer="x")
    return await PostgresSync(storage.postgres, storage.keys).newest(LOCAL_USER)


async def until(numbers, wanted):
    async for number in numbers:
        if number >= wanted:
            return number
    raise AssertionError("the stream ended")


async def test_a_write_on_another_connection_wakes_every_open_client(http_beside_storage, storage):
    async with stream(http_beside_storage) as (_, one), stream(http_beside_storage) as (_, two):
        begun = [await anext(one), await anext(two)]
        newest = await write_a_note(storage)

        assert begun[0] < newest
        assert [await until(one, newest), await until(two, newest)] == [newest, newest]


async def test_a_lost_connection_to_the_database_is_opened_again_and_nothing_missed(
    http_beside_storage, storage, database_url
):
    async with stream(http_beside_storage) as (_, told):
        await anext(told)
        connection = await asyncpg.connect(database_url)
        async with asyncio.timeout(PATIENCE_S):
            while not await connection.fetchval(  # it may not listen yet
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query ILIKE 'LISTEN %'"
            ):
                await asyncio.sleep(0.05)
        await connection.close()

        newest = await write_a_note(storage)

        assert await until(told, newest) == newest


async def test_streams_of_a_person_are_limited_and_closed_ones_do_not_count(server):
    async with httpx.AsyncClient(base_url=server.url) as http:
        answers = []
        for _ in range(MOST_STREAMS_A_USER):
            request = http.build_request("GET", "/v1/sync/events")
            answers.append(await http.send(request, stream=True))
        refused = await http.get("/v1/sync/events")
        for answer in answers:
            await answer.aclose()

        assert (refused.status_code, refused.json()["code"]) == (429, "sync.too_many_streams")
        async with asyncio.timeout(PATIENCE_S):
            while True:
                async with http.stream("GET", "/v1/sync/events") as answer:
                    if answer.status_code == 200:
                        break
                await asyncio.sleep(0.05)


async def test_streams_end_when_the_server_is_stopped(start_server):
    async with start_server() as running, httpx.AsyncClient(base_url=running.url) as http:
        request = http.build_request("GET", "/v1/sync/events", timeout=PATIENCE_S)
        answer = await http.send(request, stream=True)
        told = numbers(answer)
        await anext(told)

        await running.sessions.drain(5)

        async with asyncio.timeout(PATIENCE_S):
            async for _ in told:
                pass
        await answer.aclose()


async def test_pull_and_push_over_http(server):
    note, operation, writer = str(uuid4()), str(uuid4()), str(uuid4())
    fields = {
        name: {"value": value, "at": 5}
        for name, value in {"title": "т", "text": "слова", "is_pinned": False}.items()
    }
    write = {"type": "write", "operation": operation, "kind": "note", "id": note, "fields": fields}
    async with httpx.AsyncClient(base_url=server.url, timeout=PATIENCE_S) as http:
        pushed = await http.post("/v1/sync", json={"writer": writer, "operations": [write]})
        pulled = (await http.get("/v1/sync")).json()
        after = (await http.get("/v1/sync", params={"cursor": pulled["next"]})).json()
        bad = await http.get("/v1/sync", params={"cursor": "nonsense"})
        old = await http.get("/v1/sync", params={"cursor": "AQ" + "A" * 42})
        many = await http.post("/v1/sync", json={"writer": writer, "operations": [write] * 501})

    assert pushed.json()["results"] == [
        {"operation": operation, "outcome": "applied", "code": None, "detail": None}
    ]
    (change,) = pulled["changes"]
    assert (change["thing"], change["id"]) == ("item", note)
    assert change["item"]["fields"]["text"] == {"value": "слова", "at": 5, "writer": writer}
    assert (after["changes"], after["more"], after["next"]) == ([], False, pulled["next"])
    assert (bad.status_code, bad.json()["code"]) == (422, "sync.bad_cursor")
    assert (old.status_code, old.json()["code"]) == (410, "sync.too_old")
    assert many.status_code == 422
