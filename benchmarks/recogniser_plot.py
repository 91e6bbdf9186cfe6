"""The recogniser's results as one picture: speed of every contestant, and cost of previews."""

from pathlib import Path
from typing import Any, Final

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot

NAMES: Final = {
    "faster_whisper_default": "faster-whisper,\ndefault layout",
    "faster_whisper_one_thread_workers": "faster-whisper,\none-thread workers",
    "faster_whisper_batched_pipeline": "faster-whisper,\nBatchedInferencePipeline",
    "alfavoice_30s_window": "AlfaVoice,\n30 s windows",
    "alfavoice": "AlfaVoice",
}
_COLOURS: Final = {"beam_1": "#3b6ea5", "beam_5": "#9db9d4"}


def plot(result: dict[str, Any], target: Path) -> None:
    """Draw bars of speed for each beam, with the word error rate on each, and those of previews."""
    figure, (finals, partials) = pyplot.subplots(
        1, 2, figsize=(11, 4.2), width_ratios=(3, 1), layout="constrained"
    )
    beams = list(result["finals"])
    height = 0.8 / len(beams)
    for offset, beam in enumerate(beams):
        scores = result["finals"][beam]["contestants"]
        places = [place + offset * height for place in range(len(NAMES))]
        speeds = [scores[name]["speed"] for name in NAMES]
        bars = finals.barh(
            places, speeds, height, color=_COLOURS.get(beam), label=beam.replace("_", " ")
        )
        labels = [
            f"{speed:.1f}×, WER {scores[name]['wer_held_out']['real']:.1f} %"
            for name, speed in zip(NAMES, speeds, strict=True)
        ]
        finals.bar_label(bars, labels, padding=3, fontsize=8)
    finals.set_yticks(
        [place + 0.4 - height / 2 for place in range(len(NAMES))], list(NAMES.values())
    )
    finals.margins(x=0.3)
    finals.set_xlabel("seconds of speech recognised per second")
    finals.set_title(f"Finals: Whisper, int8, {result['machine']['cores']} cores, same clips")
    finals.legend(loc="lower right")
    held = result["partials"]["streams_held"]
    bars = partials.bar(["naive 30 s", "AlfaVoice"], [held["naive_30s_window"], held["alfavoice"]])
    partials.bar_label(bars, fontsize=8)
    partials.set_ylabel("streams held, a partial every second")
    partials.set_title("Partials")
    figure.savefig(target)
    pyplot.close(figure)
