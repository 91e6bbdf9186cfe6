import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from service.accounts.principal import LOCAL_USER
from service.problems import SetUpError, StoreUnavailable
from service.storage.migrate import migrate, shipped_migrations
from service.storage.postgres import Patience

pytestmark = pytest.mark.postgres

MIGRATE = """
import asyncio, pathlib, sys
from service.storage.migrate import migrate, shipped_migrations
folder = pathlib.Path(sys.argv[2])
print(asyncio.run(migrate(sys.argv[1], migrations=shipped_migrations(folder))))
"""


def write(folder: Path, number: int, sql: str, *, compatible_from: int = 1) -> None:
    header = f"-- compatible-from: {compatible_from}\n"
    (folder / f"{number:04}_step_{number}.sql").write_text(header + sql)


async def fetch(url: str, query: str) -> object:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return await connection.fetchval(query, timeout=10)
    finally:
        await connection.close(timeout=10)


async def test_four_processes_that_start_at_once_apply_each_migration_once(database_url, tmp_path):
    # Each step would fail or count double if it ran twice; the pause lets the others catch up.
    write(tmp_path, 1, "CREATE TABLE counted (n int, nap text); SELECT pg_sleep(0.2);")
    for number in (2, 3, 4):
        write(tmp_path, number, f"INSERT INTO counted SELECT {number}, pg_sleep(0.2);")

    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", MIGRATE, database_url, str(tmp_path),
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(4)
    ]  # fmt: skip
    async with asyncio.timeout(60):
        outputs = [(await process.communicate())[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    assert sum(int(output.split()[-1]) for output in outputs) == 4
    assert await fetch(database_url, "SELECT array_agg(n ORDER BY n) FROM counted") == [2, 3, 4]


async def test_the_shipped_migrations_make_the_local_user_and_run_once(database_url):
    assert await migrate(database_url) == len(shipped_migrations())
    assert await migrate(database_url) == 0
    assert await fetch(database_url, "SELECT id FROM users") == LOCAL_USER


async def test_a_migration_edited_after_it_was_applied_is_refused(database_url):
    await migrate(database_url)
    first, *rest = shipped_migrations()

    with pytest.raises(SetUpError) as caught:
        await migrate(database_url, migrations=[replace(first, checksum="0" * 64), *rest])

    assert caught.value.code == "setup.migration_changed"
    assert first.name in caught.value.message


async def test_an_older_program_works_on_until_a_migration_takes_something_away(
    database_url, tmp_path
):
    write(tmp_path, 1, "CREATE TABLE a (n int);")
    old = shipped_migrations(tmp_path)
    write(tmp_path, 2, "ALTER TABLE a ADD COLUMN m int;", compatible_from=1)
    await migrate(database_url, migrations=shipped_migrations(tmp_path))
    assert await migrate(database_url, migrations=old) == 0

    write(tmp_path, 3, "ALTER TABLE a DROP COLUMN n;", compatible_from=3)
    await migrate(database_url, migrations=shipped_migrations(tmp_path))
    with pytest.raises(SetUpError) as caught:
        await migrate(database_url, migrations=old)

    assert caught.value.code == "setup.database_too_new"


async def test_a_migration_that_fails_leaves_nothing_behind(database_url, tmp_path):
    write(tmp_path, 1, "CREATE TABLE a (n int);")
    write(tmp_path, 2, "INSERT INTO a VALUES (1); INSERT INTO missing VALUES (1);")

    with pytest.raises(SetUpError) as caught:
        await migrate(database_url, migrations=shipped_migrations(tmp_path))

    assert caught.value.code == "setup.migration_failed"
    assert "0002_step_2.sql" in caught.value.message
    assert await fetch(database_url, "SELECT count(*) FROM a") == 0
    write(tmp_path, 2, "INSERT INTO a VALUES (2);")
    assert await migrate(database_url, migrations=shipped_migrations(tmp_path)) == 1


def test_a_checkout_with_other_line_ends_has_the_same_checksums(tmp_path):
    write(tmp_path, 1, "CREATE TABLE a (\n    n int\n);\n")
    (unix,) = shipped_migrations(tmp_path)
    file = tmp_path / unix.name
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))

    (windows,) = shipped_migrations(tmp_path)

    assert windows.checksum == unix.checksum


@pytest.mark.parametrize("names", [(), (2,), (1, 3)])
def test_a_damaged_installation_is_told(tmp_path, names):
    for number in names:
        write(tmp_path, number, "SELECT 1;")

    with pytest.raises(SetUpError) as caught:
        shipped_migrations(tmp_path)

    assert caught.value.code == "setup.migrations"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("mysql://nobody@nowhere/nothing", "setup.database_url"),
        ("postgresql://user:secret@host:port/db", "setup.database_url"),
    ],
)
async def test_a_wrong_address_is_told_without_repeating_it(url, code):
    with pytest.raises(SetUpError) as caught:
        await migrate(url, patience=Patience(start_s=0.0))

    assert caught.value.code == code
    assert "secret" not in caught.value.message


async def test_a_database_that_is_not_there_is_told_at_once(database_url):
    with pytest.raises(SetUpError) as caught:
        await migrate(database_url.replace("/test_", "/no_test_"))

    assert caught.value.code == "setup.database_access"


async def test_a_server_that_never_answers_is_given_up(unused_tcp_port):
    url = f"postgresql://a@127.0.0.1:{unused_tcp_port}/a"

    with pytest.raises(StoreUnavailable):
        await migrate(url, patience=Patience(start_s=0.3))
