"""The text pipeline over NATS: `TextFinisher` at the service, and who answers it at the worker.

An idle worker is asked first; when it does not answer, another one is, once.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from workers.contract import codec
from workers.contract.errors import InvalidRequest
from workers.contract.finishing import Finished
from workers.contract.texts import FinishingFailed, Text, TextFinisher
from workers.queues.nats.link import Link, LinkFailed
from workers.queues.nats.lookup import Lookup
from workers.queues.nats.messages import (
    Answered,
    Finish,
    FinishedTexts,
    Nothing,
    Rejoin,
    Rejoined,
    WireText,
    answered,
    asked_of_worker,
    peer,
)
from workers.queues.nats.vocabularies import Vocabularies, put_back

PATIENCE_S: Final = 12.0
PATIENCE_PER_LETTER_S: Final = 0.001
"""As the pipeline's own (`workers.finishing`), and two seconds for the way."""
MOST_ASKED: Final = 2
"""Workers asked for the same texts."""


class RemoteTexts:
    """A `TextFinisher` whose work is done by workers."""

    def __init__(
        self,
        link: Link,
        vocabularies: Vocabularies,
        *,
        workers: Callable[[], list[str]],
        punctuator: Callable[[], str | None],
    ) -> None:
        """Take who is there: `workers` names them, whom to ask first at the head."""
        self._link = link
        self._vocabularies = vocabularies
        self._workers = workers
        self._punctuator = punctuator

    @property
    def punctuator(self) -> str | None:
        """Name of the punctuation model; None: no worker has one, or none is heard."""
        return self._punctuator()

    async def finish(self, texts: Sequence[Text]) -> list[Finished]:
        """See `TextFinisher.finish`."""
        wire = []
        for text in texts:
            finishing, digest = self._vocabularies.take_off(text.finishing)
            wire.append(WireText(text=replace(text, finishing=finishing), vocabulary=digest))
        said = await self._ask(
            Finish(service=self._link.name, texts=wire), sum(len(text.text) for text in texts)
        )
        if not isinstance(said, FinishedTexts) or len(said.texts) != len(texts):
            raise FinishingFailed("the text could not be finished")
        return said.texts

    async def rejoined(self, finals: Sequence[tuple[str, str | None]]) -> list[str]:
        """See `TextFinisher.rejoined`."""
        if len(finals) < 2:
            return [text for text, _ in finals]
        said = await self._ask(Rejoin(list(finals)), sum(len(text) for text, _ in finals))
        if not isinstance(said, Rejoined) or len(said.texts) != len(finals):
            raise FinishingFailed("the texts could not be joined")
        return said.texts

    async def _ask(self, message: Finish | Rejoin, letters: int) -> Answered:
        encoded = codec.encode(message)
        timeout_s = PATIENCE_S + PATIENCE_PER_LETTER_S * letters
        for worker in self._workers()[:MOST_ASKED]:
            try:
                said = await self._link.ask(peer(worker), encoded, timeout_s=timeout_s)
                return answered(said)
            except (LinkFailed, InvalidRequest):
                continue
        raise FinishingFailed("no worker is there to finish the text; try again in a moment")


class TextsAnswered:
    """Answers what services ask of a worker's text pipeline; make it before the link runs."""

    def __init__(self, link: Link, lookup: Lookup, texts: TextFinisher) -> None:
        self._lookup = lookup
        self._texts = texts
        link.answer(peer(link.name), self._answer)

    async def _answer(self, message: bytes) -> bytes:
        try:
            match asked_of_worker(message):
                case Finish() as finish:
                    texts = [await self._text(finish.service, each) for each in finish.texts]
                    return codec.encode(FinishedTexts(await self._texts.finish(texts)))
                case Rejoin(finals=finals):
                    return codec.encode(Rejoined(await self._texts.rejoined(finals)))
        except (FinishingFailed, LinkFailed):
            pass
        return codec.encode(Nothing())

    async def _text(self, service: str, wire: WireText) -> Text:
        if not wire.vocabulary:
            return wire.text
        found = await self._lookup.find(service, wire.vocabulary)
        return replace(wire.text, finishing=put_back(wire.text.finishing, found))
