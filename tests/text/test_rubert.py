"""The runtime of the punctuation model: the right labels for any words, and clear errors on load.

Models here are tiny and random: what they say is noise, but it must be the same noise as that of a
plain NumPy pass over the same weights, however the words are cut, put together and threaded.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.random_punctuator import (
    BEGIN,
    END,
    Shape,
    plain_pass,
    random_weights,
    write_model,
)
from workers.text.merging.thresholds import thresholds_of
from workers.text.punctuation import punctuated
from workers.text.rubert.checkpoint import load_checkpoint, meaning_of
from workers.text.rubert.encoder import load_exported, shipped_model
from workers.text.rubert.errors import PunctuatorUnusable
from workers.text.rubert.labelling import softmax
from workers.text.rubert.labels import CASES, MARKS
from workers.text.rubert.windows import EDGE_PIECES, batches, windows
from workers.text.tokens import read, written

TINY = Shape(layers=2, width=24, heads=2, inner=48, pieces=400, positions=80)
WEIGHTS = random_weights(TINY, spread=0.3)
TEXT = ["добрый", "день", "коллеги", "мы", "смотрим", "на", "отчёт", "3,5", "и", "docker"]


@pytest.fixture(scope="module")
def exact(tmp_path_factory):
    """A model in single precision."""
    folder = tmp_path_factory.mktemp("exact")
    write_model(folder, TINY, WEIGHTS, quantization=None)
    return load_exported(folder, compute_type="float32", calls_at_once=2)


@pytest.fixture
def folder(tmp_path):
    write_model(tmp_path, TINY, WEIGHTS)
    return tmp_path


def numbers(labels):
    """All probabilities of a text: shape (words, 12)."""
    return np.array([np.concatenate([word.marks, word.cases]) for word in labels])


def by_numpy(model, words):
    cut = model.pieces.of(words)
    hidden = plain_pass(TINY, WEIGHTS, [BEGIN, *chain.from_iterable(cut), END])
    last = hidden[np.cumsum([len(pieces) for pieces in cut])]
    heads = [
        last @ WEIGHTS[f"{name}_weight"].T + WEIGHTS[f"{name}_bias"] for name in ("mark", "case")
    ]
    return np.concatenate([softmax(logits) for logits in heads], axis=1)


def test_labels_are_those_of_the_weights(exact):
    found = numbers(exact.label([TEXT])[0])
    np.testing.assert_allclose(found, by_numpy(exact, TEXT), atol=1e-4)
    assert np.ptp(found, axis=0).max() > 0.1  # the words do differ


def test_eight_bits_say_nearly_the_same(tmp_path):
    calm = random_weights(TINY, spread=0.1)
    found = []
    for quantization, compute_type in (("int8", "auto"), (None, "float32")):
        folder = tmp_path / compute_type
        folder.mkdir()
        write_model(folder, TINY, calm, quantization=quantization)
        found.append(numbers(load_exported(folder, compute_type=compute_type).label([TEXT])[0]))
    np.testing.assert_allclose(*found, atol=0.05)


def test_a_text_has_the_same_labels_in_any_company(exact):
    texts = [TEXT[:count] for count in (1, 0, 9, 3)] + [TEXT * 20, ["слово"]] * 3
    together = exact.label(texts)
    assert [len(labels) for labels in together] == [len(text) for text in texts]
    for text, labels in zip(texts, together, strict=True):
        if text:
            np.testing.assert_allclose(numbers(labels), numbers(exact.label([text])[0]), atol=1e-4)
    assert exact.label([]) == []


def test_a_long_text_is_labelled_window_by_window(exact):
    words = (TEXT * 1_000)[:10_000]
    labels = exact.label([words])[0]
    assert len(labels) == len(words)
    cut = [len(pieces) for pieces in exact.pieces.of(words)]
    for window in list(windows(0, cut, limit=80, overlap=24))[:: len(words) // 20]:
        wanted = by_numpy(exact, words[window.start : window.stop])
        kept = slice(window.kept_from - window.start, window.kept_to - window.start)
        found = numbers(labels[window.kept_from : window.kept_to])
        np.testing.assert_allclose(found, wanted[kept], atol=1e-4)


@pytest.mark.parametrize(
    "word",
    ["", " ", "\0", "\ud800", "😀", "שלום", "я" * 5_000, "а" * 150, "а-" * 90, "\u0301", "C++"],
)
def test_every_word_has_labels(exact, word):
    marks, cases = np.split(numbers(exact.label([["да", word, "нет"]])[0]), [len(MARKS)], axis=1)
    np.testing.assert_allclose(marks.sum(axis=1), 1, atol=1e-4)
    np.testing.assert_allclose(cases.sum(axis=1), 1, atol=1e-4)
    assert 1 <= len(exact.pieces.of([word])[0]) <= 8


def test_case_and_stress_and_the_letter_yo_are_not_heard(exact):
    one, other = exact.label([["Отчёт", "США"], ["отчет", "сша"]])
    np.testing.assert_allclose(numbers(one), numbers(other), atol=1e-5)


def test_many_threads_get_the_labels_that_one_gets(exact):
    texts = [TEXT[start:] + TEXT[:start] for start in range(len(TEXT))] * 4
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: numbers(exact.label([text])[0]), texts))
    for text, labels in zip(texts, found, strict=True):
        np.testing.assert_allclose(labels, numbers(exact.label([text])[0]), atol=1e-5)


def test_labels_may_stand_in_any_order_and_some_may_be_missing(tmp_path, exact):
    known = ["?", "", "."]
    weights = dict(WEIGHTS)
    rows = [MARKS.index(mark) for mark in known]
    weights["mark_weight"], weights["mark_bias"] = (
        WEIGHTS["mark_weight"][rows],
        WEIGHTS["mark_bias"][rows],
    )
    for head in ("case_weight", "case_bias"):
        weights[head] = WEIGHTS[head][::-1]
    write_model(
        tmp_path, TINY, weights, quantization=None, marks=known, cases=list(reversed(CASES))
    )
    model = load_exported(tmp_path, compute_type="float32")
    marks, cases = np.split(numbers(model.label([TEXT])[0]), [len(MARKS)], axis=1)
    all_marks, all_cases = np.split(numbers(exact.label([TEXT])[0]), [len(MARKS)], axis=1)
    np.testing.assert_allclose(cases, all_cases, atol=1e-4)
    assert not marks[:, [place for place in range(len(MARKS)) if place not in rows]].any()
    share = all_marks[:, rows] / all_marks[:, rows].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(marks[:, rows], share, atol=1e-3)


@given(st.lists(st.integers(1, 8), max_size=200), st.integers(10, 40), st.integers(0, 30))
def test_windows_keep_every_word_once_and_as_far_from_edges_as_can_be(lengths, limit, overlap):
    cut = list(windows(7, lengths, limit=limit, overlap=overlap))
    assert [word for one in cut for word in range(one.kept_from, one.kept_to)] == list(
        range(len(lengths))
    )
    for one in cut:
        assert one.pieces == sum(lengths[one.start : one.stop]) + EDGE_PIECES <= limit
        assert one.start <= one.kept_from
        assert one.kept_to <= one.stop
    for one, other in pairwise(cut):
        for word in range(other.start, one.stop):  # both windows have it
            nearer = min(word - other.start, one.stop - 1 - word)
            own = one.stop - 1 - word if word < one.kept_to else word - other.start
            assert own >= nearer
        assert other.stop > one.stop
    assert sum(one.pieces for one in cut) <= 4 * (sum(lengths) + limit)


@given(st.lists(st.integers(1, 60), max_size=60), st.integers(1, 200))
def test_batches_hold_each_window_once_within_their_limit(lengths, limit):
    cut = [
        next(windows(number, [1] * size, limit=99, overlap=2))
        for number, size in enumerate(lengths)
    ]
    packed = list(batches(cut, limit=limit))
    assert sorted(one.text for batch in packed for one in batch) == list(range(len(cut)))
    for batch in packed:
        longest = max(one.pieces for one in batch)
        assert len(batch) == 1 or longest * len(batch) <= limit


def rewrite(folder, **changes):
    path = folder / "labels.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), encoding="utf-8")


def set_heads(folder, **changes):
    with np.load(folder / "heads.npz") as stored:
        arrays = dict(stored) | changes
    with (folder / "heads.npz").open("wb") as file:
        np.savez(file, **{name: array for name, array in arrays.items() if array is not None})


BROKEN = {
    "no labels": (lambda folder: (folder / "labels.json").unlink(), "model_missing"),
    "no heads": (lambda folder: (folder / "heads.npz").unlink(), "model_missing"),
    "no tokenizer": (lambda folder: (folder / "tokenizer.json").unlink(), "model_missing"),
    "no weights": (lambda folder: (folder / "model.bin").unlink(), "model_missing"),
    "no JSON": (lambda folder: (folder / "labels.json").write_text("{"), "model_invalid"),
    "a later format": (lambda folder: rewrite(folder, format=2), "model_invalid"),
    "an unknown mark": (lambda folder: rewrite(folder, marks=["", "#"]), "model_invalid"),
    "a mark twice": (lambda folder: rewrite(folder, marks=["", ".", "."]), "model_invalid"),
    "no small letters": (lambda folder: rewrite(folder, cases=["title"]), "model_invalid"),
    "a word too long": (lambda folder: rewrite(folder, max_pieces=9), "model_invalid"),
    "ids beyond": (lambda folder: rewrite(folder, sep=4_000), "model_invalid"),
    "fewer labels": (lambda folder: rewrite(folder, marks=["", "."]), "model_invalid"),
    "heads cut off": (lambda folder: cut_off(folder / "heads.npz"), "model_invalid"),
    "heads of nothing": (lambda folder: set_heads(folder, case_bias=None), "model_invalid"),
    "heads of NaN": (
        lambda folder: set_heads(folder, mark_bias=np.full(9, np.nan, np.float32)),
        "model_invalid",
    ),
    "heads of two widths": (
        lambda folder: set_heads(folder, case_weight=np.ones((3, 7), np.float32)),
        "model_invalid",
    ),
    "heads of another width": (
        lambda folder: set_heads(
            folder,
            case_weight=np.ones((3, 7), np.float32),
            mark_weight=np.ones((9, 7), np.float32),
        ),
        "load_failed",
    ),
    "more positions than there are": (
        lambda folder: rewrite(folder, max_pieces=512),
        "load_failed",
    ),
    "no tokenizer at all": (
        lambda folder: (folder / "tokenizer.json").write_text("{}"),
        "model_invalid",
    ),
    "weights cut off": (lambda folder: cut_off(folder / "model.bin"), "load_failed"),
}


def cut_off(path):
    path.write_bytes(path.read_bytes()[:1_000])


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_model_is_refused_with_a_code_and_no_path(folder, how):
    break_it, code = BROKEN[how]
    break_it(folder)
    with pytest.raises(PunctuatorUnusable) as refused:
        load_exported(folder)
    assert refused.value.code == f"punctuator.{code}"
    assert not refused.value.retryable
    assert str(folder) not in f"{refused.value} {refused.value.details}"


def test_without_torch_the_other_back_end_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(PunctuatorUnusable, match="uv sync --extra torch") as refused:
        load_checkpoint("RUPunct/RUPunct_small")
    assert refused.value.code == "punctuator.package_missing"


def test_labels_of_public_checkpoints_are_marks_and_cases():
    rupunct, kontur = bundled().punctuation
    marks, cases = meaning_of(["UPPER_TOTAL_QUESTIONVOSKL", "LOWER_O", "UPPER_TIRE"], rupunct)
    assert [MARKS[row.argmax()] for row in marks] == ["?", "", "—"]
    assert [CASES[row.argmax()] for row in cases] == ["upper", "lower", "title"]
    marks, cases = meaning_of(kontur.order, kontur)
    assert not marks[0].any()
    assert [MARKS[row.argmax()] for row in marks[1:5]] == ["", ".", ",", "?"]
    assert cases.sum(axis=0).tolist() == [4, 4, 4]
    with pytest.raises(PunctuatorUnusable, match="B-PER"):
        meaning_of(["B-PER"], rupunct)


def bundled():
    from models.manifest import bundled_manifest

    return bundled_manifest()


def test_the_model_that_ships_answers():
    folder = shipped_model()
    assert folder is not None, "models/punctuation/ru is part of the project"
    model = load_exported(folder)
    limits = thresholds_of(model.thresholds)
    said = "привет как дела я сказал что приду завтра"
    (punctuated_text,) = punctuated([read(said)], model, limits)
    row = punctuated_text.tokens
    assert written(row) != said
    assert [token.word.lower() for token in row] == said.split()
