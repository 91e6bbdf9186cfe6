"""One dictation as a state machine: audio and answers in, what is to be done out. No I/O, no clock.

    audio ──► frames ──► endpointing ──► Recognise(final | speculative | partial)
                                              │ (the queue)
    ShowPartial, ShowFinal, … ◄── in order ◄── answer

Promises, each tested with literals and with random cuts of the same audio:

- The same audio gives the same finals, from the same windows, however it is cut into messages:
  decisions are made at sample positions, never at arrival times. (Previews also depend on which of
  them were answered in time.)
- Finals come in the order of the speech, one for each utterance, without gaps, and never change.
- The stable part of a partial never shrinks while its utterance is open.
- Silence is never sent to the recogniser, so no text can be invented on it.
- Audio is held only while it may still be needed: the open utterance and what awaits its answer.
"""

from collections import deque
from dataclasses import replace
from typing import Protocol

import numpy as np

from service.dictation.buffer import AudioBuffer
from service.dictation.endpointing import (
    FRAME_SAMPLES,
    PRE_ROLL_SAMPLES,
    Dismissed,
    Ended,
    Endpointer,
    EndpointEvent,
    Paused,
    Resumed,
    Started,
)
from service.dictation.markers import AtMarker, Markers
from service.dictation.outputs import (
    Finished,
    GaveUp,
    Output,
    Recognise,
    ShowPartial,
    Withdraw,
)
from service.dictation.previews import Preview, Previews, Shown
from service.dictation.spoken_language import SpokenLanguage
from service.dictation.utterances import ClosedUtterance, OpenUtterance, SessionPolicy, Speaker
from workers.contract.audio import BYTES_PER_SAMPLE, Samples, samples_from_pcm16
from workers.contract.requests import Answer, Failure, Hypothesis, Priority, Profile, Request


class SpeechDetector(Protocol):
    """Tells speech from everything else, frame by frame, remembering what it heard."""

    def probabilities(self, samples: Samples) -> list[float]:
        """Give the probability of speech in each frame.

        Args:
            samples: float32, whole frames: shape (n * FRAME_SAMPLES,), following the last call's.
        """
        ...


