"""Whisper's decoder on a CPU: the two graphs of `decoder_graph` as ONNX Runtime sessions.

May be called from several threads, each using one core.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from onnxruntime import InferenceSession, OrtValue, SessionOptions

from workers.recognition.converted import ConvertedModel, UnreadableModel
from workers.recognition.decoder_graph import memory_graph, size_of, step_graph

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Caches = Mapping[str, OrtValue]
"""What attention reads, a row each window: of the encoder's output, and of the tokens so far."""

HIDDEN: Final = np.float32(-np.inf)
"""Added to a score or to what attention looks at, it is never chosen or seen."""

_SLOTS: Final = 64
"""The past has room for a multiple of so many tokens: only then are sums over it the same whatever
its length (see `step_graph`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlTokens:
    """The tokens that steer decoding, as numbers of the vocabulary."""

    start: int  # <|startoftranscript|>
    end: int  # <|endoftext|>
    no_speech: int  # <|nospeech|> or, in older vocabularies, <|nocaptions|>
    never: tuple[int, ...]  # `suppress_ids` of the model's config.json
    never_first: tuple[int, ...]  # `suppress_ids_begin`


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a pass said at the places asked for."""

    best: Integers  # (rows, places): the likeliest of the tokens that are allowed
    probability: Floats  # (rows, places): of `best`, among those
    scores: OrtValue  # float32 (rows, places, vocabulary): before any was suppressed
    listened: OrtValue | None = None
    """float32 (rows, timing heads, n, positions): where each listened as each token was read."""

    def shares(self, token: int, *, place: int) -> Floats:
        """Give a token's probability before any was suppressed, shape (rows,)."""
        scores = self.scores.numpy()[:, place]
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares: Floats = weights[:, token] / weights.sum(axis=1)
        return shares


