"""`alfavoice text "…"`: what the text pipeline makes of a line, and which step did what."""

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, get_args

from service.commands.configuration import settings_from
from service.commands.interrupting import run_until_interrupted
from service.commands.transcribe import spoken_type, terms
from service.language import Language
from workers.contract.finishing import Finishing, Step, Style
from workers.contract.texts import LONGEST_TEXT

if TYPE_CHECKING:
    from service.finishing.messages import FinishedText
    from service.settings import Settings

_STDIN: Final = "-"
_STYLES: Final = get_args(Style)


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", language: Language
) -> None:
    """Describe the command."""
    say = language.text
    parser = subparsers.add_parser(
        "text", help=say("text.help"), description=say("text.description"), allow_abbrev=False
    )
    parser.add_argument("text", nargs="?", default=_STDIN, metavar="TEXT", help=say("text.text"))
    parser.add_argument(
        "--language",
        dest="spoken",
        type=spoken_type(language),
        default="auto",
        metavar="CODE",
        help=say("text.spoken"),
    )
    parser.add_argument(
        "--steps",
        type=_steps_type(language),
        default=None,
        metavar="A,B",
        help=say("text.steps", names=", ".join(Step)),
    )
    parser.add_argument(
        "--style", choices=_STYLES, default=None, help=say("text.style", names=", ".join(_STYLES))
    )
    parser.add_argument("--server", metavar="URL", default=None, help=say("text.server"))
    parser.add_argument("--quiet", action="store_true", help=say("text.quiet"))
    parser.add_argument("--json", action="store_true", help=say("text.json"))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, language: Language) -> int:
    """Finish the text: it goes to standard output, the explanation to standard error."""
    settings = settings_from(args)

    from service.operations.logs import configure_logs  # noqa: PLC0415 - slow to import

    configure_logs("auto", "error")
    text = _text_of(args.text, language)
    return run_until_interrupted(_finish(args, text, settings, language))


def _text_of(argument: str, language: Language) -> str:
    """Give the text to finish.

    Raises:
        ServiceError: `text.unreadable`, `text.too_long`.
    """
    from service.library.fields import storable  # noqa: PLC0415 - slow to import
    from service.problems import ServiceError  # noqa: PLC0415

    try:
        text = storable(_read_all(language) if argument == _STDIN else argument)
    except ValueError:  # also what is no UTF-8
        raise ServiceError("text.unreadable", "this is no text in UTF-8") from None
    if len(text) > LONGEST_TEXT:
        raise ServiceError("text.too_long", f"a text has at most {LONGEST_TEXT} letters")
    return text


def _read_all(language: Language) -> str:
    if sys.stdin.isatty():
        print(language.text("text.waiting"), file=sys.stderr)  # noqa: T201
    most_bytes = 4 * LONGEST_TEXT + 4  # of UTF-8, and one letter more than is taken
    return sys.stdin.buffer.read(most_bytes).decode("utf-8-sig", errors="strict")


def _steps_type(language: Language) -> Callable[[str], tuple[Step, ...]]:
    """Make the reader of step names; an empty list takes no step."""

    def check(text: str) -> tuple[Step, ...]:
        names = terms(text.lower())
        unknown = [name for name in names if name not in set(Step)]
        if unknown:
            raise argparse.ArgumentTypeError(
                language.text("text.no_such_step", name=unknown[0], names=", ".join(Step))
            )
        return tuple(Step(name) for name in names)

    return check


async def _finish(
    args: argparse.Namespace, text: str, settings: "Settings", language: Language
) -> int:
    spoken = None if args.spoken == "auto" else args.spoken
    if args.server is None:
        done = await _finished_here(args, text, spoken, settings)
    else:
        done = await _finished_there(args, text, spoken)
    if args.json:
        print(done.model_dump_json(indent=2), flush=True)  # noqa: T201
        return 0
    print(done.text, flush=True)  # noqa: T201
    if not args.quiet:
        from service.commands.text_explanation import explain_steps  # noqa: PLC0415

        explain_steps(done, language)
    return 0


async def _finished_here(
    args: argparse.Namespace, text: str, spoken: str | None, settings: "Settings"
) -> "FinishedText":
    from service.finishing.messages import as_asked, told  # noqa: PLC0415
    from service.recogniser import text_finisher  # noqa: PLC0415 - it loads a model
    from workers.contract.texts import Text  # noqa: PLC0415

    finishing = as_asked(Finishing(), steps=args.steps, style=args.style)
    async with text_finisher(settings) as texts:
        (done,) = await texts.finish([Text(text=text, language=spoken, finishing=finishing)])
        return told(done, texts.punctuator)


async def _finished_there(
    args: argparse.Namespace, text: str, spoken: str | None
) -> "FinishedText":
    from service.client.signed_in import token_source  # noqa: PLC0415
    from service.client.texts import finished_at  # noqa: PLC0415

    request = {"text": text, "language": spoken, "steps": args.steps, "style": args.style}
    return await finished_at(args.server, request, token_source(args.server))
