"""How fast our recogniser is against faster-whisper on the same clips, and what that costs in words.

    uv run python -m benchmarks.recogniser --model FOLDER [--quick]

Finals: every contestant gets the same closed backlog, block after block in turn, so that whatever
else the machine does hits all alike. Contestants: `faster_whisper.WhisperModel` in its default
layout (one worker over all cores), the same as one-thread workers (one a core), its
`BatchedInferencePipeline`, and ours; each at beam 1 and 5, int8, languages named, voice activity
detection off where it is off by default. Partials: a preview after every second of several streams, ours
against the whole 30 s window each time. Word errors are compared with our own engine decoding the
30 s window at equal beam, on the half of the clips no rule was chosen on (`benchmarks.speech.halves`).
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil
from faster_whisper import BatchedInferencePipeline, WhisperModel

from benchmarks.backlog import recognise_all, request_for
from benchmarks.machine import describe_machine, versions
from benchmarks.partials import measure_partials
from benchmarks.recogniser_plot import plot
from benchmarks.results import now
from benchmarks.speech import (
    GROUPS,
    Clip,
    Errors,
    errors,
    halves,
    load_clips,
    paired_difference,
    word_error_rate,
)
from workers.contract.audio import WINDOW_LIMIT_SAMPLES
from workers.contract.engine import Engine, Plan
from workers.recognition.whisper import WhisperEngine

DEFAULT, WORKERS, PIPELINE, OURS, WHOLE = (
    "faster_whisper_default",
    "faster_whisper_one_thread_workers",
    "faster_whisper_batched_pipeline",
    "alfavoice",
    "alfavoice_30s_window",
)
BLOCKS: Final = 3
BATCH: Final = 12
"""Windows in a batch of ours. A closed backlog measures throughput, so it is above the service's 8."""

RESULTS: Final = Path(__file__).parent / "results"

Recogniser = Callable[[Sequence[Clip]], dict[str, str]]


@dataclass(slots=True, kw_only=True)
class Score:
    """One contestant at one beam."""

    audio_s: float = 0.0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def speed(self) -> float:
        """Seconds of audio recognised in a second of the whole machine."""
        return self.audio_s / self.wall_s if self.wall_s else 0.0


def contestants(folder: Path, engine: Engine, beam: int) -> dict[str, Recogniser]:
    """Load every contestant for one beam."""
    cores = engine.description.lanes
    default = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=cores)
    workers = WhisperModel(
        str(folder), device="cpu", compute_type="int8", cpu_threads=1, num_workers=cores
    )
    pipeline = BatchedInferencePipeline(default)

    def one_by_one(model: WhisperModel, clip: Clip) -> str:
        segments, _ = model.transcribe(clip.samples, language=clip.language, beam_size=beam)
        return " ".join(segment.text.strip() for segment in segments)

    def by_default(clips: Sequence[Clip]) -> dict[str, str]:
        return {clip.name: one_by_one(default, clip) for clip in clips}

    def by_workers(clips: Sequence[Clip]) -> dict[str, str]:
        with ThreadPoolExecutor(cores) as threads:
            texts = threads.map(lambda clip: one_by_one(workers, clip), clips)
            return {clip.name: text for clip, text in zip(clips, texts, strict=True)}

    def by_pipeline(clips: Sequence[Clip]) -> dict[str, str]:
        texts = {}
        for clip in clips:
            segments, _ = pipeline.transcribe(
                clip.samples, language=clip.language, beam_size=beam, batch_size=8
            )
            texts[clip.name] = " ".join(segment.text.strip() for segment in segments)
        return texts

    def by_us(clips: Sequence[Clip]) -> dict[str, str]:
        requests = [request_for(clip) for clip in clips]
        done = recognise_all(engine, requests, beam=beam, batch=BATCH)
        return {name: hypothesis.text for name, hypothesis in done.hypotheses.items()}

    def by_whole_windows(clips: Sequence[Clip]) -> dict[str, str]:
        requests = [request_for(clip) for clip in clips]
        plan = Plan(window_samples=WINDOW_LIMIT_SAMPLES, beam=beam)
        done = recognise_all(engine, requests, beam=beam, batch=BATCH, planner=lambda _: plan)
        return {name: hypothesis.text for name, hypothesis in done.hypotheses.items()}

    return {
        DEFAULT: by_default,
        WORKERS: by_workers,
        PIPELINE: by_pipeline,
        OURS: by_us,
        WHOLE: by_whole_windows,
    }


def measure_finals(
    folder: Path, engine: Engine, clips: Sequence[Clip], beam: int
) -> dict[str, Score]:
    """Run every contestant over every block, in turn."""
    runners = contestants(folder, engine, beam)
    scores = {name: Score() for name in runners}
    by_length = sorted(clips, key=lambda clip: len(clip.samples))
    short = by_length[:2]
    for runner in runners.values():
        runner(short)  # buffers, thread pools
    blocks = [by_length[number::BLOCKS] for number in range(BLOCKS)]
    for number, block in enumerate(blocks):
        order = list(runners)
        order = order[number % len(order) :] + order[: number % len(order)]
        for name in order:
            score = scores[name]
            cpu, began = time.process_time(), time.perf_counter()
            score.texts |= runners[name](block)
            score.wall_s += time.perf_counter() - began
            score.cpu_s += time.process_time() - cpu
            score.audio_s += sum(clip.duration_s for clip in block)
            print(
                f"beam {beam} block {number + 1}/{len(blocks)} {name}: {score.speed:.1f} x real time"
            )
    return scores


