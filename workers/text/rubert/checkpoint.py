"""Any public token-classification checkpoint, on torch and transformers (the extra `torch`).

Larger and slower than the model that ships, for those who want to compare or to spend a GPU on it.
What the labels of a checkpoint mean is written in the manifest of models, under `punctuation`.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from models.manifest import LabelMap, bundled_manifest
from workers.devices import parse_device
from workers.text.rubert.encoder import check_by_trying
from workers.text.rubert.errors import PunctuatorUnusable, load_failed
from workers.text.rubert.labelling import PunctuationModel, Reading
from workers.text.rubert.labels import CASES, MARKS, Probabilities
from workers.text.rubert.pieces import WordPieces

_LONGEST_WINDOW: Final = 512
"""Pieces. Checkpoints that could read more were hardly trained on more."""
_SPARE_POSITIONS: Final = 2
"""RoBERTa counts positions from 2, so that many of its `max_position_embeddings` are never used."""
_OVERLAP_WORDS: Final = 24
_PIECES_PER_WORD: Final = 16


class CheckpointNetwork:
    """A `Network`: one label for each pair of case and mark, summed up for each of both."""

    def __init__(
        self,
        model: Any,  # noqa: ANN401
        *,
        padding: int,
        marks: Probabilities,
        cases: Probabilities,
    ) -> None:
        """Wrap a model of transformers.

        Args:
            model: called with `input_ids` and `attention_mask`, gives `logits`.
            padding: piece that fills up short rows.
            marks: 0 or 1, shape (labels, 9): which label means which mark.
            cases: 0 or 1, shape (labels, 3).
        """
        self._torch = import_module("torch")
        self._model = model
        self._padding = padding
        self._marks = marks
        self._cases = cases

    def probabilities(
        self, rows: Sequence[Sequence[int]], places: Sequence[Sequence[int]]
    ) -> list[tuple[Probabilities, Probabilities]]:
        """See `Network.probabilities`."""
        torch = self._torch
        longest = max(len(row) for row in rows)
        padded = [[*row, *[self._padding] * (longest - len(row))] for row in rows]
        mask = [[1] * len(row) + [0] * (longest - len(row)) for row in rows]
        with torch.inference_mode():
            logits = self._model(
                input_ids=torch.tensor(padded, device=self._model.device),
                attention_mask=torch.tensor(mask, device=self._model.device),
            ).logits
            meaningful = torch.tensor(self._marks.any(axis=1), device=logits.device)
            logits = logits.float().masked_fill(~meaningful, -torch.inf)
            labels = logits.softmax(-1).cpu().numpy()
        return [
            (of_row[list(at)] @ self._marks, of_row[list(at)] @ self._cases)
            for of_row, at in zip(labels, places, strict=True)
        ]


def load_checkpoint(
    source: str | Path,
    *,
    labels_of: str | None = None,
    device: str = "cpu",
    threads: int = 1,
) -> PunctuationModel:
    """Load a checkpoint with transformers, check it and try it once.

    Args:
        source: a repository of the hub, which transformers may have to fetch, or a folder.
        labels_of: take the meaning of the labels from that repository's entry in the manifest; None:
            from the source's own, or from the one entry that knows every label the checkpoint names.
        device: "cpu", "cuda" or "cuda:N".
        threads: of torch, for the whole process: torch has no such number for a model.

    Raises:
        PunctuatorUnusable: torch is not installed, nobody knows the labels, or it cannot be loaded.
        ValueError: no such device.
    """
    kind, index = parse_device(device)
    torch, transformers = _packages()
    torch.set_num_threads(threads)
    try:
        model = transformers.AutoModelForTokenClassification.from_pretrained(source)
        named = model.config.id2label
        names = [str(named[row]) for row in range(len(named))]
        meaning = _label_map(labels_of or str(source), names)
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, **meaning.tokenizer)
        letters = tokenizer.backend_tokenizer
    except (OSError, ValueError, RuntimeError, KeyError, AttributeError) as exc:
        raise load_failed(f"transformers does not take it ({type(exc).__name__})") from exc
    marks, cases = meaning_of(list(meaning.order) or names, meaning)
    if len(marks) != len(names):
        raise _unknown(str(source))
    begin, end = _edges(tokenizer)
    network = CheckpointNetwork(
        model.eval().to(f"cuda:{index}" if kind == "cuda" else "cpu"),
        padding=tokenizer.pad_token_id or 0,
        marks=marks,
        cases=cases,
    )
    checked = PunctuationModel(
        name=Path(source).name,
        network=network,
        pieces=WordPieces(letters, unknown=tokenizer.unk_token_id or 0, most=_PIECES_PER_WORD),
        reading=Reading(
            begin=begin,
            end=end,
            place=meaning.read,
            limit=min(_LONGEST_WINDOW, model.config.max_position_embeddings - _SPARE_POSITIONS),
            overlap=_OVERLAP_WORDS,
        ),
        languages=meaning.languages,
    )
    check_by_trying(checked)
    return checked


def meaning_of(names: Sequence[str], meaning: LabelMap) -> tuple[Probabilities, Probabilities]:
    """Give which label means which mark and which case.

    Args:
        names: of the labels by row of the output: case, underscore, mark, as in UPPER_TOTAL_COMMA;
            or "", for a row that means nothing.
        meaning: what those cases and marks are.

    Returns:
        0 or 1, shapes (labels, 9) and (labels, 3).

    Raises:
        PunctuatorUnusable: a name is not in the map.
    """
    marks = np.zeros((len(names), len(MARKS)), np.float32)
    cases = np.zeros((len(names), len(CASES)), np.float32)
    for row, name in enumerate(names):
        if not name:
            continue
        case, _, mark = name.rpartition("_")
        if case not in meaning.cases or mark not in meaning.marks:
            raise _unknown(name)
        marks[row, MARKS.index(meaning.marks[mark])] = 1
        cases[row, CASES.index(meaning.cases[case])] = 1
    return marks, cases


def _label_map(source: str, names: Sequence[str]) -> LabelMap:
    known = bundled_manifest().punctuation
    for entry in known:
        if source in entry.repositories:
            return entry
    for entry in known:
        if not entry.order:
            try:
                meaning_of(names, entry)
            except PunctuatorUnusable:
                continue
            return entry
    raise _unknown(source)


def _edges(tokenizer: Any) -> tuple[int, int]:  # noqa: ANN401
    """Give the pieces before and after a text: BERT's, or those of models that name them otherwise."""
    begin = tokenizer.cls_token_id if tokenizer.cls_token_id is not None else tokenizer.bos_token_id
    end = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
    if begin is None or end is None:
        raise load_failed("its tokenizer names no piece that begins or ends a text")
    return int(begin), int(end)


def _packages() -> tuple[Any, Any]:
    try:
        return import_module("torch"), import_module("transformers")
    except ImportError as exc:
        package = (exc.name or "torch").partition(".")[0]
        raise PunctuatorUnusable(
            "punctuator.package_missing",
            f"this model needs the package {package}; run `uv sync --extra torch`",
            package=package,
        ) from exc


def _unknown(label: str) -> PunctuatorUnusable:
    return PunctuatorUnusable(
        "punctuator.labels_unknown",
        f"nobody has written down what the labels of {Path(label).name} mean; name a checkpoint of "
        "the manifest whose labels are the same",
        label=Path(label).name,
    )
