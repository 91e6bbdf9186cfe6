"""OpenAI's realtime interface for transcription: `wss …/v1/realtime?intent=transcription`.

Decides nothing about speech: events become calls of a session of ours, and what it says becomes
events again. An error is an event and the connection goes on, as with OpenAI; it is closed when the
client goes, is silent for too long or signed out, or the server ends.
"""

import asyncio
from typing import Final, assert_never
from uuid import uuid4

from fastapi import APIRouter, WebSocket

from service.accounts.principal import Principal, Scope
from service.compat.conversing import GONE, Ending
from service.compat.openai_realtime_events import (
    Append,
    Clear,
    ClientEvent,
    Commit,
    Event,
    EventId,
    OlderSessionUpdate,
    SessionUpdate,
    decode,
    decode_head,
    encode,
    error_event,
)
from service.compat.openai_realtime_items import Conversation
from service.compat.openai_realtime_settings import RealtimeSettings
from service.compat.openai_realtime_takes import (
    CommittedTurn,
    DetectedTurns,
    Take,
    described,
    nothing_to_commit,
)
from service.compat.openai_rest_errors import SIGNED_OUT, OpenAIRefused, answer_for
from service.compat.openai_rest_errors import described as described_error
from service.compat.openai_rest_models import check_model
from service.compat.sockets import (
    AsgiSocket,
    Gone,
    Socket,
    check_not_draining,
    check_origin,
    deny,
    unbreakable,
)
from service.compat.speaking import begin
from service.dictation.wire import (
    AudioFormat,
    ClientProgram,
    CloseCode,
    Context,
    ErrorMessage,
    Start,
)
from service.parts import Parts
from service.problems import ServiceError

CLIENT: Final = ClientProgram(name="OpenAI Realtime API")
IDLE_S: Final = 900.0
"""A connection on which nobody says anything for this long is closed; it holds no session then."""
TAKES: Final = 8
"""Sessions of one connection that may wait for their text at once; then its socket is not read."""
_OLDER: Final = "realtime=v1"
_SUBPROTOCOL: Final = "realtime"
_OLDER_SUBPROTOCOL: Final = "openai-beta.realtime-v1"
_DRAINING: Final = ErrorMessage(
    code="server.draining",
    message="the server is restarting; connect again",
    retryable=True,
)


