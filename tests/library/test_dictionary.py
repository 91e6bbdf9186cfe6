"""The dictionary as a file: what is written is read back, and what spreadsheets write is read too."""

from contextlib import suppress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.library.dictionary_csv import NotATable, read_csv, write_csv
from service.library.fields import LANGUAGES

letters = st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" ,;|\\'\"=+-@")
words = st.text(letters, min_size=1, max_size=20).map(str.strip).filter(bool)
terms = st.fixed_dictionaries(
    {
        "term": words,
        "sounds_like": st.lists(words, max_size=4),
        "language": st.none() | st.sampled_from(sorted(LANGUAGES)),
        "is_case_sensitive": st.booleans(),
    }
)


@given(st.lists(terms, max_size=5))
def test_what_was_written_is_read_back(some):
    good, bad = read_csv(write_csv(some).encode())

    assert [line.fields for line in good] == some
    assert bad == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_a_table_of_any_spreadsheet_is_read(encoding, between):
    rows = [
        ["Язык", "Термин", "Звучит как", "прочее", "Регистр"],
        ["ru", "МИД", "мид|эм и дэ", "x", "да"],
        ["", "", "", "", ""],
        ["", "Акме", "", "", ""],
    ]
    content = "\r\n".join(between.join(row) for row in rows).encode(encoding)

    good, bad = read_csv(content)

    assert [line.line for line in good] == [2, 4]
    assert good[0].fields == {
        "term": "МИД",
        "sounds_like": ["мид", "эм и дэ"],
        "language": "ru",
        "is_case_sensitive": True,
    }
    assert good[1].fields["language"] is None
    assert bad == []


def test_bad_lines_are_reported_and_good_ones_taken():
    content = (
        "term,sounds_like,language,is_case_sensitive\nодин,,xx,\n,,ru,\n"
        f'{"д" * 201},,,\n"дв\nа",,,\nтри,,,может быть\nчетыре,,,,пять\nшесть'
    ).encode()

    good, bad = read_csv(content)

    assert [line.fields["term"] for line in good] == ["шесть"]
    assert [line.line for line in bad] == [2, 3, 4, 6, 7, 8]
    assert all("д" * 9 not in line.reason for line in bad)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"a;b;c\n1;2;3",
        b"term,term\na,b",
        b"\x89PNG\r\n\x1a\n\0\0\0",
        b"\xff\xfea",
        b'term\n"' + b"a" * 200_000,
        b"term\n" + b"a\n" * 20_001,
    ],
)
def test_what_is_no_table_is_refused_as_a_whole(content):
    with pytest.raises(NotATable):
        read_csv(content)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(content):
    with suppress(NotATable):
        read_csv(b"term,language\n" + content)


async def test_a_dictionary_goes_out_and_comes_back_the_same(server):
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as http:
        for term in ({"term": "=СУММ"}, {"term": "ЭДО", "sounds_like": ["э|дэ", "о"]}):
            assert (await http.post("/v1/dictionary", json=term)).status_code == 201
        exported = (await http.get("/v1/dictionary/export")).content

        again = (await http.post("/v1/dictionary/import", content=exported)).json()
        more = "term;language\nэдо;\nновое;ru\nновое;ru\nплохо;zz".encode("cp1251")
        report = (await http.post("/v1/dictionary/import", content=more)).json()
        page = (await http.get("/v1/dictionary")).json()
        refused = await http.post("/v1/dictionary/import", content=b"\0")

    assert (again["added"], again["changed"], again["unchanged"]) == (0, 0, 2)
    assert (report["added"], report["changed"]) == (1, 1)
    assert [line["line"] for line in report["refused"]] == [4, 5]
    assert ["э|дэ", "о"] in [term["sounds_like"] for term in page["terms"]]
    assert sorted(term["term"] for term in page["terms"]) == ["=СУММ", "новое", "эдо"]
    assert refused.json()["code"] == "library.not_a_table"
