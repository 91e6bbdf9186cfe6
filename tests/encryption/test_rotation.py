"""Keys are changed while the service runs, whatever interrupts it."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from service.accounts.principal import LOCAL_USER
from service.problems import SetUpError, StoreUnavailable
from service.storage.encryption.inspection import examine_sealed, key_status
from service.storage.encryption.key_file import load_master_keys, read_key_file, write_key_file
from service.storage.encryption.keys import UserKeys
from service.storage.encryption.master import MasterKeys
from service.storage.encryption.master_rotation import rotate_master
from service.storage.encryption.rotation import only_rotation
from service.storage.encryption.sealing import Unreadable, key_number
from service.storage.encryption.user_rotation import rotate_users
from service.storage.opening import Storage
from service.storage.statements import statements
from service.storage.transcripts import sealed_final
from tests.encryption.people import opened, person, say_everything
from tests.storage.samples import FIRST, ORIGIN, SECOND

pytestmark = pytest.mark.postgres

OLD, NEW = bytes(range(32)), bytes(range(1, 33))


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "master.key"
    write_key_file(file, [OLD], replace=False)
    return file


def held(file: Path) -> MasterKeys:
    return load_master_keys(value=None, file=file, data_dir=file.parent)


@pytest.fixture
async def service(database_url: str, key_file: Path) -> AsyncIterator[Storage]:
    """A service that runs all the while, with its own keys in memory."""
    async with opened(database_url, held(key_file)) as storage:
        yield storage


async def everything_opens(storage: Storage, values: int) -> None:
    storage.keys.master.reload()
    found = await examine_sealed(
        storage.postgres, UserKeys(storage.postgres, storage.keys.master, cached_s=0)
    )
    assert found.unreadable == {}
    del found.opened["user_keys"]
    assert sum(found.opened.values()) == values


async def test_a_new_master_key_takes_over_and_the_old_one_goes(service, key_file, owner):
    people = [await person(service.postgres) for _ in range(3)]
    for user in people:
        await say_everything(service, user)

    done = await rotate_master(service.postgres, master=held(key_file), file=key_file)

    assert (done.wrapped, done.retired) == (6, MasterKeys([OLD]).names)
    assert MasterKeys(read_key_file(key_file)).names == (done.name,)
    assert await owner.fetchval("SELECT array_agg(DISTINCT master) FROM user_keys") == [done.name]
    # The service that ran meanwhile: goes on with what it holds, reads the file for what it does
    # not, and makes new people's keys with the new one.
    service.keys.forget(people[0])
    assert (await service.transcripts.recent(people[0]))[0].finals == (FIRST, SECOND)
    await say_everything(service, await person(service.postgres))
    assert await owner.fetchval("SELECT array_agg(DISTINCT master) FROM user_keys") == [done.name]
    await everything_opens(service, 4 * 5)
    with pytest.raises(SetUpError):
        await UserKeys(service.postgres, MasterKeys([OLD])).check()
    status = await key_status(service.postgres, service.keys)
    assert (status.current, status.users, status.keys) == (done.name, 4, 8)


async def test_keys_left_in_raw_files_by_a_deleted_user_die_with_the_old_master_key(
    service, key_file, owner
):
    user = await person(service.postgres)
    await say_everything(service, user)
    remnant = await owner.fetch(
        "SELECT user_id, number, wrapped, master FROM user_keys WHERE user_id = $1", user
    )
    await owner.execute("DELETE FROM users WHERE id = $1", user)
    await rotate_master(service.postgres, master=held(key_file), file=key_file)

    # Whoever puts the remnant back has no key that opens it, and none can be found again.
    with pytest.raises(StoreUnavailable):
        held(key_file).named(remnant[0]["master"])
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await owner.execute(
            "INSERT INTO user_keys (user_id, number, wrapped, master) VALUES ($1, 9, $2, $3)",
            LOCAL_USER, remnant[0]["wrapped"], remnant[0]["master"],
        )  # fmt: skip


@pytest.mark.parametrize("stage", ["file", "known", "half", "retired"])
async def test_a_master_rotation_killed_at_any_point_is_finished_by_the_next(
    service, key_file, owner, stage
):
    for _ in range(2):
        await say_everything(service, await person(service.postgres))
    write_key_file(key_file, [NEW, OLD], replace=True)
    both = MasterKeys([NEW, OLD])
    new, old = both.names
    if stage != "file":
        await UserKeys(service.postgres, both).check()
    if stage in {"half", "retired"}:
        with pytest.MonkeyPatch.context() as patch:
            if stage == "half":
                patch.setattr("service.storage.encryption.master_rotation._BATCH", 1)

                def die(_: int) -> None:
                    raise KeyboardInterrupt

                with pytest.raises(KeyboardInterrupt):
                    await rotate_master(service.postgres, master=both, file=None, progress=die)
            else:
                await rotate_master(service.postgres, master=both, file=None)
    # A service that is started in between finds its way.
    await UserKeys(service.postgres, held(key_file)).check()

    done = await rotate_master(service.postgres, master=held(key_file), file=key_file)

    assert (done.name, done.retired) == (new, (old,))
    assert read_key_file(key_file) == [NEW]
    assert await owner.fetchval("SELECT count(*) FROM user_keys WHERE master <> $1", new) == 0
    await everything_opens(service, 2 * 5)


async def test_a_spare_key_brought_to_every_machine_before_is_the_one_taken(service, key_file):
    await say_everything(service, LOCAL_USER)
    write_key_file(key_file, [OLD, NEW], replace=True)

    done = await rotate_master(service.postgres, master=held(key_file), file=key_file)

    assert done.name == MasterKeys([NEW]).names[0]
    assert read_key_file(key_file) == [NEW]


async def test_a_service_with_both_keys_in_its_environment_wraps_with_what_is_not_retired(
    service, owner
):
    await say_everything(service, LOCAL_USER)
    elsewhere = UserKeys(service.postgres, MasterKeys([OLD, NEW]))
    await elsewhere.check()
    await rotate_master(service.postgres, master=MasterKeys([NEW, OLD]), file=None)

    user = await person(service.postgres)
    await elsewhere.of(user)

    assert (
        await owner.fetchval("SELECT DISTINCT master FROM user_keys WHERE user_id = $1", user)
        == MasterKeys([NEW]).names[0]
    )


async def test_new_user_keys_seal_everything_again_and_the_old_are_gone(service, owner):
    people = [await person(service.postgres) for _ in range(3)]
    for user in people:
        await say_everything(service, user)
    before = await owner.fetch("SELECT * FROM finals ORDER BY transcript_id, utterance")
    changes = await owner.fetch("SELECT user_id, last FROM user_changes ORDER BY 1")
    keys = UserKeys(service.postgres, service.keys.master, cached_s=0)

    assert await rotate_users(service.postgres, keys) == 3 * 5

    after = await owner.fetch("SELECT * FROM finals ORDER BY transcript_id, utterance")
    assert {key_number(row["sealed"]) for row in after} == {2}
    # The words are found as before, and no device is told to pull.
    assert [row["found_by"] for row in after] == [row["found_by"] for row in before]
    assert await owner.fetch("SELECT user_id, last FROM user_changes ORDER BY 1") == changes
    numbers = await owner.fetch("SELECT number FROM user_keys WHERE user_id = $1", people[0])
    assert sorted(row["number"] for row in numbers) == [0, 2]
    await everything_opens(service, 3 * 5)
    cipher = await keys.of(people[0])
    row = next(row for row in before if row["user_id"] == people[0])
    with pytest.raises(Unreadable):
        cipher.unseal(
            "finals", "sealed", f"{row['transcript_id']}/{row['utterance']}", row["sealed"]
        )


async def test_a_new_key_seals_only_once_every_process_has_it(service, owner):
    user = await person(service.postgres)
    others = UserKeys(service.postgres, service.keys.master)
    await others.of(user)
    await service.keys.add(user, [2])

    async def sealing(keys: UserKeys) -> int:
        return key_number((await keys.of(user)).seal("finals", "sealed", "r", b""))

    assert await sealing(UserKeys(service.postgres, service.keys.master)) == 1
    await owner.execute("UPDATE user_keys SET created_at = created_at - interval '121 s'")
    assert await sealing(UserKeys(service.postgres, service.keys.master)) == 2


async def test_a_service_that_slept_through_it_is_told_to_try_again_and_loses_nothing(
    service, owner
):
    started = await service.transcripts.open("session-1", user=LOCAL_USER, origin=ORIGIN)
    await service.transcripts.add_final(LOCAL_USER, started.transcript, FIRST)
    keys = UserKeys(service.postgres, service.keys.master, cached_s=0)
    await rotate_users(service.postgres, keys)

    # It holds the old key still: the database does not take what nobody could open.
    with pytest.raises(StoreUnavailable):
        await service.transcripts.add_final(LOCAL_USER, started.transcript, SECOND)
    service.keys.forget(LOCAL_USER)  # what the time does
    await owner.execute("UPDATE user_keys SET created_at = created_at - interval '121 s'")
    await service.transcripts.add_final(LOCAL_USER, started.transcript, SECOND)

    await everything_opens(service, 2)


ROTATE = """
import asyncio, pathlib, sys
from service.storage.encryption import user_rotation, master_rotation
from service.storage.encryption.keys import UserKeys
from service.storage.encryption.master import MasterKeys
from service.storage.encryption.sealed_columns import SEALED_COLUMNS
from service.storage.postgres import open_postgres
for column in SEALED_COLUMNS:
    object.__setattr__(column, "page_rows", 1)
