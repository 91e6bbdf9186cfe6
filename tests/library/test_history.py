"""History over HTTP: listed, read, edited, deleted, restored, gone for good."""

import re
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from service.accounts.principal import LOCAL_USER
from service.dictation.transcripts import SessionOrigin
from service.library.history_cursor import write_cursor
from service.library.history_entries import Position
from service.library.history_upkeep import index_unfinished, purge
from service.library.statistics import Streaks, streaks
from service.storage.usage import PostgresUsage
from tests.library.said import RATE, final, tell
from tests.storage.fixtures import new_user

pytestmark = pytest.mark.postgres

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def http(http_beside_storage):
    return http_beside_storage


async def listed(http, **asked):
    answer = await http.get("/v1/history", params=asked)
    assert answer.status_code == 200, answer.text
    return [UUID(item["id"]) for item in answer.json()["items"]]


async def found(http, q):
    answer = await http.post("/v1/history/search", json={"q": q})
    assert answer.status_code == 200, answer.text
    return [UUID(item["id"]) for item in answer.json()["items"]]


async def test_pages_give_every_transcript_once_the_newest_first(storage, http):
    told = [await tell(storage, f"Раз {n}.", at=NOON + timedelta(minutes=n % 5)) for n in range(23)]

    seen, cursor = [], None
    while True:
        query = {"limit": 5} | ({"cursor": cursor} if cursor else {})
        page = (await http.get("/v1/history", params=query)).json()
        assert len(page["items"]) <= 5
        seen += page["items"]
        cursor = page["next"]
        if cursor is None:
            break

    assert sorted(UUID(item["id"]) for item in seen) == sorted(told)
    order = [(item["started_at"], item["id"]) for item in seen]
    assert order == sorted(order, reverse=True)


async def test_an_entry_says_where_a_transcript_is_from_and_how_it_begins(storage, http):
    await tell(storage, "Добрый день.", "слово " * 100, app="Редактор", at=NOON)

    (entry,) = (await http.get("/v1/history")).json()["items"]

    assert (entry["app"], entry["kind"], entry["language"]) == ("Редактор", "live", "ru")
    assert entry["started_at"] == "2026-03-01T12:00:00Z"
    assert (entry["word_count"], entry["audio_seconds"]) == (102, 53.0)
    assert entry["preview"].startswith("Добрый день. слово слово")
    assert entry["preview"].endswith("слово…")
    assert len(entry["preview"]) <= 200
    assert (entry["is_favourite"], entry["edited"], entry["is_readable"]) == (False, False, True)


async def test_each_filter_narrows_the_list(storage, http):
    mail = await tell(storage, "Почта.", app="Почта", at=NOON)
    other = await tell(storage, "Другое.", at=NOON + timedelta(days=1))
    await http.patch(f"/v1/history/{other}", json={"is_favourite": True})

    assert await listed(http, app="Почта") == [mail]
    assert await listed(http, favourite=True) == [other]
    assert await listed(http, favourite=False) == [mail]
    assert await listed(http, since="2026-03-02T15:00:00+03:00") == [other]
    assert await listed(http, until="2026-03-02T15:00:00+03:00") == [mail]
    assert await listed(http, kind="live") == [other, mail]
    assert await listed(http, kind="recording") == []
    assert await listed(http, device=str(uuid4())) == []
    assert await listed(http, deleted=True) == []


async def test_a_transcript_is_given_with_its_utterances_raw_texts_and_word_times(storage, http):
    told = await tell(storage, "Купить хлеб.", "И сыр.")

    whole = (await http.get(f"/v1/history/{told}")).json()

    assert whole["text"] == whole["original"] == "Купить хлеб. И сыр."
    first, second = whole["finals"]
    assert (first["text"], first["raw"]) == ("Купить хлеб.", "купить хлеб.")
    assert (second["start_s"], second["end_s"]) == (2.0, 3.0)
    assert second["words"][1] == {"text": "сыр.", "start_s": 2.5, "end_s": 3.0, "probability": 0.9}


async def test_an_edit_is_shown_found_and_counted_and_what_was_said_stays_beside_it(storage, http):
    told = await tell(storage, "Купить хлеб.")
    url = f"/v1/history/{told}"

    edited = (await http.patch(url, json={"text": "Купить свежий сыр."})).json()
    whole = (await http.get(url)).json()

    assert (edited["preview"], edited["word_count"], edited["edited"]) == (
        "Купить свежий сыр.", 3, True,
    )  # fmt: skip
    assert (whole["text"], whole["original"]) == ("Купить свежий сыр.", "Купить хлеб.")
    assert await found(http, "сыр") == [told]
    assert await found(http, "хлеб") == []

    reverted = (await http.patch(url, json={"text": None})).json()

    assert (reverted["preview"], reverted["word_count"], reverted["edited"]) == (
        "Купить хлеб.", 2, False,
    )  # fmt: skip
    assert await found(http, "хлеб") == [told]


