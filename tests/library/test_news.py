"""News: the operator tells, people read in their language, and what was read stays read."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

NEWS = {"title_ru": "Новое", "title_en": "New", "body_ru": "Всё быстрее.", "body_en": "Faster."}


@pytest.fixture
async def http(server):
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        yield client


async def publish(http, **changes):
    answer = await http.post("/v1/admin/news", json=NEWS | changes)
    assert answer.status_code == 201
    return answer.json()


def moment(**ago):
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


async def test_people_read_in_their_language_and_what_they_read_stays_read(http):
    old = await publish(http, published_at=moment(days=2))
    new = await publish(http, is_important=True)

    marked = await http.post(f"/v1/news/{old['id']}/read")
    page = (await http.get("/v1/news", params={"language": "en"})).json()

    assert marked.status_code == 204
    assert [(one["id"], one["is_read"]) for one in page["news"]] == [
        (new["id"], False),
        (old["id"], True),
    ]
    assert (page["news"][0]["title"], page["news"][0]["body"]) == ("New", "Faster.")
    await http.patch("/v1/preferences", json={"news_read_until": moment(seconds=-60)})
    russian = (await http.get("/v1/news")).json()["news"]
    assert [(one["title"], one["is_read"]) for one in russian] == [("Новое", True)] * 2


async def test_a_client_hears_only_of_what_is_newer_than_it_knows(http):
    ids = [(await publish(http, published_at=moment(days=9 - n)))["id"] for n in range(5)]
    await publish(http, published_at=moment(days=-1))
    await publish(http, expires_at=moment(hours=1))

    first = (await http.get("/v1/news", params={"limit": 2})).json()
    older = (await http.get("/v1/news", params={"limit": 2, "before": first["next"]})).json()
    nothing = (await http.get("/v1/news", params={"since": first["newest"]})).json()
    fresh = await publish(http)
    newer = (await http.get("/v1/news", params={"since": nothing["newest"]})).json()

    assert [one["id"] for one in first["news"] + older["news"]] == ids[:0:-1]
    assert nothing["news"] == []
    assert [one["id"] for one in newer["news"]] == [fresh["id"]]


async def test_the_operator_changes_and_deletes(http):
    one = await publish(http)
    url = f"/v1/admin/news/{one['id']}"

    changed = (await http.put(url, json=NEWS | {"title_ru": "Иначе"})).json()
    listed = (await http.get("/v1/admin/news")).json()["news"]
    deleted = await http.delete(url)

    assert changed["title_ru"] == "Иначе"
    assert changed["published_at"] == one["published_at"]
    assert listed == [changed]
    assert deleted.status_code == 204
    answers = [await http.get(url), await http.put(url, json=NEWS), await http.delete(url)]
    answers.append(await http.post(f"/v1/news/{one['id']}/read"))
    assert [answer.json()["code"] for answer in answers] == ["request.not_found"] * 4


async def test_a_cursor_that_is_none_is_refused(http):
    for query in (
        {"since": "?"},
        {"before": "AAAA"},
        {"since": "A" * 64},
        {"since": "f" + "_" * 31},
    ):
        answer = await http.get("/v1/news", params=query)

        assert (answer.status_code, answer.json()["code"]) == (422, "news.bad_cursor"), query
