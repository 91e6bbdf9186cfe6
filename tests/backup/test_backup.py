"""A backup holds everything of one moment; what is no whole backup changes nothing."""

import asyncio
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from service.accounts.principal import LOCAL_USER
from service.problems import SetUpError
from service.storage import backup_restore
from service.storage.backup import make_backup
from service.storage.backup_file import open_backup
from service.storage.backup_key import seal_master_keys, unseal_master_keys
from service.storage.backup_restore import restore_backup
from service.storage.encryption.master import MasterKeys
from service.storage.migrate import migrate, shipped_migrations
from service.storage.opening import open_storage
from tests.backup.everything import every_row
from tests.encryption.people import say_everything
from tests.storage.fixtures import MASTER
from tests.storage.samples import FIRST, SECOND

pytestmark = pytest.mark.postgres


def comparable(rows: dict[str, list[str]]) -> dict[str, list[str]]:
    """Without what must differ: cursors of before are of another epoch (issue 3, sync)."""
    changes = [",".join(row.split(",")[:2]) for row in rows["user_changes"]]
    # Applied anew, at another time.
    steps = [",".join(row.split(",")[:4]) for row in rows["schema_migrations"]]
    return {**rows, "user_changes": changes, "schema_migrations": steps}


async def restore(path: Path, url: str, **options: object) -> backup_restore.Restored:
    with open_backup(path) as reader:
        return await restore_backup(url, reader, **{"master": MASTER, **options})


async def test_every_row_comes_back_and_the_service_reads_it(full_url, backup, empty_url):
    restored = await restore(backup, empty_url)

    before, after = await every_row(full_url), await every_row(empty_url)
    assert all(before.values())
    assert comparable(after) == comparable(before)
    assert (restored.set_aside, restored.migrated) == (None, 0)
    async with open_storage(empty_url, Path("/nonexistent"), master=MASTER) as storage:
        users = await storage.postgres.call(
            lambda c: c.fetch("SELECT DISTINCT user_id FROM library_items WHERE kind = 'note'")
        )
        texts = [
            [transcript.finals for transcript in await storage.transcripts.recent(row["user_id"])]
            for row in users
            if await storage.postgres.call(
                lambda c, row=row: c.fetchval(
                    "SELECT EXISTS (SELECT FROM finals WHERE user_id = $1 AND octet_length(sealed) > 33)",
                    row["user_id"],
                )
            )
        ]
        assert texts == [[(FIRST, SECOND)]] * 3
        await say_everything(storage, LOCAL_USER)  # triggers and rights work again


async def test_cursors_of_before_are_of_another_epoch(full_url, backup, empty_url):
    await restore(backup, empty_url)
    before, after = await every_row(full_url), await every_row(empty_url)

    assert set(before["user_changes"]).isdisjoint(after["user_changes"])


async def test_a_backup_is_of_one_moment_although_people_go_on_speaking(
    storage, full_url, empty_url, tmp_path
):
    moved = asyncio.Event()

    async def move() -> None:
        # A sum that holds at every moment, and at none if tables are read one after the other.
        while not moved.is_set():
            await storage.postgres.call(
                lambda c: c.execute(
                    "WITH gone AS (DELETE FROM news RETURNING id) INSERT INTO "
                    "retired_master_keys (name) SELECT id::text FROM gone"
                )
            )
            await storage.postgres.call(
                lambda c: c.execute(
                    "WITH gone AS (DELETE FROM retired_master_keys RETURNING name) INSERT INTO "
                    "news (id, title_ru, title_en, body_ru, body_en) "
                    "SELECT gen_random_uuid(), '', '', '', '' FROM gone"
                )
            )

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(move())
        for number in range(10):
            made = await make_backup(full_url, tmp_path / f"{number}", master=MASTER)
            rows = {table.name: table.rows for table in made.tables}
            assert rows["news"] + rows["retired_master_keys"] == 2
        moved.set()


async def test_a_server_started_and_never_used_counts_as_empty(backup, full_url, empty_url):
    async with open_storage(empty_url, Path("/nonexistent"), master=MASTER) as storage:
        await storage.keys.of(LOCAL_USER)

    restored = await restore(backup, empty_url)

    assert restored.set_aside is None
    assert comparable(await every_row(empty_url)) == comparable(await every_row(full_url))


