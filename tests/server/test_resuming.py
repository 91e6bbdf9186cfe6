"""Whatever is cut, killed or restarted: after a resume the text is that of the undisturbed run."""

import asyncio
import os
import signal
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed

from service.accounts.principal import LOCAL_USER
from service.app import RunningServer
from service.client.sources import HeldAudio
from service.client.stream import Stream, StreamOptions
from service.dictation import wire
from tests.server.conftest import StartServer
from tests.server.peer import Peer, peer
from tests.voice import quiet, voice

pytestmark = pytest.mark.postgres

TAKE = voice(2200, seed=1) + quiet(1100) + voice(1500, seed=2) + quiet(1000) + voice(900, seed=3)
MESSAGE_BYTES = 16_000


class Cut(Exception):
    """The test cut the connection here."""


class Dictation:
    """A client that keeps its audio until it is stored and resumes, as the protocol says."""

    def __init__(self, url: str, *, cut_after: int | None = None) -> None:
        self.url = url
        self.session = f"session-{uuid4().hex}"
        self.finals: dict[int, wire.Final] = {}
        self.stored = 0
        self.messages = 0  # sent and received, over all connections
        self.cut_after = cut_after
        self.done: wire.Done | None = None

    async def run(self) -> wire.Done:
        for _ in range(50):
            try:
                async with peer(self.url) as client:
                    await self._connected(client)
            except (Cut, ConnectionClosed, OSError):
                pass
            if self.done:
                return self.done
        raise AssertionError("the session never ended")

    async def _connected(self, client: Peer) -> None:
        start = wire.Start(session=self.session, resume_from=self.stored, language="ru")
        await self._send(client, start)
        ready = await self._receive(client)
        assert isinstance(ready, wire.Ready)
        position = ready.received
        assert position >= self.stored
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self._read(client))
            while position < len(TAKE) // 2:
                message = TAKE[2 * position : 2 * position + MESSAGE_BYTES]
                await self._send(client, message)
                position += len(message) // 2
            await self._send(client, wire.Finish(samples=position))
            await reading

    async def _read(self, client: Peer) -> None:
        while not self.done:
            message = await self._receive(client)
            if isinstance(message, wire.Final):
                known = self.finals.setdefault(message.utterance, message)
                assert known == message, "a final changed"
            elif isinstance(message, wire.Ack):
                self.stored = max(self.stored, message.stored)
            elif isinstance(message, wire.Done):
                self.done = message

    async def _send(self, client: Peer, message: wire.ClientMessage | bytes) -> None:
        await client.send(message)
        self._count(client)

    async def _receive(self, client: Peer) -> wire.ServerMessage:
        message = await client.receive()
        self._count(client)
        return message

    def _count(self, client: Peer) -> None:
        self.messages += 1
        if self.cut_after is not None and self.messages % self.cut_after == 0:
            client.drop()
            raise Cut

    @property
    def text(self) -> str:
        return " ".join(self.finals[number].text for number in sorted(self.finals))


async def run(url: str) -> Dictation:
    dictation = Dictation(url)
    await dictation.run()
    return dictation


async def interrupted(url: str, cut_after: int) -> Dictation:
    dictation = Dictation(url, cut_after=cut_after)
    for _ in range(60):
        try:
            await dictation.run()
        except* (Cut, ConnectionClosed, OSError):
            pass
        if dictation.done:
            return dictation
    raise AssertionError("the session never ended")


async def test_dropped_at_every_message_boundary_the_text_is_the_same(
    server: RunningServer,
) -> None:
    undisturbed = await run(server.url)
    messages = undisturbed.messages
    assert undisturbed.text == undisturbed.done.text

    for boundary in range(3, messages + 1):
        dropped = Dictation(server.url)
        dropped.cut_after = boundary
        for _ in range(60):
            try:
                await dropped.run()
            except* (Cut, ConnectionClosed, OSError):
                dropped.cut_after = None  # once, exactly here
            if dropped.done:
                break
        assert dropped.done, boundary
        assert dropped.done.text == undisturbed.done.text, boundary
        assert dropped.text == undisturbed.done.text, boundary

    transcripts = await server.store.recent(LOCAL_USER, 1000)
    assert all(t.text == undisturbed.done.text for t in transcripts)


@pytest.mark.parametrize("cut_after", [7, 8, 11])
async def test_dropped_again_and_again_the_text_is_the_same(
    server: RunningServer, cut_after: int
) -> None:
    undisturbed = await run(server.url)

    dropped = await interrupted(server.url, cut_after=cut_after)

    assert dropped.messages > 20
    assert dropped.text == dropped.done.text == undisturbed.done.text


