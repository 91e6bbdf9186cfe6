"""The live interface of Deepgram, as its official client sees it."""

import asyncio
import json
from urllib.parse import urlencode

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from service.app import RunningServer
from tests.compat.clients import first_person, history, nothing_is_kept, until
from tests.compat.deepgram_client import (
    ApiError,
    ListenV1ConfigureFailure,
    ListenV1Error,
    ListenV1Metadata,
    ListenV1Results,
    ListenV1SpeechStarted,
    ListenV1UtteranceEnd,
    heard,
    is_final,
    listening,
    refused,
    rest,
    say,
)
from tests.compat.real_speech import recordings
from tests.server.conftest import StartServer
from tests.voice import quiet, voice

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:websockets.*"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:deepgram.*"),
]


async def test_a_stream_gives_interim_and_final_results_and_ends_with_metadata(
    server: RunningServer,
) -> None:
    async with listening(
        server.url, language="ru", interim_results="true", punctuate="true"
    ) as stream:
        await say(stream, voice(3000, seed=1))
        (interim,) = await heard(stream, lambda _: True)
        await say(stream, quiet(1200) + voice(1500, seed=2))
        await stream.send_close_stream()
        seen = await rest(stream)

    finals = [message for message in seen if is_final(message)]
    texts = [final.channel.alternatives[0].transcript for final in finals]
    assert not interim.is_final
    assert interim.channel.alternatives[0].transcript
    assert interim.duration > 0.9
    assert len(finals) == 2
    assert all(final.speech_final for final in finals)
    assert all(final.start >= 0 and final.duration > 1 for final in finals)
    assert isinstance(seen[-1], ListenV1Metadata)
    assert seen[-1].duration == 5.7
    assert finals[0].metadata.request_id == seen[-1].request_id
    (stored,) = await history(server)
    assert stored.text == " ".join(texts)
    assert stored.origin.client == "deepgram"


async def test_words_are_bare_and_punctuated_words_come_when_asked_for(
    server: RunningServer,
) -> None:
    answers = []
    for parameters in ({}, {"smart_format": "true"}):
        async with listening(server.url, **parameters) as stream:
            await say(stream, voice(1500, seed=3))
            await stream.send_close_stream()
            (final, _) = await rest(stream)
            answers.append(final.channel.alternatives[0])

    bare, finished = answers
    assert finished.transcript.endswith(".")
    assert finished.transcript[0].isupper()
    assert bare.transcript == finished.transcript.lower().removesuffix(".")
    assert [word.word for word in bare.words] == bare.transcript.split()
    assert [word.punctuated_word for word in finished.words] == finished.transcript.split()
    assert all(word.punctuated_word is None for word in bare.words)
    assert all(0 <= word.start <= word.end <= 1.5 for word in finished.words)
    assert finished.confidence == 1.0


async def test_finalize_gives_the_text_at_once_and_the_stream_goes_on(
    server: RunningServer,
) -> None:
    async with listening(server.url) as stream:
        await say(stream, voice(1500, seed=4))
        await stream.send_finalize()
        (first,) = await heard(stream, is_final)
        await stream.send_finalize()
        (nothing,) = await heard(stream, is_final)
        await say(stream, voice(1500, seed=5))
        await stream.send_close_stream()
        seen = await rest(stream)

    assert first.from_finalize
    assert first.channel.alternatives[0].transcript
    assert nothing.from_finalize
    assert nothing.channel.alternatives[0].transcript == ""
    assert is_final(seen[0])
    assert not seen[0].from_finalize
    assert len((await history(server))[0].finals) == 2


async def test_speech_starts_and_utterance_ends_are_told_in_order(server: RunningServer) -> None:
    async with listening(
        server.url, vad_events="true", utterance_end_ms="1000", endpointing="300"
    ) as stream:
        await say(stream, quiet(500) + voice(1200, seed=6) + quiet(1500))
        seen = await heard(stream, lambda m: isinstance(m, ListenV1UtteranceEnd))
        await say(stream, voice(1200, seed=7))
        await stream.send_close_stream()
        seen += await rest(stream)

    assert [type(message) for message in seen] == [
        ListenV1SpeechStarted,
        ListenV1Results,
        ListenV1UtteranceEnd,
        ListenV1SpeechStarted,
        ListenV1Results,
        ListenV1Metadata,
    ]
    started, final, ended = seen[:3]
    assert 0.1 < started.timestamp < 0.8
    assert ended.last_word_end == pytest.approx(final.start + final.duration, abs=0.01)


async def test_who_sends_faster_than_people_speak_is_told_every_utterance_end(
    server: RunningServer,
) -> None:
    async with listening(server.url, utterance_end_ms="1000", endpointing="300") as stream:
        await say(stream, (voice(1200, seed=6) + quiet(2500)) * 3)
        await stream.send_close_stream()
        seen = await rest(stream)

    assert [type(message) for message in seen] == [
        *[ListenV1Results, ListenV1UtteranceEnd] * 3,
        ListenV1Metadata,
    ]


