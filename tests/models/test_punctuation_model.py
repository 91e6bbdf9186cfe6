"""From vocabulary and weights to an exported model that answers; training where torch is installed."""

import json

import numpy as np
import pytest
from scipy.special import erf

from models.punctuation.export import export
from models.punctuation.exported import ExportedModel
from models.punctuation.labels import CASES, MARKS, UNKNOWN
from models.punctuation.pieces import (
    MAX_PIECES,
    SPECIAL,
    PieceTable,
    best_rows,
    cut,
    folded_vocabulary,
    kept_rows,
    pieces_of,
    tokenizer_of,
)
from models.punctuation.scores import Tally, table
from models.punctuation.shape import Shape
from models.punctuation.windows import IGNORED, Sampler, Stream, batches, consecutive

LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
VOCABULARY = [
    *((piece, 0.0) for piece in ("[CLS]", "[PAD]", "[SEP]", "[UNK]")),
    *((letter, -20.0) for letter in f"▁{LETTERS}"),
    *(("▁Москва", -9.0), ("▁мос", -8.0), ("ква", -8.0), ("▁ещё", -5.0), ("▁еще", -6.0)),
    *(("ЩЁ", -12.0), ("▁иду", -8.0), ("▁США", -9.0), ("▁дом", -7.0), ("ик", -8.0)),
]
SHAPE = Shape(pieces=60, positions=MAX_PIECES, hidden=48, layers=2, heads=4, feed_forward=64)


def random_weights(shape, seed=0):
    chance = np.random.default_rng(seed)

    def normal(*size, deviation=0.2):
        return chance.normal(0, deviation, size).astype(np.float32)

    hidden, wide = shape.hidden, shape.feed_forward
    sizes = {"query_key_value": (3 * hidden, hidden), "attended": (hidden, hidden)}
    sizes |= {"widened": (wide, hidden), "narrowed": (hidden, wide)}
    weights = {
        "encoder.pieces.weight": normal(shape.pieces, hidden),
        "encoder.positions.weight": normal(shape.positions, hidden),
        "mark.weight": normal(len(MARKS), hidden),
        "mark.bias": normal(len(MARKS)),
        "case.weight": normal(len(CASES), hidden),
        "case.bias": normal(len(CASES)),
    }
    norms = ["encoder.norm"]
    for number in range(shape.layers):
        prefix = f"encoder.layers.{number}"
        norms += [f"{prefix}.attended_norm", f"{prefix}.narrowed_norm"]
        for name, size in sizes.items():
            weights[f"{prefix}.{name}.weight"] = normal(*size)
            weights[f"{prefix}.{name}.bias"] = normal(size[0])
    for name in norms:
        weights[f"{name}.weight"] = 1 + normal(hidden, deviation=0.1)
        weights[f"{name}.bias"] = normal(hidden, deviation=0.1)
    return weights


