"""What finished text is worth, as a table and a plot."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl

from benchmarks.tables import table
from benchmarks.text_passages import GROUPS, REAL
from benchmarks.text_scores import RATES, SCORED, Score, bare, difference, rate, score
from benchmarks.text_served import Row

mpl.use("Agg")

from matplotlib import pyplot as plt

TEXTS: Final = {
    "bare": "words alone, no marks",
    "raw": "recogniser",
    "text": "finished",
    "stored": "finished, as in history",
}
_COLOURS: Final = {"bare": "#c8c8c8", "raw": "#9db9d4", "text": "#1f4fd8", "stored": "#12307f"}
AIMS: Final = {"marks": 5.0, "case": 5.0, "wer": 0.1}
"""Points by which the finished text must be better, and may be worse in words, than the recogniser
alone: the project's own aim for real speech."""
_NAMES: Final = {
    "wer": "WER, numbers alike",
    "wer_as_written": "WER as written",
    "comma": "F1 comma",
    "full stop": "F1 full stop",
    "question": "F1 question",
    "marks": "F1 of the three",
    "all_marks": "F1 of all marks",
    "case": "case",
    "capitals": "F1 capitals",
}


def kinds(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Give the rows by group, people together as `real`."""
    found = {group: [row for row in rows if row.group == group] for group in GROUPS}
    found["real"] = [row for row in rows if row.group in REAL]
    return {kind: members for kind, members in found.items() if members}


def scores_of(rows: Sequence[Row], text: str) -> list[Score]:
    """Score one of `TEXTS` of every row."""
    return [
        score(
            bare(row.raw) if text == "bare" else getattr(row, text),
            row.reference,
            marks=row.marks,
            is_cased=row.case,
        )
        for row in rows
    ]


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Give every rate of every text by group, and the differences to the recogniser alone."""
    found: dict[str, Any] = {}
    for kind, members in kinds(rows).items():
        scores = {text: scores_of(members, text) for text in TEXTS}
        raw = scores["raw"]
        found[kind] = {
            "passages": len(members),
            "words": sum(one.words for one in raw),
            "wanted": {
                name: sum(one.marks.wanted[mark] for one in raw if one.marks)
                for name, mark in SCORED.items()
            },
            "case_words": sum(one.case_words for one in raw),
            "rates": {
                text: {name: _rounded(rate(name, of_text)) for name in RATES}
                for text, of_text in scores.items()
            },
            "gains": {
                text: {
                    name: {part: round(points, 2) for part, points in asdict(found_gap).items()}
                    for name in RATES
                    if (found_gap := difference(name, scores[text], raw)) is not None
                }
                for text in ("text", "stored")
            },
        }
    return found


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def verdicts(content: Mapping[str, Any], text: str = "text") -> dict[str, bool]:
    """Say which aims one of `TEXTS` meets on real speech; those that cannot be scored are left out."""
    gains = content["summary"].get("real", {}).get("gains", {}).get(text, {})
    met = {name: gains[name]["points"] >= AIMS[name] for name in ("marks", "case") if name in gains}
    if "wer" in gains:
        met["wer"] = gains["wer"]["points"] <= AIMS["wer"]
    return met


def markdown(content: Mapping[str, Any]) -> str:
    """Write the tables of a result."""
    found = content["summary"]
    parts = [
        f"Measured {content['measured']}: {content['command']}",
        f"Server: {content['server']}. Punctuation model: {content['punctuation_model']}.",
        f"{content['clips']}; {content['passages']}.",
        _rates_table(found),
        "Difference of the finished text to the recogniser alone, in points, with its 95 % interval "
        "(paired bootstrap over passages):",
        _gains_table(found),
    ]
    raw = found.get("real", {}).get("rates", {}).get("raw", {})
    parts += [
        f"Aims on real speech, {TEXTS[text]}: {_met(verdicts(content, text), raw)}."
        for text in _told(found)
    ]
    return "\n\n".join(parts) + "\n"


def _told(found: Mapping[str, Any]) -> list[str]:
    """Give the texts whose gains are told: that of history too, where sentences were joined."""
    differ = any(one["gains"]["text"] != one["gains"]["stored"] for one in found.values())
    return ["text", "stored"] if differ else ["text"]


def _met(verdict: Mapping[str, bool], raw: Mapping[str, float | None]) -> str:
    names = {"marks": "F1 of the three ≥ +5", "case": "case ≥ +5", "wer": "WER ≤ +0.1"}
    told = [
        f"{names[name]}: {'met' if is_met else '**not met**'}{_room(name, raw)}"
        for name, is_met in verdict.items()
    ]
    return ", ".join(told) or "not scored"


def _room(name: str, raw: Mapping[str, float | None]) -> str:
    """Say so where the recogniser alone is so near to 100 % that the aim is beyond it."""
    room = 100.0 - (raw.get(name) or 0.0)
    return f" (no more than +{room:.1f} is possible)" if name != "wer" and room < AIMS[name] else ""


def _rates_table(found: Mapping[str, Any]) -> str:
    rows = [
        [
            kind,
            name,
            str(one["words"]),
            *(_shown(one["rates"][text][wanted]) for wanted in RATES),
        ]
        for kind, one in found.items()
        for text, name in TEXTS.items()
    ]
    return table(["group", "text", "words", *(_NAMES[name] for name in RATES)], rows)


def _gains_table(found: Mapping[str, Any]) -> str:
    rows = []
    for kind, one in found.items():
        wanted = ", ".join(f"{count} {name}" for name, count in one["wanted"].items())
        for text in _told(found):
            gains = one["gains"][text]
            cells = [
                f"{gains[name]['points']:+.1f} ({gains[name]['low']:+.1f} … {gains[name]['high']:+.1f})"
                if name in gains
                else "–"
                for name in RATES
            ]
            rows.append([kind, TEXTS[text], f"{one['passages']} passages; {wanted}", *cells])
    return table(["group", "text", "of", *(_NAMES[name] for name in RATES)], rows)


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def plot(content: Mapping[str, Any], path: Path) -> None:
    """Draw bars of every rate for people and for the synthetic voices."""
    found = {
        kind: content["summary"][kind]
        for kind in ("real", "synthetic")
        if kind in content["summary"]
    }
    names = [name for name in RATES if name not in {"wer", "wer_as_written", "all_marks"}]
    figure, panes = plt.subplots(
        1,
        len(found) + 1,
        figsize=(5.2 * len(found) + 2.6, 4.4),
        layout="constrained",
        width_ratios=[2.4] * len(found) + [1],
        squeeze=False,
    )
    width = 0.8 / len(TEXTS)
    for pane, (kind, one) in zip(panes[0], found.items(), strict=False):
        for offset, (text, label) in enumerate(TEXTS.items()):
            heights = [one["rates"][text][name] or 0.0 for name in names]
            places = [place + offset * width for place in range(len(names))]
            bars = pane.bar(places, heights, width, color=_COLOURS[text], label=label)
            known = [one["rates"][text][name] is not None for name in names]
            labels = [
                f"{height:.0f}" if is_known else "–"
                for height, is_known in zip(heights, known, strict=True)
            ]
            pane.bar_label(bars, labels, fontsize=7)
        pane.set_xticks(
            [place + 0.4 - width / 2 for place in range(len(names))],
            ["all\nthree" if name == "marks" else name.replace(" ", "\n") for name in names],
        )
        pane.set_ylim(0, 108)
        pane.set_ylabel("F1 (case: share of right words), %")
        pane.set_title(f"{kind}, {one['words']} words")
    bars, labels = panes[0][0].get_legend_handles_labels()
    figure.legend(bars, labels, fontsize=8, loc="outside lower center", ncols=len(labels))
    last = panes[0][-1]
    for offset, text in enumerate(("raw", "text")):
        heights = [one["rates"][text]["wer"] or 0.0 for one in found.values()]
        bars = last.bar(
            [place + 0.4 * offset for place in range(len(found))],
            heights,
            0.4,
            color=_COLOURS[text],
        )
        last.bar_label(bars, [f"{height:.1f}" for height in heights], fontsize=8)
    last.set_xticks([place + 0.2 for place in range(len(found))], list(found))
    last.set_title("word errors, %\n(numbers alike)")
    figure.savefig(path, dpi=130)
    plt.close(figure)
