"""The rule of synchronisation: per field the last writer's value, and no words silently dropped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.library.kinds import RULES, Kind
from service.library.merging import (
    AHEAD_MS,
    Contents,
    FieldWrite,
    MergeRefused,
    Outcome,
    Tombstone,
    merge_delete,
    merge_write,
    settle,
)

RULE = RULES[Kind.NOTE]
NOW = 1_800_000_000_000


def write(stored, writer="a", operation="o", now=NOW, **fields):
    writes = {
        name: FieldWrite(value=value, at=at, seen=seen[0] if seen else None)
        for name, (value, at, *seen) in fields.items()
    }
    return merge_write(stored, writes, RULE, writer=writer, now_ms=now, lost_id=operation)


def delete(stored, at, seen=None, writer="a"):
    return merge_delete(
        stored, FieldWrite(value=None, at=at, seen=seen), RULE, writer=writer, now_ms=NOW
    )


def a_note(at=10, writer="a", text="старое"):
    return write(
        None, writer, title=("Заголовок", at), text=(text, at), is_pinned=(False, at)
    ).contents


def values(contents):
    return {name: one.value for name, one in contents.fields.items()}


def test_two_devices_that_edit_different_fields_keep_both():
    note = write(a_note(), "b", title=("Новый", 20, 10)).contents
    merged = write(note, "c", text=("новое", 15, 10))

    assert values(merged.contents) == {"title": "Новый", "text": "новое", "is_pinned": False}
    assert (merged.outcome, merged.contents.conflicts) == (Outcome.APPLIED, ())


@given(st.permutations([("b", 20), ("c", 30), ("d", 30)]))
def test_of_one_field_the_last_writer_wins_whatever_came_first(order):
    note = a_note()
    for writer, at in order:
        note = write(note, writer, writer, text=(f"от {writer}", at)).contents

    assert note.value("text", "") == "от d"
    kept = {lost.value for lost in note.conflicts}
    assert {"от b", "от c"} <= kept | {"от d"}
    assert settle(note, [lost.id for lost in note.conflicts]).conflicts == ()


def test_a_text_that_its_writer_knew_is_replaced_and_kept_nowhere():
    merged = write(a_note(at=50), "b", text=("новое", 20, 50))

    assert merged.contents.value("text", "") == "новое"
    assert merged.contents.fields["text"].stamp.at == 51
    assert merged.contents.conflicts == ()


def test_an_older_text_loses_but_is_kept_for_the_person():
    merged = write(a_note(at=50), "b", "op", text=("поздно", 20), title=("", 20))

    assert merged.outcome is Outcome.MERGED
    assert merged.contents.value("text", "") == "старое"
    assert [(lost.id, lost.value) for lost in merged.contents.conflicts] == [("op-text", "поздно")]


def test_a_clock_that_is_far_ahead_wins_only_for_a_minute():
    note = write(a_note(), "b", text=("из будущего", NOW * 2)).contents

    assert note.fields["text"].stamp.at == NOW + AHEAD_MS
    later = write(note, "c", now=NOW + AHEAD_MS + 2, text=("теперь", NOW + AHEAD_MS + 1))
    assert later.contents.value("text", "") == "теперь"


def test_lost_texts_are_never_dropped_to_make_room():
    note = a_note(at=1_000)
    for n in range(20):
        note = write(note, f"w{n}", f"o{n}", text=(f"текст {n}", n)).contents

    with pytest.raises(MergeRefused) as refusal:
        write(note, "x", "o", text=("ещё", 1))
    assert refusal.value.code == "library.too_many_conflicts"


def test_a_delete_wins_over_what_is_older_and_loses_to_what_is_newer():
    assert delete(a_note(at=10), 20).contents == Tombstone(
        stamp=delete(a_note(at=10), 20).contents.stamp
    )
    with pytest.raises(MergeRefused) as refusal:
        delete(a_note(at=30), 20)
    assert refusal.value.code == "library.changed"


def test_a_delete_never_takes_words_that_its_writer_had_not_seen():
    note = write(a_note(at=10), "b", text=("важное", 15)).contents

    with pytest.raises(MergeRefused):
        delete(note, 20, seen=10)
    assert isinstance(delete(note, 20, seen=15).contents, Tombstone)


def test_an_edit_newer_than_the_delete_brings_the_whole_item_back_or_says_what_is_missing():
    gone = delete(a_note(at=10), 20).contents

    with pytest.raises(MergeRefused) as older:
        write(gone, "b", title=("т", 5), text=("было", 19), is_pinned=(True, 5))
    with pytest.raises(MergeRefused) as incomplete:
        write(gone, "b", text=("новое", 25))
    revived = write(gone, "b", title=("т", 5), text=("новое", 25), is_pinned=(True, 5)).contents

    assert older.value.code == "library.deleted"
    assert incomplete.value.code == "library.incomplete"
    assert values(revived) == {"title": "т", "text": "новое", "is_pinned": True}


stamps = st.integers(0, 30)
edits = st.tuples(st.sampled_from("abc"), stamps, st.none() | stamps, st.sampled_from("xyz"))


@given(st.lists(edits, max_size=12))
def test_every_text_is_stored_kept_in_conflict_or_was_seen_by_who_replaced_it(steps):
    note: Contents = a_note(at=5, text="начало")
    alive = {"начало"}
    for n, (writer, at, seen, text) in enumerate(steps):
        before = note.fields["text"]
        unseen = (seen is None or seen < before.stamp.at) and before.stamp.writer != writer
        note = write(note, writer, str(n), text=(text, at, seen)).contents
        if note.fields["text"].value == text:
            alive = {text} if not unseen else alive | {text}
        elif before.stamp.writer != writer:
            alive |= {text}
        reachable = {note.fields["text"].value} | {lost.value for lost in note.conflicts}
        assert alive <= reachable
        alive = reachable if unseen else alive
