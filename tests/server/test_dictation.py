"""One dictation over a real socket, from `start` to stored text."""

from itertools import pairwise

import pytest

from service.accounts.principal import LOCAL_USER
from service.app import RunningServer
from service.dictation import wire
from tests.server.peer import peer
from tests.voice import quiet, voice

pytestmark = pytest.mark.postgres

TAKE = quiet(300) + voice(2500, seed=1) + quiet(1200) + voice(1700, seed=2) + quiet(400)


async def dictate(url: str, take: bytes = TAKE, **start: object) -> list[wire.ServerMessage]:
    async with peer(url) as client:
        await client.start(**start)
        await client.say(take)
        await client.send(wire.Finish())
        assert await client.closed() == wire.CloseCode.NORMAL
        return client.seen


async def test_speech_comes_back_as_finals_and_done_and_is_in_the_database(
    server: RunningServer,
) -> None:
    seen = await dictate(server.url)

    finals = [m for m in seen if isinstance(m, wire.Final)]
    done = seen[-1]
    assert isinstance(done, wire.Done)
    assert [f.utterance for f in finals] == [0, 1]
    assert done.text == " ".join(f.text for f in finals)
    assert done.audio_seconds == pytest.approx(len(TAKE) / 32_000)
    assert all(f.words and f.start <= f.words[0].start < f.words[-1].end <= f.end for f in finals)
    (stored,) = await server.store.recent(LOCAL_USER)
    assert str(stored.id) == done.transcript
    assert [f.text for f in stored.finals] == [f.text for f in finals]
    assert stored.finished_at is not None


async def test_acks_grow_and_the_last_one_says_that_all_is_stored(server: RunningServer) -> None:
    seen = await dictate(server.url)

    acks = [m for m in seen if isinstance(m, wire.Ack)]
    assert all(a.received <= b.received and a.stored <= b.stored for a, b in pairwise(acks))
    assert acks[-1] == wire.Ack(received=len(TAKE) // 2, stored=len(TAKE) // 2)


async def test_partials_come_while_people_speak_and_do_not_change_the_final(
    server: RunningServer,
) -> None:
    async with peer(server.url) as client:
        await client.start()
        await client.say(TAKE[: 2 * 16 * 2600])
        partial = await client.until(wire.Partial)
        await client.say(TAKE[2 * 16 * 2600 :])
        await client.send(wire.Finish())
        await client.closed()
    without = await dictate(server.url, partials=False)

    assert partial.utterance == 0
    assert partial.stable + partial.tail
    assert not [m for m in without if isinstance(m, wire.Partial)]
    assert client.of(wire.Final) == [m for m in without if isinstance(m, wire.Final)]


async def test_finals_without_words_when_the_client_wants_none(server: RunningServer) -> None:
    seen = await dictate(server.url, words=False)

    assert all(not m.words for m in seen if isinstance(m, wire.Final))


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
async def test_positions_are_counted_at_the_rate_of_the_client(
    server: RunningServer, rate: int
) -> None:
    import numpy as np
    from scipy.signal import resample_poly

    inner = np.frombuffer(TAKE, dtype="<i2").astype(float)
    audio = resample_poly(inner, rate // 100, 160).clip(-32768, 32767).astype("<i2").tobytes()

    seen = await dictate(server.url, audio, audio=wire.AudioFormat(sample_rate=rate))

    finals = [m for m in seen if isinstance(m, wire.Final)]
    assert len(finals) == 2
    assert finals[0].end / rate == pytest.approx(3.0, abs=0.25)
    assert seen[-1].audio_seconds == pytest.approx(len(TAKE) / 32_000, abs=0.01)
    assert [m for m in seen if isinstance(m, wire.Ack)][-1].stored == len(audio) // 2


async def test_silence_gives_no_text(server: RunningServer) -> None:
    seen = await dictate(server.url, quiet(5000))

    assert isinstance(seen[-1], wire.Done)
    assert seen[-1].text == ""
    assert not [m for m in seen if isinstance(m, wire.Final | wire.Partial)]


async def test_a_session_without_any_audio_is_done(server: RunningServer) -> None:
    seen = await dictate(server.url, b"")

    assert isinstance(seen[-1], wire.Done)


async def test_a_marker_comes_back_after_the_final_of_what_was_said_before_it(
    server: RunningServer,
) -> None:
    async with peer(server.url) as client:
        await client.start()
        await client.say(voice(1500, seed=3))
        await client.send(wire.MarkerRequest(id="here"))
        await client.say(quiet(1500))
        reached = await client.until(wire.MarkerReached)

    assert reached.id == "here"
    assert client.of(wire.Final)


async def test_a_cancelled_session_leaves_nothing_behind(server: RunningServer) -> None:
    async with peer(server.url) as client:
        await client.start()
        await client.say(TAKE)
        await client.until(wire.Final)
        await client.send(wire.Cancel())
        assert await client.closed() == wire.CloseCode.NORMAL

    assert await server.store.recent(LOCAL_USER) == ()


async def test_many_people_at_once_each_get_their_own_text(server: RunningServer) -> None:
    import asyncio

    takes = [voice(1200 + 100 * n, seed=n) + quiet(300) for n in range(20)]

    together = await asyncio.gather(*(dictate(server.url, take) for take in takes))
    alone = [await dictate(server.url, take) for take in takes[:5]]

    assert [seen[-1].text for seen in together[:5]] == [seen[-1].text for seen in alone]
    assert len({seen[-1].text for seen in together}) == len(takes)
    assert all(seen[-1].text for seen in together)