def states_in_numpy(weights, shape, pieces):
    """BERT written down once more, as plainly as possible (Devlin et al. 2018)."""

    def linear(states, name):
        return states @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(states, name):
        centred = states - states.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + shape.norm_epsilon)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    states = weights["encoder.pieces.weight"][pieces]
    states = norm(states + weights["encoder.positions.weight"][: len(pieces)], "encoder.norm")
    for number in range(shape.layers):
        prefix = f"encoder.layers.{number}"
        parts = linear(states, f"{prefix}.query_key_value").reshape(len(pieces), 3, shape.heads, -1)
        query, key, value = parts.transpose(1, 2, 0, 3)
        logits = query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1])
        shares = np.exp(logits - logits.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        attended = (shares @ value).transpose(1, 0, 2).reshape(len(pieces), -1)
        states = norm(states + linear(attended, f"{prefix}.attended"), f"{prefix}.attended_norm")
        widened = linear(states, f"{prefix}.widened")
        widened = widened * (1 + erf(widened / np.sqrt(2))) / 2
        states = norm(states + linear(widened, f"{prefix}.narrowed"), f"{prefix}.narrowed_norm")
    return states


def small_tokenizer():
    pieces = [*SPECIAL, *(f"▁{letter}" for letter in LETTERS), *LETTERS[:24]]
    return tokenizer_of([(piece, -float(len(piece))) for piece in pieces])


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    weights = random_weights(SHAPE)
    export(weights, SHAPE, small_tokenizer(), folder, name="tiny")
    return folder, weights


def relative_error(found, expected):
    """Root of the mean square of the error, as a share of the values' spread."""
    return float(np.sqrt(np.mean((found - expected) ** 2)) / expected.std())


def test_the_exported_encoder_is_the_trained_one(exported):
    folder, weights = exported
    pieces = np.random.default_rng(2).integers(0, SHAPE.pieces, 40)

    found = ExportedModel(folder).states(pieces.tolist())

    expected = states_in_numpy(weights, SHAPE, pieces)
    assert found.shape == expected.shape
    # Sums that overflow on a CPU without VNNI give 0.2, a wrong layout above 1.
    assert relative_error(found, expected) < 0.08


def test_an_exported_folder_says_how_to_read_it(exported):
    folder, _ = exported

    labels = json.loads((folder / "labels.json").read_text("utf-8"))

    assert {path.name for path in folder.iterdir()} == {
        *("model.bin", "config.json", "vocabulary.json"),
        *("tokenizer.json", "heads.npz", "labels.json"),
    }
    assert labels["marks"] == ["", ",", ".", "?", "!", ":", "—", "…", ";"]
    assert labels["cases"] == ["lower", "title", "upper"]
    assert (labels["pad"], labels["unk"], labels["cls"], labels["sep"]) == (0, 1, 2, 3)
    assert labels["max_pieces"] <= SHAPE.positions


def test_every_word_is_answered_in_whatever_company(exported):
    model = ExportedModel(exported[0])
    rows = [["да"], ["нет", "конечно", "да"], ["слово"] * 700, ["😀", "", "я" * 5000]]

    answers = list(model.answers(rows))

    assert [len(each.marks) for each in answers] == [1, 3, 700, 3]
    for each in answers:
        np.testing.assert_allclose(each.marks.sum(-1), 1, atol=1e-4)
        np.testing.assert_allclose(each.cases.sum(-1), 1, atol=1e-4)
    alone = next(iter(model.answers([rows[1]])))
    np.testing.assert_allclose(alone.marks, answers[1].marks, atol=0.05)


def test_the_last_piece_of_a_word_is_read(exported):
    folder, weights = exported
    words = ["да", "ад", "я"]
    pieces = pieces_of(small_tokenizer(), words)

    marks = next(iter(ExportedModel(folder).answers([words]))).marks

    assert [len(each) for each in pieces] == [2, 2, 1]
    flat = np.array([2, *(piece for each in pieces for piece in each), 3])
    states = states_in_numpy(weights, SHAPE, flat)[[2, 4, 5]]
    logits = states @ weights["mark.weight"].T + weights["mark.bias"]
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    np.testing.assert_allclose(marks, powers / powers.sum(-1, keepdims=True), atol=0.1)


def test_a_name_in_small_letters_takes_the_weights_of_the_name():
    rows = best_rows(VOCABULARY)
    scores = dict(folded_vocabulary(VOCABULARY))

    assert VOCABULARY[rows["▁москва"]][0] == "▁Москва"
    assert VOCABULARY[rows["▁еще"]][0] == "▁еще"
    assert VOCABULARY[rows["ще"]][0] == "ЩЁ"
    assert VOCABULARY[rows["▁сша"]][0] == "▁США"
    assert (scores["▁москва"], scores["▁еще"]) == (-9.0, -5.0)


def test_a_word_is_cut_where_that_is_most_probable():
    tokenizer = tokenizer_of(folded_vocabulary(VOCABULARY))

    for word, pieces in {
        "Москва": ["▁москва"],
        "мосик": ["▁мос", "ик"],
        "ЕЩЁ": ["▁еще"],
        "дуб": ["▁", "д", "у", "б"],
    }.items():
        assert tokenizer.encode(word, add_special_tokens=False).tokens == pieces


def test_a_cut_vocabulary_writes_every_russian_word():
    counts = {"москва": 5, "еще": 3, "домик": 2, "иду": 1}

    kept = cut(VOCABULARY, counts, at_most=4 + 1 + len(LETTERS) + 3)

    names = [piece for piece, _ in kept]
    assert names[:4] == list(SPECIAL)
    assert {"▁москва", "▁еще"} <= set(names)
    assert "▁сша" not in names
    assert len(kept) == 4 + 1 + len(LETTERS) + 3
    assert [VOCABULARY[row][0] for row in kept_rows(VOCABULARY, kept)][:4] == list(SPECIAL)
    tokenizer = tokenizer_of(kept)
    unknown = tokenizer.token_to_id("[UNK]")
    for word in ("Ёжик", "Съешь", "МОСКВА", "жизнь", "за́мок"):
        (pieces,) = pieces_of(tokenizer, [word])
        assert pieces
        assert unknown not in pieces


def stream_of(words, share=1.0):
    chance = np.random.default_rng(3)
    marks = np.where(chance.random(words) < 0.1, MARKS.index("."), 0).astype(np.uint8)
    cases = chance.integers(0, 3, words).astype(np.uint8)
    cases[::50] = UNKNOWN
    numbers = chance.integers(0, len(LETTERS), words).astype(np.int32)
    return Stream(name="x", share=share, words=numbers, marks=marks, cases=cases)


def test_windows_are_drawn_alike_every_time_and_hold_what_they_say():
    words = [letter * (1 + number % 5) for number, letter in enumerate(LETTERS)]
    sampler = Sampler(
        [stream_of(5000), stream_of(900, share=0.5)], PieceTable(small_tokenizer(), words)
    )

    windows = sampler.draw(np.random.default_rng([1, 7]), 300)
    again = sampler.draw(np.random.default_rng([1, 7]), 300)

    lengths = [len(window.marks) for window in windows]
    assert 3 <= np.median(lengths) <= 40
    assert min(lengths) >= 1
    assert max(lengths) > 80
    for one, other in zip(windows, again, strict=True):
        np.testing.assert_array_equal(one.pieces, other.pieces)
        assert len(one.pieces) <= MAX_PIECES
        assert len(one.read) == len(one.marks) == len(one.cases)
        assert one.pieces[0] == 2
        assert one.pieces[-1] == 3
        assert one.read[-1] == len(one.pieces) - 2
    ends = sum(window.marks[-1] == MARKS.index(".") for window in windows)
    assert ends > 150


def test_a_batch_reads_the_same_pieces_as_its_windows():
    words = [letter * (1 + number % 5) for number, letter in enumerate(LETTERS)]
    windows = list(consecutive(stream_of(700), PieceTable(small_tokenizer(), words), 50))

    found = list(batches(windows, 600))

    assert sum(len(batch.marks) for batch in found) == 700
    for batch in found:
        assert batch.pieces.size <= 600
        assert (batch.cases[batch.cases != IGNORED] < 3).all()
        assert not np.isin(batch.pieces.flatten()[batch.read], (0, 2, 3)).any()


def test_scores_are_those_worked_out_by_hand():
    tally = Tally()
    stop, comma = MARKS.index("."), MARKS.index(",")

    tally.add(
        ([0, comma, stop, comma], [0, 0, 1, UNKNOWN]), ([comma, comma, stop, 0], [0, 1, 1, 2])
    )

    marks, cases = tally.marks(), tally.cases()
    assert (marks[","].precision, marks[","].recall, marks[","].f1) == (0.5, 0.5, 0.5)
    assert marks["."].f1 == 1
    assert marks["?"].f1 == 0
    assert cases["lower"].f1 == pytest.approx(2 / 3)
    assert cases["title"].f1 == pytest.approx(2 / 3)
    assert tally.case_macro == pytest.approx(2 / 3)
    assert table({"set": tally}).splitlines()[2].startswith("| set | 4 | 50.0 | 100.0 | –")
