"""The Wyoming port, as the client library of Home Assistant sees it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from types import SimpleNamespace

import numpy as np
import pytest

from service.accounts.principal import LOCAL_USER
from service.app import RunningServer
from service.compat import ports
from service.problems import SetUpError
from tests.compat.clients import PATIENCE_S, first_person, free_port, history, until
from tests.compat.real_speech import recordings
from tests.compat.wyoming_client import (
    AsyncTcpClient,
    AudioChunk,
    AudioStart,
    AudioStop,
    Describe,
    Event,
    Info,
    Ping,
    Pong,
    Transcribe,
    Transcript,
    TranscriptChunk,
    TranscriptStart,
    answer,
    connected,
    refusal,
    say,
)
from tests.server.conftest import StartServer
from tests.voice import quiet, voice

pytestmark = pytest.mark.postgres


@pytest.fixture
async def home(start_server: StartServer) -> AsyncIterator[SimpleNamespace]:
    """A server whose Wyoming port is open."""
    port = free_port()
    async with start_server(wyoming_port=port) as server:
        await server.wait_ready(30)
        yield SimpleNamespace(server=server, port=port)


async def test_describe_names_the_program_its_model_and_its_languages(home) -> None:
    async with connected(home.port) as client:
        await client.write_event(Describe().event())
        info = Info.from_event(await client.read_event())
        await client.write_event(Ping(text="hello").event())
        pong = Pong.from_event(await client.read_event())

    (program,) = info.asr
    assert program.name == "alfavoice"
    assert program.installed
    assert program.supports_transcript_streaming
    assert [model.name for model in program.models] == ["scripted"]
    assert program.models[0].languages == ["ru"]
    assert pong.text == "hello"


async def test_speech_becomes_chunks_and_one_transcript_that_is_stored(home) -> None:
    async with connected(home.port) as client:
        await client.write_event(Transcribe(language="ru-RU").event())
        await say(client, voice(1500, seed=1) + quiet(1200) + voice(1500, seed=2))
        seen = await answer(client)
        await say(client, voice(1200, seed=3))
        again = await answer(client)

    kinds = [event.type for event in seen]
    chunks = [TranscriptChunk.from_event(e).text for e in seen if TranscriptChunk.is_type(e.type)]
    transcript = Transcript.from_event(seen[-2])
    assert kinds == [
        "transcript-start",
        "transcript-chunk",
        "transcript-chunk",
        "transcript",
        "transcript-stop",
    ]
    assert TranscriptStart.from_event(seen[0]).language == "ru"
    assert "".join(chunks) == transcript.text
    assert transcript.language == "ru"
    second, first = await history(home.server, of=2)
    assert first.text == transcript.text
    assert second.text == Transcript.from_event(again[-2]).text
    assert first.origin.client == "wyoming"
    assert (first.origin.language, second.origin.language) == ("ru", "auto")


def stereo_48_khz(pcm: bytes) -> tuple[bytes, dict]:
    samples = np.repeat(np.frombuffer(pcm, "<i2"), 3)
    return np.stack((samples, samples), 1).tobytes(), {"rate": 48_000, "channels": 2}


def eight_bits(pcm: bytes) -> tuple[bytes, dict]:
    return (np.frombuffer(pcm, "<i2") // 256 + 128).astype("u1").tobytes(), {"width": 1}


def twenty_four_bits(pcm: bytes) -> tuple[bytes, dict]:
    wide = np.zeros((len(pcm) // 2, 3), "u1")
    wide[:, 1:] = np.frombuffer(pcm, "u1").reshape(-1, 2)
    return wide.tobytes(), {"width": 3}


def thirty_two_bits(pcm: bytes) -> tuple[bytes, dict]:
    return (np.frombuffer(pcm, "<i2").astype("<i4") * 65_536).tobytes(), {"width": 4}


async def test_any_common_pcm_is_heard(home) -> None:
    for made in (stereo_48_khz, eight_bits, twenty_four_bits, thirty_two_bits):
        pcm, form = made(voice(1500, seed=4))
        async with connected(home.port) as client:
            await say(client, pcm, **form)
            seen = await answer(client)
        stored = (await home.server.store.recent(LOCAL_USER))[0]

        assert Transcript.from_event(seen[-2]).text == stored.text != ""
        assert stored.audio_samples == 24_000


async def test_audio_that_ends_before_it_began_is_an_empty_transcript(home) -> None:
    async with connected(home.port) as client:
        await client.write_event(AudioStart(rate=16_000, width=2, channels=1).event())
        await client.write_event(AudioStop().event())
        seen = await answer(client)

    assert Transcript.from_event(seen[-2]).text == ""
    assert await home.server.store.recent(LOCAL_USER) == ()


async def test_names_and_terms_are_hints_names_first(home, monkeypatch) -> None:
    asked = []
    submit = home.server.workers.queue.submit

    async def spying(request):
        asked.append(request)
        return await submit(request)

    monkeypatch.setattr(home.server.workers.queue, "submit", spying)
    async with connected(home.port) as client:
        await client.write_event(
            Transcribe(transcript_terms=["лампа"], transcript_names=["кухня", "x" * 500]).event()
        )
        await say(client, voice(1500, seed=5))
        await answer(client)

    assert asked[0].profile.terms == ("кухня", "x" * 200, "лампа")


async def test_several_satellites_speak_at_once(home) -> None:
    async def one(seed: int) -> str:
        async with connected(home.port) as client:
            await say(client, voice(1500, seed=seed))
            return Transcript.from_event((await answer(client))[-2]).text

    texts = await asyncio.gather(*(one(seed) for seed in range(6)))

    assert len(set(texts)) == 6
    assert {stored.text for stored in await history(home.server, of=6)} == set(texts)


FORM = {"rate": 16_000, "width": 2, "channels": 1}


WRONG = [
    (b"no json\n", "protocol.invalid_message"),
    (b"[" * 5000 + b"\n", "protocol.invalid_message"),
    (b'{"type": 5}\n', "protocol.invalid_message"),
    (b'{"data": {}}\n', "protocol.invalid_message"),
    (b'{"type": "\xff"}\n', "protocol.invalid_message"),
    (b'{"type": "transcribe", "data_length": 4}\nnull', "protocol.invalid_message"),
    (b'{"type": "transcribe", "data": {"language": 7}}\n', "protocol.invalid_message"),
    (b'{"type": "transcribe", "data": {"language": "?"}}\n', "protocol.invalid_message"),
    (b'{"type": "audio-chunk", "payload_length": 2}\nab', "protocol.invalid_message"),
    (b"x" * 200_000, "protocol.message_too_long"),
    (b'{"type": "ping", "data_length": 300000}\n', "protocol.message_too_long"),
    (b'{"type": "ping", "payload_length": 2000000}\n', "protocol.message_too_long"),
    (b'{"type": "ping", "payload_length": -5}\n', "protocol.message_too_long"),
    (
        b'{"type": "audio-start", "data": {"rate": 96000, "width": 2, "channels": 1}}\n',
        "audio.unsupported_format",
    ),
    (
        b'{"type": "audio-start", "data": {"rate": 16000, "width": 5, "channels": 1}}\n',
        "audio.unsupported_format",
    ),
    (
        b'{"type": "audio-start", "data": {"rate": 16000, "width": 2, "channels": 0}}\n',
        "audio.unsupported_format",
    ),
]


async def test_what_is_no_event_gets_an_error_and_the_end(home) -> None:
    for sent, code in WRONG:
        async with connected(home.port) as client:
            client._writer.write(sent)
            assert (await refusal(client)).code == code, sent[:100]


async def test_random_bytes_never_end_the_port(home) -> None:
    rng = np.random.default_rng(3)
    for _ in range(40):
        async with connected(home.port) as client:
            lengths = {"data_length": int(rng.integers(0, 50)), "payload_length": 7}
            client._writer.write(
                rng.bytes(int(rng.integers(0, 300)))
                + json.dumps({"type": "audio-chunk", **lengths}).encode()
                + b"\n"
                + rng.bytes(40)
            )

    async with connected(home.port) as client:
        await say(client, voice(1500, seed=6))
        assert Transcript.from_event((await answer(client))[-2]).text


async def test_audio_that_changes_its_format_is_refused_and_what_was_said_is_kept(home) -> None:
    async with connected(home.port) as client:
        await client.write_event(AudioChunk(**FORM, audio=voice(1500, seed=7)).event())
        await client.write_event(AudioChunk(**FORM | {"rate": 8_000}, audio=bytes(800)).event())
        error = await refusal(client)
    (stored,) = await history(home.server)

    assert error.code == "session.format_changed"
    assert stored.text


async def test_unknown_events_are_passed_over_also_between_audio(home) -> None:
    async with connected(home.port) as client:
        await client.write_event(Event(type="select-program", data={"name": "alfavoice"}))
        await client.write_event(AudioChunk(**FORM, audio=voice(1500, seed=8)).event())
        await client.write_event(Event(type="voice-stopped", data={"timestamp": 5}))
        await client.write_event(AudioStop().event())
        seen = await answer(client)

    assert Transcript.from_event(seen[-2]).text


async def test_a_satellite_that_vanishes_leaves_its_text_and_no_session(home) -> None:
    async with connected(home.port) as client:
        await client.write_event(AudioChunk(**FORM, audio=voice(1500, seed=9)).event())
        client._writer.transport.abort()
    (stored,) = await history(home.server)

    assert stored.text
    await until(lambda: not home.server.sessions._held)


async def test_a_silent_connection_is_closed(start_server: StartServer) -> None:
    port = free_port()
    async with start_server(wyoming_port=port, idle_s=0.3), connected(port) as client:
        error = await refusal(client)

    assert error.code == "session.idle"


async def test_one_connection_too_many_is_refused(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "MOST_CONNECTIONS", 1)
    port = free_port()
    async with start_server(wyoming_port=port) as server:
        await server.wait_ready(30)
        async with connected(port) as one, connected(port) as two:
            error = await refusal(two)
            await say(one, voice(1500, seed=10))
            seen = await answer(one)

    assert error.code == "server.full"
    assert Transcript.from_event(seen[-2]).text


async def test_a_stopping_server_ends_its_connections(start_server: StartServer) -> None:
    port = free_port()
    async with start_server(wyoming_port=port) as server:
        await server.wait_ready(30)
        idle = AsyncTcpClient("127.0.0.1", port, read_timeout=PATIENCE_S)
        async with connected(port):
            await idle.connect()

    assert await idle.read_event() is None
    await idle.disconnect()


async def test_a_stopping_server_gives_the_transcript_of_what_was_said(
    start_server: StartServer,
) -> None:
    port = free_port()
    async with start_server(wyoming_port=port) as server:
        await server.wait_ready(30)
        waiting = connected(port)
        client = await waiting.__aenter__()
        await client.write_event(AudioChunk(**FORM, audio=voice(1500, seed=12)).event())
        await until(
            lambda: any(held.live.audio.received for held in server.sessions._held.values())
        )

    seen = await answer(client)
    await waiting.__aexit__(None, None, None)
    assert Transcript.from_event(seen[-2]).text


async def test_the_port_is_closed_unless_it_is_asked_for(server: RunningServer) -> None:
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", 10_300)) != 0


async def test_where_people_sign_in_the_port_dictates_for_a_named_account(
    start_server: StartServer,
) -> None:
    port = free_port()
    async with start_server(
        login="required", wyoming_port=port, wyoming_user="Mascha@Example.org"
    ) as server:
        await server.wait_ready(30)
        async with connected(port) as client:
            await say(client, voice(1500, seed=11))
            nobody = await refusal(client)
        mascha, _ = await first_person(server, "mascha@example.org")
        async with connected(port) as client:
            await say(client, voice(1500, seed=11))
            text = Transcript.from_event((await answer(client))[-2]).text
        (stored,) = await server.store.recent(mascha)

    assert nobody.code == "auth.forbidden"
    assert stored.text == text != ""


async def test_a_port_that_anybody_could_reach_unnamed_is_not_opened(
    start_server: StartServer,
) -> None:
    for settings, code in (
        ({"login": "required"}, "setup.open_port_without_user"),
        ({"wyoming_host": "0.0.0.0"}, "setup.open_port_beyond_loopback"),
        ({"wyoming_host": "no-such-host.invalid"}, "setup.no_such_address"),
    ):
        with pytest.raises(SetUpError) as failed:
            async with start_server(wyoming_port=free_port(), **settings):
                pass
        assert failed.value.code == code


@pytest.mark.model
@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_real_speech_comes_back_as_its_words(start_server: StartServer, tmp_path) -> None:
    port = free_port()

    async def said(pcm: bytes) -> str:
        async with connected(port) as client:
            await client.write_event(Transcribe(language="ru").event())
            await say(client, pcm)
            return Transcript.from_event((await answer(client))[-2]).text

    async with recordings(start_server, tmp_path, wyoming_port=port) as spoken:
        texts = [await said(pcm) for pcm in spoken.pcm()]

    assert spoken.word_error_rate(texts) < 25
