"""Whisper's decoder as two ONNX graphs, made from a converted model's weights.

    memory graph   encoder output (1, s, width)           -> keys and values of cross-attention
    step graph     tokens (b, q), all keys and values     -> the likeliest next token at chosen
                                                             places, its probability, new keys and
                                                             values, raw scores

Why a second decoder beside CTranslate2's: it takes many tokens in one step, so that a draft is
checked in one pass instead of being stepped through, rows of a batch may be of different lengths
(`mask`), and at batch 1 a step takes half the time (7.4 against 14.2 ms, Whisper base, 6 s window,
one core of a Zen 3, 2026-11-21). Dense layers are 8-bit, as in CTranslate2: weights scaled by output
row, inputs by the row they belong to, so that no row sees what else is in its batch. Scaling a whole
batch at once is faster and cost words (139 clips: WER 17.9 % against 17.4; CTranslate2 17.1). Keys
and values for cross-attention are computed in single precision, which takes no longer.

Architecture: Radford et al. 2022, section 2.2; layer normalisation before each block, GELU.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from workers.recognition.converted import ConvertedModel, UnreadableModel
from workers.recognition.onnx_graph import Graph, Weights, floats, integers

_LARGEST_BYTES: Final = 512 * 1024 * 1024
"""Of 8-bit weights. Beyond it a second copy of the decoder costs more memory than its speed is
worth, and a graph may not pass 2 GB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderSize:
    """The dimensions of a decoder."""

    layers: int
    heads: int
    width: int
    vocabulary: int
    positions: int

    @property
    def head_width(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads


def size_of(model: ConvertedModel) -> DecoderSize:
    """Read the dimensions.

    Raises:
        UnreadableModel: it is not Whisper, not of the form known here, or too large for a second
            copy.
    """
    if model.specification != "WhisperSpec":
        raise UnreadableModel(f"a {model.specification}, not Whisper")
    tensors = model.tensors
    for flag, wanted in (
        ("pre_norm", 1),
        ("scale_embeddings", 0),
        ("start_from_zero_embedding", 0),
    ):
        stored = tensors.get(f"decoder/{flag}")
        if stored is not None and int(stored.reshape(-1)[0]) != wanted:
            raise UnreadableModel(f"decoder/{flag} is not {wanted}")
    vocabulary, width = model.weights("decoder/embeddings/weight").shape
    positions = len(model.weights("decoder/position_encodings/encodings"))
    layers = 0
    while f"decoder/layer_{layers}/ffn/linear_0/weight" in tensors:
        layers += 1
    heads = tensors.get("decoder/num_heads")
    if heads is None or not layers:
        raise UnreadableModel("the decoder has no heads or layers")
    if 2 * vocabulary * width + 16 * layers * width**2 > _LARGEST_BYTES:
        raise UnreadableModel("the decoder is too large for a second copy")
    return DecoderSize(
        layers=layers,
        heads=int(heads.reshape(-1)[0]),
        width=width,
        vocabulary=vocabulary,
        positions=positions,
    )


def memory_graph(model: ConvertedModel, size: DecoderSize) -> bytes:
    """Build the graph from encoder output to what cross-attention reads.

    Input `encoded` (1, s, width). For each layer l: `keys_l` (1, heads, head_width, s) and
    `values_l` (1, heads, s, head_width). All float32.
    """
    graph = Graph()
    outputs = []
    heads, each = size.heads, size.head_width
    for layer in range(size.layers):
        linear = f"decoder/layer_{layer}/attention/linear_1"
        both = graph.exact("encoded", *_linear(model, linear))
        keys, values = graph.split(both, 2)
        graph.node(
            "Transpose", [graph.heads(keys, heads, each)], f"keys_{layer}", perm=[0, 2, 3, 1]
        )
        graph.node(
            "Transpose", [graph.heads(values, heads, each)], f"values_{layer}", perm=[0, 2, 1, 3]
        )
        outputs.append(floats(f"keys_{layer}", [1, heads, each, "s"]))
        outputs.append(floats(f"values_{layer}", [1, heads, "s", each]))
    return graph.serialise([floats("encoded", [1, "s", size.width])], outputs)


def step_graph(model: ConvertedModel, size: DecoderSize) -> bytes:
    """Build the graph of one decoder step over q tokens a row.

    Inputs: `tokens` and `positions` (b, q) int64; `mask` (b, 1, q, p + q) float32, 0 where a token
    may look and minus infinity elsewhere; `places` (b, r) int64, which of the q to score; `bias`
    (vocabulary,) float32, added to the scores; for each layer l `past_keys_l`, `past_values_l`
    (b, heads, p, head_width) and `keys_l`, `values_l` as of the memory graph, stacked.

    Outputs: `best` (b, r) int64 and `probability` (b, r) float32 of the likeliest token after the
    bias; `scores` (b, r, vocabulary) before it; `new_keys_l`, `new_values_l`, the past with the new
    tokens appended.
    """
    graph = Graph()
    heads, each = size.heads, size.head_width
    inputs = [
        integers("tokens", ["b", "q"]),
        integers("positions", ["b", "q"]),
        floats("mask", ["b", 1, "q", "t"]),
        integers("places", ["b", "r"]),
        floats("bias", [size.vocabulary]),
    ]
    outputs = [
        integers("best", ["b", "r"]),
        floats("probability", ["b", "r"]),
        floats("scores", ["b", "r", size.vocabulary]),
    ]
    embeddings = model.weights("decoder/embeddings/weight")
    state = graph.embed(embeddings, model.weights("decoder/position_encodings/encodings"))
    for layer in range(size.layers):
        state = _layer(graph, model, size, layer, state)
        for kind in ("keys", "values"):
            inputs.append(floats(f"past_{kind}_{layer}", ["b", heads, "p", each]))
            outputs.append(floats(f"new_{kind}_{layer}", ["b", heads, "t", each]))
        inputs.append(floats(f"keys_{layer}", ["b", heads, each, "s"]))
        inputs.append(floats(f"values_{layer}", ["b", heads, "s", each]))
    state = graph.normalise(state, *_norm(model, "decoder/layer_norm"))
    graph.score(graph.pick(state, size.width), embeddings)
    return graph.serialise(inputs, outputs)


def _layer(graph: Graph, model: ConvertedModel, size: DecoderSize, layer: int, state: str) -> str:
    scale = np.float32(size.head_width**-0.5)  # of the queries: folded into their weights
    name = f"decoder/layer_{layer}/self_attention"
    weight, bias = _linear(model, f"{name}/linear_0")
    weight[: size.width] *= scale
    bias[: size.width] *= scale
    normal = graph.normalise(state, *_norm(model, f"{name}/layer_norm"))
    queries, keys, values = graph.split(graph.dense(normal, weight, bias), 3)
    for kind, new in (("keys", keys), ("values", values)):
        turned = graph.op(
            "Transpose", graph.heads(new, size.heads, size.head_width), perm=[0, 2, 1, 3]
        )
        graph.node("Concat", [f"past_{kind}_{layer}", turned], f"new_{kind}_{layer}", axis=2)
    queries = graph.heads(queries, size.heads, size.head_width)
    queries = graph.op("Transpose", queries, perm=[0, 2, 1, 3])
    turned = graph.op("Transpose", f"new_keys_{layer}", perm=[0, 1, 3, 2])
    looked = graph.op("Add", graph.op("MatMul", queries, turned), "mask")
    heard = graph.attend(looked, f"new_values_{layer}", size.width)
    state = graph.op("Add", state, graph.dense(heard, *_linear(model, f"{name}/linear_1")))

    name = f"decoder/layer_{layer}/attention"
    weight, bias = _linear(model, f"{name}/linear_0")
    normal = graph.normalise(state, *_norm(model, f"{name}/layer_norm"))
    queries = graph.dense(normal, weight * scale, bias * scale)
    queries = graph.heads(queries, size.heads, size.head_width)
    queries = graph.op("Transpose", queries, perm=[0, 2, 1, 3])
    looked = graph.op("MatMul", queries, f"keys_{layer}")
    heard = graph.attend(looked, f"values_{layer}", size.width)
    state = graph.op("Add", state, graph.dense(heard, *_linear(model, f"{name}/linear_2")))

    name = f"decoder/layer_{layer}/ffn"
    normal = graph.normalise(state, *_norm(model, f"{name}/layer_norm"))
    wide = graph.dense(normal, *_linear(model, f"{name}/linear_0"))
    wide = graph.gelu(wide)
    return graph.op("Add", state, graph.dense(wide, *_linear(model, f"{name}/linear_1")))


def _norm(model: ConvertedModel, name: str) -> tuple[Weights, Weights]:
    return model.weights(f"{name}/gamma"), model.weights(f"{name}/beta")


def _linear(model: ConvertedModel, name: str) -> tuple[Weights, Weights]:
    return model.weights(f"{name}/weight"), model.weights(f"{name}/bias")
