"""What becomes of each utterance of a session, told as one trace (`workers.contract.traces`).

    first sample      last sample    asked         answered   shown    stored
    of speech         of speech        │               │        │        │
       ├──── speech ─────┤─ endpointing ┤               ├ sending ┤ storing ┤
                               ├─ queue ─┤  recognise,
                               (a speculative    finishing: told where
                                final: sooner)   that is done
       ├────────────────────────── utterance ────────────────────────────┤

Where nothing is traced, `Untraced` stands for it and costs a call that does nothing.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from service.dictation.outputs import GaveUp, ShowFinal
from workers.contract.audio import seconds
from workers.contract.queue import Load, TranscriptionQueue
from workers.contract.requests import Answer, Hypothesis, Priority, Request
from workers.contract.traces import Context, Figures, Stage, Traces

ARRIVALS: Final = 2048
"""Places in the audio whose arrival is remembered: 30 s in messages of 20 ms, and some silence."""


class SessionTrace(Protocol):
    """Who is told what happens in one session."""

    @property
    def queue(self) -> TranscriptionQueue:
        """The queue to ask."""
        ...

    def heard(self, until: int) -> None:
        """The session takes in the audio before this sample."""
        ...

    def shown(self, final: ShowFinal) -> None:
        """A final goes out."""
        ...

    def stored(self, utterance: int) -> None:
        """It is stored."""
        ...

    def given_up(self, output: GaveUp) -> None:
        """An utterance has no final."""
        ...

    def ended(self) -> None:
        """The session is over, whatever is still under way."""
        ...


Traced = Callable[[TranscriptionQueue], SessionTrace]
"""Makes the trace of one session."""


class Untraced:
    """Nobody is told."""

    def __init__(self, queue: TranscriptionQueue) -> None:
        self.queue = queue

    def heard(self, until: int) -> None:
        """See `SessionTrace`."""

    def shown(self, final: ShowFinal) -> None:
        """See `SessionTrace`."""

    def stored(self, utterance: int) -> None:
        """See `SessionTrace`."""

    def given_up(self, output: GaveUp) -> None:
        """See `SessionTrace`."""

    def ended(self) -> None:
        """See `SessionTrace`."""


class _Arrivals:
    """When the samples of a session came."""

    def __init__(self) -> None:
        self._known: deque[tuple[int, float]] = deque(maxlen=ARRIVALS)

    def add(self, until: int, at: float) -> None:
        self._known.append((until, at))

    def of(self, position: int, now: float) -> float:
        """Give when the sample before `position` came; at the latest now."""
        place = bisect_left(self._known, position, key=lambda known: known[0])
        return min(now, self._known[place][1]) if place < len(self._known) else now


@dataclass(slots=True, kw_only=True)
class _Utterance:
    """What is known of an utterance that is not stored yet."""

    context: Context
    began: float
    asked: dict[str, float] = field(default_factory=dict)
    """When each window was submitted first, by the id of its request."""
    final_asked: float | None = None
    answered: float = 0.0
    shown: float | None = None
    figures: Figures = field(default_factory=dict)


class TracedSession:
    """Tells of the utterances of one session; its `queue` is the session's own."""

    def __init__(
        self, queue: TranscriptionQueue, *, traces: Traces, clock: Callable[[], float]
    ) -> None:
        self._asked_queue = queue
        self._traces = traces
        self._clock = clock
        self._arrivals = _Arrivals()
        self._open: dict[int, _Utterance] = {}

    @property
    def queue(self) -> TranscriptionQueue:
        """See `SessionTrace`: this object, so that requests carry their trace."""
        return self

    def load(self) -> Load:
        """See `TranscriptionQueue`."""
        return self._asked_queue.load()

    async def submit(self, request: Request) -> Answer:
        """See `TranscriptionQueue`; partials are not traced: they come and go."""
        if request.priority is Priority.PARTIAL:
            return await self._asked_queue.submit(request)
        now = self._clock()
        known = self._known(request.utterance, now)
        known.asked.setdefault(request.id, now)
        if request.priority is not Priority.SPECULATIVE and known.final_asked is None:
            known.final_asked = now
        answer = await self._asked_queue.submit(replace(request, trace=known.context))
        if isinstance(answer, Hypothesis):
            known.answered = self._clock()
        else:
            known.asked.pop(request.id, None)
        return answer

    def heard(self, until: int) -> None:
        """See `SessionTrace`."""
        self._arrivals.add(until, self._clock())

    def shown(self, final: ShowFinal) -> None:
        """See `SessionTrace`."""
        now, hypothesis = self._clock(), final.hypothesis
        known = self._known(final.utterance, now)
        cost = hypothesis.cost
        asked = known.asked.get(hypothesis.request, known.final_asked or now)
        began, ended = (self._arrivals.of(at, now) for at in (final.start + 1, final.end))
        queued = min(now, asked + cost.queue_ms / 1000)
        closed = max(ended, min(now, known.final_asked or now))
        self._tell(
            known,
            Stage(name="speech", began=began, ended=ended),
            Stage(name="endpointing", began=ended, ended=closed),
            Stage(name="queue", began=asked, ended=queued),
            Stage(name="sending", began=max(closed, known.answered), ended=now),
        )
        known.began, known.shown = began, now
        outcome = "text" if hypothesis.text else "filtered" if hypothesis.filtered else "empty"
        known.figures = {
            "outcome": outcome,
            "audio.seconds": seconds(final.end - final.start),
            # A client may name what it likes; a code of ISO 639 has no room for more than a code.
            "language": hypothesis.language if len(hypothesis.language) <= 3 else "other",
            "text.words": len(hypothesis.text.split()),
            "text.letters": len(hypothesis.text),
            "batch.windows": cost.batch,
            "passes": cost.passes,
            "queue.ms": round(cost.queue_ms, 1),
            "recognise.ms": round(cost.recognise_ms, 1),
            "speculative": known.final_asked is None or known.final_asked > asked,
        }

    def stored(self, utterance: int) -> None:
        """See `SessionTrace`."""
        known = self._open.pop(utterance, None)
        if known is None or known.shown is None:  # of before the session was resumed
            return
        now = self._clock()
        self._tell(known, Stage(name="storing", began=known.shown, ended=now))
        self._end(known, now)

    def given_up(self, output: GaveUp) -> None:
        """See `SessionTrace`."""
        known = self._open.pop(output.utterance, None)
        if known is not None:
            known.figures = {"outcome": "given_up"}
            self._end(known, self._clock(), failed=output.code)

    def ended(self) -> None:
        """See `SessionTrace`: what was asked for and is not stored was left."""
        for known in self._open.values():
            known.figures = {**known.figures, "outcome": "left"}
            self._end(known, self._clock())
        self._open.clear()

    def _known(self, utterance: int, now: float) -> _Utterance:
        known = self._open.get(utterance)
        if known is None:
            known = _Utterance(context=self._traces.context(), began=now)
            self._open[utterance] = known
        return known

    def _tell(self, known: _Utterance, *stages: Stage) -> None:
        for stage in stages:
            self._traces.tell(replace(stage, parent=known.context))

    def _end(self, known: _Utterance, now: float, *, failed: str = "") -> None:
        self._traces.tell(
            Stage(
                name="utterance",
                began=known.began,
                ended=now,
                context=known.context,
                figures=known.figures,
                failed=failed,
            )
        )


def traced_by(traces: Traces | None, clock: Callable[[], float]) -> Traced:
    """Give what makes the traces of sessions; None: nobody is told."""
    if traces is None:
        return Untraced
    return lambda queue: TracedSession(queue, traces=traces, clock=clock)
