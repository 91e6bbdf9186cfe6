"""Sockets of people who signed in: opened with a token, key or ticket, closed when that ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from service.dictation import wire
from service.storage.encryption.key_file import load_master_keys
from service.storage.encryption.keys import UserKeys
from service.storage.opening import Storage, open_storage
from tests.accounts.conftest import OTHER_PASSWORD, PASSWORD, Client
from tests.server.peer import Peer, peer
from tests.voice import voice

pytestmark = pytest.mark.postgres


@pytest.fixture
async def url(server) -> str:
    await server.wait_ready(30)
    return server.url


@asynccontextmanager
async def offering(url: str, *subprotocols: str) -> AsyncIterator[Peer]:
    """A socket as a browser opens it: no headers of its own."""
    async with connect(
        url.replace("http", "ws") + "/v1/stream",
        subprotocols=[Subprotocol(one) for one in ("alfavoice.v1", *subprotocols)],
        ping_interval=None,
    ) as connection:
        yield Peer(connection)


@pytest.fixture
async def own_storage(url, database_url, tmp_path) -> AsyncIterator[Storage]:
    """The server's own storage, seen by another process that has its master key."""
    master = load_master_keys(value=None, file=None, data_dir=tmp_path)
    async with open_storage(database_url, tmp_path, master=master) as storage:
        yield storage


async def ticket_of(client: Client) -> str:
    return str((await client.got("POST", "/auth/tickets"))["ticket"])


async def error_of(socket: Peer) -> tuple[str, int]:
    await socket.send(wire.Start())
    code = await socket.closed()
    return socket.of(wire.ErrorMessage)[-1].code, code


async def test_a_socket_without_a_credential_is_closed_as_unauthorised(url, boris):
    async with peer(url) as socket:
        assert await error_of(socket) == ("auth.required", 4401)
    async with peer(url, additional_headers={"Authorization": "Bearer x"}) as socket:
        assert await error_of(socket) == ("auth.invalid_credential", 4401)


async def test_what_is_dictated_belongs_to_who_dictates(url, boris, database):
    async with peer(url, additional_headers=boris.bearer) as socket:
        await socket.start()
        await socket.send(wire.Finish(samples=0))
        await socket.until(wire.Done)
    row = await database.fetchrow("SELECT user_id, device_id FROM transcripts")
    assert (str(row["user_id"]), str(row["device_id"])) == (boris.user, boris.device)


async def test_a_ticket_opens_one_socket(url, boris):
    ticket = await ticket_of(boris)
    async with offering(url, f"ticket.{ticket}") as socket:
        await socket.start()
        assert socket.connection.subprotocol == "alfavoice.v1"
        async with offering(url, f"ticket.{ticket}") as thief:
            assert await error_of(thief) == ("auth.invalid_credential", 4401)


async def test_of_twenty_who_show_one_ticket_one_gets_in(url, boris):
    ticket = await ticket_of(boris)

    async def opened() -> bool:
        async with offering(url, f"ticket.{ticket}") as socket:
            await socket.send(wire.Start())
            return isinstance(await socket.receive(), wire.Ready)

    async with asyncio.TaskGroup() as tasks:
        tries = [tasks.create_task(opened()) for _ in range(20)]
    assert sum(one.result() for one in tries) == 1


async def test_a_ticket_expires_and_is_worth_nothing_elsewhere(url, boris, database):
    ticket = await ticket_of(boris)
    as_token = Client(boris.http, {"access_token": ticket})
    assert (await as_token.ask("GET", "/account")).status_code == 401
    in_address = await boris.http.get("/v1/account", params={"ticket": ticket, "token": ticket})
    assert in_address.status_code == 401
    await database.execute("UPDATE tickets SET expires_at = now()")
    async with offering(url, f"ticket.{ticket}") as socket:
        assert await error_of(socket) == ("auth.invalid_credential", 4401)


async def test_a_ticket_of_somebody_signed_out_is_void(url, boris):
    ticket = await ticket_of(boris)
    await boris.ask("POST", "/auth/logout", {"refresh_token": boris.tokens["refresh_token"]})
    async with offering(url, f"ticket.{ticket}") as socket:
        assert await error_of(socket) == ("auth.invalid_credential", 4401)


@pytest.mark.parametrize(
    "how",
    [
        lambda key: {"additional_headers": {"Authorization": f"Bearer {key}"}},
        lambda key: {"additional_headers": {"Authorization": f"Token {key}"}},
    ],
)
async def test_a_key_opens_a_socket_in_a_header(url, boris, how):
    body = {"name": "x", "scopes": ["dictate"]}
    key = (await boris.got("POST", "/account/keys", body))["secret"]
    async with peer(url, **how(key)) as socket:
        await socket.start()


@pytest.mark.parametrize("words", [["token", "{}"], ["openai-insecure-api-key.{}"]])
async def test_a_key_opens_a_socket_in_a_subprotocol(url, boris, words):
    body = {"name": "x", "scopes": ["dictate"]}
    key = (await boris.got("POST", "/account/keys", body))["secret"]
    async with offering(url, *(word.format(key) for word in words)) as socket:
        await socket.start()


async def test_a_key_without_the_right_to_dictate_opens_none(url, boris):
    body = {"name": "x", "scopes": ["library"]}
    key = (await boris.got("POST", "/account/keys", body))["secret"]
    async with peer(url, additional_headers={"Authorization": f"Bearer {key}"}) as socket:
        assert await error_of(socket) == ("auth.forbidden", 4403)


async def revoke_device(admin: Client, boris: Client) -> None:
    await boris.got("DELETE", f"/account/devices/{boris.device}")


