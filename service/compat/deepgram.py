"""Deepgram's live interface: `/v1/listen`, for programs written for it.

    client: audio · {"type": "KeepAlive" | "Finalize" | "CloseStream"}
    server: Results … · SpeechStarted · UtteranceEnd · Metadata (the last one)

What is refused is refused in the answer to the handshake, with `dg-error` saying why. What differs
from Deepgram is in docs/compat.md.
"""

import hashlib
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final, assert_never
from uuid import NAMESPACE_URL, uuid4, uuid5

import structlog
from fastapi import APIRouter, WebSocket

from service.accounts.principal import Scope
from service.compat.conversing import GONE, Ending, converse
from service.compat.deepgram_messages import (
    Error,
    Metadata,
    ModelFacts,
    ResultsMetadata,
    ServerMessage,
    decode_control,
    encode,
    seconds,
)
from service.compat.deepgram_parameters import (
    AudioParameters,
    ListenParameters,
    audio_parameters,
    listen_parameters,
)
from service.compat.deepgram_refusals import denial
from service.compat.deepgram_results import Told
from service.compat.mixing import Mixdown
from service.compat.sockets import AsgiSocket, Gone, Socket, check_origin, deny, unbreakable
from service.compat.speaking import Speaking, speak
from service.dictation.options import Manner
from service.dictation.wire import (
    AudioFormat,
    ClientProgram,
    CloseCode,
    Context,
    Done,
    ErrorMessage,
    Start,
)
from service.parts import Parts
from service.problems import ProtocolError, ServiceError

log = structlog.get_logger()

CLIENT: Final = ClientProgram(name="deepgram")
IDLE_S: Final = 10.0
"""Without audio or KeepAlive a stream is closed as NET-0001 (Deepgram's documentation)."""
_POLICY_VIOLATION: Final = 1008
_SUBPROTOCOLS: Final = ("token", "bearer")
"""Browsers cannot set headers: they offer `token, <key>` and want the first one confirmed."""
_CLOSE_CODES: Final = {
    "server.draining": CloseCode.DRAINING,
    "session.reader_too_slow": CloseCode.OVERLOADED,
}


class LiveStream:
    """One stream, from its first message to its close."""

    def __init__(
        self,
        socket: Socket,
        speaking: Speaking,
        *,
        told: Told,
        audio: AudioParameters,
        request_id: str,
        idle_s: float,
    ) -> None:
        self._socket = socket
        self._speaking = speaking
        self._told = told
        self._audio = audio
        self._request_id = request_id
        self._idle_s = idle_s
        self._mixdown = Mixdown(width=2, channels=audio.channels)
        self._hash = hashlib.sha256()
        self._created = datetime.now(UTC)

    async def serve(self) -> None:
        """Speak until either side has ended, then close."""
        ending = await converse(self._read(), self._write())
        if not ending.is_gone:
            await self._socket.close(ending)

    async def _read(self) -> Ending | None:
        try:
            while True:
                message = await self._socket.receive(self._idle_s)
                if not message:
                    break  # older programs end a stream with an empty message
                if isinstance(message, bytes):
                    await self._take(message)
                elif await self._obey(message):
                    break
            self._speaking.finish()
        except Gone:
            return GONE
        except TimeoutError:
            idle = f"NET-0001: no audio and no KeepAlive came for {self._idle_s:g} s"
            return Ending(code=CloseCode.INTERNAL, reason=idle)
        except ProtocolError as exc:
            return await self._refuse(exc)
        return None

    async def _take(self, data: bytes) -> None:
        self._hash.update(data)
        is_opus = self._audio.encoding == "opus"
        await self._speaking.feed(data if is_opus else self._mixdown.mono(data))
        self._told.look_for_silence()

    async def _obey(self, text: str) -> bool:
        """Do what a text message asks for; say whether it ends the stream."""
        kind = decode_control(text).type
        match kind:
            case "KeepAlive":
                return False
            case "Finalize":
                self._told.finalize()
                return False
            case "Configure":
                await self._send(self._told.configure_failure())
                return False
            case "CloseStream":
                return True
            case _:
                assert_never(kind)

    async def _refuse(self, problem: ProtocolError) -> Ending:
        variant = "SchemaError" if problem.code.startswith("protocol.") else "DATA-0000"
        try:
            await self._send(Error(variant=variant, description=problem.message, code=problem.code))
        except Gone:
            return GONE
        return Ending(code=_POLICY_VIOLATION, reason=f"{variant}: {problem.message}")

    async def _write(self) -> Ending:
        try:
            async for heard in self._speaking.heard():
                match heard:
                    case ErrorMessage():
                        return await self._failed(heard)
                    case Done():
                        await self._send(*self._told.end(), self._metadata())
                        return Ending()
                    case _:
                        await self._send(*self._told.hear(heard))
        except Gone:
            return GONE
        return Ending(code=CloseCode.INTERNAL)

    async def _failed(self, error: ErrorMessage) -> Ending:
        await self._send(Error(variant="ServerError", description=error.message, code=error.code))
        code = _CLOSE_CODES.get(error.code, CloseCode.INTERNAL)
        return Ending(code=code, reason=error.message)

    async def _send(self, *messages: ServerMessage) -> None:
        for message in messages:
            await self._socket.send(encode(message))

    def _metadata(self) -> Metadata:
        return Metadata(
            request_id=self._request_id,
            sha256=self._hash.hexdigest(),
            created=self._created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            duration=seconds(self._speaking.received, self._audio.sample_rate),
            channels=self._audio.channels,
        )


