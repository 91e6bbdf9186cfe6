"""The punctuation model on CTranslate2: 8 bits on a CPU, half precision on a GPU, no torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from models.shipped import shipped_punctuation
from workers.devices import parse_device
from workers.recognition.cpu import prepare_cpu
from workers.text.rubert.errors import invalid, load_failed, missing
from workers.text.rubert.exported import (
    ENCODER_FILES,
    TOKENIZER_FILE,
    Head,
    Labels,
    read_heads,
    read_labels,
)
from workers.text.rubert.labelling import PunctuationModel, Reading, softmax
from workers.text.rubert.labels import Probabilities
from workers.text.rubert.pieces import WordPieces

_PROBE: Final = ("привет", "как", "дела", "3,5", "sql")


class EncoderNetwork:
    """A `Network`: an encoder in CTranslate2 and two heads in NumPy."""

    def __init__(self, encoder: Any, marks: Head, cases: Head) -> None:  # noqa: ANN401
        """Wrap a loaded `ctranslate2.Encoder`."""
        self._encoder = encoder
        self._marks = marks
        self._cases = cases

    def hidden(self, rows: Sequence[Sequence[int]]) -> Probabilities:
        """Give the last hidden states: float32, shape (rows, longest, width)."""
        states = self._encoder.forward_batch([list(row) for row in rows]).last_hidden_state
        if self._encoder.device != "cpu":
            from ctranslate2 import DataType, Device  # noqa: PLC0415 - see `prepare_cpu`

            states = states.to_device(Device.cpu).to(DataType.float32)
        return np.asarray(states, np.float32)

    def probabilities(
        self, rows: Sequence[Sequence[int]], places: Sequence[Sequence[int]]
    ) -> list[tuple[Probabilities, Probabilities]]:
        """See `Network.probabilities`."""
        states = self.hidden(rows)
        read = np.concatenate([state[list(at)] for state, at in zip(states, places, strict=True)])
        marks = softmax(self._marks.logits(read))
        cases = softmax(self._cases.logits(read))
        cuts = np.cumsum([len(at) for at in places])[:-1]
        return list(zip(np.split(marks, cuts), np.split(cases, cuts), strict=True))


def shipped_model() -> Path | None:
    """Give the folder of the model that comes with AlfaVoice; None: this build has none."""
    return shipped_punctuation()


def load_exported(
    folder: Path,
    *,
    device: str = "cpu",
    compute_type: str = "auto",
    calls_at_once: int = 1,
    threads_per_call: int = 1,
) -> PunctuationModel:
    """Load an exported model, check it and try it once.

    Args:
        folder: as `workers.text.rubert.exported` describes it.
        device: "cpu", "cuda" or "cuda:N".
        compute_type: of CTranslate2; `auto`: int8 on the CPU and float16 on a GPU.
        calls_at_once: calls that are computed side by side on a CPU; more wait for one of them.
        threads_per_call: cores one call uses. An utterance is too small to gain from a second.

    Raises:
        PunctuatorUnusable: the folder is not such a model, or CTranslate2 cannot run it here.
        ValueError: no such device.
    """
    kind, index = parse_device(device)
    labels = read_labels(folder)
    marks, cases = read_heads(folder, labels)
    pieces = _pieces(folder, labels)
    if absent := next((name for name in ENCODER_FILES if not (folder / name).is_file()), None):
        raise missing(absent)
    if kind == "cpu":
        prepare_cpu()
    from ctranslate2 import Encoder  # noqa: PLC0415 - reads what was set above

    if compute_type == "auto":
        compute_type = "int8" if kind == "cpu" else "float16"
    try:
        encoder = Encoder(
            str(folder),
            device=kind,
            device_index=index,
            compute_type=compute_type,
            inter_threads=calls_at_once,
            intra_threads=threads_per_call,
        )
    except (RuntimeError, ValueError) as exc:  # its message may hold a path of the host
        raise load_failed(f"CTranslate2 does not take it ({type(exc).__name__})") from exc
    model = PunctuationModel(
        name=labels.name,
        network=EncoderNetwork(encoder, marks, cases),
        pieces=pieces,
        reading=Reading(
            begin=labels.cls,
            end=labels.sep,
            place=labels.read,
            limit=labels.max_pieces,
            overlap=labels.overlap_words,
        ),
        thresholds=labels.thresholds,
        languages=tuple(labels.languages),
    )
    check_by_trying(model)
    return model


def check_by_trying(model: PunctuationModel) -> None:
    """Label a full window and a word: a wrong width, type or length shows here, not in a meeting.

    Raises:
        PunctuatorUnusable: no probabilities come out.
    """
    full = _PROBE * (model.reading.limit // len(_PROBE))
    try:
        labelled = model.label([full, _PROBE[:1]])
    except (RuntimeError, ValueError, IndexError) as exc:
        raise load_failed(f"the first try failed ({type(exc).__name__})") from exc
    for word in (*labelled[0], *labelled[1]):
        sums = np.array([word.marks.sum(), word.cases.sum()])
        if not np.allclose(sums, 1.0, atol=1e-3):  # also false for NaN
            raise load_failed("the first try gave no probabilities")


def _pieces(folder: Path, labels: Labels) -> WordPieces:
    from tokenizers import Tokenizer  # noqa: PLC0415 - half a second, and only where there is a model

    path = folder / TOKENIZER_FILE
    if not path.is_file():
        raise missing(TOKENIZER_FILE)
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as exc:  # the library raises nothing narrower
        raise invalid(TOKENIZER_FILE, "it is no tokenizer") from exc
    if max(labels.cls, labels.sep, labels.unk) >= tokenizer.get_vocab_size():
        raise invalid(TOKENIZER_FILE, "it has fewer pieces than labels.json names")
    return WordPieces(tokenizer, unknown=labels.unk, most=labels.max_pieces_per_word)
