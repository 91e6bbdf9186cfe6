"""People made, invited, changed, disabled, listed; and what the audit log says of it."""

import asyncio
import re
from pathlib import Path
from uuid import uuid4

import pytest

from tests.accounts.conftest import OTHER_PASSWORD, PASSWORD, Client, refused

pytestmark = pytest.mark.postgres


def accepting(token: str, **fields: str) -> dict:
    return {"token": token, "password": PASSWORD, "device": {"name": "телефон"}, **fields}


async def invite(admin: Client, **fields) -> str:
    made = await admin.got("POST", "/admin/invitations", fields)
    assert made["path"] == f"/welcome#{made['token']}"
    return made["token"]


async def test_an_invitation_makes_one_account_and_signs_it_in(admin, nobody):
    token = await invite(admin)
    answers = await asyncio.gather(
        *(
            nobody.ask(
                "POST", "/auth/invitation", accepting(token, login=f"guest{n}", name="Гость")
            )
            for n in range(5)
        )
    )
    won = [answer for answer in answers if answer.status_code == 201]
    assert [refused(lost) for lost in answers if lost not in won] == [
        (404, "invitation.invalid")
    ] * 4
    guest = Client(nobody.http, won[0].json())
    me = await guest.got("GET", "/account")
    assert (me["role"], me["name"]) == ("user", "Гость")
    assert (await admin.got("GET", "/admin/invitations"))["invitations"] == []


async def test_an_invitation_says_for_whom_it_is(admin, nobody):
    token = await invite(admin, login="Vera", role="admin")
    answer = await nobody.got("POST", "/auth/invitation", accepting(token, login="mallory"))
    assert (answer["user"]["login"], answer["user"]["role"]) == ("vera", "admin")


async def test_nobody_is_invited_under_a_login_that_is_taken(admin, boris):
    answer = await admin.ask("POST", "/admin/invitations", {"login": " BORIS "})
    assert refused(answer) == (409, "account.login_taken")
    assert (await admin.got("GET", "/admin/invitations"))["invitations"] == []


async def test_who_holds_an_invitation_is_told_for_whom_it_is_and_it_stays_good(admin, nobody):
    for fields, told in (
        ({"login": "Vera"}, {"login": "vera", "role": "user", "is_first": False}),
        ({"role": "admin"}, {"login": None, "role": "admin", "is_first": False}),
    ):
        token = await invite(admin, **fields)
        for _ in range(2):
            assert await nobody.got("POST", "/auth/invitation/open", {"token": token}) == told
        accepted = accepting(token, login="somebody")
        assert (await nobody.ask("POST", "/auth/invitation", accepted)).status_code == 201
        answer = await nobody.ask("POST", "/auth/invitation/open", {"token": token})
        assert refused(answer) == (404, "invitation.invalid")


async def test_the_first_administrators_link_says_so_until_there_is_one(server, nobody):
    token = {"token": server.setup_token}
    told = await nobody.got("POST", "/auth/invitation/open", token)
    assert told == {"login": None, "role": "admin", "is_first": True}
    made = accepting(server.setup_token, login="anna")
    assert (await nobody.ask("POST", "/auth/invitation", made)).status_code == 201
    answer = await nobody.ask("POST", "/auth/invitation/open", token)
    assert refused(answer) == (404, "invitation.invalid")


async def test_a_bad_password_does_not_use_an_invitation_up(admin, nobody):
    token = await invite(admin, login="vera")
    weak = accepting(token, password="password123")
    assert refused(await nobody.ask("POST", "/auth/invitation", weak)) == (
        422,
        "account.weak_password",
    )
    assert (await nobody.ask("POST", "/auth/invitation", accepting(token))).status_code == 201


async def test_an_invitation_withdrawn_or_of_somebody_disabled_is_void(admin, boris, nobody):
    withdrawn = await invite(admin)
    (listed,) = (await admin.got("GET", "/admin/invitations"))["invitations"]
    await admin.got("DELETE", f"/admin/invitations/{listed['id']}")
    assert refused(await admin.ask("DELETE", f"/admin/invitations/{listed['id']}"))[0] == 404

    await admin.got("PATCH", f"/admin/users/{boris.user}", {"role": "admin"})
    of_boris = await invite(boris, role="admin")
    await admin.got("PATCH", f"/admin/users/{boris.user}", {"role": "user"})

    for token in (withdrawn, of_boris, "in_" + "x" * 43):
        answer = await nobody.ask("POST", "/auth/invitation", accepting(token, login="eve"))
        assert refused(answer) == (404, "invitation.invalid")


async def test_a_login_is_taken_however_it_is_written(admin, boris):
    for login in ("boris", "Boris", " BORIS "):
        answer = await admin.ask("POST", "/admin/users", {"login": login, "password": PASSWORD})
        assert refused(answer) == (409, "account.login_taken")


@pytest.mark.parametrize(
    ("method", "body"),
    [("PATCH", {"role": "user"}), ("PATCH", {"disabled": True}), ("DELETE", None)],
)
async def test_the_last_administrator_stays_one(admin, boris, method, body):
    path = f"/admin/users/{admin.user}"
    assert refused(await admin.ask(method, path, body)) == (409, "account.last_admin")
    await admin.got("PATCH", f"/admin/users/{boris.user}", {"role": "admin"})
    await admin.got(method, path, body)