user_rotation._BATCH = 1

async def main(url, stop_at):
    seen = 0
    def progress(what, count):
        nonlocal seen
        seen += 1
        if seen == int(stop_at):
            print("there", flush=True)
            import time; time.sleep(60)
    async with open_postgres(url) as postgres:
        keys = UserKeys(postgres, MasterKeys([bytes(range(32))]), cached_s=0)
        await user_rotation.rotate_users(postgres, keys, progress=progress)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_user_rotation_killed_at_many_points_is_finished_by_the_next(
    service, database_url, owner
):
    people = [await person(service.postgres) for _ in range(3)]
    for user in people:
        await say_everything(service, user)
    for stop_at in (1, 3, 5, 9, 14):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", ROTATE, database_url, str(stop_at),
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(60):
            await process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            await process.wait()
        await everything_opens(service, 3 * 5)

    keys = UserKeys(service.postgres, service.keys.master, cached_s=0)
    await rotate_users(service.postgres, keys)

    await everything_opens(service, 3 * 5)
    # However often it was killed: one rotation, one new key each.
    numbers = await owner.fetch("SELECT DISTINCT number FROM user_keys ORDER BY number")
    assert [row["number"] for row in numbers] == [0, 2]
    assert await owner.fetchval("SELECT count(*) FROM key_rotations") == 1


