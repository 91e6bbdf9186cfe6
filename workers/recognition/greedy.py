"""Greedy decoding on a CPU: many windows at once, each with a draft of what it may say.

    prompt ─► first token ─► draft checked in one pass ─► the rest, a token a step
              (b, prompt)      (b, longest draft)            (b, 1)

A draft is what an earlier look at the same speech gave: the last partial. Where it is what the
decoder would have written anyway it is accepted, and stepping begins after it; where it differs, the
decoder's own word stands. So a draft changes what a text costs, never what it says (after Leviathan
et al. 2023, "Fast inference from transformers via speculative decoding", for the greedy case).

Every window ends by itself: at its end token or its own cap. Once half of a batch has ended, the
rest goes on as a smaller one.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from onnxruntime import InferenceSession, OrtValue, SessionOptions

from workers.recognition.converted import read_model
from workers.recognition.decoder_graph import DecoderSize, memory_graph, size_of, step_graph

Floats = npt.NDArray[np.float32]

_HIDDEN: Final = np.float32(-np.inf)
_LEAST: Final = 1e-38
"""The smallest probability, so that its logarithm exists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlTokens:
    """The tokens that steer decoding, as numbers of the vocabulary."""

    start: int  # <|startoftranscript|>
    end: int  # <|endoftext|>
    no_speech: int  # <|nospeech|> or, in older vocabularies, <|nocaptions|>
    never: tuple[int, ...]  # `suppress_ids` of the model's config.json
    never_first: tuple[int, ...]  # `suppress_ids_begin`


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What one window says."""

    tokens: list[int]
    log_probability: float  # of all tokens and, if it was reached, of the end
    no_speech_probability: float  # 0.0 to 1.0
    passes: int  # of the decoder, from its first token to its last


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a step said at the places asked for."""

    best: npt.NDArray[np.int64]  # (rows, places)
    probability: Floats  # (rows, places)
    scores: Floats  # (rows, places, vocabulary)


class GreedyDecoder:
    """A decoder with its weights; may be called from several threads, each using one core."""

    def __init__(
        self, memory: bytes, step: bytes, size: DecoderSize, control: ControlTokens
    ) -> None:
        """Take the two graphs of `decoder_graph`, and what goes with them."""
        self._network = _Network(memory, step, size, control)

    @classmethod
    def load(cls, model_dir: Path, *, start: int, end: int, no_speech: int) -> "GreedyDecoder":
        """Build the decoder of a converted Whisper model. Takes seconds.

        Raises:
            UnreadableModel: its form is not known here; CTranslate2's own decoder remains.
            OSError: a file is missing.
        """
        model = read_model(model_dir / "model.bin")
        size = size_of(model)
        config = json.loads((model_dir / "config.json").read_text(encoding="utf-8"))
        control = ControlTokens(
            start=start,
            end=end,
            no_speech=no_speech,
            never=tuple(config.get("suppress_ids", ())),
            never_first=tuple(config.get("suppress_ids_begin", ())),
        )
        return cls(memory_graph(model, size), step_graph(model, size), size, control)

    def decode(
        self,
        encoded: Sequence[Floats],
        prompts: Sequence[Sequence[int]],
        *,
        caps: Sequence[int],
        drafts: Sequence[Sequence[int]],
    ) -> list[Written]:
        """Write out windows of equal length with equally long prompts.

        Args:
            encoded: encoder output of each window, shape (positions, width).
            prompts: what the decoder reads first, with exactly one start token.
            caps: most tokens each window may have, 1 or more; prompt and cap together stay within
                the model's positions.
            drafts: what each window probably says; may be empty, wrong or too long.
        """
        batch = _Batch(self._network, encoded, prompts, caps, drafts)
        batch.read_prompts()
        while batch.going_on():
            batch.step()
        return batch.written()


