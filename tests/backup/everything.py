"""A row in every table, whatever tables there are: made from the catalogue."""

import re
from collections import defaultdict
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg

from service.storage.backup import in_order
from service.storage.statements import statements

TABLES = """
SELECT c.relname AS name FROM pg_class AS c
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 1
"""
NEEDED = """
SELECT column_name AS name, data_type AS type FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = $1 AND is_nullable = 'NO' AND column_default IS NULL
"""
VALUES = {
    "uuid": "gen_random_uuid()",
    "text": "'Ё \\\t'' \"'",
    "bytea": "decode(repeat('00ff0a5c', 8), 'hex')",
    "integer": "1",
    "bigint": "1",
    "real": "0.5",
    "boolean": "true",
    "timestamp with time zone": "now()",
    "jsonb": "'[]'::jsonb",
    "ARRAY": "'{}'",
}
REFERENCES = """
SELECT r.conrelid::regclass::text AS table, a.attname::text AS column,
    r.confrelid::regclass::text AS other, f.attname::text AS other_column
FROM pg_constraint AS r
CROSS JOIN unnest(r.conkey, r.confkey) AS k (mine, theirs)
INNER JOIN pg_attribute AS a ON a.attrelid = r.conrelid AND a.attnum = k.mine
INNER JOIN pg_attribute AS f ON f.attrelid = r.confrelid AND f.attnum = k.theirs
WHERE r.contype = 'f' AND r.connamespace = 'public'::regnamespace AND r.confrelid <> r.conrelid
"""
CHECKS = """
SELECT c.conrelid::regclass::text AS table, pg_get_constraintdef(c.oid) AS text
FROM pg_constraint AS c WHERE c.contype = 'c' AND c.connamespace = 'public'::regnamespace
"""
SEALED_OR_NOT = {("library_items", "sealed"): "decode(repeat('00ff0a5c', 8), 'hex')"}
NOT_FILLED = {"schema_migrations", "master_keys", "user_keys"}
"""Those have real rows: made up ones would name keys that nobody has."""


def as_superuser(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(netloc="postgres@"))


async def fill_every_table(url: str, user: UUID | None = None) -> dict[str, UUID]:
    """Put a row into every table, of `user` or of one made up; gives the tables with that user.

    Triggers are not run: what matters is that there is a row.
    """
    user = user or uuid4()
    connection = await asyncpg.connect(as_superuser(url), timeout=10)
    owned = {}
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = 'replica'")
            allowed = await allowed_values(connection)
            references: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
            for row in await connection.fetch(REFERENCES):
                references[row["table"]][row["column"]] = (row["other"], row["other_column"])
            for table in in_order(await connection.fetch(statements("backup")["tables"])):
                name = table["name"]
                if name in NOT_FILLED:
                    continue
                values = {}
                for column in await connection.fetch(NEEDED, name):
                    given = allowed.get((name, column["name"])) or VALUES[column["type"]]
                    if column["name"] in references[name]:
                        other, theirs = references[name][column["name"]]
                        whose = "id" if other == "users" else "user_id"
                        given = f"(SELECT {theirs} FROM {other} WHERE {whose} = '{user}' LIMIT 1)"
                    values[column["name"]] = given
                for (of, key), value in SEALED_OR_NOT.items():
                    if of == name:
                        values[key] = value
                if "user_id" in values:
                    owned[name] = user
                    values["user_id"] = f"'{user}'"
                if name == "users":
                    values["id"] = f"'{user}'"
                columns = f"({', '.join(values)}) VALUES ({', '.join(values.values())})"
                await connection.execute(
                    f"INSERT INTO {name} {columns if values else 'DEFAULT VALUES'}"
                )
    finally:
        await connection.close(timeout=10)
    return owned


async def allowed_values(connection: asyncpg.Connection) -> dict[tuple[str, str], str]:
    """A value of each column that takes one of a list only."""
    return {
        (row["table"], found[1]): f"'{found[2]}'"
        for row in await connection.fetch(CHECKS)
        if (found := re.search(r"\((\w+) = ANY \(ARRAY\['([^']*)'", row["text"]))
    }


async def every_row(url: str) -> dict[str, list[str]]:
    """Every row of every table as text, sorted."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return {
            row["name"]: [
                each["row"]
                for each in await connection.fetch(
                    f"SELECT t::text AS row FROM {row['name']} AS t ORDER BY 1"
                )
            ]
            for row in await connection.fetch(TABLES)
        }
    finally:
        await connection.close(timeout=10)