async def test_a_database_in_use_is_not_overwritten_and_force_sets_it_aside(
    backup, full_url, empty_url
):
    async with open_storage(empty_url, Path("/nonexistent"), master=MASTER) as storage:
        await say_everything(storage, LOCAL_USER)
        with pytest.raises(SetUpError) as caught:
            await restore(backup, empty_url, force=True)
        assert caught.value.code == "setup.database_in_use"
    before = await every_row(empty_url)

    with pytest.raises(SetUpError) as caught:
        await restore(backup, empty_url)
    assert caught.value.code == "setup.database_not_empty"
    assert await every_row(empty_url) == before

    restored = await restore(backup, empty_url, force=True)

    assert comparable(await every_row(empty_url)) == comparable(await every_row(full_url))
    connection = await asyncpg.connect(empty_url, timeout=10)
    kept = await connection.fetch(
        f"SELECT t::text AS row FROM {restored.set_aside}.finals AS t ORDER BY 1"
    )
    await connection.close(timeout=10)
    assert [row["row"] for row in kept] == before["finals"]
    assert await migrate(empty_url) == 0


async def test_tables_of_another_program_are_left_alone(backup, empty_url):
    connection = await asyncpg.connect(empty_url, timeout=10)
    await connection.execute("CREATE TABLE theirs (n int)")
    with pytest.raises(SetUpError) as caught:
        await restore(backup, empty_url)
    assert caught.value.code == "setup.database_not_empty"
    assert await connection.fetchval("SELECT count(*) FROM theirs") == 0
    await connection.close(timeout=10)


async def test_a_backup_of_an_older_schema_is_brought_up_to_date(
    database_url, empty_url, tmp_path, monkeypatch
):
    await migrate(database_url, migrations=shipped_migrations()[:1])
    connection = await asyncpg.connect(database_url, timeout=10)
    await connection.execute(
        "INSERT INTO transcripts (id, user_id, session, language, sample_rate, client) "
        "SELECT gen_random_uuid(), id, 'session-1', 'ru', 16000, '' FROM users"
    )
    await connection.execute(
        "INSERT INTO finals SELECT id, 0, 0, 1, 'Старое слово', '', 'ru', '[]' FROM transcripts"
    )
    await connection.close(timeout=10)
    monkeypatch.setitem(
        make_backup.__globals__, "_keys", {"masters_in_use": "SELECT '' WHERE FALSE"}
    )
    await make_backup(database_url, tmp_path / "old", master=MASTER)

    restored = await restore(tmp_path / "old", empty_url)

    assert restored.migrated == len(shipped_migrations()) - 1
    async with open_storage(empty_url, Path("/nonexistent"), master=MASTER) as storage:
        (transcript,) = await storage.transcripts.recent(LOCAL_USER)
    assert transcript.text == "Старое слово"


async def test_a_backup_of_a_newer_schema_is_refused(backup, empty_url, monkeypatch):
    older = shipped_migrations()[:-1]
    monkeypatch.setattr(backup_restore, "shipped_migrations", lambda: older)
    with pytest.raises(SetUpError) as caught:
        await restore(backup, empty_url)
    assert caught.value.code == "setup.backup_too_new"

    other = [*older, replace(shipped_migrations()[-1], checksum="0" * 64)]
    monkeypatch.setattr(backup_restore, "shipped_migrations", lambda: tuple(other))
    with pytest.raises(SetUpError) as caught:
        await restore(backup, empty_url)
    assert caught.value.code == "setup.migration_changed"
    assert await every_row(empty_url) == {}