async def test_a_pause_shorter_than_utterance_end_is_none(server: RunningServer) -> None:
    async with listening(server.url, utterance_end_ms="3000") as stream:
        await say(stream, voice(1200, seed=6) + quiet(1500) + voice(1200, seed=7))
        await stream.send_close_stream()
        seen = await rest(stream)

    assert [type(m) for m in seen] == [ListenV1Results, ListenV1Results, ListenV1Metadata]


async def test_two_channels_at_48_khz_are_mixed_to_one(server: RunningServer) -> None:
    import numpy as np

    mono = np.repeat(np.frombuffer(voice(1500, seed=8), "<i2"), 3)  # 16 to 48 kHz, roughly
    stereo = np.stack((mono, mono), axis=1).tobytes()
    async with listening(server.url, sample_rate="48000", channels="2") as stream:
        await say(stream, stereo)
        await stream.send_close_stream()
        seen = await rest(stream)

    assert seen[-1].duration == 1.5
    assert seen[-1].channels == 2
    assert seen[0].channel.alternatives[0].transcript


async def test_terms_of_the_query_reach_the_recogniser(server: RunningServer, monkeypatch) -> None:
    asked = []
    submit = server.workers.queue.submit

    async def spying(request):
        asked.append(request)
        return await submit(request)

    monkeypatch.setattr(server.workers.queue, "submit", spying)
    async with listening(
        server.url, language="en-US", keyterm=["Алиса", "кубернетес"], keywords="депо:2.5"
    ) as stream:
        await say(stream, voice(1500, seed=9))
        await stream.send_close_stream()
        await rest(stream)

    assert {request.profile.terms for request in asked} == {("Алиса", "кубернетес", "депо")}
    assert {request.language for request in asked} == {"en"}


async def test_configure_is_answered_with_what_cannot_be_done(server: RunningServer) -> None:
    async with listening(server.url) as stream:
        await stream._websocket.send('{"type": "Configure", "keyterms": ["депо"]}')
        seen = await heard(stream, lambda m: isinstance(m, ListenV1ConfigureFailure))
        await stream.send_close_stream()
        await rest(stream)

    assert seen[-1].code == "CONFIGURE_KEYTERMS_NOT_SUPPORTED"


REFUSED = [
    ({"encoding": "mulaw"}, "encoding"),
    ({"encoding": None}, "container"),
    ({"sample_rate": None}, "sample_rate"),
    ({"sample_rate": "96000"}, "sample_rate"),
    ({"encoding": "opus", "sample_rate": "44100"}, "opus"),
    ({"channels": "2", "multichannel": "true"}, "multichannel"),
    ({"channels": "3"}, "channels"),
    ({"language": "русский"}, "language"),
    ({"interim_results": "perhaps"}, "interim_results"),
    ({"endpointing": "soon"}, "endpointing"),
    ({"callback": "https://elsewhere.example"}, "callback"),
    ({"keyterm": ["x" * 201]}, "terms"),
    ({"utterance_end_ms": "-1"}, "utterance_end_ms"),
]


async def test_what_cannot_be_done_is_refused_in_the_handshake(server: RunningServer) -> None:
    with pytest.raises(ApiError) as refused:
        async with listening(server.url, encoding="mulaw"):
            pass
    assert refused.value.status_code == 400

    usual = {"encoding": "linear16", "sample_rate": "16000"}
    for parameters, said in REFUSED:
        asked = {name: value for name, value in (usual | parameters).items() if value is not None}
        address = server.url.replace("http", "ws", 1) + "/v1/listen?" + urlencode(asked, doseq=True)
        with pytest.raises(InvalidStatus) as denied:
            await connect(address)
        answer = denied.value.response
        assert answer.status_code == 400, parameters
        assert json.loads(answer.body)["err_code"] == "Bad Request"
        assert said in answer.headers["dg-error"]


async def test_a_browser_gets_its_subprotocol_confirmed(server: RunningServer) -> None:
    address = server.url.replace("http", "ws", 1) + "/v1/listen?encoding=linear16&sample_rate=8000"
    offered = [Subprotocol("token"), Subprotocol("secret")]
    async with connect(address, subprotocols=offered) as connection:
        chosen = connection.subprotocol

    assert chosen == "token"
    await nothing_is_kept(server)


async def test_a_page_of_another_origin_is_turned_away(server: RunningServer) -> None:
    address = server.url.replace("http", "ws", 1) + "/v1/listen?encoding=linear16&sample_rate=8000"

    with pytest.raises(InvalidStatus) as denied:
        await connect(address, origin="https://evil.example")

    assert denied.value.response.status_code == 403