async def test_a_recogniser_killed_again_and_again_loses_and_doubles_nothing(
    start_server: StartServer, tmp_path
) -> None:
    script = tmp_path / "script.json"
    script.write_text('{"work_s_per_audio_s": 0.1}')
    async with start_server(script=script) as server:
        await server.wait_ready(30)
        undisturbed = await run(server.url)
        killed = 0

        async with asyncio.TaskGroup() as tasks:
            dictation = tasks.create_task(run(server.url))
            while not dictation.done():
                await asyncio.sleep(0.15)
                for pid in server.workers.process_ids:
                    if killed < 3:
                        os.kill(pid, signal.SIGKILL)
                        killed += 1

        assert killed
        assert dictation.result().text == undisturbed.text
        assert len({t.text for t in await server.store.recent(LOCAL_USER)}) == 1


async def test_a_server_that_restarts_goes_on_from_the_last_stored_final(
    start_server: StartServer,
) -> None:
    dictation = Dictation("")
    first_half = len(voice(2200)) + len(quiet(1100)) - 3200
    async with start_server() as server:
        await server.wait_ready(30)
        async with peer(server.url) as client:
            await client.start(session=dictation.session)
            await client.say(TAKE[:first_half])
            final = await client.until(wire.Final)
            while (ack := await client.until(wire.Ack)).stored <= final.end:
                pass

    dictation.stored = ack.stored
    dictation.finals[0] = final
    async with start_server() as server:
        await server.wait_ready(30)
        dictation.url = server.url
        await dictation.run()
        (transcript,) = await server.store.recent(LOCAL_USER)

    assert sorted(dictation.finals) == [0, 1, 2]
    assert dictation.text == dictation.done.text == transcript.text


async def test_a_client_that_missed_done_gets_it_again(server: RunningServer) -> None:
    dictation = await run(server.url)

    async with peer(server.url) as client:
        await client.start(session=dictation.session, resume_from=0)
        done = await client.until(wire.Done)

    assert done.text == dictation.done.text
    assert done.transcript == dictation.done.transcript


async def test_a_newer_connection_takes_the_session_over(server: RunningServer) -> None:
    async with peer(server.url) as old:
        ready = await old.start()
        await old.say(TAKE[:32_000])
        async with peer(server.url) as new:
            resumed = await new.start(session=ready.session, resume_from=0)
            assert await old.closed() == wire.CloseCode.TAKEN_OVER
            await new.say(TAKE[2 * resumed.received :])
            await new.send(wire.Finish())
            done = await new.until(wire.Done)

    assert done.text == (await run(server.url)).done.text


async def test_a_session_nobody_comes_back_to_is_stored_and_stays_open(
    start_server: StartServer,
) -> None:
    async with start_server(resume_s=0.2) as server:
        await server.wait_ready(30)
        async with peer(server.url) as client:
            ready = await client.start()
            await client.say(voice(1500, seed=1))
            await client.until(wire.Ack)
            client.drop()

        async with asyncio.timeout(20):
            while not (await server.store.recent(LOCAL_USER))[0].text:
                await asyncio.sleep(0.05)
        (transcript,) = await server.store.recent(LOCAL_USER)
        async with peer(server.url) as client:
            again = await client.start(session=ready.session, resume_from=0)

    assert transcript.finished_at is None
    assert again.received == transcript.finals[-1].end


async def test_the_stream_client_of_the_product_survives_a_restart(
    start_server: StartServer,
) -> None:
    """Its own back-off, resume and dedup, on a port that goes away and comes back."""
    from benchmarks.running import free_port

    port = free_port()
    source = HeldAudio(TAKE)
    stream = Stream(
        source,
        StreamOptions(
            server=f"http://127.0.0.1:{port}", language="ru", pace=2.0, patience_s=40, ahead_s=2
        ),
    )
    async with start_server() as server:
        await server.wait_ready(30)
        undisturbed = (await run(server.url)).done.text

    async with asyncio.TaskGroup() as tasks:
        streaming = tasks.create_task(stream.run())
        for up_s in (1.5, 30.0):
            async with start_server(port=port, drain_s=0.5):
                await asyncio.wait((streaming,), timeout=up_s)

    words = streaming.result().done.text.split()
    assert len(words) == len(undisturbed.split())
