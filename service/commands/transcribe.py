"""`alfavoice transcribe FILE…`: any audio file to text, subtitles or JSON."""

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from service.commands.configuration import add_settings_flags, settings_from
from service.commands.interrupting import run_until_interrupted
from service.commands.targets import STANDARD_OUTPUT, Targets, choose_targets, parts_of, write
from service.language import Language

if TYPE_CHECKING:
    from service.dictation.wire import Final as FinalMessage
    from service.settings import Settings

FORMAT_NAMES: Final = ("txt", "srt", "vtt", "json")
WHOLE: Final = 0.9
"""Share of the length that a file's header names from which on nothing is missing: headers round."""
_FORBIDDEN: Final = frozenset({"session.unauthorised", "session.forbidden"})


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", language: Language
) -> None:
    """Describe the command."""
    say = language.text
    parser = subparsers.add_parser(
        "transcribe",
        help=say("transcribe.help"),
        description=say("transcribe.description"),
        allow_abbrev=False,
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help=say("transcribe.files"))
    parser.add_argument("--server", metavar="URL", help=say("stream.server"))
    parser.add_argument(
        "--language",
        dest="spoken",
        type=spoken_type(language),
        default="auto",
        metavar="CODE",
        help=say("stream.spoken"),
    )
    parser.add_argument(
        "--format",
        dest="formats",
        type=_formats(language),
        default=("txt",),
        metavar="txt,srt,vtt,json",
        help=say("transcribe.format"),
    )
    parser.add_argument("--output", type=Path, metavar="DIR|-", help=say("transcribe.output"))
    parser.add_argument("--overwrite", action="store_true", help=say("transcribe.overwrite"))
    parser.add_argument("--no-partials", action="store_true", help=say("transcribe.no_partials"))
    parser.add_argument("--terms", type=terms, default=(), metavar="A,B", help=say("stream.terms"))
    add_settings_flags(parser, language)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, language: Language) -> int:
    """Transcribe; give the exit status: 1 when any file could not be."""
    targets = choose_targets(args.files, args.formats, args.output)
    if targets is None:
        print(language.text("transcribe.one_output"), file=sys.stderr)  # noqa: T201
        return 2
    settings = settings_from(args)

    from service.operations.logs import configure_logs  # noqa: PLC0415

    configure_logs("auto", "error")
    return run_until_interrupted(_Transcribing(args, settings, language).run(targets))


def terms(text: str) -> tuple[str, ...]:
    """Read a comma-separated list of words."""
    return tuple(term.strip() for term in text.split(",") if term.strip())


def spoken_type(language: Language) -> Callable[[str], str]:
    """Make the check of a spoken language's code."""

    def check(text: str) -> str:
        from service.client.spoken import spoken_language  # noqa: PLC0415

        code = spoken_language(text)
        if code is None:
            raise argparse.ArgumentTypeError(language.text("stream.no_such_language", code=text))
        return code

    return check


def _formats(language: Language) -> Callable[[str], tuple[str, ...]]:
    def check(text: str) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(terms(text.lower())))
        if not names or not set(names) <= set(FORMAT_NAMES):
            known = ", ".join(FORMAT_NAMES)
            raise argparse.ArgumentTypeError(
                language.text("transcribe.no_such_format", given=text, known=known)
            )
        return names

    return check


def _stops_all(error: Exception) -> bool:
    """Whether the next file would meet the same failure."""
    code: str = getattr(error, "code", "")
    return code.startswith(("auth.", "stream.", "server.", "store.")) or code in _FORBIDDEN


