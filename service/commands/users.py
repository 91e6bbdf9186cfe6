"""`alfavoice users …`: accounts, managed on the server's own command line."""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from service.commands.asking import asked_line
from service.commands.configuration import settings_from
from service.commands.parsing import number_within
from service.commands.signing_in import asked_password
from service.language import Language

if TYPE_CHECKING:
    from uuid import UUID

    from service.accounts.opening import Accounts
    from service.accounts.people import Person
    from service.settings import Settings
    from service.storage.opening import Storage

    Action = Callable[["Accounts", "Storage", argparse.Namespace, Language], Awaitable[int]]

_PAGE: Final = 200
_WRONG: Final = 2


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", language: Language
) -> None:
    """Describe the command."""
    say = language.text
    parser = subparsers.add_parser(
        "users", help=say("users.help"), description=say("users.help"), allow_abbrev=False
    )
    actions = parser.add_subparsers(
        title=say("cli.commands"), metavar=say("cli.command"), required=True
    )

    def add(name: str, action: "Action", *, account: bool = True) -> argparse.ArgumentParser:
        sentence = say(f"users.{name}.help")
        added = actions.add_parser(name, help=sentence, description=sentence, allow_abbrev=False)
        added.add_argument("--data-dir", type=Path, metavar="DIR", help=say("settings.data_dir"))
        if account:
            added.add_argument("account", metavar="LOGIN", help=say("users.login"))
        added.set_defaults(action=name, run=lambda args, language: _run(action, args, language))
        return added

    made = add("add", _add)
    made.add_argument("--admin", action="store_true", help=say("users.admin"))
    made.add_argument("--name", default="", help=say("users.name"))
    made.add_argument("--password-stdin", action="store_true", help=say("login.password_stdin"))
    add("list", _list, account=False).add_argument(
        "--json", action="store_true", help=say("users.list.json")
    )
    invited = add("invite", _invite, account=False)
    invited.add_argument("--admin", action="store_true", help=say("users.admin"))
    invited.add_argument("--login", dest="account", metavar="LOGIN", help=say("users.invite.login"))
    invited.add_argument(
        "--days", type=number_within(language, 1, 90, whole=True), default=7, metavar="N"
    )
    invited.add_argument("--server", metavar="URL", help=say("users.invite.server"))
    add("disable", _lock_out)
    add("enable", _lock_out)
    add("delete", _delete).add_argument("--yes", action="store_true", help=say("users.delete.yes"))
    add("password", _password).add_argument(
        "--password-stdin", action="store_true", help=say("login.password_stdin")
    )
    add("role", _role).add_argument("role", choices=("user", "admin"), metavar="user|admin")


def _run(action: "Action", args: argparse.Namespace, language: Language) -> int:
    async def run() -> int:
        async with _opened(settings_from(args)) as (accounts, storage):
            return await action(accounts, storage, args, language)

    return asyncio.run(run())


@asynccontextmanager
async def _opened(settings: "Settings") -> "AsyncIterator[tuple[Accounts, Storage]]":
    from service.accounts.opening import open_accounts  # noqa: PLC0415 - slow to import
    from service.operations.logs import configure_logs  # noqa: PLC0415
    from service.storage.encryption.key_file import load_master_keys  # noqa: PLC0415
    from service.storage.opening import open_storage  # noqa: PLC0415

    configure_logs(settings.log_format, "warning")
    key, url = settings.master_key, settings.database_url
    master = load_master_keys(
        value=key.get_secret_value() if key else None,
        file=settings.master_key_file,
        data_dir=settings.data_dir,
    )
    async with open_storage(
        url.get_secret_value() if url else None, settings.data_dir, master=master
    ) as storage:
        with open_accounts(settings, storage, login_is_required=True) as accounts:
            yield accounts, storage


async def _user(accounts: "Accounts", login: str) -> "UUID":
    return (await accounts.people.find(login)).id


async def _add(
    accounts: "Accounts", storage: "Storage", args: argparse.Namespace, language: Language
) -> int:
    from service.accounts.people import NewPerson  # noqa: PLC0415
    from service.accounts.principal import LOCAL_USER, Role  # noqa: PLC0415
    from service.operations.audit import OPERATOR  # noqa: PLC0415

    password = await _new_password(args, language)
    if password is None:
        return _WRONG
    role = Role.ADMIN if args.admin else Role.USER
    new = NewPerson(login=args.account, password=password, name=args.name.strip()[:100], role=role)
    is_first = args.admin and not await accounts.people.has_admin()
    await accounts.people.create(OPERATOR, new)
    _say(language, f"users.add.{role.value}", login=args.account)
    if is_first and (left := await storage.transcripts.count(LOCAL_USER)):
        print(language.text("users.left", count=left), file=sys.stderr)  # noqa: T201
    return 0


