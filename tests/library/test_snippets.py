"""Snippets: their variables are known by name, and a mistake is found when they are written."""

import httpx
import pytest


@pytest.fixture
async def http(server):
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        yield client


async def test_a_snippet_with_variables_is_made_changed_and_deleted(http):
    text = "{{код}} {date} {time} {clipboard} {name} {cursor}"
    made = (await http.post("/v1/snippets", json={"trigger": " подпись ", "text": text})).json()
    url = f"/v1/snippets/{made['id']}"
    changed = (await http.patch(url, json={"trigger": "моя подпись"})).json()
    known = (await http.get("/v1/snippets/variables")).json()["variables"]

    assert (made["trigger"], made["text"]) == ("подпись", text)
    assert (changed["trigger"], changed["text"]) == ("моя подпись", text)
    assert {one["name"] for one in known} == {"date", "time", "clipboard", "name", "cursor"}
    assert (await http.get("/v1/snippets")).json()["snippets"] == [changed]
    assert (await http.delete(url)).status_code == 204
    assert (await http.get(url)).status_code == 404


NO_SNIPPETS = [
    {"text": "без слова"},
    {"trigger": "  ", "text": ""},
    {"trigger": "две\nстроки", "text": ""},
    {"trigger": "т", "text": "{Date}"},
    {"trigger": "т", "text": "{password}"},
    {"trigger": "т", "text": "одна {"},
    {"trigger": "т", "text": "одна }"},
    {"trigger": "т", "text": "{cursor} {cursor}"},
    {"trigger": "т", "text": "a" * 10_001},
]


async def test_a_snippet_that_could_not_be_inserted_is_refused(http):
    for body in NO_SNIPPETS:
        answer = await http.post("/v1/snippets", json=body)

        assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid"), body