class _Transcribing:
    """One run of the command."""

    def __init__(self, args: argparse.Namespace, settings: "Settings", language: Language) -> None:
        self._args = args
        self._settings = settings
        self._language = language

    async def run(self, targets: list[Targets]) -> int:
        from service.client.servers import local_address, reachable_server  # noqa: PLC0415
        from service.problems import ServiceError  # noqa: PLC0415

        files: list[Path] = self._args.files
        failed: list[Path] = []
        async with reachable_server(self._args.server, self._settings) as server:
            if server == self._args.server or server == local_address(self._settings):
                self._say_what_the_server_decides()
            for file, target in zip(files, targets, strict=True):
                try:
                    await self._transcribe(file, target, server)
                except (ServiceError, OSError) as exc:
                    if isinstance(exc, BrokenPipeError) or _stops_all(exc):
                        raise
                    failed.append(file)
                    self._say(f"{file}: {self._reason(exc)}")
        if failed and len(files) > 1:
            self._say(
                self._language.text(
                    "transcribe.failed",
                    count=len(failed),
                    files=", ".join(str(file) for file in failed),
                )
            )
        return 1 if failed else 0

    async def _transcribe(self, file: Path, targets: Targets, server: str) -> None:
        from service.client.media import RATE_HZ, MediaFile  # noqa: PLC0415
        from service.client.signed_in import token_source  # noqa: PLC0415
        from service.client.stream import StreamOptions  # noqa: PLC0415
        from service.client.transcribing import transcribe_source  # noqa: PLC0415
        from service.commands.display import Display  # noqa: PLC0415
        from service.problems import ServiceError  # noqa: PLC0415

        args = self._args
        for path in targets.values():
            if path != STANDARD_OUTPUT and path.exists() and not args.overwrite:
                raise FileExistsError(path.name)
        options = StreamOptions(
            server=server,
            token_source=token_source(server),
            language=args.spoken,
            partials=not args.no_partials and sys.stderr.isatty(),
            terms=args.terms,
            message_ms=500,
        )
        with MediaFile(file) as media:
            length_s = None if media.length is None else media.length / RATE_HZ
            with Display(self._language, title=file.name, length_s=length_s) as display:
                finals: list[FinalMessage] = []
                try:
                    transcript = await transcribe_source(
                        media,
                        options,
                        show=display.show,
                        begin_section=display.begin_section,
                        finals=finals,
                    )
                except (ServiceError, OSError, asyncio.CancelledError):
                    display.stop()
                    self._keep_part(file, finals, targets)
                    raise
        audio_s = transcript.samples / RATE_HZ
        if length_s is not None and audio_s < WHOLE * length_s - 1.0:
            self._say(
                self._language.text(
                    "transcribe.cut_short",
                    file=file.name,
                    expected=f"{length_s:.0f}",
                    found=f"{audio_s:.0f}",
                )
            )
        write(targets, transcript.finals, audio_s=audio_s, source=file.name)
        self._say(
            self._language.text(
                "transcribe.done",
                file=file.name,
                audio=round(audio_s, 1),
                speed=round(display.speed, 1),
            )
        )
        for path in targets.values():
            if path != STANDARD_OUTPUT:
                self._say(self._language.text("transcribe.written", path=str(path)))

    def _keep_part(self, file: Path, finals: "list[FinalMessage]", targets: Targets) -> None:
        """Give out what was ready when it failed or was interrupted."""
        from service.client.media import RATE_HZ  # noqa: PLC0415

        if not finals:
            return
        until_s = finals[-1].end / RATE_HZ
        write(parts_of(targets), finals, audio_s=until_s, source=file.name)
        self._say(self._language.text("transcribe.part", file=file.name, until=f"{until_s:.0f}"))

    def _say_what_the_server_decides(self) -> None:
        args = self._args
        flags = {
            "--model": args.model,
            "--device": args.device,
            "--compute-type": args.compute_type,
            "--beam": args.beam,
        }
        given = [flag for flag, value in flags.items() if value is not None]
        if given:
            self._say(self._language.text("stream.server_decides", flags=", ".join(given)))

    def _reason(self, error: Exception) -> str:
        from service.commands.failures import expected_failure, explain  # noqa: PLC0415

        if expected := expected_failure(error):
            return explain(expected, self._language)
        if isinstance(error, FileExistsError):
            return self._language.text("transcribe.exists", name=str(error))
        return self._language.text("transcribe.not_written", reason=getattr(error, "strerror", ""))

    def _say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)  # noqa: T201
