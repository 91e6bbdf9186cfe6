"""Choose how sure the punctuation model must be, on recognised speech that no model was trained on.

    python -m benchmarks.text_thresholds recognised.jsonl --model models/punctuation/ru

Each line of the file is {"recognised": …, "reference": …}: one utterance as the recogniser wrote it,
and as it should be. The thresholds are printed as JSON, as `labels.json` of the model takes them.

Each threshold is tried at every value of a grid while the others stand still, in turn, until a round
changes nothing. Where two values do equally well, the more careful one stays.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.text_marks import Agreement, agreement
from workers.text.merging.merge import CAREFUL, merge
from workers.text.merging.thresholds import NAMES, Thresholds, thresholds_of
from workers.text.rubert.encoder import load_exported
from workers.text.rubert.labels import WordLabels
from workers.text.tokens import Token, read

GRID = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.99, 1.0)
ROUNDS = 4
"""A third seldom changes anything."""
_GAIN = 1e-9
"""Below this two scores are the same: sums of floats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An utterance as recognised, what the model says of it, and as it should be."""

    recognised: tuple[Token, ...]
    labels: Sequence[WordLabels]
    reference: tuple[Token, ...]


def merged(examples: Sequence[Example], limits: Thresholds) -> Agreement:
    """Score the merge with these thresholds."""
    return agreement(
        (merge(each.recognised, each.labels, limits), each.reference) for each in examples
    )


def choose(
    examples: Sequence[Example],
    *,
    start: Thresholds = CAREFUL,
    grid: Sequence[float] = GRID,
    rounds: int = ROUNDS,
    chosen_on: str,
) -> Thresholds:
    """Choose thresholds by coordinate descent.

    Args:
        examples: held-out utterances; the score is `Agreement.score` over all of them.
        start: where to begin.
        grid: values tried for each threshold.
        rounds: at most so many times through all of them.
        chosen_on: what the examples are, for `Thresholds.chosen_on`.
    """
    chosen = start
    best = merged(examples, chosen).score
    for _ in range(rounds):
        before = chosen
        for name in NAMES:
            for value in sorted(grid, reverse=True):
                tried = replace(chosen, **{name: value})  # type: ignore[arg-type]  # all are floats
                score = merged(examples, tried).score
                is_careful = score > best - _GAIN and value > getattr(chosen, name)
                if score > best + _GAIN or is_careful:
                    chosen, best = tried, max(best, score)
        if chosen == before:
            break
    return replace(chosen, chosen_on=chosen_on)


def report(examples: Sequence[Example], limits: Thresholds) -> str:
    """Say what these thresholds come to beside the recogniser alone."""
    alone = agreement((each.recognised, each.reference) for each in examples)
    lines = []
    for name, found in (("recogniser alone", alone), ("merged", merged(examples, limits))):
        marks = ", ".join(
            f"«{mark}» {counts.f1:.3f} ({counts.wanted})"
            for mark, counts in found.marks.items()
            if counts.wanted or counts.written
        )
        lines.append(f"{name}: marks {found.together.f1:.3f}, case {found.case:.3f}; {marks}")
    return "\n".join(lines)


def main() -> None:
    """Read, choose, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("examples", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    options = parser.parse_args()
    model = load_exported(options.model)
    lines = [json.loads(line) for line in options.examples.read_text("utf-8").splitlines() if line]
    recognised = [read(line["recognised"]) for line in lines]
    labels = model.label([[token.word for token in tokens] for tokens in recognised])
    examples = [
        Example(recognised=tokens, labels=row, reference=read(line["reference"]))
        for tokens, row, line in zip(recognised, labels, lines, strict=True)
    ]
    print(report(examples, thresholds_of(model.thresholds)))
    chosen = choose(examples, chosen_on=f"{len(examples)} utterances of {options.examples.name}")
    print(report(examples, chosen))
    print(json.dumps({name: getattr(chosen, name) for name in NAMES}, indent=2))


if __name__ == "__main__":
    main()
