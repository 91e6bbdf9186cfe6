"""Tokens, keys and tickets: what they open, and forged ones."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import jwt
import pytest

from service.accounts.access_tokens import KEY_PURPOSE
from service.storage.encryption.key_file import load_master_keys
from tests.accounts.conftest import PASSWORD, Client, refused

pytestmark = pytest.mark.postgres


@pytest.fixture
def signing_key(tmp_path, server) -> bytes:
    """Of the server under test."""
    return load_master_keys(value=None, file=None, data_dir=tmp_path).derived(KEY_PURPOSE)


def claims(client: Client) -> dict[str, object]:
    return jwt.decode(client.access, options={"verify_signature": False})


async def shown(client: Client, token: str) -> tuple[int, str]:
    answer = await client.http.get("/v1/account", headers={"Authorization": f"Bearer {token}"})
    return (200, "") if answer.is_success else refused(answer)


async def test_a_token_signed_as_ours_opens_the_door(boris, signing_key):
    forged = jwt.encode(claims(boris), signing_key, "HS256", headers={"typ": "at+jwt"})
    assert await shown(boris, forged) == (200, "")


async def test_claims_that_are_not_ours_open_nothing(boris, signing_key):
    for change in (
        {"aud": "somebody else"}, {"iss": "somebody else"}, {"aud": None}, {"sub": "not an id"},
        {"sid": str(uuid4())}, {"nbf": 4_000_000_000}, {"device": str(uuid4())}, {"exp": None},
        {"jti": None}, {"sub": 7}, {"sid": 7}, {"sub": str(uuid4())},
    ):  # fmt: skip
        changed = {k: v for k, v in {**claims(boris), **change}.items() if v is not None}
        forged = signed_by_hand({"alg": "HS256", "typ": "at+jwt"}, changed, signing_key)
        assert (await shown(boris, forged))[0] == 401, change
    unchanged = signed_by_hand({"alg": "HS256", "typ": "at+jwt"}, claims(boris), signing_key)
    assert await shown(boris, unchanged) == (200, "")


def signed_by_hand(head: dict, payload: dict, key: bytes) -> str:
    def part(value: dict) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    body = f"{part(head)}.{part(payload)}"
    mac = hmac.digest(key, body.encode(), hashlib.sha256)
    return f"{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


async def test_forged_tokens_open_nothing(boris, signing_key):
    said = claims(boris)
    good = {"typ": "at+jwt"}
    head, payload, mac = boris.access.split(".")
    as_admin = base64.urlsafe_b64encode(json.dumps({**said, "role": "admin"}).encode())
    forged = {
        "role changed": f"{head}.{as_admin.rstrip(b'=').decode()}.{mac}",
        "no algorithm": jwt.encode(said, None, "none", headers=good),
        "other algorithm": jwt.encode(said, signing_key * 2, "HS512", headers=good),
        "other key": jwt.encode(said, bytes(32), "HS256", headers=good),
        "other type": jwt.encode(said, signing_key, "HS256", headers={"typ": "JWT"}),
        "key of its own": jwt.encode(
            said, bytes(32), "HS256", headers={**good, "jwk": {"kty": "oct", "k": "AAAA"}}
        ),
        "no signature": f"{head}.{payload}.",
        "not a token": "x" * 50,
        "refresh token": boris.tokens["refresh_token"],
        "very long": "a.b." + "c" * 3_000,
    }
    for what, token in forged.items():
        assert await shown(boris, token) == (401, "auth.invalid_credential"), what
    old = {**said, "exp": int((datetime.now(UTC) - timedelta(minutes=1)).timestamp())}
    expired = jwt.encode(old, signing_key, "HS256", headers=good)
    assert await shown(boris, expired) == (401, "auth.token_expired")


async def test_a_role_written_into_a_token_is_not_believed(boris, signing_key):
    """Not even with our own signature: the database decides."""
    forged = jwt.encode(
        {**claims(boris), "role": "admin"}, signing_key, "HS256", headers={"typ": "at+jwt"}
    )
    answer = await boris.http.get("/v1/admin/users", headers={"Authorization": f"Bearer {forged}"})
    assert refused(answer) == (403, "auth.forbidden")


ADMIN_ROUTES = [
    ("GET", "/admin/users", None),
    ("POST", "/admin/users", {"login": "eve", "password": PASSWORD, "role": "admin"}),
    ("GET", "/admin/users/{}", None),
    ("PATCH", "/admin/users/{}", {"role": "admin"}),
    ("POST", "/admin/users/{}/password", {"password": PASSWORD}),
    ("DELETE", "/admin/users/{}", None),
    ("GET", "/admin/invitations", None),
    ("POST", "/admin/invitations", {"role": "admin"}),
    ("DELETE", "/admin/invitations/{}", None),
    ("GET", "/admin/audit", None),
]


async def test_a_user_reaches_nothing_of_the_administrators(boris, nobody):
    for method, template, body in ADMIN_ROUTES:
        path = template.format(boris.user)
        assert refused(await boris.ask(method, path, body)) == (403, "auth.forbidden"), path
        assert refused(await nobody.ask(method, path, body)) == (401, "auth.required"), path


async def test_who_is_demoted_is_so_with_the_next_request(admin, boris):
    await admin.got("PATCH", f"/admin/users/{boris.user}", {"role": "admin"})
    assert (await boris.ask("GET", "/admin/users")).is_success
    await admin.got("PATCH", f"/admin/users/{boris.user}", {"role": "user"})
    assert refused(await boris.ask("GET", "/admin/users"))[0] == 403
    events = (await admin.got("GET", "/admin/audit?kind=role_changed"))["events"]
    assert [event["details"] for event in events] == [
        {"from": "admin", "to": "user"},
        {"from": "user", "to": "admin"},
    ]


async def new_key(client: Client, **body) -> tuple[str, Client]:
    made = await client.got(
        "POST", "/account/keys", {"name": "бот", "scopes": ["dictate", "library"], **body}
    )
    return made["key"]["id"], Client(client.http, {"access_token": made["secret"]})


async def test_a_key_opens_what_it_is_for_and_never_the_account(admin, boris):
    for owner in (admin, boris):
        _, program = await new_key(owner)
        for method, path, body in [
            ("GET", "/account", None),
            ("GET", "/account/keys", None),
            ("POST", "/account/keys", {"name": "x", "scopes": ["dictate"]}),
            ("POST", "/account/password", {"current": PASSWORD, "new": "x" * 12}),
            ("POST", "/auth/tickets", None),
            *ADMIN_ROUTES,
        ]:
            answer = await program.ask(method, path.format(boris.user), body)
            assert refused(answer) == (403, "auth.forbidden"), path
    for scopes in (["admin"], ["account"], ["dictate", "admin"], [], ["dictate"] * 3):
        answer = await boris.ask("POST", "/account/keys", {"name": "x", "scopes": scopes})
        assert refused(answer) == (422, "request.invalid")


async def test_a_key_that_was_ended_or_has_expired_opens_nothing(boris, database):
    first, program = await new_key(boris)
    second, other = await new_key(boris, expires_in_days=1)
    listed = (await boris.got("GET", "/account/keys"))["keys"]
    assert {key["id"] for key in listed} == {first, second}
    assert all(program.access != key["start"] and len(key["start"]) == 8 for key in listed)

    await boris.got("DELETE", f"/account/keys/{first}")
    assert refused(await program.ask("POST", "/auth/tickets")) == (401, "auth.revoked")
    await database.execute(
        "UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id = $1", UUID(second)
    )
    assert refused(await other.ask("POST", "/auth/tickets")) == (401, "auth.key_expired")
    unknown = Client(boris.http, {"access_token": "av_" + "x" * 43})
    assert refused(await unknown.ask("GET", "/account")) == (401, "auth.invalid_credential")


async def test_a_key_says_when_it_was_used_at_most_once_a_minute(boris, database):
    key, program = await new_key(boris)

    async def last_used() -> datetime | None:
        return await database.fetchval("SELECT last_used_at FROM api_keys WHERE id = $1", UUID(key))

    assert await last_used() is None
    await program.ask("GET", "/account")
    first = await last_used()
    await program.ask("GET", "/account")
    assert first is not None
    assert await last_used() == first


async def test_what_is_somebody_elses_is_not_there(admin, boris):
    key, _ = await new_key(admin)
    for method, path, body in [
        ("DELETE", f"/account/keys/{key}", None),
        ("DELETE", f"/account/devices/{admin.device}", None),
        ("PATCH", f"/account/devices/{admin.device}", {"name": "моё"}),
    ]:
        assert refused(await boris.ask(method, path, body)) == (404, "request.not_found")
    assert [k["id"] for k in (await admin.got("GET", "/account/keys"))["keys"]] == [key]
    assert (await admin.got("GET", "/account/devices"))["devices"][0]["name"] == "сервер"
