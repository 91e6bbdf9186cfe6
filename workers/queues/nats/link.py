"""A peer's connection to NATS: kept up, asked and answered through it, with parts and time-outs.

Reconnecting is ours and not the client library's: whatever ended the connection, changed passwords
included, a new one is made with what the settings' files hold then, and everything is subscribed again.
What could not be sent is said to whoever sends (`LinkFailed`); nothing is kept to be sent later,
since every message has its own way of being said again.
"""

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from workers.contract.errors import InvalidRequest
from workers.queues.nats.access import NatsAccess, NotEncrypted, explained
from workers.queues.nats.parts import HEADER, PART_BYTES, Assembly, split

log = structlog.get_logger()

CONNECT_S: Final = 10.0
"""For a connection with its handshakes; over a slow line TLS and signing take two."""
SEND_S: Final = 10.0
"""For the bytes of a message to leave; usual is a millisecond."""
BACK_OFF_S: Final = 0.2
LONGEST_BACK_OFF_S: Final = 2.0
"""Between tries to connect: doubles, half of it at random, so that peers do not come all at once."""
HANG_UP_S: Final = 1.0
"""For the last bytes to leave."""
PING_S: Final = 2
MOST_PINGS: Final = 2
"""A connection whose other end went without a word is noticed after six seconds."""
LOOK_S: Final = 0.5
"""How often is looked whether the connection is still there."""
MOST_AT_ONCE: Final = 4096
"""Messages being answered at once; further ones are passed over, and said again by who sent them."""

Handler = Callable[[bytes], Awaitable[bytes | None]]


class LinkFailed(Exception):
    """A message could not be sent, or no answer came in time."""