class _Network:
    """The two sessions and the constants that every pass needs."""

    def __init__(
        self, memory: bytes, step: bytes, size: DecoderSize, control: ControlTokens
    ) -> None:
        self.size = size
        self.control = control
        self._memory = _session(memory)
        self._step = _session(step)
        bias = np.zeros(size.vocabulary, np.float32)
        bias[list(control.never)] = _HIDDEN
        self.bias = _value(bias)
        bias = bias.copy()
        bias[list(control.never_first)] = _HIDDEN
        self.first_bias = _value(bias)
        self.caches = [f"{kind}_{n}" for n in range(size.layers) for kind in ("keys", "values")]
        self._outputs = ["best", "probability", "scores", *(f"new_{name}" for name in self.caches)]

    def remember(self, encoded: Sequence[Floats]) -> dict[str, OrtValue]:
        """Give what cross-attention reads of each window, and an empty past."""
        # One by one: together they fall out of the CPU's cache, as with the encoder.
        parts = [self._memory.run(self.caches, {"encoded": one[np.newaxis]}) for one in encoded]
        stacked = [
            np.concatenate(part) if len(encoded) > 1 else part[0]
            for part in zip(*parts, strict=True)
        ]
        past = np.zeros((len(encoded), self.size.heads, 0, self.size.head_width), dtype=np.float32)
        values = {name: _value(array) for name, array in zip(self.caches, stacked, strict=True)}
        return values | {f"past_{name}": _value(past) for name in self.caches}

    def run(self, inputs: dict[str, OrtValue]) -> tuple[Chosen, dict[str, OrtValue]]:
        """Run one step; give what was chosen, and the new past."""
        best, probability, scores, *new = self._step.run_with_ort_values(self._outputs, inputs)
        chosen = Chosen(best=best.numpy(), probability=probability.numpy(), scores=scores.numpy())
        return chosen, {f"past_{name}": cache for name, cache in zip(self.caches, new, strict=True)}


class _Batch:
    """The windows of one call: what each has written, and the caches of those still writing."""

    def __init__(
        self,
        network: _Network,
        encoded: Sequence[Floats],
        prompts: Sequence[Sequence[int]],
        caps: Sequence[int],
        drafts: Sequence[Sequence[int]],
    ) -> None:
        self._network = network
        self._prompts = np.array(prompts, np.int64)
        self._windows = [
            _Window(cap=cap, draft=tuple(draft)) for cap, draft in zip(caps, drafts, strict=True)
        ]
        self._rows = list(self._windows)  # whose each row of the caches is
        self._caches = network.remember(encoded)
        self._hidden = np.zeros((len(encoded), 0), np.float32)  # (rows, past): 0, or `_HIDDEN`

    def read_prompts(self) -> None:
        """Read the prompts and choose every first token."""
        rows, length = self._prompts.shape
        control = self._network.control
        starts = np.argmax(self._prompts == control.start, axis=1)
        chosen = self._read(
            self._prompts,
            positions=np.tile(np.arange(length), (rows, 1)),
            places=np.stack([starts, np.full(rows, length - 1)], axis=1),
            first=True,
        )
        for row, window in enumerate(self._rows):
            window.no_speech = _share(chosen.scores[row, 0], control.no_speech)
            window.choose(chosen, row, 1, end=control.end)

    def going_on(self) -> bool:
        """Say whether a window still writes; let go of the ended ones once they are half of all."""
        going = [row for row, window in enumerate(self._rows) if not window.ended]
        if going and 2 * len(going) <= len(self._rows):
            self._rows = [self._rows[row] for row in going]
            self._hidden = self._hidden[going]
            self._caches = {
                name: _value(np.ascontiguousarray(cache.numpy()[going]))
                for name, cache in self._caches.items()
            }
        return bool(going)

    def step(self) -> None:
        """Read the last token of every window and what its draft proposes; choose what follows."""
        proposals = [window.proposal() for window in self._rows]
        width = max(map(len, proposals))
        offsets = np.tile(np.arange(width), (len(self._rows), 1))
        chosen = self._read(
            np.array([tokens + [0] * (width - len(tokens)) for tokens in proposals], np.int64),
            positions=self._next_positions() + offsets,
            places=offsets,
        )
        for row, (window, proposal) in enumerate(zip(self._rows, proposals, strict=True)):
            accepted = 0
            while accepted < len(proposal) and window.goes_on_with(proposal[accepted]):
                window.choose(chosen, row, accepted, end=self._network.control.end)
                accepted += 1
            # What was read beyond, and the padding, is never looked at again.
            self._hidden[row, self._hidden.shape[1] - width + accepted :] = _HIDDEN

    def written(self) -> list[Written]:
        """Give every window's text, in the order of the call."""
        return [
            Written(
                tokens=window.tokens,
                log_probability=window.log_probability,
                no_speech_probability=window.no_speech,
                passes=window.passes,
            )
            for window in self._windows
        ]

    def _next_positions(self) -> npt.NDArray[np.int64]:
        """Give the position of each row's last token, shape (rows, 1)."""
        prompt = self._prompts.shape[1]
        return np.array([[prompt + len(window.tokens) - 1] for window in self._rows], np.int64)

    def _read(
        self,
        tokens: npt.NDArray[np.int64],
        *,
        positions: npt.NDArray[np.int64],
        places: npt.NDArray[np.int64],
        first: bool = False,
    ) -> Chosen:
        """Read the same number of tokens in every row, shape (rows, n), each seeing those before."""
        rows, new = tokens.shape
        past = self._hidden.shape[1]
        mask = np.zeros((rows, 1, new, past + new), np.float32)
        mask[:, :, :, :past] = self._hidden[:, np.newaxis, np.newaxis]
        mask[:, :, :, past:] = np.triu(np.full((new, new), _HIDDEN, np.float32), 1)
        # Of padding and of ended rows, which nobody reads, the position may pass the end.
        positions = np.minimum(positions, self._network.size.positions - 1)
        inputs = {
            "tokens": _value(tokens),
            "positions": _value(positions),
            "mask": _value(mask),
            "places": _value(places),
            "bias": self._network.first_bias if first else self._network.bias,
        }
        for window in self._rows:
            window.passes += not window.ended
        chosen, past_caches = self._network.run(inputs | self._caches)
        self._caches |= past_caches
        self._hidden = np.concatenate([self._hidden, np.zeros((rows, new), np.float32)], axis=1)
        return chosen


