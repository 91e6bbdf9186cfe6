"""`alfavoice text`: the finished text on standard output, what each step did on standard error."""

import asyncio
import json
import os
import socket
import sys
from pathlib import Path

import pytest

from tests.server.conftest import start_server
from tests.storage.fixtures import database_url, postgres_dsn

__all__ = ["database_url", "postgres_dsn", "start_server"]

COMMAND = Path(sys.executable).with_name("alfavoice")
SAID = "э-э, встреча двадцать пятого января, новая строка, позвони в семь тридцать"
FINISHED = "Встреча 25 января\nПозвони в 7:30\n"


async def text(*arguments, stdin: bytes = b"", **environment):
    """Run the command without a model: what one would add is not this test's to know."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ALFAVOICE", "LC_", "LANG"))}
    process = await asyncio.create_subprocess_exec(
        COMMAND, *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**kept, "PYTHONIOENCODING": "utf-8", "ALFAVOICE_PUNCTUATION": "off", **environment},
    )  # fmt: skip
    async with asyncio.timeout(90):
        out, err = await process.communicate(stdin)
    return process.returncode, out.decode(), err.decode()


async def test_the_text_is_piped_and_the_steps_are_explained_beside_it():
    status, out, err = await text("text", SAID)

    assert (status, out) == (0, FINISHED)
    for shown in (
        "слова-паразиты",
        "− э-э, встреча",
        "двадцать пятого января",
        "+ ",
        "25 января",
        "⏎",
        "Без изменений: свои слова",
        "Модели пунктуации нет",
    ):
        assert shown in err
    assert "\x1b" not in out + err  # nobody looks at a terminal here


async def test_quiet_says_nothing_but_the_text():
    assert await text("text", "--quiet", SAID) == (0, FINISHED, "")


@pytest.mark.parametrize("argument", [(), ("-",)])
async def test_standard_input_is_read_where_no_text_is_given(argument):
    given = await text("text", "--quiet", *argument, stdin=("\ufeff" + SAID + "\n").encode())

    assert given == (0, FINISHED, "")


async def test_steps_style_and_language_are_chosen():
    numbers = await text("text", "--quiet", "--steps", "numbers", SAID)
    chat = await text("text", "--quiet", "--style", "chat", "Встреча двадцать пятого.")
    raw = await text("text", "--style", "raw", SAID)
    other = await text("text", "--quiet", "--language", "uk-UA", "у мене сорок")

    assert numbers[1].startswith("э-э, встреча 25 января, новая строка")
    assert chat[1] == "Встреча 25-го\n"
    assert raw[1] == f"{SAID}\n"
    assert "Ни один шаг не выполнялся." in raw[2]
    assert other[1] == "у мене сорок\n"


async def test_json_holds_every_step():
    status, out, err = await text("text", "--json", SAID)
    told = json.loads(out)

    assert (status, err) == (0, "")
    assert told["text"] == FINISHED.strip()
    assert [step["name"] for step in told["steps"]][:2] == ["terms", "fillers"]
    assert told["steps"][0]["before"] == SAID
    assert told["punctuator"] is None


async def test_it_speaks_english_too():
    status, _, err = await text("--language", "en", "text", SAID)

    assert status == 0
    assert "numbers" in err
    assert "Nothing changed: your words" in err


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "said"),
    [
        (("--steps", "magic", "а"), b"", 2, "magic"),
        (("--style", "loud", "а"), b"", 2, "loud"),
        (("--language", "xx", "а"), b"", 2, "xx"),
        ((), b"\xff\xfe\xfa", 1, "[text.unreadable]"),
        ((), "крокодил\0".encode(), 1, "[text.unreadable]"),
        ((), "а".encode() * 200_001, 1, "[text.too_long]"),
        (("--server", "http://", "крокодил"), b"", 1, "[stream.bad_address]"),
    ],
)
async def test_what_cannot_be_done_is_one_sentence(arguments, stdin, code, said):
    status, out, err = await text("text", *arguments, stdin=stdin)

    assert (status, out) == (code, "")
    assert said in err
    assert "Traceback" not in err
    assert "крокодил" not in err


async def test_a_server_that_is_not_there_is_said():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    status, out, err = await text("text", "--server", address, SAID)

    assert (status, out) == (1, "")
    assert "[stream.unreachable]" in err


@pytest.mark.postgres
async def test_a_server_answers_with_the_words_of_who_is_signed_in(start_server):
    import httpx

    async with start_server() as server, httpx.AsyncClient(base_url=server.url) as http:
        snippet = {"trigger": "моя почта", "text": "ivan@example.ru{cursor}"}
        assert (await http.post("/v1/snippets", json=snippet)).status_code == 201
        status, out, err = await text("text", "--server", server.url, "Пишите на моя почта")
        refused = await text("text", "--server", server.url, "")

    assert (status, out) == (0, "Пишите на ivan@example.ru\n")
    assert "шаблоны" in err
    assert "После 25-го знака остаётся курсор." in err
    assert refused[0] == 1
    assert "[request.invalid]" in refused[2]
