"""Messages on their way to one socket: bounded, with partials that replace each other.

A socket that reads too slowly loses only partials that a newer one replaces. When even the other
messages pile up, the outbox gives up: the socket is closed and the client resumes, which sends
what it missed again. So a stuck client costs a bounded amount of memory and no text.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from service.dictation.outputs import SpeechStarted, SpeechStopped
from service.dictation.wire import CloseCode, ErrorMessage, Heartbeat, Partial, ServerMessage

LIMIT_MESSAGES: Final = 4096
"""About 4 MB of finals with words; a replay is not counted, it is made as it is read."""

OutgoingMessage = ServerMessage | SpeechStarted | SpeechStopped
"""`alfavoice.v1`, and what adapters of other protocols asked for besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """The last thing said on a socket."""

    code: CloseCode
    error: ErrorMessage | None = None


class Outgoing:
    """The outbox of one socket; `send` and `close` never wait."""

    def __init__(self) -> None:
        self._replay: Iterator[ServerMessage] = iter(())
        self._messages: deque[OutgoingMessage] = deque()
        self._wake = asyncio.Event()
        self._closing: Closing | None = None

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called; what is sent afterwards goes nowhere."""
        return self._closing is not None

    def replay(self, messages: Iterator[ServerMessage]) -> None:
        """Send these before everything that is sent from now on, made when their turn comes."""
        self._replay = messages
        self._wake.set()

    def send(self, message: OutgoingMessage) -> None:
        """Queue a message; a partial or heartbeat takes the place of an older one waiting."""
        if self._closing:
            return
        if isinstance(message, Partial | Heartbeat):
            for index, waiting in enumerate(self._messages):
                if type(waiting) is type(message):
                    del self._messages[index]
                    break
        if len(self._messages) >= LIMIT_MESSAGES:
            self.close(
                CloseCode.OVERLOADED,
                ErrorMessage(
                    code="session.reader_too_slow",
                    message="messages are not being read; resume the session to get them again",
                    retryable=True,
                    retry_after_ms=1000,
                ),
            )
            return
        self._messages.append(message)
        self._wake.set()

    def close(self, code: CloseCode, error: ErrorMessage | None = None) -> None:
        """Close the socket after what is queued; the first call wins."""
        if self._closing is None:
            self._closing = Closing(code=code, error=error)
            self._wake.set()

    def follows(self) -> OutgoingMessage | None:
        """Give the message that `next` gives without waiting, if there is one, and leave it."""
        return self._messages[0] if self._messages else None

    async def next(self) -> OutgoingMessage | Closing:
        """Wait for the next message, or for the closing once all are out."""
        while True:
            if (missed := next(self._replay, None)) is not None:
                return missed
            if self._messages:
                return self._messages.popleft()
            if self._closing:
                return self._closing
            self._wake.clear()
            await self._wake.wait()
