"""Audio on its way to items: a session of ours, and what is told of it in OpenAI's events.

With turn detection one session goes through the whole connection and each of its utterances is an
item. Without, each commit ends a session of its own, so that `clear` forgets exactly what was not
committed; the person finds each in their history.
"""

from typing import Final, Protocol

from service.compat.openai_realtime_events import Event
from service.compat.openai_realtime_items import Conversation, Item
from service.compat.openai_realtime_settings import RealtimeSettings
from service.compat.openai_rest_errors import OpenAIError, OpenAIRefused, error_of
from service.compat.speaking import Heard, Speaking
from service.dictation.markers import AtMarker
from service.dictation.outputs import SpeechStarted, SpeechStopped
from service.dictation.wire import Done, ErrorMessage, MarkerReached, Partial, WordTime
from service.dictation.wire import Final as FinalMessage

LEAST_COMMIT_MS: Final = 100
"""OpenAI's own bound; less is no speech."""
_CLEAR: Final = "clear"


class Take(Protocol):
    """One session under way."""

    speaking: Speaking
    is_ending: bool
    """Whether it takes no more audio."""

    def commit(self) -> list[Event]:
        """End the turn; gives what is to be told at once.

        Raises:
            OpenAIRefused: `input_audio_buffer_commit_empty`.
            ProtocolError: too many at once.
        """
        ...

    async def clear(self) -> list[Event]:
        """Forget what was not committed; gives what is to be told at once."""
        ...

    def hear(self, heard: Heard) -> list[Event]:
        """Give what is to be told of what the session says."""
        ...


class DetectedTurns:
    """Turns end by themselves."""

    def __init__(
        self,
        speaking: Speaking,
        conversation: Conversation,
        settings: RealtimeSettings,
        *,
        earlier_s: float,
    ) -> None:
        """Begin to speak.

        Args:
            speaking: fresh.
            conversation: of the connection.
            settings: in force when it began.
            earlier_s: audio on this connection before it, in seconds.
        """
        self.speaking = speaking
        self.is_ending = False
        self._conversation = conversation
        self._settings = settings
        self._earlier_s = earlier_s
        self._items: dict[int, Item] = {}
        self._uncommitted_from = 0  # sample after the last the client committed or cleared

    def commit(self) -> list[Event]:
        """End the utterance now, if one is open."""
        _check_enough(self.speaking.received - self._uncommitted_from, self._settings.rate_hz)
        self._uncommitted_from = self.speaking.received
        self.speaking.mark(str(self._conversation.committed), AtMarker.ENDS)
        return []

    async def clear(self) -> list[Event]:
        """Drop the utterance that is open; it is told when that is done."""
        self._uncommitted_from = self.speaking.received
        self.speaking.mark(_CLEAR, AtMarker.DROPPED)
        return []

    def hear(self, heard: Heard) -> list[Event]:
        """Tell of speech, items and their text."""
        match heard:
            case SpeechStarted() | SpeechStopped():
                return self._spoken(heard)
            case Partial(utterance=utterance, stable=stable):
                known = self._items.get(utterance)
                return known.grow(stable.rstrip()) if known else []
            case FinalMessage():
                return self._complete(heard)
            case MarkerReached(id=marker):
                return self._reached(marker)
            case ErrorMessage():
                failed = described(heard)
                waiting = [item for item in self._items.values() if item.is_committed]
                return [event for item in waiting for event in item.fail(failed)]
        return []

    def _spoken(self, speech: SpeechStarted | SpeechStopped) -> list[Event]:
        if isinstance(speech, SpeechStarted):
            item = self._items[speech.utterance] = Item(self._conversation)
            started = {"audio_start_ms": self._ms(speech.start), "item_id": item.id}
            return [{"type": "input_audio_buffer.speech_started", **started}]
        item = self._items[speech.utterance]
        stopped = {"audio_end_ms": self._ms(speech.end), "item_id": item.id}
        return [{"type": "input_audio_buffer.speech_stopped", **stopped}, *item.commit()]

    def _complete(self, final: FinalMessage) -> list[Event]:
        item = self._items.pop(final.utterance)
        return item.complete(
            final.text,
            seconds=(final.end - final.start) / self._settings.rate_hz,
            words=final.words if self._settings.logprobs else None,
        )

    def _reached(self, marker: str) -> list[Event]:
        if marker == _CLEAR:
            return [{"type": "input_audio_buffer.cleared"}]
        if self._conversation.committed > int(marker):
            return []
        silent = Item(self._conversation)  # nobody spoke; who committed waits for an answer
        return [*silent.commit(), *silent.complete("", seconds=0.0, words=None)]

    def _ms(self, samples: int) -> int:
        return round(1000 * (self._earlier_s + samples / self._settings.rate_hz))


class CommittedTurn:
    """One turn, ended by its client."""

    def __init__(
        self, speaking: Speaking, conversation: Conversation, settings: RealtimeSettings
    ) -> None:
        self.speaking = speaking
        self.is_ending = False
        self._settings = settings
        self._item = Item(conversation)
        self._text = ""
        self._words: list[WordTime] = []

    def commit(self) -> list[Event]:
        """End the turn."""
        _check_enough(self.speaking.received, self._settings.rate_hz)
        self.is_ending = True
        self.speaking.finish()
        return self._item.commit()

    async def clear(self) -> list[Event]:
        """Forget the turn."""
        self.is_ending = True
        await self.speaking.cancel()
        return [{"type": "input_audio_buffer.cleared"}]

    def hear(self, heard: Heard) -> list[Event]:
        """Tell of the item's text."""
        match heard:
            case Partial(stable=stable):
                return self._item.grow(_joined(self._text, stable.rstrip()))
            case FinalMessage(text=text):
                self._text = _joined(self._text, text)
                self._words += heard.words
                return self._item.grow(self._text)
            case Done(text=text, audio_seconds=seconds):
                words = self._words if self._settings.logprobs else None
                # The server ends and finishes what was said.
                committed = [] if self._item.is_committed else self._item.commit()
                return [*committed, *self._item.complete(text, seconds=seconds, words=words)]
            case ErrorMessage():
                return self._item.fail(described(heard)) if self._item.is_committed else []
            case SpeechStarted() | SpeechStopped() | MarkerReached():
                return []


def described(error: ErrorMessage) -> OpenAIError:
    """Describe what a session says of its end."""
    return error_of(401 if error.code.startswith("auth.") else 500, error.code, error.message)


def nothing_to_commit() -> OpenAIRefused:
    """Refuse to commit less than a tenth of a second."""
    return OpenAIRefused(
        "input_audio_buffer_commit_empty",
        f"the buffer is too small: at least {LEAST_COMMIT_MS} ms of audio make a turn",
    )


def _check_enough(samples: int, rate_hz: int) -> None:
    if samples * 1000 < LEAST_COMMIT_MS * rate_hz:
        raise nothing_to_commit()


def _joined(before: str, text: str) -> str:
    return f"{before} {text}" if before and text else before or text
