"""Looking at recordings, playing them back, deleting them; and that others cannot."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from service.accounts.principal import LOCAL_USER
from service.app import RunningServer
from service.recordings.answers import AnnouncementRequest
from service.recordings.recording import State
from service.storage.encryption.sealing import Unreadable
from service.storage.opening import Storage
from service.storage.recordings import Quota, RecordingStore
from tests.recordings.test_jobs import LONG, fetch, until_finals
from tests.recordings.uploader import TAKE, Uploader, announcement, new_id
from tests.server.conftest import StartServer
from tests.storage.fixtures import new_user
from tests.voice import quiet, voice

pytestmark = pytest.mark.postgres


@pytest.fixture
async def keeping(start_server: StartServer) -> AsyncIterator[RunningServer]:
    """A server that keeps audio."""
    async with start_server(keep_audio_days=3) as server:
        await server.wait_ready(30)
        yield server


async def test_recordings_are_listed_in_pages_newest_first(keeping: RunningServer) -> None:
    async with Uploader(keeping.url) as client:
        for n in range(5):
            await client.announce(new_id(), TAKE, recorded_at=f"2026-11-2{n % 2}T10:00:00Z")
        seen, cursor = [], None
        while True:
            page = await client.page(limit=2, **({"cursor": cursor} if cursor else {}))
            seen += page["recordings"]
            cursor = page["next"]
            if cursor is None:
                break
        assert len({one["id"] for one in seen}) == 5
        assert seen == sorted(seen, key=lambda one: (one["recorded_at"], one["id"]), reverse=True)
        assert (await client.page(state="done"))["recordings"] == []
        bad = await client.http.get(f"{keeping.url}/v1/recordings", params={"cursor": "мимо"})
        assert bad.status_code == 422


async def test_audio_is_played_back_whole_and_in_ranges(keeping: RunningServer) -> None:
    async with Uploader(keeping.url) as client:
        key = await client.upload(TAKE, chunk=70_001)
        await client.done(key)

        async def played(span: str | None = None) -> httpx.Response:
            headers = {} if span is None else {"Range": span}
            return await client.http.get(f"/{key}/audio", headers=headers)

        whole = await played()
        assert (whole.status_code, whole.headers["content-type"]) == (200, "audio/wav")
        assert whole.content[:4] == b"RIFF"
        assert whole.content[44:] == TAKE
        size = len(whole.content)
        for span, expected in {
            "bytes=0-9": whole.content[:10],
            "bytes=40-50": whole.content[40:51],
            "bytes=70000-140100": whole.content[70_000:140_101],
            f"bytes={size - 3}-": whole.content[-3:],
            "bytes=-5": whole.content[-5:],
            "bytes=100-999999999": whole.content[100:],
        }.items():
            part = await played(span)
            assert (part.status_code, part.content) == (206, expected)
            first = size - len(expected) if span[6:7] == "-" else int(span[6:].split("-")[0])
            assert part.headers["content-range"] == (
                f"bytes {first}-{first + len(expected) - 1}/{size}"
            )
        for span in (f"bytes={size}-", "bytes=-0", "bytes=9-3"):
            assert (await played(span)).status_code == 416
        for span in ("bytes=0-1,5-6", "lines=1-2", "bytes=x"):
            assert (await played(span)).status_code == 200


async def test_audio_goes_when_its_text_is_stored_or_its_time_has_come(
    start_server: StartServer, database_url: str
) -> None:
    # One after the other: either of two servers may do what was sent to the other.
    async with start_server(keep_audio_days=3) as server, Uploader(server.url) as client:
        kept = await client.upload(TAKE)
        assert (await client.done(kept))["has_audio"]
    await fetch(database_url, "UPDATE recordings SET keep_audio_until = now()")
    async with start_server() as server, Uploader(server.url) as client:
        await server.wait_ready(30)
        gone = await client.upload(quiet(100) + TAKE)
        await client.done(gone)
        for key in (kept, gone):
            while (await client.get(key))["has_audio"]:
                pass
            answer = await client.http.get(f"/{key}/audio")
            assert (answer.status_code, answer.json()["code"]) == (410, "recording.audio_gone")
    assert not await fetch(database_url, "SELECT FROM recording_audio")


async def test_a_deleted_recording_leaves_its_complete_transcript_and_nothing_else(
    keeping: RunningServer, database_url: str
) -> None:
    async with Uploader(keeping.url) as client:
        key = await client.upload(TAKE)
        await client.done(key)
        assert (await client.http.delete(f"/{key}")).status_code == 204
        assert (await client.http.delete(f"/{key}")).status_code == 404
        assert (await client.http.get(f"/{key}")).status_code == 404
        assert len(await keeping.store.recent(LOCAL_USER)) == 1
        assert not await fetch(database_url, "SELECT FROM recordings")
        assert not await fetch(database_url, "SELECT FROM recording_audio")
        # Its client never heard that it was done, and sends it again: still one transcript.
        await client.done(await client.upload(TAKE, key=key))
        assert len(await keeping.store.recent(LOCAL_USER)) == 1


async def test_deleting_a_recording_in_work_ends_the_work(
    start_server: StartServer, tmp_path, database_url: str
) -> None:
    script = tmp_path / "slow.json"
    script.write_text(json.dumps({"work_s_per_audio_s": 0.3}))
    async with start_server(script=script) as server, Uploader(server.url) as client:
        await server.wait_ready(30)
        key = await client.upload(LONG)
        await until_finals(database_url, 2)
        assert (await client.http.delete(f"/{key}")).status_code == 204
        other = await client.upload(quiet(300) + voice(1200) + quiet(900))
        await client.done(other)
        rows = await fetch(database_url, "SELECT deleted_at, finished_at FROM transcripts")
        assert sorted((row["deleted_at"] is None, row["finished_at"] is None) for row in rows) == [
            (False, True),
            (True, False),
        ]
        # Sent again after all, it is whole again.
        await client.done(await client.upload(LONG, key=key))
        rows = await fetch(database_url, "SELECT deleted_at, finished_at FROM transcripts")
        assert all(row["finished_at"] and not row["deleted_at"] for row in rows)


@pytest.mark.parametrize("path", ["/events", "/{key}/events"])
async def test_events_tell_every_state_until_it_is_done(
    start_server: StartServer, path: str
) -> None:
    async with start_server() as server, start_server() as other, Uploader(server.url) as client:
        await server.wait_ready(30)
        await other.wait_ready(30)
        key = new_id()
        await client.announce(key, LONG)
        states = []
        url = f"{other.url}/v1/recordings{path.format(key=key)}"
        async with httpx.AsyncClient(timeout=60) as http, http.stream("GET", url) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            async for line in stream.aiter_lines():
                if not line.startswith("data: "):
                    continue
                news = json.loads(line[6:])
                assert news["id"] == str(key)
                if not states:
                    await client.upload(LONG, key=key)
                states.append(news["state"])
                if news["state"] == "done":
                    break
        assert states[0] == "uploading"
        assert states[-1] == "done"
        assert states == sorted(
            states, key=["uploading", "checking", "waiting", "working", "done"].index
        )


async def test_nobody_reaches_the_recordings_of_another(
    storage: Storage, database_url: str
) -> None:
    store = RecordingStore(storage.postgres, storage.keys)
    other = await new_user(database_url)
    key = new_id()
    quota = Quota(recordings=10, bytes=10**9)
    announced = AnnouncementRequest(**announcement(TAKE)).announcement(key, now=datetime.now(UTC))
    await store.announce(LOCAL_USER, announced, device=None, quota=quota)
    await store.append(LOCAL_USER, key, offset=0, chunk=TAKE[:1000])

    assert await store.get(other, key) is None
    assert await store.append(other, key, offset=1000, chunk=TAKE[1000:2000]) is None
    assert await store.piece(other, key, 0) is None
    assert await store.retry(other, key) is None
    assert not await store.delete(other, key)
    last = (datetime.max.replace(tzinfo=UTC), key)
    assert await store.page(other, before=last, state=None, limit=10) == ()
    # The same id is another recording for somebody else.
    theirs, is_new = await store.announce(other, announced, device=None, quota=quota)
    assert is_new
    assert theirs.received_bytes == 0
    mine = await store.get(LOCAL_USER, key)
    assert mine is not None
    assert (mine.state, mine.received_bytes) == (State.UPLOADING, 1000)
    assert mine.derived_transcript != theirs.derived_transcript


async def test_a_piece_moved_to_another_place_cannot_be_read(
    storage: Storage, database_url: str
) -> None:
    store = RecordingStore(storage.postgres, storage.keys)
    key = new_id()
    audio = bytes(range(256)) * 1024
    announced = AnnouncementRequest(**announcement(audio)).announcement(key, now=datetime.now(UTC))
    await store.announce(LOCAL_USER, announced, device=None, quota=Quota(recordings=1, bytes=10**9))
    for offset in (0, 131_072):
        await store.append(LOCAL_USER, key, offset=offset, chunk=audio[offset : offset + 131_072])
    assert await store.piece(LOCAL_USER, key, 200_000) == (131_072, audio[131_072:])
    await fetch(
        database_url,
        "UPDATE recording_audio AS a SET sealed = b.sealed FROM recording_audio AS b "
        "WHERE a.first_byte <> b.first_byte",
    )

    for position in (0, 200_000):
        with pytest.raises(Unreadable):
            await store.piece(LOCAL_USER, key, position)
