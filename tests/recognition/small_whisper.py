"""A small random Whisper: written by CTranslate2, and computed once more in plain numpy."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from ctranslate2.specs.whisper_spec import WhisperSpec
from scipy.special import erf, softmax

from workers.recognition.decoder_network import ControlTokens

WIDTH: Final = 32
HEADS: Final = 4
LAYERS: Final = 2
VOCABULARY: Final = 64
POSITIONS: Final = 96

END, START, NO_SPEECH = 60, 61, 62
CONTROL: Final = ControlTokens(
    start=START,
    end=END,
    no_speech=NO_SPEECH,
    never=(3, 17, 40, START, NO_SPEECH, 63),
    never_first=(END, *range(4, 16)),
)

ROUNDING: Final = 1.5
"""What 8 bits may add up to in a score; the deviation of scores is 6."""

Array = npt.NDArray[np.float32]
Weights = dict[str, Array]


@dataclass(frozen=True)
class Small:
    """The model's folder, and its decoder's weights before they were stored."""

    folder: Path
    weights: Weights


def small_whisper(folder: Path, *, quantisation: str | None = None, seed: int = 0) -> Small:
    """Write a model; `quantisation` as CTranslate2 names it, None: float32."""
    rng = np.random.default_rng(seed)
    spec = WhisperSpec(1, 2, LAYERS, HEADS)
    weights = _decoder_weights(rng)
    for name, value in weights.items():
        _put(spec, name, value)
    embeddings = weights["decoder/embeddings/weight"]
    _put(spec, "decoder/projection/weight", embeddings.copy())  # becomes an alias
    for name in ("conv1", "conv2"):
        _put(spec, f"encoder/{name}/weight", rng.standard_normal((4, 4, 3)))
    for name in ("layer_norm", "layer_0/self_attention/layer_norm", "layer_0/ffn/layer_norm"):
        _put(spec, f"encoder/{name}/gamma", np.ones(4))
        _put(spec, f"encoder/{name}/beta", np.zeros(4))
    for name in ("self_attention/linear_0", "self_attention/linear_1", "ffn/linear_0"):
        _put(spec, f"encoder/layer_0/{name}/weight", rng.standard_normal((4, 4)))
    _put(spec, "encoder/layer_0/ffn/linear_1/weight", rng.standard_normal((4, 4)))
    spec.config.suppress_ids = list(CONTROL.never)
    spec.config.suppress_ids_begin = list(CONTROL.never_first)
    spec.register_vocabulary([str(token) for token in range(VOCABULARY)])
    spec.validate()
    spec.optimize(quantization=quantisation)
    folder.mkdir(parents=True, exist_ok=True)
    spec._serialize(str(folder / "model.bin"))
    spec.config.save_as_json(str(folder / "config.json"))
    return Small(folder, weights)


def heard(number: int, *, positions: int = 25) -> Array:
    """Give encoder output of a window, a different one for each number."""
    return np.random.default_rng(number).standard_normal((positions, WIDTH)).astype(np.float32)


def reference_scores(weights: Weights, encoded: Array, tokens: list[int]) -> Array:
    """Score what follows every one of the tokens: (len(tokens), vocabulary), in one go."""
    size = len(tokens)
    embeddings = weights["decoder/embeddings/weight"]
    state = embeddings[tokens] + weights["decoder/position_encodings/encodings"][:size]
    past_only = np.where(np.tri(size, dtype=bool), 0.0, -np.inf)
    for layer in range(LAYERS):
        name = f"decoder/layer_{layer}"
        normal = _normalise(weights, f"{name}/self_attention/layer_norm", state)
        both = _linear(weights, f"{name}/self_attention/linear_0", normal)
        queries, keys, values = np.split(both, 3, axis=-1)
        heard = _attend(queries, keys, values, past_only)
        state = state + _linear(weights, f"{name}/self_attention/linear_1", heard)
        normal = _normalise(weights, f"{name}/attention/layer_norm", state)
        queries = _linear(weights, f"{name}/attention/linear_0", normal)
        keys, values = np.split(_linear(weights, f"{name}/attention/linear_1", encoded), 2, axis=-1)
        heard = _attend(queries, keys, values, np.zeros((size, len(encoded))))
        state = state + _linear(weights, f"{name}/attention/linear_2", heard)
        normal = _normalise(weights, f"{name}/ffn/layer_norm", state)
        wide = _linear(weights, f"{name}/ffn/linear_0", normal)
        wide = wide * (1 + erf(wide / np.sqrt(2))) / 2
        state = state + _linear(weights, f"{name}/ffn/linear_1", wide)
    scores: Array = _normalise(weights, "decoder/layer_norm", state) @ embeddings.T
    return scores


def _attend(queries: Array, keys: Array, values: Array, mask: npt.NDArray[np.float64]) -> Array:
    heard = []
    for query, key, value in zip(
        *(np.split(one, HEADS, axis=-1) for one in (queries, keys, values)), strict=True
    ):
        looked = query @ key.T / np.sqrt(WIDTH // HEADS) + mask
        heard.append(softmax(looked, axis=-1) @ value)
    return np.concatenate(heard, axis=-1)


def _linear(weights: Weights, name: str, value: Array) -> Array:
    product: Array = value @ weights[f"{name}/weight"].T + weights[f"{name}/bias"]
    return product


def _normalise(weights: Weights, name: str, value: Array) -> Array:
    centred = value - value.mean(axis=-1, keepdims=True)
    deviation = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + 1e-5)
    normal: Array = centred / deviation * weights[f"{name}/gamma"] + weights[f"{name}/beta"]
    return normal


def _decoder_weights(rng: np.random.Generator) -> Weights:
    def normal(*shape: int, deviation: float) -> Array:
        return (deviation * rng.standard_normal(shape)).astype(np.float32)

    weights = {
        "decoder/embeddings/weight": normal(VOCABULARY, WIDTH, deviation=1.0),
        "decoder/position_encodings/encodings": normal(POSITIONS, WIDTH, deviation=1.0),
    }
    norms = ["decoder/layer_norm"]
    linears: dict[str, tuple[int, int]] = {}
    for layer in range(LAYERS):
        name = f"decoder/layer_{layer}"
        norms += [f"{name}/{block}/layer_norm" for block in ("self_attention", "attention", "ffn")]
        linears |= {
            f"{name}/self_attention/linear_0": (3 * WIDTH, WIDTH),
            f"{name}/self_attention/linear_1": (WIDTH, WIDTH),
            f"{name}/attention/linear_0": (WIDTH, WIDTH),
            f"{name}/attention/linear_1": (2 * WIDTH, WIDTH),
            f"{name}/attention/linear_2": (WIDTH, WIDTH),
            f"{name}/ffn/linear_0": (4 * WIDTH, WIDTH),
            f"{name}/ffn/linear_1": (WIDTH, 4 * WIDTH),
        }
    for name in norms:
        weights[f"{name}/gamma"] = 1 + normal(WIDTH, deviation=0.2)
        weights[f"{name}/beta"] = normal(WIDTH, deviation=0.2)
    for name, (outputs, inputs) in linears.items():
        weights[f"{name}/weight"] = normal(outputs, inputs, deviation=1.5 * inputs**-0.5)
        weights[f"{name}/bias"] = normal(outputs, deviation=0.2)
    return weights


def _put(spec: object, name: str, value: npt.NDArray[np.floating]) -> None:
    """Set a variable by the name it is stored under."""
    *scopes, last = name.split("/")
    for scope in scopes:
        part, _, number = scope.rpartition("_")
        listed = number.isdecimal() and isinstance(getattr(spec, part, None), list)
        spec = getattr(spec, part)[int(number)] if listed else getattr(spec, scope)
    setattr(spec, last, np.array(value, np.float32))  # a copy: quantising changes it in place
