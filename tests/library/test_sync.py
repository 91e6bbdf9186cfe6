"""Synchronisation against a real PostgreSQL: nothing lost, nothing skipped, nothing done twice."""

import asyncio
import random
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from service.accounts.principal import LOCAL_USER
from service.dictation.transcripts import SessionOrigin, StoredFinal
from service.library.kinds import PREFERENCES
from service.library.sync_cursor import TooOld
from service.library.sync_operations import Push
from service.library.sync_push import Pushing
from service.storage.items import PostgresItems
from service.storage.pushed_edits import PushedEdits
from service.storage.sync import PostgresSync, PulledTranscript
from tests.storage.fixtures import new_user
from tests.storage.samples import FIRST

LAPTOP = UUID(int=7)
NOTE = {"title": "", "text": "", "is_pinned": False}


@pytest.fixture
def sync(storage):
    return PostgresSync(storage.postgres, storage.keys)


@pytest.fixture
def pushing(storage):
    return Pushing(
        PostgresItems(storage.postgres, storage.keys), PushedEdits(storage.postgres, storage.keys)
    )


def write(item, at=1, kind="note", **values):
    fields = {name: {"value": value, "at": at} for name, value in values.items()}
    return {"type": "write", "operation": uuid4(), "kind": kind, "id": item, "fields": fields}


async def push(pushing, *operations, writer=LAPTOP, user=LOCAL_USER):
    batch = Push.model_validate({"writer": writer, "operations": operations})
    return await pushing.push(user, batch.operations, writer=batch.writer)


class Reader:
    """A client: pulls from its cursor and keeps what it hears."""

    def __init__(self, sync, *, user=LOCAL_USER, limit=3):
        self.sync, self.user, self.limit = sync, user, limit
        self.cursor, self.has, self.numbers = None, {}, []

    async def pull(self):
        while True:
            pulled = await self.sync.pull(self.user, self.cursor, limit=self.limit)
            for change in pulled.changes:
                self.numbers.append(change.number)
                self.has.pop(change.id, None)
                if change.content is not None:
                    self.has[change.id] = change.content
            self.cursor = pulled.next
            if not pulled.more:
                return


async def dictate(storage, *texts, user=LOCAL_USER):
    opened = await storage.transcripts.open(
        uuid4().hex, user=user, origin=SessionOrigin(language="ru", sample_rate=16_000)
    )
    for n, text in enumerate(texts):
        final = StoredFinal(utterance=n, start=n, end=n + 1, text=text, raw=text, language="ru")
        await storage.transcripts.add_final(user, opened.transcript, final)
    await storage.transcripts.finish(user, opened.transcript, audio_samples=len(texts))
    return opened.transcript


def shown(has):
    """What a client has, without the number of the change: it may be newer than when it was told."""
    return {
        key: content if isinstance(content, PulledTranscript) else content.contents
        for key, content in has.items()
    }


@pytest.mark.slow
async def test_a_reader_that_pulls_while_twenty_write_ends_with_what_a_fresh_one_gets(
    storage, sync, pushing
):
    items = [uuid4() for _ in range(15)]
    transcripts = [await dictate(storage, "раз", "два") for _ in range(4)]
    reader, is_over = Reader(sync), asyncio.Event()
    done = []

    async def writer(seed):
        chance = random.Random(seed)
        for n in range(6):
            batch = []
            for _ in range(5):
                item, at = chance.choice(items), chance.randrange(1000)
                match chance.randrange(4):
                    case 0 | 1:
                        batch.append(write(item, at, title=f"{seed}.{n}", text="", is_pinned=False))
                    case 2:
                        batch.append(
                            {"type": "delete", "operation": uuid4(), "kind": "note"}
                            | {"id": item, "at": at}
                        )
                    case _:
                        batch.append(
                            {"type": "favourite_transcript", "operation": uuid4()}
                            | {"id": chance.choice(transcripts), "is_favourite": at % 2 == 0}
                        )
            done.extend(await push(pushing, *batch, writer=UUID(int=seed)))
        await dictate(storage, f"сказано {seed}")

    async def read():
        while not is_over.is_set():
            await reader.pull()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(read())
        async with asyncio.TaskGroup() as writers:
            for seed in range(20):
                writers.create_task(writer(seed))
        is_over.set()
    await reader.pull()
    fresh = Reader(sync, limit=500)
    await fresh.pull()

    assert len(done) == 20 * 6 * 5
    assert reader.numbers == sorted(reader.numbers)
    assert len(set(reader.numbers)) == len(reader.numbers)
    assert shown(reader.has) == shown(fresh.has)
    assert len([one for one in fresh.has.values() if isinstance(one, PulledTranscript)]) == 24


