"""`alfavoice doctor`: what is wrong with this set-up, and what to do about it."""

import argparse
import json
import sys
from typing import TYPE_CHECKING

from service.commands.configuration import add_settings_flags, settings_from
from service.language import Language

if TYPE_CHECKING:
    from service.diagnosis.finding import Finding

_MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}
_STYLES = {"ok": "green", "warn": "yellow", "fail": "red"}


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
    parser.add_argument("--port", type=int, metavar="PORT", help=say("serve.port"))
    parser.add_argument("--json", action="store_true", help=say("doctor.json"))
    parser.add_argument("--deep", action="store_true", help=say("doctor.deep"))
    add_settings_flags(parser, language)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, language: Language) -> int:
    """Examine; give 1 when anything is broken, 0 otherwise."""
    from service.diagnosis.examination import examine  # noqa: PLC0415

    findings = examine(settings_from(args), deep=args.deep)
    if args.json:
        _write_json(findings, language)
    else:
        _write_lines(findings, language)
    return 1 if any(finding.status == "fail" for finding in findings) else 0


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
