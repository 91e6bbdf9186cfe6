"""A session with its surroundings: queue, store and, while one is connected, a socket.

It outlives its sockets. `run` owns every task of the session; the socket only hands in messages
and takes over the outbox. Order of durability: a final is shown as soon as it is known, stored
next, acknowledged as stored after that, and `done` is sent when all of it is stored.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Final, assert_never

from service.dictation import wire
from service.dictation.acknowledging import Acknowledging
from service.dictation.asking import Asking
from service.dictation.audio import IncomingAudio
from service.dictation.intake import End, Intake, Item, Mark
from service.dictation.journal import log_final, log_finished, log_given_up
from service.dictation.markers import AtMarker
from service.dictation.outgoing import Outgoing, OutgoingMessage
from service.dictation.outputs import (
    Finished,
    GaveUp,
    MarkerPassed,
    Output,
    Recognise,
    ShowFinal,
    ShowPartial,
    SpeechStarted,
    SpeechStopped,
    Withdraw,
)
from service.dictation.session import Session
from service.dictation.storing import Recorder
from service.dictation.tracing import Traced, Untraced
from service.dictation.translation import (
    final_message,
    given_up_message,
    missed_messages,
    partial_message,
    speech_message,
    stored_final,
)
from service.dictation.turns import Turnstile
from service.operations.metrics import DictationMetrics
from service.problems import ProtocolError
from workers.contract.audio import BYTES_PER_SAMPLE, SAMPLE_RATE_HZ, seconds
from workers.contract.queue import TranscriptionQueue
from workers.contract.requests import Answer, Profile, Request

BACKLOG_SAMPLES: Final = 60 * SAMPLE_RATE_HZ
"""Audio that may wait for its text before the socket is no longer read (2 MB a session)."""
BACKLOG_FINALS: Final = 64
"""Finals that may wait to be stored, likewise."""
MARKERS_LIMIT: Final = 64
"""Markers that may wait for their final; a program has a few at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all sessions of a process share."""

    queue: TranscriptionQueue
    metrics: DictationMetrics
    turnstile: Turnstile
    clock: Callable[[], float]
    """Monotonic seconds."""
    traced: Traced = Untraced


class LiveSession:
    """One session, from its first socket to its last stored word."""

    def __init__(
        self,
        *,
        id: str,
        session: Session,
        audio: IncomingAudio,
        recorder: Recorder,
        surroundings: Surroundings,
    ) -> None:
        self.id = id
        self.audio = audio
        self.ended = asyncio.Event()
        """Set when nothing more will come: done, cancelled, given up or flushed."""
        self.detached_at: float | None = surroundings.clock()
        """Monotonic seconds since when no socket is attached."""
        self._session = session
        self._queue = surroundings.queue
        self._trace = surroundings.traced(surroundings.queue)
        self._recorder = recorder
        self._metrics = surroundings.metrics
        self._turnstile = surroundings.turnstile
        self._clock = surroundings.clock
        self._outgoing: Outgoing | None = None
        self._intake = Intake()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._asking: Asking | None = None
        self._finish_at: float | None = None
        self._finishing = False
        self._flushing = False
        self._restored = False
        self._joins_sentences = False
        self._acknowledging = Acknowledging(audio)

    async def run(self) -> None:
        """Own the session's tasks until it has ended."""
        async with asyncio.TaskGroup() as tasks:
            asking = Asking(tasks, self._trace.queue, clock=self._clock, answered=self._answered)
            self._asking = asking
            workers = [tasks.create_task(self._feed()), tasks.create_task(self._store())]
            await self.ended.wait()
            asking.stop()
            self._trace.ended()
            for task in workers:
                task.cancel()
            self._has_room.set()  # nobody is to wait for room in what has ended

    def attach(self, outgoing: Outgoing, *, resume_from: int | None, limits: wire.Limits) -> None:
        """Send everything to this socket from now on, beginning with `ready` and what it missed.

        Args:
            outgoing: outbox of the socket; an older one is closed as taken over.
            resume_from: first sample the client still has: it knows all finals before it.
            limits: to say in `ready`.
        """
        if self._outgoing:
            self._outgoing.close(
                wire.CloseCode.TAKEN_OVER,
                wire.ErrorMessage(
                    code="session.taken_over",
                    message="the session continues on a newer connection",
                    retryable=False,
                ),
            )
        self._outgoing = outgoing
        self.detached_at = None
        ready = wire.Ready(session=self.id, received=self.audio.received, limits=limits)
        missed = missed_messages(
            tuple(self._recorder.finals),
            self.audio,
            known_until=self.audio.inner_position(resume_from or 0),
            settled=lambda: self._session.settled,
        )
        outgoing.replay(chain((ready,), missed))

    def detach(self, outgoing: Outgoing) -> None:
        """Forget a socket that closed; the session waits for the next one."""
        if self._outgoing is outgoing:
            self._outgoing = None
            self.detached_at = self._clock()

    def is_behind(self, resume_from: int | None) -> bool:
        """Whether a client that has no audio before this position went on elsewhere meanwhile.

        Who forgot more than this server ever said was stored heard so from another one. What is
        still to be recognised here has its text there: shown from here, it would come twice.
        """
        stored = self._acknowledging.stored(self._session.settled)
        return (resume_from or 0) > stored + self.audio.rounding

    def is_attached(self, outgoing: Outgoing) -> bool:
        """Whether this socket is the session's one."""
        return self._outgoing is outgoing

    async def room(self) -> None:
        """Wait until the session can take more audio: the back-pressure on its client."""
        await self._has_room.wait()

    def take_audio(self, data: bytes) -> None:
        """Take one binary message.

        Raises:
            ProtocolError: it is not audio of the session's format, or comes after `finish`.
        """
        if self._restored:
            return  # all of it is stored; the rest of a sample is what rounding left over
        if self._finishing:
            raise ProtocolError("protocol.audio_after_finish", "no audio may follow `finish`")
        self._intake.audio(self.audio.decode(data))
        self._look_for_room()

    def take_marker(self, marker: str, at: AtMarker = AtMarker.GOES_ON) -> None:
        """Echo the marker once all audio taken before it is in a final, or forgotten.

        Raises:
            ProtocolError: too many wait already.
        """
        if self._intake.marks + self._session.markers_waiting >= MARKERS_LIMIT:
            raise ProtocolError(
                "protocol.too_many_markers", f"at most {MARKERS_LIMIT} markers may wait"
            )
        self._intake.put(Mark(id=marker, at=at))

    def take_finish(self, samples: int | None) -> None:
        """Take the end of the audio; again changes nothing.

        Raises:
            ProtocolError: the client sent another number of samples than arrived.
        """
        if self._finishing:
            return
        if samples is not None and abs(samples - self.audio.received) > self.audio.rounding:
            raise ProtocolError(
                "session.samples_differ",
                f"{samples} samples were sent but {self.audio.received} arrived; send the audio "
                "again as a new session",
            )
        self._finishing = True
        self._intake.audio(self.audio.flush())
        self._intake.put(End(at=self._clock()))

    def restore_finished(self) -> None:
        """Say `done` again for a session that the store has whole."""
        self._restored = True
        self.take_finish(None)

    async def forget(self) -> None:
        """Delete what is stored of the session, once it has ended.

        Raises:
            StoreUnavailable: it may still be stored.
        """
        await self._recorder.forget()

    def flush(self) -> None:
        """Nobody came back: turn what was heard into stored text, and leave the session open.

        The transcript is not marked as finished, so a client that comes back later goes on from
        the last stored sample.
        """
        if not self._finishing and not self._flushing:
            self._flushing = True
            self._intake.audio(self.audio.flush())
            self._intake.put(End(at=self._clock()))

    def know(self, profile: Profile) -> None:
        """Take what is known of who speaks; it holds for the windows to come."""
        finishing = profile.finishing
        self._joins_sentences = finishing is not None and finishing.joins_sentences
        self._session.know(profile)

    def slow_partials(self, factor: int) -> None:
        """Pass on how busy the machine is; see `Session.slow_partials`."""
        self._session.slow_partials(factor)

    @property
    def is_flushing(self) -> bool:
        """Whether it takes no more audio, because nobody came back in time."""
        return self._flushing

    @property
    def is_settled(self) -> bool:
        """Whether no closed utterance waits for its text or for being stored."""
        return not self._session.unanswered_samples and not self._recorder.waiting

    @property
    def is_finishing(self) -> bool:
        """Whether the client said `finish` and waits for `done`."""
        return self._finishing

    def close(self, code: wire.CloseCode, error: wire.ErrorMessage | None = None) -> None:
        """Close the attached socket, if any."""
        if self._outgoing:
            self._acknowledge(force=True)
            self._outgoing.close(code, error)

    def heartbeat(self) -> None:
        """Tell an attached client that the server lives and how far behind it is."""
        if self._outgoing:
            load = self._queue.load()
            self._outgoing.send(
                wire.Heartbeat(received=self.audio.received, queue_ms=round(load.queue_ms, 1))
            )

    # Input, in order

    async def _feed(self) -> None:
        """Hand the input to the state machine, half a second of audio a turn of the loop."""
        while True:
            await self._intake.wait()
            await self._turnstile.turn()
            self._take_in(self._intake.take())
            self._acknowledge()
            self._look_for_room()

    def _take_in(self, item: Item) -> None:
        match item:
            case bytearray():
                self._trace.heard(self._session.received + len(item) // BYTES_PER_SAMPLE)
                self._do(self._session.audio(item))
            case Mark(id=marker, at=at):
                self._do(self._session.marker(marker, at))
            case End():
                self._finish_at = item.at
                self._do(self._session.finish())
            case _:
                assert_never(item)

    def _look_for_room(self) -> None:
        waiting = self._session.unanswered_samples + self._intake.samples
        if waiting < BACKLOG_SAMPLES and self._recorder.waiting < BACKLOG_FINALS:
            self._has_room.set()
        else:
            self._has_room.clear()

    # Outputs

    def _do(self, outputs: list[Output]) -> None:
        for output in outputs:
            match output:
                case Recognise():
                    self._requests().ask(output.request, after_s=output.after_s)
                case Withdraw():
                    self._requests().withdraw(output.request)
                case SpeechStarted() | SpeechStopped():
                    self._send(speech_message(output, self.audio))
                case ShowPartial():
                    self._send_partial(output)
                case ShowFinal():
                    self._show_final(output)
                case MarkerPassed():
                    self._send(wire.MarkerReached(id=output.id))
                case Finished():
                    self._recorder.finish(
                        output.samples, complete=self._finishing, joins=self._joins_sentences
                    )
                case GaveUp():
                    self._give_up(output)
                case _:
                    assert_never(output)

    def _requests(self) -> Asking:
        assert self._asking  # noqa: S101 - outputs only come while `run` runs
        return self._asking

    def _answered(self, request: Request, answer: Answer) -> None:
        self._do(self._session.answered(request, answer))
        self._look_for_room()

    def _send_partial(self, partial: ShowPartial) -> None:
        self._metrics.partials.inc()
        self._send(partial_message(partial, self.audio))

    def _show_final(self, shown: ShowFinal) -> None:
        final = stored_final(shown, self._recorder.finals, self._recorder.text)
        self._recorder.add(final)
        self._send(final_message(final, self.audio))
        self._metrics.utterance(seconds(shown.end - shown.start), shown.hypothesis)
        self._trace.shown(shown)
        log_final(self.id, shown)

    def _give_up(self, output: GaveUp) -> None:
        log_given_up(self.id, output)
        self._trace.given_up(output)
        self._metrics.given_up.inc()
        if self._outgoing:
            self._outgoing.close(wire.CloseCode.INTERNAL, given_up_message(output))
        self.ended.set()

    # Storing

    async def _store(self) -> None:
        """Store finals in order, for as long as it takes, then say so."""
        async for stored in self._recorder.run():
            self._session.stored(stored)
            self._trace.stored(stored)
            self._acknowledge()
            self._look_for_room()
        if self._finishing:
            self._send_done()
        self.ended.set()

    def _send_done(self) -> None:
        audio_s = seconds(self._session.received)
        took_s = self._clock() - (self._finish_at or self._clock())
        self._metrics.finalisation.observe(took_s)
        self._acknowledge(force=True)
        self._send(
            wire.Done(
                transcript=str(self._recorder.transcript),
                text=self._recorder.text,
                audio_seconds=round(audio_s, 3),
                finalisation_ms=round(took_s * 1000, 1),
            )
        )
        if self._outgoing:
            self._outgoing.close(wire.CloseCode.NORMAL)
        log_finished(self.id, audio_s=audio_s, utterances=len(self._recorder.finals), took_s=took_s)

    def _acknowledge(self, *, force: bool = False) -> None:
        if ack := self._acknowledging.due(self._session.settled, force=force):
            self._send(ack)

    def _send(self, message: OutgoingMessage) -> None:
        if self._outgoing:
            self._outgoing.send(message)