async def test_no_operation_of_twenty_who_write_one_document_at_once_is_lost(sync, pushing):
    async def writer(seed):
        for n in range(5):
            key = {"type": "write", "operation": uuid4(), "kind": "preferences", "id": PREFERENCES}
            fields = {f"k{seed}": {"value": n, "at": n}, f"k{seed}.{n}": {"value": n, "at": n}}
            results.extend(await push(pushing, key | {"fields": fields}, writer=UUID(int=seed)))

    results, reader = [], Reader(sync)
    async with asyncio.TaskGroup() as tasks:
        for seed in range(20):
            tasks.create_task(writer(seed))
    await reader.pull()

    assert [result.outcome for result in results] == ["applied"] * 100
    fields = reader.has[PREFERENCES].contents.fields
    assert len(fields) == 120
    assert {fields[f"k{seed}"].value for seed in range(20)} == {4}


async def test_the_same_push_once_more_changes_nothing(storage, sync, pushing):
    transcript = await dictate(storage, "как сказано")
    item, reader = uuid4(), Reader(sync)
    batch = [
        write(item, 5, **NOTE | {"text": "первое"}),
        write(item, 6, text="второе"),
        {"type": "edit_transcript", "operation": uuid4(), "id": transcript, "text": "как надо"},
        {"type": "delete", "operation": uuid4(), "kind": "note", "id": uuid4(), "at": 1},
    ]
    first = await push(pushing, *batch)
    await push(pushing, write(item, 50, text="третье"), writer=UUID(int=9))
    await reader.pull()
    cursor = reader.cursor

    again = await push(pushing, *batch)
    await reader.pull()

    assert [result.outcome for result in first] == ["applied"] * 4
    assert again == first
    assert reader.cursor == cursor
    assert reader.has[item].contents.value("text", "") == "третье"
    assert reader.has[transcript].text == "как надо"


async def test_what_cannot_be_done_is_refused_by_itself_and_the_rest_is_done(sync, pushing):
    item, reader = uuid4(), Reader(sync)

    results = await push(
        pushing,
        write(item, 5, **NOTE),
        write(item, 6, text=["no", "text"]),
        write(item, 6, colour="red"),
        write(item, 6, kind="term", term="слово"),
        write(uuid4(), 6, kind="snippet", trigger="т", text="{unknown}"),
        write(uuid4(), 6, text="only a part"),
        {"type": "favourite_transcript", "operation": uuid4(), "id": uuid4(), "is_favourite": True},
        write(item, 7, title="дошло"),
    )
    await reader.pull()

    assert [result.code for result in results] == [
        None,
        "request.invalid",
        "request.invalid",
        "library.wrong_kind",
        "request.invalid",
        "library.incomplete",
        "request.not_found",
        None,
    ]
    assert reader.has[item].contents.value("title", "") == "дошло"


async def test_an_edit_made_of_an_older_text_stays_with_its_writer(storage, sync, pushing):
    transcript = await dictate(storage, "как сказано")
    edit = {"type": "edit_transcript", "id": transcript}
    reader = Reader(sync)

    (one,) = await push(pushing, edit | {"operation": uuid4(), "text": "первая правка"})
    (two,) = await push(pushing, edit | {"operation": uuid4(), "text": "вторая правка"})
    await reader.pull()
    seen = int(reader.has[transcript].edited_at.timestamp() * 1000)
    (three,) = await push(pushing, edit | {"operation": uuid4(), "text": None, "seen": seen})
    await reader.pull()

    assert [one.code, two.code, three.code] == [None, "library.changed", None]
    assert reader.has[transcript].text == "как сказано"


