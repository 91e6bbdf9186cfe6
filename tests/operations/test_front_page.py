"""The page at the address that the server prints."""

import httpx2
import pytest
from fastapi import FastAPI

from service.operations.front_page import asked_language, front_page


async def page(language: str | None = None, *, is_ready: bool = True) -> httpx2.Response:
    async def recogniser() -> bool:
        return is_ready

    app = FastAPI()
    app.include_router(front_page({"recogniser": recogniser}, "1.2"))
    assert app.openapi()["paths"] == {}
    transport = httpx2.ASGITransport(app=app)
    headers = {} if language is None else {"Accept-Language": language}
    async with httpx2.AsyncClient(transport=transport, base_url="http://here") as client:
        return await client.get("/", headers=headers)


async def test_it_says_in_russian_that_the_server_is_ready_and_where_to_go_on() -> None:
    answer = await page()
    assert answer.status_code == 200
    assert "Сервер готов" in answer.text
    for path in ("openapi.json", "asyncapi.json", "health/ready"):
        assert f'href="{path}"' in answer.text


async def test_it_speaks_english_to_who_asks_for_it_and_admits_not_being_ready() -> None:
    answer = await page("en-GB", is_ready=False)
    assert '<html lang="en">' in answer.text
    assert "not ready" in answer.text


async def test_nothing_in_it_may_run_or_be_loaded() -> None:
    answer = await page()
    assert answer.headers["content-security-policy"].startswith("default-src 'none';")
    assert "<script" not in answer.text


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "ru"),
        ("*", "ru"),
        ("ru-RU,ru;q=0.9,en-US;q=0.8", "ru"),
        ("en-US,en;q=0.9,ru;q=0.8", "en"),
        ("en;q=0.5, ru;q=0.9", "ru"),
        ("de-DE", "en"),
        ("en;q=nan, ru;q=x;;=", "ru"),
    ],
)
def test_the_language_is_the_one_a_browser_likes_best(header: str, code: str) -> None:
    assert asked_language(header) == code
