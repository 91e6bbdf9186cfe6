"""What people prefer about how long things are kept holds."""

from datetime import UTC, datetime, timedelta

import pytest

from service.accounts.principal import LOCAL_USER
from service.library.retention import audio_kept, expire_history
from service.storage.items import PostgresItems
from tests.library.said import tell
from tests.recordings.uploader import Uploader
from tests.storage.fixtures import new_user
from tests.voice import quiet, voice

pytestmark = pytest.mark.postgres


async def test_history_older_than_preferred_goes_to_the_bin_except_favourites(
    storage, http_beside_storage, database_url
):
    http, now = http_beside_storage, datetime.now(UTC)
    other = await new_user(database_url)
    old = await tell(storage, "Старое.", at=now - timedelta(days=8))
    dear = await tell(storage, "Дорогое.", at=now - timedelta(days=9))
    new = await tell(storage, "Новое.", at=now - timedelta(days=6))
    theirs = await tell(storage, "Чужое.", user=other, at=now - timedelta(days=900))
    await http.patch(f"/v1/history/{dear}", json={"is_favourite": True})
    items = PostgresItems(storage.postgres, storage.keys)

    assert await expire_history(storage.postgres, items) == 0
    answer = await http.patch("/v1/preferences", json={"keeps_history_days": 7})
    assert answer.status_code == 200
    assert await expire_history(storage.postgres, items) == 1
    assert await expire_history(storage.postgres, items) == 0

    kept = (await http.get("/v1/history")).json()["items"]
    gone = (await http.get("/v1/history", params={"deleted": True})).json()["items"]
    assert [one["id"] for one in kept] == [str(new), str(dear)]
    assert [one["id"] for one in gone] == [str(old)]
    assert await storage.transcripts.get(other, theirs) is not None


async def test_audio_is_kept_as_long_as_preferred_and_else_as_the_server_says(
    storage, http_beside_storage
):
    http, week = http_beside_storage, timedelta(days=7)
    items = PostgresItems(storage.postgres, storage.keys)
    await http.patch("/v1/preferences", json={"style": "chat"})
    assert await audio_kept(items, LOCAL_USER, otherwise=week) == week

    await http.patch("/v1/preferences", json={"keeps_audio_days": 0})
    assert await audio_kept(items, LOCAL_USER, otherwise=week) == timedelta(0)

    await http.patch("/v1/preferences", json={"keeps_audio_days": 3})
    async with Uploader(str(http.base_url).rstrip("/")) as uploader:
        key = await uploader.upload(voice(1500, seed=3) + quiet(1000))
        await uploader.done(key)
        audio = await uploader.http.get(f"/{key}/audio")
    assert audio.status_code == 200


async def test_who_wants_audio_kept_for_less_long_gets_rid_of_what_was_kept(
    storage, http_beside_storage
):
    http = http_beside_storage
    items = PostgresItems(storage.postgres, storage.keys)

    async def kept_until() -> datetime:
        rows = await storage.postgres.call_as(
            LOCAL_USER, lambda c: c.fetch("SELECT keep_audio_until FROM recordings")
        )
        return rows[0]["keep_audio_until"]

    async def prefer(days: int) -> None:
        await http.patch("/v1/preferences", json={"keeps_audio_days": days})
        await expire_history(storage.postgres, items)

    await prefer(30)
    async with Uploader(str(http.base_url).rstrip("/")) as uploader:
        await uploader.done(await uploader.upload(voice(1500, seed=3) + quiet(1000)))
    until = await kept_until()

    await prefer(60)
    assert await kept_until() == until
    await prefer(2)
    assert abs(until - await kept_until() - timedelta(days=28)) < timedelta(minutes=1)
