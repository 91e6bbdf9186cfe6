"""The REST interface of OpenAI, used with its official client."""

import asyncio
import io
from dataclasses import replace

import httpx
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from service.accounts.principal import LOCAL_USER
from service.app import RunningServer
from service.compat.openai_rest_models import model_list
from tests.compat.speech_files import TAKE, encoded, wav
from tests.server.conftest import StartServer
from tests.server.peer import peer
from tests.voice import quiet, voice
from workers.contract.engine import EngineDescription

pytestmark = pytest.mark.postgres


@pytest.fixture
async def client(server: RunningServer):
    async with AsyncOpenAI(
        base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=30
    ) as client:
        yield client


async def native_text(server: RunningServer) -> list[str]:
    """What our own protocol says of the same audio, utterance by utterance."""
    from service.dictation import wire

    async with peer(server.url) as native:
        await native.start(partials=False)
        await native.say(TAKE)
        await native.send(wire.Finish())
        await native.closed()
        return [final.text for final in native.of(wire.Final)]


async def transcribed(client: AsyncOpenAI, **options):
    options = {"file": ("take.wav", wav()), "model": "whisper-1", "language": "ru", **options}
    return await client.audio.transcriptions.create(**options)


async def test_a_file_comes_back_as_the_text_our_own_protocol_gives_and_is_in_the_history(
    server: RunningServer, client: AsyncOpenAI
) -> None:
    said = await transcribed(client)

    utterances = await native_text(server)
    assert said.text == " ".join(utterances)
    assert said.usage.type == "duration"
    assert said.usage.seconds == pytest.approx(6.1, abs=0.01)
    stored = await server.store.recent(LOCAL_USER)
    assert [final.text for final in stored[-1].finals] == utterances
    assert stored[-1].origin.client == "OpenAI API"


async def test_the_blocking_client_works_too(server: RunningServer) -> None:
    def blocking() -> str:
        with OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
            file = io.BytesIO(wav())
            file.name = "take.wav"
            return client.audio.transcriptions.create(file=file, model="gpt-4o-transcribe").text

    assert len((await asyncio.to_thread(blocking)).split()) == 10


async def test_verbose_answers_have_segments_and_words_with_times(client: AsyncOpenAI) -> None:
    said = await transcribed(
        client, response_format="verbose_json", timestamp_granularities=["word", "segment"]
    )

    assert said.language == "ru"
    assert said.duration == pytest.approx(6.1, abs=0.01)
    assert [segment.id for segment in said.segments] == [0, 1]
    assert said.text == " ".join(segment.text for segment in said.segments)
    assert [word.word for word in said.words] == said.text.split()
    times = [(word.start, word.end) for word in said.words]
    assert all(0 <= start < end <= 6.1 for start, end in times)
    assert times == sorted(times)


async def test_only_the_asked_granularity_is_answered(client: AsyncOpenAI) -> None:
    words = await transcribed(
        client, response_format="verbose_json", timestamp_granularities=["word"]
    )
    neither = await transcribed(client, response_format="verbose_json")

    assert words.segments is None
    assert words.words
    assert neither.segments
    assert neither.words is None


async def test_text_and_subtitles_come_as_text(client: AsyncOpenAI) -> None:
    text = await transcribed(client, response_format="text")
    srt = await transcribed(client, response_format="srt")
    vtt = await transcribed(client, response_format="vtt")

    assert text.endswith(".\n")
    assert srt.startswith("1\n00:00:0")
    assert " --> " in srt
    assert vtt.startswith("WEBVTT\n")


async def test_a_streamed_file_gives_the_same_text_piece_by_piece(client: AsyncOpenAI) -> None:
    whole = await transcribed(client)

    stream = await transcribed(client, stream=True, include=["logprobs"])
    events = [event async for event in stream]

    *deltas, done = events
    assert [event.type for event in deltas] == ["transcript.text.delta"] * 2
    assert "".join(event.delta for event in deltas) == done.text == whole.text
    assert done.type == "transcript.text.done"
    assert done.usage.type == "tokens"
    assert done.usage.total_tokens == done.usage.input_tokens + done.usage.output_tokens
    assert [one.token for one in done.logprobs] == whole.text.split()


