"""One audio source streamed over protocol `alfavoice.v1`, however often the connection drops.

    source ──read──► send ──► server            kept: audio the server has not stored
       ▲                         │              sent ahead: at most `ahead_s` beyond `ack.received`
       └──again from `ready`─────┘ ack, final … done

Memory is bounded by `ahead_s` on the way out and by the finals on the way back.
"""

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from service.client.events import (
    Interrupted,
    Progress,
    Resumed,
    StreamEvent,
    Timing,
    Transcription,
)
from service.client.reconnecting import (
    StreamBroken,
    failure_met,
    failure_told,
    is_worth_another_server,
    waits,
)
from service.dictation import wire
from service.problems import Refused, ServiceError

BYTES_PER_SAMPLE: Final = 2
_CLOSE_TIMEOUT_S: Final = 2.0
_FORGET_TIMEOUT_S: Final = 5.0
_MAX_SERVER_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""`done` carries the whole text: 10 h of speech are about 1 MB."""
_NOBODY_THERE_S: Final = 5.0
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


TokenSource = Callable[[], Awaitable[str | None]]


class AudioSource(Protocol):
    """Audio that can be read again from any sample that was not forgotten."""

    async def read(self, start: int, samples: int) -> bytes:
        """Give up to `samples` samples of PCM16 from `start`, waiting for the first; b"" at the end."""
        ...

    def forget(self, before: int) -> None:
        """Audio before sample `before` will never be asked for again."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """Where to stream to, and how."""

    server: str
    """`http(s)://` or `ws(s)://` address of a server."""
    token: str | None = None
    """Access token or API key for the `Authorization` header."""
    token_source: TokenSource | None = None
    """Where a fresh one comes from for each connection; goes before `token`."""
    sample_rate: int = 16_000
    """Hertz, of the source."""
    language: str = "auto"
    """ISO 639-1 code, or `auto`."""
    partials: bool = True
    words: bool = True
    client: str = "alfavoice-cli"
    """Name of the program, for the operator's statistics."""
    terms: tuple[str, ...] = ()
    pace: float | None = None
    """1.0 sends audio as fast as it was spoken, 2.0 twice as fast; None: as fast as it is taken."""
    message_ms: int = 100
    """Audio in one message."""
    ahead_s: float = 10.0
    """Most audio sent beyond what the server acknowledged; at least 2 s, so that acks come."""
    patience_s: float = 60.0
    """How long to go on trying while nothing gets through; 0: the first failure is the answer."""
    open_timeout_s: float = 10.0
    silence_s: float = 20.0
    """A server that says nothing for so long is taken for gone: it sends heartbeats every 5 s."""


def stream_address(server: str) -> str:
    """Give the socket address of a server named by its `http(s)` or `ws(s)` address."""
    parts = urlsplit(server if "://" in server else f"ws://{server}")
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    path = parts.path.rstrip("/")
    if not path.endswith("/v1/stream"):
        path += "/v1/stream"
    return urlunsplit((scheme, parts.netloc, path, "", ""))


