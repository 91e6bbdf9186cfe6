"""A Whisper model behind five verbs: load, encode, detect, decode, align.

CTranslate2 does all of it, except that greedy decoding on a CPU is `workers.recognition.greedy`'s:
half the time a step at batch 1, closer to single precision, and it can check a draft.

On a CPU the encoder runs window by window, because a batch falls out of the cache and takes up to
twice as long, and only the decoder is batched (performance notes, section 3). On a GPU both are.
What CTranslate2 demands of a batch (servers notes, section 2.3) is the caller's to keep: equal
encoder lengths, equally long prompts, one start sequence an `align`.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workers.contract.engine import Plan
from workers.devices import parse_device
from workers.recognition.alignment import Listening, TokenPath
from workers.recognition.converted import UnreadableModel
from workers.recognition.cpu import prepare_cpu
from workers.recognition.features import LogMelArray
from workers.recognition.vocabulary import Vocabulary

if TYPE_CHECKING:
    from workers.recognition.greedy import GreedyDecoder

Encoded = Any
"""Encoder output in CTranslate2's storage, shape (windows, frames / 2, width)."""

_WIDE_LIMIT_BYTES: Final = 600 * 1024 * 1024
"""Largest model.bin (`small` is 480 MB) whose weights are loaded twice. Larger models are no choice
for dictation on a CPU."""
_WIDEST: Final = 8
"""Threads beyond which one window gets no faster worth speaking of."""
_EIGHT_BITS: Final = frozenset({"int8", "int8_float32"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What one decoding of one window gave."""

    tokens: list[int]
    mean_log_probability: float  # natural logarithm; the end token counts, as in Whisper
    no_speech_probability: float  # 0.0 to 1.0
    listening: Listening | None = None  # where it listened, if the decoder tells


class WhisperModel:
    """One set of weights with its lanes; may be called from one thread a lane at once."""

    def __init__(
        self,
        model: Any,  # noqa: ANN401
        *,
        device: str,
        lanes: int,
        size_bytes: int,
        wide: Any = None,  # noqa: ANN401
        greedy: "GreedyDecoder | None" = None,
    ) -> None:
        """Wrap a loaded model.

        Args:
            model: `ctranslate2.models.Whisper`.
            device: "cpu" or "cuda:N".
            lanes: threads it may be called from at once.
            size_bytes: of all its files.
            wide: the same weights with a thread for every lane, to encode with while a lane is
                alone; None: never.
            greedy: decodes where neither beam nor temperature is asked for; None: CTranslate2 does.
        """
        self._model = model
        self._wide = wide
        self._greedy = greedy
        self.device = device
        self.lanes = lanes
        self.size_bytes = size_bytes
        self.compute_type = str(model.compute_type)
        self.n_mels = int(model.n_mels)
        self.multilingual = bool(model.is_multilingual)

    @classmethod
    def load(
        cls,
        model_dir: Path,
        vocabulary: Vocabulary,
        *,
        device: str,
        compute_type: str,
        lanes: int,
    ) -> "WhisperModel":
        """Load weights; arguments and errors as in `WhisperEngine.load`."""
        kind, index = parse_device(device)
        if kind == "cpu":
            prepare_cpu()
        from ctranslate2.models import Whisper  # noqa: PLC0415 - reads what was set above

        if compute_type == "auto":
            compute_type = "int8" if kind == "cpu" else "float16"
        if lanes == 0:
            lanes = _cores() if kind == "cpu" else 1
        load = partial(
            Whisper, str(model_dir), device=kind, device_index=index, compute_type=compute_type
        )
        model = load(intra_threads=1, inter_threads=lanes)
        size = sum(file.stat().st_size for file in model_dir.iterdir() if file.is_file())
        if kind != "cpu":
            return cls(model, device=f"{kind}:{index}", lanes=lanes, size_bytes=size)
        wide = None
        if lanes > 1 and (model_dir / "model.bin").stat().st_size <= _WIDE_LIMIT_BYTES:
            wide = load(intra_threads=min(lanes, _WIDEST), inter_threads=1)
        greedy = _greedy_decoder(model_dir, vocabulary, compute_type=str(model.compute_type))
        return cls(model, device=kind, lanes=lanes, size_bytes=size, wide=wide, greedy=greedy)

    def encode(
        self, features: Sequence[LogMelArray], *, alone: Callable[[], bool] = lambda: False
    ) -> Encoded:
        """Encode windows of equal length.

        Args:
            features: one array a window.
            alone: says, asked before every window, that no other lane is at work, so that this one
                may use their cores. Changes no bit of the output.
        """
        if self.device != "cpu":
            return self._model.encode(_storage(np.stack(features)))
        outputs = []
        for one in features:
            model = self._wide if self._wide is not None and alone() else self._model
            outputs.append(model.encode(_storage(one[np.newaxis])))
        if len(outputs) == 1:
            return outputs[0]
        return _storage(np.concatenate([np.asarray(output) for output in outputs]))

    def rows(self, encoded: Encoded, places: Sequence[int]) -> Encoded:
        """Give some windows of an encoded batch, in the order asked for."""
        if list(places) == list(range(encoded.shape[0])):
            return encoded
        if self.device != "cpu":  # CTranslate2 moves it back where the weights are
            from ctranslate2 import Device  # noqa: PLC0415

            encoded = encoded.to_device(Device.cpu)
        return _storage(np.asarray(encoded)[list(places)])

    def detect(self, encoded: Encoded) -> list[tuple[str, float]]:
        """Give each window's likeliest language (ISO 639-1) and its probability."""
        ranked = self._model.detect_language(encoded)
        return [(best[0][0].strip("<|>"), float(best[0][1])) for best in ranked]

    def decode(
        self,
        encoded: Encoded,
        prompts: list[list[int]],
        *,
        plan: Plan,
        caps: list[int],
        drafts: list[list[int]] | None = None,
    ) -> list[Decoded]:
        """Decode windows with equally long prompts.

        Args:
            encoded: the windows.
            prompts: what the decoder reads first.
            plan: beam and temperature of all.
            caps: most tokens of each.
            drafts: what each window probably says, as tokens. Where the decoder is not exact, only
                those of previews are looked at: now and then the last bit of a sum decides between
                two words, and texts that stay must not depend on what was asked before them.
        """
        if self._greedy is not None and plan.beam == 1 and not plan.temperature:
            wanted = drafts and (plan.preview or self._greedy.is_exact)
            written = self._greedy.decode(
                list(np.asarray(encoded)),
                prompts,
                caps=caps,
                drafts=drafts if drafts and wanted else [[] for _ in prompts],
                listens=not plan.preview,  # nobody asks when the words of a preview were said
            )
            return [
                Decoded(
                    tokens=one.tokens,
                    mean_log_probability=one.log_probability / (len(one.tokens) + 1),
                    no_speech_probability=one.no_speech_probability,
                    listening=one.listening,
                )
                for one in written
            ]
        results = self._model.generate(
            encoded,
            prompts,
            beam_size=plan.beam,
            max_length=_max_length(max(caps), prompt=len(prompts[0])),
            sampling_topk=0 if plan.temperature else 1,
            sampling_temperature=plan.temperature or 1.0,
            return_scores=True,
            return_no_speech_prob=True,
        )
        decoded: list[Decoded] = []
        # The batch runs to the largest cap; cutting at each window's own keeps its text independent
        # of the company it was decoded in.
        for result, cap in zip(results, caps, strict=True):
            tokens = list(result.sequences_ids[0])
            decoded.append(
                Decoded(
                    tokens=tokens[:cap],
                    mean_log_probability=result.scores[0] * len(tokens) / (len(tokens) + 1),
                    no_speech_probability=result.no_speech_prob,
                )
            )
        return decoded

    def align(
        self,
        encoded: Encoded,
        start_sequence: list[int],
        tokens: list[list[int]],
        frames: list[int],
    ) -> list[TokenPath]:
        """Align each window's text tokens with its first `frames` 10 ms frames (2 or more)."""
        results = self._model.align(encoded, start_sequence, tokens, frames)
        return [
            TokenPath(alignments=result.alignments, probabilities=result.text_token_probs)
            for result in results
        ]


def _greedy_decoder(
    model_dir: Path, vocabulary: Vocabulary, *, compute_type: str
) -> "GreedyDecoder | None":
    """Build the greedy decoder; None where 8 bits were not asked for or the model is no such one.

    CTranslate2 then decodes everything: slower, and no less right.
    """
    if compute_type not in _EIGHT_BITS or vocabulary.no_speech is None:
        return None
    from workers.recognition.greedy import GreedyDecoder  # noqa: PLC0415 - a second of imports

    try:
        return GreedyDecoder.load(
            model_dir,
            start=vocabulary.start,
            end=vocabulary.end,
            no_speech=vocabulary.no_speech,
        )
    except UnreadableModel:
        return None


def _max_length(token_cap: int, *, prompt: int) -> int:
    """Give the `max_length` with which CTranslate2 writes at most `token_cap` tokens.

    It allows min(max_length / 2, max_length - prompt + 1) tokens after the prompt (measured with
    4.8.5 on 2026-11-21), so both have to leave room.
    """
    return max(2 * token_cap, token_cap + prompt - 1)


def _storage(array: np.ndarray[Any, Any]) -> Any:  # noqa: ANN401
    from ctranslate2 import StorageView  # noqa: PLC0415

    return StorageView.from_array(np.ascontiguousarray(array))


def _cores() -> int:
    """Cores this process may use: a container's CPU set counts, the machine does not."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
