"""One dictation in this process, for an adapter that speaks another protocol to its client.

    async with speak(parts, principal=principal, start=start) as speaking:
        tasks: await speaking.feed(pcm) ... speaking.finish()
               async for heard in speaking.heard(): ...

It is a session like any other: admitted, bounded, decoded under the same rules, and stored in the
person's history under the client's name in `start`. Its client cannot resume it, so what was said
before a connection broke is finished and stored when the block ends, and a session nobody said
anything in leaves nothing behind.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.accounts.principal import Principal
from service.dictation.live import LiveSession
from service.dictation.markers import AtMarker
from service.dictation.options import Manner
from service.dictation.outgoing import Closing, Outgoing
from service.dictation.outputs import SpeechStarted, SpeechStopped
from service.dictation.sessions import AS_SET
from service.dictation.wire import (
    CloseCode,
    Done,
    ErrorMessage,
    Final,
    MarkerReached,
    Partial,
    Start,
)
from service.parts import Parts
from service.problems import ProtocolError

Heard = SpeechStarted | SpeechStopped | Partial | Final | MarkerReached | Done | ErrorMessage
"""What a session says; positions in samples at the rate named in `start`."""

_TOLD = (SpeechStarted, SpeechStopped, Partial, Final, MarkerReached, Done, ErrorMessage)


class Speaking:
    """A session being spoken into. Made by `speak`."""

    def __init__(self, parts: Parts, live: LiveSession, outgoing: Outgoing) -> None:
        self._sessions = parts.sessions
        self._max_session_s = parts.limits.max_session_s
        self._live = live
        self._outgoing = outgoing

    @property
    def id(self) -> str:
        """Of the session, for logs."""
        return self._live.id

    @property
    def received(self) -> int:
        """Samples fed so far, at the client's rate."""
        return self._live.audio.received

    @property
    def is_over(self) -> bool:
        """Whether the session ended or broke; `heard` says why, and audio goes nowhere."""
        return self._live.ended.is_set() or self._outgoing.is_closed

    async def feed(self, pcm: bytes) -> None:
        """Hand in the next audio, in the format of `start`; at most `MAX_AUDIO_BYTES` at once.

        Waits while the session has no room: whoever feeds stops reading its client meanwhile.

        Raises:
            ProtocolError: `session.too_long`; `protocol.audio_after_finish`; it is not audio of
                that format.
        """
        await self._live.room()
        if self.is_over or (self._sessions.is_draining and self._live.is_finishing):
            return
        if self.received > self._max_session_s * self._live.audio.format.sample_rate:
            raise ProtocolError(
                "session.too_long", f"at most {self._max_session_s:.0f} s of audio at once"
            )
        self._live.take_audio(pcm)

    def mark(self, marker: str, at: AtMarker = AtMarker.GOES_ON) -> None:
        """Have `MarkerReached` said once all audio fed so far is in a final, or forgotten.

        With `AtMarker.ENDS` that is at once: the open utterance is closed and becomes a final. With
        `AtMarker.DROPPED` no final comes of it.

        Raises:
            ProtocolError: `protocol.too_many_markers`, 64 wait already.
        """
        if not self.is_over:
            self._live.take_marker(marker, at)

    def finish(self) -> None:
        """Take the end of the audio: `Done` follows the last final, and the text is stored."""
        self._live.take_finish(None)

    async def cancel(self) -> None:
        """Forget everything that was said.

        Raises:
            StoreUnavailable: it may still be stored.
        """
        self._outgoing.close(CloseCode.NORMAL)
        await self._sessions.cancel(self._live)

    async def heard(self) -> AsyncIterator[Heard]:
        """Give what the session says, in order; ends after `Done` or an `ErrorMessage`."""
        while True:
            message = await self._outgoing.next()
            if isinstance(message, Closing):
                if message.error:
                    yield message.error
                return
            if isinstance(message, _TOLD):
                yield message

    def reaches(self) -> str | None:
        """Give the marker that the final just heard reaches: it is the next thing said."""
        follows = self._outgoing.follows()
        return follows.id if isinstance(follows, MarkerReached) else None

    def leave(self) -> None:
        """Let the session finish by itself; nothing is heard of it any more. Again: nothing."""
        if self.received:
            self._live.take_finish(None)
        else:
            self._live.flush()  # nobody spoke: nothing is kept
        self._outgoing.close(CloseCode.NORMAL)
        self._live.detach(self._outgoing)


async def begin(
    parts: Parts, *, principal: Principal, start: Start, manner: Manner = AS_SET
) -> Speaking:
    """Open a session on somebody's behalf; whoever asks calls `leave` in the end.

    Args:
        parts: of the service.
        principal: whose history it goes to; has the scope `dictate`.
        start: format, language, terms; `client` names the interface. `session` must be unset.
        manner: what the client asked for besides.

    Raises:
        Refused: no room.
        ProtocolError: the audio format is unknown.
        StoreUnavailable: the database does not answer.
    """
    outgoing = Outgoing()
    live, _ = await parts.sessions.open(
        start, principal=principal, outgoing=outgoing, limits=parts.limits, manner=manner
    )
    return Speaking(parts, live, outgoing)


@asynccontextmanager
async def speak(
    parts: Parts, *, principal: Principal, start: Start, manner: Manner = AS_SET
) -> AsyncIterator[Speaking]:
    """Open a session as `begin` does; what was fed is stored whatever ends the block."""
    speaking = await begin(parts, principal=principal, start=start, manner=manner)
    try:
        yield speaking
    finally:
        speaking.leave()
