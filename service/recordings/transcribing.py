"""One recording from its samples to its finals: the same endpointing and windows as live speech.

    samples ─► Session (in a thread) ─► windows ─► queue, priority FILE ─► finals, stored in order

The session is fed in slices of a fixed length, and no slice before there is room for the windows it
may close; while the language is still to be detected, not before the last window is answered. So the
windows and what is asked of them depend on the samples alone, and a job that is resumed finds
the same ones: those whose final is stored already are answered from there.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

import structlog

from service.accounts.principal import LOCAL_USER
from service.dictation.composition import composed, followed
from service.dictation.outputs import GaveUp, Output, Recognise, ShowFinal
from service.dictation.personal import Personal, PersonalWishes
from service.dictation.rejoining import as_transcribed
from service.dictation.session import Session, SpeechDetector
from service.dictation.transcripts import StoredFinal
from service.dictation.translation import stored_final
from service.dictation.utterances import SessionPolicy, Speaker
from service.problems import ServiceError
from service.recordings.recording import Reason, Recording
from service.recordings.room import WindowRoom
from workers.contract.audio import BYTES_PER_SAMPLE, SAMPLE_RATE_HZ
from workers.contract.errors import BROKEN, CLOSED, POISON, QueueClosed
from workers.contract.queue import TranscriptionQueue
from workers.contract.requests import Answer, Failure, Hypothesis, Priority, Profile, Request
from workers.contract.texts import TextFinisher
from workers.contract.words import Word

log = structlog.get_logger()

_SLICE_BYTES: Final = SAMPLE_RATE_HZ * BYTES_PER_SAMPLE // 2
"""Half a second: it closes one utterance at most, and costs 1 ms of speech detection."""


class RecogniserGaveUp(ServiceError):
    """A window has no text after every attempt of the session."""

    retryable = True

    def __init__(self, code: str) -> None:
        super().__init__("recogniser.failed", "a window of the recording could not be recognised")
        self.reason = Reason.POISON if code == POISON else Reason.RECOGNISER_FAILED


class QueueEnded(ServiceError):
    """The service is stopping."""

    retryable = True

    def __init__(self) -> None:
        super().__init__("server.draining", "the server is stopping")


class CutOtherwise(ServiceError):
    """The stored finals are of windows that today's rules do not make."""

    def __init__(self) -> None:
        super().__init__("server.failed", "the finals of an earlier attempt do not fit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all transcriptions of a process share."""

    queue: TranscriptionQueue
    room: WindowRoom
    threads: Executor
    new_detector: Callable[[], SpeechDetector]
    wishes: PersonalWishes
    texts: TextFinisher
    policy: SessionPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What came of a recording."""

    samples: int  # 16 kHz
    is_silent: bool
    rewritten: tuple[StoredFinal, ...] = ()
    """Finals that the transcript has otherwise than they were stored."""


KeepFinal = Callable[[StoredFinal, str | None], Awaitable[None]]
"""Stores a final, and the language if it made it certain."""


class Transcription:
    """One attempt at one recording."""

    def __init__(
        self,
        recording: Recording,
        surroundings: Surroundings,
        *,
        stored: tuple[StoredFinal, ...],
        personal: Personal,
        keep: KeepFinal,
    ) -> None:
        """Begin.

        Args:
            recording: what is transcribed.
            surroundings: of the process.
            stored: the finals of earlier attempts.
            personal: what is known of the person.
            keep: stores the next final; called one after the other, in order.
        """
        self._recording = recording
        self._surroundings = surroundings
        self._stored = stored
        self._said = list(stored)
        self._text = composed(stored)
        self._joins_sentences = personal.finishing.joins_sentences
        self._keep = keep
        language = None if recording.language == "auto" else recording.language
        session = str(recording.derived_transcript)
        self._session = Session(
            Speaker(
                session=session,
                # Of a server without logins, sessions take turns, not people.
                user=session if recording.user == LOCAL_USER else str(recording.user),
                language=language,
                wants_words=True,
                profile=Profile(terms=personal.terms, finishing=personal.finishing),
            ),
            policy=surroundings.policy,
            detector=surroundings.new_detector(),
        )
        self._knows_language = language is not None or recording.learned_from is not None
        self._answers: asyncio.Queue[tuple[Request, Answer]] = asyncio.Queue()  # of `_under_way`
        self._under_way = 0
        self._finals = 0
        self.position = 0
        """16 kHz position before which every final is stored."""

    async def run(self, blocks: AsyncGenerator[bytes, None]) -> Said:
        """Transcribe all of it.

        Args:
            blocks: PCM16 mono 16 kHz in order, cut anywhere; closed when this returns.

        Raises:
            RecogniserGaveUp: a window has no text.
            QueueEnded: nothing is recognised any more.
            CutOtherwise: `stored` must be deleted first.
        """
        failure: Exception | None = None
        samples = 0
        async with aclosing(blocks), asyncio.TaskGroup() as tasks:
            asked: set[asyncio.Task[None]] = set()

            def ask(request: Recognise) -> None:
                task = tasks.create_task(self._ask(request))
                asked.add(task)
                task.add_done_callback(asked.discard)

            try:
                samples = await self._drive(blocks, ask)
            except Exception as exc:  # noqa: BLE001 - raised below, as it is and not in a group
                failure = exc
            for task in list(asked):
                task.cancel()
        if failure is not None:
            raise failure
        finals = await as_transcribed(
            self._said, self._surroundings.texts, joins=self._joins_sentences
        )
        return Said(
            samples=samples,
            is_silent=not any(final.text or final.raw for final in finals),
            rewritten=tuple(final for final in finals if final.typed is not None),
        )

    async def _drive(
        self, blocks: AsyncGenerator[bytes, None], ask: Callable[[Recognise], None]
    ) -> int:
        samples = 0
        async for one in _slices(blocks):
            samples += len(one) // BYTES_PER_SAMPLE
            await self._step(self._session.audio, one, ask=ask)
            self.position = max(self.position, self._session.settled)
        await self._step(self._session.finish, ask=ask)
        while self._under_way:
            await self._take_answer(ask)
        if self._finals < len(self._stored):
            raise CutOtherwise
        return samples

    async def _step(
        self,
        method: Callable[..., list[Output]],
        *arguments: bytes,
        ask: Callable[[Recognise], None],
    ) -> None:
        """Run the session in a thread, do what it says, and wait until there is room again."""
        loop = asyncio.get_running_loop()
        outputs = await loop.run_in_executor(self._surroundings.threads, method, *arguments)
        await self._do(outputs, ask)
        while self._under_way and (
            not self._answers.empty()
            or self._session.language is None
            or self._under_way > self._surroundings.room.windows
        ):
            await self._take_answer(ask)

    async def _take_answer(self, ask: Callable[[Recognise], None]) -> None:
        request, answer = await self._answers.get()
        self._under_way -= 1
        if isinstance(answer, Failure) and answer.code == CLOSED:
            raise QueueEnded
        await self._do(self._session.answered(request, answer), ask)
        self.position = max(self.position, self._session.settled)

    async def _do(self, outputs: list[Output], ask: Callable[[Recognise], None]) -> None:
        for output in outputs:
            match output:
                case Recognise(request=request):
                    self._under_way += 1
                    if request.utterance < len(self._stored):
                        self._answers.put_nowait((request, self._replayed(request)))
                    else:
                        ask(output)
                case ShowFinal():
                    await self._show(output)
                case GaveUp(code=code):
                    raise RecogniserGaveUp(code)
                case _:
                    pass  # `Finished`; there are no partials, markers or speculative finals

    async def _show(self, shown: ShowFinal) -> None:
        self._finals += 1
        if shown.utterance >= len(self._stored):
            learned = None if self._knows_language else self._session.language
            self._knows_language = self._session.language is not None
            final = stored_final(shown, self._said, self._text)
            await self._keep(final, learned)
            self._said.append(final)
            self._text = followed(self._text, final)
        self._session.stored(shown.utterance)

    def _replayed(self, request: Request) -> Hypothesis:
        """Answer from the store what an earlier attempt recognised."""
        final = self._stored[request.utterance]
        if not request.id.endswith(f"/{final.start}-{final.end}"):
            raise CutOtherwise
        learned = request.utterance == self._recording.learned_from
        return Hypothesis(
            request=request.id,
            text=final.raw,
            words=tuple(
                Word(
                    text=word.text,
                    start=word.start - final.start,
                    end=word.end - final.start,
                    probability=word.probability,
                )
                for word in final.words
            ),
            language=final.language,
            language_probability=1.0 if learned else 0.0,
        )

    async def _ask(self, output: Recognise) -> None:
        """Bring the answer to one window; it never raises."""
        if output.after_s:
            await asyncio.sleep(output.after_s)
        request = replace(output.request, priority=Priority.FILE)
        answer: Answer
        async with self._surroundings.room.window():
            try:
                # No timeout of our own: the queue promises exactly one answer, whatever breaks.
                answer = await self._surroundings.queue.submit(request)
            except QueueClosed as exc:
                answer = Failure(request=request.id, code=CLOSED, message=str(exc), retryable=True)
            except Exception as exc:  # noqa: BLE001 - an attempt failed, not the service
                # Its words may carry what was sent: only its kind is logged.
                log.error("window_failed", kind=type(exc).__name__)  # noqa: TRY400
                answer = Failure(
                    request=request.id, code=BROKEN, message="it failed", retryable=True
                )
        self._answers.put_nowait((output.request, answer))


async def _slices(blocks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Cut the samples into slices of a fixed length; only the last is shorter."""
    waiting = bytearray()
    async for block in blocks:
        waiting += block
        first = 0
        while len(waiting) - first >= _SLICE_BYTES:
            yield bytes(waiting[first : first + _SLICE_BYTES])
            first += _SLICE_BYTES
        del waiting[:first]
    if waiting:
        yield bytes(waiting)
