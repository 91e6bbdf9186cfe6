"""Audio arrives whole or not at all, however the connection behaves."""

import asyncio
import hashlib
import random

import asyncpg
import pytest

from service.accounts.principal import LOCAL_USER
from service.app import RunningServer
from tests.recordings.uploader import TAKE, Uploader, announcement, new_id
from tests.server.conftest import StartServer
from tests.voice import quiet, voice

pytestmark = pytest.mark.postgres


async def texts(server: RunningServer) -> list[str]:
    return [transcript.text for transcript in await server.store.recent(LOCAL_USER, 1000)]


async def execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_an_uploaded_recording_becomes_one_transcript_with_its_words(
    server: RunningServer,
) -> None:
    async with Uploader(server.url) as client:
        key = await client.upload(TAKE, app="Terminal")
        found = await client.done(key)
        async with asyncio.timeout(20):  # its audio goes once the text is stored
            while (await client.get(key))["has_audio"]:
                await asyncio.sleep(0.05)

    (stored,) = await server.store.recent(LOCAL_USER)
    assert str(stored.id) == found["transcript"]
    assert len(stored.finals) == 3
    assert all(final.text and final.words for final in stored.finals)
    assert stored.finished_at is not None
    assert stored.started_at.isoformat() == "2026-11-20T07:00:00+00:00"
    assert stored.origin.app == "Terminal"
    assert found["progress"] == 1
    assert found["audio_seconds"] == pytest.approx(len(TAKE) / 32_000)
    assert not found["is_silent"]


async def test_a_recording_has_the_text_that_the_same_speech_has_live(
    server: RunningServer,
) -> None:
    from tests.server.test_dictation import dictate

    seen = await dictate(server.url, TAKE)
    async with Uploader(server.url) as client:
        await client.done(await client.upload(TAKE))

    first, second = await texts(server)
    assert first == second == seen[-1].text


async def test_an_upload_interrupted_at_every_border_ends_with_the_same_bytes(
    start_server: StartServer,
) -> None:
    async with start_server(keep_audio_days=1) as server:
        await server.wait_ready(30)
        chance = random.Random(5)
        key, received = new_id(), 0
        while received < len(TAKE):
            async with Uploader(server.url) as client:  # a new connection for every chunk
                answer = await client.announce(key, TAKE)
                assert int(answer.headers["Upload-Offset"]) == received
                chunk = TAKE[received : received + chance.randint(1, 40_000)]
                answer = await client.send(key, chunk, offset=received)
                received += len(chunk)
                assert answer.json()["received_bytes"] == received
        async with Uploader(server.url) as client:
            await client.done(key)
            played = await client.http.get(f"/{key}/audio")
        assert played.content[44:] == TAKE


async def test_chunks_repeated_overlapping_or_out_of_order_change_nothing(
    server: RunningServer,
) -> None:
    async with Uploader(server.url) as client:
        key = new_id()
        await client.announce(key, TAKE)
        gap = await client.send(key, TAKE[50_000:60_000], offset=50_000)
        assert (gap.status_code, gap.json()["code"]) == (409, "recording.gap")
        assert gap.headers["Upload-Offset"] == "0"
        await client.send(key, TAKE[:100_000], offset=0)
        again = await client.send(key, TAKE[:100_000], offset=0)
        assert (again.status_code, again.json()["received_bytes"]) == (200, 100_000)
        inside = await client.send(key, TAKE[10:500], offset=10)
        assert inside.json()["received_bytes"] == 100_000
        overlapping = await client.send(key, TAKE[90_000:150_000], offset=90_000)
        assert overlapping.json()["received_bytes"] == 150_000
        beyond = await client.send(key, TAKE[150_000:] + b"xx", offset=150_000)
        assert (beyond.status_code, beyond.json()["code"]) == (409, "recording.beyond_end")
        both = await asyncio.gather(
            *(client.send(key, TAKE[150_000:], offset=150_000) for _ in range(4))
        )
        assert {answer.status_code for answer in both} == {200}
        await client.done(key)
        late = await client.send(key, TAKE[:1000], offset=0)
        assert late.json()["state"] == "done"
        announced = await client.announce(key, TAKE)
        assert (announced.status_code, announced.json()["is_stored"]) == (200, True)

    assert len(await texts(server)) == 1


async def test_bytes_with_another_hash_are_refused_and_may_be_sent_again(
    server: RunningServer,
) -> None:
    wrong = TAKE[:-2] + b"\x01\x01"
    async with Uploader(server.url) as client:
        key = new_id()
        await client.announce(key, TAKE)
        answer = await client.send(key, wrong, offset=0)
        assert (answer.status_code, answer.json()["code"]) == (409, "recording.hash_mismatch")
        found = await client.get(key)
        assert (found["state"], found["reason"]) == ("failed", "hash_mismatch")
        assert not found["is_stored"]
        retried = await client.http.post(f"/{key}/retry")
        assert retried.json()["code"] == "recording.hash_mismatch"
        assert (await client.send(key, TAKE, offset=0)).status_code == 409
        await client.upload(TAKE, key=key)
        await client.done(key)

    assert len(await texts(server)) == 1


