"""Search over sealed text: what is found, in which order, and where it stands."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.accounts.principal import LOCAL_USER
from service.library.history_entries import START, Choice
from service.library.search import SNIPPET_CHARACTERS, has_phrases, read_query, snippet
from service.library.words import stems
from service.storage.history import PostgresHistory
from service.storage.history_search import HistorySearch
from tests.library.said import tell
from tests.storage.fixtures import new_user

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def highlighted(query, text):
    part = snippet(read_query(query), text)
    return [part.text[start:end] for start, end in part.highlights]


def test_a_query_is_words_in_any_form_and_phrases_as_they_stand():
    query = read_query('Встречи "план на КВАРТАЛ" «всё ещё» "одно"')

    assert query.stems == stems("встреча план на квартал все еще одно")
    assert query.phrases == (("план", "на", "квартал"), ("все", "еще"))
    assert read_query("!? —").stems == frozenset()
    assert read_query('ё"лка').phrases == ()


def test_words_are_found_by_their_stems_and_highlighted_where_they_stand():
    text = "Ёлки стояли. Мы купили ёлку и кое-что ещё для встреч."

    assert highlighted("елка встреча", text) == ["Ёлки", "ёлку", "встреч"]
    assert highlighted("что", text) == ["кое-что"]
    assert highlighted("дом", text) == []


def test_a_phrase_is_words_in_a_row_whatever_stands_between_them():
    text = "Квартал. План, на квартал! На план."

    assert has_phrases(read_query('"план на квартал"'), text)
    assert not has_phrases(read_query('"план квартал"'), text)
    assert not has_phrases(read_query('"планы на квартал"'), text)


def test_the_snippet_is_cut_around_the_first_match_and_at_words():
    text = "начало " * 200 + "находка и конец " + "хвост " * 200

    part = snippet(read_query("находки"), text)

    assert len(part.text) <= SNIPPET_CHARACTERS
    ((start, end),) = part.highlights
    assert part.text[start:end] == "находка"
    assert part.text.startswith("начало ")
    assert 40 <= start <= 70


@given(st.text(max_size=2000), st.text(max_size=60))
def test_any_query_on_any_text_gives_a_part_of_it_with_places_inside(text, query):
    part = snippet(read_query(query), text)

    assert part.text in text
    assert len(part.text) <= SNIPPET_CHARACTERS
    last = 0
    for start, end in part.highlights:
        assert last <= start < end <= len(part.text)
        last = end


@pytest.fixture
async def history(storage):
    with ThreadPoolExecutor(1) as executor:
        yield PostgresHistory(storage.postgres, storage.keys, executor)


async def everything(search, q, choice=Choice(), *, user=LOCAL_USER, limit=1):  # noqa: B008
    """Go through all pages."""
    ids, after = [], START
    while after is not None:
        page = await search.page(user, read_query(q), choice, after=after, limit=limit)
        assert len(page.found) <= limit
        ids += [found.entry.id for found in page.found]
        after = page.next
    return ids


@pytest.mark.postgres
@pytest.mark.parametrize("look", [1, 10_000], ids=["index", "newest"])
async def test_the_index_and_the_newest_find_the_same_on_every_page(storage, history, look):
    chance = random.Random(7)
    vocabulary = ["встреча", "бюджет", "отдел", "квартал", "редкость"]
    told: dict[UUID, tuple[set[str], str | None, datetime]] = {}
    for number in range(130):
        words = {word for n, word in enumerate(vocabulary) if chance.random() < 0.6 / (n * n + 1)}
        app = chance.choice(["Почта", None])
        at = NOON + timedelta(minutes=number)
        told[await tell(storage, " ".join(["слово", *words]), app=app, at=at)] = (words, app, at)
    await tell(storage, "встреча бюджет", user=await new_user(storage.dsn))
    search = HistorySearch(history, look=look)

    for wanted in (["встречу"], ["бюджетов", "встречи"], ["редкости"], ["отделы"], ["ничего"]):
        for choice in (Choice(), Choice(app="Почта"), Choice(since=NOON + timedelta(minutes=30))):
            expected = [
                each
                for each, (words, app, at) in reversed(told.items())
                if stems(" ".join(wanted)) <= stems(" ".join(words))
                and choice.app in (None, app)
                and at >= choice.since
            ]
            assert await everything(search, " ".join(wanted), choice) == expected


@pytest.mark.postgres
async def test_nobody_finds_what_somebody_else_said(storage, history):
    other = await new_user(storage.dsn)
    theirs = await tell(storage, "общее слово", user=other)
    mine = await tell(storage, "общее слово")
    for look in (1, 10_000):
        search = HistorySearch(history, look=look)
        assert await everything(search, "слово") == [mine]
        assert await everything(search, "слово", user=other) == [theirs]

    cipher = await storage.keys.of(other)
    words = [cipher.blind(stem) for stem in stems("слово")]
    values = (words, False, START.started_at, START.id, Choice().since, Choice().until)
    rows = await storage.postgres.call_as(
        LOCAL_USER,
        lambda connection: connection.fetch(
            "SELECT * FROM transcripts_with_words($1,$2,$3,$4,$5,$6,NULL,NULL,NULL,NULL,9)", *values
        ),
    )
    assert rows == []


@pytest.mark.postgres
async def test_phrases_are_looked_for_across_utterances_and_pages(storage, history):
    right = [await tell(storage, "Обсудим план", "на квартал завтра.") for _ in range(3)]
    for _ in range(25):
        await tell(storage, "На план, квартал.")
    right += [await tell(storage, "План на квартал готов.")]

    found = await everything(HistorySearch(history), '"план на квартал"', limit=2)

    assert found == right[::-1]


@pytest.mark.postgres
async def test_a_found_transcript_shows_the_utterance_with_the_word(storage, http_beside_storage):
    await tell(storage, *["Ничего особенного."] * 20, "А вот и находка.", "Конец.")

    answer = await http_beside_storage.post("/v1/history/search", json={"q": "находки"})

    (item,) = answer.json()["items"]
    assert item["snippet"] == "А вот и находка."
    assert item["highlights"] == [[8, 15]]
    assert item["preview"].startswith("Ничего особенного.")


@pytest.mark.postgres
async def test_a_search_that_cannot_be_is_refused(http_beside_storage):
    bodies = [
        {"q": ""}, {"q": "а" * 201}, {}, {"q": "а", "limit": 101}, {"q": "а", "cursor": "x"},
    ]  # fmt: skip
    for body in bodies:
        answer = await http_beside_storage.post("/v1/history/search", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid"), body


@pytest.mark.postgres
async def test_a_search_without_a_word_finds_nothing(storage, http_beside_storage):
    await tell(storage, "Раз.")

    answer = await http_beside_storage.post("/v1/history/search", json={"q": "?!"})

    assert answer.json() == {"items": [], "next": None}
