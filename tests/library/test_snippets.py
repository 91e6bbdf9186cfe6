"""Snippets: their variables are known by name, and a mistake is found when they are written."""

import asyncio
from uuid import uuid4

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


async def test_two_snippets_are_not_said_with_the_same_words(http):
    async def refused(answer):
        problem = (await answer).json()
        return problem.get("status"), problem.get("code")

    taken = (409, "library.trigger_taken")
    mine = (await http.post("/v1/snippets", json={"trigger": "моя ёлка", "text": "раз"})).json()
    url = f"/v1/snippets/{mine['id']}"
    same = {"trigger": "Моя  елка!", "text": "два"}
    assert await refused(http.post("/v1/snippets", json=same)) == taken
    assert await refused(http.put(f"/v1/snippets/{uuid4()}", json=same)) == taken
    other = (await http.post("/v1/snippets", json={"trigger": "ёлка", "text": "три"})).json()
    assert await refused(http.patch(f"/v1/snippets/{other['id']}", json=same)) == taken
    assert [one["text"] for one in (await http.get("/v1/snippets")).json()["snippets"]] == [
        "три",
        "раз",
    ]
    # Its own trigger may be written anew, and what was deleted is in nobody's way.
    assert (await http.put(url, json=same)).json()["text"] == "два"
    assert (await http.delete(url)).status_code == 204
    assert (await http.post("/v1/snippets", json=same)).status_code == 201


SAID_ALIKE = [
    ("подпись два", "Подпись 2"),
    ("почта двадцать пять", "почта 25"),
    ("кабинет 1-й", "кабинет первый"),
]


@pytest.mark.parametrize(("first", "second"), SAID_ALIKE)
async def test_a_number_in_a_trigger_is_the_same_in_words_and_in_digits(http, first, second):
    made = [first, second]
    for one, other in (made, made[::-1]):
        mine = (await http.post("/v1/snippets", json={"trigger": one, "text": "раз"})).json()
        answer = await http.post("/v1/snippets", json={"trigger": other, "text": "два"})
        assert (answer.status_code, answer.json()["code"]) == (409, "library.trigger_taken")
        assert (await http.delete(f"/v1/snippets/{mine['id']}")).status_code == 204


async def test_triggers_that_are_said_with_other_words_are_not_the_same(http):
    for trigger in (
        "подпись",
        "подпись два",
        "подпись три",
        "подпись двадцать",
        "кто-то",
        "кто то",
    ):
        answer = await http.post("/v1/snippets", json={"trigger": trigger, "text": "раз"})
        assert answer.status_code == 201, trigger


async def test_a_trigger_that_nobody_can_say_is_refused(http):
    mine = (await http.post("/v1/snippets", json={"trigger": "моя почта", "text": "я"})).json()
    url, mute = f"/v1/snippets/{mine['id']}", {"trigger": "!!!", "text": "раз"}
    for answer in (
        await http.post("/v1/snippets", json=mute),
        await http.put(f"/v1/snippets/{uuid4()}", json=mute),
        await http.patch(url, json={"trigger": "— …"}),
    ):
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "library.trigger_unsayable")
        assert "no words" in problem["detail"]
    # What one has already may still get another text.
    assert (await http.patch(url, json={"text": "два"})).json()["trigger"] == "моя почта"


async def test_of_many_who_want_one_trigger_at_once_one_gets_it(http):
    def wish(number):
        snippet = {"trigger": "подпись", "text": str(number)}
        if number % 2:
            return http.put(f"/v1/snippets/{uuid4()}", json=snippet)
        return http.post("/v1/snippets", json=snippet)

    answers = await asyncio.gather(*map(wish, range(16)))

    assert sorted(answer.status_code for answer in answers)[1:] == [409] * 15
    (only,) = (await http.get("/v1/snippets")).json()["snippets"]
    assert only["trigger"] == "подпись"


async def test_of_two_snippets_that_change_to_one_trigger_at_once_one_does(http):
    made = [
        (await http.post("/v1/snippets", json={"trigger": f"слово {one}", "text": one})).json()
        for one in "абвгдежз"
    ]

    answers = await asyncio.gather(
        *(http.patch(f"/v1/snippets/{one['id']}", json={"trigger": "подпись"}) for one in made)
    )

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7


async def test_of_two_devices_both_keep_their_snippet_and_either_can_still_be_changed(http):
    ids = [str(uuid4()), str(uuid4())]
    operations = [
        {
            "type": "write",
            "operation": str(uuid4()),
            "kind": "snippet",
            "id": one,
            "fields": {
                "trigger": {"value": "подпись", "at": 1},
                "text": {"value": str(number), "at": 1},
            },
        }
        for number, one in enumerate(ids)
    ]
    pushed = await http.post("/v1/sync", json={"writer": str(uuid4()), "operations": operations})
    assert [one["outcome"] for one in pushed.json()["results"]] == ["applied", "applied"]
    for one in ids:
        changed = {"trigger": "подпись", "text": "новая"}
        assert (await http.put(f"/v1/snippets/{one}", json=changed)).status_code == 200


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


async def test_a_refusal_names_the_reason_and_never_what_was_sent(http):
    term = {"term": "слово", "language": "klingon"}
    problem = (await http.post("/v1/dictionary", json=term)).json()
    assert (problem["status"], problem["fields"]) == (422, ["body.language"])
    assert "body.language: no language we know: give a code such as ru" in problem["detail"]
    assert "klingon" not in str(problem)
    snippet = {"trigger": "т", "text": "{secret}"}
    problem = (await http.post("/v1/snippets", json=snippet)).json()
    assert "an unknown variable" in problem["detail"]
    assert "secret" not in str(problem)


async def test_a_snippet_that_is_not_there_is_a_404_whatever_it_is_to_become(http):
    snippet = {"trigger": "мой адрес", "text": "Казань"}
    assert (await http.post("/v1/snippets", json=snippet)).status_code == 201

    answer = await http.patch(f"/v1/snippets/{uuid4()}", json={"trigger": "мой адрес"})

    assert answer.status_code == 404