@dataclass(slots=True, kw_only=True)
class _Window:
    """One window while it is being written."""

    cap: int
    draft: tuple[int, ...]
    tokens: list[int] = field(default_factory=list)
    """Chosen; all but the last have been read by the decoder."""
    log_probability: float = 0.0
    no_speech: float = 0.0
    passes: int = 0
    ended: bool = False

    def choose(self, chosen: Chosen, row: int, place: int, *, end: int) -> None:
        """Take the token after one that was read."""
        token = int(chosen.best[row, place])
        self.log_probability += math.log(max(float(chosen.probability[row, place]), _LEAST))
        if token == end:
            self.ended = True
            return
        self.tokens.append(token)
        self.ended = len(self.tokens) >= self.cap

    def proposal(self) -> list[int]:
        """Give what to read next: the last token and, at the beginning, the draft if it fits.

        Looking for the place where a draft fits again later on saves a fifth of the passes and no
        time: the wider passes cost as much (measured 2026-11-21 on 155 previews).
        """
        if self.ended:
            return []
        if len(self.tokens) == 1 and self.draft[:1] == (self.tokens[0],):
            return list(self.draft[: self.cap])
        return self.tokens[-1:]

    def goes_on_with(self, token: int) -> bool:
        """Whether a token that was read ahead is the one chosen last."""
        return not self.ended and self.tokens[-1] == token


def _share(scores: Floats, token: int) -> float:
    """Give the probability of a token before anything was suppressed."""
    return float(np.exp(scores[token] - scores.max()) / np.exp(scores - scores.max()).sum())


def _session(graph: bytes) -> InferenceSession:
    options = SessionOptions()
    options.intra_op_num_threads = 1  # a lane is one thread; more lanes share the sessions
    options.inter_op_num_threads = 1
    return InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _value(array: npt.NDArray[Any]) -> OrtValue:
    return OrtValue.ortvalue_from_numpy(array)
