"""Texts on their way to the model and back: so many at once, each with an end that is counted."""

from collections import Counter as Tally
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram

from service.accounts.principal import LOCAL_USER
from service.polishing.judging import judge
from service.polishing.model import Model
from service.polishing.outcomes import NotPolished, Outcome
from service.polishing.prompting import chat_request

_BUCKETS_S: Final = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0)
log = structlog.get_logger()


class PolishMetrics:
    """What becomes of texts; nothing of whose they are."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.ended = Counter(
            "alfavoice_polished_texts_total",
            "Texts that a model was asked to rewrite, by how that ended.",
            ["outcome"],  # Outcome
            registry=registry,
        )
        for outcome in Outcome:
            self.ended.labels(outcome.value)
        self.took = Histogram(
            "alfavoice_polish_seconds",
            "From asking the model to its whole answer, of texts that were rewritten.",
            buckets=_BUCKETS_S,
            registry=registry,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Polished:
    """A text that came back."""

    text: str
    """Rewritten, or as it was."""
    outcome: Outcome


class Polisher:
    """Asks the model, and gives the text as it was whenever that does not work out."""

    def __init__(
        self,
        model: Model,
        *,
        name: str | None,
        at_once: int,
        metrics: PolishMetrics,
        clock: Callable[[], float],
    ) -> None:
        """Make it.

        Args:
            model: the line to it.
            name: of the model, as its server knows it.
            at_once: texts under way; of people who sign in nobody has more than half of them.
            metrics: counts.
            clock: monotonic seconds.
        """
        self._model = model
        self._name = name
        self._at_once = at_once
        self._metrics = metrics
        self._clock = clock
        self._under_way: Tally[UUID] = Tally()

    async def polish(
        self, user: UUID, text: str, instruction: str, *, language: str | None = None
    ) -> Polished:
        """Have a text rewritten, within the time that the model has.

        Args:
            user: who asks.
            text: what they dictated.
            instruction: the name of a wish, or their own words.
            language: of the text, ISO 639-1; None: not known.
        """
        began = self._clock()
        outcome = Outcome.ABANDONED
        try:
            with self._place(user):
                chat = chat_request(text, instruction, language=language, model=self._name)
                text = judge(await self._model.complete(chat.body), chat)
            outcome = Outcome.POLISHED
            self._metrics.took.observe(self._clock() - began)
        except NotPolished as exc:
            outcome = exc.outcome
        finally:
            self._metrics.ended.labels(outcome.value).inc()
            took_ms = round(1000 * (self._clock() - began))
            log.info("text_polished", outcome=outcome.value, took_ms=took_ms)
        return Polished(text=text, outcome=outcome)

    @contextmanager
    def _place(self, user: UUID) -> Iterator[None]:
        """Take a place; nobody waits for one, as the time of the model has not begun yet."""
        share = self._at_once if user == LOCAL_USER else max(1, self._at_once // 2)
        if self._under_way.total() >= self._at_once or self._under_way[user] >= share:
            raise NotPolished(Outcome.BUSY)
        self._under_way[user] += 1
        try:
            yield
        finally:
            self._under_way[user] -= 1
            if not self._under_way[user]:
                del self._under_way[user]
