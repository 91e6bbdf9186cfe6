"""Decide where utterances begin and end, from the probability of speech in each 32 ms frame.

Pure: no audio model, no clock; positions are 16 kHz samples from the start of the session. The
decisions depend on the frames only, so the same audio gives the same utterances however it was cut
into messages.

    speech    ______████████████____██████████________________
    frames          ^onset      ^pause        ^pause   ^endpoint
    utterance    [pre-roll ................... tail]
                  start                        end

- *Onset*: `ONSET_FRAMES` frames in a row at or above `ONSET_PROBABILITY`. The utterance starts
  `PRE_ROLL_SAMPLES` before them, so that a soft first consonant is kept.
- *Pause*: `speculation_silence` after the last voiced frame, at least `TAIL_SAMPLES`: time to decode
  ahead of the endpoint, and a place where previews may be cut.
- *Endpoint*: `endpoint_silence` after it. The longer the utterance, the shorter the silence asked
  for, down to `LEAST_SILENCE_SAMPLES`: long windows cost the recogniser more than their share.
- *Named endpoint*: whoever speaks said that the utterance ends now (`end_now`).
- *Forced cut*: an utterance that reaches `LONGEST_SAMPLES` is cut at the quietest moment of its
  last third, and the rest is the next utterance.

Both ends of an utterance carry `TAIL_SAMPLES` of what follows the last voiced frame, whatever made
it end, so a speculative final and the real one are decoded from the same samples.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

FRAME_SAMPLES: Final = 512
"""32 ms, the only frame size Silero VAD v5 and later take at 16 kHz (its README)."""

ONSET_PROBABILITY: Final = 0.5
"""Silero's recommended threshold (its README, `get_speech_timestamps`)."""
KEEP_PROBABILITY: Final = 0.35
"""Speech goes on down to here: Silero's own hysteresis is threshold minus 0.15."""
ONSET_FRAMES: Final = 2
"""64 ms: one frame alone is a click of the key or the mouse."""
LEAST_VOICED_FRAMES: Final = 4
"""128 ms of voice in all; less is not a word and is dropped. The shortest word of the asterisk
prompts («да», one digit) has 7 voiced frames (measured 2026-11-21)."""
PRE_ROLL_SAMPLES: Final = 4_800
"""300 ms before onset; anchors on clients: people complain of cut first words, never of silence."""
TAIL_SAMPLES: Final = 3_200
"""200 ms after the last voiced frame: final consonants fade below the detector's threshold."""
LONG_SAMPLES: Final = 8 * 16_000
"""From here on a shorter silence is enough: 8 s is a spoken sentence."""
LEAST_SILENCE_SAMPLES: Final = 4_800
"""300 ms, asked for when the utterance is `LONGEST_SAMPLES` long."""
LONGEST_SAMPLES: Final = 26 * 16_000
"""Longest utterance; with the tail and the encoder's margin it still fits one 30 s window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointingPolicy:
    """The silences, in 16 kHz samples."""

    endpoint_silence: int = 12_800
    """Silence that ends an utterance. 800 ms: with 600 ms and less, sentences are cut at breaths and
    read prose loses words (festvox, 25 clips: WER 13.7 % at 800 ms, 16.4 at 600, 20.1 at 300, 13.7 to
    15.0 uncut; `benchmarks.endpointing`, 2026-11-21)."""
    speculation_silence: int = 3_200
    """Silence after which the final is decoded ahead; 0: never."""
    onset_probability: float = ONSET_PROBABILITY
    """Probability from which a frame opens an utterance, 0.0 to 1.0."""
    pre_roll: int = PRE_ROLL_SAMPLES
    """Samples kept before the onset; 0 to `PRE_ROLL_SAMPLES`, which is as long as they are held."""

    @property
    def keep_probability(self) -> float:
        """Down to where speech goes on."""
        return max(0.05, self.onset_probability - ONSET_PROBABILITY + KEEP_PROBABILITY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """An utterance opened; it begins at `start`, which may lie before the current frame."""

    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """Silence began; if it lasts, the utterance will be exactly `start` to `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """Speech went on after a pause: what was decoded ahead is no final."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An utterance closed: recognise `start` to `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismissed:
    """What had opened was too short to be speech."""


EndpointEvent = Started | Paused | Resumed | Ended | Dismissed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    start: int
    voiced: bool
    energy: float