async def test_what_is_said_after_an_edit_follows_it_and_is_found(storage, http):
    told = await tell(storage, "Купить хлеб.", finished=False)
    await http.patch(f"/v1/history/{told}", json={"text": "Купить сыр."})
    await storage.transcripts.add_final(
        LOCAL_USER, told, final("И молоко.", utterance=1, start_s=9)
    )
    for _ in range(2):
        await storage.transcripts.finish(LOCAL_USER, told, audio_samples=10 * RATE)

    whole = (await http.get(f"/v1/history/{told}")).json()

    assert (whole["text"], whole["original"]) == ("Купить сыр. И молоко.", "Купить хлеб. И молоко.")
    assert whole["word_count"] == 4
    assert await found(http, "сыр молоко") == [told]
    assert await found(http, "хлеб") == []


async def test_a_session_still_open_shows_what_is_stored_and_is_found_once_it_is_indexed(
    storage, http
):
    told = await tell(storage, "Первая фраза.", "Вторая фраза.", finished=False)

    (entry,) = (await http.get("/v1/history")).json()["items"]
    assert (entry["finished_at"], entry["word_count"], entry["audio_seconds"]) == (None, 4, 3.0)
    assert entry["preview"] == "Первая фраза. Вторая фраза."

    await index_unfinished(storage.postgres, since=LONG_AGO)

    assert await index_unfinished(storage.postgres, since=LONG_AGO) == 0
    assert await found(http, "вторую") == [told]


async def test_what_was_said_before_somebody_went_for_good_is_found_at_once(storage, http):
    told = await tell(storage, "Первая фраза.", "Вторая фраза.", finished=False)

    await storage.transcripts.leave(LOCAL_USER, told)

    assert await found(http, "вторую") == [told]


async def test_a_session_in_which_nobody_spoke_is_no_entry_and_stays_done(storage, http):
    store = storage.transcripts
    origin = SessionOrigin(language="ru", sample_rate=RATE, client="tests 1")
    opened = await store.open("silent", user=LOCAL_USER, origin=origin)
    await store.add_final(LOCAL_USER, opened.transcript, final(""))
    for _ in range(2):
        await store.finish(LOCAL_USER, opened.transcript, audio_samples=5 * RATE, is_silent=True)

    again = await store.open("silent", user=LOCAL_USER, origin=origin)

    assert (again.transcript, again.finished) == (opened.transcript, True)
    assert await listed(http) == []
    assert (await http.get(f"/v1/history/{opened.transcript}")).status_code == 404
    assert await PostgresUsage(storage.postgres).audio_s(LOCAL_USER, LONG_AGO) == 5.0


async def test_what_is_deleted_waits_in_the_bin_and_comes_back(storage, http):
    first, second = await tell(storage, "Первое."), await tell(storage, "Второе.")

    for _ in range(2):
        assert (await http.delete(f"/v1/history/{first}")).status_code == 204
    assert await listed(http) == [second]
    assert await listed(http, deleted=True) == [first]
    assert await found(http, "первое") == []

    assert (await http.post(f"/v1/history/{first}/restore")).json()["deleted_at"] is None
    assert await listed(http) == [second, first]


async def test_many_are_deleted_and_restored_at_once_and_strangers_count_for_nothing(storage, http):
    told = [await tell(storage, f"Раз {n}.") for n in range(3)]
    theirs = await tell(storage, "Чужое.", user=await new_user(storage.dsn))
    ids = {"ids": [str(each) for each in (*told[:2], theirs, uuid4())]}

    assert (await http.post("/v1/history/delete", json=ids)).json() == {"count": 2}
    assert (await http.post("/v1/history/delete", json=ids)).json() == {"count": 0}
    assert await listed(http) == [told[2]]
    assert (await http.post("/v1/history/restore", json=ids)).json() == {"count": 2}
    assert len(await listed(http)) == 3


