"""The text pipeline beside the recogniser: its model loaded once, its work in threads of its own.

    live     finals on their way from an engine to who speaks
    ending   sessions that end: their sentences are joined before `done`
    aside    lines that a person typed: they may be long, and hold up nobody who speaks

The rules are plain Python and take milliseconds a text; the model gives up the interpreter while it
computes.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeVar

import structlog

from workers.contract.finishing import Finished
from workers.contract.texts import FinishingFailed, Text
from workers.indexes import Indexes
from workers.moments import moment_of
from workers.text.merging.thresholds import Thresholds, thresholds_of
from workers.text.pipeline import Utterance, finished
from workers.text.rejoining import rejoined
from workers.text.rubert.choosing import load_punctuator
from workers.text.rubert.errors import PunctuatorUnusable
from workers.text.rubert.labelling import PunctuationModel
from workers.text.tokens import heard, read

T = TypeVar("T")
log = structlog.get_logger()

PATIENCE_S: Final = 10.0
"""How long a text may take, besides…"""
PATIENCE_PER_LETTER_S: Final = 0.001
"""…this for each letter. Usual is a hundredth of it; only a fault is meant to be caught."""
MOST_WAITING: Final = 64
"""Calls of one kind that may wait for each other; the next is refused, or left raw."""
_THREADS: Final = ("live", "ending", "aside")


class Finisher:
    """A `TextFinisher`, and the way of finals (`finish_live`). Use it from one event loop."""

    def __init__(self, choice: str) -> None:
        """Take which punctuation model to load; see `load_punctuator`. `start` loads it."""
        self._choice = choice
        self._model: PunctuationModel | None = None
        self._limits = Thresholds()
        self._threads = {
            name: ThreadPoolExecutor(1, thread_name_prefix=f"alfavoice-text-{name}")
            for name in _THREADS
        }
        self._indexes = Indexes(clock=time.monotonic)
        self._waiting = dict.fromkeys(_THREADS, 0)
        self._loaded = asyncio.Event()

    @property
    def punctuator(self) -> str | None:
        """Name of the punctuation model; None: there is none, or it is not loaded yet."""
        return None if self._model is None else self._model.name

    async def start(self) -> None:
        """Load the model. One that cannot be used is said in the log; texts do without it."""
        loop = asyncio.get_running_loop()
        try:
            self._model = await loop.run_in_executor(self._threads["live"], self._load)
        except PunctuatorUnusable as exc:
            log.warning("punctuator_unusable", code=exc.code, details=exc.details)
        finally:
            self._loaded.set()
        if self._model is not None:
            self._limits = thresholds_of(self._model.thresholds)
        log.info("text_pipeline_ready", punctuator=self.punctuator)

    def close(self) -> None:
        """Begin no more work; what is under way ends by itself within moments."""
        self._indexes.close()
        for threads in self._threads.values():
            threads.shutdown(wait=False, cancel_futures=True)

    async def finish_live(self, texts: Sequence[Text]) -> list[Finished | None]:
        """Finish the finals of a batch; they go before everything else.

        Returns:
            None for a text that is as it was, because it could not be finished.
        """
        try:
            return [*await self._finish("live", texts)]
        except FinishingFailed:
            if len(texts) < 2:
                return [None] * len(texts)
        # One of them did it; the others are not to suffer.
        return [one for text in texts for one in await self.finish_live([text])]

    async def finish(self, texts: Sequence[Text]) -> list[Finished]:
        """See `TextFinisher.finish`."""
        return await self._finish("aside", texts)

    async def rejoined(self, finals: Sequence[tuple[str, str | None]]) -> list[str]:
        """See `TextFinisher.rejoined`."""
        model, limits = self._model, self._limits
        if model is None or len(finals) < 2:
            return [text for text, _ in finals]
        letters = sum(len(text) for text, _ in finals)
        return await self._run("ending", lambda: rejoined(finals, model, limits), letters)

    def _load(self) -> PunctuationModel | None:
        return load_punctuator(self._choice, calls_at_once=len(_THREADS))

    async def _finish(self, thread: str, texts: Sequence[Text]) -> list[Finished]:
        wishes = await asyncio.gather(*(self._indexes.wishes(text.finishing) for text in texts))

        def work() -> list[Finished]:
            utterances = [
                Utterance(
                    tokens=heard(read(text.text), text.words),
                    language=text.language,
                    wishes=one,
                )
                for text, one in zip(texts, wishes, strict=True)
            ]
            now = datetime.now(UTC)
            return finished(
                utterances, self._model, self._limits, moment_of=partial(moment_of, now)
            )

        return await self._run(thread, work, sum(len(text.text) for text in texts))

    async def _run(self, thread: str, work: Callable[[], T], letters: int) -> T:
        if self._waiting[thread] >= MOST_WAITING:
            raise FinishingFailed("too many texts are waiting; try again in a moment")
        self._waiting[thread] += 1
        try:
            async with asyncio.timeout(PATIENCE_S + PATIENCE_PER_LETTER_S * letters):
                await self._loaded.wait()
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._threads[thread], work)
        except TimeoutError:
            raise FinishingFailed("the text took too long") from None
        except Exception as exc:  # noqa: BLE001 - one text must not end the work on others
            # Its words may carry what was said: only its kind is told.
            log.error("text_pipeline_failed", kind=type(exc).__name__)  # noqa: TRY400
            raise FinishingFailed("the text could not be finished") from None
        finally:
            self._waiting[thread] -= 1
