"""How long the punctuation model takes for an utterance on one core.

    python -m benchmarks.text_speed            models with random weights of both sizes
    python -m benchmarks.text_speed --model models/punctuation/ru

Set OPENBLAS_NUM_THREADS=1, or NumPy uses more cores than the model does.

Prints milliseconds for utterances of 5, 20 and 60 words, alone and in a batch of 16 (then for each),
beside a plain NumPy pass over single-precision weights, which is a measure of the machine: compare
ratios between machines, not milliseconds. Each figure is the median of `--repeats`.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.random_punctuator import (
    MEDIUM,
    SMALL,
    Shape,
    Weights,
    plain_pass,
    random_weights,
    tokenizer,
    write_model,
)
from benchmarks.tables import table
from workers.text.rubert.encoder import load_exported
from workers.text.rubert.labelling import PunctuationModel

_SPOKEN = """
добрый день коллеги сегодня мы посмотрим на отчёт за прошлый квартал и решим что делать дальше
во первых продажи выросли но не так как мы ожидали во вторых поставщик снова задержал
оборудование поэтому сроки придётся перенести если у кого то есть вопросы задавайте их сразу а
потом перейдём к бюджету на следующий год и обсудим кого ещё нужно нанять чтобы успеть к весне
"""
LENGTHS = (5, 20, 60)
BATCH = 16


def utterance(words: int) -> list[str]:
    """Give so many words of ordinary Russian."""
    spoken = _SPOKEN.split()
    return (spoken * (words // len(spoken) + 1))[:words]


def median_ms(work: Callable[[], object], *, repeats: int) -> float:
    """Give the median time of a call, after two that do not count."""
    took = []
    for _ in range(repeats + 2):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took[2:])


def measured(model: PunctuationModel, *, repeats: int) -> dict[int, tuple[int, float, float]]:
    """Give pieces, milliseconds alone and milliseconds in a batch, by number of words."""
    found = {}
    for words in LENGTHS:
        text = utterance(words)
        count = sum(len(word) for word in model.pieces.of(text))
        alone = median_ms(partial(model.label, [text]), repeats=repeats)
        many = [text] * BATCH
        together = median_ms(partial(model.label, many), repeats=max(3, repeats // 4))
        found[words] = (count, alone, together / BATCH)
    return found


def plain_ms(shape: Shape, weights: Weights, *, repeats: int) -> dict[int, float]:
    """Give milliseconds of the NumPy pass, by number of words."""
    cut = tokenizer(shape)
    found = {}
    for words in LENGTHS:
        row = [piece for word in utterance(words) for piece in cut.encode(word).ids]
        found[words] = median_ms(
            partial(plain_pass, shape, weights, row), repeats=max(3, repeats // 4)
        )
    return found


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", type=Path, help="an exported model instead of random ones")
    parser.add_argument("--repeats", type=int, default=40)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rows: list[list[str]] = []

    def add(name: str, model: PunctuationModel, plain: dict[int, float]) -> None:
        for words, (count, alone, each) in measured(model, repeats=options.repeats).items():
            beside = f"{plain[words]:.1f} ({plain[words] / alone:.1f}x)" if plain else "–"
            rows.append([name, str(words), str(count), f"{alone:.1f}", f"{each:.1f}", beside])

    if options.model:
        model = load_exported(options.model)
        add(model.name, model, {})
    else:
        for shape in (SMALL, MEDIUM):
            weights = random_weights(shape)
            with tempfile.TemporaryDirectory() as folder:
                write_model(Path(folder), shape, weights)
                add(
                    f"{shape.layers} layers x {shape.width}",
                    load_exported(Path(folder)),
                    plain_ms(shape, weights, repeats=options.repeats),
                )
    print(
        table(["model", "words", "pieces", "ms alone", f"ms in a batch of {BATCH}", "NumPy"], rows)
    )


if __name__ == "__main__":
    main()