class Stream:
    """One session: a source on its way to a transcript. Run it once."""

    def __init__(
        self,
        source: AudioSource,
        options: StreamOptions,
        *,
        session: str | None = None,
        show: Callable[[StreamEvent], None] = lambda _: None,
    ) -> None:
        """Prepare a stream; nothing happens before `run`.

        Args:
            source: the audio.
            options: where to, and how.
            session: id of a session that a failed stream of the same source left behind.
            show: called for every event, in order; must not block.
        """
        self.session = session or uuid.uuid4().hex
        self._source = source
        self._options = options
        self._show = show
        self._timing = Timing()
        self._finals: dict[int, wire.Final] = {}
        self._opened = False  # a `start` may have reached the server
        self._let_in = False  # the newest connection was answered `ready`
        self._elsewhere = 0  # times that another server was worth a try
        self._forgotten = False  # the server said that it forgot the session
        self._sent = 0  # next sample to send
        self._received = 0  # the server has every sample before
        self._stored = 0  # the source may have forgotten every sample before
        self._farthest = 0  # the most samples the server ever had: what counts as progress
        self._room = asyncio.Event()  # set whenever `_received` grows
        self._moved_at = 0.0  # when anything last got through

    @property
    def finals(self) -> tuple[wire.Final, ...]:
        """What is ready so far, in order."""
        return tuple(self._finals[utterance] for utterance in sorted(self._finals))

    async def run(self) -> Transcription:
        """Stream everything and wait until it is stored.

        When the task is cancelled, the server is told to forget the session.

        Raises:
            StreamBroken: the server will not have this, whatever is tried.
            Refused: nothing got through for `patience_s`; the last failure.
            ServiceError: the source failed.
        """
        try:
            return await self._until_done()
        except asyncio.CancelledError:
            if self._opened and not self._forgotten:
                await self._forget()
            raise

    async def _until_done(self) -> Transcription:
        self._moved_at = time.monotonic()
        attempt, pauses = 0, waits(random.SystemRandom())
        while True:
            started_at = self._moved_at
            try:
                return await self._attempt()
            except (OSError, WebSocketException, ServiceError) as exc:
                failure = failure_met(exc)
            self._elsewhere += is_worth_another_server(failure, let_in=self._let_in)
            if self._moved_at > started_at:
                attempt, pauses = 0, waits(random.SystemRandom())
            attempt += 1
            wait = next(pauses)
            if isinstance(failure, Refused) and failure.retry_after_ms is not None:
                wait = max(wait, failure.retry_after_ms / 1000)
            patience_ends = self._moved_at + self._patience(failure)
            if not failure.retryable or time.monotonic() + wait > patience_ends:
                raise failure
            self._timing.interruptions += 1
            self._show(Interrupted(code=failure.code, retry_in_s=wait, attempt=attempt))
            await asyncio.sleep(wait)

    def _patience(self, failure: ServiceError) -> float:
        """Give the seconds worth waiting: an address where nobody ever answered is likely wrong."""
        if failure.code == "stream.unreachable" and self._timing.opened_at is None:
            return min(self._options.patience_s, _NOBODY_THERE_S)
        return self._options.patience_s

    async def _attempt(self) -> Transcription:
        """Open one connection and stay on it until `done` or a failure."""
        self._let_in = False
        async with await self._connection() as socket:
            if socket.subprotocol != wire.SUBPROTOCOL:
                raise StreamBroken("stream.not_alfavoice", "the server does not speak alfavoice.v1")
            try:
                limits = await self._open(socket)
                return await self._converse(socket, limits)
            except asyncio.CancelledError:
                self._forgotten = await _told_to_forget(socket)
                raise

    async def _forget(self) -> None:
        """Tell the server to forget the session on a new connection.

        The old one may be gone, or behind audio that the server does not read yet.
        """
        with suppress(WebSocketException, OSError, ServiceError):
            async with (
                asyncio.timeout(_FORGET_TIMEOUT_S),
                await self._connection() as socket,
            ):
                await self._open(socket)
                self._forgotten = await _told_to_forget(socket)

    async def _connection(self) -> connect:
        options = self._options
        token = options.token
        if options.token_source is not None:
            token = await options.token_source() or token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if self._elsewhere:  # a proxy before several services asks another one
            headers[wire.ELSEWHERE] = str(self._elsewhere)
        address = stream_address(options.server)
        return connect(
            address,
            subprotocols=[Subprotocol(wire.SUBPROTOCOL)],
            additional_headers=headers,
            compression=None,  # audio does not compress
            proxy=None if urlsplit(address).hostname in _LOOPBACK else True,
            open_timeout=options.open_timeout_s,
            close_timeout=_CLOSE_TIMEOUT_S,
            # A server under load stops reading, and then cannot answer pings: heartbeats and
            # `silence_s` tell a busy server from a dead one.
            ping_interval=None,
            max_size=_MAX_SERVER_MESSAGE_BYTES,
        )

    async def _open(self, socket: ClientConnection) -> wire.Limits:
        """Say `start`, hear `ready`, and go to the sample it names."""
        options = self._options
        await socket.send(
            wire.encode(
                wire.Start(
                    session=self.session,
                    resume_from=self._stored if self._opened else None,
                    audio=wire.AudioFormat(sample_rate=options.sample_rate),
                    language=options.language,
                    partials=options.partials,
                    words=options.words,
                    client=wire.ClientProgram(name=options.client),
                    context=wire.Context(terms=list(options.terms)),
                )
            )
        )
        resuming, self._opened = self._opened, True
        ready = await self._hear(socket)
        if isinstance(ready, wire.ErrorMessage):
            raise failure_told(ready)
        if not isinstance(ready, wire.Ready):
            raise StreamBroken("protocol.invalid_message", "the server did not begin with `ready`")
        if ready.received < self._stored:
            raise StreamBroken("stream.audio_gone", "the server asks for audio it had stored")
        if self._timing.opened_at is None:
            self._timing.opened_at = self._moved_at = time.monotonic()
        self._let_in = True
        self.session = ready.session
        self._sent = self._received = ready.received
        if resuming:
            self._show(Resumed(received=ready.received))
        return ready.limits

    async def _converse(self, socket: ClientConnection, limits: wire.Limits) -> Transcription:
        """Send and receive at the same time until `done`."""
        try:
            async with asyncio.TaskGroup() as group:
                sending = group.create_task(self._send(socket, limits))
                done = await self._receive(socket)
                sending.cancel()
        except ExceptionGroup as failures:
            # The sender fails on its own only when the source does, and that failure is the news.
            raise failures.exceptions[0] from None
        return Transcription(
            session=self.session,
            done=done,
            finals=self.finals,
            samples=self._sent,
            timing=self._timing,
        )

    async def _send(self, socket: ClientConnection, limits: wire.Limits) -> None:
        """Send audio from `_sent` to the end of the source, then `finish`."""
        options = self._options
        step = max(1, options.sample_rate * options.message_ms // 1000)
        step = min(step, limits.max_message_bytes // BYTES_PER_SAMPLE)
        ahead = round(options.ahead_s * options.sample_rate)
        with suppress(ConnectionClosed):  # the receiver hears why
            while True:
                while self._sent - self._received >= ahead:
                    self._room.clear()
                    await self._room.wait()
                await self._until_spoken(self._sent + step)
                pcm = await self._source.read(self._sent, step)
                if not pcm:
                    break
                await socket.send(pcm)
                self._sent += len(pcm) // BYTES_PER_SAMPLE
                self._timing.last_audio_at = time.monotonic()
            await socket.send(wire.encode(wire.Finish(samples=self._sent)))

    async def _until_spoken(self, position: int) -> None:
        """Wait until a speaker at the stream's pace has come to sample `position`."""
        opened_at, pace = self._timing.opened_at, self._options.pace
        if pace is not None and opened_at is not None:
            spoken_at = opened_at + position / self._options.sample_rate / pace
            await asyncio.sleep(max(0.0, spoken_at - time.monotonic()))

    async def _receive(self, socket: ClientConnection) -> wire.Done:
        """Take in what the server says, until `done`."""
        while True:
            message = await self._hear(socket)
            now = time.monotonic()
            match message:
                case wire.Ack():
                    self._acknowledge(message.received, message.stored)
                case wire.Heartbeat():
                    self._acknowledge(message.received, self._stored)
                case wire.Partial():
                    self._timing.first_partial_at = self._timing.first_partial_at or now
                    self._show(message)
                case wire.Final():
                    self._timing.first_final_at = self._timing.first_final_at or now
                    is_new = message.utterance not in self._finals
                    self._finals[message.utterance] = message  # of two the newest one counts
                    if is_new:
                        self._moved_at = now
                        self._show(message)
                case wire.Done():
                    self._timing.done_at = now
                    self._show(message)
                    return message
                case wire.ErrorMessage():
                    raise failure_told(message)
                case wire.Ready() | wire.MarkerReached():
                    pass

    def _acknowledge(self, received: int, stored: int) -> None:
        """Note how far the audio came; older news than we have changes nothing."""
        if received <= self._received and stored <= self._stored:
            return
        self._received = max(self._received, received)
        self._room.set()
        if self._received > self._farthest or stored > self._stored:
            self._farthest = max(self._farthest, self._received)
            self._moved_at = time.monotonic()
        if stored > self._stored:
            self._stored = stored
            self._source.forget(stored)
        self._show(Progress(received=self._received, stored=self._stored))

    async def _hear(self, socket: ClientConnection) -> wire.ServerMessage:
        async with asyncio.timeout(self._options.silence_s):
            return wire.decode_server(await socket.recv())


async def _told_to_forget(socket: ClientConnection) -> bool:
    """Send `cancel`; say whether the server closed the socket as one does who has done so."""
    try:
        async with asyncio.timeout(_CLOSE_TIMEOUT_S):
            await socket.send(wire.encode(wire.Cancel()))
            async for _ in socket:
                pass
    except (TimeoutError, WebSocketException):
        return False
    return socket.close_code == wire.CloseCode.NORMAL
