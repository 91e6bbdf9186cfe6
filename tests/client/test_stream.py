"""The stream client against a server that speaks the protocol and breaks when told to."""

import asyncio
import json
import socket as sockets

import msgspec
import pytest

from service.client.events import Interrupted, Progress, Resumed
from service.client.reconnecting import StreamBroken, waits
from service.client.sources import HeldAudio
from service.client.stream import Stream, StreamOptions, stream_address
from service.dictation import wire
from service.problems import Refused, ServiceError
from tests.client.faulty_server import FaultyServer, heard, spoken


class OnceAudio(HeldAudio):
    """Audio that checks that nothing forgotten is asked for again."""

    def __init__(self, pcm):
        super().__init__(pcm)
        self.forgotten = 0

    async def read(self, start, samples):
        assert start >= self.forgotten
        return await super().read(start, samples)

    def forget(self, before):
        assert before >= self.forgotten
        self.forgotten = before


def options(server, **others):
    return StreamOptions(server=server.url, patience_s=20.0, **others)


async def test_everything_sent_comes_back_in_order(server):
    pcm = spoken(5, tail=300)
    source, events = OnceAudio(pcm), []
    result = await Stream(source, options(server), show=events.append).run()
    assert result.done.text == heard(pcm) == " ".join(f.text for f in result.finals)
    assert (result.samples, result.missing) == (len(pcm) // 2, ())
    assert [e.utterance for e in events if isinstance(e, wire.Final)] == list(range(6))
    assert source.forgotten == len(pcm) // 2
    assert max(e.received for e in events if isinstance(e, Progress)) == len(pcm) // 2
    assert events[-1] == result.done


async def count_of_boundaries(pcm, *, silent=False):

    async with FaultyServer().running() as server:
        if silent:
            server.silent.set()
        await Stream(HeldAudio(pcm), options(server)).run()
        return server.boundary


async def test_a_drop_at_any_message_boundary_loses_and_doubles_nothing():

    pcm = spoken(2, tail=500)
    for boundary in range(1, await count_of_boundaries(pcm) + 1):
        async with FaultyServer().running() as server:
            server.drop_before = {boundary}
            finals = []
            result = await Stream(OnceAudio(pcm), options(server), show=finals.append).run()
        assert result.done.text == heard(pcm), boundary
        assert [f.text for f in result.finals] == heard(pcm).split(), boundary
        assert [e.utterance for e in finals if isinstance(e, wire.Final)] == [0, 1, 2], boundary
        assert result.timing.interruptions == 1, boundary


async def test_many_drops_in_one_stream_lose_nothing(server):
    server.drop_before = set(range(3, 120, 9))
    pcm = spoken(4)
    events = []
    result = await Stream(OnceAudio(pcm), options(server), show=events.append).run()
    assert result.done.text == heard(pcm)
    interrupted = [e for e in events if isinstance(e, Interrupted)]
    assert len(interrupted) > 3
    assert all(e.code == "stream.lost" for e in interrupted)
    assert [e for e in events if isinstance(e, Resumed)]
    assert len({start.session for start in server.starts}) == 1
    assert server.starts[0].resume_from is None
    assert all(start.resume_from is not None for start in server.starts[1:])


async def test_of_a_final_that_comes_again_otherwise_the_newest_counts(server):
    pcm, shown = spoken(3), []
    server.silent.set()  # nothing is acknowledged, so all finals come again
    server.drop_before = {await count_of_boundaries(pcm, silent=True)}  # instead of `done`

    def show(event):
        if isinstance(event, wire.Final):
            shown.append(event.utterance)
        if isinstance(event, Interrupted):  # another server had been quicker to store its own
            (kept,) = server.sessions.values()
            kept.finals[0] = msgspec.structs.replace(kept.finals[0], text="stored")

    result = await Stream(OnceAudio(pcm), options(server), show=show).run()

    assert result.done.text == " ".join(final.text for final in result.finals) == "stored 2 3"
    assert shown == [0, 1, 2]


async def test_no_more_is_sent_ahead_than_allowed(server):
    server.silent.set()
    stream = asyncio.ensure_future(
        Stream(HeldAudio(spoken(30)), options(server, ahead_s=2.0)).run()
    )
    async with asyncio.timeout(10):
        while not server.sessions or len(next(iter(server.sessions.values())).pcm) < 2 * 2 * 16_000:
            await asyncio.sleep(0.01)
    (kept,) = server.sessions.values()
    for _ in range(10):  # a pong comes after whatever was sent before it
        await (await server.sockets[0].ping())
    assert 2 * 16_000 <= len(kept.pcm) / 2 <= 2 * 16_000 + 1_600
    stream.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stream


async def test_a_cancelled_stream_tells_the_server_to_forget(server):
    server.done_message = False
    stream = Stream(HeldAudio(spoken(1)), options(server))
    running = asyncio.ensure_future(stream.run())
    async with asyncio.timeout(10):
        while not any(kept.finished for kept in server.sessions.values()):
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        while not server.cancelled:
            await asyncio.sleep(0.01)
    assert server.cancelled == [stream.session]


async def test_a_refusal_with_a_retry_time_is_waited_out(server):
    server.answers = [
        wire.ErrorMessage(
            code="server.overloaded", message="busy", retryable=True, retry_after_ms=400
        ),
        1013,
    ]
    events = []
    result = await Stream(HeldAudio(spoken(1)), options(server), show=events.append).run()
    told, closed = [e for e in events if isinstance(e, Interrupted)]
    assert result.done.text == "1"
    assert (told.code, told.retry_in_s, told.attempt) == ("server.overloaded", 0.4, 1)
    assert (closed.code, closed.attempt) == ("server.overloaded", 2)


async def test_who_was_not_let_in_asks_for_another_server_and_stays_there(server):
    pcm = spoken(2)
    busy = wire.ErrorMessage(code="session.busy", message="-", retryable=True, retry_after_ms=1)
    server.answers = [1013, busy, 1013]
    server.drop_before = {12}

    result = await Stream(HeldAudio(pcm), options(server)).run()

    asked = [
        {name.lower(): value for name, value in headers.items()}.get("alfavoice-elsewhere")
        for headers in server.headers
    ]
    assert result.done.text == heard(pcm)
    assert asked == [None, "1", "1", "2", "2"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (4400, "protocol.invalid_message"),
        (4401, "session.unauthorised"),
        (4403, "session.forbidden"),
        (4409, "session.taken_over"),
        (1009, "protocol.message_too_long"),
        (
            wire.ErrorMessage(code="audio.unsupported_format", message="no", retryable=False),
            "audio.unsupported_format",
        ),
    ],
)
async def test_what_cannot_get_better_is_not_tried_again(server, answer, code):
    server.answers = [answer]
    with pytest.raises(StreamBroken) as broken:
        await Stream(HeldAudio(spoken(1)), options(server)).run()
    assert broken.value.code == code
    assert len(server.starts) == 1


