"""The contract of `TranscriptStore`, over the real store and the one other tests use instead."""

import asyncio
import traceback
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from service.accounts.principal import LOCAL_USER
from service.dictation.transcripts import (
    SessionOrigin,
    StoredFinal,
    StoredWord,
    TranscriptStore,
    WentOnElsewhere,
    as_shown,
)
from service.problems import Refused, ServiceError
from service.storage.transcripts import PostgresTranscripts
from tests.storage.fixtures import new_user, open_transcripts
from tests.storage.memory_store import MemoryTranscripts
from tests.storage.samples import FIRST, ORIGIN, SECOND

pytestmark = pytest.mark.postgres


@pytest.fixture
async def postgres_store(database_url: str) -> AsyncIterator[PostgresTranscripts]:
    async with open_transcripts(database_url, Path("/nonexistent")) as store:
        yield store


@pytest.fixture
def memory_store() -> MemoryTranscripts:
    return MemoryTranscripts()


@pytest.fixture(params=["memory_store", "postgres_store"])
def store(request: pytest.FixtureRequest) -> TranscriptStore:
    return request.getfixturevalue(request.param)


async def test_a_reopened_session_gives_back_every_final_in_order(store):
    opened = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)
    await store.add_final(LOCAL_USER, opened.transcript, SECOND)
    await store.add_final(LOCAL_USER, opened.transcript, FIRST)

    again = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)

    assert (opened.finals, opened.finished) == ((), False)
    assert again.transcript == opened.transcript
    assert again.finals == (FIRST, SECOND)
    assert not again.finished


async def test_a_session_that_missed_its_answer_finds_itself_finished(store):
    opened = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)
    await store.add_final(LOCAL_USER, opened.transcript, FIRST)
    await store.finish(LOCAL_USER, opened.transcript, audio_samples=40_000)
    await store.finish(LOCAL_USER, opened.transcript, audio_samples=99_999)

    again = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)

    assert (again.finished, again.audio_samples) == (True, 40_000)


async def test_a_transcript_is_rewritten_by_who_finishes_it_and_by_nobody_later(store):
    opened = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)
    await store.add_final(LOCAL_USER, opened.transcript, FIRST)
    ours = replace(FIRST, text="Первая фраза", typed=as_shown(FIRST))
    late = replace(FIRST, text="Чужая фраза", typed=as_shown(FIRST))
    await store.finish(LOCAL_USER, opened.transcript, audio_samples=1, rewritten=[ours])
    await store.finish(LOCAL_USER, opened.transcript, audio_samples=1, rewritten=[late])

    again = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)

    assert again.finals == (ours,)


async def test_the_same_final_stored_by_many_at_once_is_one_final(store):
    opened = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(20):
            tasks.create_task(store.add_final(LOCAL_USER, opened.transcript, FIRST))

    again = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)
    assert again.finals == (FIRST,)


async def test_another_final_in_the_place_of_a_stored_one_is_refused_and_not_dropped(store):
    opened = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)
    await store.add_final(LOCAL_USER, opened.transcript, FIRST)
    longer = replace(FIRST, end=FIRST.end + 16_000, text="Первая фраза и ещё.")

    with pytest.raises(ServiceError) as caught:
        await store.add_final(LOCAL_USER, opened.transcript, longer)

    assert not caught.value.retryable
    again = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)
    assert again.finals == (FIRST,)


async def test_a_session_opened_by_many_at_once_is_one_transcript(store):
    async with asyncio.TaskGroup() as tasks:
        opening = [
            tasks.create_task(store.open("session-1", user=LOCAL_USER, origin=ORIGIN))
            for _ in range(20)
        ]

    assert len({task.result().transcript for task in opening}) == 1


async def test_a_server_whose_session_went_on_elsewhere_takes_nothing_of_it_away(store):
    opened = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)
    elsewhere = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)
    await store.add_final(LOCAL_USER, elsewhere.transcript, FIRST)

    await store.leave(LOCAL_USER, opened.transcript)

    again = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)
    assert (again.transcript, again.finals) == (opened.transcript, (FIRST,))