async def test_people_go_on_speaking_while_everybodys_keys_change(service, owner):
    user = await person(service.postgres)
    started = await service.transcripts.open("session-1", user=user, origin=ORIGIN)
    quick = UserKeys(service.postgres, service.keys.master, cached_s=0)
    service.transcripts._keys = quick
    said, enough = 0, asyncio.Event()

    async def speak() -> None:
        nonlocal said
        while not enough.is_set():
            final = type(FIRST)(
                utterance=said, start=0, end=1, text=f"Слово {said}", raw="", language="ru"
            )
            try:
                await service.transcripts.add_final(user, started.transcript, final)
            except StoreUnavailable:
                continue  # as the service does: again, until it is stored
            said += 1

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(speak())
        for _ in range(5):
            await rotate_users(service.postgres, quick)
        enough.set()

    (transcript,) = await service.transcripts.recent(user)
    assert said > 0
    assert [final.text for final in transcript.finals] == [f"Слово {n}" for n in range(said)]
    await everything_opens(service, said)


async def test_what_was_sealed_before_the_keys_closed_and_is_stored_after_is_waited_for(
    service, owner
):
    user = await person(service.postgres)
    started = await service.transcripts.open("session-1", user=user, origin=ORIGIN)
    quick = UserKeys(service.postgres, service.keys.master, cached_s=0)
    service.transcripts._keys = quick
    late = sealed_final(await quick.of(user), started.transcript, FIRST)
    told: list[tuple[str, int]] = []
    slow = owner.transaction()
    await slow.start()
    await owner.fetchval(statements("transcripts")["add_final"], *late)

    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        rotation = tasks.create_task(
            rotate_users(
                service.postgres, quick, progress=lambda what, count: told.append((what, count))
            )
        )
        while ("writers", 1) not in told and not rotation.done():
            await asyncio.sleep(0.01)
        # Somebody who begins meanwhile is not waited for, and uses the new key.
        await service.transcripts.add_final(user, started.transcript, SECOND)
        assert not rotation.done()
        await slow.commit()
    assert rotation.result() == 1

    (transcript,) = await service.transcripts.recent(user)
    assert transcript.finals == (FIRST, SECOND)
    await everything_opens(service, 2)


async def test_a_damaged_value_stops_it_and_every_old_key_stays(service, owner):
    user = await person(service.postgres)
    await say_everything(service, user)
    await owner.execute(
        "UPDATE finals SET sealed = set_byte(sealed, 40, 255 - get_byte(sealed, 40)) "
        "WHERE utterance = 1"
    )
    keys = UserKeys(service.postgres, service.keys.master, cached_s=0)

    with pytest.raises(Unreadable):
        await rotate_users(service.postgres, keys)

    found = await examine_sealed(service.postgres, keys)
    assert found.unreadable == {"finals": 1}
    assert sum(found.opened.values()) == 4 + 3
    assert (await key_status(service.postgres, keys)).is_rotating


async def test_two_rotations_at_once_are_one_too_many(database_url, service):
    async with only_rotation(database_url):
        with pytest.raises(SetUpError) as caught:
            async with only_rotation(database_url):
                pass
    assert caught.value.code == "setup.keys_busy"
    async with only_rotation(database_url):
        pass


async def test_a_user_deleted_meanwhile_is_left_out(service, owner):
    users: list[UUID] = [await person(service.postgres) for _ in range(2)]
    for user in users:
        await say_everything(service, user)
    await owner.execute("DELETE FROM user_keys WHERE user_id = $1", users[0])
    await owner.execute("UPDATE users SET deleted_at = now() WHERE id = $1", users[0])
    keys = UserKeys(service.postgres, service.keys.master, cached_s=0)

    assert await rotate_users(service.postgres, keys) == 5
