"""What previews cost: one every second of several streams that talk without a pause.

Streams begin out of phase, so lengths differ as they do in life:

    stream 0   1 s  2 s  3 s  final | 1 s  2 s …
    stream 1       1 s  2 s  3 s  4 s  final | …
               tick tick tick

In every second of its speech ours is a `Session` of the product, and pays for what it asks for:
previews with drafts, cut at pauses, and finals, batched across streams. The other decodes the whole
30 s window of everything the stream has said of its clip, every second and once at the end, with
faster-whisper on one-thread workers, one a core, its fastest layout; over a part of the requests,
scaled, because a full run takes hours. Ours speculates on nothing: a machine that is full does not.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from faster_whisper import WhisperModel

from benchmarks.backlog import recognise_all
from benchmarks.speech import Clip
from service.dictation.detection import SileroDetector, SileroModel
from service.dictation.endpointing import EndpointingPolicy
from service.dictation.outputs import Output, Recognise
from service.dictation.session import Session
from service.dictation.utterances import SessionPolicy, Speaker
from workers.contract.audio import SAMPLE_RATE_HZ, pcm16_from_samples
from workers.contract.engine import Engine
from workers.contract.requests import Hypothesis, Priority, Request

STREAMS: Final = 12
"""As many as the machine is meant to hold with previews: 6 a core."""
CLIPS: Final = 72
NAIVE_EVERY: Final = 8
TICK_SAMPLES: Final = SAMPLE_RATE_HZ
OUT_OF_PHASE_SAMPLES: Final = 3 * SAMPLE_RATE_HZ // 10


def measure_partials(
    folder: Path, engine: Engine, clips: Sequence[Clip], *, batch: int
) -> dict[str, Any]:
    """Give core-seconds and wall seconds per second of speech, for ours and for the naive way."""
    spoken = _spoken(clips)
    audio_s = sum(clip.duration_s for clip in spoken)
    cores = engine.description.lanes
    naive = WhisperModel(
        str(folder), device="cpu", compute_type="int8", cpu_threads=1, num_workers=cores
    )
    ours, other = _Spent(), _Spent()
    windows = batches = previews = naive_due = ticks = 0
    vad = SileroModel()
    streams = [
        _Stream(vad, dealt, late=number * OUT_OF_PHASE_SAMPLES)
        for number, dealt in enumerate(_dealt(spoken))
    ]
    while talking := [stream for stream in streams if stream.talks]:
        with ours:  # detecting speech is part of what ours costs
            naive_windows = [said for stream in talking for said in stream.speak(TICK_SAMPLES)]
            while requests := [request for stream in talking for request in stream.asked()]:
                done = recognise_all(engine, requests, beam=1, batch=batch)
                windows += done.windows
                batches += done.batches
                previews += sum(request.priority is Priority.PARTIAL for request in requests)
                for stream in talking:
                    stream.take(done.hypotheses)
        naive_due += len(naive_windows)
        ticks += 1
        if ticks % NAIVE_EVERY == 1:
            with other, ThreadPoolExecutor(cores) as threads:
                list(threads.map(lambda said: _whole_window(naive, *said), naive_windows))
            other.windows += len(naive_windows)
    scale = naive_due / other.windows
    per_second = {
        "alfavoice": {"wall_s": ours.wall_s / audio_s, "core_s": ours.core_s / audio_s},
        "naive_30s_window": {
            "wall_s": other.wall_s * scale / audio_s,
            "core_s": other.core_s * scale / audio_s,
        },
    }
    mine, theirs = per_second["alfavoice"], per_second["naive_30s_window"]
    return {
        "streams": len(streams),
        "audio_s": round(audio_s, 1),
        "previews": previews,
        "naive_requests": naive_due,
        "naive_requests_measured": other.windows,
        "mean_batch": round(windows / batches, 1),
        "per_audio_second": {
            name: {key: round(value, 3) for key, value in spent.items()}
            for name, spent in per_second.items()
        },
        "streams_held": {
            name: round(1.0 / spent["wall_s"], 2) for name, spent in per_second.items()
        },
        "ratio": {key: round(theirs[key] / mine[key], 2) for key in mine},
    }


@dataclass(slots=True)
class _Spent:
    """Time spent inside a `with`, added up."""

    wall_s: float = 0.0
    core_s: float = 0.0
    windows: int = 0

    def __enter__(self) -> None:
        self.wall_s -= time.perf_counter()
        self.core_s -= time.process_time()

    def __exit__(self, *_: object) -> None:
        self.wall_s += time.perf_counter()
        self.core_s += time.process_time()


class _Stream:
    """Somebody who says one clip after the other, each in a session of its own."""

    def __init__(self, vad: SileroModel, clips: Sequence[Clip], *, late: int) -> None:
        self._vad = vad
        self._clips = list(clips)
        self._said = -late  # samples of the first clip
        self._session: Session | None = None
        self._asked: list[tuple[Session, Request]] = []

    @property
    def talks(self) -> bool:
        """Whether there is more to say."""
        return bool(self._clips)

    def speak(self, samples: int) -> list[tuple[Clip, int]]:
        """Say the next samples; give what the naive way decodes: a clip, and how much of it."""
        naive: list[tuple[Clip, int]] = []
        while samples > 0 and self._clips:
            clip = self._clips[0]
            if self._session is None:
                self._session = self._new_session(clip)
            session = self._session
            begin, self._said = max(self._said, 0), min(self._said + samples, len(clip.samples))
            samples -= self._said - begin
            heard = clip.samples[begin : max(self._said, 0)]
            self._follow(session, session.audio(pcm16_from_samples(heard)))
            ended = self._said == len(clip.samples)
            if ended or self._said >= TICK_SAMPLES:
                naive.append((clip, self._said))
            if not ended:
                break
            self._follow(session, session.finish())
            self._clips.pop(0)
            self._said, self._session = 0, None
        return naive

    def asked(self) -> list[Request]:
        """Give what waits for an answer."""
        return [request for _, request in self._asked]

    def take(self, answers: Mapping[str, Hypothesis]) -> None:
        """Pass the answers on."""
        asked, self._asked = self._asked, []
        for session, request in asked:
            self._follow(session, session.answered(request, answers[request.id]))

    def _follow(self, session: Session, outputs: Sequence[Output]) -> None:
        self._asked += [(session, o.request) for o in outputs if isinstance(o, Recognise)]

    def _new_session(self, clip: Clip) -> Session:
        return Session(
            Speaker(session=clip.name, user="benchmark", language=clip.language),
            policy=SessionPolicy(endpointing=EndpointingPolicy(speculation_silence=0)),
            detector=SileroDetector(self._vad),
        )


def _spoken(clips: Sequence[Clip]) -> list[Clip]:
    """Choose clips of more than 2 s, spread over all lengths; shorter ones have no previews."""
    longer = sorted((clip for clip in clips if clip.duration_s > 2.0), key=lambda c: c.duration_s)
    step = max(1, len(longer) // CLIPS)
    return longer[::step]


def _dealt(clips: Sequence[Clip]) -> list[list[Clip]]:
    """Deal the clips to the streams so that each gets long and short ones."""
    # A stride that shares no factor with the number of clips.
    dealt = [clips[(place * 29) % len(clips)] for place in range(len(clips))]
    if len(set(map(id, dealt))) != len(clips):
        dealt = list(clips)
    return [part for number in range(STREAMS) if (part := dealt[number::STREAMS])]


def _whole_window(model: WhisperModel, clip: Clip, samples: int) -> str:
    segments, _ = model.transcribe(clip.samples[:samples], language=clip.language, beam_size=1)
    return " ".join(segment.text for segment in segments)
