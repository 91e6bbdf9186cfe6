"""Transcripts as documents, one by one and as a zip."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from docx import Document
from hypothesis import given
from hypothesis import strategies as st

from service.library.export_documents import FORMATS, paragraphs
from service.library.history_entries import Entry, Transcript
from tests.library.said import final, tell

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NO_LIBRARY = """
CREATE FUNCTION is_away() RETURNS boolean LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION USING ERRCODE = 'query_canceled'; END $$;
CREATE POLICY away ON library_items AS RESTRICTIVE USING (is_away());
"""
"""What people keep there cannot be read now, while all else can."""


@pytest.fixture
def http(http_beside_storage):
    return http_beside_storage


def transcript(*finals, edited=None, edited_until=None):
    entry = Entry(
        id=uuid4(), kind="live", language="ru", app="Редактор", client="", device=None,
        device_name=None, started_at=NOON, finished_at=NOON, samples=90 * 16_000, word_count=1,
        preview="", is_favourite=False, edited_at=None, deleted_at=None,
    )  # fmt: skip
    until = len(finals) if edited_until is None else edited_until
    return Transcript(entry=entry, finals=finals, edited=edited, edited_until=until)


def docx_text(body):
    return [paragraph.text for paragraph in Document(io.BytesIO(body)).paragraphs]


def zipped(body):
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


async def exported(http, told, form, **query):
    answer = await http.get(f"/v1/history/{told}/export", params={"format": form, **query})
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.mark.postgres
async def test_a_transcript_is_exported_in_every_format(storage, http):
    told = await tell(storage, "Добрый день.", "Начнём.", app="Редактор", at=NOON, pause_s=3.0)

    assert (await exported(http, told, "txt")).decode() == "Добрый день.\nНачнём.\n"
    md = (await exported(http, told, "md", time_zone="Europe/Moscow")).decode()
    assert md == "# 2026-03-01 15:00\n\n*Редактор · 0:08*\n\nДобрый день.\n\nНачнём.\n"
    assert docx_text(await exported(http, told, "docx")) == [
        "2026-03-01 15:00", "Редактор · 0:08", "Добрый день.", "Начнём.",
    ]  # fmt: skip
    srt = (await exported(http, told, "srt")).decode()
    assert srt.startswith("1\n00:00:00,000 --> 00:00:01,000\nДобрый день.\n\n2\n00:00:04,000")
    assert (await exported(http, told, "vtt")).startswith(b"WEBVTT\n\n00:00:00.000")
    document = json.loads(await exported(http, told, "json"))
    assert (document["id"], document["text"]) == (str(told), "Добрый день. Начнём.")
    assert document["utterances"][1]["words"][0]["start_s"] == 4.0


@pytest.mark.postgres
async def test_documents_have_the_edited_text_and_subtitles_what_was_said(storage, http):
    told = await tell(storage, "Купить хлеб.")
    await http.patch(f"/v1/history/{told}", json={"text": "Купить сыр.\nИ молоко."})

    assert (await exported(http, told, "txt")).decode() == "Купить сыр.\nИ молоко.\n"
    assert docx_text(await exported(http, told, "docx"))[2:] == ["Купить сыр.", "И молоко."]
    for form in ("srt", "vtt"):
        assert "Купить хлеб." in (await exported(http, told, form)).decode()
    document = json.loads(await exported(http, told, "json"))
    assert (document["text"], document["original"]) == ("Купить сыр.\nИ молоко.", "Купить хлеб.")


@pytest.mark.postgres
async def test_a_file_is_named_by_time_and_id(storage, http):
    told = await tell(storage, "Раз.", at=NOON)

    answer = await http.get(f"/v1/history/{told}/export", params={"time_zone": "Asia/Tokyo"})

    name = f"2026-03-01_21-00-00_{told.hex[-12:]}.txt"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'


@pytest.mark.postgres
async def test_documents_and_their_names_have_the_time_of_the_persons_zone(storage, http):
    told = await tell(storage, "Раз.", at=NOON)
    await http.patch("/v1/preferences", json={"time_zone": "Asia/Yekaterinburg"})

    one = await http.get(f"/v1/history/{told}/export", params={"format": "md"})
    many = zipped((await http.post("/v1/history/export", json={"format": "docx"})).content)
    asked = await exported(http, told, "md", time_zone="UTC")

    assert "2026-03-01_17-00-00" in one.headers["content-disposition"]
    assert one.text.startswith("# 2026-03-01 17:00\n")
    ((name, body),) = many.items()
    assert name.startswith("2026-03-01_17-00-00")
    assert docx_text(body)[0] == "2026-03-01 17:00"
    assert asked.decode().startswith("# 2026-03-01 12:00\n")


@pytest.mark.postgres
async def test_who_never_said_a_zone_has_the_one_that_preferences_have_by_default(storage, http):
    told = await tell(storage, "Раз.", at=NOON)

    default = (await http.get("/v1/preferences")).json()["values"]["time_zone"]

    assert default == "Europe/Moscow"
    assert (await exported(http, told, "md")).decode().startswith("# 2026-03-01 15:00\n")


@pytest.mark.postgres
async def test_nothing_is_exported_in_another_zone_because_the_persons_cannot_be_read(
    storage, http
):
    told = await tell(storage, "Раз.", at=NOON)
    await http.patch("/v1/preferences", json={"time_zone": "Asia/Yekaterinburg"})
    await storage.postgres.call(lambda connection: connection.execute(NO_LIBRARY))

    one = await http.get(f"/v1/history/{told}/export", params={"format": "md"})
    many = await http.post("/v1/history/export", json={"format": "md"})

    assert [answer.status_code for answer in (one, many)] == [503, 503]
    assert (await exported(http, told, "md", time_zone="UTC")).startswith(b"# 2026-03-01 12:00")


@pytest.mark.postgres
async def test_many_are_one_zip_with_a_document_for_each(storage, http):
    told = [await tell(storage, f"Раз {n}.", at=NOON + timedelta(days=n)) for n in range(13)]

    everything = zipped((await http.post("/v1/history/export", json={"format": "md"})).content)
    some = await http.post("/v1/history/export", json={"ids": [str(each) for each in told[:3]]})
    recent = {"choice": {"since": "2026-03-10T00:00:00Z"}, "format": "docx"}
    chosen = zipped((await http.post("/v1/history/export", json=recent)).content)

    assert len(everything) == 13
    assert {body.decode() for body in zipped(some.content).values()} == {
        "Раз 0.\n", "Раз 1.\n", "Раз 2.\n",
    }  # fmt: skip
    assert len(chosen) == 4
    assert all(name.endswith(".docx") and docx_text(body) for name, body in chosen.items())


@pytest.mark.postgres
async def test_what_cannot_be_read_is_named_in_the_zip_and_the_rest_is_there(storage, http):
    damaged, _ = await tell(storage, "Раз."), await tell(storage, "Два.")
    await storage.postgres.call(
        lambda connection: connection.execute(
            "UPDATE finals SET sealed = sealed || '\\x00' WHERE transcript_id = $1", damaged
        )
    )

    files = zipped((await http.post("/v1/history/export", json={})).content)

    assert sorted(body.decode() for name, body in files.items() if name != "unreadable.txt") == [
        "Два.\n"
    ]
    assert damaged.hex[-12:] in files["unreadable.txt"].decode()


@pytest.mark.postgres
async def test_an_export_of_something_that_is_not_there_is_refused(storage, http):
    told = await tell(storage, "Раз.")

    missing = await http.post("/v1/history/export", json={"ids": [str(told), str(uuid4())]})
    both = await http.post("/v1/history/export", json={"ids": [str(told)], "choice": {}})
    odd = await http.get(f"/v1/history/{told}/export", params={"format": "pdf"})

    assert [answer.status_code for answer in (missing, both, odd)] == [404, 422, 422]


def test_a_long_pause_begins_a_paragraph_and_a_spoken_new_line_does():
    first = final("Раз два.")
    near = final("Три.", utterance=1, start_s=2.5)
    far = final("Четыре.\nПять.", utterance=2, start_s=10)

    assert list(paragraphs(transcript(first, near, far))) == ["Раз два. Три.", "Четыре.", "Пять."]
    edited = transcript(first, near, far, edited="Новый.\n\nТекст.", edited_until=2)
    assert list(paragraphs(edited)) == ["Новый.", "Текст.", "Четыре.", "Пять."]


def test_markdown_shows_the_text_as_it_is():
    said = transcript(
        final("# Не *заголовок* [и] <b>"), final("1. Не список", utterance=1, start_s=99)
    )

    text = FORMATS["md"].write(said, UTC).decode()

    assert r"\# Не \*заголовок\* \[и\] \<b\>" in text
    assert r"1\. Не список" in text


@pytest.mark.parametrize("form", sorted(FORMATS))
@given(st.text(max_size=200), st.booleans())
def test_any_text_can_be_written_in_every_format(form, text, edited):
    said = transcript(final(text), edited=text if edited else None)

    body = FORMATS[form].write(said, UTC)

    if form == "docx":
        assert docx_text(body)[0] == "2026-03-01 12:00"
    else:
        body.decode()
