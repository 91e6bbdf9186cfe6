"""Keys of users: made once, gone with their user, waited for when their master key is missing."""

import asyncio
import base64
from uuid import UUID, uuid4

import pytest

from service.accounts.principal import LOCAL_USER
from service.problems import ServiceError, SetUpError
from service.storage.encryption.key_file import load_master_keys
from service.storage.encryption.keys import UserKeys
from service.storage.encryption.master import MasterKeyMissing, MasterKeys
from service.storage.encryption.sealing import Unreadable
from tests.encryption.people import opened, person, say_everything, second_process
from tests.storage.fixtures import MASTER

pytestmark = pytest.mark.postgres

OTHER = MasterKeys([bytes(range(100, 132))])


async def test_first_keys_asked_for_by_forty_at_once_are_one_set(storage, database_url, owner):
    user = await person(storage.postgres)
    async with second_process(database_url, MASTER) as other, asyncio.TaskGroup() as tasks:
        asked = [
            tasks.create_task(keys.of(user)) for _ in range(20) for keys in (storage.keys, other)
        ]
    sealed = [task.result().seal("finals", "sealed", "r", b"x") for task in asked]

    assert {
        task.result().unseal("finals", "sealed", "r", one) for task in asked for one in sealed
    } == {b"x"}
    assert len({task.result().blind("слово") for task in asked}) == 1
    assert await owner.fetchval("SELECT count(*) FROM user_keys WHERE user_id = $1", user) == 2


async def test_two_peoples_values_and_words_have_nothing_in_common(storage):
    one, two = [await storage.keys.of(await person(storage.postgres)) for _ in range(2)]

    assert one.blind("слово") != two.blind("слово")
    with pytest.raises(Unreadable):
        two.unseal("finals", "sealed", "r", one.seal("finals", "sealed", "r", b"x"))


async def test_nobody_has_no_keys_and_gets_none(storage, owner):
    for _ in range(2):
        with pytest.raises(ServiceError) as caught:
            await storage.keys.of(uuid4())
        assert caught.value.code == "account.gone"
    assert await owner.fetchval("SELECT count(*) FROM user_keys") == 0


async def test_what_is_left_of_a_deleted_user_opens_with_nothing_there_is(
    storage, database_url, owner
):
    user = await person(storage.postgres)
    await say_everything(storage, user)
    kept = await owner.fetch("SELECT transcript_id, utterance, sealed FROM finals")
    await owner.execute("DELETE FROM users WHERE id = $1", user)

    assert await owner.fetchval("SELECT count(*) FROM user_keys WHERE user_id = $1", user) == 0
    # Not even with an account of the same id, made again by somebody who has database and key file.
    await owner.execute("INSERT INTO users (id) VALUES ($1)", user)
    async with second_process(database_url, MASTER) as keys:
        cipher = await keys.of(user)
        for row in kept:
            with pytest.raises(Unreadable):
                cipher.unseal(
                    "finals", "sealed", f"{row['transcript_id']}/{row['utterance']}", row["sealed"]
                )


async def test_an_account_being_deleted_gets_no_new_keys(storage, owner):
    user = await person(storage.postgres)
    await storage.keys.of(user)
    await owner.execute("DELETE FROM user_keys WHERE user_id = $1", user)
    await owner.execute("UPDATE users SET deleted_at = now() WHERE id = $1", user)
    storage.keys.forget(user)

    with pytest.raises(ServiceError) as caught:
        await storage.keys.of(user)

    assert caught.value.code == "account.gone"


async def test_a_user_deleted_by_another_process_is_noticed_when_the_cache_is_old(storage, owner):
    now = 0.0
    keys = UserKeys(storage.postgres, MASTER, clock=lambda: now)
    user = await person(storage.postgres)
    first = await keys.of(user)
    await owner.execute("DELETE FROM users WHERE id = $1", user)

    now = 59.0
    assert await keys.of(user) is first
    now = 61.0
    with pytest.raises(ServiceError):
        await keys.of(user)