class Endpointer:
    """The state machine of one session; feed it every frame once, in order."""

    def __init__(self, policy: EndpointingPolicy, *, first_sample: int = 0) -> None:
        """Begin in silence.

        Args:
            policy: the silences.
            first_sample: position of the first frame; not 0 when a session is taken up again.
        """
        self._policy = policy
        self._floor = first_sample  # no utterance may start before this: it belongs to the last one
        self._onset_frames = 0
        self._start: int | None = None  # start of the open utterance
        self._voiced_end = 0  # sample after the last voiced frame of the open utterance
        self._voiced_frames = 0
        self._paused = False
        self._frames: deque[_Frame] = deque()  # of the open utterance, at most LONGEST_SAMPLES

    @property
    def open_start(self) -> int | None:
        """First sample of the open utterance, or None in silence."""
        return self._start

    @property
    def is_voiced(self) -> bool:
        """Whether an utterance is open and not in a pause."""
        return self._start is not None and not self._paused

    @property
    def is_speech(self) -> bool:
        """Whether an utterance is open and long enough to be one for sure."""
        return self._start is not None and self._voiced_frames >= LEAST_VOICED_FRAMES

    @property
    def floor(self) -> int:
        """First sample an utterance that has not opened yet could start at."""
        return self._floor

    def step(self, position: int, *, probability: float, energy: float) -> list[EndpointEvent]:
        """Take one frame.

        Args:
            position: first sample of the frame; frames follow each other without gaps.
            probability: of speech in the frame, 0.0 to 1.0.
            energy: mean square of the frame's samples, any scale; only compared.
        """
        if self._start is None:
            return self._step_in_silence(position, probability)
        return self._step_in_speech(position, probability, energy)

    def end_of_audio(self, position: int) -> list[EndpointEvent]:
        """Close what is open, because no sample follows `position`."""
        if self._start is None:
            return []
        return [self._close(min(self._voiced_end + TAIL_SAMPLES, position), floor=position)]

    def end_now(self, position: int) -> list[EndpointEvent]:
        """Close what is open, because whoever speaks said so; speech may go on at `position`.

        What is too short to be speech may be the beginning of a word: it stays within reach of the
        next utterance.
        """
        if self._start is None:
            return []
        floor = self._floor
        event = self._close(min(self._voiced_end + TAIL_SAMPLES, position), floor=None)
        if isinstance(event, Dismissed):
            self._floor = floor
        return [event]

    def drop(self, position: int) -> list[EndpointEvent]:
        """Dismiss what is open; no utterance to come starts before `position`."""
        was_open = self._start is not None
        self._fall_silent(max(self._floor, position))
        return [Dismissed()] if was_open else []

    def _step_in_silence(self, position: int, probability: float) -> list[EndpointEvent]:
        if probability < self._policy.onset_probability:
            self._onset_frames = 0
            return []
        self._onset_frames += 1
        if self._onset_frames < ONSET_FRAMES:
            return []
        onset = position - (ONSET_FRAMES - 1) * FRAME_SAMPLES
        self._start = max(onset - self._policy.pre_roll, self._floor)
        self._voiced_frames = ONSET_FRAMES
        self._voiced_end = position + FRAME_SAMPLES
        self._paused = False
        self._onset_frames = 0
        self._frames.clear()
        return [Started(start=self._start)]

    def _step_in_speech(
        self, position: int, probability: float, energy: float
    ) -> list[EndpointEvent]:
        assert self._start is not None  # noqa: S101 - the caller looked
        events: list[EndpointEvent] = []
        end = position + FRAME_SAMPLES
        voiced = probability >= self._policy.keep_probability
        self._frames.append(_Frame(start=position, voiced=voiced, energy=energy))
        if voiced:
            self._voiced_end = end
            self._voiced_frames += 1
            if self._paused:
                self._paused = False
                events.append(Resumed())
        silence = end - self._voiced_end
        if silence >= self._silence_asked(end - self._start):
            events.append(self._close(self._voiced_end + TAIL_SAMPLES, floor=None))
        elif end - self._start >= LONGEST_SAMPLES:
            events.extend(self._cut(end))
        elif not self._paused and silence >= max(self._policy.speculation_silence, TAIL_SAMPLES):
            self._paused = True
            if self._voiced_frames >= LEAST_VOICED_FRAMES:
                events.append(Paused(start=self._start, end=self._voiced_end + TAIL_SAMPLES))
        return events

    def _silence_asked(self, length: int) -> int:
        """Silence that ends an utterance of `length` samples: linear from LONG to LONGEST."""
        asked = self._policy.endpoint_silence
        least = min(LEAST_SILENCE_SAMPLES, asked)
        if length <= LONG_SAMPLES:
            return asked
        share = min(1.0, (length - LONG_SAMPLES) / (LONGEST_SAMPLES - LONG_SAMPLES))
        return round(asked - share * (asked - least))

    def _close(self, end: int, *, floor: int | None) -> EndpointEvent:
        assert self._start is not None  # noqa: S101 - the caller looked
        start, voiced_frames = self._start, self._voiced_frames
        self._fall_silent(end if floor is None else max(end, floor))
        if voiced_frames < LEAST_VOICED_FRAMES:
            return Dismissed()
        return Ended(start=start, end=end)

    def _fall_silent(self, floor: int) -> None:
        self._start = None
        self._onset_frames = 0
        self._paused = False
        self._frames.clear()
        self._floor = floor

    def _cut(self, end: int) -> list[EndpointEvent]:
        """Cut at the quietest 96 ms of the last third; the rest stays open."""
        assert self._start is not None  # noqa: S101 - the caller looked
        start = self._start
        frames = list(self._frames)
        first = next(i for i, f in enumerate(frames) if f.start >= end - LONGEST_SAMPLES // 3)
        candidates = range(max(first, 1), len(frames) - 1)
        quietest = min(candidates, key=lambda i: sum(f.energy for f in frames[i - 1 : i + 2]))
        cut = frames[quietest].start + FRAME_SAMPLES // 2
        rest = frames[quietest + 1 :]
        self._start = cut
        self._floor = cut
        self._frames = deque(rest)
        self._voiced_frames = sum(f.voiced for f in rest)
        self._voiced_end = max((f.start + FRAME_SAMPLES for f in rest if f.voiced), default=cut)
        self._paused = False
        return [Ended(start=start, end=cut), Started(start=cut)]
