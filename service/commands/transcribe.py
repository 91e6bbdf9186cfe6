"""`alfavoice transcribe FILE…`: any audio file to text, subtitles or JSON."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from service.commands.configuration import add_settings_flags, settings_from
from service.commands.interrupting import run_until_interrupted
from service.language import Language

if TYPE_CHECKING:
    from service.client.transcribing import FileTranscript
    from service.settings import Settings

FORMAT_NAMES: Final = ("txt", "srt", "vtt", "json")
STANDARD_OUTPUT: Final = Path("-")
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
        "--language", dest="spoken", default="auto", metavar="CODE", help=say("stream.spoken")
    )
    parser.add_argument(
        "--format",
        dest="formats",
        type=_formats,
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


def _formats(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(terms(text.lower())))
    if not names or not set(names) <= set(FORMAT_NAMES):
        raise argparse.ArgumentTypeError(f"{text!r}: {', '.join(FORMAT_NAMES)}")
    return names


def choose_targets(
    files: Sequence[Path], formats: Sequence[str], output: Path | None
) -> list[dict[str, Path]] | None:
    """Choose where each file's text goes, by format.

    One file in one format goes to standard output, everything else to files beside the sources
    or in the folder `output`. Two sources whose targets would be the same keep their endings
    (`talk.mp3.txt`, `talk.wav.txt`).

    Returns:
        A mapping for each file; None when standard output is asked for more than one format.
    """
    if output == STANDARD_OUTPUT or (output is None and len(files) == len(formats) == 1):
        if len(formats) > 1:
            return None
        return [{formats[0]: STANDARD_OUTPUT} for _ in files]
    plain = [(output or file.parent) / file.stem for file in files]
    count = Counter(plain)
    chosen = []
    for file, stem in zip(files, plain, strict=True):
        name = file.stem if count[stem] == 1 else file.name
        chosen.append({f: (output or file.parent) / f"{name}.{f}" for f in formats})
    return chosen


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

    async def run(self, targets: list[dict[str, Path]]) -> int:
        from service.client.servers import reachable_server  # noqa: PLC0415
        from service.problems import ServiceError  # noqa: PLC0415

        files: list[Path] = self._args.files
        failed: list[Path] = []
        async with reachable_server(self._args.server, self._settings) as server:
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

    async def _transcribe(self, file: Path, targets: dict[str, Path], server: str) -> None:
        from service.client.media import RATE_HZ, MediaFile  # noqa: PLC0415
        from service.client.signed_in import token_source  # noqa: PLC0415
        from service.client.stream import StreamOptions  # noqa: PLC0415
        from service.client.transcribing import transcribe_source  # noqa: PLC0415
        from service.commands.display import Display  # noqa: PLC0415

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
                transcript = await transcribe_source(
                    media, options, show=display.show, begin_section=display.begin_section
                )
        self._write(file, transcript, targets)
        self._say(
            self._language.text(
                "transcribe.done",
                file=file.name,
                audio=f"{transcript.samples / RATE_HZ:.1f}",
                speed=f"{display.speed:.1f}",
            )
        )

    def _write(self, file: Path, transcript: "FileTranscript", targets: dict[str, Path]) -> None:
        from service.client.media import RATE_HZ  # noqa: PLC0415
        from service.formats.documents import FORMATS, Written  # noqa: PLC0415

        written = Written(
            finals=transcript.finals,
            sample_rate=RATE_HZ,
            audio_s=transcript.samples / RATE_HZ,
            source=file.name,
        )
        for name, path in targets.items():
            text = FORMATS[name](written)
            if path == STANDARD_OUTPUT:
                sys.stdout.write(text)
                sys.stdout.flush()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f".{path.name}.{os.getpid()}")
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(path)  # a reader never sees half a transcript

    def _reason(self, error: Exception) -> str:
        from service.commands.failures import expected_failure, explain  # noqa: PLC0415

        if expected := expected_failure(error):
            return explain(expected, self._language)
        if isinstance(error, FileExistsError):
            return self._language.text("transcribe.exists", name=str(error))
        return self._language.text("transcribe.not_written", reason=getattr(error, "strerror", ""))

    def _say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)  # noqa: T201
