"""What a session says, put in Deepgram's words: which messages, in which order.

`Finalize` ends the open utterance; the final it leads to carries `from_finalize`, or an empty result
does where nothing was left to say, so that a client always gets its answer. `UtteranceEnd` comes
when the audio has been silent for `utterance_end_ms` since the last word: when so much has come a
marker is put into the stream, and unless somebody began to speak before it, nobody spoke. Who sends
faster than people speak is told when the next utterance starts, or at the end.
"""

from typing import Final

from service.compat.deepgram_messages import (
    ConfigureFailure,
    Results,
    ResultsMetadata,
    ServerMessage,
    SpeechStarted,
    UtteranceEnd,
    alternative,
    in_channel,
    seconds,
)
from service.compat.deepgram_parameters import ListenParameters
from service.compat.speaking import Heard, Speaking
from service.dictation import outputs, wire
from service.dictation.markers import AtMarker

_FINALIZE: Final = "finalize"
_SILENCE: Final = "silence"


class Told:
    """What the client of one live stream is told."""

    def __init__(
        self,
        speaking: Speaking,
        *,
        wanted: ListenParameters,
        rate_hz: int,
        metadata: ResultsMetadata,
    ) -> None:
        self._speaking = speaking
        self._wanted = wanted
        self._rate_hz = rate_hz
        self._metadata = metadata
        self._marks = 0
        self._finalized: str | None = None  # answered with its final, its marker is still to come
        self._last_word_end: int | None = None  # of the last final; None: its silence is dealt with
        self._starts: dict[int, int] = {}  # where utterances started that have no final yet
        self._silence: str | None = None  # the marker at the end of the silence

    def finalize(self) -> None:
        """End the open utterance.

        Raises:
            ProtocolError: `protocol.too_many_markers`.
        """
        self._speaking.mark(self._next_mark(_FINALIZE), AtMarker.ENDS)

    def look_for_silence(self) -> None:
        """Take note that audio came; called after each of it."""
        if self._silence is None and self._is_silence(self._speaking.received):
            self._silence = self._next_mark(_SILENCE)
            self._speaking.mark(self._silence)

    def hear(self, heard: Heard) -> list[ServerMessage]:
        """Give what the client is told of it."""
        match heard:
            case outputs.SpeechStarted():
                return self._speech_started(heard)
            case wire.Partial():
                return [self._interim(heard)] if self._wanted.interim_results else []
            case wire.Final():
                return [self._final(heard), *self._after(heard)]
            case wire.MarkerReached(id=marker):
                return self._marked(marker)
            case _:
                return []

    def end(self) -> list[ServerMessage]:
        """Give what is still to be told when no audio follows."""
        return self._utterance_end(self._speaking.received)

    def configure_failure(self) -> ConfigureFailure:
        """Say that a stream keeps the terms it was opened with."""
        return ConfigureFailure(
            request_id=self._metadata.request_id,
            code="CONFIGURE_KEYTERMS_NOT_SUPPORTED",
            description="a stream keeps what it was opened with; open another one",
        )

    def _speech_started(self, speech: outputs.SpeechStarted) -> list[ServerMessage]:
        told = self._utterance_end(speech.start)
        self._last_word_end = self._silence = None
        self._starts[speech.utterance] = speech.start
        if self._wanted.vad_events:
            told.append(SpeechStarted(timestamp=seconds(speech.start, self._rate_hz)))
        return told

    def _interim(self, partial: wire.Partial) -> Results:
        words = partial.stable.split(), f"{partial.stable}{partial.tail}".split()
        heard = alternative(
            f"{partial.stable}{partial.tail}",
            (),
            rate_hz=self._rate_hz,
            finished=self._wanted.finished,
            # How much of it will not change any more: the best there is before the final.
            confidence=round(len(words[0]) / max(1, len(words[1])), 3),
        )
        return Results(
            start=seconds(partial.start, self._rate_hz),
            duration=seconds(max(0, self._speaking.received - partial.start), self._rate_hz),
            is_final=False,
            speech_final=False,
            channel=in_channel(heard),
            metadata=self._metadata,
        )

    def _final(self, final: wire.Final) -> Results:
        reached = self._speaking.reaches() or ""
        if from_finalize := reached.startswith(_FINALIZE):
            self._finalized = reached
        heard = alternative(
            final.text,
            final.words,
            rate_hz=self._rate_hz,
            finished=self._wanted.finished,
            confidence=1.0,
        )
        return Results(
            start=seconds(final.start, self._rate_hz),
            duration=seconds(final.end - final.start, self._rate_hz),
            is_final=True,
            speech_final=True,
            from_finalize=from_finalize,
            channel=in_channel(heard),
            metadata=self._metadata,
        )

    def _after(self, final: wire.Final) -> list[ServerMessage]:
        """Look at the silence after a final; somebody may speak again already."""
        self._last_word_end = final.words[-1].end if final.words else final.end
        self._silence = None
        self._starts = {n: start for n, start in self._starts.items() if n > final.utterance}
        next_start = min(self._starts.values(), default=None)
        if next_start is None:
            self.look_for_silence()
            return []
        told = self._utterance_end(next_start)
        self._last_word_end = None
        return told

    def _marked(self, marker: str) -> list[ServerMessage]:
        if marker.startswith(_FINALIZE) and marker != self._finalized:
            return [self._nothing_left()]
        if marker == self._silence:
            return self._utterance_end(self._speaking.received)
        return []

    def _is_silence(self, until: int) -> bool:
        gap_ms, since = self._wanted.utterance_end_ms, self._last_word_end
        if gap_ms is None or since is None:
            return False
        return (until - since) * 1000 >= gap_ms * self._rate_hz

    def _utterance_end(self, until: int) -> list[ServerMessage]:
        """Say once that the utterance ended, if it was silent for long enough."""
        end = self._last_word_end
        if end is None or not self._is_silence(until):
            return []
        self._last_word_end = self._silence = None
        return [UtteranceEnd(last_word_end=seconds(end, self._rate_hz))]

    def _nothing_left(self) -> Results:
        nothing = alternative("", (), rate_hz=self._rate_hz, finished=True, confidence=0.0)
        return Results(
            start=seconds(self._speaking.received, self._rate_hz),
            duration=0.0,
            is_final=True,
            speech_final=True,
            from_finalize=True,
            channel=in_channel(nothing),
            metadata=self._metadata,
        )

    def _next_mark(self, kind: str) -> str:
        self._marks += 1
        return f"{kind} {self._marks}"
