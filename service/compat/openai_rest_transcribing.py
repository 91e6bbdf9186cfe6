"""A file on its way to text: decoded piece by piece into a session below live speech.

    file ─► decoder ─► PCM16 ─► session (priority `file`) ─► finals ─► history, and the answer

The session's back-pressure holds the decoder, so a long file is never in memory. Whoever asked and
did not get the text will ask again: what was stored of a request that failed is forgotten.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Final

from service.accounts.principal import Principal
from service.compat.openai_rest_answers import Transcribed
from service.compat.openai_rest_errors import OpenAIRefused
from service.compat.openai_rest_parameters import Asked
from service.compat.speaking import Speaking, speak
from service.dictation.options import Manner
from service.dictation.wire import ClientProgram, Context, Done, ErrorMessage, Start
from service.dictation.wire import Final as FinalMessage
from service.parts import Parts
from service.problems import ServiceError

CLIENT: Final = ClientProgram(name="OpenAI API")
MANNER: Final = Manner(is_file=True, takes_back=False)


async def transcribe(
    parts: Parts,
    principal: Principal,
    asked: Asked,
    pcm: AsyncIterator[bytes],
    told: Callable[[FinalMessage], Awaitable[None]],
) -> Transcribed:
    """Give what is said in a file; it is in the person's history then.

    Args:
        parts: of the service.
        principal: who asked.
        asked: language, terms, and whether words need times.
        pcm: PCM16 mono 16 kHz in pieces of at most a few seconds; it may raise a ServiceError.
        told: told of each final as it is known.

    Raises:
        ServiceError: the file or the server; nothing of it is kept.
    """
    start = Start(
        language=asked.language,
        partials=False,
        words=asked.wants_word_times,
        client=CLIENT,
        context=Context(terms=asked.terms),
    )
    async with speak(parts, principal=principal, start=start, manner=MANNER) as speaking:
        whole = False
        try:
            said = await _listen(speaking, pcm, told, asked.language)
            whole = True
        finally:
            if not whole:
                # A store that is away keeps the beginning; it says so to the next who asks.
                with suppress(ServiceError):
                    await speaking.cancel()
        return said


async def _listen(
    speaking: Speaking,
    pcm: AsyncIterator[bytes],
    told: Callable[[FinalMessage], Awaitable[None]],
    language: str,
) -> Transcribed:
    feeder = _Feeder(speaking, pcm)
    said: Transcribed | None = None
    async with asyncio.TaskGroup() as tasks:
        feeding = tasks.create_task(feeder.feed())
        try:
            said = await _collect(speaking, told, language)
        except Exception as exc:  # noqa: BLE001 - raised below, not in a group
            # Where the file is at fault, the end of the session only follows from it.
            feeder.failure = feeder.failure or exc
        feeding.cancel()
    if said is None:
        raise feeder.failure or OpenAIRefused("server_failed", "the session ended", status=503)
    return said


async def _collect(
    speaking: Speaking, told: Callable[[FinalMessage], Awaitable[None]], language: str
) -> Transcribed | None:
    finals: list[FinalMessage] = []
    async for heard in speaking.heard():
        match heard:
            case FinalMessage():
                finals.append(heard)
                await told(heard)
            case Done():
                return Transcribed(finals=finals, audio_s=heard.audio_seconds, language=language)
            case ErrorMessage():
                raise _failure(heard)
            case _:
                pass
    return None


class _Feeder:
    """Feeds a session; what goes wrong is kept for who listens to it."""

    def __init__(self, speaking: Speaking, pcm: AsyncIterator[bytes]) -> None:
        self._speaking = speaking
        self._pcm = pcm
        self.failure: Exception | None = None

    async def feed(self) -> None:
        """Feed all of it; where that cannot be, end the session."""
        try:
            async for piece in self._pcm:
                await self._speaking.feed(piece)
            self._speaking.finish()
        except Exception as exc:  # noqa: BLE001 - whoever listens raises it
            self.failure = exc
            with suppress(ServiceError):
                await self._speaking.cancel()


def _failure(error: ErrorMessage) -> OpenAIRefused:
    retry_s = None if error.retry_after_ms is None else -(-error.retry_after_ms // 1000)
    return OpenAIRefused(error.code, error.message, status=503, retry_after_s=retry_s)