async def test_what_is_too_large_or_too_much_is_refused_before_it_is_sent(
    start_server: StartServer,
) -> None:
    async with (
        start_server(
            max_recording_mb=1, max_recording_s=20, max_recordings_waiting=3,
            max_recordings_waiting_mb=1,
        ) as server,
        Uploader(server.url) as client,
    ):  # fmt: skip
        await server.wait_ready(30)

        async def code(**changes: object) -> tuple[int, str]:
            answer = await client.announce(new_id(), TAKE, **changes)
            return answer.status_code, answer.json().get("code", "")

        assert await code(size_bytes=1024 * 1024 + 2) == (413, "recording.too_large")
        assert await code(size_bytes=20 * 32_000 + 2) == (413, "recording.too_large")
        assert await code(size_bytes=600_000, encoding="flac") == (201, "")
        assert await code(size_bytes=600_000, encoding="flac") == (429, "recording.quota")
        assert await code(size_bytes=1000) == (201, "")
        assert await code(size_bytes=1000) == (201, "")
        assert await code(size_bytes=1000) == (429, "recording.quota")
        together = await asyncio.gather(*(code(size_bytes=1000) for _ in range(5)))
        assert set(together) == {(429, "recording.quota")}
        long = await client.send(new_id(), bytes(4 * 1024 * 1024 + 1), offset=0)
        assert long.status_code == 413
        for one in (await client.page())["recordings"]:
            assert (await client.http.delete(f"/{one['id']}")).status_code == 204
        assert await code(size_bytes=1000) == (201, "")


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "00"},
        {"size_bytes": 0},
        {"sample_rate": 7999},
        {"encoding": "exe"},
        {"language": "русский"},
        {"app": "a\u0000b"},
        {"recorded_at": "2026-11-20T10:00:00"},
        {"unknown": 1},
    ],
)
async def test_an_announcement_that_makes_no_sense_is_refused(
    server: RunningServer, changes: dict[str, object]
) -> None:
    async with Uploader(server.url) as client:
        fields = {**announcement(TAKE), **changes}
        answer = await client.http.put(f"/{new_id()}", json=fields)

    assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")


async def test_a_full_disk_refuses_audio_and_loses_nothing_that_was_acknowledged(
    server: RunningServer, database_url: str
) -> None:
    half = len(TAKE) // 2
    async with Uploader(server.url) as client:
        key = new_id()
        await client.announce(key, TAKE)
        await client.send(key, TAKE[:half], offset=0)
        await execute(
            database_url,
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$",
            "CREATE TRIGGER full_disk BEFORE INSERT ON recording_audio "
            "FOR EACH ROW EXECUTE FUNCTION full_disk()",
        )
        refused = await client.send(key, TAKE[half:], offset=half)
        assert (refused.status_code, refused.json()["code"]) == (507, "recording.full_disk")
        assert int(refused.headers["Retry-After"]) > 0
        assert (await client.get(key))["received_bytes"] == half
        await execute(database_url, "DROP TRIGGER full_disk ON recording_audio")
        await client.upload(TAKE, key=key)
        await client.done(key)


async def test_the_disk_of_an_embedded_database_is_never_filled(tmp_path) -> None:
    from service.recordings.room import DiskRoom

    assert DiskRoom(tmp_path, reserve_bytes=0).has(1)
    assert not DiskRoom(tmp_path, reserve_bytes=2**60).has(1)
    assert DiskRoom(None, reserve_bytes=2**60).has(2**40)


async def test_twenty_recordings_at_once_become_twenty_transcripts(server: RunningServer) -> None:
    takes = [quiet(200) + voice(1500 + 50 * n, seed=n) + quiet(300) for n in range(20)]
    async with Uploader(server.url) as client:
        keys = await asyncio.gather(*(client.upload(take, chunk=20_000) for take in takes))
        found = [await client.done(key) for key in keys]

    assert len({one["transcript"] for one in found}) == 20
    assert len(set(await texts(server))) == 20


async def test_silence_is_done_with_an_empty_transcript_and_says_so(
    server: RunningServer,
) -> None:
    async with Uploader(server.url) as client:
        found = await client.done(await client.upload(quiet(5000)))

    assert found["is_silent"]
    assert found["audio_seconds"] == 5
    assert await texts(server) == [""]


async def test_half_a_sample_at_the_end_costs_nothing_else(server: RunningServer) -> None:
    async with Uploader(server.url) as client:
        found = await client.done(await client.upload(TAKE[:-1]))

    assert found["audio_seconds"] == pytest.approx(len(TAKE) / 32_000, abs=0.001)


async def test_audio_at_rest_is_sealed(start_server: StartServer, database_url: str) -> None:
    async with start_server(keep_audio_days=7) as server:
        await server.wait_ready(30)
        async with Uploader(server.url) as client:
            key = await client.upload(TAKE, chunk=50_000)
            await client.done(key)
        connection = await asyncpg.connect(database_url)
        rows = await connection.fetch("SELECT sealed, size_bytes FROM recording_audio")
        await connection.close()

    assert sum(row["size_bytes"] for row in rows) == len(TAKE)
    assert not any(TAKE[20_000:20_032] in row["sealed"] for row in rows)
    assert hashlib.sha256(b"".join(row["sealed"] for row in rows)).digest()
