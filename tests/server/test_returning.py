"""People who come back late, come back to finish, or go for good."""

import asyncio
import time

import httpx
import numpy as np
import pytest

from service.accounts.principal import LOCAL_PRINCIPAL, LOCAL_USER
from service.app import RunningServer
from service.client.sources import HeldAudio
from service.client.stream import Stream, StreamOptions
from service.dictation import wire
from service.dictation.outgoing import Outgoing
from service.dictation.transcripts import SessionOrigin, StoredFinal
from service.problems import Refused
from tests.server.conftest import StartServer
from tests.server.peer import peer
from tests.voice import quiet, voice

pytestmark = pytest.mark.postgres


def at_48_khz(pcm: bytes) -> bytes:
    return np.repeat(np.frombuffer(pcm, "<i2"), 3).tobytes()


@pytest.mark.parametrize("rate", [16_000, 48_000])
async def test_who_comes_back_while_the_rest_is_being_stored_loses_nothing(
    start_server: StartServer, tmp_path, rate: int
) -> None:
    script = tmp_path / "script.json"
    script.write_text('{"work_s_per_audio_s": 1.5}')
    take = voice(2000, seed=1) + quiet(300) + voice(1500, seed=2) + quiet(1100)
    if rate != 16_000:
        take = at_48_khz(take)
    first = len(take) // 2 // 2 * 2
    audio = wire.AudioFormat(sample_rate=rate)
    async with start_server(resume_s=0.1, script=script) as server:
        await server.wait_ready(30)
        async with peer(server.url) as client:
            ready = await client.start(audio=audio)
            await client.say(take[:first])
            while (await client.until(wire.Ack)).received < first // 2 - rate // 2:
                pass
            client.drop()
        await asyncio.sleep(0.8)  # what was heard is on its way into text now

        refusals = 0
        async with asyncio.timeout(60):
            while True:
                async with peer(server.url) as client:
                    await client.send(
                        wire.Start(session=ready.session, resume_from=0, audio=audio, language="ru")
                    )
                    answer = await client.receive()
                    if isinstance(answer, wire.ErrorMessage):
                        assert answer.code == "session.busy"
                        assert answer.retryable
                        refusals += 1
                        continue
                    await client.say(take[2 * answer.received :])
                    await client.send(wire.Finish(samples=len(take) // 2))
                    done = await client.until(wire.Done)
                    break
        (transcript,) = await server.store.recent(LOCAL_USER)

    assert refusals
    heard = sum(final.end - final.start for final in transcript.finals)
    assert heard >= 3.3 * 16_000
    assert done.text == transcript.text
    assert transcript.finished_at is not None


async def test_who_went_on_elsewhere_and_comes_back_goes_on_from_what_was_stored_there(
    server: RunningServer,
) -> None:
    said, elsewhere, rest = voice(900), voice(2000, seed=2) + quiet(1100), voice(1500, seed=3)
    stored = len(said + elsewhere) // 2
    async with peer(server.url) as client:
        ready = await client.start()
        await client.say(said)
        await client.until(wire.Ack)
        client.drop()
    # Another service on the same database: it had all of it again, and has stored it.
    opened = await server.store.open(
        ready.session, user=LOCAL_USER, origin=SessionOrigin(language="ru", sample_rate=16_000)
    )
    final = StoredFinal(
        utterance=0, start=0, end=stored - 8_000, text="Там.", raw="Там.", language="ru", words=()
    )
    await server.store.add_final(LOCAL_USER, opened.transcript, final)

    async with peer(server.url) as client:
        again = await client.start(session=ready.session, resume_from=stored)
        await client.say(rest)
        await client.send(wire.Finish(samples=stored + len(rest) // 2))
        done = await client.until(wire.Done)

    assert again.received == stored
    assert done.text.startswith("Там. ")
    assert [each.utterance for each in client.of(wire.Final)] == [1]


async def test_what_was_stored_elsewhere_does_not_come_once_more_from_who_heard_it_first(
    server: RunningServer,
) -> None:
    said, rest = voice(3000), voice(1500, seed=3)
    stored = 32_000  # of the 48,000 samples that this service has heard and waits to recognise
    async with peer(server.url) as client:
        ready = await client.start()
        await client.say(said)
        while (await client.until(wire.Ack)).received < stored:
            pass
        client.drop()
    opened = await server.store.open(
        ready.session, user=LOCAL_USER, origin=SessionOrigin(language="ru", sample_rate=16_000)
    )
    final = StoredFinal(utterance=0, start=0, end=stored, text="Там.", raw="Там.", language="ru")
    await server.store.add_final(LOCAL_USER, opened.transcript, final)

    async with peer(server.url) as client:
        again = await client.start(session=ready.session, resume_from=stored)
        await client.say(said[2 * again.received :] + rest)
        await client.send(wire.Finish(samples=len(said + rest) // 2))
        done = await client.until(wire.Done)

    assert again.received == stored
    assert done.text.startswith("Там. ")
    assert [each.utterance for each in client.of(wire.Final)] == [1]


async def test_a_session_that_another_service_goes_on_with_ends_here_and_is_no_failure(
    server: RunningServer,
) -> None:
    take = voice(1500) + quiet(1200)
    async with peer(server.url) as client:
        ready = await client.start()
        opened = await server.store.open(
            ready.session, user=LOCAL_USER, origin=SessionOrigin(language="ru", sample_rate=16_000)
        )
        final = StoredFinal(utterance=0, start=0, end=8_000, text="Там.", raw="Там.", language="ru")
        await server.store.add_final(LOCAL_USER, opened.transcript, final)
        await client.say(take)
        told = await client.until(wire.ErrorMessage)
    async with peer(server.url) as client:
        again = await client.start(session=ready.session, resume_from=0)
    async with httpx.AsyncClient() as http:
        metrics = (await http.get(f"{server.url}/metrics")).text

    assert (told.code, told.retryable) == ("server.failed", True)
    assert again.received == 8_000
    assert 'alfavoice_sessions_ended_total{how="elsewhere"} 1.0' in metrics
    assert 'alfavoice_sessions_ended_total{how="failed"} 0.0' in metrics


async def test_a_transcript_that_is_deleted_under_a_session_costs_it_a_reconnection_and_no_word(
    server: RunningServer,
) -> None:
    take = voice(1500) + quiet(1200)
    async with peer(server.url) as client:
        ready = await client.start()
        opened = await server.store.open(
            ready.session, user=LOCAL_USER, origin=SessionOrigin(language="ru", sample_rate=16_000)
        )
        # Another service had begun it, and heard nothing before its client went away.
        await server.store.leave(LOCAL_USER, opened.transcript)
        await client.say(take)
        told = await client.until(wire.ErrorMessage)
    async with peer(server.url) as client:
        again = await client.start(session=ready.session, resume_from=0)
        await client.say(take)
        await client.send(wire.Finish(samples=len(take) // 2))
        done = await client.until(wire.Done)
    async with httpx.AsyncClient() as http:
        metrics = (await http.get(f"{server.url}/metrics")).text

    assert (told.code, told.retryable) == ("server.failed", True)
    assert again.received == 0
    assert done.text
    assert 'alfavoice_sessions_ended_total{how="failed"} 0.0' in metrics


async def test_a_missed_done_is_said_again_at_a_rate_that_does_not_divide(
    server: RunningServer,
) -> None:
    audio = wire.AudioFormat(sample_rate=48_000)
    take = at_48_khz(voice(1500)) + b"\x00\x00"
    async with peer(server.url) as client:
        ready = await client.start(audio=audio)
        await client.say(take)
        await client.send(wire.Finish(samples=len(take) // 2))
        done = await client.until(wire.Done)

    async with peer(server.url) as client:
        again = await client.start(session=ready.session, audio=audio, resume_from=0)
        assert len(take) // 2 - 3 <= again.received <= len(take) // 2
        await client.say(take[2 * again.received :])
        await client.send(wire.Finish(samples=len(take) // 2))
        assert await client.closed() == wire.CloseCode.NORMAL

    assert client.of(wire.Done)[0].text == done.text


@pytest.mark.parametrize("rate", [22_050, 32_000, 44_100, 48_000])
async def test_a_client_that_comes_back_after_the_flush_may_finish_with_its_own_count(
    start_server: StartServer, rate: int
) -> None:
    audio = wire.AudioFormat(sample_rate=rate)
    spoken = np.frombuffer(voice(1503), "<i2")
    take = np.interp(
        np.arange(len(spoken) * rate // 16_000 + 1) * 16_000 / rate, np.arange(len(spoken)), spoken
    )
    pcm = take.astype("<i2").tobytes()
    async with start_server(resume_s=0.1) as server:
        await server.wait_ready(30)
        async with peer(server.url) as client:
            ready = await client.start(audio=audio)
            await client.say(pcm)
            while (await client.until(wire.Ack)).received < len(take) - rate // 2:
                pass
            client.drop()
        async with asyncio.timeout(20):
            while not (await server.store.recent(LOCAL_USER))[0].text:
                await asyncio.sleep(0.05)
        async with peer(server.url) as client:
            again = await client.start(session=ready.session, audio=audio, resume_from=0)
            await client.say(pcm[2 * again.received :])
            await client.send(wire.Finish(samples=len(take)))
            assert (await client.until(wire.Done)).text


async def test_a_session_that_waits_for_text_can_still_be_cancelled(
    start_server: StartServer, tmp_path
) -> None:
    script = tmp_path / "script.json"
    script.write_text('{"work_s_per_audio_s": 30}')
    async with start_server(script=script, drain_s=0.5) as server:
        await server.wait_ready(30)
        stream = Stream(
            HeldAudio(voice(90_000)),
            StreamOptions(server=server.url, language="ru", partials=False, ahead_s=80.0),
        )
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(stream.run())
            await asyncio.sleep(3)
            began = time.monotonic()
            running.cancel()
        left = await server.store.recent(LOCAL_USER)

    assert time.monotonic() - began < 30
    assert left == ()


async def test_a_full_server_lets_go_of_a_session_without_a_socket(
    start_server: StartServer,
) -> None:
    async with start_server(max_sessions=2) as server:
        await server.wait_ready(30)
        async with peer(server.url) as staying:
            await staying.start()
            async with peer(server.url) as leaving:
                gone = await leaving.start()
                leaving.drop()
            await asyncio.sleep(0.2)
            async with peer(server.url) as newcomer:
                assert (await newcomer.start()).session != gone.session
                await newcomer.say(voice(1200))
                await newcomer.send(wire.Finish())
                assert (await newcomer.until(wire.Done)).text
            async with peer(server.url) as back:
                assert (await back.start(session=gone.session, resume_from=0)).received == 0
            await staying.send(wire.Finish())
            await staying.until(wire.Done)


async def test_nobody_is_let_go_of_for_somebody_who_is_refused(start_server: StartServer) -> None:
    async with start_server(max_sessions=1) as server:
        await server.wait_ready(30)
        async with peer(server.url) as leaving:
            gone = await leaving.start()
            await leaving.say(voice(1000))
            await leaving.until(wire.Ack)
            leaving.drop()
        await asyncio.sleep(0.2)
        await server.sessions.drain(0.1)
        # As the routes do, which refuse sockets before that while the server stops.
        who, limits = LOCAL_PRINCIPAL, gone.limits
        with pytest.raises(Refused) as refused:
            await server.sessions.open(
                wire.Start(), principal=who, outgoing=Outgoing(), limits=limits
            )
        back = wire.Start(session=gone.session, resume_from=0, language="ru")
        _, received = await server.sessions.open(
            back, principal=who, outgoing=Outgoing(), limits=limits
        )

    assert refused.value.code == "server.draining"
    assert received == 16_000


async def test_an_endless_stream_of_markers_is_ended(server: RunningServer) -> None:
    async with peer(server.url) as client:
        await client.start()
        await client.say(voice(1000))
        await asyncio.sleep(0.3)
        for number in range(200):
            await client.send(wire.MarkerRequest(id=str(number)))
        assert await client.closed() == wire.CloseCode.PROTOCOL_ERROR

    assert client.of(wire.ErrorMessage)[0].code == "protocol.too_many_markers"


async def test_nothing_is_left_of_a_session_in_which_nobody_spoke(
    start_server: StartServer,
) -> None:
    async with start_server(resume_s=0.1) as server:
        await server.wait_ready(30)
        async with peer(server.url) as client:
            await client.start()
            await client.say(quiet(500))
            await client.until(wire.Ack)
            client.drop()
        async with asyncio.timeout(10):
            while await server.store.recent(LOCAL_USER):
                await asyncio.sleep(0.05)