async def test_what_was_deleted_is_told_to_who_had_it(storage, sync, pushing):
    note, transcript, reader = uuid4(), await dictate(storage, "слово"), Reader(sync)
    cancelled = await dictate(storage, "лишнее")
    await push(pushing, write(note, **NOTE))
    await reader.pull()
    had = set(reader.has)

    await push(
        pushing,
        {"type": "delete", "operation": uuid4(), "kind": "note", "id": note, "at": 2},
        {"type": "delete_transcript", "operation": uuid4(), "id": transcript},
    )
    await storage.transcripts.forget(LOCAL_USER, cancelled)
    await reader.pull()
    gone = set(reader.has)
    await push(pushing, {"type": "restore_transcript", "operation": uuid4(), "id": transcript})
    await reader.pull()

    assert (had, gone) == ({note, transcript, cancelled}, set())
    assert reader.has[transcript].text == "слово"


async def test_a_dictation_that_goes_on_is_not_told_before_it_has_ended(storage, sync):
    reader = Reader(sync)
    opened = await storage.transcripts.open(
        "s", user=LOCAL_USER, origin=SessionOrigin(language="ru", sample_rate=16_000)
    )
    await reader.pull()
    before = dict(reader.has)

    await storage.transcripts.add_final(LOCAL_USER, opened.transcript, FIRST)
    await storage.transcripts.finish(LOCAL_USER, opened.transcript, audio_samples=32_000)
    await reader.pull()

    assert (before, list(reader.has)) == ({}, [opened.transcript])


async def test_a_client_that_was_away_longer_than_tombstones_are_kept_starts_anew(
    database_url, storage, sync, pushing
):
    kept, gone = uuid4(), uuid4()
    await push(pushing, write(kept, **NOTE), write(gone, **NOTE))
    away, half_way = Reader(sync), Reader(sync, limit=1)
    await away.pull()
    await push(
        pushing, {"type": "delete", "operation": uuid4(), "kind": "note", "id": gone, "at": 2}
    )
    here = Reader(sync)
    await here.pull()
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "UPDATE library_items SET updated_at = now() - $1::interval", timedelta(days=181)
    )
    await connection.close()
    await away.pull()
    here_at = away.cursor

    await push(pushing, write(kept, 3, title="ещё"))
    forgotten = await sync.forget()
    stale = Reader(sync)
    stale.cursor = here_at
    old = here_at.__class__(epoch=here_at.epoch, change=2, begun_after=0)

    assert forgotten == 1
    await stale.pull()
    with pytest.raises(TooOld):
        await sync.pull(LOCAL_USER, old, limit=10)
    await half_way.pull()
    assert set(half_way.has) == {kept}


async def test_a_cursor_of_somebody_else_or_of_a_lost_numbering_is_too_old(
    database_url, storage, sync, pushing
):
    other = await new_user(database_url)
    await push(pushing, write(uuid4(), **NOTE))
    reader, stranger = Reader(sync), Reader(sync, user=other)
    await reader.pull()

    stranger.cursor = reader.cursor
    with pytest.raises(TooOld):
        await stranger.pull()

    ahead = reader.cursor.__class__(epoch=reader.cursor.epoch, change=10**6, begun_after=0)
    with pytest.raises(TooOld):
        await sync.pull(LOCAL_USER, ahead, limit=10)


async def test_deleting_a_person_deletes_all_that_synchronisation_knows_of_them(
    database_url, storage, sync, pushing
):
    user = await new_user(database_url)
    await push(pushing, write(uuid4(), **NOTE), user=user)
    await storage.transcripts.forget(user, await dictate(storage, "слово", user=user))
    await dictate(storage, "слово", user=user)
    connection = await asyncpg.connect(database_url)

    await connection.execute("DELETE FROM users WHERE id = $1", user)

    for table in ("library_items", "removals", "sync_operations", "user_changes", "transcripts"):
        assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0
    await connection.close()
