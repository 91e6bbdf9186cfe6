"""A run of training: model, optimiser and how far it came, in a folder of their own.

checkpoint.pt    model, optimiser and progress; rewritten every few minutes
best.pt          the model with the best validation so far
log.jsonl        a line every half minute, and one for each validation
"""

import json
import math
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.punctuation import bert
from models.punctuation.beginnings import exported_model, grown_model, initial_model
from models.punctuation.labels import UNKNOWN
from models.punctuation.pieces import PieceTable
from models.punctuation.prepare import load_streams
from models.punctuation.scores import Tally
from models.punctuation.windows import IGNORED, Batch, Stream, Window, batches, consecutive

CASE_WEIGHT: Final = 0.5
"""Of the case loss, the mark loss having 1: case is the easier task and must not take the model over."""
HEAD_RATE: Final = 5.0
"""The heads start from nothing and learn so many times as fast as the encoder."""
WARM_UP: Final = 0.02
"""Share of the run in which the rate rises."""
FINAL_RATE: Final = 0.02
"""Of the highest rate, at the end of the run."""
GRADIENT_NORM: Final = 1.0
VALIDATION_WORDS: Final = 90
"""Of one window, as long as the passages that the finished model is tested with."""
VALIDATION_WINDOWS: Final = 150
"""Of each source: some 13,000 words, which holds an F1 of common marks to about a point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What one can choose of a run."""

    corpus: Path
    encoder: Path
    """A folder as `encoder` writes it."""
    run: Path
    exported: Path | None = None
    """An exported model to begin with instead of the encoder; its pieces have to be the corpus's."""
    grown: bool = False
    """Whether the layers that the encoder has more are put above the exported model's."""
    minutes: float
    """Stop then; the next start goes on."""
    passes: float = 4.0
    """Length of the whole run: the learning rate falls to its end. One pass sees as many words as
    the corpus has."""
    batch_pieces: int = 4096
    rate: float = 4e-4
    """The highest one, of the encoder; 3e-4 for eight layers of 384 values."""
    dropout: float = 0.1
    """For runs of many passes. One of a few, in which nothing is learned by heart, does better without, and faster."""
    device: str = "cpu"
    precision: Literal["float32", "bfloat16"] = "float32"
    compiled: bool = False
    """Whether torch's compiler fuses what stands between the products of matrices; on a CPU it needs a C++ compiler."""
    threads: int = 2
    seed: int = 1
    checkpoint_minutes: float = 4.0
    validate_minutes: float = 20.0


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far a run came."""

    pools: int = 0
    steps: int = 0
    words: int = 0
    pieces: int = 0
    seconds: float = 0.0
    """Spent on training, validation left out."""
    best: float = 0.0


def rate_at(done: float) -> float:
    """Give the learning rate as a share of the highest one: a short rise, then a cosine.

    Args:
        done: of the whole run, 0.0 to 1.0.
    """
    if done < WARM_UP:
        return done / WARM_UP
    turn = min(1.0, (done - WARM_UP) / (1 - WARM_UP))
    return FINAL_RATE + (1 - FINAL_RATE) * (1 + math.cos(math.pi * turn)) / 2


class Run:
    """Model, optimiser and progress, with the folder they are kept in."""

    def __init__(self, options: Options, table: PieceTable, *, total_words: int) -> None:
        self._options = options
        self._device = torch.device(options.device)
        self._length = options.passes * total_words
        self._validation = _validation_windows(options.corpus, table)
        self._sums = np.zeros(5)  # mark loss, case loss, steps, pieces, seconds since the last line
        self.progress = Progress()
        kept: dict[str, Any] = {}
        if (options.run / "checkpoint.pt").exists():
            self.model, kept = bert.load(options.run / "checkpoint.pt", dropout=options.dropout)
            self.progress = Progress(**kept["progress"])
        else:
            self.model = _beginning(options)
        self.model.to(self._device)
        if options.compiled:
            self.model.compile(dynamic=True)
        self._optimiser = _optimiser(self.model, options)
        if kept:
            highest = [group["highest"] for group in self._optimiser.param_groups]
            self._optimiser.load_state_dict(kept["optimiser"])
            for group, rate in zip(self._optimiser.param_groups, highest, strict=True):
                group["highest"] = rate  # what is asked for now, not what was asked for then

    @property
    def done(self) -> float:
        """Share of the whole run, 0.0 to 1.0."""
        return min(1.0, self.progress.words / self._length)

    def learn(self, windows: list[Window], chance: np.random.Generator) -> None:
        """Learn from a pool of windows, in batches in no order of length."""
        begun = time.monotonic()
        self.model.train()
        found = list(batches(windows, self._options.batch_pieces))
        for number in chance.permutation(len(found)):
            self._step(found[number])
        taken = time.monotonic() - begun
        self.progress.pools += 1
        self.progress.seconds += taken
        self._sums[4] += taken

    def _step(self, batch: Batch) -> None:
        share = rate_at(self.done)
        for group in self._optimiser.param_groups:
            group["lr"] = share * group["highest"]
        with self._precision():
            marks, cases = self.model(*self._inputs(batch))
        mark_loss = functional.cross_entropy(marks.float(), self._tensor(batch.marks))
        case_loss = functional.cross_entropy(
            cases.float(), self._tensor(batch.cases), ignore_index=IGNORED, reduction="sum"
        ) / max(1, int((batch.cases != IGNORED).sum()))
        self._optimiser.zero_grad(set_to_none=True)
        (mark_loss + CASE_WEIGHT * case_loss).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), GRADIENT_NORM)
        self._optimiser.step()
        self.progress.steps += 1
        self.progress.words += len(batch.marks)
        self.progress.pieces += int(batch.lengths.sum())
        losses = float(mark_loss.detach()), float(case_loss.detach())
        self._sums[:4] += (*losses, 1.0, float(batch.lengths.sum()))

    def validate(self) -> None:
        """Score the model on what is held out, by source; keep it if it is the best so far."""
        scores = {
            name: validate(self.model, windows, self._inputs)
            for name, windows in self._validation.items()
        }
        everything = Tally()
        for tally in scores.values():
            everything += tally
        self.log(
            {
                "event": "validated",
                "done": round(self.done, 4),
                "words": self.progress.words,
                "all": everything.row(),
                **{name: tally.row() for name, tally in scores.items()},
            }
        )
        if everything.main > self.progress.best:
            self.progress.best = everything.main
            bert.save(self.model, self._options.run / "best.pt", main=everything.main)

    def save(self) -> None:
        """Write a checkpoint."""
        bert.save(
            self.model,
            self._options.run / "checkpoint.pt",
            optimiser=self._optimiser.state_dict(),
            progress=asdict(self.progress),
        )

    def log_step(self) -> None:
        """Write the mean losses and the speed since the last time."""
        mark_loss, case_loss, count, pieces, seconds = self._sums
        self.log(
            {
                "event": "learned",
                "done": round(self.done, 4),
                **asdict(self.progress),
                "mark_loss": round(mark_loss / max(count, 1), 4),
                "case_loss": round(case_loss / max(count, 1), 4),
                "pieces_per_s": round(pieces / max(seconds, 1e-9)),
            }
        )
        self._sums[:] = 0

    def log(self, line: Mapping[str, Any]) -> None:
        """Add a line to the run's log."""
        with (self._options.run / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def _precision(self) -> AbstractContextManager[object]:
        precision: AbstractContextManager[object] = torch.autocast(
            self._device.type,
            dtype=torch.bfloat16,
            enabled=self._options.precision == "bfloat16",
        )
        return precision

    def _inputs(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        return self._tensor(batch.pieces), self._tensor(batch.lengths), self._tensor(batch.read)

    def _tensor(self, array: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(array).to(self._device)


def _beginning(options: Options) -> bert.PunctuationModel:
    dropout = options.dropout
    if options.exported is None:
        return initial_model(options.encoder, np.load(options.corpus / "rows.npy"), dropout=dropout)
    if options.grown:
        return grown_model(options.exported, options.corpus, options.encoder, dropout=dropout)
    return exported_model(options.exported, options.corpus, dropout=dropout)


def validate(
    model: bert.PunctuationModel,
    windows: list[Window],
    inputs: Callable[[Batch], tuple[Tensor, Tensor, Tensor]],
) -> Tally:
    """Score a model on windows."""
    model.eval()
    tally = Tally()
    with torch.inference_mode():
        for batch in batches(windows, 4096):
            marks, cases = model(*inputs(batch))
            tally.add(
                (batch.marks, np.where(batch.cases == IGNORED, UNKNOWN, batch.cases)),
                (marks.argmax(-1).cpu().numpy(), cases.argmax(-1).cpu().numpy()),
            )
    return tally


def _validation_windows(corpus: Path, table: PieceTable) -> dict[str, list[Window]]:
    return {stream.name: _spread(stream, table) for stream in load_streams(corpus, "validation")}


def _spread(stream: Stream, table: PieceTable) -> list[Window]:
    """Take windows from all over a stream, not only from the first book in it."""
    windows = list(consecutive(stream, table, VALIDATION_WORDS))
    return windows[:: max(1, len(windows) // VALIDATION_WINDOWS)]


def _optimiser(model: bert.PunctuationModel, options: Options) -> torch.optim.Optimizer:
    heads, plain, decayed = [], [], []
    for name, parameter in model.named_parameters():
        if name.startswith(("mark.", "case.")):
            heads.append(parameter)
        elif parameter.ndim == 1 or name.startswith("encoder.p"):  # biases, norms, embeddings
            plain.append(parameter)
        else:
            decayed.append(parameter)
    groups = [
        {"params": heads, "highest": HEAD_RATE * options.rate, "weight_decay": 0.0},
        {"params": plain, "highest": options.rate, "weight_decay": 0.0},
        {"params": decayed, "highest": options.rate, "weight_decay": 0.01},
    ]
    return torch.optim.AdamW(groups, lr=options.rate, betas=(0.9, 0.98), fused=True)
