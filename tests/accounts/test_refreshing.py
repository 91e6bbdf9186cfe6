"""Refresh tokens: raced, lost, stolen, expired."""

import asyncio
from uuid import uuid4

import pytest

from tests.accounts.conftest import Client, refused

pytestmark = pytest.mark.postgres


async def test_twenty_refreshes_at_once_get_one_successor_and_nobody_is_signed_out(boris: Client):
    answers = await asyncio.gather(*(boris.refresh() for _ in range(20)))

    assert {answer.status_code for answer in answers} == {200}
    successors = {answer.json()["refresh_token"] for answer in answers}
    assert len(successors) == 1
    assert successors != {boris.tokens["refresh_token"]}
    newest = Client(boris.http, answers[7].json())
    assert (await newest.ask("GET", "/account")).is_success
    assert (await newest.refresh()).is_success


async def test_a_token_used_twice_ends_the_family(boris: Client, admin: Client):
    second = Client(boris.http, (await boris.refresh()).json())
    third = Client(boris.http, (await second.refresh()).json())

    assert refused(await boris.refresh()) == (401, "auth.session_ended")

    assert refused(await third.refresh()) == (401, "auth.session_ended")
    assert refused(await third.ask("GET", "/account")) == (401, "auth.revoked")
    events = (await admin.got("GET", "/admin/audit?kind=refresh_reused"))["events"]
    assert [(event["subject"], event["details"]["device"]) for event in events] == [
        (boris.user, boris.device)
    ]


async def test_the_grace_ends(boris: Client, database):
    successor = (await boris.refresh()).json()["refresh_token"]
    await database.execute(
        "UPDATE refresh_families SET rotated_at = rotated_at - interval '11 seconds'"
    )

    assert refused(await boris.refresh()) == (401, "auth.session_ended")
    assert refused(await boris.refresh(successor)) == (401, "auth.session_ended")


async def test_a_token_shown_by_another_device_is_a_stolen_one(boris: Client):
    other = await boris.sign_in("boris")

    assert refused(await boris.refresh(device=other.device)) == (401, "auth.session_ended")
    assert refused(await boris.refresh()) == (401, "auth.session_ended")
    assert (await other.refresh()).is_success


@pytest.mark.parametrize("which", ["expires_at", "ends_at"])
async def test_a_sign_in_ends_unused_and_in_any_case(boris: Client, database, which):
    await database.execute(f"UPDATE refresh_families SET {which} = now() - interval '1 second'")

    assert refused(await boris.refresh()) == (401, "auth.session_ended")


async def test_using_it_never_prolongs_a_sign_in_beyond_its_end(boris: Client, database):
    await database.execute("UPDATE refresh_families SET ends_at = now() + interval '1 hour'")
    await boris.refresh()
    assert await database.fetchval(
        "SELECT bool_and(expires_at <= ends_at) FROM refresh_families WHERE user_id = $1",
        boris.user,
    )


async def test_what_is_no_refresh_token_is_refused(boris: Client):
    for token in [
        "rt_",
        "rt_" + "A" * 64,
        "x" * 67,
        "rt_ü",
        "in_" + "A" * 64,
        "rt_" + "A" * 63 + "=",
    ]:
        answer = await boris.refresh(token)
        assert answer.status_code in {401, 422}, token
    assert (await boris.refresh()).is_success


async def test_signing_out_ends_the_device_and_no_other(boris: Client):
    other = await boris.sign_in("boris")
    body = {"refresh_token": boris.tokens["refresh_token"]}

    for _ in range(2):
        assert (await boris.ask("POST", "/auth/logout", body)).status_code == 204

    assert refused(await boris.ask("GET", "/account")) == (401, "auth.revoked")
    devices = (await other.got("GET", "/account/devices"))["devices"]
    assert [(device["id"], device["is_current"]) for device in devices] == [(other.device, True)]


async def test_a_device_that_signs_in_again_is_the_same_device(boris: Client):
    again = await boris.sign_in("boris", id=boris.device, name="новое имя")
    assert again.device == boris.device
    assert refused(await boris.ask("GET", "/account")) == (401, "auth.revoked")
    devices = (await again.got("GET", "/account/devices"))["devices"]
    assert [device["name"] for device in devices] == ["новое имя"]


async def test_nobody_takes_over_a_device_of_somebody_else(boris: Client, admin: Client):
    taken = await boris.sign_in("boris", id=admin.device)
    unknown = await boris.sign_in("boris", id=str(uuid4()))
    assert admin.device not in {taken.device, unknown.device}
    assert (await admin.ask("GET", "/account")).is_success


async def test_nothing_that_opens_a_door_is_in_the_database(boris: Client, database):
    answer = (await boris.refresh()).json()
    ticket = (await boris.got("POST", "/auth/tickets"))["ticket"]
    key = await boris.got("POST", "/account/keys", {"name": "x", "scopes": ["dictate"]})
    tables = await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = [
        str(row)
        for table in tables
        for row in await database.fetch(f'SELECT t::text FROM "{table["tablename"]}" AS t')
    ]
    for secret in (answer["refresh_token"], ticket, key["secret"], answer["access_token"]):
        assert not [row for row in rows if secret in row or secret.encode().hex() in row]