async def _list(
    accounts: "Accounts", _: "Storage", args: argparse.Namespace, language: Language
) -> int:
    people = [person async for person in _all(accounts)]
    if args.json:
        listed = [
            {
                "id": str(person.id),
                "login": person.login,
                "name": person.name,
                "role": person.role.value,
                "disabled": person.disabled_at is not None,
                "last_seen_at": _time(person.last_seen_at),
            }
            for person in people
        ]
        print(json.dumps(listed, ensure_ascii=False, indent=2))  # noqa: T201
        return 0
    if not people:
        _say(language, "users.list.none")
    for person in people:
        state = "disabled" if person.disabled_at else person.role.value
        row = (person.login, language.text(f"users.list.{state}"), person.name)
        print("\t".join(part for part in row if part))  # noqa: T201
    return 0


async def _all(accounts: "Accounts") -> "AsyncIterator[Person]":
    after: UUID | None = None
    while page := await accounts.people.list(after=after, limit=_PAGE):
        for person in page:
            yield person
        after = page[-1].id


async def _invite(
    accounts: "Accounts", _: "Storage", args: argparse.Namespace, language: Language
) -> int:
    from service.accounts.links import welcome_link  # noqa: PLC0415
    from service.accounts.principal import Role  # noqa: PLC0415
    from service.client.servers import local_address  # noqa: PLC0415
    from service.client.signed_in import server_address  # noqa: PLC0415
    from service.diagnosis.outside.target import target_of  # noqa: PLC0415
    from service.operations.audit import OPERATOR  # noqa: PLC0415

    # Before anything is made: nobody is invited by a link that leads nowhere.
    if args.server:
        server_address(args.server)
    target = target_of(args.server or local_address(settings_from(args)))
    made = await accounts.invitations.invite(
        OPERATOR,
        role=Role.ADMIN if args.admin else Role.USER,
        login=args.account,
        lasts=timedelta(days=args.days),
    )
    # The link is the answer; what is said about it goes beside it.
    print(language.text("users.invite.done", days=args.days), file=sys.stderr)  # noqa: T201
    if target.is_here:
        print(language.text("users.invite.only_here"), file=sys.stderr)  # noqa: T201
    print(target.url + welcome_link(made[1]))  # noqa: T201
    return 0


async def _lock_out(
    accounts: "Accounts", _: "Storage", args: argparse.Namespace, language: Language
) -> int:
    """Lock an account out; as `enable`, let it in again."""
    from service.operations.audit import OPERATOR  # noqa: PLC0415

    disabled = args.action == "disable"
    user = await _user(accounts, args.account)
    await accounts.people.change(OPERATOR, user, disabled=disabled)
    _say(language, f"users.{args.action}.done", login=args.account)
    return 0


async def _delete(
    accounts: "Accounts", storage: "Storage", args: argparse.Namespace, language: Language
) -> int:
    from service.accounts.upkeep import erase_deleted  # noqa: PLC0415
    from service.operations.audit import OPERATOR  # noqa: PLC0415

    user = await _user(accounts, args.account)
    if not args.yes:
        question = language.text("users.delete.ask", login=args.account)
        typed = await asyncio.to_thread(asked_line, question) if sys.stdin.isatty() else None
        if typed != args.account:
            print(language.text("users.delete.not_done"), file=sys.stderr)  # noqa: T201
            return _WRONG
    await accounts.people.delete(OPERATOR, user)
    await erase_deleted(storage.dsn, storage.postgres)
    _say(language, "users.delete.done", login=args.account)
    return 0


async def _password(
    accounts: "Accounts", _: "Storage", args: argparse.Namespace, language: Language
) -> int:
    from service.operations.audit import OPERATOR  # noqa: PLC0415

    user = await _user(accounts, args.account)
    password = await _new_password(args, language)
    if password is None:
        return _WRONG
    await accounts.people.set_password(OPERATOR, user, password)
    _say(language, "users.password.done", login=args.account)
    return 0


async def _role(
    accounts: "Accounts", _: "Storage", args: argparse.Namespace, language: Language
) -> int:
    from service.accounts.principal import Role  # noqa: PLC0415
    from service.operations.audit import OPERATOR  # noqa: PLC0415

    user = await _user(accounts, args.account)
    await accounts.people.change(OPERATOR, user, role=Role(args.role))
    _say(language, f"users.role.{args.role}", login=args.account)
    return 0


async def _new_password(args: argparse.Namespace, language: Language) -> str | None:
    password = await asyncio.to_thread(
        asked_password, language, from_stdin=args.password_stdin, again=True
    )
    if password is None:
        print(language.text("users.differ"), file=sys.stderr)  # noqa: T201
    return password


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _say(language: Language, key: str, **values: object) -> None:
    print(language.text(key, **values))  # noqa: T201
