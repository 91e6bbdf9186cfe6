"""The items of a realtime conversation: one for each turn, in the order of the speech.

    committed ─► item added ─► transcription delta … ─► transcription completed ─► item done

Deltas may come before the turn is committed: people watch their words appear. They are append-only,
so only the stable part of a partial is told; what differs in the final is in `completed`.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

from service.compat.openai_realtime_events import Event
from service.compat.openai_rest_answers import logprob_of
from service.compat.openai_rest_errors import OpenAIError
from service.dictation.wire import WordTime

_TRANSCRIPTION: Final = "conversation.item.input_audio_transcription"


class Conversation:
    """What all turns of a connection share: their order, and the form they are told in."""

    def __init__(self, *, is_older: bool) -> None:
        self.is_older = is_older
        """Whether the client knows `conversation.item.created` and not `added` and `done`."""
        self.committed = 0
        """Items so far."""
        self._last: str | None = None

    def commit(self, item: str) -> list[Event]:
        """Say that a turn ended and is an item now."""
        previous, self._last = self._last, item
        self.committed += 1
        kind = "created" if self.is_older else "added"
        return [
            {
                "type": "input_audio_buffer.committed",
                "item_id": item,
                "previous_item_id": previous,
            },
            {
                "type": f"conversation.item.{kind}",
                "previous_item_id": previous,
                "item": _message(item, transcript=None),
            },
        ]

    def done(self, item: str, transcript: str) -> list[Event]:
        """Say that nothing of an item will change any more."""
        if self.is_older:
            return []
        return [{"type": "conversation.item.done", "item": _message(item, transcript=transcript)}]


class Item:
    """One turn, and what was told of its text."""

    def __init__(self, conversation: Conversation) -> None:
        self.id = f"item_{uuid4().hex[:24]}"
        self.is_committed = False
        self.is_complete = False
        self._conversation = conversation
        self._told = ""

    def commit(self) -> list[Event]:
        """End the turn."""
        self.is_committed = True
        return self._conversation.commit(self.id)

    def grow(self, text: str) -> list[Event]:
        """Tell what is new in a text that only grows; where it did not, tell nothing."""
        if len(text) <= len(self._told) or not text.startswith(self._told):
            return []
        delta, self._told = text[len(self._told) :], text
        return [
            {
                "type": f"{_TRANSCRIPTION}.delta",
                "item_id": self.id,
                "content_index": 0,
                "delta": delta,
            }
        ]

    def complete(
        self, transcript: str, *, seconds: float, words: Sequence[WordTime] | None
    ) -> list[Event]:
        """Give the text of the turn."""
        self.is_complete = True
        event: Event = {
            "type": f"{_TRANSCRIPTION}.completed",
            "item_id": self.id,
            "content_index": 0,
            "transcript": transcript,
            "usage": {"type": "duration", "seconds": round(seconds, 3)},
        }
        if words is not None:
            event["logprobs"] = [logprob_of(word).model_dump() for word in words]
        return [*self.grow(transcript), event, *self._conversation.done(self.id, transcript)]

    def fail(self, error: OpenAIError) -> list[Event]:
        """Say that the turn has no text."""
        self.is_complete = True
        return [
            {
                "type": f"{_TRANSCRIPTION}.failed",
                "item_id": self.id,
                "content_index": 0,
                "error": error.model_dump(),
            }
        ]


def _message(item: str, *, transcript: str | None) -> dict[str, Any]:
    return {
        "id": item,
        "object": "realtime.item",
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_audio", "transcript": transcript}],
    }
