"""Whatever arrives, the answer is a clear error or the right text, and the server lives on."""

import asyncio
import random

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from service.app import RunningServer
from service.dictation import wire
from tests.server.conftest import StartServer
from tests.server.peer import peer
from tests.voice import quiet, voice

pytestmark = pytest.mark.postgres


async def refused(url: str, *messages: wire.ClientMessage | bytes | str) -> tuple[str, int]:
    """Send the messages; give the error's code and the close code."""
    async with peer(url) as client:
        for message in messages:
            await client.send(message)
        close_code = await client.closed()
    errors = client.of(wire.ErrorMessage)
    return (errors[-1].code if errors else ""), close_code


async def still_works(url: str) -> bool:
    async with peer(url) as client:
        await client.start()
        await client.say(voice(1500))
        await client.send(wire.Finish())
        return bool((await client.until(wire.Done)).text)


@pytest.mark.parametrize(
    ("messages", "code", "close_code"),
    [
        ([b"\x00\x00"], "protocol.start_expected", 4400),
        ([wire.Finish()], "protocol.start_expected", 4400),
        ([wire.Start(), wire.Start()], "protocol.start_repeated", 4400),
        (["no json"], "protocol.invalid_message", 4400),
        (["[1, 2]"], "protocol.invalid_message", 4400),
        (['{"type": "start", "x": ' + "[" * 8_000], "protocol.invalid_message", 4400),
        (['{"type": "start", "audio": {"sample_rate": 7999}}'], "protocol.invalid_message", 4400),
        (['{"type": "start", "audio": {"encoding": "mp3"}}'], "protocol.invalid_message", 4400),
        (['{"type": "start", "session": "../../etc/passwd"}'], "protocol.invalid_message", 4400),
        (['{"type": "start", "session": "abcdefgh\\n"}'], "protocol.invalid_message", 4400),
        (['{"type": "launch"}'], "protocol.invalid_message", 4400),
        ([wire.Start(), b"\x00"], "audio.odd_bytes", 4400),
        ([wire.Start(), wire.Finish(samples=5)], "session.samples_differ", 4400),
        ([wire.Start(), wire.Finish(), b"\x00\x00"], "protocol.audio_after_finish", 4400),
        (["x" * (wire.MAX_TEXT_BYTES + 1)], "protocol.message_too_long", 1009),
        ([wire.Start(), bytes(wire.MAX_AUDIO_BYTES + 2)], "", 1009),
        (
            [wire.Start(audio=wire.AudioFormat(encoding="opus", sample_rate=44_100))],
            "audio.unsupported_format",
            4400,
        ),
        (
            [wire.Start(audio=wire.AudioFormat(encoding="opus")), b"\xff" * 40],
            "audio.undecodable",
            4400,
        ),
    ],
)
async def test_a_broken_message_gets_its_error(
    server: RunningServer, messages: list, code: str, close_code: int
) -> None:
    got_code, got_close = await refused(server.url, *messages)

    # `finish` and the audio after it race: the session may already be done.
    assert (got_code, got_close) == (code, close_code) or (
        code == "protocol.audio_after_finish" and got_close == 1000
    )


async def test_random_messages_never_end_the_server(server: RunningServer) -> None:
    rng = random.Random(11)
    texts = [
        "{}",
        '{"type":"start"}',
        '{"type":"finish"}',
        '{"type":"cancel"}',
        "\ud7ff",
        "null",
        '{"type":"marker","id":"x"}',
        '{"type":"finish","samples":-1}',
        "[" * 5000,
    ]

    for _ in range(60):
        async with peer(server.url) as client:
            try:
                if rng.random() < 0.7:
                    await client.send(wire.Start())
                for _ in range(rng.randint(1, 8)):
                    if rng.random() < 0.5:
                        await client.send(rng.randbytes(2 * rng.randint(0, 4000)))
                    else:
                        await client.send(rng.choice(texts))
                if rng.random() < 0.5:
                    client.drop()
            except ConnectionClosed:
                continue

    assert await still_works(server.url)


@pytest.mark.parametrize("kind", ["noise", "square", "extremes", "constant"])
async def test_sound_that_is_no_speech_never_breaks_a_session(
    server: RunningServer, kind: str
) -> None:
    rng = random.Random(5)
    audio = {
        "noise": rng.randbytes(2 * 16_000 * 4),
        "square": (b"\xff\x7f" * 40 + b"\x00\x80" * 40) * 800,
        "extremes": b"\xff\xff\x00\x80\xff\x7f" * 20_000,
        "constant": b"\x10\x27" * 64_000,
    }[kind]

    async with peer(server.url) as client:
        await client.start()
        await client.say(audio)
        await client.send(wire.Finish())
        assert await client.closed() == 1000

    assert client.of(wire.Done)


