"""`POST /v1/text`: a text is finished as its person wishes, and every step told."""

import asyncio
import json
import logging
from types import SimpleNamespace

import httpx
import pytest
from fastapi import Depends, FastAPI
from prometheus_client import CollectorRegistry

from service.accounts.principal import LOCAL_PRINCIPAL
from service.dictation.personal import UNKNOWN
from service.finishing.routes import MOST_AT_ONCE, text_routes
from service.operations.problem_json import RESPONSES, install_problem_answers
from tests.accounts.conftest import Client, refused
from workers.contract.finishing import Finished
from workers.contract.texts import FinishingFailed

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

STEPS = ["terms", "fillers", "punctuation", "numbers", "commands", "snippets", "style"]
"""Those of who prefers nothing else."""


async def finish(person: Client, text: str, **wishes):
    return await person.got("POST", "/text", {"text": text, **wishes})


def taken(done) -> list[str]:
    return [step["name"] for step in done["steps"]]


def changed(done) -> list[str]:
    return [step["name"] for step in done["steps"] if step["before"] != step["after"]]


async def test_each_step_is_told_with_what_it_changed(admin: Client) -> None:
    await admin.got("POST", "/dictionary", {"term": "Kubernetes", "sounds_like": ["кубернетес"]})
    await admin.got(
        "POST", "/snippets", {"trigger": "моя почта", "text": "ivan@example.ru{cursor}"}
    )
    said = "э-э, встреча по кубернетес двадцать пятого января. Новая строка. Пишите на моя почта."

    done = await finish(admin, said, language="ru")

    assert done["text"] == "Встреча по Kubernetes 25 января.\nПишите на ivan@example.ru."
    assert done["markers"] == [{"name": "cursor", "offset": len(done["text"]) - 1}]
    assert taken(done) == STEPS
    assert {"terms", "fillers", "numbers", "commands", "snippets"} <= set(changed(done))
    assert done["steps"][0]["before"] == said
    assert done["steps"][-1]["after"] == done["text"]
    for before, after in zip(done["steps"], done["steps"][1:], strict=False):
        assert before["after"] == after["before"]


async def test_preferences_hold_unless_this_once_others_are_asked_for(admin: Client) -> None:
    await admin.got(
        "PATCH",
        "/preferences",
        {"writes_numbers": False, "style": "formal", "app_styles": {"Telegram": "chat"}},
    )
    text = "Э-э, двадцать пять человек."

    assert (await finish(admin, text))["text"] == "Двадцать пять человек."
    assert (await finish(admin, text, app="telegram"))["text"] == "Двадцать пять человек"
    assert (await finish(admin, text, style="chat"))["text"] == "Двадцать пять человек"
    asked = await finish(admin, text, steps=["numbers"])
    assert (asked["text"], taken(asked)) == ("Э-э, 25 человек.", ["numbers"])
    nothing = await finish(admin, text, steps=[])
    assert (nothing["text"], nothing["steps"]) == (text, [])


async def test_nobody_has_the_words_of_somebody_else(admin: Client, boris: Client) -> None:
    await admin.got("POST", "/snippets", {"trigger": "моя почта", "text": "ivan@example.ru"})

    assert (await finish(boris, "моя почта"))["text"] == "моя почта"


async def test_other_languages_keep_their_numbers(admin: Client) -> None:
    assert (await finish(admin, "у мене сорок", language="uk"))["text"] == "у мене сорок"


NO_REQUESTS = [
    {},
    {"text": ""},
    {"text": None},
    {"text": "а\0б"},
    {"text": "а\ud800б"},
    {"text": "а" * 100_001},
    {"text": "а", "language": "xx"},
    {"text": "а", "steps": "numbers"},
    {"text": "а", "steps": ["крокодил"]},
    {"text": "а", "steps": ["numbers"] * 9},
    {"text": "а", "style": "крокодил"},
    {"text": "а", "app": "две\nстроки"},
    {"text": "а", "colour": "крокодил"},
    {"text": ["крокодил"]},
]


