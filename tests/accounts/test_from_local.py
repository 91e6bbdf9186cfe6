"""From a server without login to one where people sign in: what was dictated comes along."""

import httpx
import pytest

from service.accounts.principal import LOCAL_USER
from service.commands import serve
from service.language import Language
from tests.accounts.conftest import PASSWORD, Client
from tests.accounts.test_commands import run
from tests.storage.samples import FIRST, ORIGIN

__all__ = ["run"]

pytestmark = pytest.mark.postgres


async def dictate_without_login(server):
    opened = await server.store.open("before", user=LOCAL_USER, origin=ORIGIN)
    await server.store.add_final(LOCAL_USER, opened.transcript, FIRST)
    await server.store.finish(LOCAL_USER, opened.transcript, audio_samples=64_000)


async def test_an_archive_takes_what_was_dictated_without_login_to_the_first_administrator(
    start_server,
):
    async with start_server(login="off") as server:
        await dictate_without_login(server)
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as http:
            local = Client(http)
            await local.got("POST", "/snippets", {"trigger": "моя почта", "text": "a@b.example"})
            await local.got("POST", "/dictionary", {"term": "Kubernetes"})
            await local.got("POST", "/notes", {"title": "Заметка", "text": "раз"})
            archive = (await local.ask("GET", "/archive")).content
    async with (
        start_server(login="required") as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as http,
    ):
        body = {"token": server.setup_token, "login": "anna", "password": PASSWORD}
        made = {**body, "device": {"name": "сервер"}}
        anna = Client(http, await Client(http).got("POST", "/auth/invitation", made))
        assert (await anna.got("GET", "/history"))["items"] == []
        answer = await http.post("/v1/archive", content=archive, headers=anna.bearer)
        counts = {name: (one["added"], one["refused"]) for name, one in answer.json().items()}
        assert counts["history"] == counts["snippets"] == counts["notes"] == (1, 0), counts
        assert counts["dictionary"] == (1, 0)
        [entry] = (await anna.got("GET", "/history"))["items"]
        read = await anna.got("GET", f"/history/{entry['id']}")
        assert read["text"] == FIRST.text
        [snippet] = (await anna.got("GET", "/snippets"))["snippets"]
        assert snippet["text"] == "a@b.example"


async def test_who_makes_the_first_administrator_hears_of_what_was_dictated_without_login(
    run, start_server
):
    async with start_server(login="off") as server:
        await dictate_without_login(server)
        assert server.left_without_login == 0  # it is nobody's to leave: they can still see it
    async with start_server(login="required") as server:
        assert server.left_without_login == 1
    add = ("users", "add", "--admin", "--password-stdin")
    status, out, err = await run(*add, "anna", said=f"{PASSWORD}\n")
    assert (status, "anna" in out) == (0, True)
    assert "1 текст" in err
    assert "docs/accounts.md" in err
    assert (await run(*add, "boris", said=f"{PASSWORD}\n"))[2] == ""  # she has been told
    async with start_server(login="required") as server:
        assert server.left_without_login == 0


@pytest.mark.parametrize(("count", "said"), [(0, ""), (45, "45 текстов")])
def test_the_server_that_asks_for_an_administrator_says_what_would_be_left(count, said):
    lines = serve.to_set_up(Language("ru"), "http://127.0.0.1:1/welcome#t", left=count)
    assert "http://127.0.0.1:1/welcome#t" in lines[0]
    assert [said in line for line in lines[1:]] == ([True] if said else [])