async def test_ten_minutes_sent_at_once_without_a_pause_all_come_back(
    server: RunningServer,
) -> None:
    audio = voice(60_000, seed=1) * 10

    async with peer(server.url) as client:
        await client.start(partials=False, words=False)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(client.closed())
            await client.say(audio, message_bytes=400_000)
            await client.send(wire.Finish(samples=len(audio) // 2))
            assert await reading == 1000

    finals = client.of(wire.Final)
    assert client.of(wire.Done)[0].audio_seconds == 600
    assert finals[-1].end == len(audio) // 2
    assert sum(f.end - f.start for f in finals) > 0.98 * len(audio) // 2
    assert all(f.end - f.start <= 30 * 16_000 for f in finals)


async def test_a_page_of_another_origin_is_turned_away(server: RunningServer) -> None:
    with pytest.raises(InvalidStatus):
        async with peer(server.url, origin="https://evil.example"):
            pass


async def test_a_page_of_the_server_itself_is_let_in(server: RunningServer) -> None:
    async with peer(server.url, origin=server.url) as client:
        assert await client.start()


async def test_a_client_without_our_subprotocol_is_told_so(server: RunningServer) -> None:
    async with peer(server.url, subprotocol="") as client:
        assert await client.closed() == 4400
    assert client.of(wire.ErrorMessage)[0].code == "protocol.wrong_subprotocol"


async def test_a_silent_socket_is_closed_as_idle_and_its_session_waits(
    start_server: StartServer,
) -> None:
    async with start_server(idle_s=0.5) as server:
        await server.wait_ready(30)
        async with peer(server.url) as client:
            ready = await client.start()
            await client.say(voice(1000))
            assert await client.closed() == wire.CloseCode.IDLE
        async with peer(server.url) as client:
            again = await client.start(session=ready.session, resume_from=0)

    assert again.received == 16_000


async def test_a_session_longer_than_the_limit_is_ended_with_a_clear_error(
    start_server: StartServer,
) -> None:
    async with start_server(max_session_s=2.0) as server:
        await server.wait_ready(30)
        code, close_code = await refused(server.url, wire.Start(), *([quiet(1000)] * 4))

    assert (code, close_code) == ("session.too_long", 4400)


async def test_a_full_server_refuses_cleanly_with_a_retry_time(start_server: StartServer) -> None:
    async with start_server(max_sessions=2) as server:
        await server.wait_ready(30)
        async with peer(server.url) as one, peer(server.url) as two, peer(server.url) as three:
            await one.start()
            await two.start()
            await three.send(wire.Start())
            assert await three.closed() == wire.CloseCode.OVERLOADED

    (error,) = three.of(wire.ErrorMessage)
    assert error.code == "server.full"
    assert error.retryable
    assert error.retry_after_ms


async def test_a_draining_server_finishes_finals_and_closes_1001(
    start_server: StartServer,
) -> None:
    async with start_server() as server:
        await server.wait_ready(30)
        speaking = peer(server.url)
        client = await speaking.__aenter__()
        await client.start()
        await client.say(voice(1500, seed=1) + quiet(1200) + voice(700, seed=2))
        final = await client.until(wire.Final)
        closing = asyncio.ensure_future(client.closed())

    assert await closing == wire.CloseCode.DRAINING
    assert client.seen[-1].code == "server.draining"
    assert client.of(wire.Ack)[-1].stored >= final.end
    await speaking.__aexit__(None, None, None)


async def test_a_draining_server_refuses_sockets_before_the_upgrade_so_that_a_proxy_asks_another(
    server: RunningServer,
) -> None:
    await server.sessions.drain(0)
    address = server.url.replace("http", "ws")
    listen = "listen?encoding=linear16&sample_rate=16000"
    answers = []

    for path in ("stream", listen, "realtime?intent=transcription", "vosk"):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(f"{address}/v1/{path}", subprotocols=[wire.SUBPROTOCOL]):
                pass
        response = refused.value.response
        answers.append((response.status_code, response.headers.get("Retry-After")))
        assert b"server.draining" in response.body

    assert answers == [(503, "2")] * 4


async def test_health_and_metrics_say_what_goes_on_and_nothing_that_was_said(
    server: RunningServer,
) -> None:
    import httpx2

    async with peer(server.url) as client:
        await client.start()
        await client.say(voice(1500))
        await client.send(wire.Finish())
        done = await client.until(wire.Done)
    async with httpx2.AsyncClient(base_url=server.url, timeout=10) as http:
        live = await http.get("/health/live")
        ready = await http.get("/health/ready")
        metrics = await http.get("/metrics")

    assert live.json() == {"status": "alive"}
    assert ready.json()["ready"] is True
    assert "alfavoice_finalisation_seconds_count 1.0" in metrics.text
    assert "alfavoice_event_loop_lag_max_seconds" in metrics.text
    assert done.text.split()[0] not in metrics.text
