"""`alfavoice outbox list|export|verify`: what the desktop client keeps on this computer."""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from service.commands.asking import asked_secret
from service.language import Language

if TYPE_CHECKING:
    from service.client.outbox import Outbox, Take
    from service.client.outbox_key import KeyNote

CLIENT: Final = "org.alfavoice.desktop"
"""The client's name among the programs of this computer."""
_KEYCHAIN_S: Final = 30.0
"""A keychain may ask the person to unlock it."""


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", language: Language
) -> None:
    """Describe the command."""
    say = language.text
    parser = subparsers.add_parser(
        "outbox", help=say("outbox.help"), description=say("outbox.help"), allow_abbrev=False
    )
    actions = parser.add_subparsers(
        title=say("cli.commands"), metavar=say("cli.command"), required=True
    )

    def add(name: str) -> argparse.ArgumentParser:
        sentence = say(f"outbox.{name}.help")
        added = actions.add_parser(name, help=sentence, description=sentence, allow_abbrev=False)
        added.add_argument("--file", type=Path, metavar="FILE", help=say("outbox.file"))
        added.add_argument("--key-file", metavar="FILE|-", help=say("outbox.key_file"))
        added.set_defaults(run=_run, action=name)
        return added

    add("list").add_argument("--json", action="store_true", help=say("outbox.list.json"))
    export = add("export")
    export.add_argument("takes", nargs="*", metavar="TAKE", help=say("outbox.export.takes"))
    export.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help=say("outbox.export.output")
    )
    add("verify")


def _run(args: argparse.Namespace, language: Language) -> int:
    from service.client.outbox import opened  # noqa: PLC0415 - slow to import
    from service.client.outbox_key import key_from, read_note  # noqa: PLC0415
    from service.problems import SetUpError  # noqa: PLC0415

    file: Path = args.file or _file_of_client()
    if not file.is_file():
        raise SetUpError("setup.outbox_missing", "there is no outbox", file=str(file))
    note = read_note(file)
    key = key_from(_secret(args.key_file, note, language), note)
    with opened(file, key) as outbox:
        if args.action == "list":
            _list(outbox.takes(), args, language)
            return 0
        if args.action == "verify":
            return _verify(outbox, language)
        return _export(outbox, args, language)


def _verify(outbox: "Outbox", language: Language) -> int:
    takes, faults = outbox.verify()
    for fault in faults:
        print(fault, file=sys.stderr)  # noqa: T201
    say = "outbox.verify.bad" if faults else "outbox.verify.good"
    print(language.text(say, takes=len(takes), faults=len(faults)))  # noqa: T201
    forgotten = sum(take.is_forgotten for take in takes)
    if forgotten:
        print(language.text("outbox.verify.forgotten", takes=forgotten))  # noqa: T201
    return 1 if faults else 0


def _export(outbox: "Outbox", args: argparse.Namespace, language: Language) -> int:
    """Write what can be heard; 1 if of what was asked for there is nothing to write."""
    chosen = [take for take in outbox.takes() if not args.takes or take.id in args.takes]
    args.output.mkdir(parents=True, exist_ok=True)
    written = 0
    for take in chosen:
        if take.is_forgotten:
            _say(take, "outbox.export.forgotten", language)
            continue
        path = args.output / f"{take.began_at:%Y-%m-%d-%H%M%S}-{take.id}.wav"
        outbox.write_wav(take, path)
        written += 1
        print(path)  # noqa: T201
        if not outbox.is_whole(take):
            _say(take, "outbox.export.damaged", language)
    print(language.text("outbox.export.done", takes=written), file=sys.stderr)  # noqa: T201
    return 0 if written or not args.takes else 1


def _say(take: "Take", key: str, language: Language) -> None:
    print(f"{take.id}: {language.text(key)}", file=sys.stderr)  # noqa: T201


def _list(takes: "tuple[Take, ...]", args: argparse.Namespace, language: Language) -> None:
    if args.json:
        rows = [
            {
                "id": take.id,
                "state": take.state,
                "began_at": take.began_at.isoformat(),
                "seconds": round(take.seconds, 3),
                "sample_rate": take.sample_rate,
                "problem": take.problem,
                "recovered": take.is_recovered,
                "audio": "forgotten" if take.is_forgotten else "kept",
                "text": take.text,
            }
            for take in takes
        ]
        print(json.dumps(rows, ensure_ascii=False, indent=2))  # noqa: T201
        return
    for take in takes:
        state = language.text(f"outbox.state.{take.state}")
        if take.is_forgotten:
            state = f"{state}; {language.text('outbox.list.forgotten')}"
        began = f"{take.began_at.astimezone():%Y-%m-%d %H:%M:%S}"
        print(f"{take.id}  {began}  {take.seconds:7.1f} s  {state}")  # noqa: T201


def _file_of_client() -> Path:
    import platformdirs  # noqa: PLC0415

    return Path(platformdirs.user_data_dir(CLIENT, appauthor=False)) / "outbox.db"


def _secret(key_file: str | None, note: "KeyNote | None", language: Language) -> str:
    """Give the key or the passphrase: from a file, standard input, the keychain or the person."""
    from service.client.outbox_key import wrong_key  # noqa: PLC0415
    from service.problems import SetUpError  # noqa: PLC0415

    if key_file == "-":
        return sys.stdin.readline().rstrip("\r\n")
    if key_file is not None:
        return Path(key_file).read_text(encoding="utf-8").rstrip("\r\n")
    if note is not None and note.is_passphrase:
        passphrase = asked_secret(language.text("outbox.passphrase"))
        if passphrase is None:
            raise SetUpError(
                "setup.no_passphrase",
                "no passphrase of the outbox was given: type it, or give it with --key-file",
            )
        return passphrase
    found = _from_keychain()
    if found is None:
        raise wrong_key()
    return found


def _from_keychain() -> str | None:
    """Ask the keychain of this system through its own program; None: there is none, or no key in it."""
    commands = {
        "secret-tool": ("lookup", "service", "alfavoice", "username", "outbox"),
        "security": ("find-generic-password", "-s", "alfavoice", "-a", "outbox", "-w"),
    }
    for name, arguments in commands.items():
        program = shutil.which(name)
        if program is None or (name == "security" and sys.platform != "darwin"):
            continue
        try:
            told = subprocess.run(  # noqa: S603 - a program of the system, fixed arguments
                [program, *arguments],
                capture_output=True,
                text=True,
                timeout=_KEYCHAIN_S,
                check=False,
                stdin=subprocess.DEVNULL,
                env=dict(os.environ),
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if told.returncode == 0 and told.stdout.strip():
            return told.stdout.strip()
    return None
