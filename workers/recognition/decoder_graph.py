"""Whisper's decoder as two ONNX graphs, made from a converted model's weights.

    memory graph   encoder output (1, s, width)           -> keys and values of cross-attention
    step graph     tokens (b, q), all keys and values     -> the likeliest next token at chosen
                                                             places, its probability, new keys and
                                                             values, raw scores

Why a second decoder beside CTranslate2's: it takes many tokens in one step, so that a draft is
checked in one pass instead of being stepped through, to the same bits, rows of a batch may be of
different lengths (`slots`), and at batch 1 a step takes half the time (7.4 against 14.2 ms, Whisper base, 6 s window,
one core of a Zen 3, 2026-11-21). Dense layers are 8-bit, as in CTranslate2: weights scaled by output
row, inputs by the row they belong to, so that no row sees what else is in its batch. Scaling a whole
batch at once is faster and cost words (139 clips: WER 17.9 % against 17.4; CTranslate2 17.1). Keys
and values for cross-attention are computed in single precision, which takes no longer.

Architecture: Radford et al. 2022, section 2.2; layer normalisation before each block, GELU.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from workers.recognition.converted import ConvertedModel, UnreadableModel
from workers.recognition.onnx_graph import Graph, Quantised, Weights, floats, integers, quantised

_LARGEST_BYTES: Final = 512 * 1024 * 1024
"""Of both graphs. Beyond it a second copy of the decoder costs more memory than its speed is worth,
and a graph may not pass 2 GB. Whisper small has 236 MB, large-v3-turbo 277 MB, medium 659 MB."""

_WRITTEN_FOR: Final = {
    "pre_norm": 1,
    "activation": 3,  # GELU
    "alibi": 0,
    "scale_embeddings": 0,
    "start_from_zero_embedding": 0,
}
"""What CTranslate2's decoder can be told, and what Whisper tells it; what is not said is so."""


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
    for flag, wanted in _WRITTEN_FOR.items():
        if model.setting(f"decoder/{flag}") not in {None, wanted}:
            raise UnreadableModel(f"decoder/{flag} is not {wanted}")
    vocabulary, width = _rank_2(model, "decoder/embeddings/weight")
    positions, _ = _rank_2(model, "decoder/position_encodings/encodings")
    heads = model.setting("decoder/num_heads") or 0
    layers = 0
    while f"decoder/layer_{layers}/ffn/linear_0/weight" in model.tensors:
        layers += 1
    if not layers or heads < 1 or width % heads:
        raise UnreadableModel(f"the decoder has {layers} layers and {heads} heads of {width}")
    size = DecoderSize(
        layers=layers, heads=heads, width=width, vocabulary=vocabulary, positions=positions
    )
    if _graph_bytes(size) > _LARGEST_BYTES:
        raise UnreadableModel("the decoder is too large for a second copy")
    return size


def _rank_2(model: ConvertedModel, name: str) -> tuple[int, int]:
    shape = model.shape(name)
    if len(shape) != 2 or 0 in shape:
        raise UnreadableModel(f"{name} is {shape}")
    return shape[0], shape[1]


def _graph_bytes(size: DecoderSize) -> int:
    """Give what the weights take.

    The vocabulary twice; of each layer, in squares of the width, 14 in 8 bits (4 self-attention,
    2 cross-attention, 8 feed-forward) and 2 in single precision (keys and values).
    """
    return 2 * size.vocabulary * size.width + (14 + 2 * 4) * size.layers * size.width**2


def memory_graph(model: ConvertedModel, size: DecoderSize) -> bytes:
    """Build the graph from encoder output to what cross-attention reads.

    Input `encoded` (1, s, width). For each layer l: `keys_l` (1, heads, head_width, s) and
    `values_l` (1, heads, s, head_width). All float32.
    """
    graph = Graph()
    outputs = []
    heads, each, width = size.heads, size.head_width, size.width
    for layer in range(size.layers):
        linear = _linear(model, f"decoder/layer_{layer}/attention/linear_1", 2 * width, width)
        both = graph.exact("encoded", *linear)
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


