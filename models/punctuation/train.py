"""Fine-tuning: encoder and heads together, for as long as one lets it, going on where it stopped.

A killed run loses what came after its last checkpoint, and what is drawn is decided by seed and place
alone, so a run that was interrupted learns from the same windows as one that was not.
"""

import signal
import time
from dataclasses import asdict
from types import FrameType
from typing import Final

import numpy as np
import torch

from models.punctuation.pieces import PieceTable, load_tokenizer
from models.punctuation.prepare import load_streams, load_words
from models.punctuation.run import Options, Progress, Run
from models.punctuation.windows import Sampler

POOL_WINDOWS: Final = 2048
"""Drawn at once and sorted into batches by length; stopping waits for the end of a pool."""
LOG_S: Final = 30.0


class Stopping:
    """Becomes true when the process is asked to end: the pool is finished, then all is saved."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> "Stopping":
        self._before = {
            number: signal.signal(number, self._ask) for number in (signal.SIGTERM, signal.SIGINT)
        }
        return self

    def __exit__(self, *failure: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True


def train(options: Options) -> Progress:
    """Start a run or go on with one, until it is complete, its minutes are over, or it is stopped."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    options.run.mkdir(parents=True, exist_ok=True)
    streams = load_streams(options.corpus, "train")
    tokenizer = load_tokenizer(options.corpus / "tokenizer.json")
    table = PieceTable(tokenizer, load_words(options.corpus))
    run = Run(options, table, total_words=sum(len(each.words) for each in streams))
    run.log({"event": "started", "device": options.device, **asdict(run.progress)})
    with Stopping() as stopping:
        _learn_on(run, Sampler(streams, table), options, stopping)
    run.validate()
    run.save()
    run.log({"event": "stopped", "complete": run.done >= 1, **asdict(run.progress)})
    return run.progress


def _learn_on(run: Run, sampler: Sampler, options: Options, stopping: Stopping) -> None:
    ends = time.monotonic() + 60 * options.minutes
    saved = validated = logged = time.monotonic()
    while not stopping.asked and run.done < 1 and time.monotonic() < ends:
        chance = np.random.default_rng([options.seed, run.progress.pools])
        run.learn(sampler.draw(chance, POOL_WINDOWS), chance)
        now = time.monotonic()
        if now - logged > LOG_S:
            run.log_step()
            logged = now
        if now - validated > 60 * options.validate_minutes:
            run.validate()
            validated = time.monotonic()
        if now - saved > 60 * options.checkpoint_minutes:
            run.save()
            saved = time.monotonic()