async def test_another_persons_transcript_is_not_there_and_stays_as_it_is(storage, http):
    other = await new_user(storage.dsn)
    theirs = await tell(storage, "Чужая тайна.", user=other)
    url = f"/v1/history/{theirs}"

    answers = [
        await http.get(url),
        await http.get(f"{url}/export"),
        await http.patch(url, json={"text": "моё", "is_favourite": True}),
        await http.delete(url),
        await http.post(f"{url}/restore"),
        await http.post("/v1/history/export", json={"ids": [str(theirs)]}),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert await listed(http) == await found(http, "тайна") == []
    stored = await storage.transcripts.get(other, theirs)
    assert stored is not None
    assert stored.text == "Чужая тайна."


async def test_after_thirty_days_only_a_tombstone_is_left(storage, http):
    told, kept = await tell(storage, "Тайна.", app="Банк"), await tell(storage, "Нужное.")
    await http.patch(f"/v1/history/{told}", json={"text": "Большая тайна."})
    for each in (told, kept):
        await http.delete(f"/v1/history/{each}")
    age = "UPDATE transcripts SET deleted_at = now() - $2::interval WHERE id = $1"
    for each, days in ((told, 31), (kept, 29)):
        await storage.postgres.call(
            lambda connection, each=each, days=days: connection.execute(
                age, each, timedelta(days=days)
            )
        )

    assert await purge(storage.postgres, after=timedelta(days=30)) == 1
    assert await purge(storage.postgres, after=timedelta(days=30)) == 0

    row = await storage.postgres.call(
        lambda connection: connection.fetchrow("SELECT * FROM transcripts WHERE id = $1", told)
    )
    left = {name: value for name, value in row.items() if value}
    assert set(left) == {
        "id", "user_id", "change", "kind", "session", "sample_rate", "started_at", "deleted_at",
        "purged_at",
    }  # fmt: skip
    assert left["started_at"].year == 1970
    assert await storage.postgres.call(
        lambda connection: connection.fetchval("SELECT count(*) FROM finals")
    ) == 1  # fmt: skip
    assert await listed(http, deleted=True) == [kept]
    assert (await http.get(f"/v1/history/{told}")).status_code == 404
    assert (await http.post(f"/v1/history/{told}/restore")).status_code == 404


async def test_one_damaged_transcript_does_not_hide_the_others(storage, http):
    damaged, good = await tell(storage, "Раз два."), await tell(storage, "Три два.")
    await storage.postgres.call(
        lambda connection: connection.execute(
            """UPDATE finals SET sealed = other.sealed FROM finals AS other
            WHERE finals.transcript_id = $1 AND other.transcript_id = $2""",
            damaged,
            good,
        )
    )

    items = (await http.get("/v1/history")).json()["items"]

    assert [(item["is_readable"], item["preview"]) for item in items] == [
        (True, "Три два."), (False, ""),
    ]  # fmt: skip
    assert await found(http, "два") == [good, damaged]
    assert await found(http, '"три два"') == [good]
    whole = (await http.get(f"/v1/history/{damaged}")).json()
    assert (whole["is_readable"], whole["text"]) == (False, "")


async def test_a_list_that_cannot_be_is_refused_or_empty_but_never_breaks(http):
    refused = [
        {"cursor": "~" * 32},
        {"cursor": "A"},
        {"limit": 0},
        {"limit": 201},
        {"app": "a\0b"},
        {"since": "2026-01-01T00:00:00"},
        {"since": "0001-01-01T00:00:00+14:00"},
        {"colour": "red"},
    ]
    empty = [{"cursor": "A" * 32}, {"since": "9999-12-31T23:59:59Z"}]

    for query in refused:
        answer = await http.get("/v1/history", params=query)
        assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid"), query
    for query in empty:
        assert await listed(http, **query) == []


async def test_a_change_that_changes_nothing_or_has_half_a_letter_is_refused(storage, http):
    url = f"/v1/history/{await tell(storage, 'Раз.')}"

    bodies = ["{}", '{"is_favourite": null}', '{"text": "\\ud800"}', '{"text": 1}', '{"x": 1}']
    for body in bodies:
        answer = await http.patch(url, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422, body
    assert (await http.patch(url, json={"text": "а" * 400_001})).status_code == 422
    assert (await http.patch(url, json={"text": "да\0нет"})).status_code == 200


async def test_statistics_count_days_of_the_persons_time_zone(storage, http):
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    late = today - timedelta(hours=1)  # yesterday in London, today in Moscow
    await tell(storage, "раз два три четыре", at=late, pause_s=0.0)
    deleted = await tell(storage, "лишнее", at=late)
    await http.delete(f"/v1/history/{deleted}")

    utc = (await http.get("/v1/history/statistics")).json()
    query = {"time_zone": "Pacific/Kiritimati"}  # 14 hours ahead
    ahead = (await http.get("/v1/history/statistics", params=query)).json()

    assert utc["total"] == {
        "transcripts": 1, "words": 4, "minutes": 0.03, "words_per_minute": 120.0,
    }  # fmt: skip
    assert [day["day"] for day in utc["days"]] == [late.date().isoformat()]
    assert [day["day"] for day in ahead["days"]] == [today.date().isoformat()]
    assert (utc["active_days"], utc["longest_streak_days"]) == (1, 1)
    assert date.fromisoformat(utc["weeks"][0]["monday"]).weekday() == 0


async def test_an_unknown_time_zone_is_refused(http):
    for name in ("", "Europe", "../etc/passwd", "Mars/Base", "UTC\0", "a" * 65):
        answer = await http.get("/v1/history/statistics", params={"time_zone": name})
        assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid"), name


def test_a_streak_is_days_in_a_row_and_survives_a_day_that_is_not_over():
    days = [date(2026, 3, day) for day in (1, 2, 3, 7, 8)]

    assert streaks(days, today=date(2026, 3, 8)) == Streaks(current=2, longest=3)
    assert streaks(days, today=date(2026, 3, 9)) == Streaks(current=2, longest=3)
    assert streaks(days, today=date(2026, 3, 10)) == Streaks(current=0, longest=3)
    assert streaks([], today=date(2026, 3, 10)) == Streaks(current=0, longest=0)


def test_a_cursor_says_nothing_to_the_eye():
    cursor = write_cursor(Position(started_at=NOON, id=uuid4()))

    assert cursor is not None
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", cursor)