def step_graph(
    model: ConvertedModel, size: DecoderSize, timing_heads: Sequence[tuple[int, int]] = ()
) -> bytes:
    """Build the graph of one decoder step over q tokens a row.

    Args:
        model: whose weights.
        size: of it.
        timing_heads: (layer, head) of cross-attention that follow what is being said.

    Inputs: `tokens` and `positions` (b, q) int64; `slots` (b, q) int64, where in the past each is
    remembered; `mask` (b, 1, q, 1, p) float32, 0 where a token may look and minus infinity
    elsewhere; `places` (b, r) int64, which of the q to score; `bias` (vocabulary,) float32, added to
    the scores; for each layer l `past_keys_l` (b, heads, head_width, p), `past_values_l`
    (b, heads, p, head_width) and `keys_l`, `values_l` as of the memory graph, stacked.

    Outputs: `best` (b, r) int64 and `probability` (b, r) float32 of the likeliest token after the
    bias; `scores` (b, r, vocabulary) before it; `new_keys_l`, `new_values_l`, the past with the new
    tokens in their slots; with timing heads `listened` (b, timing heads, q, s), which share of each
    one's attention every position has, in the order of layers, then as given.

    Every number is the same, to the last bit, however many tokens and rows are read at once, if p is
    a multiple of 64 (tested by `DecoderNetwork.is_exact`, because it rests on ONNX Runtime's
    kernels): 8-bit products are whole numbers, attention goes row by row, and hidden slots add zeros.
    """
    graph = Graph()
    heads, each = size.heads, size.head_width
    inputs = [
        integers("tokens", ["b", "q"]),
        integers("positions", ["b", "q"]),
        integers("slots", ["b", "q"]),
        floats("mask", ["b", 1, "q", 1, "p"]),
        integers("places", ["b", "r"]),
        floats("bias", [size.vocabulary]),
    ]
    outputs = [
        integers("best", ["b", "r"]),
        floats("probability", ["b", "r"]),
        floats("scores", ["b", "r", size.vocabulary]),
    ]
    embeddings = _vocabulary(model, size, "decoder/embeddings/weight")
    places = model.weights("decoder/position_encodings/encodings", size.positions, size.width)
    state = graph.embed(embeddings, places)
    listened: list[str] = []
    for layer in range(size.layers):
        state, shares = _layer(graph, model, size, layer, state)
        chosen = [head for where, head in timing_heads if where == layer]
        if chosen:
            listened.append(graph.op("Gather", shares, graph.constant(chosen, np.int64), axis=1))
        shapes: dict[str, list[int | str]] = {
            "keys": ["b", heads, each, "p"],
            "values": ["b", heads, "p", each],
        }
        for kind, shape in shapes.items():
            inputs.append(floats(f"past_{kind}_{layer}", shape))
            outputs.append(floats(f"new_{kind}_{layer}", shape))
        inputs.append(floats(f"keys_{layer}", ["b", heads, each, "s"]))
        inputs.append(floats(f"values_{layer}", ["b", heads, "s", each]))
    state = graph.normalise(state, *_norm(model, "decoder/layer_norm", size.width))
    projection = "decoder/projection/weight"
    tied = model.tensors.get(projection) is model.tensors["decoder/embeddings/weight"]
    graph.score(
        graph.pick(state, size.width),
        embeddings if tied else _vocabulary(model, size, projection),
    )
    if listened:
        together = graph.op("Concat", *listened, axis=1)
        graph.node("Squeeze", [together, graph.constant([3], np.int64)], "listened")
        outputs.append(floats("listened", ["b", len(timing_heads), "q", "s"]))
    return graph.serialise(inputs, outputs)