async def test_two_administrators_cannot_take_each_other_away_at_once(admin, boris):
    await admin.got("PATCH", f"/admin/users/{boris.user}", {"role": "admin"})
    answers = await asyncio.gather(
        admin.ask("PATCH", f"/admin/users/{boris.user}", {"role": "user"}),
        boris.ask("PATCH", f"/admin/users/{admin.user}", {"role": "user"}),
    )
    assert sorted(answer.status_code for answer in answers)[0] == 200
    assert [answer.status_code for answer in answers].count(200) == 1


async def test_who_is_disabled_is_out_and_can_come_back(admin, boris):
    await admin.got("PATCH", f"/admin/users/{boris.user}", {"disabled": True})
    assert refused(await boris.ask("GET", "/account")) == (401, "auth.revoked")
    assert refused(await boris.refresh())[0] == 401
    assert refused(await boris.try_to_sign_in("boris", PASSWORD)) == (401, "auth.wrong_credentials")
    await admin.got("PATCH", f"/admin/users/{boris.user}", {"disabled": False})
    assert refused(await boris.ask("GET", "/account"))[0] == 401  # the old sign-in stays over
    await boris.sign_in("boris")


async def test_a_key_of_somebody_disabled_opens_nothing(admin, boris):
    key = await boris.got("POST", "/account/keys", {"name": "x", "scopes": ["library"]})
    program = Client(boris.http, {"access_token": key["secret"]})
    await admin.got("PATCH", f"/admin/users/{boris.user}", {"disabled": True})
    assert refused(await program.ask("GET", "/account")) == (401, "auth.revoked")


async def test_an_administrator_gives_a_new_password(admin, boris):
    body = {"password": OTHER_PASSWORD}
    await admin.got("POST", f"/admin/users/{boris.user}/password", body)
    assert refused(await boris.ask("GET", "/account"))[0] == 401
    await boris.sign_in("boris", OTHER_PASSWORD)


async def test_lists_come_in_pages(admin):
    for n in range(5):
        await admin.got("POST", "/admin/users", {"login": f"user{n}", "password": PASSWORD})
    seen, after = [], ""
    while True:
        page = await admin.got("GET", f"/admin/users?limit=2{after}")
        seen += [user["login"] for user in page["users"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == ["anna", *(f"user{n}" for n in range(5))]

    everything = (await admin.got("GET", "/admin/audit?limit=200"))["events"]
    first = await admin.got("GET", "/admin/audit?limit=3")
    second = await admin.got("GET", f"/admin/audit?limit=3&before={first['next']}")
    assert first["events"] + second["events"] == everything[:6]
    for path in ("/admin/users?limit=0", "/admin/users?limit=201", "/admin/audit?before=x"):
        assert refused(await admin.ask("GET", path)) == (422, "request.invalid")


async def test_what_is_not_there_is_not_found(admin):
    for method, path, body in (
        ("GET", "/admin/users/{}", None),
        ("PATCH", "/admin/users/{}", {"name": "x"}),
        ("DELETE", "/admin/users/{}", None),
        ("POST", "/admin/users/{}/password", {"password": PASSWORD}),
        ("DELETE", "/admin/invitations/{}", None),
        ("DELETE", "/account/devices/{}", None),
        ("DELETE", "/account/keys/{}", None),
    ):
        for thing in (uuid4(), "00000000-0000-8000-8000-000000000001"):
            answer = await admin.ask(method, path.format(thing), body)
            assert refused(answer) == (404, "request.not_found"), path


async def test_the_audit_log_tells_who_did_what_and_nobodys_name(admin, boris, database):
    await boris.try_to_sign_in("boris", "a wrong password")
    key = await boris.got("POST", "/account/keys", {"name": "мой бот", "scopes": ["dictate"]})
    await boris.got("DELETE", f"/account/keys/{key['key']['id']}")
    await boris.got("DELETE", f"/account/devices/{boris.device}")
    await admin.got("DELETE", f"/admin/users/{boris.user}")

    events = (await admin.got("GET", f"/admin/audit?subject={boris.user}"))["events"]

    assert [(event["kind"], event["actor"], event["outcome"]) for event in reversed(events)] == [
        ("user_created", admin.user, "done"),
        ("sign_in", boris.user, "done"),
        ("sign_in", None, "refused"),
        ("key_created", boris.user, "done"),
        ("key_revoked", boris.user, "done"),
        ("device_revoked", boris.user, "done"),
        ("user_deleted", admin.user, "done"),
    ]
    assert {event["address"] for event in events} == {"127.0.0.1"}
    rows = await database.fetch("SELECT e::text FROM audit_events AS e")
    assert not [row for row in rows if "boris" in row[0] or "бот" in row[0] or "av_" in row[0]]


async def test_the_page_for_invited_people_is_closed_to_everything_else(nobody):
    page = await nobody.http.get("/welcome")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "'unsafe-inline'" not in policy
    for kind in ("js", "css"):
        assert f"welcome.{kind}" in page.text
        assert (await nobody.http.get(f"/welcome.{kind}")).is_success


@pytest.mark.parametrize("dark", [False, True])
def test_the_page_for_invited_people_has_the_colours_of_the_application(dark):
    root = Path(__file__).parents[2]
    of_the_page = (root / "service/accounts/welcome.css").read_text()
    tokens = (root / "client_tauri/src/look/tokens.css").read_text()
    light_page, _, dark_page = of_the_page.partition("@media (prefers-color-scheme: dark)")
    light, _, rest = tokens.partition(":root[data-theme='dark']")

    ours = set(re.findall(r"--[\w-]+: [^;]+;", dark_page if dark else light_page))
    theirs = set(re.findall(r"--[\w-]+: [^;]+;", rest if dark else light))

    assert ours
    assert ours <= theirs
