"""Row-level security: in every table there is, people see and change their own rows alone."""

from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
import pytest

from service.problems import SetUpError
from service.storage.encryption.sealed_columns import SEALED_COLUMNS, row_name
from service.storage.migrate import migrate
from service.storage.statements import statements
from tests.backup.everything import as_superuser, fill_every_table
from tests.encryption.people import say_everything

pytestmark = pytest.mark.postgres

OWNED = """
SELECT c.table_name AS name FROM information_schema.columns AS c
INNER JOIN information_schema.tables AS t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND c.column_name = 'user_id' AND t.table_type = 'BASE TABLE'
ORDER BY 1
"""
NOT_SEALED = {
    ("master_keys", "proof"): "sealed with the master key",
    ("user_keys", "wrapped"): "sealed with the master key",
    ("recordings", "sha256"): "a checksum of audio the client has",
    ("refresh_families", "current_hash"): "a hash",
    ("refresh_families", "previous_hash"): "a hash",
    ("refresh_families", "successor"): "sealed with the token before it",
    ("tickets", "hash"): "a hash",
    ("api_keys", "hash"): "a hash",
    ("invitations", "hash"): "a hash",
    ("login_attempts", "subject"): "a keyed hash",
}
"""Columns of bytes that changing keys of users need not touch, and why."""


async def as_person(connection: asyncpg.Connection, user: UUID | None, statement: str) -> object:
    """Do something as a request of this user would; nothing of it stays."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("SET LOCAL ROLE alfavoice_service")
        if user is not None:
            await connection.execute(f"SET LOCAL alfavoice.acting_user = '{user}'")
        return await connection.fetchval(statement)
    except asyncpg.InsufficientPrivilegeError:
        return "no right"
    finally:
        await transaction.rollback()


async def test_in_every_table_others_see_and_change_nothing(storage, database_url, owner):
    user = uuid4()
    owned = await fill_every_table(database_url, user)
    tables = {row["name"] for row in await owner.fetch(OWNED)}
    assert set(owned) == tables - {"user_keys"}

    for table in sorted(tables):
        count = f"SELECT count(*) FROM {table}"
        mine = await as_person(owner, user, count)
        assert mine in (1, "no right"), table
        for other in (None, uuid4(), UUID(int=0)):
            assert await as_person(owner, other, count) in (0, "no right"), table
            for change in (
                f"WITH gone AS (DELETE FROM {table} RETURNING 1) SELECT count(*) FROM gone",
                f"WITH changed AS (UPDATE {table} SET user_id = user_id RETURNING 1) "
                "SELECT count(*) FROM changed",
            ):
                assert await as_person(owner, other, change) in (0, "no right"), (table, change)
        if mine == 1:
            # Nor can anybody give a row away, or put one down as somebody else's.
            given = await as_person(
                owner, user, f"UPDATE {table} SET user_id = '{uuid4()}' RETURNING 1"
            )
            assert given == "no right", table


async def test_what_belongs_to_nobody_in_particular_is_not_for_people(owner, storage, database_url):
    await fill_every_table(database_url)
    for table in ("users", "master_keys", "retired_master_keys", "login_attempts", "plain_finals",
                  "audit_events", "invitations", "key_rotations", "schema_migrations"):  # fmt: skip
        assert await as_person(owner, uuid4(), f"SELECT count(*) FROM {table}") == "no right", table


async def test_a_person_cannot_become_the_owner_again(owner, storage):
    async with owner.transaction():
        await owner.execute("SET LOCAL ROLE alfavoice_service")
        rights = await owner.fetchrow(
            "SELECT rolsuper, rolbypassrls, rolcanlogin, rolcreaterole FROM pg_roles "
            "WHERE rolname = current_user"
        )
    assert set(rights.values()) == {False}
    assert (await owner.fetchval(
        "SELECT count(*) FROM pg_class WHERE relowner = 'alfavoice_service'::regrole"
    )) == 0  # fmt: skip


async def test_a_temporary_table_of_the_callers_stands_in_for_none_of_ours(owner, storage):
    # Bodies that are bound when made (BEGIN ATOMIC) look for no name when run.
    paths = await owner.fetch(
        "SELECT p.proname AS name, c.setting FROM pg_proc AS p "
        "LEFT JOIN LATERAL unnest(p.proconfig) AS c (setting) ON c.setting LIKE 'search_path=%' "
        "WHERE p.prosecdef AND p.prosqlbody IS NULL"
    )
    assert {row["name"] for row in paths} == {"note_removal", "refuse_closed_key"}
    assert all(row["setting"].endswith(", pg_temp") for row in paths), paths


async def test_every_column_of_bytes_is_sealed_with_a_registered_key_or_explained(owner, storage):
    rows = await owner.fetch(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND data_type = 'bytea'"
    )
    found = {tuple(row.values()) for row in rows}
    registered = {(column.table, column.column) for column in SEALED_COLUMNS}

    assert found == registered | set(NOT_SEALED)
    guarded = await owner.fetch(
        "SELECT DISTINCT event_object_table AS name FROM information_schema.triggers "
        "WHERE trigger_name = 'refuse_closed_key'"
    )
    assert {row["name"] for row in guarded} == {column.table for column in SEALED_COLUMNS}


async def test_the_registry_names_rows_as_they_are_sealed(storage, owner):
    user = (await owner.fetchrow("SELECT id FROM users"))["id"]
    await say_everything(storage, user)
    cipher = await storage.keys.of(user)
    for column in SEALED_COLUMNS:
        keys = await owner.fetch(
            "SELECT a.attname FROM pg_index AS i INNER JOIN pg_attribute AS a "
            "ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) "
            "WHERE i.indrelid = $1::regclass AND i.indisprimary",
            column.table,
        )
        assert {row["attname"] for row in keys} == set(column.primary_key)
        for row in await owner.fetch(
            f"SELECT * FROM {column.table} WHERE {column.column} IS NOT NULL"
        ):
            name = row_name(*(row[part] for part in column.named_by))
            assert cipher.unseal(column.table, column.column, name, row[column.column])
        sealed = statements("sealed")
        assert {f"page_{column.table}", f"replace_{column.table}"} <= set(sealed)


async def test_a_login_that_may_not_make_roles_is_told_what_an_administrator_must_run(
    postgres_dsn, database_url
):
    superuser = await asyncpg.connect(as_superuser(database_url), timeout=10)
    login, name = f"plain_{uuid4().hex}", f"test_{uuid4().hex}"
    await superuser.execute(f"CREATE ROLE {login} LOGIN")
    await superuser.execute(f"CREATE DATABASE {name} OWNER {login}")
    url = urlunsplit(urlsplit(postgres_dsn)._replace(netloc=f"{login}@", path=f"/{name}"))
    try:
        with pytest.raises(SetUpError) as caught:
            await migrate(url)
        assert caught.value.code == "setup.database_role"
        assert "CREATE ROLE alfavoice_service NOLOGIN" in caught.value.message
        assert "GRANT alfavoice_service TO" in caught.value.message

        await superuser.execute(f"GRANT alfavoice_service TO {login}")
        assert await migrate(url) > 0
    finally:
        await superuser.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await superuser.execute(f"DROP ROLE {login}")
        await superuser.close(timeout=10)