async def change_password(admin: Client, boris: Client) -> None:
    other = await boris.sign_in("boris")
    body = {"current": PASSWORD, "new": OTHER_PASSWORD}
    await other.got("POST", "/account/password", body)


async def disable(admin: Client, boris: Client) -> None:
    await admin.got("PATCH", f"/admin/users/{boris.user}", {"disabled": True})


async def delete(admin: Client, boris: Client) -> None:
    await admin.got("DELETE", f"/admin/users/{boris.user}")


async def sign_out(admin: Client, boris: Client) -> None:
    await boris.ask("POST", "/auth/logout", {"refresh_token": boris.tokens["refresh_token"]})


async def steal(admin: Client, boris: Client) -> None:
    second = Client(boris.http, (await boris.refresh()).json())
    await second.refresh()
    await boris.refresh()


@pytest.mark.parametrize("end", [revoke_device, change_password, disable, delete, sign_out, steal])
async def test_ending_a_sign_in_closes_its_sockets_and_no_others(url, admin, boris, end):
    async with (
        peer(url, additional_headers=boris.bearer) as lost,
        peer(url, additional_headers=admin.bearer) as kept,
    ):
        await lost.start()
        await kept.start()

        await end(admin, boris)

        assert await lost.closed() == 4401
        assert lost.of(wire.ErrorMessage)[-1].code == "auth.revoked"
        await kept.send(wire.MarkerRequest(id="still there"))
        await kept.until(wire.MarkerReached)


@pytest.mark.parametrize("path", ["/v1/sync/events", "/v1/recordings/events"])
@pytest.mark.parametrize("end", [revoke_device, disable, steal])
async def test_ending_a_sign_in_ends_its_streams_and_no_others(url, admin, boris, path, end):
    async with (
        asyncio.timeout(20),
        admin.http.stream("GET", path, headers=admin.bearer) as kept,
        boris.http.stream("GET", path, headers=boris.bearer) as lost,
    ):
        await end(admin, boris)

        async for _ in lost.aiter_raw():
            pass
        assert not kept.is_stream_consumed
    assert (await boris.ask("GET", "/sync/events")).status_code == 401


async def test_ending_a_key_ends_its_streams(url, boris):
    made = await boris.got("POST", "/account/keys", {"name": "x", "scopes": ["library"]})
    header = {"Authorization": f"Bearer {made['secret']}"}
    async with (
        asyncio.timeout(20),
        boris.http.stream("GET", "/v1/sync/events", headers=header) as lost,
    ):
        await boris.got("DELETE", f"/account/keys/{made['key']['id']}")
        async for _ in lost.aiter_raw():
            pass


async def test_a_stream_of_somebody_signed_out_by_another_server_ends(url, boris, database):
    async with (
        asyncio.timeout(20),
        boris.http.stream("GET", "/v1/sync/events", headers=boris.bearer) as lost,
    ):
        await database.execute("DELETE FROM refresh_families")
        async for _ in lost.aiter_raw():
            pass


async def test_ending_a_key_closes_what_it_opened(url, boris):
    made = await boris.got("POST", "/account/keys", {"name": "x", "scopes": ["dictate"]})
    header = {"Authorization": f"Bearer {made['secret']}"}
    async with (
        peer(url, additional_headers=header) as lost,
        peer(url, additional_headers=boris.bearer) as kept,
    ):
        await lost.start()
        await kept.start()
        await boris.got("DELETE", f"/account/keys/{made['key']['id']}")
        assert await lost.closed() == 4401
        await kept.send(wire.MarkerRequest(id="still there"))
        await kept.until(wire.MarkerReached)


async def test_who_is_disabled_by_another_process_is_noticed(url, boris, database):
    async with peer(url, additional_headers=boris.bearer) as socket:
        await socket.start()
        await database.execute("UPDATE users SET disabled_at = now() WHERE login = 'boris'")
        async with asyncio.timeout(10):
            assert await socket.closed() == 4401


async def test_deleting_somebody_destroys_their_keys_and_everything_they_said(
    url, admin, boris, database, own_storage
):
    async with peer(url, additional_headers=boris.bearer) as socket:
        await socket.start()
        await socket.say(voice(1500))
        await socket.send(wire.Finish())
        await socket.until(wire.Done)
    user = UUID(boris.user)
    await own_storage.keys.of(user)
    # What hangs on a device and a transcript at once is the hardest to delete in the right order.
    await database.execute(
        """
        INSERT INTO recordings (
            id, user_id, device_id, sha256, size_bytes, encoding, recorded_at, transcript_id
        )
        SELECT gen_random_uuid(), user_id, device_id, sha256(''), 1, 'wav', now(), id
        FROM transcripts
        """
    )
    count = "SELECT count(*) FROM {} WHERE user_id = $1"
    assert await database.fetchval(count.format("transcripts"), user) == 1

    await admin.got("DELETE", f"/admin/users/{boris.user}")

    assert await database.fetchval(count.format("user_keys"), user) == 0
    assert (await boris.ask("GET", "/account")).status_code == 401
    assert (await boris.try_to_sign_in("boris", PASSWORD)).status_code == 401
    async with asyncio.timeout(20):
        while await database.fetchval("SELECT count(*) FROM users WHERE id = $1", user):
            await asyncio.sleep(0.02)
    for table in ("transcripts", "finals", "recordings", "devices", "refresh_families"):
        assert await database.fetchval(count.format(table), user) == 0
    with pytest.raises(Exception, match="no such account"):
        await UserKeys(own_storage.postgres, own_storage.keys.master).of(user)
    await admin.got("POST", "/admin/users", {"login": "boris", "password": PASSWORD})
