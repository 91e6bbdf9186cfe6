"""What previews cost: a partial after every second of several streams that talk without a pause.

Streams begin out of phase, so lengths differ as they do in life:

    stream 0   1 s  2 s  3 s  final | 1 s  2 s …
    stream 1       1 s  2 s  3 s  4 s  final | …
               tick tick tick

At every tick each stream asks for the preview of what it has said so far, with the preview before
as a draft, as a session does; ours batches them across streams on short windows, the other decodes the whole 30 s window of each with faster-whisper on
one-thread workers, one a core, its fastest layout. The latter takes turns over a part of the requests and is
scaled, because a full run takes hours.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from faster_whisper import WhisperModel

from benchmarks.backlog import recognise_all, request_for
from benchmarks.speech import Clip
from workers.contract.audio import SAMPLE_RATE_HZ
from workers.contract.engine import Engine
from workers.contract.requests import Priority, Request

STREAMS: Final = 12
"""As many as the machine is meant to hold with previews: 6 a core."""
CLIPS: Final = 72
NAIVE_EVERY: Final = 8


def measure_partials(
    folder: Path, engine: Engine, clips: Sequence[Clip], *, batch: int
) -> dict[str, Any]:
    """Give core-seconds and wall seconds per second of speech, for ours and for the naive way."""
    ticks = list(_ticks(_spoken(clips)))
    audio_s = sum(clip.duration_s for clip in _spoken(clips))
    cores = engine.description.lanes
    naive = WhisperModel(
        str(folder), device="cpu", compute_type="int8", cpu_threads=1, num_workers=cores
    )
    ours_s = naive_s = ours_cpu_s = naive_cpu_s = 0.0
    windows = batches = naive_windows = 0
    requests_due = 0
    shown: dict[str, str] = {}
    for number, tick in enumerate(ticks):
        cpu, began = time.process_time(), time.perf_counter()
        requests = [
            replace(request, draft=shown.get(clip.name, ""))
            if request.priority is Priority.PARTIAL
            else request
            for request, clip in tick
        ]
        done = recognise_all(engine, requests, beam=1, batch=batch)
        ours_s += time.perf_counter() - began
        ours_cpu_s += time.process_time() - cpu
        windows += done.windows
        batches += done.batches
        for request, clip in tick:
            shown[clip.name] = done.hypotheses[request.id].text
        requests_due += len(tick)
        if number % NAIVE_EVERY:
            continue
        cpu, began = time.process_time(), time.perf_counter()
        with ThreadPoolExecutor(cores) as threads:
            list(threads.map(lambda item: _whole_window(naive, *item), tick))
        naive_s += time.perf_counter() - began
        naive_cpu_s += time.process_time() - cpu
        naive_windows += len(tick)
    scale = requests_due / naive_windows
    ours = {"wall_s": ours_s / audio_s, "core_s": ours_cpu_s / audio_s}
    other = {"wall_s": naive_s * scale / audio_s, "core_s": naive_cpu_s * scale / audio_s}
    return {
        "streams": min(STREAMS, len(_spoken(clips))),
        "requests": requests_due,
        "mean_batch": round(windows / batches, 1),
        "per_audio_second": {
            "alfavoice": {key: round(value, 3) for key, value in ours.items()},
            "naive_30s_window": {key: round(value, 3) for key, value in other.items()},
        },
        "naive_requests_measured": naive_windows,
        "streams_held": {
            "alfavoice": round(1.0 / ours["wall_s"], 1),
            "naive_30s_window": round(1.0 / other["wall_s"], 2),
        },
        "ratio": {key: round(other[key] / ours[key], 2) for key in ours},
    }


def _spoken(clips: Sequence[Clip]) -> list[Clip]:
    """Choose clips of more than 2 s, spread over all lengths; shorter ones have no previews."""
    longer = sorted((clip for clip in clips if clip.duration_s > 2.0), key=lambda c: c.duration_s)
    step = max(1, len(longer) // CLIPS)
    return longer[::step]


def _ticks(clips: Sequence[Clip]) -> Iterator[list[tuple[Request, Clip]]]:
    """Give what is asked for in every second, until every stream has said its clips."""
    # Dealing by a stride that shares no factor with the number of clips mixes lengths in a stream.
    dealt = [clips[(place * 29) % len(clips)] for place in range(len(clips))]
    if len(set(map(id, dealt))) != len(clips):
        dealt = list(clips)
    streams = [dealt[number::STREAMS] for number in range(STREAMS)]
    spoken_s = [-0.3 * number for number in range(STREAMS)]
    while any(streams):
        tick: list[tuple[Request, Clip]] = []
        for number, waiting in enumerate(streams):
            if not waiting:
                continue
            spoken_s[number] += 1.0
            if spoken_s[number] < 1.0:
                continue
            clip = waiting[0]
            if spoken_s[number] >= clip.duration_s:
                tick.append((request_for(clip), clip))
                waiting.pop(0)
                spoken_s[number] = spoken_s[number] - clip.duration_s
                continue
            heard = clip.samples[: int(spoken_s[number] * SAMPLE_RATE_HZ)]
            name = f"{clip.name}@{spoken_s[number]:.1f}"
            partial = request_for(clip, samples=heard, name=name, priority=Priority.PARTIAL)
            tick.append((partial, clip))
        yield tick


def _whole_window(model: WhisperModel, request: Request, clip: Clip) -> str:
    heard = clip.samples[: request.samples]
    segments, _ = model.transcribe(heard, language=clip.language, beam_size=1)
    return " ".join(segment.text for segment in segments)
