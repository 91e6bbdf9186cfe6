"""The websocket of vosk-server: `/v1/vosk`, for programs written for it (Asterisk, FreeSWITCH …).

    client: {"config": …} · PCM · PCM · {"reset": 1} · PCM · {"eof": 1}
    server:                 one answer to each of these; after that to `eof` it closes

Its clients wait for one answer after every message of audio, so each gets what is known by then: the
text of the next closed utterance if there is one, or else what is heard so far of the open one. The
answers to `reset` and `eof` hold all the text that was not given before. Vosk has no message for
errors: the close code and its reason say what is wrong.
"""

import asyncio
from collections import deque
from dataclasses import replace
from typing import Final

from fastapi import APIRouter, WebSocket

from service.accounts.principal import Principal, Scope
from service.compat.conversing import GONE, Ending, converse
from service.compat.mixing import Mixdown
from service.compat.sockets import (
    AsgiSocket,
    Gone,
    Socket,
    check_not_draining,
    check_origin,
    deny,
    unbreakable,
)
from service.compat.speaking import Speaking, speak
from service.compat.vosk_messages import Style, decode_text, final_answer, partial_answer
from service.dictation import wire
from service.dictation.markers import AtMarker
from service.dictation.options import Manner
from service.operations.problem_json import answer_for
from service.parts import Parts
from service.problems import ProtocolError, Refused, RequestRefused, ServiceError, StoreUnavailable

MANNER: Final = Manner(ends_when_draining=True, takes_back=False)
CLIENT: Final = wire.ClientProgram(name="vosk")
_POLICY_VIOLATION: Final = 1008


class VoskDialogue:
    """One connection, from its first message to its close."""

    def __init__(self, socket: Socket, *, parts: Parts, principal: Principal) -> None:
        self._socket = socket
        self._parts = parts
        self._principal = principal
        self._style = Style()
        self._finals: deque[wire.Final] = deque()  # not given yet
        self._partial = ""
        self._is_reset = asyncio.Event()

    async def serve(self) -> None:
        """Answer until the client said `eof` or went, then close."""
        try:
            first = await self._before_audio()
            ending = first if isinstance(first, Ending) else await self._dictate(first)
        except Gone:
            return
        except ServiceError as exc:
            ending = ending_for(exc)
        if not ending.is_gone:
            await self._socket.close(ending)

    async def _before_audio(self) -> bytes | Ending:
        """Follow what comes before the first audio; give that, or the end of it all."""
        while True:
            message = await self._receive()
            if isinstance(message, bytes):
                return message
            text = decode_text(message)
            if text.config is not None:
                self._style = self._style.changed(text.config)
            else:
                await self._socket.send(final_answer((), self._style))
            if text.eof:
                return Ending()

    async def _dictate(self, first: bytes) -> Ending:
        style = self._style
        start = wire.Start(
            audio=wire.AudioFormat(sample_rate=style.sample_rate),
            client=CLIENT,
            context=wire.Context(terms=list(style.terms)),
        )
        async with speak(
            self._parts,
            principal=self._principal,
            start=start,
            manner=replace(MANNER, wants_finished=not style.bare),
        ) as speaking:
            return await converse(self._listen(speaking, first), self._answer(speaking))

    async def _listen(self, speaking: Speaking, first: bytes) -> Ending | None:
        mixdown = Mixdown(width=2, channels=1)
        message: str | bytes = first
        try:
            while True:
                if isinstance(message, bytes):
                    await speaking.feed(mixdown.mono(message))
                    await self._socket.send(self._known())
                elif await self._obey(message, speaking):
                    speaking.finish()
                    return None
                message = await self._receive()
        except Gone:
            return GONE
        except ServiceError as exc:
            return ending_for(exc)

    async def _obey(self, message: str, speaking: Speaking) -> bool:
        """Do what a text message asks for; say whether it is the end."""
        text = decode_text(message)
        if text.config is not None:
            # As in Vosk: the rate is that of the first audio.
            changed, rate_hz = self._style.changed(text.config), self._style.sample_rate
            self._style = changed.at_rate(rate_hz)
        elif not text.eof:
            self._is_reset.clear()
            speaking.mark("reset", AtMarker.ENDS)
            await self._is_reset.wait()
        return bool(text.eof)

    async def _answer(self, speaking: Speaking) -> Ending:
        """Take in what is heard; answer what had to wait for it."""
        try:
            async for heard in speaking.heard():
                match heard:
                    case wire.Partial():
                        self._partial = f"{heard.stable}{heard.tail}"
                    case wire.Final():
                        self._partial = ""
                        if heard.text:
                            self._finals.append(heard)
                    case wire.MarkerReached():
                        await self._give_the_rest()
                        self._is_reset.set()
                    case wire.Done():
                        await self._give_the_rest()
                        return Ending()
                    case wire.ErrorMessage():
                        return ending_for(ServiceError(heard.code, heard.message))
        except Gone:
            return GONE
        return Ending()

    def _known(self) -> str:
        if self._finals:
            return final_answer([self._finals.popleft()], self._style)
        return partial_answer(self._partial, self._style)

    async def _give_the_rest(self) -> None:
        rest = list(self._finals)
        self._finals.clear()
        await self._socket.send(final_answer(rest, self._style))

    async def _receive(self) -> str | bytes:
        try:
            return await self._socket.receive(self._parts.limits.idle_s)
        except TimeoutError as exc:
            raise ProtocolError("session.idle", "nothing came for too long") from exc


def ending_for(problem: ServiceError) -> Ending:
    """Give the close code that says what is wrong."""
    code = wire.CloseCode.INTERNAL
    match problem:
        case Refused() | StoreUnavailable():
            code = wire.CloseCode.OVERLOADED
        case ProtocolError() | RequestRefused():
            return Ending(code=_POLICY_VIOLATION, reason=problem.message)
        case ServiceError(code="server.draining"):
            code = wire.CloseCode.DRAINING
        case ServiceError(code="auth.revoked"):
            return Ending(code=_POLICY_VIOLATION, reason=problem.message)
    return Ending(code=code, reason=problem.message)


def vosk_route(parts: Parts) -> APIRouter:
    """Make the router with `/v1/vosk`."""
    router = APIRouter()

    @router.websocket("/v1/vosk")
    async def vosk(websocket: WebSocket) -> None:
        async with unbreakable(websocket):
            try:
                check_origin(websocket, allowed=parts.settings.allowed_origins)
                check_not_draining(parts.sessions)
                principal = await parts.gate.admit(websocket, Scope.DICTATE)
            except ServiceError as exc:
                await deny(websocket, answer_for(exc))
                return
            await websocket.accept()
            dialogue = VoskDialogue(AsgiSocket(websocket), parts=parts, principal=principal)
            await dialogue.serve()

    return router
