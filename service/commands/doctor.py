"""`alfavoice doctor`: what is wrong with this set-up, or with a server elsewhere, and what to do."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from service.commands.configuration import add_settings_flags, settings_from
from service.commands.parsing import port_number
from service.commands.signing_in import asked_password
from service.language import Language
from service.problems import ServiceError

if TYPE_CHECKING:
    from service.diagnosis.finding import Finding
    from service.diagnosis.outside.dictating import Account

_MARKS = {"ok": "✓", "skip": "–", "warn": "!", "fail": "✗"}
_STYLES = {"ok": "green", "skip": "dim", "warn": "yellow", "fail": "red"}


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", language: Language
) -> None:
    """Describe the command."""
    say = language.text
    parser = subparsers.add_parser(
        "doctor",
        help=say("doctor.help"),
        description=say("doctor.description"),
        allow_abbrev=False,
    )
    parser.add_argument("--host", metavar="ADDRESS", help=say("serve.host"))
    parser.add_argument(
        "--port", type=port_number(language), metavar="PORT", help=say("serve.port")
    )
    parser.add_argument("--json", action="store_true", help=say("doctor.json"))
    parser.add_argument("--deep", action="store_true", help=say("doctor.deep"))
    parser.add_argument("--server", metavar="URL", help=say("doctor.server"))
    parser.add_argument("--login", dest="account", metavar="NAME", help=say("doctor.login"))
    parser.add_argument("--password-stdin", action="store_true", help=say("doctor.password_stdin"))
    parser.add_argument(
        "--token-file", dest="token_from", metavar="FILE", help=say("doctor.token_file")
    )
    parser.add_argument(
        "--http-port", type=port_number(language), metavar="PORT", help=say("doctor.http_port")
    )
    add_settings_flags(parser, language)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, language: Language) -> int:
    """Examine; give 1 when anything is broken, 0 otherwise."""
    findings = _of_a_deployment(args, language) if args.server else _of_this_machine(args)
    if args.json:
        _write_json(findings, language)
    else:
        _write_lines(findings, language)
    return 1 if any(finding.status == "fail" for finding in findings) else 0


def _of_this_machine(args: argparse.Namespace) -> list["Finding"]:
    from service.diagnosis.examination import examine  # noqa: PLC0415

    return examine(settings_from(args), deep=args.deep)


def _of_a_deployment(args: argparse.Namespace, language: Language) -> list["Finding"]:
    import asyncio  # noqa: PLC0415 - this and what follows is slow to import

    from service.diagnosis.outside.examination import examine_server  # noqa: PLC0415
    from service.diagnosis.outside.pages import knows_no_login  # noqa: PLC0415
    from service.diagnosis.outside.target import target_of  # noqa: PLC0415

    target = target_of(args.server)
    account = _account(args)
    if account is not None and account.token is None and not asyncio.run(knows_no_login(target)):
        # Only now: nobody is to type a password for nothing.
        password = asked_password(language, from_stdin=args.password_stdin)
        account = replace(account, password=password)
    return asyncio.run(examine_server(target, account, http_port=args.http_port, deep=args.deep))


def _account(args: argparse.Namespace) -> "Account | None":
    """Give who dictates; what nobody else may read comes from a file or a pipe, never as a flag."""
    from service.diagnosis.outside.dictating import Account  # noqa: PLC0415

    if args.token_from is not None:
        return Account(token=_token(args.token_from))
    return Account(login=args.account) if args.account else None


def _token(file: str) -> str:
    try:
        token = sys.stdin.readline() if file == "-" else Path(file).read_text("ascii")
    except (OSError, UnicodeError):
        token = ""
    token = token.strip()
    if not (token.isascii() and token.isprintable() and token):
        raise ServiceError("doctor.no_token", "there is no token in this file")
    return token


def _write_json(findings: list["Finding"], language: Language) -> None:
    document = [
        {
            "check": finding.check,
            "status": finding.status,
            "finding": finding.key,
            "message": language.text(finding.key, **finding.values),
        }
        for finding in findings
    ]
    json.dump(document, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def _write_lines(findings: list["Finding"], language: Language) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        mark = Text(f"{_MARKS[finding.status]} ", style=_STYLES[finding.status])
        console.print(mark.append(language.text(finding.key, **finding.values), style="default"))
    broken = sum(finding.status == "fail" for finding in findings)
    if broken:
        console.print(language.text("doctor.broken", count=broken))
    else:
        console.print(language.text("doctor.healthy"))
