"""Wyoming, the protocol of Home Assistant's voice: one connection, event by event.

    client: describe · transcribe · audio-start · audio-chunk … · audio-stop · ping
    server: info · transcript-start, transcript-chunk …, transcript, transcript-stop · pong · error

A chunk is the text of one utterance, sent as soon as it is known; `transcript` carries all of it,
once it is stored. After an error the connection is closed: its client waits for a transcript that
will not come, and asks again on a new one. Unknown events are passed over, as the protocol has it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from service.accounts.principal import Principal
from service.compat.conversing import GONE, Ending, converse
from service.compat.languages import session_language
from service.compat.mixing import Mixdown
from service.compat.sockets import WRITE_TIMEOUT_S, Gone
from service.compat.speaking import Speaking, speak
from service.compat.wyoming_events import (
    MAX_LINE_BYTES,
    Event,
    Fields,
    encode_event,
    read_event,
)
from service.compat.wyoming_info import info_event
from service.dictation import wire
from service.dictation.options import Manner
from service.parts import Parts
from service.problems import ProtocolError, ServiceError

MANNER: Final = Manner(ends_when_draining=True, takes_back=False)
CLIENT: Final = wire.ClientProgram(name="wyoming")
MOST_TERMS: Final = 200
LONGEST_TERM: Final = 200
LINGER_S: Final = 1.0
"""After an error: how long what the client still sends is read and dropped."""
RATES_HZ: Final = range(8_000, 48_001)
T = TypeVar("T")


class _Format(msgspec.Struct, frozen=True, kw_only=True):
    """What `audio-start` and every `audio-chunk` say of the audio."""

    rate: int
    width: int
    channels: int


class _Transcribe(msgspec.Struct, frozen=True, kw_only=True):
    language: str | None = None
    transcript_names: list[str] | None = None
    transcript_terms: list[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """How the next audio is to be recognised."""

    language: str = "auto"
    terms: tuple[str, ...] = ()


class WyomingConnection:
    """One client, from its connection to its end."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        parts: Parts,
        principal: Callable[[], Awaitable[Principal]],
    ) -> None:
        """Begin.

        Args:
            reader: made with `limit=MAX_LINE_BYTES`.
            writer: closed at the end.
            parts: of the service.
            principal: gives who dictates, and raises ServiceError if nobody may.
        """
        self._reader = reader
        self._writer = writer
        self._parts = parts
        self._principal = principal
        self._asked = _Asked()
        self._problem: ServiceError | None = None

    async def serve(self) -> None:
        """Answer events until the client goes or something goes wrong."""
        try:
            while event := await self._read():
                await self._follow(event)
        except Gone:
            pass
        except ServiceError as exc:
            await self.refuse(exc)
        finally:
            self._writer.close()

    async def refuse(self, problem: ServiceError) -> None:
        """Say what is wrong, and close."""
        with suppress(Gone, OSError, TimeoutError):
            await self._send("error", {"text": problem.message, "code": problem.code})
            # A connection closed with bytes unread is reset, and the client never sees the error.
            self._writer.write_eof()
            async with asyncio.timeout(LINGER_S):
                while await self._reader.read(MAX_LINE_BYTES):
                    pass
        self._writer.close()

    async def _follow(self, event: Event) -> None:
        """Follow one event while nobody speaks."""
        if event.type == "audio-chunk" and event.payload:
            await self._dictate(event)
        elif event.type == "audio-stop":
            await self._tell_transcript("", self._asked.language)
        else:
            await self._attend(event)

    async def _attend(self, event: Event) -> None:
        """Follow an event that has nothing to do with audio."""
        match event.type:
            case "describe":
                await self._describe()
            case "ping":
                text = event.data.get("text")
                await self._send("pong", {"text": text if isinstance(text, str) else None})
            case "transcribe":
                self._asked = _asked(_fields(event, _Transcribe))
            case "audio-start":
                _checked(_fields(event, _Format))

    async def _describe(self) -> None:
        engines = self._parts.engines()
        languages = {code for engine in engines for code in engine.languages}
        name = engines[0].model if engines else "starting"
        await self._write(info_event(model=name, languages=tuple(sorted(languages))))

    async def _dictate(self, first: Event) -> None:
        """Turn the audio from its first chunk to `audio-stop` into a transcript."""
        form = _checked(_fields(first, _Format))
        start = wire.Start(
            audio=wire.AudioFormat(sample_rate=form.rate),
            language=self._asked.language,
            partials=False,
            client=CLIENT,
            context=wire.Context(terms=list(self._asked.terms)),
        )
        principal = await self._principal()
        async with speak(self._parts, principal=principal, start=start, manner=MANNER) as speaking:
            ending = await converse(self._hear(speaking, first, form), self._tell(speaking))
        if self._problem:
            raise self._problem
        if ending.is_gone:
            raise Gone

    async def _hear(self, speaking: Speaking, first: Event, form: _Format) -> Ending | None:
        mixdown = Mixdown(width=form.width, channels=form.channels)
        try:
            event: Event | None = first
            while event and event.type != "audio-stop":
                if event.type == "audio-chunk":
                    if _fields(event, _Format) != form:
                        raise ProtocolError(
                            "session.format_changed", "audio keeps its format until audio-stop"
                        )
                    await _feed(speaking, mixdown.mono(event.payload))
                else:
                    await self._attend(event)
                event = await self._read()
            if event is None:
                return GONE
            speaking.finish()
        except Gone:
            return GONE
        except ServiceError as exc:
            self._problem = exc
            return Ending()
        return None

    async def _tell(self, speaking: Speaking) -> Ending:
        languages: list[str] = []
        try:
            async for heard in speaking.heard():
                match heard:
                    case wire.Final(text=text) if text:
                        if not languages:
                            await self._send("transcript-start", {"language": heard.language})
                        languages.append(heard.language)
                        await self._send(
                            "transcript-chunk",
                            {"text": f"{heard.glue}{text}" if languages[1:] else text},
                        )
                    case wire.ErrorMessage():
                        self._problem = ServiceError(heard.code, heard.message)
                    case wire.Done():
                        language = languages[0] if languages else self._asked.language
                        await self._tell_transcript(
                            heard.text, language, is_started=bool(languages)
                        )
        except Gone:
            return GONE
        return Ending()

    async def _tell_transcript(self, text: str, language: str, *, is_started: bool = False) -> None:
        self._asked = _Asked()
        named: Fields = {} if language == "auto" else {"language": language}
        if not is_started:
            await self._send("transcript-start", named)
        await self._send("transcript", {"text": text, **named})
        await self._send("transcript-stop", {})

    async def _read(self) -> Event | None:
        try:
            return await read_event(self._reader, idle_s=self._parts.limits.idle_s)
        except TimeoutError as exc:
            raise ProtocolError("session.idle", "nothing came for too long") from exc
        except OSError as exc:
            raise Gone from exc

    async def _send(self, kind: str, data: Fields) -> None:
        await self._write(Event(type=kind, data=data))

    async def _write(self, event: Event) -> None:
        try:
            self._writer.write(encode_event(event))
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self._writer.drain()
        except (OSError, TimeoutError) as exc:
            raise Gone from exc


