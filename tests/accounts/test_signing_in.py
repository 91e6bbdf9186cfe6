"""Who gets in, who does not, and what the refusal says."""

import asyncio
import json
import threading
from urllib.parse import urlsplit

import argon2
import pytest

from service.accounts.password_rules import PasswordRules
from service.accounts.passwords import Passwords
from service.problems import Refused, RequestRefused
from tests.accounts.conftest import OTHER_PASSWORD, PASSWORD, Client, refused

pytestmark = pytest.mark.postgres


async def test_the_first_administrator_comes_by_a_link_that_works_once(server, nobody, admin):
    assert admin.tokens["user"]["role"] == "admin"
    assert (await nobody.got("GET", "/auth/setup"))["has_admin"]
    again = {
        "token": server.setup_token,
        "login": "mallory",
        "password": PASSWORD,
        "device": {"name": "x"},
    }
    assert refused(await nobody.ask("POST", "/auth/invitation", again)) == (
        404,
        "invitation.invalid",
    )


async def test_a_second_link_for_the_first_administrator_dies_with_the_first(
    server, nobody, start_server
):
    async with start_server(login="required") as other:
        assert other.setup_token not in (None, server.setup_token)
        body = {"token": server.setup_token, "login": "anna", "password": PASSWORD}
        await nobody.got("POST", "/auth/invitation", {**body, "device": {"name": "x"}})
        late = {**body, "token": other.setup_token, "login": "eve", "device": {"name": "x"}}
        assert refused(await nobody.ask("POST", "/auth/invitation", late))[0] == 404
    async with start_server(login="required") as later:
        assert later.setup_token is None


async def test_unknown_wrong_and_disabled_get_one_answer_after_the_same_work(
    nobody, admin, boris, monkeypatch
):
    await admin.got("PATCH", f"/admin/users/{boris.user}", {"disabled": True})
    hashed = []
    verify = argon2.PasswordHasher.verify
    monkeypatch.setattr(
        argon2.PasswordHasher,
        "verify",
        lambda self, stored, password: (hashed.append(stored[:30]), verify(self, stored, password))[
            1
        ],
    )
    answers = [
        await nobody.try_to_sign_in("nobody-of-this-name", PASSWORD),
        await nobody.try_to_sign_in("anna", "not her password"),
        await nobody.try_to_sign_in("boris", PASSWORD),
        await nobody.try_to_sign_in("BORIS ", "not his password"),
    ]
    assert {refused(answer) for answer in answers} == {(401, "auth.wrong_credentials")}
    assert len({answer.content for answer in answers}) == 1
    assert len(hashed) == 4
    assert len(set(hashed)) == 1  # of the same costs, too


async def test_guessing_at_an_account_is_slowed_down_whether_it_exists_or_not(nobody, admin):
    for login in ("anna", "nobody-of-this-name"):
        codes = [refused(await nobody.try_to_sign_in(login, f"guess number {n}")) for n in range(6)]
        assert set(codes) == {(401, "auth.wrong_credentials")}
        answer = await nobody.try_to_sign_in(login, PASSWORD)
        assert refused(answer) == (429, "auth.too_many_attempts")
        assert 1 <= int(answer.headers["Retry-After"]) <= 2


async def test_waits_double_and_a_right_password_forgets_them(nobody, admin, database):
    async def wait_over() -> None:
        await database.execute("UPDATE login_attempts SET blocked_until = now()")

    for n in range(6):
        await nobody.try_to_sign_in("anna", f"guess number {n}")
    waits = []
    for n in range(4):
        await wait_over()
        await nobody.try_to_sign_in("anna", f"later guess {n}")
        blocked = await nobody.try_to_sign_in("anna", PASSWORD)
        waits.append(int(blocked.headers["Retry-After"]))
    assert waits == [2, 4, 8, 16]
    await wait_over()
    await nobody.sign_in("anna")
    assert refused(await nobody.try_to_sign_in("anna", "mistyped")) == (
        401,
        "auth.wrong_credentials",
    )


async def test_a_hundred_guesses_at_once_are_not_cheaper_than_one_after_another(nobody, admin):
    answers = await asyncio.gather(
        *(nobody.try_to_sign_in("anna", f"guess number {n}") for n in range(40))
    )
    outcomes = [refused(answer)[1] for answer in answers]
    # Six at once; the waits after them, 1 s, 2 s, 4 s, may pass while a slow machine is at it.
    assert outcomes.count("auth.wrong_credentials") <= 10


