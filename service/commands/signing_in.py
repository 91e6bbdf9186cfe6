"""`alfavoice login URL` and `alfavoice logout URL`: who this person is at a server."""

import argparse
import sys
import time
from typing import TYPE_CHECKING

from service.commands.asking import asked_line, asked_secret
from service.language import Language
from service.problems import ServiceError, SetUpError

if TYPE_CHECKING:
    from service.client.signed_in import SignedIn


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", language: Language
) -> None:
    """Describe the commands."""
    say = language.text
    login = subparsers.add_parser(
        "login", help=say("login.help"), description=say("login.description"), allow_abbrev=False
    )
    login.add_argument("server", metavar="URL", help=say("login.server"))
    login.add_argument("--login", dest="account", metavar="NAME", help=say("login.login"))
    login.add_argument("--password-stdin", action="store_true", help=say("login.password_stdin"))
    login.set_defaults(run=_login)
    logout = subparsers.add_parser(
        "logout", help=say("logout.help"), description=say("logout.help"), allow_abbrev=False
    )
    logout.add_argument("server", metavar="URL", help=say("login.server"))
    logout.set_defaults(run=_logout)


def asked_password(language: Language, *, from_stdin: bool, again: bool = False) -> str | None:
    """Ask for a password; None when the two typed differ.

    Args:
        language: to ask in.
        from_stdin: take one line of standard input instead.
        again: ask twice, for a new one.

    Raises:
        SetUpError: `setup.no_password`, there is nobody to ask, or nothing was given.
    """
    password: str | None
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = asked_secret(language.text("login.password"))
    if not password:
        raise SetUpError(
            "setup.no_password",
            "no password was given: type it, or give it as the first line of standard input, with "
            "--password-stdin",
        )
    if again and not from_stdin and asked_secret(language.text("login.again")) != password:
        return None
    return password


def _login(args: argparse.Namespace, language: Language) -> int:
    from service.client.signed_in import is_private  # noqa: PLC0415 - slow to import

    if not is_private(args.server):
        print(language.text("login.open"), file=sys.stderr)  # noqa: T201
    account = args.account or asked_line(language.text("login.ask"))
    if not account:
        raise SetUpError("setup.no_login", "no login was given: type it, or name it with --login")
    password = asked_password(language, from_stdin=args.password_stdin) or ""
    try:
        _signed_in().sign_in(args.server, account, password)
    except OSError:
        raise _unreachable() from None
    print(language.text("login.done", server=args.server))  # noqa: T201
    return 0


def _logout(args: argparse.Namespace, language: Language) -> int:
    if not _signed_in().sign_out(args.server):
        print(language.text("logout.nobody", server=args.server), file=sys.stderr)  # noqa: T201
        return 1
    print(language.text("logout.done", server=args.server))  # noqa: T201
    return 0


def _signed_in() -> "SignedIn":
    from service.client.signed_in import SignedIn, config_folder  # noqa: PLC0415

    return SignedIn(config_folder(), now=lambda: time.time_ns() / 1e9)


def _unreachable() -> ServiceError:
    return ServiceError("stream.unreachable", "the server does not answer")