async def _feed(speaking: Speaking, pcm: bytes) -> None:
    for first in range(0, len(pcm), wire.MAX_AUDIO_BYTES):
        await speaking.feed(pcm[first : first + wire.MAX_AUDIO_BYTES])


def _fields(event: Event, kind: type[T]) -> T:
    try:
        return msgspec.convert(event.data, type=kind)
    except msgspec.ValidationError as exc:
        raise ProtocolError("protocol.invalid_message", f"{event.type} refused: {exc}") from exc


def _checked(form: _Format) -> _Format:
    """Refuse audio we cannot read before any of it comes."""
    try:
        Mixdown(width=form.width, channels=form.channels)
    except ValueError:
        form_is_known = False
    else:
        form_is_known = form.rate in RATES_HZ
    if not form_is_known:
        raise ProtocolError(
            "audio.unsupported_format",
            "audio is PCM of 8 to 48 kHz, 8 to 32 bits, 1 to 8 channels",
        )
    return form


def _asked(transcribe: _Transcribe) -> _Asked:
    language = session_language(transcribe.language or "")
    if language is None:
        raise ProtocolError("protocol.invalid_message", "language is a code such as ru or en-US")
    named = (*(transcribe.transcript_names or ()), *(transcribe.transcript_terms or ()))
    terms = [term[:LONGEST_TERM].strip() for term in named[:MOST_TERMS]]
    return _Asked(language=language, terms=tuple(term for term in terms if term))