@pytest.mark.parametrize("close", [1001, 1011, 1012, 4408, 4429, 1000])
async def test_what_may_get_better_is_tried_again(server, close):
    server.answers = [close]
    result = await Stream(HeldAudio(spoken(1)), options(server)).run()
    assert (result.done.text, len(server.starts)) == ("1", 2)


async def test_without_patience_the_first_failure_is_the_answer(server):
    server.answers = [
        wire.ErrorMessage(code="server.full", message="no", retryable=True, retry_after_ms=100)
    ]
    with pytest.raises(Refused) as refusal:
        await Stream(HeldAudio(spoken(1)), StreamOptions(server=server.url, patience_s=0.0)).run()
    assert (refusal.value.code, refusal.value.retry_after_ms) == ("server.full", 100)


async def test_a_server_that_always_breaks_at_the_same_sample_ends_the_stream(server):
    server.drop_before = set(range(12, 10_000))
    with pytest.raises(Refused):
        await Stream(HeldAudio(spoken(9)), StreamOptions(server=server.url, patience_s=1.0)).run()


async def test_nobody_listening_is_said_plainly():
    with sockets.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ServiceError) as away:
        await Stream(
            HeldAudio(b""), StreamOptions(server=f"http://127.0.0.1:{port}", patience_s=0.3)
        ).run()
    assert away.value.code == "stream.unreachable"