async def test_a_session_that_is_left_with_nothing_said_leaves_nothing_unless_it_is_finished(store):
    empty = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)
    silent = await store.open("session-2", user=LOCAL_USER, origin=ORIGIN)
    await store.finish(LOCAL_USER, silent.transcript, audio_samples=16_000, is_silent=True)

    for each in (empty, silent):
        await store.leave(LOCAL_USER, each.transcript)

    again = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)
    done = await store.open("session-2", user=LOCAL_USER, origin=ORIGIN)
    assert again.transcript != empty.transcript
    assert (done.transcript, done.finished) == (silent.transcript, True)


async def test_another_users_session_is_refused(store, database_url):
    await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)
    other = await new_user(database_url)

    with pytest.raises(Refused) as caught:
        await store.open("session-1", user=other, origin=ORIGIN)

    assert (caught.value.code, caught.value.close_code) == ("session.forbidden", 4403)


async def test_a_forgotten_transcript_takes_nothing_more_and_its_session_starts_anew(store):
    opened = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)
    await store.add_final(LOCAL_USER, opened.transcript, FIRST)
    await store.forget(LOCAL_USER, opened.transcript)
    await store.forget(LOCAL_USER, opened.transcript)

    for call in (
        store.add_final(LOCAL_USER, opened.transcript, SECOND),
        store.finish(LOCAL_USER, opened.transcript, audio_samples=1),
    ):
        with pytest.raises(WentOnElsewhere) as caught:
            await call
        assert not caught.value.retryable

    again = await store.open("session-1", user=LOCAL_USER, origin=ORIGIN)
    assert again.transcript != opened.transcript
    assert again.finals == ()


async def test_a_user_reads_back_what_was_said_and_nobody_else_does(postgres_store):
    stored: list[UUID] = []
    for number in range(3):
        opened = await postgres_store.open(f"session-{number}", user=LOCAL_USER, origin=ORIGIN)
        await postgres_store.add_final(LOCAL_USER, opened.transcript, FIRST)
        stored.append(opened.transcript)
    await postgres_store.add_final(LOCAL_USER, stored[2], SECOND)
    await postgres_store.finish(LOCAL_USER, stored[2], audio_samples=64_000)

    newest, older = await postgres_store.recent(LOCAL_USER, limit=2)

    assert [newest.id, older.id] == [stored[2], stored[1]]
    assert newest.finals == (FIRST, SECOND)
    assert newest.origin == ORIGIN
    assert newest.audio_samples == 64_000
    assert newest.finished_at is not None
    assert newest.finished_at.utcoffset() == timedelta(0)
    assert newest.started_at.utcoffset() == timedelta(0)
    assert (older.finished_at, older.audio_samples) == (None, None)
    assert await postgres_store.get(LOCAL_USER, stored[0]) is not None
    assert await postgres_store.get(uuid4(), stored[0]) is None
    assert await postgres_store.recent(uuid4()) == ()


async def test_a_letter_postgres_cannot_store_does_not_cost_the_text(postgres_store):
    origin = SessionOrigin(language="ru", sample_rate=16_000, client="a\0b", app="\0")
    opened = await postgres_store.open("session-1", user=LOCAL_USER, origin=origin)
    word = StoredWord(text="да\0", start=0, end=1, probability=1.0)
    final = StoredFinal(
        utterance=0, start=0, end=1, text="Да\0.\ud800", raw="да\0", language="ru", words=(word,)
    )
    await postgres_store.add_final(LOCAL_USER, opened.transcript, final)

    again = await postgres_store.open("session-1", user=LOCAL_USER, origin=origin)

    assert (again.finals[0].text, again.finals[0].words[0].text) == ("Да.?", "да")


@pytest.mark.parametrize(
    ("text", "end"),
    [
        pytest.param("тайна", -1, id="refused by the server"),
        pytest.param("тайна", 2**70, id="refused by the driver"),
    ],
)
async def test_a_refused_statement_says_nothing_of_what_was_said(postgres_store, text, end):
    opened = await postgres_store.open("session-1", user=LOCAL_USER, origin=ORIGIN)
    final = StoredFinal(utterance=0, start=0, end=end, text=text, raw=text, language="ru")

    with pytest.raises(ServiceError) as caught:
        await postgres_store.add_final(LOCAL_USER, opened.transcript, final)

    error: BaseException | None = caught.value
    assert "тайна" not in "".join(traceback.format_exception(caught.value))
    while error is not None:
        assert "тайна" not in repr(error)
        assert not isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError)
        error = error.__context__
