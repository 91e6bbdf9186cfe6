"""Both back ends say the same with the same weights.

Needs torch and transformers, which are in no group of this project: run it in an environment of
its own, as docs/text_punctuation.md says. Elsewhere it is skipped.
"""

import importlib.util

import numpy as np
import pytest

from benchmarks.random_punctuator import (
    Shape,
    pieces,
    random_weights,
    tokenizer,
    write_model,
)
from workers.text.rubert.checkpoint import load_checkpoint
from workers.text.rubert.encoder import load_exported
from workers.text.rubert.errors import PunctuatorUnusable
from workers.text.rubert.labels import CASES, MARKS

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("torch", "transformers")),
    reason="torch and transformers are not installed: the two back ends were NOT compared",
)

TINY = Shape(layers=2, width=24, heads=2, inner=48, pieces=400, positions=128)
WEIGHTS = random_weights(TINY, spread=0.3)
NAMES = {
    "lower": "LOWER", "title": "UPPER", "upper": "UPPER_TOTAL",
    "": "O", ",": "COMMA", ".": "PERIOD", "?": "QUESTION", "!": "VOSKL", ":": "DVOETOCHIE",
    "—": "TIRE", "…": "MNOGOTOCHIE", ";": "PERIODCOMMA",
}  # fmt: skip
TEXTS = [
    ["добрый", "день", "коллеги", "мы", "смотрим", "на", "отчёт", "3,5", "и", "docker"],
    ["слово"],
    ["кто-то", "купил", "C++", "и", "😀"] * 40,
    [],
]


def write_checkpoint(folder, names):
    """Write the weights as a BERT of transformers with one label for each case and mark.

    The logit of a label is the sum of its case's and its mark's, so its probability is the product
    of theirs, and summing over either gives the other back.
    """
    import torch
    from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

    config = BertConfig(
        vocab_size=len(pieces(TINY)),
        hidden_size=TINY.width,
        num_hidden_layers=TINY.layers,
        num_attention_heads=TINY.heads,
        intermediate_size=TINY.inner,
        max_position_embeddings=TINY.positions,
        id2label=dict(enumerate(names)),
        label2id={name: number for number, name in enumerate(names)},
    )
    model = BertForTokenClassification(config).eval()
    state = {name: torch.zeros_like(value) for name, value in model.state_dict().items()}
    put = {"bert.embeddings.word_embeddings.weight": WEIGHTS["words"]}
    put["bert.embeddings.position_embeddings.weight"] = WEIGHTS["positions"]
    norms = {"bert.embeddings.LayerNorm": "norm"}
    for layer in range(TINY.layers):
        ours, theirs = f"{layer}.", f"bert.encoder.layer.{layer}."
        for kind in ("weight", "bias"):
            parts = np.split(WEIGHTS[f"{ours}qkv.{kind}"], 3)
            for name, part in zip(("query", "key", "value"), parts, strict=True):
                put[f"{theirs}attention.self.{name}.{kind}"] = part
            put[f"{theirs}attention.output.dense.{kind}"] = WEIGHTS[f"{ours}out.{kind}"]
            put[f"{theirs}intermediate.dense.{kind}"] = WEIGHTS[f"{ours}up.{kind}"]
            put[f"{theirs}output.dense.{kind}"] = WEIGHTS[f"{ours}down.{kind}"]
        norms[f"{theirs}attention.output.LayerNorm"] = f"{ours}attended"
        norms[f"{theirs}output.LayerNorm"] = f"{ours}fed"
    for theirs, ours in norms.items():
        put[f"{theirs}.weight"] = WEIGHTS[f"{ours}.gamma"]
        put[f"{theirs}.bias"] = WEIGHTS[f"{ours}.beta"]
    for kind in ("weight", "bias"):
        case, mark = WEIGHTS[f"case_{kind}"], WEIGHTS[f"mark_{kind}"]
        put[f"classifier.{kind}"] = (case[:, None] + mark[None]).reshape(27, *case.shape[1:])
    for name, value in put.items():
        assert state[name].shape == value.shape, name
        state[name] = torch.tensor(value)
    model.load_state_dict(state)
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer(TINY),
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
    ).save_pretrained(folder)


@pytest.mark.filterwarnings("default")  # other people's packages warn of what is theirs
def test_both_back_ends_say_the_same(tmp_path):
    names = [f"{NAMES[case]}_{NAMES[mark]}" for case in CASES for mark in MARKS]
    checkpoint, exported = tmp_path / "checkpoint", tmp_path / "exported"
    exported.mkdir()
    write_checkpoint(checkpoint, names)
    write_model(
        exported,
        TINY,
        WEIGHTS,
        quantization=None,
        read="first",
        max_pieces=126,
        max_pieces_per_word=16,
    )

    ours = load_exported(exported, compute_type="float32").label(TEXTS)
    theirs = load_checkpoint(checkpoint).label(TEXTS)

    for mine, other in zip(ours, theirs, strict=True):
        assert len(mine) == len(other)
        for one, two in zip(mine, other, strict=True):
            np.testing.assert_allclose(one.marks, two.marks, atol=1e-4)
            np.testing.assert_allclose(one.cases, two.cases, atol=1e-4)


@pytest.mark.filterwarnings("default")
def test_a_checkpoint_whose_labels_nobody_knows_is_refused(tmp_path):
    write_checkpoint(tmp_path, [f"TAG-{number}" for number in range(27)])
    with pytest.raises(PunctuatorUnusable) as refused:
        load_checkpoint(tmp_path)
    assert refused.value.code == "punctuator.labels_unknown"