async def test_a_wrong_message_gets_an_error_and_a_clean_close(server: RunningServer) -> None:
    wrong = ['{"type": "Launch"}', "no json", "[" * 5000, "x" * 20_000, "null"]
    for message in wrong:
        async with listening(server.url) as stream:
            await say(stream, voice(1500, seed=10))
            await stream._websocket.send(message)
            (error,), closed = await refused(stream)
        assert isinstance(error, ListenV1Error), message[:100]
        assert error.variant == "SchemaError"
        assert closed.rcvd.code == 1008

    assert all(one.text for one in await history(server, of=len(wrong)))


async def test_opus_that_is_none_is_refused_as_undecodable(server: RunningServer) -> None:
    async with listening(server.url, encoding="opus", sample_rate="48000") as stream:
        await stream.send_media(b"\xff" * 40)
        (error,), closed = await refused(stream)

    assert error.variant == "DATA-0000"
    assert closed.rcvd.code == 1008


async def test_a_stream_without_audio_or_keep_alive_is_closed_and_its_text_is_kept(
    start_server: StartServer,
) -> None:
    async with start_server(idle_s=0.5) as server:
        await server.wait_ready(30)
        async with listening(server.url) as stream:
            await say(stream, voice(1500, seed=11))
            for _ in range(4):
                await asyncio.sleep(0.25)
                await stream.send_keep_alive()
            _, closed = await refused(stream)
        (stored,) = await history(server)

    assert closed.rcvd.code == 1011
    assert closed.rcvd.reason.startswith("NET-0001")
    assert stored.text


async def test_a_client_that_vanishes_leaves_its_text_and_no_session(
    server: RunningServer,
) -> None:
    address = server.url.replace("http", "ws", 1) + "/v1/listen?encoding=linear16&sample_rate=16000"
    async with connect(address, close_timeout=2) as connection:
        await connection.send(voice(1500, seed=12))
        connection.transport.abort()
    (stored,) = await history(server)

    assert stored.text
    await until(lambda: not server.sessions._held)


async def test_a_stopping_server_finishes_what_was_said(start_server: StartServer) -> None:
    async with start_server() as server:
        await server.wait_ready(30)
        waiting = listening(server.url)
        stream = await waiting.__aenter__()
        await say(stream, voice(1500, seed=14))
        await until(
            lambda: any(held.live.audio.received for held in server.sessions._held.values())
        )

    seen = await rest(stream)
    await waiting.__aexit__(None, None, None)
    async with start_server() as server:
        (stored,) = await history(server)
    assert seen[0].channel.alternatives[0].transcript
    assert isinstance(seen[-1], ListenV1Metadata)
    assert stored.text.lower().startswith(seen[0].channel.alternatives[0].transcript)


async def test_a_full_server_refuses_with_a_retry_time(start_server: StartServer) -> None:
    async with start_server(max_sessions=1) as server:
        await server.wait_ready(30)
        async with listening(server.url):
            address = server.url.replace("http", "ws", 1) + "/v1/listen"
            with pytest.raises(InvalidStatus) as denied:
                await connect(address + "?encoding=linear16&sample_rate=8000")

    assert denied.value.response.status_code == 503
    assert denied.value.response.headers["Retry-After"]
    assert json.loads(denied.value.response.body)["code"] == "server.full"


async def test_where_people_sign_in_an_api_key_opens_a_stream_in_its_owners_history(
    start_server: StartServer,
) -> None:
    async with start_server(login="required") as server:
        await server.wait_ready(30)
        with pytest.raises(ApiError) as refused:
            async with listening(server.url, key="av_wrong"):
                pass
        owner, key = await first_person(server, "anna")
        async with listening(server.url, key=key) as stream:
            await say(stream, voice(1500, seed=13))
            await stream.send_close_stream()
            final, _ = await rest(stream)
        address = server.url.replace("http", "ws", 1) + "/v1/listen?encoding=linear16"
        offered = [Subprotocol("token"), Subprotocol(key)]
        async with connect(f"{address}&sample_rate=8000", subprotocols=offered) as connection:
            chosen = connection.subprotocol
        (*_, stored) = await server.store.recent(owner)

    assert refused.value.status_code == 401
    assert stored.text.lower().startswith(final.channel.alternatives[0].transcript)
    assert chosen == "token"


@pytest.mark.model
@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_real_speech_comes_back_as_its_words(start_server: StartServer, tmp_path) -> None:
    async def said(url: str, pcm: bytes) -> str:
        async with listening(url, language="ru", smart_format="true") as stream:
            await say(stream, pcm)
            await stream.send_close_stream()
            finals = filter(is_final, await rest(stream))
            return " ".join(final.channel.alternatives[0].transcript for final in finals)

    async with recordings(start_server, tmp_path) as spoken:
        texts = [await said(spoken.server.url, pcm) for pcm in spoken.pcm()]

    assert spoken.word_error_rate(texts) < 25
