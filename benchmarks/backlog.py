"""Our engine over a closed backlog: what the scheduler does when everything waits already.

Windows are grouped by plan and cut into batches; as many threads as the engine has lanes take one
batch after the other, longest windows first, so that no lane is left alone with a long one at the
end. Windows a guard sends back are batched again under their next plan.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from benchmarks.speech import Clip
from workers.contract.audio import Samples, pcm16_from_samples
from workers.contract.engine import Again, Engine, Job, Plan
from workers.contract.requests import Hypothesis, Priority, Request
from workers.recognition.lengths import first_plan


@dataclass(slots=True, kw_only=True)
class Progress:
    """What came of a backlog."""

    hypotheses: dict[str, Hypothesis] = field(default_factory=dict)
    """By request id."""
    batches: int = 0
    windows: int = 0
    """Windows decoded; more than requests, because guards decode some again."""


def request_for(
    clip: Clip,
    *,
    samples: Samples | None = None,
    name: str | None = None,
    priority: Priority = Priority.FINAL,
    words: bool = False,
) -> Request:
    """Give the request for a clip, or for its beginning."""
    return Request(
        id=name or clip.name,
        session=name or clip.name,
        user="benchmark",
        utterance=0,
        priority=priority,
        deadline=None,
        pcm=pcm16_from_samples(clip.samples if samples is None else samples),
        language=clip.language,
        wants_words=words,
    )


def recognise_all(
    engine: Engine,
    requests: Sequence[Request],
    *,
    beam: int,
    batch: int,
    planner: Callable[[Request], Plan] | None = None,
) -> Progress:
    """Recognise every request and follow every fallback to its end.

    Args:
        engine: as many batches run at once as it has lanes.
        requests: with different ids.
        beam: beam width of finals.
        batch: most windows in a batch.
        planner: chooses first plans; the product's own by default.
    """
    plan_of = planner or (lambda request: first_plan(request, beam=beam))
    progress = Progress()
    jobs = [Job(request=request, plan=plan_of(request)) for request in requests]
    with ThreadPoolExecutor(engine.description.lanes) as lanes:
        while jobs:
            parts = batches_of(jobs, batch=batch)
            progress.batches += len(parts)
            progress.windows += len(jobs)
            jobs = []
            for part, outcomes in zip(parts, lanes.map(engine.recognise, parts), strict=True):
                for job, outcome in zip(part, outcomes, strict=True):
                    if isinstance(outcome, Again):
                        jobs.append(
                            replace(job, plan=outcome.plan, best=outcome.best, place=outcome.place)
                        )
                    else:
                        progress.hypotheses[outcome.request] = outcome
    return progress


def batches_of(jobs: Iterable[Job], *, batch: int) -> list[list[Job]]:
    """Cut jobs into batches of equal plans, by duration within a plan, the costliest first.

    Durations are alike in a batch because it ends with its longest text.
    """
    groups: dict[Plan, list[Job]] = {}
    for job in jobs:
        groups.setdefault(job.plan, []).append(job)
    parts: list[list[Job]] = []
    for group in groups.values():
        group.sort(key=lambda job: -job.request.samples)
        parts += [group[first : first + batch] for first in range(0, len(group), batch)]
    return sorted(parts, key=lambda part: -len(part) * part[0].plan.window_samples)