class DecoderNetwork:
    """The decoder's weights, ready to run, and the suppressed tokens."""

    def __init__(
        self,
        model: ConvertedModel,
        control: ControlTokens,
        timing_heads: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Build and load the graphs. Takes a second for Whisper base.

        Args:
            model: whose weights.
            control: its tokens.
            timing_heads: (layer, head) of cross-attention that follow what is being said; those
                that the model does not have are left out.

        Raises:
            UnreadableModel: the model's form is not known here, or has not these tokens.
        """
        self.size = size_of(model)
        self.control = control
        named = (control.start, control.end, control.no_speech, *control.never)
        for token in (*named, *control.never_first):
            if not 0 <= token < self.size.vocabulary:
                raise UnreadableModel(f"the vocabulary has no token {token}")
        # One after the other: a graph is let go of as soon as its session has it.
        self._memory = _session(memory_graph(model, self.size))
        heads = [
            (layer, head)
            for layer, head in timing_heads
            if 0 <= layer < self.size.layers and 0 <= head < self.size.heads
        ]
        self.has_timing: Final = bool(heads)
        """Whether it tells where it listened."""
        self._step = _session(step_graph(model, self.size, heads))
        bias = np.zeros(self.size.vocabulary, np.float32)
        bias[list(control.never)] = HIDDEN
        first_bias = bias.copy()
        first_bias[list(control.never_first)] = HIDDEN
        self._bias = _value(bias)
        self._first_bias = _value(first_bias)
        self._names = [
            f"{kind}_{layer}" for layer in range(self.size.layers) for kind in ("keys", "values")
        ]
        self._outputs = ["best", "probability", "scores", *(f"new_{name}" for name in self._names)]
        if self.has_timing:
            self._outputs.append("listened")

    def remember(self, encoded: Sequence[Floats]) -> Caches:
        """Give what is to be read of windows of equal length, (positions, width); no tokens yet."""
        # One by one: together they fall out of the CPU's cache, as with the encoder.
        parts = [self._memory.run(self._names, {"encoded": one[np.newaxis]}) for one in encoded]
        rows, heads, each = len(encoded), self.size.heads, self.size.head_width
        keys = np.zeros((rows, heads, each, _SLOTS), np.float32)
        values = np.zeros((rows, heads, _SLOTS, each), np.float32)
        caches = {
            f"past_{name}": _value(keys if name.startswith("keys") else values)
            for name in self._names
        }
        for name, arrays in zip(self._names, zip(*parts, strict=True), strict=True):
            caches[name] = _value(np.concatenate(arrays) if len(arrays) > 1 else arrays[0])
        return caches

    def keep(self, caches: Caches, rows: Sequence[int]) -> Caches:
        """Give the caches of some rows, in the order asked for."""
        return {name: _value(cache.numpy()[list(rows)]) for name, cache in caches.items()}

    def read(
        self,
        tokens: Integers,
        caches: Caches,
        *,
        positions: Integers,
        places: Integers,
        first: bool = False,
    ) -> tuple[Chosen, Caches]:
        """Read tokens and choose what follows some of them.

        What a row says does not depend on what else is read in the same call.

        Args:
            tokens: shape (rows, n).
            caches: of these rows.
            positions: of the tokens in their texts, shape (rows, n), each row's rising by one. A token
                sees those before it; one that is read again at a position takes the place of what
                was there. Padding may lie beyond the last position of the model.
            places: which of the n to choose after, shape (rows, places).
            first: the choice begins a text.

        Returns:
            What was chosen, and the caches with these tokens in them.
        """
        caches = self._with_room(caches, int(positions.max()) + 1)
        room = np.arange(self._room(caches))
        hidden = room > positions[:, np.newaxis, :, np.newaxis, np.newaxis]
        inputs = {
            "tokens": _value(tokens),
            "positions": _value(np.minimum(positions, self.size.positions - 1)),
            "slots": _value(positions),
            "mask": _value(np.where(hidden, HIDDEN, np.float32(0))),
            "places": _value(places),
            "bias": self._first_bias if first else self._bias,
        }
        best, probability, scores, *new = self._step.run_with_ort_values(
            self._outputs, {**inputs, **caches}
        )
        listened = new.pop() if self.has_timing else None
        longer = {f"past_{name}": cache for name, cache in zip(self._names, new, strict=True)}
        return (
            Chosen(
                best=best.numpy(),
                probability=probability.numpy(),
                scores=scores,
                listened=listened,
            ),
            {**caches, **longer},
        )

    def is_exact(self) -> bool:
        """Try whether tokens read together come out as when read one by one, to the last bit.

        It depends on the kernels that ONNX Runtime has for this CPU. Takes a tenth of a second for
        Whisper base.
        """
        rng = np.random.default_rng(0)
        count = _SLOTS + 6  # past the first enlargement of the caches
        tokens = rng.integers(0, self.size.vocabulary, (2, count))
        encoded = [rng.standard_normal((150, self.size.width)).astype(np.float32) for _ in range(2)]
        positions = np.tile(np.arange(count), (2, 1))
        together, _ = self.read(
            tokens, self.remember(encoded), positions=positions, places=positions
        )
        caches = self.remember(encoded[1:])
        for first in range(0, count, step := 5):
            part = slice(first, first + step)
            places = np.arange(min(step, count - first))[np.newaxis]
            alone, caches = self.read(
                tokens[1:, part], caches, positions=positions[1:, part], places=places
            )
            same = np.array_equal(alone.scores.numpy()[0], together.scores.numpy()[1, part])
            if not same:
                return False
        return True

    def _with_room(self, caches: Caches, tokens: int) -> Caches:
        """Enlarge the past of all rows where it has no room for so many tokens."""
        missing = -(-tokens // _SLOTS) * _SLOTS - self._room(caches)
        if missing <= 0:
            return caches
        longer = {}
        for name in self._names:
            axis = 3 if name.startswith("keys") else 2
            padding = [(0, missing if axis == one else 0) for one in range(4)]
            longer[f"past_{name}"] = _value(np.pad(caches[f"past_{name}"].numpy(), padding))
        return {**caches, **longer}

    def _room(self, caches: Caches) -> int:
        """Give how many tokens the past has room for."""
        return int(caches[f"past_{self._names[0]}"].shape()[3])


def _session(graph: bytes) -> InferenceSession:
    options = SessionOptions()
    options.intra_op_num_threads = 1  # a lane is one thread; more lanes share the sessions
    options.inter_op_num_threads = 1
    # Passes seldom have the shapes of an earlier one. A memory plan kept for each would only pile up,
    # and an arena keeps the most that ever was: after 120 mixed batches of up to 4 windows 620 MB
    # against 420, for a gain of 7 %, and of none with one window (Whisper base, 2026-11-21).
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = False
    try:
        return InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except MemoryError:
        raise
    except Exception as exc:  # its errors share no narrower class
        raise UnreadableModel(f"ONNX Runtime refuses it: {type(exc).__name__}") from exc


def _value(array: npt.NDArray[Any]) -> OrtValue:
    return OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array))