class RealtimeConnection:
    """One connection, from `session.created` to its close."""

    def __init__(
        self, socket: Socket, parts: Parts, principal: Principal, *, is_older: bool
    ) -> None:
        self._socket = socket
        self._parts = parts
        self._principal = principal
        self._id = f"sess_{uuid4().hex[:24]}"
        self._settings = RealtimeSettings(silence_ms=parts.settings.endpoint_silence_ms)
        self._conversation = Conversation(is_older=is_older)
        self._earlier_s = 0.0  # audio of the takes before the one at hand
        self._take: Take | None = None
        self._takes: set[Take] = set()
        self._room = asyncio.Semaphore(TAKES)
        self._telling = asyncio.Lock()
        self._reader: asyncio.Task[Ending] | None = None
        self._ending: Ending | None = None

    async def serve(self) -> None:
        """Speak until either side ends, then close."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._reader = tasks.create_task(self._read(tasks))
                await asyncio.wait((self._reader,))
                for take in list(self._takes):
                    take.speaking.leave()
        finally:
            for take in self._takes:
                take.speaking.leave()
        ending = self._ending or (GONE if self._reader.cancelled() else self._reader.result())
        if not ending.is_gone:
            await self._socket.close(ending)

    async def _read(self, tasks: asyncio.TaskGroup) -> Ending:
        try:
            await self._tell(self._session_event("created"))
            while True:
                text = await self._socket.receive(IDLE_S)
                event_id: EventId = None
                try:
                    head = decode_head(text)
                    event_id = head.event_id
                    await self._obey(decode(text, head), tasks)
                except ServiceError as exc:
                    error = described_error(exc)
                    await self._tell(error_event(error, caused_by=event_id))
                    if error.code == SIGNED_OUT:
                        return Ending(code=CloseCode.UNAUTHORISED, reason=exc.message)
        except Gone:
            return GONE
        except TimeoutError:
            return Ending(code=CloseCode.NORMAL, reason="nothing was said for too long")

    async def _obey(self, event: ClientEvent, tasks: asyncio.TaskGroup) -> None:
        match event:
            case SessionUpdate():
                await self._update(self._settings.updated(event.session))
            case OlderSessionUpdate():
                self._conversation.is_older = True
                await self._update(self._settings.updated_by_older(event.session))
            case Append():
                await self._append(event.pcm(), tasks)
            case Commit():
                if self._take is None or self._take.speaking.is_over:
                    raise nothing_to_commit()
                await self._tell(*self._take.commit())
                self._let_go_of_ended()
            case Clear():
                await self._clear()
            case _:
                assert_never(event)

    async def _update(self, settings: RealtimeSettings) -> None:
        check_model(self._parts, settings.transcription.model)
        if settings != self._settings and self._take is not None:
            self._end_take(self._take)  # what was said is finished as it began
        self._settings = settings
        await self._tell(self._session_event("updated"))

    def _session_event(self, what: str) -> Event:
        if self._conversation.is_older:
            session = self._settings.told_as_older(self._id)
            return {"type": f"transcription_session.{what}", "session": session}
        return {"type": f"session.{what}", "session": self._settings.told(self._id)}

    async def _append(self, pcm: bytes, tasks: asyncio.TaskGroup) -> None:
        if not pcm:
            return
        if self._parts.sessions.is_draining:
            raise OpenAIRefused(_DRAINING.code, _DRAINING.message, status=503)
        if self._take is not None and self._take.speaking.is_over:
            self._end_take(self._take)
        take = self._take or await self._open(tasks)
        try:
            await take.speaking.feed(pcm)
        except ServiceError:
            self._end_take(take)
            raise

    async def _open(self, tasks: asyncio.TaskGroup) -> Take:
        if await self._parts.gate.lost([self._principal]):
            raise OpenAIRefused(
                "auth.revoked", "this sign-in or key was ended: sign in again", status=401
            )
        settings = self._settings
        start = Start(
            audio=AudioFormat(sample_rate=settings.rate_hz),
            language=settings.language,
            words=settings.logprobs,
            client=CLIENT,
            context=Context(terms=settings.terms),
        )
        await self._room.acquire()
        try:
            speaking = await begin(
                self._parts, principal=self._principal, start=start, manner=settings.manner
            )
        except BaseException:
            self._room.release()
            raise
        take: Take
        if settings.turns is None:
            take = CommittedTurn(speaking, self._conversation, settings)
        else:
            take = DetectedTurns(speaking, self._conversation, settings, earlier_s=self._earlier_s)
        self._takes.add(take)
        self._take = take
        tasks.create_task(self._follow(take))
        return take

    async def _clear(self) -> None:
        if self._take is None:
            await self._tell({"type": "input_audio_buffer.cleared"})
            return
        take = self._take
        try:
            await self._tell(*await take.clear())
        finally:
            self._let_go_of_ended()

    def _let_go_of_ended(self) -> None:
        if self._take is not None and self._take.is_ending:
            self._end_take(self._take)

    def _end_take(self, take: Take) -> None:
        """Give this take no more audio; its text still comes."""
        take.is_ending = True
        self._earlier_s += take.speaking.received / self._settings.rate_hz
        if not take.speaking.is_over:
            take.speaking.finish()
        if self._take is take:
            self._take = None

    async def _follow(self, take: Take) -> None:
        """Tell what a session says until it ends."""
        try:
            async for heard in take.speaking.heard():
                await self._tell(*take.hear(heard))
                if isinstance(heard, ErrorMessage):
                    await self._failed(heard)
            if self._parts.sessions.is_draining:
                await self._failed(_DRAINING)
        except Gone:
            self._stop(GONE)
        finally:
            take.speaking.leave()
            self._takes.discard(take)
            self._room.release()

    async def _failed(self, error: ErrorMessage) -> None:
        if self._ending:
            return
        await self._tell(error_event(described(error)))
        if described(error).code == SIGNED_OUT:
            self._stop(Ending(code=CloseCode.UNAUTHORISED, reason=error.message))
        elif error.code == "server.draining":
            self._stop(Ending(code=CloseCode.DRAINING, reason=error.message))

    def _stop(self, ending: Ending) -> None:
        self._ending = self._ending or ending
        if self._reader:
            self._reader.cancel()

    async def _tell(self, *events: Event) -> None:
        async with self._telling:  # events that belong together stay together
            for event in events:
                await self._socket.send(encode(event))


def openai_realtime_routes(parts: Parts) -> APIRouter:
    """Make the router with `/v1/realtime`."""
    router = APIRouter()

    @router.websocket("/v1/realtime")
    async def realtime(websocket: WebSocket) -> None:
        async with unbreakable(websocket):
            try:
                check_origin(websocket, allowed=parts.settings.allowed_origins)
                check_not_draining(parts.sessions)
                principal = await parts.gate.admit(websocket, Scope.DICTATE)
                _check_intent(parts, websocket)
            except ServiceError as exc:
                await deny(websocket, answer_for(exc))
                return
            offered = websocket.scope.get("subprotocols", [])
            await websocket.accept(subprotocol=_SUBPROTOCOL if _SUBPROTOCOL in offered else None)
            is_older = (
                _OLDER in websocket.headers.get("openai-beta", "") or _OLDER_SUBPROTOCOL in offered
            )
            connection = RealtimeConnection(
                AsgiSocket(websocket), parts, principal, is_older=is_older
            )
            await connection.serve()

    return router


def _check_intent(parts: Parts, websocket: WebSocket) -> None:
    """Refuse conversations: this server only listens.

    Raises:
        OpenAIRefused: `model_not_found`.
    """
    if websocket.query_params.get("intent") != "transcription":
        check_model(parts, websocket.query_params.get("model"))
