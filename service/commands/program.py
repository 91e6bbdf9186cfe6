"""The commands of `alfavoice`, run and ended tidily."""

import argparse
import os
import sys
from collections.abc import Container, Sequence
from importlib.metadata import version
from itertools import zip_longest

from service.commands import (
    backup,
    dictate,
    doctor,
    keys,
    models,
    outbox,
    plan,
    releases,
    serve,
    signing_in,
    text,
    transcribe,
    users,
    worker,
)
from service.commands.parsing import argparse_in, too_early
from service.language import Language, preferred_language

INTERRUPTED = 130
"""128 + SIGINT, as shells count (POSIX.1, section 2.8.2)."""
_OWN_FLAGS = frozenset({"-h", "--help", "--version", "--language"})


def run(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: arguments without the program's name; None takes those of the process.

    Returns:
        The exit status: 0 done, 1 failed (said on standard error), 2 wrong arguments, 130
        interrupted.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    language = Language(preferred_language(_environment_with_flag(arguments)))
    with argparse_in(language):
        args = _parsed(arguments or ["--help"], language)
    try:
        status: int = args.run(args, language)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print(language.text("cli.interrupted"), file=sys.stderr)  # noqa: T201
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing is wrong and nobody is listening.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as exc:  # noqa: BLE001 - the last place where an error becomes a sentence
        return _fail(exc, language)
    return status


def _fail(error: Exception, language: Language) -> int:
    from service.commands.failures import expected_failure, explain  # noqa: PLC0415

    if expected := expected_failure(error):
        print(explain(expected, language), file=sys.stderr)  # noqa: T201
        return 1
    if os.environ.get("ALFAVOICE_LOG_LEVEL") == "debug":
        raise error
    kind = type(error).__name__
    print(language.text("cli.bug", kind=kind), file=sys.stderr)  # noqa: T201
    return 1


def _environment_with_flag(arguments: Sequence[str]) -> dict[str, str]:
    """Give the environment in which `--language` is the strongest wish.

    Help and errors of the parser are already said in that language, so it is looked for first;
    after the name of a command `--language` is the language spoken in a recording.
    """
    for flag, value in zip_longest(arguments, arguments[1:], fillvalue=""):
        if not flag.startswith("-") and flag not in ("ru", "en"):
            break
        name, _, attached = flag.partition("=")
        if name == "--language":
            return {**os.environ, "ALFAVOICE_LANGUAGE": attached or value}
    return dict(os.environ)


def _parsed(arguments: list[str], language: Language) -> argparse.Namespace:
    parser, commands = _parser(language)
    misplaced = too_early(arguments, commands, own=_OWN_FLAGS, language=language)
    if misplaced is not None:
        parser.error(misplaced)
    return parser.parse_args(arguments)


def _parser(language: Language) -> tuple[argparse.ArgumentParser, Container[str]]:
    say = language.text
    parser = argparse.ArgumentParser(
        prog="alfavoice", description=say("cli.description"), allow_abbrev=False
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"alfavoice {version('alfavoice')}",
        help=say("cli.version"),
    )
    parser.add_argument(
        "--language", dest="messages", choices=("ru", "en"), help=say("cli.language")
    )
    commands = parser.add_subparsers(
        title=say("cli.commands"), metavar=say("cli.command"), required=True
    )
    for command in (
        serve, worker, transcribe, dictate, text, doctor, plan, models, outbox, releases, users, signing_in, keys,
        backup,
    ):  # fmt: skip
        command.add_parser(commands, language)
    return parser, commands.choices
