"""The events of OpenAI's realtime interface: what clients send, decoded; what they hear, encoded."""

import base64
import binascii
import json
from typing import Annotated, Any, Final
from uuid import uuid4

import msgspec
from msgspec import Meta

from service.compat.openai_realtime_settings import SESSION, OlderSession, Session
from service.compat.openai_rest_errors import OpenAIError, OpenAIRefused
from workers.contract.audio import BYTES_PER_SAMPLE

EventId = Annotated[str, Meta(max_length=512)] | None
Event = dict[str, Any]
"""A server event without its `event_id`."""


class SessionUpdate(msgspec.Struct, frozen=True, kw_only=True, tag=f"{SESSION}.update"):
    """Change the session."""

    session: Session
    event_id: EventId = None


class OlderSessionUpdate(
    msgspec.Struct, frozen=True, kw_only=True, tag="transcription_session.update"
):
    """Change the session, as older clients say it."""

    session: OlderSession
    event_id: EventId = None


class Append(msgspec.Struct, frozen=True, kw_only=True, tag="input_audio_buffer.append"):
    """The next audio."""

    audio: str
    """PCM16 in base64."""
    event_id: EventId = None

    def pcm(self) -> bytes:
        """Decode the audio.

        Raises:
            OpenAIRefused: it is no base64, or has half a sample.
        """
        try:
            pcm = base64.b64decode(self.audio, validate=True)
        except (binascii.Error, ValueError) as exc:
            raise OpenAIRefused("invalid_value", "audio is not base64", param="audio") from exc
        if len(pcm) % BYTES_PER_SAMPLE:
            raise OpenAIRefused("invalid_value", "audio has whole samples of 16 bit", param="audio")
        return pcm


class Commit(msgspec.Struct, frozen=True, kw_only=True, tag="input_audio_buffer.commit"):
    """The turn ends here."""

    event_id: EventId = None


class Clear(msgspec.Struct, frozen=True, kw_only=True, tag="input_audio_buffer.clear"):
    """Forget what was not committed."""

    event_id: EventId = None


ClientEvent = SessionUpdate | OlderSessionUpdate | Append | Commit | Clear


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What every client event has."""

    type: str
    event_id: EventId = None


_KNOWN: Final = frozenset(
    {
        f"{SESSION}.update",
        "transcription_session.update",
        "input_audio_buffer.append",
        "input_audio_buffer.commit",
        "input_audio_buffer.clear",
    }
)
_decode_head = msgspec.json.Decoder(Head).decode
_decode = msgspec.json.Decoder(ClientEvent).decode


def decode_head(text: str | bytes) -> Head:
    """Decode what every client event has.

    Raises:
        OpenAIRefused: `invalid_event`.
    """
    if isinstance(text, bytes):
        raise OpenAIRefused("invalid_event", "events are text: audio goes in base64")
    try:
        head: Head = _decode_head(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as exc:
        raise OpenAIRefused("invalid_event", "an event is a JSON object with a type") from exc
    return head


def decode(text: str | bytes, head: Head) -> ClientEvent:
    """Decode the rest.

    Raises:
        OpenAIRefused: `unknown_event`; `invalid_value`, naming the field.
    """
    if head.type not in _KNOWN:
        raise OpenAIRefused(
            "unknown_event", "this server does not know this type of event", param="type"
        )
    try:
        event: ClientEvent = _decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as exc:
        raise OpenAIRefused("invalid_value", f"the event is refused: {exc}") from exc
    return event


def encode(event: Event) -> str:
    """Encode a server event under an id of its own."""
    return json.dumps({"event_id": f"event_{uuid4().hex}", **event}, ensure_ascii=False)


def error_event(error: OpenAIError, *, caused_by: EventId = None) -> Event:
    """Say what went wrong; the session goes on."""
    return {"type": "error", "error": {**error.model_dump(), "event_id": caused_by}}
