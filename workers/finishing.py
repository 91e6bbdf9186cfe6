"""The text pipeline beside the recogniser: its model loaded once, its work in threads of its own.

    live     finals on their way from an engine to who speaks
    aside    lines that a person typed, sessions that end: they may take longer, and hold up no final

The rules are plain Python and take milliseconds a text; the model gives up the interpreter while it
computes. An index of a person's dictionary is made once and kept for as long as the same tuple of
terms comes again.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Generic, TypeVar

import structlog

from workers.contract.finishing import Finished, Snippet, Term
from workers.contract.texts import FinishingFailed, Text
from workers.text.merging.thresholds import Thresholds, thresholds_of
from workers.text.pipeline import Utterance, Wishes, finished
from workers.text.rejoining import rejoined
from workers.text.rubert.choosing import load_punctuator
from workers.text.rubert.errors import PunctuatorUnusable
from workers.text.rubert.labelling import PunctuationModel
from workers.text.snippets import Triggers
from workers.text.snippets import indexed as triggers_of
from workers.text.terms.dictionary import Dictionary
from workers.text.terms.dictionary import indexed as terms_of
from workers.text.tokens import heard, read

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
log = structlog.get_logger()

PATIENCE_S: Final = 10.0
"""How long a text may take, besides…"""
PATIENCE_PER_LETTER_S: Final = 0.001
"""…this for each letter. Usual is a hundredth of it; only a fault is meant to be caught."""
MOST_ASIDE: Final = 64
"""Calls from aside that may wait for each other; the next is refused."""
_INDEXED_THINGS: Final = 100_000
"""Terms and snippets whose index is kept, of all people together: about 150 MB of the longest."""


class _Kept(Generic[K, V]):
    """Indexes of tuples, by identity: who asks again with the same tuple gets the same index."""

    def __init__(self, make: Callable[[tuple[K, ...]], V]) -> None:
        self._make = make
        self._kept: OrderedDict[int, tuple[tuple[K, ...], V]] = OrderedDict()
        self._things = 0

    def of(self, things: tuple[K, ...]) -> V:
        """Give the index of a tuple."""
        kept = self._kept.get(id(things))
        if kept is not None:  # the tuple is held, so no other one can have its id
            self._kept.move_to_end(id(things))
            return kept[1]
        index = self._make(things)
        self._kept[id(things)] = (things, index)
        self._things += len(things) + 1
        while self._things > _INDEXED_THINGS and len(self._kept) > 1:
            _, (gone, _) = self._kept.popitem(last=False)
            self._things -= len(gone) + 1
        return index


class _Pipeline:
    """The pipeline with its indexes, for one thread."""

    def __init__(self) -> None:
        self._terms: _Kept[Term, Dictionary] = _Kept(terms_of)
        self._triggers: _Kept[Snippet, Triggers] = _Kept(triggers_of)

    def finish(
        self, texts: Sequence[Text], model: PunctuationModel | None, limits: Thresholds
    ) -> list[Finished]:
        utterances = [
            Utterance(
                tokens=heard(read(text.text), text.words),
                language=text.language,
                wishes=Wishes(
                    text.finishing,
                    terms=self._terms.of(text.finishing.terms),
                    triggers=self._triggers.of(text.finishing.snippets),
                ),
            )
            for text in texts
        ]
        return finished(utterances, model, limits)


class Finisher:
    """A `TextFinisher`, and the way of finals (`finish_live`). Use it from one event loop."""

    def __init__(self, choice: str) -> None:
        """Take which punctuation model to load; see `load_punctuator`. `start` loads it."""
        self._choice = choice
        self._model: PunctuationModel | None = None
        self._limits = Thresholds()
        self._live = ThreadPoolExecutor(1, thread_name_prefix="alfavoice-text")
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="alfavoice-text-aside")
        self._live_pipeline = _Pipeline()
        self._aside_pipeline = _Pipeline()
        self._waiting_aside = 0
        self._loaded = asyncio.Event()

    @property
    def punctuator(self) -> str | None:
        """Name of the punctuation model; None: there is none, or it is not loaded yet."""
        return None if self._model is None else self._model.name

    async def start(self) -> None:
        """Load the model. One that cannot be used is said in the log; texts do without it."""
        try:
            self._model = await asyncio.get_running_loop().run_in_executor(self._live, self._load)
        except PunctuatorUnusable as exc:
            log.warning("punctuator_unusable", code=exc.code, details=exc.details)
        finally:
            self._loaded.set()
        if self._model is not None:
            self._limits = thresholds_of(self._model.thresholds)
        log.info("text_pipeline_ready", punctuator=self.punctuator)

    def close(self) -> None:
        """Begin no more work; what is under way ends by itself within moments."""
        for threads in (self._live, self._aside):
            threads.shutdown(wait=False, cancel_futures=True)

    async def finish_live(self, texts: Sequence[Text]) -> list[Finished]:
        """Finish the finals of a batch; they go before everything else.

        Raises:
            FinishingFailed: they are as they were.
        """
        await self._loaded.wait()
        model, limits, pipeline = self._model, self._limits, self._live_pipeline
        return await self._run(
            self._live, lambda: pipeline.finish(texts, model, limits), _letters(texts)
        )

    async def finish(self, texts: Sequence[Text]) -> list[Finished]:
        """See `TextFinisher.finish`."""
        model, limits, pipeline = self._model, self._limits, self._aside_pipeline
        return await self._run_aside(lambda: pipeline.finish(texts, model, limits), _letters(texts))

    async def rejoined(self, finals: Sequence[tuple[str, str | None]]) -> list[str]:
        """See `TextFinisher.rejoined`."""
        model, limits = self._model, self._limits
        if model is None or len(finals) < 2:
            return [text for text, _ in finals]
        letters = sum(len(text) for text, _ in finals)
        return await self._run_aside(lambda: rejoined(finals, model, limits), letters)

    def _load(self) -> PunctuationModel | None:
        return load_punctuator(self._choice, calls_at_once=2)  # one for each thread

    async def _run_aside(self, work: Callable[[], T], letters: int) -> T:
        await self._loaded.wait()
        if self._waiting_aside >= MOST_ASIDE:
            raise FinishingFailed("too many texts are waiting; try again in a moment")
        self._waiting_aside += 1
        try:
            return await self._run(self._aside, work, letters)
        finally:
            self._waiting_aside -= 1

    async def _run(self, threads: ThreadPoolExecutor, work: Callable[[], T], letters: int) -> T:
        try:
            async with asyncio.timeout(PATIENCE_S + PATIENCE_PER_LETTER_S * letters):
                return await asyncio.get_running_loop().run_in_executor(threads, work)
        except TimeoutError:
            raise FinishingFailed("the text took too long") from None
        except Exception as exc:  # noqa: BLE001 - one text must not end the work on others
            # Its words may carry what was said: only its kind is told.
            log.error("text_pipeline_failed", kind=type(exc).__name__)  # noqa: TRY400
            raise FinishingFailed("the text could not be finished") from None


def _letters(texts: Sequence[Text]) -> int:
    return sum(len(text.text) for text in texts)