def summarise(
    scores: dict[str, Score], clips: Sequence[Clip], held_out: Sequence[Clip]
) -> dict[str, Any]:
    """Give speeds, ratios, word error rates by group and differences to the 30 s window."""
    counts = {
        name: {clip.name: errors(clip, score.texts[clip.name]) for clip in clips}
        for name, score in scores.items()
    }
    summary: dict[str, Any] = {}
    for name, score in scores.items():
        summary[name] = {
            "audio_s": round(score.audio_s, 1),
            "wall_s": round(score.wall_s, 1),
            "cpu_s": round(score.cpu_s, 1),
            "speed": round(score.speed, 1),
            "wer": _rates(counts[name], clips),
            "wer_held_out": _rates(counts[name], held_out),
            "difference_to_30s_held_out": _differences(counts[name], counts[WHOLE], held_out),
        }
    ours = summary[OURS]
    return {
        "contestants": summary,
        "ratios": {
            name: {
                "wall": round(ours["speed"] / summary[name]["speed"], 2),
                "cpu": round(summary[name]["cpu_s"] / ours["cpu_s"], 2),
            }
            for name in scores
            if name != OURS
        },
    }


def _rates(counts: dict[str, Errors], clips: Sequence[Clip]) -> dict[str, float]:
    groups = {group: [clip for clip in clips if clip.group == group] for group in GROUPS}
    groups["real"] = [clip for clip in clips if clip.group != "synthetic"]
    return {
        group: round(word_error_rate(counts[clip.name] for clip in members), 2)
        for group, members in groups.items()
        if members
    }


def _differences(
    ours: dict[str, Errors], theirs: dict[str, Errors], clips: Sequence[Clip]
) -> dict[str, dict[str, float]]:
    kinds = {
        "real": [clip.name for clip in clips if clip.group != "synthetic"],
        "synthetic": [clip.name for clip in clips if clip.group == "synthetic"],
    }
    found = {}
    for kind, names in kinds.items():
        if not names:
            continue
        points, low, high = paired_difference(
            {name: ours[name] for name in names}, {name: theirs[name] for name in names}
        )
        found[kind] = {"points": round(points, 2), "low": round(low, 2), "high": round(high, 2)}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="folder of a converted Whisper")
    parser.add_argument("--recordings", type=Path, help="folder with speech_ru and speech_en")
    parser.add_argument("--quick", action="store_true", help="every sixth clip, beam 1")
    parser.add_argument(
        "--held-out", action="store_true", help="only the half of the clips that is reported on"
    )
    parser.add_argument("--beams", type=int, nargs="*", default=[1, 5])
    parser.add_argument(
        "--keep", action="store_true", help="keep earlier results of the beams not named"
    )
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    if not (arguments.beams or arguments.keep):
        parser.error("without --keep, name a beam")

    clips = load_clips(arguments.recordings)
    beams = arguments.beams
    if arguments.quick:
        clips = sorted(clips, key=lambda clip: (clip.group, len(clip.samples)))[::6]
        beams = [1]
    held_out = halves(clips)[1]
    if arguments.held_out:
        clips = held_out
    engine = WhisperEngine.load(
        arguments.model, device="cpu", compute_type="auto", lanes=0, beam=max(beams, default=1)
    )
    before = psutil.cpu_times()
    cpu, began = time.process_time(), time.perf_counter()
    name = "recogniser-quick" if arguments.quick else "recogniser"
    target = arguments.output / f"{name}.json"
    keep = arguments.keep and target.is_file()
    finals = json.loads(target.read_text(encoding="utf-8"))["finals"] if keep else {}
    for beam in beams:
        scores = measure_finals(arguments.model, engine, clips, beam)
        finals[f"beam_{beam}"] = {"measured": now()} | summarise(scores, clips, held_out)
    partials = measure_partials(arguments.model, engine, clips, batch=BATCH)
    elapsed = time.perf_counter() - began
    after = psutil.cpu_times()
    idle = after.idle + after.iowait - before.idle - before.iowait
    others = (os.cpu_count() or 1) * elapsed - idle - (time.process_time() - cpu)
    result = {
        "measured": now(),
        "machine": describe_machine(),
        "versions": versions(["ctranslate2", "faster-whisper", "numpy", "onnxruntime"]),
        "engine": asdict(engine.description) | {"languages": len(engine.description.languages)},
        "clips": len(clips),
        "held_out_clips": len(held_out),
        "quick": arguments.quick,
        "cores_used_by_others": round(max(0.0, others) / elapsed, 2),
        "finals": finals,
        "partials": partials,
    }
    arguments.output.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    plot(result, arguments.output / f"{name}.svg")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
