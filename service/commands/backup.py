"""`alfavoice backup FILE` and `alfavoice restore FILE`."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from service.commands.asking import asked_secret
from service.commands.configuration import settings_from
from service.language import Language
from service.operations.logs import configure_logs

if TYPE_CHECKING:
    from service.settings import Settings
    from service.storage.backup_file import BackupReader


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", language: Language
) -> None:
    """Describe both commands."""
    say = language.text

    def add(name: str, help_key: str, description_key: str) -> argparse.ArgumentParser:
        added = subparsers.add_parser(
            name, help=say(help_key), description=say(description_key), allow_abbrev=False
        )
        added.add_argument("file", type=Path, metavar="FILE", help=say("backup.file"))
        added.add_argument(
            "--data-dir", type=Path, metavar="DIR", default=None, help=say("settings.data_dir")
        )
        added.add_argument(
            "--passphrase-file", type=Path, metavar="FILE", help=say("backup.passphrase_file")
        )
        return added

    backup = add("backup", "backup.help", "backup.description")
    backup.add_argument("--check", action="store_true", help=say("backup.check"))
    backup.add_argument("--with-key", action="store_true", help=say("backup.with_key"))
    backup.set_defaults(run=lambda args, language: asyncio.run(_backup(args, language)))
    restore = add("restore", "restore.help", "restore.description")
    restore.add_argument("--force", action="store_true", help=say("restore.force"))
    restore.set_defaults(run=lambda args, language: asyncio.run(_restore(args, language)))


async def _backup(args: argparse.Namespace, language: Language) -> int:
    from service.storage.backup import make_backup  # noqa: PLC0415 - slow to import
    from service.storage.backup_key import seal_master_keys  # noqa: PLC0415
    from service.storage.encryption.key_file import load_master_keys  # noqa: PLC0415

    settings = settings_from(args)
    configure_logs(settings.log_format, "warning")
    if args.check:
        return _check(args.file, settings, language)
    value = settings.master_key
    master = load_master_keys(
        value=value.get_secret_value() if value else None,
        file=settings.master_key_file,
        data_dir=settings.data_dir,
    )
    sealed_key = None
    if args.with_key:
        passphrase = _passphrase(args, language, twice=True)
        secrets = [master.named(name).secret for name in master.names]
        sealed_key = await asyncio.to_thread(seal_master_keys, secrets, passphrase)
    async with _database(settings) as dsn:
        manifest = await make_backup(dsn, args.file, master=master, sealed_key=sealed_key)
    size = round(args.file.stat().st_size / 1e6, 1)
    _tell(language.text("backup.done", file=args.file.name, rows=manifest.rows, size=size))
    _tell(
        language.text(
            "backup.key_in_it" if args.with_key else "backup.keep_key", name=master.current.name
        )
    )
    return 0


def _check(file: Path, settings: "Settings", language: Language) -> int:
    from service.storage.backup_file import open_backup  # noqa: PLC0415
    from service.storage.encryption.key_file import find_master_keys  # noqa: PLC0415

    with open_backup(file) as reader:
        reader.check()
        manifest = reader.manifest
        value = settings.master_key
        master = find_master_keys(
            value=value.get_secret_value() if value else None,
            file=settings.master_key_file,
            data_dir=settings.data_dir,
        )
        vouched = reader.vouched_for(master) and set(manifest.masters) <= set(master.names)
    _tell(
        language.text(
            "backup.checked",
            made_at=manifest.made_at,
            version=manifest.alfavoice,
            rows=manifest.rows,
            schema=len(manifest.migrations),
        )
    )
    _tell(language.text("backup.vouched" if vouched else "backup.not_vouched"))
    return 0


async def _restore(args: argparse.Namespace, language: Language) -> int:
    from service.storage.backup_file import open_backup  # noqa: PLC0415 - slow to import
    from service.storage.backup_restore import restore_backup  # noqa: PLC0415
    from service.storage.encryption.key_file import find_master_keys  # noqa: PLC0415

    settings = settings_from(args)
    configure_logs(settings.log_format, "warning")
    with open_backup(args.file) as reader:
        reader.check()
        await asyncio.to_thread(_bring_keys, args, settings, reader, language)
        value = settings.master_key
        master = find_master_keys(
            value=value.get_secret_value() if value else None,
            file=settings.master_key_file,
            data_dir=settings.data_dir,
        )
        async with _database(settings) as dsn:
            done = await restore_backup(dsn, reader, master=master, force=args.force)
    _tell(language.text("restore.done", rows=done.manifest.rows, made_at=done.manifest.made_at))
    if done.migrated:
        _tell(language.text("restore.migrated", count=done.migrated))
    if done.set_aside:
        _tell(language.text("restore.set_aside", schema=done.set_aside))
    return 0


def _bring_keys(
    args: argparse.Namespace, settings: "Settings", reader: "BackupReader", language: Language
) -> None:
    """Put the master keys of the backup into the key file, where they are in it and not there."""
    from service.problems import SetUpError  # noqa: PLC0415
    from service.storage.backup_key import unseal_master_keys  # noqa: PLC0415
    from service.storage.encryption.key_file import (  # noqa: PLC0415
        KEY_FILE_NAME,
        find_master_keys,
        write_key_file,
    )

    value = settings.master_key
    held = find_master_keys(
        value=value.get_secret_value() if value else None,
        file=settings.master_key_file,
        data_dir=settings.data_dir,
    )
    sealed = reader.sealed_key()
    if sealed is None or (
        reader.manifest.masters and set(reader.manifest.masters) <= set(held.names)
    ):
        return
    if value is not None:
        raise SetUpError(
            "setup.master_key",
            "the master key of this backup is not in ALFAVOICE_MASTER_KEY: unset it to have the key "
            "written to the key file",
            why="in_variable",
        )
    brought = unseal_master_keys(sealed, _passphrase(args, language, twice=False))
    path = settings.master_key_file or settings.data_dir / KEY_FILE_NAME
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Keys that are there stay, behind those that are needed now.
    others = [held.named(name).secret for name in held.names]
    write_key_file(path, list(dict.fromkeys([*brought, *others])), replace=True)
    _tell(language.text("restore.key_written"))


def _passphrase(args: argparse.Namespace, language: Language, *, twice: bool) -> str:
    from service.problems import SetUpError  # noqa: PLC0415

    if args.passphrase_file is not None:
        try:
            return str(args.passphrase_file.read_text(encoding="utf-8")).rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            raise SetUpError(
                "setup.passphrase", "the file of the passphrase cannot be read", why="unreadable"
            ) from None
    passphrase = asked_secret(language.text("backup.passphrase")) if sys.stdin.isatty() else None
    if passphrase is None:
        raise SetUpError(
            "setup.passphrase",
            "this needs the passphrase of the master key: --passphrase-file",
            why="missing",
        )
    if twice and asked_secret(language.text("backup.passphrase_again")) != passphrase:
        raise SetUpError("setup.passphrase", "these are two different passphrases", why="different")
    return passphrase


@asynccontextmanager
async def _database(settings: "Settings") -> AsyncIterator[str]:
    from service.storage.embedded import embedded_postgres  # noqa: PLC0415 - slow to import

    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    async with embedded_postgres(settings.data_dir) as dsn:
        yield dsn


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr)  # noqa: T201
