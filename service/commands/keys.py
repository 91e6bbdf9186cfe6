"""`alfavoice keys status|check|rotate-master|rotate-users`: the keys everything is sealed with."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.commands.configuration import settings_from
from service.language import Language
from service.operations.logs import configure_logs

if TYPE_CHECKING:
    from pydantic import SecretStr

    from service.settings import Settings
    from service.storage.encryption.master import MasterKeys
    from service.storage.opening import Storage


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", language: Language
) -> None:
    """Describe the command."""
    say = language.text
    parser = subparsers.add_parser(
        "keys", help=say("keys.help"), description=say("keys.description"), allow_abbrev=False
    )
    actions = parser.add_subparsers(
        title=say("cli.commands"), metavar=say("cli.command"), required=True
    )

    def add(
        name: str, key: str, action: Callable[..., Coroutine[Any, Any, int]]
    ) -> argparse.ArgumentParser:
        added = actions.add_parser(
            name,
            help=say(f"keys.{key}.help"),
            description=say(f"keys.{key}.help"),
            allow_abbrev=False,
        )
        added.add_argument(
            "--data-dir", type=Path, metavar="DIR", default=None, help=say("settings.data_dir")
        )
        added.set_defaults(run=lambda args, language: asyncio.run(action(args, language)))
        return added

    add("status", "status", _status)
    add("check", "check", _check)
    master = add("rotate-master", "rotate_master", _rotate_master)
    master.add_argument(
        "--new-key-file", type=Path, metavar="FILE", help=say("keys.rotate_master.new_key_file")
    )
    add("rotate-users", "rotate_users", _rotate_users)


async def _status(args: argparse.Namespace, language: Language) -> int:
    from service.storage.encryption.inspection import key_status  # noqa: PLC0415

    say = language.text
    async with _opened(settings_from(args)) as storage:
        status = await key_status(storage.postgres, storage.keys)
    print(say("keys.status.current", name=status.current))  # noqa: T201
    print(say("keys.status.users", users=status.users, keys=status.keys))  # noqa: T201
    for name, count in status.wrapped_by.items():
        if name != status.current:
            print(say("keys.status.older", name=name, keys=count))  # noqa: T201
    for name in status.here:
        if name not in status.wrapped_by:
            print(say("keys.status.spare", name=name))  # noqa: T201
    if status.is_rotating:
        print(say("keys.status.rotating"))  # noqa: T201
    elif status.rotated_at:
        print(say("keys.status.rotated", day=f"{status.rotated_at:%Y-%m-%d}"))  # noqa: T201
    return 0


async def _check(args: argparse.Namespace, language: Language) -> int:
    from service.storage.encryption.inspection import examine_sealed  # noqa: PLC0415

    say = language.text
    async with _opened(settings_from(args)) as storage:
        found = await examine_sealed(storage.postgres, storage.keys)
    for table, count in found.opened.items():
        print(say("keys.check.opened", table=table, values=count))  # noqa: T201
    for table, count in found.unreadable.items():
        print(say("keys.check.unreadable", table=table, values=count))  # noqa: T201
    print(say("keys.check.bad" if found.unreadable else "keys.check.good"))  # noqa: T201
    return 1 if found.unreadable else 0


async def _rotate_master(args: argparse.Namespace, language: Language) -> int:
    from service.storage.encryption.key_file import read_key_file  # noqa: PLC0415
    from service.storage.encryption.master import (  # noqa: PLC0415
        MasterKeys,
        parse_master_keys,
    )
    from service.storage.encryption.master_rotation import rotate_master  # noqa: PLC0415
    from service.storage.encryption.rotation import only_rotation  # noqa: PLC0415
    from service.storage.opening import open_storage  # noqa: PLC0415

    settings = settings_from(args)
    configure_logs(settings.log_format, "warning")
    master, file = _loaded(settings), _file(settings)
    if args.new_key_file is not None:
        held = (
            read_key_file(file) if file else parse_master_keys(_secret(settings.master_key) or "")
        )
        master, file = MasterKeys([*read_key_file(args.new_key_file), *held]), None
    elif file is None and len(master.names) == 1:
        _tell(language.text("keys.rotate_master.environment"))
        return 2
    async with (
        open_storage(_secret(settings.database_url), settings.data_dir, master=master) as storage,
        only_rotation(storage.dsn),
    ):
        done = await rotate_master(storage.postgres, master=master, file=file)
    _tell(language.text("keys.rotate_master.done", name=done.name, keys=done.wrapped))
    for name in done.retired:
        _tell(language.text("keys.rotate_master.retired", name=name))
    if file is None:
        _tell(language.text("keys.rotate_master.put", name=done.name))
    return 0


async def _rotate_users(args: argparse.Namespace, language: Language) -> int:
    from service.storage.encryption.rotation import only_rotation  # noqa: PLC0415
    from service.storage.encryption.user_rotation import rotate_users  # noqa: PLC0415

    said: set[str] = set()

    def progress(what: str, count: int) -> None:
        if what in said:
            return
        said.add(what)
        if what == "wait":
            _tell(language.text("keys.rotate_users.wait", seconds=count))
        elif what == "writers":
            _tell(language.text("keys.rotate_users.writers"))

    async with _opened(settings_from(args)) as storage, only_rotation(storage.dsn):
        sealed = await rotate_users(storage.postgres, storage.keys, progress=progress)
    _tell(language.text("keys.rotate_users.done", values=sealed))
    return 0


@asynccontextmanager
async def _opened(settings: "Settings") -> "AsyncIterator[Storage]":
    from service.storage.opening import open_storage  # noqa: PLC0415 - slow to import

    configure_logs(settings.log_format, "warning")
    async with open_storage(
        _secret(settings.database_url), settings.data_dir, master=_loaded(settings)
    ) as storage:
        yield storage


def _loaded(settings: "Settings") -> "MasterKeys":
    from service.storage.encryption.key_file import load_master_keys  # noqa: PLC0415

    return load_master_keys(
        value=_secret(settings.master_key),
        file=settings.master_key_file,
        data_dir=settings.data_dir,
    )


def _file(settings: "Settings") -> Path | None:
    """Give the file the keys come from; None: the environment."""
    from service.storage.encryption.key_file import KEY_FILE_NAME  # noqa: PLC0415

    if settings.master_key is not None:
        return None
    return settings.master_key_file or settings.data_dir / KEY_FILE_NAME


def _secret(value: "SecretStr | None") -> str | None:
    return value.get_secret_value() if value else None


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr)  # noqa: T201