class Session:
    """The state of one dictation. Every method returns what is to be done, in order."""

    def __init__(
        self,
        speaker: Speaker,
        *,
        policy: SessionPolicy,
        detector: SpeechDetector,
        first_sample: int = 0,
        first_utterance: int = 0,
    ) -> None:
        """Begin in silence.

        Args:
            speaker: whose speech it is.
            policy: silences and cadence.
            detector: fresh, or the one that heard everything before `first_sample`.
            first_sample: where the audio begins; not 0 when the session's server ended meanwhile.
            first_utterance: number of the first utterance, likewise.
        """
        self._speaker = speaker
        self._language = SpokenLanguage(speaker.language)
        self._policy = policy
        self._detector = detector
        self._endpointer = Endpointer(policy.endpointing, first_sample=first_sample)
        self._buffer = AudioBuffer(first_sample)
        self._scanned = first_sample  # frames before this position went through endpointing
        self._next_utterance = first_utterance
        self._open: OpenUtterance | None = None
        self._dismissed_revision = 0  # its successor has the same number
        self._closed: deque[ClosedUtterance] = deque()  # in order, not shown yet
        self._unstored: dict[int, int] = {}  # utterance -> start, shown but not stored yet
        self._markers = Markers()
        self._slowdown = 1
        self._finishing = False
        self._ended = False

    @property
    def received(self) -> int:
        """Position after the last sample taken in."""
        return self._buffer.end

    @property
    def settled(self) -> int:
        """Audio before this position is in a stored final, or is silence for good."""
        if self._unstored:
            return min(self._unstored.values())
        return self._shown_until()

    @property
    def unanswered_samples(self) -> int:
        """Audio of closed utterances that wait for their text: what back-pressure looks at."""
        return sum(u.end - u.start for u in self._closed if u.hypothesis is None)

    @property
    def markers_waiting(self) -> int:
        """Markers not passed yet."""
        return len(self._markers)

    @property
    def language(self) -> str | None:
        """The language as given, or as detected with certainty."""
        return self._language.code

    def know(self, profile: Profile) -> None:
        """Take what is known of who speaks; it holds for the windows to come."""
        self._speaker = replace(self._speaker, profile=profile)

    def slow_partials(self, factor: int) -> None:
        """Ask for partials `factor` times less often; 0: none. The machine is busy."""
        self._slowdown = factor

    def audio(self, pcm: bytes | bytearray | memoryview) -> list[Output]:
        """Take the next samples (PCM16, 16 kHz, mono, whole samples)."""
        if self._finishing:
            return []
        self._buffer.append(pcm)
        whole = (self.received - self._scanned) // FRAME_SAMPLES * FRAME_SAMPLES
        outputs = self._scan(self._buffer.slice(self._scanned, self._scanned + whole))
        self._trim()
        return outputs + self._passed_markers()

    def finish(self) -> list[Output]:
        """Take the end of the audio: close what is open; `Finished` follows the last final."""
        if self._finishing:
            return []
        self._finishing = True
        end = self.received
        rest = self._buffer.slice(self._scanned, end)
        padding = -len(rest) % (FRAME_SAMPLES * BYTES_PER_SAMPLE)
        # Part of a frame is judged as a frame of its own, filled with silence; its end is no
        # endpoint, the audio's end is.
        outputs = self._scan(rest + bytes(padding)) if rest else []
        for event in self._endpointer.end_of_audio(end):
            outputs += self._follow(event, end)
        return outputs + self._show()

    def marker(self, marker: str, at: AtMarker = AtMarker.GOES_ON) -> list[Output]:
        """Remember to say when everything received so far is in a final, or forgotten."""
        self._markers.add(self.received, marker)
        events: list[EndpointEvent] = []
        if at is AtMarker.ENDS:
            events = self._endpointer.end_now(self.received)
        elif at is AtMarker.DROPPED:
            events = self._endpointer.drop(self.received)
        outputs = [output for event in events for output in self._follow(event, self.received)]
        return outputs + self._passed_markers()

    def answered(self, request: Request, answer: Answer) -> list[Output]:
        """Take the answer to a `Recognise`; late, repeated and unwanted ones change nothing."""
        if self._ended:
            return []
        if request.priority is Priority.PARTIAL:
            return self._partial_answered(request, answer)
        for utterance in self._closed:
            if utterance.request.id == request.id and utterance.hypothesis is None:
                return self._final_answered(utterance, request, answer)
        opened = self._open
        ahead = opened and opened.ahead and opened.ahead.id == request.id
        if not opened or not ahead or not isinstance(answer, Hypothesis):
            return []
        opened.ahead_answer = answer
        return self._show_partial(opened, opened.previews.heard(answer.text))

    def stored(self, utterance: int) -> None:
        """Take note that a final is stored."""
        self._unstored.pop(utterance, None)

    def _scan(self, pcm: bytes) -> list[Output]:
        if not pcm:
            return []
        samples = samples_from_pcm16(pcm)
        probabilities = self._detector.probabilities(samples)
        energies = np.square(samples.reshape(-1, FRAME_SAMPLES)).mean(axis=1)
        outputs: list[Output] = []
        for probability, energy in zip(probabilities, energies, strict=True):
            events = self._endpointer.step(
                self._scanned, probability=probability, energy=float(energy)
            )
            self._scanned += FRAME_SAMPLES
            for event in events:
                outputs += self._follow(event, min(self._scanned, self.received))
            if self._open and self._endpointer.is_speech:
                outputs += self._open.started(self._next_utterance)
            outputs += self._partial_if_due()
        return outputs

    def _follow(self, event: EndpointEvent, position: int) -> list[Output]:
        match event:
            case Started(start=start):
                gap, after = self._partial_gap(), self._dismissed_revision
                previews = Previews(start, interval=gap, revision=after)
                tells = self._policy.tells_speech
                self._open = OpenUtterance(start=start, previews=previews, tells=tells)
                return []
            case Paused(start=start, end=end):
                return self._decode_ahead(start, min(end, position))
            case Resumed():
                return self._resume()
            case Dismissed():
                outputs = self._drop_ahead()
                self._dismissed_revision = self._open.previews.revision if self._open else 0
                self._open = None
                return outputs
            case Ended(start=start, end=end):
                return self._close(start, min(end, position))

    def _decode_ahead(self, start: int, end: int) -> list[Output]:
        if self._open is None or self._finishing:
            return []  # when finishing, the final itself follows at once
        self._open.pause = end
        if not self._policy.endpointing.speculation_silence:
            return []
        self._open.ahead = self._window(start, end, Priority.SPECULATIVE, self._open)
        self._open.ahead_answer = None
        return [Recognise(request=self._open.ahead)]

    def _resume(self) -> list[Output]:
        """Speech goes on: let no later preview decode what was said before the pause."""
        opened = self._open
        if opened is None or opened.pause is None:
            return []
        pause, opened.pause = opened.pause, None
        answer, now, gap = opened.ahead_answer, self._scanned, self._partial_gap()
        outputs = self._drop_ahead()
        if answer is not None and answer.filtered is None:
            opened.previews.cut(pause, answer.text, now=now, interval=gap)
        elif answer is None and self._shows_partials and opened.previews.is_long(pause):
            outputs += self._ask_for(opened.previews.ask_to_pause(pause, now=now, interval=gap))
        return outputs

    def _drop_ahead(self) -> list[Output]:
        if self._open is None or self._open.ahead is None:
            return []
        request, self._open.ahead = self._open.ahead, None
        answered, self._open.ahead_answer = self._open.ahead_answer is not None, None
        return [] if answered else [Withdraw(request=request.id)]

    def _close(self, start: int, end: int) -> list[Output]:
        opened, self._open = self._open, None
        outputs = opened.stopped(self._next_utterance, end) if opened else []
        request = self._window(start, end, self._policy.final_priority, opened)
        number, self._next_utterance = self._next_utterance, self._next_utterance + 1
        utterance = ClosedUtterance(number=number, start=start, end=end, request=request)
        if opened and opened.ahead and opened.ahead.id == request.id:
            utterance.hypothesis = opened.ahead_answer
        elif opened and opened.ahead and opened.ahead_answer is None:
            outputs.append(Withdraw(request=opened.ahead.id))
        self._closed.append(utterance)
        if utterance.hypothesis is None:
            # The same id as the speculative request: the queue joins the two.
            outputs.append(Recognise(request=request))
        return outputs + self._show()

    def _partial_gap(self) -> int:
        return self._policy.partial_interval * max(1, self._slowdown)

    def _partial_if_due(self) -> list[Output]:
        opened = self._open
        if not self._shows_partials or not self._endpointer.is_voiced:
            return []
        if opened is None or not opened.previews.is_due(self._scanned):
            return []
        end = min(self._scanned, self.received)
        return self._ask_for(opened.previews.ask(end, interval=self._partial_gap()))

    @property
    def _shows_partials(self) -> bool:
        return bool(self._policy.partial_interval and self._slowdown) and not self._finishing

    def _ask_for(self, one: Preview) -> list[Output]:
        return [Recognise(request=self._window(one.start, one.end, Priority.PARTIAL, one))]

    def _partial_answered(self, request: Request, answer: Answer) -> list[Output]:
        opened = self._open
        if opened is None or request.utterance != self._next_utterance:
            return []
        if not isinstance(answer, Hypothesis):
            return []
        sound = answer.filtered is None
        shown = opened.previews.answered(request.revision, answer.text, sound=sound)
        return self._show_partial(opened, shown)

    def _show_partial(self, opened: OpenUtterance, shown: Shown | None) -> list[Output]:
        if shown is None or not self._policy.partial_interval:
            return []
        return [
            ShowPartial(
                utterance=self._next_utterance,
                revision=shown.revision,
                start=opened.start,
                stable=shown.stable,
                tail=shown.tail,
            )
        ]

    def _final_answered(
        self, utterance: ClosedUtterance, request: Request, answer: Answer
    ) -> list[Output]:
        if isinstance(answer, Hypothesis):
            utterance.hypothesis = answer
            return self._show()
        if request.priority is Priority.SPECULATIVE:
            return []  # the final itself was submitted when the utterance closed
        return self._final_failed(utterance, answer)

    def _final_failed(self, utterance: ClosedUtterance, failure: Failure) -> list[Output]:
        if failure.retryable and (wait_s := utterance.try_again()):
            return [Recognise(request=utterance.request, after_s=wait_s)]
        self._ended = True
        return [GaveUp(utterance=utterance.number, code=failure.code, message=failure.message)]

    def _show(self) -> list[Output]:
        """Show the finals whose turn it is, then what depends on them."""
        outputs: list[Output] = []
        while self._closed and self._closed[0].hypothesis is not None:
            utterance = self._closed.popleft()
            hypothesis = utterance.hypothesis
            assert hypothesis is not None  # noqa: S101 - the loop looked
            self._language.learn(hypothesis)
            self._unstored[utterance.number] = utterance.start
            outputs.append(utterance.shown(hypothesis))
        self._trim()
        outputs += self._passed_markers()
        if self._finishing and not self._closed and not self._ended:
            self._ended = True
            outputs.append(Finished(samples=self.received))
        return outputs

    def _shown_until(self) -> int:
        """Audio before this position is in a shown final, or is silence for good."""
        if self._closed:
            return self._closed[0].start
        if self._finishing:
            return self.received
        return self._silent_until()

    def _silent_until(self) -> int:
        """No utterance that is open or still to come starts before this position."""
        # Asked of the endpointer: after a forced cut the rest is open there before we hear of it.
        start = self._endpointer.open_start
        if start is not None:
            return start
        return max(self._endpointer.floor, self._scanned - FRAME_SAMPLES - PRE_ROLL_SAMPLES)

    def _passed_markers(self) -> list[Output]:
        # With nothing open or awaited, all whole frames are silence; part of one is no speech yet.
        is_silence = not self._closed and self._open is None
        return [*self._markers.passed(self.received if is_silence else self._shown_until())]

    def _window(
        self, start: int, end: int, priority: Priority, asked: Preview | OpenUtterance | None
    ) -> Request:
        preview = asked if isinstance(asked, Preview) else None
        said = asked.previews.said if isinstance(asked, OpenUtterance) else ""
        return self._speaker.request(
            self._next_utterance,
            (start, end),
            priority,
            pcm=self._buffer.slice(start, end),
            language=self.language,
            revision=preview.revision if preview else None,
            draft=preview.draft if preview else said,
        )

    def _trim(self) -> None:
        """Let go of audio that no window can need: closed utterances carry their own."""
        self._buffer.let_go(min(self._silent_until(), self._scanned))
