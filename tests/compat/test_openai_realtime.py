"""The realtime interface of OpenAI, used with its official client."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from openai import AsyncOpenAI
from websockets.asyncio.client import connect

from service.accounts.principal import LOCAL_USER
from service.app import RunningServer
from tests.compat.speech_files import TAKE
from tests.server.conftest import StartServer
from tests.voice import quiet, voice

pytestmark = pytest.mark.postgres

MS_24K = 48
"""Bytes in a millisecond of PCM16 at 24 kHz."""


def at_24k(pcm: bytes) -> bytes:
    samples = np.frombuffer(pcm, dtype="<i2").astype("f4")
    places = np.arange(len(samples) * 3 // 2) / 1.5
    return np.interp(places, np.arange(len(samples)), samples).astype("<i2").tobytes()


class Realtime:
    """A connection of the official client, and everything it heard."""

    def __init__(self, connection) -> None:
        self.connection = connection
        self.seen: list = []

    async def set(self, **audio_input) -> None:
        session = {"type": "transcription", "audio": {"input": audio_input}}
        await self.connection.session.update(session=session)
        await self.until("session.updated")

    async def say(self, pcm: bytes, *, step_ms: int = 200) -> None:
        for first in range(0, len(pcm), step_ms * MS_24K):
            part = base64.b64encode(pcm[first : first + step_ms * MS_24K]).decode()
            await self.connection.input_audio_buffer.append(audio=part)

    async def until(self, kind: str):
        async with asyncio.timeout(20):
            while True:
                event = await self.connection.recv()
                self.seen.append(event)
                if event.type == kind:
                    return event

    @property
    def kinds(self) -> list[str]:
        return [event.type for event in self.seen]

    def of(self, kind: str) -> list:
        return [event for event in self.seen if event.type.endswith(kind)]


async def finals_stored(server: RunningServer) -> list[str]:
    stored = await server.store.recent(LOCAL_USER)
    return [final.text for one in stored for final in one.finals]


def item_of(event) -> str | None:
    item = getattr(event, "item", None)
    return item.id if item else getattr(event, "item_id", None)


@asynccontextmanager
async def realtime(server: RunningServer, **audio_input) -> AsyncIterator[Realtime]:
    async with (
        AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none") as client,
        client.realtime.connect(
            model="gpt-4o-transcribe", extra_query={"intent": "transcription"}
        ) as connection,
    ):
        peer = Realtime(connection)
        await peer.until("session.created")
        if audio_input:
            await peer.set(**audio_input)
        yield peer


async def test_turns_found_by_the_server_become_items_with_their_text(
    server: RunningServer,
) -> None:
    async with realtime(
        server,
        transcription={"model": "whisper-1", "language": "ru", "prompt": "Kubernetes"},
        turn_detection={"type": "server_vad", "silence_duration_ms": 600},
    ) as peer:
        session = peer.of("session.updated")[0].session
        await peer.say(at_24k(TAKE + quiet(1000)))
        for _ in range(2):
            await peer.until("conversation.item.done")

    assert session.audio.input.transcription.language == "ru"
    assert session.audio.input.turn_detection.silence_duration_ms == 600
    for committed in peer.of("committed"):
        about = [event for event in peer.seen if item_of(event) == committed.item_id]
        assert [event.type for event in about if not event.type.endswith("delta")] == [
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.input_audio_transcription.completed",
            "conversation.item.done",
        ]
    started, stopped = peer.of("speech_started"), peer.of("speech_stopped")
    assert abs(started[0].audio_start_ms - 100) < 300
    assert abs(stopped[1].audio_end_ms - 5900) < 300
    first, second = peer.of("completed")
    assert [one.item_id for one in started] == [first.item_id, second.item_id]
    assert peer.of("committed")[1].previous_item_id == first.item_id
    assert first.usage.seconds == pytest.approx(2.9, abs=0.3)
    for one in (first, second):
        deltas = [e.delta for e in peer.of("delta") if e.item_id == one.item_id]
        assert one.transcript.startswith("".join(deltas))
    async with asyncio.timeout(20):
        while len(await finals_stored(server)) < 2:
            await asyncio.sleep(0.05)
    (stored,) = await server.store.recent(LOCAL_USER)
    assert [f.text for f in stored.finals] == [first.transcript, second.transcript]
    assert stored.origin.client == "OpenAI Realtime API"


async def test_without_detection_each_commit_is_one_item_with_all_that_was_said(
    server: RunningServer,
) -> None:
    async with realtime(server, turn_detection=None) as peer:
        await peer.say(at_24k(TAKE))
        await peer.connection.input_audio_buffer.commit()
        first = await peer.until("conversation.item.input_audio_transcription.completed")
        await peer.say(at_24k(voice(1500, seed=3)))
        await peer.connection.input_audio_buffer.commit()
        second = await peer.until("conversation.item.input_audio_transcription.completed")

    assert len(first.transcript.split()) == 10
    assert len(second.transcript.split()) == 5
    assert "".join(e.delta for e in peer.of("delta") if e.item_id == first.item_id) == (
        first.transcript
    )
    assert first.usage.seconds == pytest.approx(6.1, abs=0.05)
    assert peer.of("committed")[1].previous_item_id == first.item_id
    assert not peer.of("speech_started")
    stored = await server.store.recent(LOCAL_USER)
    assert sorted(len(one.finals) for one in stored) == [1, 2]


async def test_a_commit_with_detection_on_ends_the_turn_at_once(server: RunningServer) -> None:
    async with realtime(server) as peer:
        await peer.say(at_24k(quiet(300) + voice(1500, seed=1)))
        await peer.connection.input_audio_buffer.commit()
        done = await peer.until("conversation.item.input_audio_transcription.completed")
        await peer.say(at_24k(quiet(500)))
        await peer.connection.input_audio_buffer.commit()
        silent = await peer.until("conversation.item.input_audio_transcription.completed")

    assert done.transcript
    assert silent.transcript == ""
    assert silent.item_id != done.item_id


@pytest.mark.parametrize("turns", [{"type": "server_vad"}, None])
async def test_what_is_cleared_is_neither_told_nor_stored(
    server: RunningServer, turns: dict | None
) -> None:
    async with realtime(server, turn_detection=turns) as peer:
        await peer.say(at_24k(quiet(300) + voice(1500, seed=1)))
        await peer.connection.input_audio_buffer.clear()
        await peer.until("input_audio_buffer.cleared")
        await peer.say(at_24k(quiet(300) + voice(1700, seed=2)))
        await peer.connection.input_audio_buffer.commit()
        done = await peer.until("conversation.item.input_audio_transcription.completed")

    assert len(peer.of("completed")) == 1
    async with asyncio.timeout(20):
        while not (stored := await finals_stored(server)):
            await asyncio.sleep(0.05)
    assert stored == [done.transcript]


async def test_logprobs_come_when_they_are_asked_for(server: RunningServer) -> None:
    async with realtime(server) as peer:
        await peer.connection.session.update(
            session={
                "type": "transcription",
                "audio": {"input": {"turn_detection": None}},
                "include": ["item.input_audio_transcription.logprobs"],
            }
        )
        await peer.say(at_24k(voice(1500)))
        await peer.connection.input_audio_buffer.commit()
        done = await peer.until("conversation.item.input_audio_transcription.completed")

    assert [one.token for one in done.logprobs] == done.transcript.split()


REFUSED = [
    ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty"),
    ({"type": "input_audio_buffer.append", "audio": "это не base64"}, "invalid_value"),
    ({"type": "input_audio_buffer.append", "audio": "AAAA"}, "invalid_value"),
    ({"type": "input_audio_buffer.append", "audio": 5}, "invalid_value"),
    ({"type": "response.create"}, "unknown_event"),
    ({"type": "session.update", "session": {"type": "realtime"}}, "unsupported_session"),
    (
        {
            "type": "session.update",
            "session": {
                "type": "transcription",
                "audio": {"input": {"format": {"type": "audio/pcmu"}}},
            },
        },
        "unsupported_format",
    ),
    (
        {
            "type": "session.update",
            "session": {"audio": {"input": {"transcription": {"model": "gpt-5"}}}},
        },
        "model_not_found",
    ),
    (
        {
            "type": "session.update",
            "session": {"audio": {"input": {"transcription": {"language": "по-русски"}}}},
        },
        "invalid_language_format",
    ),
]


async def test_an_error_names_the_event_and_the_connection_goes_on(server: RunningServer) -> None:
    async with realtime(server, turn_detection=None) as peer:
        for number, (event, code) in enumerate(REFUSED):
            await peer.connection.send({**event, "event_id": f"mine-{number}"})
            error = (await peer.until("error")).error
            assert (error.code, error.event_id) == (code, f"mine-{number}"), event
            assert error.type == "invalid_request_error"
        for text in ("{", "[]", "5", "null", '{"type": 5}', '{"x":' + "[" * 50_000):
            await peer.connection.send_raw(text)
            assert (await peer.until("error")).error.code == "invalid_event"
        await peer.say(at_24k(voice(1500)))
        await peer.connection.input_audio_buffer.commit()
        done = await peer.until("conversation.item.input_audio_transcription.completed")

    assert done.transcript


async def test_older_clients_are_spoken_to_in_their_own_form(server: RunningServer) -> None:
    address = f"{server.url.replace('http', 'ws')}/v1/realtime?intent=transcription"
    seen = []
    async with connect(address, additional_headers={"OpenAI-Beta": "realtime=v1"}) as client:
        await client.send(
            json.dumps(
                {
                    "type": "transcription_session.update",
                    "session": {
                        "input_audio_format": "pcm16",
                        "input_audio_transcription": {"model": "whisper-1", "language": "ru"},
                        "turn_detection": {"type": "server_vad"},
                        "input_audio_noise_reduction": {"type": "near_field"},
                    },
                }
            )
        )
        audio = base64.b64encode(at_24k(voice(1500) + quiet(1500))).decode()
        await client.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
        async with asyncio.timeout(20):
            while not seen or not seen[-1]["type"].endswith("completed"):
                seen.append(json.loads(await client.recv()))

    kinds = [event["type"] for event in seen if not event["type"].endswith("delta")]
    assert kinds == [
        "transcription_session.created",
        "transcription_session.updated",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.created",
        "conversation.item.input_audio_transcription.completed",
    ]
    assert seen[-1]["transcript"]


@pytest.mark.parametrize("turns", [{"type": "server_vad"}, None])
async def test_what_was_said_before_a_client_was_gone_is_in_the_history(
    server: RunningServer, turns: dict | None
) -> None:
    async with realtime(server, turn_detection=turns) as peer:
        await peer.say(at_24k(TAKE[: 32 * 2600]))
        if turns:
            await peer.until("input_audio_buffer.speech_started")
            peer.connection._connection.transport.abort()

    async with asyncio.timeout(20):
        while True:
            stored = await server.store.recent(LOCAL_USER)
            if stored and stored[0].finished_at:
                break
            await asyncio.sleep(0.05)
    assert [bool(f.text) for f in stored[0].finals] == [True]


async def test_a_connection_without_speech_leaves_nothing(server: RunningServer) -> None:
    async with realtime(server):
        pass

    assert not await server.store.recent(LOCAL_USER)


async def test_a_server_that_ends_finishes_what_was_said_and_says_so(
    start_server: StartServer,
) -> None:
    async with start_server() as server:
        await server.wait_ready(30)
        async with realtime(server) as detected, realtime(server, turn_detection=None) as committed:
            await committed.say(at_24k(voice(1500)), step_ms=1500)
            async with asyncio.timeout(20):
                while not await server.store.recent(LOCAL_USER):
                    await asyncio.sleep(0.05)
            await detected.say(at_24k(voice(1500)))
            await detected.until("input_audio_buffer.speech_started")
            await server.sessions.drain(5)
            errors = [(await peer.until("error")).error for peer in (detected, committed)]

    assert [error.code for error in errors] == ["server.draining"] * 2
    assert detected.of("completed")[0].transcript
    assert committed.of("completed")[0].transcript
    assert committed.of("committed")[0].item_id == committed.of("completed")[0].item_id


async def test_a_conversation_model_is_refused(server: RunningServer) -> None:
    from websockets.exceptions import InvalidStatus

    address = f"{server.url.replace('http', 'ws')}/v1/realtime?model=gpt-realtime"
    with pytest.raises(InvalidStatus) as refused:
        async with connect(address):
            pass

    assert refused.value.response.status_code == 404
    assert json.loads(refused.value.response.body)["error"]["code"] == "model_not_found"


@pytest.mark.model
@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_real_words_appear_while_people_speak(start_server: StartServer, tmp_path) -> None:
    from benchmarks.speech import errors, word_error_rate
    from tests.real_speech import real_clips
    from tests.whisper_base import whisper_base_folder
    from workers.contract.audio import pcm16_from_samples

    (tmp_path / "models").symlink_to(whisper_base_folder().parent.parent)
    clip = next(clip for clip in real_clips("asterisk") if 10 < clip.duration_s < 20)
    pcm = at_24k(pcm16_from_samples(clip.samples))
    async with start_server(engine="whisper", model="base") as server:
        await server.wait_ready(60)
        async with realtime(
            server,
            turn_detection=None,
            transcription={"model": "whisper-1", "language": clip.language},
        ) as peer:
            for first in range(0, len(pcm), 500 * MS_24K):
                await peer.say(pcm[first : first + 500 * MS_24K])
                await asyncio.sleep(0.5)  # as fast as people speak
            await peer.connection.input_audio_buffer.commit()
            done = await peer.until("conversation.item.input_audio_transcription.completed")

    before_commit = peer.kinds[: peer.kinds.index("input_audio_buffer.committed")]
    assert "conversation.item.input_audio_transcription.delta" in before_commit
    assert word_error_rate([errors(clip, done.transcript)]) < 30