class Link:
    """One peer's connection. Use it from one event loop; `run` it to keep it up."""

    def __init__(
        self, access: NatsAccess, *, role: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take how to connect; `role` is what the server's monitoring shows."""
        self.name: Final = secrets.token_hex(8)
        """Of this incarnation of the peer."""
        self._access = access
        self._role = role
        self._clock = clock
        self._sender = bytes.fromhex(self.name)
        self._messages = 0
        self._asked = 0
        self._answers: dict[str, asyncio.Future[bytes]] = {}
        self._handlers: list[tuple[str, Handler]] = []
        self._client: Client | None = None
        self._lost = asyncio.Event()
        self._since = clock()
        self._at_once = 0

    @property
    def connected(self) -> bool:
        """Whether messages can be sent."""
        return self._client is not None

    @property
    def unchanged_s(self) -> float:
        """For how long it is connected, or not."""
        return self._clock() - self._since

    def answer(self, subject: str, handler: Handler) -> None:
        """Have messages to a subject answered by a handler; call it before `run`.

        What the handler returns is the answer; None is no answer. Handlers begin in the order in
        which messages came.
        """
        self._handlers.append((subject, handler))

    async def tell(self, subject: str, message: bytes) -> None:
        """Send a message.

        Raises:
            LinkFailed: it was not sent.
        """
        await self._send(subject, message, reply="")

    async def ask(self, subject: str, message: bytes, *, timeout_s: float) -> bytes:
        """Send a message and wait for its answer.

        Raises:
            LinkFailed: it was not sent, or not answered in time.
        """
        self._asked += 1
        inbox = f"_INBOX.{self.name}.{self._asked}"
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._answers[inbox] = answer
        try:
            async with asyncio.timeout(timeout_s):
                await self._send(subject, message, reply=inbox)
                return await answer
        except TimeoutError:
            raise LinkFailed("no answer came in time") from None
        finally:
            del self._answers[inbox]

    async def run(self, connected: asyncio.Event) -> None:
        """Keep the connection up until cancelled; `connected` is set at the first one.

        Raises:
            QueueUnreachable: the very first connection could not be made; says what to do.
        """
        delay_s = 0.0
        async with asyncio.TaskGroup() as tasks:
            try:
                while True:
                    if delay_s:
                        await asyncio.sleep(delay_s * (0.5 + random.random() / 2))  # noqa: S311
                    try:
                        await self._connect(tasks)
                    except Exception as exc:
                        if not connected.is_set():
                            raise explained(exc) from exc
                        log.warning("nats_unreachable", kind=type(exc).__name__)
                        delay_s = min(LONGEST_BACK_OFF_S, max(BACK_OFF_S, delay_s * 2))
                        continue
                    delay_s = BACK_OFF_S
                    connected.set()
                    log.info("nats_connected", role=self._role)
                    await self._until_lost()
                    await self._disconnect()
                    log.warning("nats_lost", role=self._role)
            finally:
                await self._disconnect()  # before `tasks` takes no more handlers

    async def _until_lost(self) -> None:
        """Wait for the end of the connection, also one that the client library does not tell.

        Where the last bytes cannot leave because the connection was reset, nats-py 2.16 closes itself
        and calls nobody: without looking, this peer would be cut off for ever.
        """
        client = self._client
        while client is not None and client.is_connected and not self._lost.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._lost.wait()

    async def _connect(self, tasks: asyncio.TaskGroup) -> None:
        self._lost = lost = asyncio.Event()
        client = Client()
        failure: list[Exception] = []

        async def closed() -> None:
            lost.set()

        async def failed(exc: Exception) -> None:
            failure.append(exc)
            log.debug("nats_said", kind=type(exc).__name__)

        options = self._access.options()
        secret = options.get("password")

        def password() -> str:  # not one letter of it goes where somebody took TLS away
            self._check_encryption(client)
            return str(secret)

        if secret is not None:
            options["password"] = password
        try:
            async with asyncio.timeout(CONNECT_S):
                await client.connect(
                    **options,
                    name=f"alfavoice {self._role}",
                    allow_reconnect=False,
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0,
                    connect_timeout=5,
                    ping_interval=PING_S,
                    max_outstanding_pings=MOST_PINGS,
                    closed_cb=closed,
                    disconnected_cb=closed,
                    error_cb=failed,
                )
                self._check_encryption(client)
                assembly = Assembly()
                await client.subscribe(f"_INBOX.{self.name}.*", cb=self._receiver(assembly))
                for subject, handler in self._handlers:
                    await client.subscribe(subject, cb=self._receiver(assembly, handler, tasks))
                await client.flush()
        except BaseException as exc:
            await _hang_up(client)
            cause = next((each for each in failure if isinstance(each, Exception)), None)
            if isinstance(exc, Exception) and cause is not None:
                raise cause from exc
            raise
        self._client = client
        self._since = self._clock()

    def _check_encryption(self, client: Client) -> None:
        if self._access.uses_tls and not _is_encrypted(client):
            raise NotEncrypted

    def _receiver(
        self,
        assembly: Assembly,
        handler: Handler | None = None,
        tasks: asyncio.TaskGroup | None = None,
    ) -> Callable[[Msg], Awaitable[None]]:
        async def receive(part: Msg) -> None:
            message = assembly.add(part.data)
            if message is None:
                return
            if handler is None:
                answer = self._answers.get(part.subject)
                if answer is not None and not answer.done():
                    answer.set_result(message)
            elif tasks is not None and self._at_once < MOST_AT_ONCE:
                self._at_once += 1
                tasks.create_task(self._handle(handler, message, part.reply))

        return receive

    async def _handle(self, handler: Handler, message: bytes, reply: str) -> None:
        try:
            answer = await handler(message)
            if answer is not None and reply:
                with suppress(LinkFailed):  # whoever asked asks again
                    await self._send(reply, answer, reply="")
        except InvalidRequest:
            log.warning("nats_message_unreadable")
        except Exception as exc:  # noqa: BLE001 - one message must not end the link; it may hold speech
            log.error("nats_message_failed", kind=type(exc).__name__)  # noqa: TRY400
        finally:
            self._at_once -= 1

    async def _send(self, subject: str, message: bytes, *, reply: str) -> None:
        client = self._client
        if client is None or not client.is_connected:
            raise LinkFailed("NATS is not connected")
        self._messages += 1
        part_bytes = min(PART_BYTES, client.max_payload - HEADER.size)
        try:
            async with asyncio.timeout(SEND_S):
                for part in split(self._sender, self._messages, message, part_bytes=part_bytes):
                    await client.publish(subject, part, reply=reply)
        except (NatsError, OSError, TimeoutError) as exc:
            raise LinkFailed("the message was not sent") from exc

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        self._since = self._clock()
        await _hang_up(client)


def _is_encrypted(client: Client) -> bool:
    """Whether the server wanted TLS; the client library goes on in the clear when it did not."""
    transport = client._transport  # there is no public way to ask
    writer = getattr(transport, "_io_writer", None)
    return writer is not None and writer.get_extra_info("ssl_object") is not None


async def _hang_up(client: Client) -> None:
    if client.is_closed and client._subs:
        # It gave up closing where its last bytes could not leave: without them it gets to the end,
        # and its tasks and socket with it.
        client._pending, client._pending_data_size = [], 0
        client._status = Client.DISCONNECTED
    # After a failed TLS handshake the client library waits for an end that never comes.
    with suppress(Exception):
        async with asyncio.timeout(HANG_UP_S):
            await client.close()