async def test_a_web_server_that_is_not_ours_is_said_plainly():
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as other:
        port = other.sockets[0].getsockname()[1]
        with pytest.raises(StreamBroken) as broken:
            await Stream(HeldAudio(b""), StreamOptions(server=f"http://127.0.0.1:{port}")).run()
    assert broken.value.code == "stream.not_alfavoice"


async def test_a_source_that_fails_is_the_news_and_not_the_connection(server):
    class Damaged(HeldAudio):
        async def read(self, start, samples):
            if start > 16_000:
                raise ServiceError("audio.unreadable", "the file is damaged")
            return await super().read(start, samples)

    with pytest.raises(ServiceError) as damage:
        await Stream(Damaged(spoken(3)), options(server)).run()
    assert damage.value.code == "audio.unreadable"


async def test_a_pace_sends_audio_no_faster_than_it_was_spoken(server):
    result = await Stream(HeldAudio(spoken(2)), options(server, pace=4.0)).run()
    timing = result.timing
    assert timing.last_audio_at - timing.opened_at >= 2 / 4
    assert timing.done_at >= timing.last_audio_at
    assert timing.finalisation_s == timing.done_at - timing.last_audio_at


async def test_the_start_says_what_the_person_asked_for(server):
    await Stream(
        HeldAudio(spoken(1)),
        options(server, language="ru", partials=False, terms=("Кубернетес",), token="secret"),
    ).run()
    (start,) = server.starts
    assert (start.language, start.partials) == ("ru", False)
    assert start.context.terms == ["Кубернетес"]
    assert server.headers[0]["Authorization"] == "Bearer secret"
    assert "secret" not in json.dumps(wire.encode(start))


@pytest.mark.parametrize(
    ("server", "address"),
    [
        ("http://127.0.0.1:8765", "ws://127.0.0.1:8765/v1/stream"),
        ("https://voice.example/", "wss://voice.example/v1/stream"),
        ("https://example.org/voice", "wss://example.org/voice/v1/stream"),
        ("ws://host:1/v1/stream", "ws://host:1/v1/stream"),
        ("host:8765", "ws://host:8765/v1/stream"),
    ],
)
def test_any_way_of_naming_a_server_leads_to_its_stream(server, address):
    assert stream_address(server) == address


def test_waits_grow_to_three_seconds_and_are_spread():
    class Middle:
        def uniform(self, low, high):
            assert (low, high) == (0.5, 1.5)
            return 1.0

    growing = waits(Middle())
    first = [round(next(growing), 4) for _ in range(12)]
    assert first[:4] == [0.15, 0.225, 0.3375, 0.5062]
    assert first == sorted(first)
    assert first[-1] == 3.0


async def test_a_server_killed_in_the_middle_of_the_handshake_is_tried_again(
    server: FaultyServer,
):
    """Seen when servers were killed at random: the stream took it for a server of something else."""
    ours = int(server.url.rpartition(":")[2])
    killed = []

    async def answer(reader, writer):
        if len(killed) < 3:
            await reader.readuntil(b"\r\n\r\n")
            killed.append(writer.write(b"HTTP/1.1 101 Swi"[: 16 * (len(killed) > 1)]))
            return writer.close()
        to_ours, from_us = await asyncio.open_connection("127.0.0.1", ours)

        async def pump(source, sink):
            while data := await source.read(65536):
                sink.write(data)
            sink.close()

        await asyncio.gather(pump(reader, from_us), pump(to_ours, writer))

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as between:
        port = between.sockets[0].getsockname()[1]
        said = await Stream(
            HeldAudio(spoken(2)), StreamOptions(server=f"http://127.0.0.1:{port}")
        ).run()

    assert len(killed) == 3
    assert said.done.text == heard(spoken(2))
