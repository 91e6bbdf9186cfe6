"""Change the master key, while the service runs.

    file [old]  →  [new, old]  →  every key of every user wrapped anew, in batches
                →  old leaves master_keys (its foreign key proves that nothing uses it)
                →  file [new]

Each step can be interrupted anywhere; the next run sees from file and database what is left to do.
A running service reads the file again when it meets a name it does not know.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.problems import SetUpError
from service.storage.encryption.key_file import read_key_file, write_key_file
from service.storage.encryption.keys import UserKeys, key_place
from service.storage.encryption.master import MasterKeys
from service.storage.encryption.sealing import new_key
from service.storage.postgres import FOREIGN_KEY_VIOLATION, Connection, Postgres, StatementRefused
from service.storage.statements import statements

_BATCH: Final = 500
_sql: Final = statements("keys")


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterRotation:
    """What was done."""

    name: str
    """Of the key in use now."""
    wrapped: int
    """Keys of users wrapped anew by this run."""
    retired: tuple[str, ...]
    """Names of master keys that this database needs no more."""


async def rotate_master(
    postgres: Postgres,
    *,
    master: MasterKeys,
    file: Path | None,
    progress: Callable[[int], None] = lambda _: None,
) -> MasterRotation:
    """Put a new master key to use, or finish what was begun, and let go of the old ones.

    Args:
        postgres: with nobody else at it (`only_rotation`).
        master: the keys held now; from the environment also the new one, first.
        file: where they come from; None: the environment, which only a person can change.
        progress: called with the number of keys wrapped so far.

    Raises:
        SetUpError: `setup.master_key`, the keys do not fit the database.
        StoreUnavailable: the database does not answer; run it again.
        Unreadable: a stored key is damaged; nothing is let go of.
    """
    await UserKeys(postgres, master).check()
    if file is not None:
        master = await _with_new_key(postgres, master, file)
        await UserKeys(postgres, master).check()
    wrapped = 0
    while count := await postgres.call(lambda connection: _rewrap(connection, master)):
        wrapped += count
        progress(wrapped)
    await _retire_others(postgres, master)
    retired = await _retired(postgres)
    if file is not None:
        secrets = read_key_file(file)
        kept = [secret for secret in secrets if MasterKeys([secret]).names[0] not in retired]
        if kept != secrets:
            write_key_file(file, kept, replace=True)
    return MasterRotation(
        name=master.current.name,
        wrapped=wrapped,
        retired=tuple(name for name in master.names if name in retired),
    )


async def _with_new_key(postgres: Postgres, master: MasterKeys, file: Path) -> MasterKeys:
    """Give the keys with one first that wraps nothing yet; a rotation under way has it already."""
    rows = await postgres.call(lambda connection: connection.fetch(_sql["known_masters"]))
    retired = await _retired(postgres)
    known = {row["name"] for row in rows}
    secrets = read_key_file(file)
    names = [MasterKeys([secret]).names[0] for secret in secrets]
    in_use = [name for name in names if name not in retired]
    if len([name for name in in_use if name in known]) > 1:
        return _held(secrets, retired)  # the first is new already
    spares = [name for name in names if name not in known and name not in retired]
    if spares:
        new = secrets[names.index(spares[0])]
    elif retired & set(names):
        return _held(secrets, retired)  # only the file was left to be put in order
    else:
        new = new_key()
    ordered = [new, *(secret for secret in secrets if secret != new)]
    write_key_file(file, ordered, replace=True)
    return _held(ordered, retired)


def _held(secrets: Sequence[bytes], retired: frozenset[str]) -> MasterKeys:
    held = MasterKeys(secrets)
    held.retire(retired)
    return held


async def _rewrap(connection: Connection, master: MasterKeys) -> int:
    async with connection.transaction():
        rows = await connection.fetch(_sql["to_rewrap"], master.current.name, _BATCH)
        wrapped = []
        for row in rows:
            place = key_place(row["user_id"], row["number"])
            wrapped.append(master.wrap(place, master.unwrap(row["master"], place, row["wrapped"])))
        await connection.execute(
            _sql["rewrap"],
            [row["user_id"] for row in rows],
            [row["number"] for row in rows],
            wrapped,
            master.current.name,
        )
    return len(rows)


async def _retire_others(postgres: Postgres, master: MasterKeys) -> None:
    """Let go of every other master key; a service may have used one a moment ago."""
    rows = await postgres.call(lambda connection: connection.fetch(_sql["known_masters"]))
    for name in (row["name"] for row in rows if row["name"] != master.current.name):
        for _ in range(10):
            try:
                await postgres.call(
                    lambda connection, name=name: connection.execute(_sql["retire_master"], name)  # type: ignore[misc]
                )
                break
            except StatementRefused as exc:
                if exc.sqlstate != FOREIGN_KEY_VIOLATION:
                    raise
            await postgres.call(lambda connection: _rewrap(connection, master))
        else:
            raise SetUpError(
                "setup.keys_busy", f"keys are still being wrapped by {name}: run this again"
            )


async def _retired(postgres: Postgres) -> frozenset[str]:
    rows = await postgres.call(lambda connection: connection.fetch(_sql["retired_masters"]))
    return frozenset(row["name"] for row in rows)
