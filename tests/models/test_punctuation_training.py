"""Training in torch; skipped where the extra `training` is not installed."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from models.punctuation.labels import MARKS
from models.punctuation.pieces import SPECIAL, tokenizer_of
from models.punctuation.shape import Shape

torch = pytest.importorskip("torch", reason="torch is not installed: uv sync --extra training")

from models.punctuation import bert  # noqa: E402 - only with torch
from models.punctuation.beginnings import exported_model, grown_model, initial_model  # noqa: E402
from models.punctuation.export import export  # noqa: E402
from models.punctuation.exported import ExportedModel  # noqa: E402
from models.punctuation.run import Options, rate_at  # noqa: E402
from models.punctuation.train import train  # noqa: E402

SHAPE = Shape(pieces=36, positions=256, hidden=32, layers=2, heads=4, feed_forward=64)
LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюя"


def pieces_of(letters):
    return [*((piece, 0.0) for piece in SPECIAL), *((f"▁{letter}", -1.0) for letter in letters)]


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def folders(tmp_path):
    """An encoder with random weights, and a language in which «а» ends sentences and «б» is a name."""
    encoder, corpus = tmp_path / "encoder", tmp_path / "corpus"
    encoder.mkdir()
    corpus.mkdir()
    arrays = bert.PunctuationModel(SHAPE).encoder.state_dict()
    np.savez(encoder / "weights.npz", **{name: each.numpy() for name, each in arrays.items()})
    SHAPE.save(encoder / "shape.json")
    tokenizer_of(pieces_of(LETTERS)).save(str(corpus / "tokenizer.json"))
    np.save(corpus / "rows.npy", np.arange(SHAPE.pieces))
    (corpus / "words.json").write_text(json.dumps(list(LETTERS), ensure_ascii=False), "utf-8")
    for number, source in enumerate(("literature", "drama", "business", "dialogues", "written")):
        for split, length in (("train", 3000), ("validation", 400), ("test", 0)):
            words = np.random.default_rng([number, length]).integers(0, 8, length).astype(np.int32)
            marks = np.where(words == 0, MARKS.index("."), 0).astype(np.uint8)
            cases = (words == 1).astype(np.uint8)
            np.savez(corpus / f"{source}.{split}.npz", words=words, marks=marks, cases=cases)
    return encoder, corpus, tmp_path / "run"


def options(folders, **more):
    encoder, corpus, run = folders
    return Options(corpus=corpus, encoder=encoder, run=run, threads=1, rate=3e-3, **more)


def log_of(run):
    return [json.loads(line) for line in (run / "log.jsonl").read_text("utf-8").splitlines()]


def test_a_run_learns_and_goes_on_where_it_stopped(folders, threads):
    first = train(options(folders, minutes=0.0, passes=12))
    part = train(options(folders, minutes=0.05, passes=12))
    whole = train(options(folders, minutes=2, passes=12))

    assert first.pools == 0
    assert 0 < part.pools <= whole.pools
    events = log_of(folders[2])
    assert [each["complete"] for each in events if each["event"] == "stopped"][-1] is True
    scores = [each["all"] for each in events if each["event"] == "validated"]
    assert scores[-1]["."] > 0.95
    assert scores[-1]["title"] > 0.9
    assert scores[-1]["."] > scores[0]["."]
    best, kept = bert.load(folders[2] / "best.pt")
    assert kept["main"] == whole.best
    assert asdict(best.encoder.shape) == asdict(SHAPE)


def test_the_exported_model_answers_like_the_trained_one(folders, tmp_path):
    torch.manual_seed(5)
    model = bert.PunctuationModel(SHAPE).eval()
    with torch.no_grad():  # weights as small as those of a fresh BERT would hide mistakes
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    pieces = np.random.default_rng(4).integers(0, SHAPE.pieces, (1, 30))
    with torch.inference_mode():
        expected = model.encoder(torch.from_numpy(pieces), torch.tensor([30]))[0].numpy()

    export(model.arrays(), SHAPE, tokenizer_of(pieces_of(LETTERS)), tmp_path / "out", name="x")

    found = ExportedModel(tmp_path / "out").states(pieces[0].tolist())
    assert np.sqrt(np.mean((found - expected) ** 2)) / expected.std() < 0.08


def test_a_run_begins_with_an_exported_model_of_the_same_pieces(folders, tmp_path, threads):
    encoder, corpus, run = folders
    train(options(folders, minutes=2, passes=12))
    model, _ = bert.load(run / "best.pt")
    tokenizer = tokenizer_of(pieces_of(LETTERS))
    export(model.arrays(), SHAPE, tokenizer, tmp_path / "out", name="x")
    again = (encoder, corpus, tmp_path / "again")

    train(options(again, minutes=0.0, exported=tmp_path / "out", dropout=0.0))

    (first,) = [each["all"] for each in log_of(again[2]) if each["event"] == "validated"]
    assert first["."] > 0.95
    tokenizer_of(pieces_of(LETTERS[::-1])).save(str(tmp_path / "out" / "tokenizer.json"))
    with pytest.raises(ValueError, match="other pieces"):
        exported_model(tmp_path / "out", corpus, dropout=0.0)


def test_a_model_grows_by_the_layers_that_the_encoder_has_more(folders, tmp_path, threads):
    encoder, corpus, run = folders
    train(options(folders, minutes=0.0, passes=12))
    model, _ = bert.load(run / "best.pt")
    export(model.arrays(), SHAPE, tokenizer_of(pieces_of(LETTERS)), tmp_path / "out", name="x")
    taller = replace(SHAPE, layers=SHAPE.layers + 1)
    above = bert.PunctuationModel(taller).arrays()
    (tmp_path / "taller").mkdir()
    taller.save(tmp_path / "taller" / "shape.json")
    inside = {
        name.removeprefix("encoder."): each
        for name, each in above.items()
        if name.startswith("encoder.")
    }
    np.savez(tmp_path / "taller" / "weights.npz", **inside)

    grown = grown_model(tmp_path / "out", corpus, tmp_path / "taller", dropout=0.0)

    small, found = exported_model(tmp_path / "out", corpus, dropout=0.0).arrays(), grown.arrays()
    assert grown.encoder.shape == replace(taller, pieces=small["encoder.pieces.weight"].shape[0])
    top = f"encoder.layers.{SHAPE.layers}."
    for name, each in found.items():
        np.testing.assert_array_equal(each, (above if name.startswith(top) else small)[name])
    with pytest.raises(ValueError, match="layers, the model"):
        grown_model(tmp_path / "out", corpus, encoder, dropout=0.0)
    replace(taller, hidden=2 * SHAPE.hidden).save(tmp_path / "taller" / "shape.json")
    with pytest.raises(ValueError, match="another size"):
        grown_model(tmp_path / "out", corpus, tmp_path / "taller", dropout=0.0)


def test_padding_changes_no_answer():
    model = bert.PunctuationModel(SHAPE).eval()
    row = torch.randint(4, 36, (1, 9))
    padded = torch.cat(
        [torch.cat([row, torch.zeros(1, 5, dtype=torch.int64)], 1), torch.randint(4, 36, (1, 14))]
    )

    with torch.inference_mode():
        alone = model.encoder(row, torch.tensor([9]))[0]
        together = model.encoder(padded, torch.tensor([9, 14]))[0, :9]

    torch.testing.assert_close(alone, together, atol=1e-5, rtol=1e-4)


def test_kept_pieces_keep_their_weights(folders):
    rows = np.array([0, 1, 2, 3, 30, 10])

    model = initial_model(folders[0], rows, dropout=0.1)

    whole = np.load(folders[0] / "weights.npz")["pieces.weight"]
    np.testing.assert_array_equal(model.encoder.pieces.weight.detach().numpy(), whole[rows])


def test_the_rate_rises_then_falls():
    rates = [rate_at(done / 100) for done in range(101)]

    assert rates[0] == 0
    assert max(rates) == rates[2] == 1
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert 0 < rates[-1] < 0.05
