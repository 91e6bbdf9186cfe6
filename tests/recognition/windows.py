"""Requests, jobs and their way up the fallback ladder, for the tests of this folder."""

from dataclasses import dataclass

import numpy as np

from workers.contract.audio import pcm16_from_samples
from workers.contract.engine import Again, Job, Plan
from workers.contract.requests import Hypothesis, Priority, Profile, Request
from workers.recognition.lengths import first_plan
from workers.recognition.whisper import WhisperEngine


@dataclass(frozen=True)
class Spoken:
    name: str
    language: str
    text: str
    samples: np.ndarray


def request(
    samples: np.ndarray,
    *,
    name: str = "r",
    language: str | None = "ru",
    priority: Priority = Priority.FINAL,
    words: bool = False,
    terms: tuple[str, ...] = (),
) -> Request:
    return Request(
        id=name,
        session="s",
        user="u",
        utterance=0,
        priority=priority,
        deadline=None,
        pcm=pcm16_from_samples(np.asarray(samples, np.float32)),
        language=language,
        wants_words=words,
        profile=Profile(terms=terms),
    )


def job(wanted: Request, *, beam: int = 1, plan: Plan | None = None) -> Job:
    return Job(request=wanted, plan=plan or first_plan(wanted, beam=beam))


def climb(engine: WhisperEngine, start: Job) -> tuple[Hypothesis, list[Again]]:
    """Follow a window up the ladder to its answer."""
    again: list[Again] = []
    current = start
    while isinstance(outcome := engine.recognise([current])[0], Again):
        again.append(outcome)
        current = Job(
            request=start.request, plan=outcome.plan, best=outcome.best, place=outcome.place
        )
    return outcome, again