async def test_words_come_with_their_log_probabilities_when_asked_for(client: AsyncOpenAI) -> None:
    said = await transcribed(client, include=["logprobs"])

    assert [one.token for one in said.logprobs] == said.text.split()
    assert all(one.logprob <= 0 for one in said.logprobs)


async def test_containers_are_decoded(client: AsyncOpenAI) -> None:
    formats = [
        ("flac", "flac"),
        ("mp3", "libmp3lame"),
        ("ogg", "libopus"),
        ("webm", "libopus"),
        ("mp4", "aac"),
    ]
    for container, codec in formats:
        said = await transcribed(client, file=(f"take.{container}", encoded(container, codec)))
        assert len(said.text.split()) == 10, container
        assert said.usage.seconds == pytest.approx(6.1, abs=0.2), container


async def test_a_file_in_which_nobody_speaks_is_an_empty_text(client: AsyncOpenAI) -> None:
    file = ("quiet.wav", wav(quiet(2000)))

    assert (await transcribed(client, file=file)).text == ""
    verbose = await transcribed(client, file=file, response_format="verbose_json")
    assert verbose.segments == []
    assert [e.type async for e in await transcribed(client, file=file, stream=True)] == [
        "transcript.text.done"
    ]


async def test_models_are_listed_and_looked_up_by_their_names(client: AsyncOpenAI) -> None:
    names = [model.id async for model in client.models.list()]

    assert names[0] == "scripted"
    assert {"whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"} <= set(names)
    assert (await client.models.retrieve("whisper-1")).object == "model"
    with pytest.raises(openai.NotFoundError) as refused:
        await client.models.retrieve("gpt-5")
    assert refused.value.code == "model_not_found"


def test_the_recognisers_own_name_tells_how_large_it_is() -> None:
    described = EngineDescription(
        model="base",
        device="cpu",
        compute_type="int8_float32",
        lanes=1,
        languages=("ru",),
        size_bytes=150_000_000,
    )

    own, *aliases = model_list([described, replace(described, size_bytes=None)]).data
    other_way, *_ = model_list([replace(described, size_bytes=None), described]).data

    assert own == other_way
    assert (own.id, own.size_bytes) == ("base", 150_000_000)
    assert {model.size_bytes for model in aliases} == {None}


async def test_what_has_no_size_tells_none(server: RunningServer) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as http:
        told = (await http.get("/v1/models")).json()["data"]
        one = (await http.get("/v1/models/scripted")).json()

    assert one == told[0] == {key: one[key] for key in ("id", "object", "created", "owned_by")}