def model_facts(parts: Parts) -> ModelFacts:
    """Say which model answers."""
    names = [engine.model for engine in parts.engines()]
    return ModelFacts(
        name=names[0] if names else "starting", version=version("alfavoice"), arch="whisper"
    )


def listen_route(parts: Parts) -> APIRouter:
    """Make the router with the live `/v1/listen`."""
    router = APIRouter()

    @router.websocket("/v1/listen")
    async def listen(websocket: WebSocket) -> None:
        request_id = str(uuid4())
        async with unbreakable(websocket):
            try:
                check_origin(websocket, allowed=parts.settings.allowed_origins)
                await _listen(parts, websocket, request_id)
            except ServiceError as exc:
                await deny(websocket, denial(exc, request_id))

    return router


async def _listen(parts: Parts, websocket: WebSocket, request_id: str) -> None:
    principal = await parts.gate.admit(websocket, Scope.DICTATE)
    wanted = listen_parameters(websocket.query_params)
    audio = audio_parameters(websocket.query_params)
    start, manner = _start(wanted, audio), _manner(wanted)
    async with speak(parts, principal=principal, start=start, manner=manner) as speaking:
        await _accept(websocket, request_id)
        facts = model_facts(parts)
        metadata = ResultsMetadata(
            request_id=request_id,
            model_info=facts,
            model_uuid=str(uuid5(NAMESPACE_URL, f"alfavoice:{facts.name}")),
        )
        told = Told(speaking, wanted=wanted, rate_hz=audio.sample_rate, metadata=metadata)
        stream = LiveStream(
            AsgiSocket(websocket),
            speaking,
            told=told,
            audio=audio,
            request_id=request_id,
            idle_s=min(IDLE_S, parts.limits.idle_s),
        )
        await stream.serve()


def _start(wanted: ListenParameters, audio: AudioParameters) -> Start:
    encoding = audio.encoding
    return Start(
        audio=AudioFormat(
            encoding="opus" if encoding == "opus" else "pcm_s16le", sample_rate=audio.sample_rate
        ),
        language=wanted.language,
        partials=wanted.interim_results,
        client=CLIENT,
        context=Context(terms=list(wanted.terms)),
    )


def _manner(wanted: ListenParameters) -> Manner:
    tells_speech = wanted.vad_events or wanted.utterance_end_ms is not None
    return Manner(
        endpoint_silence_ms=wanted.endpointing_ms,
        tells_speech=tells_speech,
        ends_when_draining=True,
        wants_finished=wanted.finished,
        takes_back=False,
    )


async def _accept(websocket: WebSocket, request_id: str) -> None:
    offered = websocket.scope.get("subprotocols", [])
    chosen = next((name for name in _SUBPROTOCOLS if name in offered), None)
    await websocket.accept(subprotocol=chosen, headers=[(b"dg-request-id", request_id.encode())])