async def test_what_does_not_fit_the_queue_is_told_to_come_back():
    passwords = Passwords(threads=1, queue=2)
    release = threading.Event()
    try:
        passwords._pool.submit(release.wait)  # the thread is at work
        async with asyncio.TaskGroup() as tasks:
            waiting = [tasks.create_task(passwords.verify(None, "x")) for _ in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(Refused) as refusal:
                await passwords.hash("x")
            release.set()
        assert [task.result() for task in waiting] == [False, False]
        assert (refusal.value.code, refusal.value.retry_after_ms) == ("auth.busy", 1_000)
        assert await passwords.verify(await passwords.hash("й" * 10), "й" * 10)
    finally:
        passwords.close()


@pytest.mark.parametrize(
    "password",
    [
        "short", "aaaaaaaaaaaa", "abcabcabcabc", "1234567890", "0987654321", "qwertyuiop",
        "qwertyuiop[]", "йцукенгшщзхъ", "password123", "P@ssw0rd2026", "passwordpassword",
        "Administrator1", "letmein12345", "iloveyou2024", "Welcome2026!", "пароль123456",
        "Пароль2026!", "gfhjkm123456", "1qaz2wsx3edc", "qazwsxedcrfv", "зайказайка1",
        "александр1990", "liverpool1984", "boris.petrov", "BorisBoris77", "x" * 257,
    ],
)  # fmt: skip
def test_passwords_anybody_would_try_are_refused(password):
    with pytest.raises(RequestRefused) as refusal:
        PasswordRules().check(password, login="boris.petrov")
    assert refusal.value.code == "account.weak_password"
    assert password not in refusal.value.message


@pytest.mark.parametrize(
    "password",
    [PASSWORD, OTHER_PASSWORD, "xK9#mQ2$vL7p", "четыре-синих-жирафа", "8305716294175028"],
)
def test_others_are_taken(password):
    assert PasswordRules().check(password, login="boris.petrov") == password


async def test_changing_the_password_signs_every_other_device_out(boris: Client):
    phone = await boris.sign_in("boris")
    change = {"current": PASSWORD, "new": OTHER_PASSWORD}
    wrong = await boris.ask("POST", "/account/password", {**change, "current": "another one"})
    assert refused(wrong) == (403, "account.wrong_password")
    weak = await boris.ask("POST", "/account/password", {**change, "new": "password1234"})
    assert refused(weak) == (422, "account.weak_password")
    assert (await phone.ask("GET", "/account")).is_success

    await boris.got("POST", "/account/password", change)

    assert refused(await phone.ask("GET", "/account")) == (401, "auth.revoked")
    assert refused(await phone.refresh()) == (401, "auth.session_ended")
    assert (await boris.ask("GET", "/account")).is_success
    assert (await boris.refresh()).is_success
    assert refused(await boris.try_to_sign_in("boris", PASSWORD))[0] == 401
    await boris.sign_in("boris", OTHER_PASSWORD)


@pytest.mark.parametrize("announced", ["Content-Length: 1000000", "Transfer-Encoding: chunked"])
async def test_of_nobody_no_large_body_is_waited_for(server, announced):
    address = urlsplit(server.url)
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(f"POST /v1/sync HTTP/1.1\r\nHost: x\r\n{announced}\r\n\r\n".encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 401 ")
        writer.close()
        await writer.wait_closed()


async def test_a_body_too_long_is_refused_before_it_is_read(nobody, admin):
    async def endless():
        for _ in range(200):
            yield b" " * 1024

    big = await nobody.http.post("/v1/auth/login", content=b" " * 70_000)
    assert refused(big) == (413, "request.too_large")
    chunked = await nobody.http.post("/v1/auth/login", content=endless())
    assert refused(chunked) == (413, "request.too_large")


async def test_odd_logins_are_refused_and_never_break_anything(admin):
    odd = ["", "a", "with space", "tab\tbed", "null\0", "<script>", "x" * 101, "..", "\ud800x"]
    for login in odd:
        raw = {"login": login, "password": PASSWORD}
        answer = await admin.http.post(
            "/v1/admin/users",
            content=json.dumps(raw).encode(),
            headers={**admin.bearer, "Content-Type": "application/json"},
        )
        assert answer.status_code == 422, repr(login)
        answer = await admin.http.post(
            "/v1/auth/login",
            content=json.dumps({**raw, "device": {"name": "x"}}).encode(),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code in {401, 422}, repr(login)