async def test_wrapped_keys_swapped_between_users_or_numbers_open_nothing(storage, owner):
    one, two = [await person(storage.postgres) for _ in range(2)]
    await storage.keys.of(one)
    await storage.keys.of(two)
    await owner.execute(
        "UPDATE user_keys AS k SET wrapped = o.wrapped FROM user_keys AS o "
        "WHERE k.user_id = $1 AND o.user_id = $2 AND k.number = o.number",
        one,
        two,
    )
    await owner.execute(
        "UPDATE user_keys AS k SET wrapped = o.wrapped FROM user_keys AS o "
        "WHERE k.user_id = $1 AND o.user_id = $1 AND k.number <> o.number",
        two,
    )
    for user in (one, two):
        storage.keys.forget(user)
        with pytest.raises(Unreadable):
            await storage.keys.of(user)


async def test_a_swapped_value_is_refused_when_it_is_read(storage, owner):
    await say_everything(storage, LOCAL_USER)
    rows = await owner.fetch("SELECT utterance, sealed FROM finals ORDER BY utterance")
    for row, other in zip(rows, reversed(rows), strict=True):
        await owner.execute(
            "UPDATE finals SET sealed = $1 WHERE utterance = $2", other["sealed"], row["utterance"]
        )

    with pytest.raises(Unreadable):
        await storage.transcripts.recent(LOCAL_USER)


@pytest.mark.parametrize("is_used", [True, False])
async def test_a_wrong_master_key_is_refused_at_the_start_and_changes_nothing(
    database_url, owner, is_used
):
    async with opened(database_url, MASTER) as storage:
        if is_used:
            await storage.keys.of(LOCAL_USER)

    with pytest.raises(SetUpError) as caught:
        async with opened(database_url, OTHER):
            pass

    assert caught.value.code == "setup.master_key"
    assert MASTER.names[0] in caught.value.message
    assert await owner.fetchval("SELECT array_agg(name) FROM master_keys") == list(MASTER.names)


async def test_a_key_that_still_wraps_may_not_be_left_out(database_url):
    async with opened(database_url, MASTER) as storage:
        await storage.keys.of(LOCAL_USER)
    async with opened(database_url, MasterKeys([bytes(range(100, 132)), bytes(range(32))])):
        pass  # the new one is known now, but nothing is wrapped with it

    with pytest.raises(SetUpError) as caught:
        async with opened(database_url, OTHER):
            pass

    assert MASTER.names[0] in caught.value.message


async def test_two_servers_with_keys_of_their_own_do_not_both_take_a_new_database(storage, owner):
    await owner.execute("DELETE FROM master_keys")
    servers = [
        UserKeys(storage.postgres, MasterKeys([bytes([number]) * 32])) for number in range(8)
    ]
    outcomes = await asyncio.gather(*(server.check() for server in servers), return_exceptions=True)

    assert [type(each) for each in outcomes].count(type(None)) == 1
    assert await owner.fetchval("SELECT count(*) FROM master_keys") == 1


async def test_a_damaged_proof_is_told(storage, owner):
    await owner.execute("UPDATE master_keys SET proof = proof || '\\x00'")

    with pytest.raises(SetUpError):
        await storage.keys.check()


async def test_a_missing_master_key_is_waited_for_and_found_when_its_file_is_brought(
    storage, database_url, tmp_path
):
    user = await person(storage.postgres)
    await storage.keys.of(user)
    file = tmp_path / "master.key"
    file.write_bytes(base64.b64encode(bytes(range(100, 132))))
    held = load_master_keys(value=None, file=file, data_dir=tmp_path)
    async with second_process(database_url, held) as elsewhere:
        with pytest.raises(MasterKeyMissing) as caught:
            await elsewhere.of(user)
        assert caught.value.retryable

        file.write_bytes(file.read_bytes() + b"\n" + base64.b64encode(bytes(range(32))))
        assert isinstance((await elsewhere.of(user)).user, UUID)