@pytest.mark.parametrize("spoil", ["cut", "byte", "part", "extra", "rows", "text", "empty"])
async def test_a_damaged_file_is_told_and_nothing_changes(backup, empty_url, tmp_path, spoil):
    whole = backup.read_bytes()
    other = tmp_path / "other"
    if spoil == "cut":
        other.write_bytes(whole[: len(whole) * 2 // 3])
    elif spoil == "byte":
        with zipfile.ZipFile(backup) as archive:
            place = archive.getinfo("tables/finals.copy").header_offset + 80
        other.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
    elif spoil in {"text", "empty"}:
        other.write_bytes(b"hello, world" * 100 if spoil == "text" else b"")
    else:
        with zipfile.ZipFile(backup) as archive, zipfile.ZipFile(other, "w") as copy:
            for name in archive.namelist():
                content = archive.read(name)
                if name == "tables/users.copy":
                    if spoil == "part":
                        continue
                    if spoil == "rows":
                        content = content.replace(b"user", b"admin", 1)
                copy.writestr(name, content)
            if spoil == "extra":
                copy.writestr("tables/more.copy", b"")

    with pytest.raises(SetUpError) as caught:
        await restore(other, empty_url)

    assert caught.value.code == "setup.backup_damaged"
    assert await every_row(empty_url) == {}


async def test_a_manifest_made_anew_without_the_master_key_is_refused(
    full_url, backup, empty_url, tmp_path
):
    """Whoever holds the file alone could make himself an administrator otherwise."""
    forged = tmp_path / "forged"
    with zipfile.ZipFile(backup) as archive, zipfile.ZipFile(forged, "w") as copy:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "manifest.json":
                content = content.replace(b'"alfavoice": "', b'"alfavoice": "9')
            copy.writestr(name, content)

    with pytest.raises(SetUpError) as caught:
        await restore(forged, empty_url)

    assert caught.value.code == "setup.backup_damaged"


async def test_without_its_master_key_a_backup_is_not_restored(backup, empty_url):
    for master in (MasterKeys([]), MasterKeys([bytes(range(1, 33))])):
        with pytest.raises(SetUpError) as caught:
            await restore(backup, empty_url, master=master)
        assert caught.value.code == "setup.master_key"
    assert await every_row(empty_url) == {}


async def test_a_file_that_is_there_is_never_replaced(full_url, backup):
    before = backup.read_bytes()

    with pytest.raises(SetUpError) as caught:
        await make_backup(full_url, backup, master=MASTER)

    assert caught.value.code == "setup.backup_exists"
    assert backup.read_bytes() == before
    assert [path.name for path in backup.parent.iterdir()] == [backup.name]


BACK_UP = """
import asyncio, pathlib, sys
from service.storage import backup
from service.storage.encryption.master import MasterKeys

def progress(table, rows):
    if table == "users":
        print("there", flush=True)
        if sys.argv[3] == "interrupt":
            raise KeyboardInterrupt
        import time; time.sleep(60)

asyncio.run(backup.make_backup(
    sys.argv[1], pathlib.Path(sys.argv[2]), master=MasterKeys([bytes(range(32))]), progress=progress
))
"""


@pytest.mark.parametrize("way", ["kill", "interrupt"])
async def test_an_interrupted_backup_leaves_no_file_of_its_name(full_url, tmp_path, way):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BACK_UP, full_url, str(tmp_path / "half"), way,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    async with asyncio.timeout(60):
        assert await process.stdout.readline()
        if way == "kill":
            process.kill()
        await process.wait()

    assert not (tmp_path / "half").exists()
    if way == "interrupt":
        assert list(tmp_path.iterdir()) == []
    await make_backup(full_url, tmp_path / "half", master=MASTER)


async def test_a_restore_that_fails_at_the_end_leaves_what_was_there(
    full_url, backup, empty_url, monkeypatch
):
    before = await every_row(empty_url)
    broken = replace(
        shipped_migrations()[-1], version=len(shipped_migrations()) + 1, sql="SELECT 1/0"
    )
    monkeypatch.setattr(
        backup_restore, "shipped_migrations", lambda: (*shipped_migrations(), broken)
    )

    with pytest.raises(SetUpError) as caught:
        await restore(backup, empty_url)

    assert caught.value.code == "setup.restore_failed"
    assert await every_row(empty_url) == before


async def test_the_whole_archive_is_as_secret_as_the_database(full_url, backup):
    assert backup.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(backup) as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    assert bytes(range(32)) not in content
    assert bytes(range(32)).hex().encode() not in content


def test_master_keys_open_with_their_passphrase_only():
    sealed = seal_master_keys([bytes(32), bytes(range(32))], "correct horse battery")

    assert unseal_master_keys(sealed, "correct horse battery") == [bytes(32), bytes(range(32))]
    with pytest.raises(SetUpError) as caught:
        unseal_master_keys(sealed, "correct horse batterz")
    assert caught.value.code == "setup.passphrase"
    with pytest.raises(SetUpError):
        unseal_master_keys(sealed.replace(b'"memory_kib":262144', b'"memory_kib":99999999'), "x")
    with pytest.raises(SetUpError):
        seal_master_keys([bytes(32)], "short")


async def test_nothing_is_numbered_by_the_database_so_nothing_is_numbered_twice(full_url):
    connection = await asyncpg.connect(full_url, timeout=10)
    assert await connection.fetchval("SELECT count(*) FROM pg_sequences") == 0
    await connection.close(timeout=10)