async def test_what_is_not_understood_is_refused_and_never_repeated(admin: Client) -> None:
    for body in NO_REQUESTS:
        answer = await admin.http.post(
            "/v1/text",
            content=json.dumps(body),  # half a pair of surrogates can be written in JSON
            headers={**admin.bearer, "Content-Type": "application/json"},
        )
        assert refused(answer) == (422, "request.invalid"), str(body)[:80]
        assert "крокодил" not in answer.text
    flood = await admin.ask("POST", "/text", {"text": "а" * 800_000})
    assert refused(flood) == (413, "request.too_large")


async def test_a_key_that_may_not_dictate_is_refused(admin: Client, nobody: Client) -> None:
    key = await admin.got("POST", "/account/keys", {"name": "заметки", "scopes": ["library"]})
    bearer = {"Authorization": f"Bearer {key['secret']}"} if "secret" in key else {}
    answer = await nobody.ask("POST", "/text", {"text": "а"}, **bearer)

    assert bearer
    assert refused(answer) == (403, "auth.forbidden")
    assert refused(await nobody.ask("POST", "/text", {"text": "а"})) == (401, "auth.required")


async def test_ten_thousand_words_are_answered_at_once(admin: Client) -> None:
    done = await finish(admin, "встреча двадцать пятого января " * 2_500)

    assert done["text"].lower().count("25 января") == 2_500


async def test_nothing_of_a_text_is_logged(admin: Client, caplog, capfd) -> None:
    with caplog.at_level(logging.DEBUG):
        await finish(admin, "фиолетовый крокодил двадцать пять")
        await admin.ask("POST", "/text", {"text": "фиолетовый крокодил", "style": "крокодил"})

    written = caplog.text + "".join(capfd.readouterr())
    assert "крокодил" not in written


class Everybody:
    """Wishes of people of whom nothing is known."""

    async def of(self, user, *, language, app):
        return UNKNOWN


def served(texts) -> httpx.AsyncClient:
    """A client of an application that has this route only."""
    app = FastAPI()
    install_problem_answers(app, CollectorRegistry())
    gate = SimpleNamespace(needs=lambda scope: Depends(lambda: LOCAL_PRINCIPAL))
    parts = SimpleNamespace(gate=gate, texts=texts, wishes=Everybody())
    app.include_router(text_routes(parts), responses=RESPONSES)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server")


async def test_a_pipeline_that_fails_says_when_to_try_again() -> None:
    class Failing:
        punctuator = None

        async def finish(self, texts):
            raise FinishingFailed("too many texts are waiting")

    async with served(Failing()) as http:
        answer = await http.post("/v1/text", json={"text": "а"})

    assert refused(answer) == (503, "text.failed")
    assert int(answer.headers["retry-after"]) > 0


async def test_one_person_has_a_few_texts_under_way_and_no_more() -> None:
    class Slow:
        punctuator = None
        under_way = 0
        full, free = asyncio.Event(), asyncio.Event()

        async def finish(self, texts):
            self.under_way += 1
            if self.under_way == MOST_AT_ONCE:
                self.full.set()
            await self.free.wait()
            return [Finished(text=texts[0].text)]

    slow = Slow()
    async with served(slow) as http, asyncio.TaskGroup() as tasks:
        asked = [
            tasks.create_task(http.post("/v1/text", json={"text": "а"}))
            for _ in range(MOST_AT_ONCE)
        ]
        await slow.full.wait()
        one_more = await http.post("/v1/text", json={"text": "а"})
        slow.free.set()
        answers = await asyncio.gather(*asked)
        afterwards = await http.post("/v1/text", json={"text": "а"})

    assert refused(one_more) == (429, "text.too_many")
    assert int(one_more.headers["retry-after"]) > 0
    assert {answer.status_code for answer in (*answers, afterwards)} == {200}
