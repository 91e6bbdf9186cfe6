"""`alfavoice dictate`: speak into the microphone, read the text.

The recording lies in the data folder from its first second and is deleted once its text is
stored. Whatever fails in between, nothing said is lost.
"""

import argparse
import asyncio
import sys
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from service.commands.configuration import add_settings_flags, settings_from
from service.commands.interrupting import run_until_interrupted
from service.commands.transcribe import spoken_type, terms
from service.language import Language

if TYPE_CHECKING:
    from service.client.keys import Choice
    from service.client.sources import Spool
    from service.client.stream import StreamOptions
    from service.commands.display import Display

LONGEST_S: Final = 4 * 3600
"""The server's default session limit."""
PATIENCE_S: Final = 15.0
"""A server away for longer is told to the person, who has the recording."""

Recording = Callable[[Callable[[bytes], None]], AbstractAsyncContextManager[None]]
"""Records while its context is open, handing PCM16 to the given function."""


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", language: Language
) -> None:
    """Describe the command."""
    say = language.text
    parser = subparsers.add_parser(
        "dictate",
        help=say("dictate.help"),
        description=say("dictate.description"),
        allow_abbrev=False,
    )
    parser.add_argument("--server", metavar="URL", help=say("stream.server"))
    parser.add_argument(
        "--language",
        dest="spoken",
        type=spoken_type(language),
        default="auto",
        metavar="CODE",
        help=say("stream.spoken"),
    )
    parser.add_argument("--terms", type=terms, default=(), metavar="A,B", help=say("stream.terms"))
    parser.add_argument("--microphone", metavar="NAME", help=say("dictate.microphone"))
    parser.add_argument("--copy", action="store_true", help=say("dictate.copy"))
    add_settings_flags(parser, language)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, language: Language) -> int:
    """Dictate; give the exit status."""
    from service.client.microphone import find_microphone, recording  # noqa: PLC0415
    from service.operations.logs import configure_logs  # noqa: PLC0415

    configure_logs("auto", "error")
    device = find_microphone(args.microphone)

    def record(deliver: Callable[[bytes], None]) -> AbstractAsyncContextManager[None]:
        return recording(device, deliver, wanted=args.microphone)

    return run_until_interrupted(_dictate(args, language, record, device.sample_rate))


async def _dictate(
    args: argparse.Namespace, language: Language, record: Recording, sample_rate: int
) -> int:
    from service.client.clipboard import copy_text  # noqa: PLC0415
    from service.client.keys import key_pressed  # noqa: PLC0415
    from service.client.servers import reachable_server  # noqa: PLC0415
    from service.client.signed_in import token_source  # noqa: PLC0415
    from service.client.stream import StreamOptions  # noqa: PLC0415

    settings = settings_from(args)
    async with reachable_server(args.server, settings) as server:
        options = StreamOptions(
            server=server,
            token_source=token_source(server),
            sample_rate=sample_rate,
            language=args.spoken,
            partials=sys.stderr.isatty(),
            terms=args.terms,
            patience_s=PATIENCE_S,
        )
        take = Take(settings.data_dir / "recordings", options, language)
        text = await take.run(record, key_pressed)
    if text is None:
        return 0
    print(text, flush=True)  # noqa: T201
    if args.copy:
        copy_text(text)
    return 0


class Take:
    """One dictation: a recording on its way to text."""

    def __init__(self, folder: Path, options: "StreamOptions", language: Language) -> None:
        self._folder = folder
        self._options = options
        self._language = language

    async def run(self, record: Recording, choose: Callable[[], Awaitable["Choice"]]) -> str | None:
        """Record until a key is pressed and give the text; None when the person cancelled.

        Raises:
            ServiceError: `dictation.kept`, the text could not be had and the recording is kept; or
                what the microphone raises.
        """
        from service.client.sources import Spool  # noqa: PLC0415
        from service.commands.display import Display  # noqa: PLC0415
        from service.problems import ServiceError  # noqa: PLC0415

        path = self._new_file()
        rate = self._options.sample_rate
        display = Display(self._language, title="●", length_s=None, sample_rate=rate)
        try:
            with Spool(path, sample_rate=rate, limit_samples=LONGEST_S * rate) as spool, display:
                text = await self._record_and_send(spool, display, record, choose)
        except asyncio.CancelledError:  # Ctrl+C: the person takes back what they said
            path.unlink(missing_ok=True)
            raise
        except ServiceError as exc:
            if exc.code.startswith("microphone."):
                path.unlink(missing_ok=True)
                raise
            raise ServiceError(
                "dictation.kept",
                self._language.text("dictate.kept", code=exc.code, file=str(path)),
            ) from exc
        path.unlink(missing_ok=True)
        return text

    async def _record_and_send(
        self,
        spool: "Spool",
        display: "Display",
        record: Recording,
        choose: Callable[[], Awaitable["Choice"]],
    ) -> str | None:
        from service.client.stream import Stream  # noqa: PLC0415
        from service.problems import ServiceError  # noqa: PLC0415

        session = uuid.uuid4().hex

        async def send() -> str | ServiceError:
            stream = Stream(spool, self._options, session=session, show=display.show)
            try:
                return (await stream.run()).done.text
            except ServiceError as exc:
                return exc

        try:
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(send())
                async with record(spool.append):
                    display.say(self._language.text("dictate.speak"))
                    choice = await _first_of(choose, spool)
                spool.close()
                if choice == "cancel":
                    sending.cancel()
                    return None
                if spool.failure is not None:
                    display.say(self._language.text("dictate.ended", code=spool.failure.code))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        outcome = sending.result()
        if isinstance(outcome, ServiceError):
            # The server was away while the person spoke: once more, now that all is recorded.
            outcome = await send()
        if isinstance(outcome, ServiceError):
            raise outcome
        return outcome

    def _new_file(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        now = datetime.now(UTC).astimezone()
        return self._folder / f"{now:%Y-%m-%d_%H-%M-%S.%f}.wav"


async def _first_of(choose: Callable[[], Awaitable["Choice"]], spool: "Spool") -> "Choice":
    """Wait for the person's choice, or for the recording to end by itself."""

    async def chosen() -> "Choice":
        return await choose()

    async def ended() -> "Choice":
        await spool.ended()
        return "finish"

    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(chosen()), tasks.create_task(ended())]
        done, left = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
    return done.pop().result()
