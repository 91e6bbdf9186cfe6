"""Notes over HTTP: made, changed, listed, deleted; what may not be, refused."""

from uuid import UUID, uuid4

import httpx
import pytest

from service.library.kinds import PREFERENCES


@pytest.fixture
async def http(server):
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        yield client


def code(answer):
    return answer.status_code, answer.json()["code"]


async def test_a_note_is_made_read_changed_and_deleted(http):
    made = (await http.post("/v1/notes", json={"title": "Покупки", "text": "молоко"})).json()
    url = f"/v1/notes/{made['id']}"

    changed = (await http.patch(url, json={"is_pinned": True})).json()
    read = (await http.get(url)).json()
    deleted = await http.delete(url)

    assert (made["title"], made["text"], made["is_pinned"]) == ("Покупки", "молоко", False)
    assert changed == read
    assert (read["text"], read["is_pinned"]) == ("молоко", True)
    assert read["change"] > made["change"]
    assert deleted.status_code == 204
    assert code(await http.get(url)) == (404, "request.not_found")
    assert code(await http.patch(url, json={})) == (404, "request.not_found")
    assert code(await http.delete(url)) == (404, "request.not_found")


async def test_putting_a_note_twice_makes_one_note_under_the_id_of_the_client(http):
    url = f"/v1/notes/{uuid4()}"

    for _ in range(2):
        answer = await http.put(url, json={"text": "раз"})

    page = (await http.get("/v1/notes")).json()
    assert [note["id"] for note in page["notes"]] == [url.rsplit("/", 1)[1]]
    assert answer.json()["text"] == "раз"


async def test_pages_give_every_note_once_the_newest_first(http):
    ids = [(await http.post("/v1/notes", json={"title": str(n)})).json()["id"] for n in range(7)]

    found, before = [], None
    while True:
        query = {"limit": 3} | ({"before": before} if before else {})
        page = (await http.get("/v1/notes", params=query)).json()
        found += [note["id"] for note in page["notes"]]
        before = page["next"]
        if before is None:
            break

    assert found == sorted(ids, reverse=True)


async def test_a_change_meant_for_an_older_note_is_refused(http):
    note = (await http.post("/v1/notes", json={"text": "один"})).json()
    url = f"/v1/notes/{note['id']}"
    await http.patch(url, json={"text": "два"})

    answers = [
        await http.patch(url, params={"if_change": note["change"]}, json={"text": "три"}),
        await http.delete(url, params={"if_change": note["change"]}),
    ]

    assert [code(answer) for answer in answers] == [(409, "library.changed")] * 2
    assert (await http.get(url)).json()["text"] == "два"


NO_NOTES = [
    b'{"text": "\\u0000"}',
    b'{"text": "\\ud800"}',
    b'{"title": "a", "colour": "red"}',
    b'{"is_pinned": "yes"}',
    b'{"text": NaN}',
    b'{"text": null}',
    b"[]",
    b"",
    b"\xff",
    b'{"text": "' + b"a" * 100_001 + b'"}',
]


async def test_a_body_that_is_no_note_is_refused(http):
    as_json = {"Content-Type": "application/json"}
    for body in NO_NOTES:
        answer = await http.post("/v1/notes", content=body, headers=as_json)

        assert answer.status_code in (400, 422), body[:50]
        assert answer.json()["code"] == "request.invalid"
    assert (await http.get("/v1/notes")).json()["notes"] == []


async def test_a_body_that_is_too_long_is_refused_before_it_is_read(http):
    async def endless():
        for _ in range(100):
            yield b" " * 65_536

    answers = [
        await http.post("/v1/notes", content=b" " * 2_000_000),
        await http.post("/v1/notes", content=endless()),
    ]

    assert [code(answer) for answer in answers] == [(413, "request.too_large")] * 2


async def test_an_id_is_of_one_kind_of_thing_for_ever(http):
    snippet = (await http.post("/v1/snippets", json={"trigger": "подпись", "text": "Я"})).json()

    answers = [
        await http.put(f"/v1/notes/{snippet['id']}", json={"text": "x"}),
        await http.put(f"/v1/notes/{PREFERENCES}", json={"text": "x"}),
    ]

    assert [code(answer) for answer in answers] == [(409, "library.wrong_kind")] * 2
    assert UUID(snippet["id"]).version == 7
