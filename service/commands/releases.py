"""`alfavoice releases …`: versions of the desktop client that this server hands out."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from service.commands.configuration import settings_from
from service.language import Language

if TYPE_CHECKING:
    from service.operations.releases import Releases

_MOST_SIGNATURE: Final = 8192


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", language: Language
) -> None:
    """Describe the command."""
    say = language.text
    parser = subparsers.add_parser(
        "releases", help=say("releases.help"), description=say("releases.help"), allow_abbrev=False
    )
    actions = parser.add_subparsers(
        title=say("cli.commands"), metavar=say("cli.command"), required=True
    )

    def add(name: str) -> argparse.ArgumentParser:
        sentence = say(f"releases.{name}.help")
        added = actions.add_parser(name, help=sentence, description=sentence, allow_abbrev=False)
        added.add_argument("--data-dir", type=Path, metavar="DIR", help=say("settings.data_dir"))
        added.set_defaults(run=_run, action=name)
        return added

    adding = add("add")
    adding.add_argument("package", type=Path, metavar="FILE", help=say("releases.add.package"))
    adding.add_argument("--version", required=True, metavar="X.Y.Z")
    adding.add_argument(
        "--target", required=True, metavar="OS-ARCH-BUNDLE", help=say("releases.add.target")
    )
    adding.add_argument(
        "--signature", type=Path, metavar="FILE", help=say("releases.add.signature")
    )
    adding.add_argument("--notes", default="", metavar="TEXT", help=say("releases.add.notes"))
    add("list").add_argument("--json", action="store_true", help=say("users.list.json"))
    add("remove").add_argument("version", metavar="X.Y.Z")


def _run(args: argparse.Namespace, language: Language) -> int:
    from service.operations.releases import Releases  # noqa: PLC0415 - pydantic takes a moment

    settings = settings_from(args)
    releases = Releases(settings.releases or settings.data_dir / "releases")
    if args.action == "add":
        return _add(releases, args, language)
    if args.action == "remove":
        done = releases.remove(args.version)
        sentence = "releases.remove.done" if done else "releases.remove.none"
        print(
            language.text(sentence, version=args.version), file=sys.stdout if done else sys.stderr
        )
        return 0 if done else 1
    found = releases.all()
    if args.json:
        print(  # noqa: T201
            json.dumps([one.model_dump(mode="json") for one in found], ensure_ascii=False, indent=2)
        )
        return 0
    for release in found:
        for file in release.files:
            kind = f"{file.target}-{file.arch}-{file.bundle}"
            print(f"{release.version:16} {kind:24} {file.size_bytes:>12}  {file.name}")  # noqa: T201
    if not found:
        print(language.text("releases.list.none"))  # noqa: T201
    return 0


def _add(releases: "Releases", args: argparse.Namespace, language: Language) -> int:
    from service.operations.releases import NewFile  # noqa: PLC0415
    from service.problems import SetUpError  # noqa: PLC0415

    kind = args.target.split("-")
    signature_file = args.signature or args.package.with_name(args.package.name + ".sig")
    if len(kind) != 3 or not args.package.is_file():
        print(language.text("releases.add.wrong"), file=sys.stderr)  # noqa: T201
        return 2
    if not signature_file.is_file() or signature_file.stat().st_size > _MOST_SIGNATURE:
        print(language.text("releases.add.unsigned", name=signature_file.name), file=sys.stderr)  # noqa: T201
        return 1
    try:
        release = releases.add(
            args.package,
            NewFile(
                version=args.version,
                target=kind[0],
                arch=kind[1],
                bundle=kind[2],
                signature=signature_file.read_text("ascii", "replace").strip(),
                notes=args.notes,
            ),
        )
    except SetUpError:
        print(language.text("releases.add.wrong"), file=sys.stderr)  # noqa: T201
        return 1
    print(language.text("releases.add.done", version=release.version, count=len(release.files)))  # noqa: T201
    return 0