REFUSED = [
    ({"file": ("take.wav", b"no sound at all" * 100)}, 400, "invalid_file", "file"),
    ({"file": ("take.wav", b"")}, 400, "audio_too_short", "file"),
    ({"file": ("a.m3u8", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")}, 400, "invalid_file", "file"),
    ({"file": ("take.wav", wav()[:20])}, 400, "invalid_file", "file"),
    ({"model": "gpt-5"}, 404, "model_not_found", "model"),
    ({"response_format": "diarized_json"}, 400, "invalid_value", "response_format"),
    ({"language": "по-русски"}, 400, "invalid_language_format", "language"),
    ({"temperature": 2}, 400, "invalid_value", "temperature"),
    ({"timestamp_granularities": ["word"]}, 400, "invalid_value", "timestamp_granularities"),
    ({"stream": True, "response_format": "srt"}, 400, "invalid_value", "stream"),
    ({"stream": True, "file": ("take.wav", b"nothing")}, 400, "invalid_file", "file"),
    ({"prompt": "я" * 40_000}, 400, "invalid_request", None),
]  # fmt: skip


async def test_what_cannot_be_done_is_said_in_the_words_of_openai(
    server: RunningServer, client: AsyncOpenAI
) -> None:
    for options, *expected in REFUSED:
        with pytest.raises(openai.APIStatusError) as refused:
            await transcribed(client, **options)
        error = refused.value
        assert [error.status_code, error.code, error.param] == expected
        assert error.type == "invalid_request_error"
    assert not await server.store.recent(LOCAL_USER)


async def test_unknown_fields_are_ignored(client: AsyncOpenAI) -> None:
    said = await transcribed(
        client,
        prompt="Kubernetes, Постгрес",
        extra_body={"chunking_strategy": "auto", "hotwords": "x", "vad_filter": True},
    )

    assert said.text


async def test_translations_are_refused_with_a_reason(client: AsyncOpenAI) -> None:
    with (
        pytest.warns(DeprecationWarning, match="deprecated"),
        pytest.raises(openai.NotFoundError) as refused,
    ):
        await client.audio.translations.create(file=("take.wav", wav()), model="whisper-1")

    assert refused.value.code == "unsupported_endpoint"


async def test_a_file_beyond_the_limit_is_refused(start_server: StartServer) -> None:
    async with start_server(max_upload_mb=1, max_session_s=3.0) as server:
        await server.wait_ready(30)
        async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="x", max_retries=0) as client:
            with pytest.raises(openai.APIStatusError) as too_large:
                await transcribed(client, file=("take.wav", wav(voice(60_000))))
            with pytest.raises(openai.BadRequestError) as too_long:
                await transcribed(client)
        stored = await server.store.recent(LOCAL_USER)

    assert too_large.value.status_code == 413
    assert too_large.value.code == "request_too_large"
    assert too_long.value.code == "audio_too_long"
    assert not stored


async def test_more_files_at_once_than_the_limit_are_asked_to_come_again(
    start_server: StartServer, tmp_path
) -> None:
    script = tmp_path / "slow.json"
    script.write_text('{"work_s_per_audio_s": 0.3}')
    async with start_server(max_uploads=1, script=script) as server:
        await server.wait_ready(30)
        async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="x", max_retries=0) as client:
            answers = await asyncio.gather(
                *(transcribed(client) for _ in range(3)), return_exceptions=True
            )
            assert (await transcribed(client)).text

    refused = [answer for answer in answers if isinstance(answer, openai.RateLimitError)]
    assert len(refused) == 2
    assert all(int(one.response.headers["retry-after"]) > 0 for one in refused)


@pytest.mark.parametrize("stream", ["true", "false"])
async def test_a_client_that_goes_in_the_middle_leaves_nothing_behind(
    start_server: StartServer, tmp_path, stream: str
) -> None:
    script = tmp_path / "slow.json"
    script.write_text('{"work_s_per_audio_s": 2}')
    async with start_server(script=script, max_uploads=1) as server:
        await server.wait_ready(30)
        async with httpx.AsyncClient() as client:
            with pytest.raises(httpx.ReadTimeout):
                await client.post(
                    f"{server.url}/v1/audio/transcriptions",
                    data={"model": "whisper-1", "stream": stream},
                    files={"file": wav()},
                    timeout=2,
                )
        async with asyncio.timeout(20):
            while await server.store.recent(LOCAL_USER):
                await asyncio.sleep(0.05)
        async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="x") as client:
            assert (await transcribed(client)).text


async def test_a_body_that_is_no_form_is_refused(server: RunningServer) -> None:
    bodies = [
        ("application/json", b"{}"),
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b"--y\r\nbroken"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=file"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\n" + b"A: b\r\n" * 1000),
    ]
    async with httpx.AsyncClient() as client:
        for content_type, body in bodies:
            answer = await client.post(
                f"{server.url}/v1/audio/transcriptions",
                content=body,
                headers={"Content-Type": content_type},
            )
            assert answer.status_code == 400, body
            assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.model
@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_real_speech_comes_back_as_its_words(start_server: StartServer, tmp_path) -> None:
    from benchmarks.speech import errors, word_error_rate
    from tests.real_speech import real_clips
    from tests.whisper_base import whisper_base_folder
    from workers.contract.audio import pcm16_from_samples

    (tmp_path / "models").symlink_to(whisper_base_folder().parent.parent)
    clips = [c for c in real_clips("asterisk", "en") if 3 < c.duration_s < 12]
    clips = clips[::12]
    async with start_server(engine="whisper", model="base") as server:
        await server.wait_ready(60)
        async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="x") as client:
            answers = await asyncio.gather(
                *(
                    transcribed(
                        client,
                        file=("a.flac", encoded("flac", "flac", pcm16_from_samples(c.samples))),
                        language=c.language,
                        response_format="verbose_json",
                        timestamp_granularities=["word"],
                    )
                    for c in clips
                )
            )

    counted = [errors(clip, said.text) for clip, said in zip(clips, answers, strict=True)]
    assert len(clips) >= 4
    assert word_error_rate(counted) < 25
    assert all(word.end <= said.duration for said in answers for word in said.words)