def _vocabulary(model: ConvertedModel, size: DecoderSize, name: str) -> Quantised:
    return quantised(model.weights(name, size.vocabulary, size.width))


def _layer(
    graph: Graph, model: ConvertedModel, size: DecoderSize, layer: int, state: str
) -> tuple[str, str]:
    """Give the state after it, and where each head of cross-attention listened."""
    state = _self_attention(graph, model, size, layer, state)
    state, shares = _cross_attention(graph, model, size, layer, state)
    name, width = f"decoder/layer_{layer}/ffn", size.width
    normal = graph.normalise(state, *_norm(model, f"{name}/layer_norm", width))
    wide = graph.gelu(graph.dense(normal, *_linear(model, f"{name}/linear_0", 4 * width, width)))
    narrow = graph.dense(wide, *_linear(model, f"{name}/linear_1", width, 4 * width))
    return graph.op("Add", state, narrow), shares


def _self_attention(
    graph: Graph, model: ConvertedModel, size: DecoderSize, layer: int, state: str
) -> str:
    name, width = f"decoder/layer_{layer}/self_attention", size.width
    weight, bias = _linear(model, f"{name}/linear_0", 3 * width, width)
    weight[:width] *= _query_scale(size)
    bias[:width] *= _query_scale(size)
    normal = graph.normalise(state, *_norm(model, f"{name}/layer_norm", width))
    queries, keys, values = graph.split(graph.dense(normal, weight, bias), 3)
    keys = graph.op("Transpose", graph.heads(keys, size.heads, size.head_width), perm=[0, 2, 3, 1])
    graph.put(f"past_keys_{layer}", keys, axis=3, output=f"new_keys_{layer}")
    values = graph.heads_first(values, size.heads, size.head_width)
    graph.put(f"past_values_{layer}", values, axis=2, output=f"new_values_{layer}")
    queries = graph.one_by_one(graph.heads_first(queries, size.heads, size.head_width))
    looked = graph.op("MatMul", queries, graph.for_each(f"new_keys_{layer}"))
    shares = graph.op("Softmax", graph.op("Add", looked, "mask"), axis=-1)
    heard = graph.attend(shares, f"new_values_{layer}", width)
    heard = graph.dense(heard, *_linear(model, f"{name}/linear_1", width, width))
    return graph.op("Add", state, heard)


def _cross_attention(
    graph: Graph, model: ConvertedModel, size: DecoderSize, layer: int, state: str
) -> tuple[str, str]:
    """Give the state after it, and where each head listened: (b, heads, q, 1, s)."""
    name, width = f"decoder/layer_{layer}/attention", size.width
    weight, bias = _linear(model, f"{name}/linear_0", width, width)
    normal = graph.normalise(state, *_norm(model, f"{name}/layer_norm", width))
    queries = graph.dense(normal, weight * _query_scale(size), bias * _query_scale(size))
    queries = graph.one_by_one(graph.heads_first(queries, size.heads, size.head_width))
    looked = graph.op("MatMul", queries, graph.for_each(f"keys_{layer}"))
    shares = graph.op("Softmax", looked, axis=-1)
    heard = graph.attend(shares, f"values_{layer}", width)
    heard = graph.dense(heard, *_linear(model, f"{name}/linear_2", width, width))
    return graph.op("Add", state, heard), shares


def _query_scale(size: DecoderSize) -> np.float32:
    """Give what attention scales queries by; folded into their weights, it costs nothing."""
    return np.float32(size.head_width**-0.5)


def _norm(model: ConvertedModel, name: str, width: int) -> tuple[Weights, Weights]:
    return model.weights(f"{name}/gamma", width), model.weights(f"{name}/beta", width)


def _linear(model: ConvertedModel, name: str, outputs: int, inputs: int) -> tuple[Weights, Weights]:
    weight = model.weights(f"{name}/weight", outputs, inputs)
    return weight, model.weights(f"{name}/bias", outputs)
