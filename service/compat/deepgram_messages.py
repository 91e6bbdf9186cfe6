"""Messages of Deepgram's live interface, version 1: decoded and encoded, nothing decided.

Names and fields are those of the types in `deepgram-sdk` 7.17 (`deepgram.listen.v1.types`). Times
are seconds from the start of the stream.
"""

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

import msgspec

from service.compat.spelling import bare_text, bare_word
from service.dictation import wire
from service.problems import ProtocolError

MAX_TEXT_BYTES: Final = 16 * 1024
CHANNEL_INDEX: Final = (0, 1)  # this channel, of how many
_TIMES_DIGITS: Final = 3


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """What a client may say in a text message, besides sending audio."""

    type: Literal["KeepAlive", "Finalize", "CloseStream", "Configure"]


class Word(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A word of a result."""

    word: str
    start: float
    end: float
    confidence: float
    punctuated_word: str | None = None


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """What is heard. There is always one."""

    transcript: str
    confidence: float
    words: list[Word]


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """The results of a channel."""

    alternatives: list[Alternative]


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Which model answers."""

    name: str
    version: str
    arch: str


class ResultsMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """Where a result comes from."""

    request_id: str
    model_info: ModelFacts
    model_uuid: str


class Results(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Results"):
    """What is heard of a stretch of audio, so far or for good."""

    channel_index: tuple[int, int] = CHANNEL_INDEX
    duration: float
    start: float
    is_final: bool
    speech_final: bool
    from_finalize: bool = False
    channel: Channel
    metadata: ResultsMetadata


class Metadata(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Metadata"):
    """The last message of a stream."""

    transaction_key: str = "deprecated"
    request_id: str
    sha256: str
    created: str  # RFC 3339
    duration: float
    channels: int


class UtteranceEnd(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="UtteranceEnd"):
    """Nobody has spoken for `utterance_end_ms`."""

    channel: tuple[int, int] = CHANNEL_INDEX
    last_word_end: float


class SpeechStarted(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="SpeechStarted"
):
    """Somebody began to speak."""

    channel: tuple[int, int] = CHANNEL_INDEX
    timestamp: float


class ConfigureFailure(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="ConfigureFailure"
):
    """A stream keeps what it was opened with."""

    request_id: str
    code: str
    description: str


class Error(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Error"):
    """What went wrong; the stream is closed after it."""

    variant: str
    description: str
    code: str
    """Ours, dotted."""


ServerMessage: TypeAlias = (
    Results | Metadata | UtteranceEnd | SpeechStarted | ConfigureFailure | Error
)

_decode = msgspec.json.Decoder(Control).decode
_encode = msgspec.json.Encoder().encode


def decode_control(text: str) -> Control:
    """Decode a text message of a client.

    Raises:
        ProtocolError: `protocol.message_too_long` or `protocol.invalid_message`.
    """
    if len(text) > MAX_TEXT_BYTES:
        raise ProtocolError("protocol.message_too_long", f"text messages end at {MAX_TEXT_BYTES} B")
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as exc:
        raise ProtocolError(
            "protocol.invalid_message",
            "a text message is a JSON object whose type is KeepAlive, Finalize, CloseStream or "
            "Configure",
        ) from exc


def encode(message: ServerMessage) -> str:
    """Encode a message of the server."""
    return _encode(message).decode()


def alternative(
    text: str, words: Iterable[wire.WordTime], *, rate_hz: int, finished: bool, confidence: float
) -> Alternative:
    """Make what is heard of a text of ours.

    Args:
        text: finished.
        words: of a final, or none.
        rate_hz: of the positions of the words.
        finished: whether the client wants marks and capitals.
        confidence: of a text without words.
    """
    listed = [
        Word(
            word=bare,
            start=seconds(word.start, rate_hz),
            end=seconds(word.end, rate_hz),
            confidence=word.probability,
            punctuated_word=word.text if finished else None,
        )
        for word in words
        if (bare := bare_word(word.text))
    ]
    if listed:
        confidence = round(sum(word.confidence for word in listed) / len(listed), _TIMES_DIGITS)
    return Alternative(
        transcript=text if finished else bare_text(text), confidence=confidence, words=listed
    )


def in_channel(heard: Alternative) -> Channel:
    """Put the one alternative into the one channel."""
    return Channel(alternatives=[heard])


def seconds(samples: int, rate_hz: int) -> float:
    """Give a position in seconds."""
    return round(samples / rate_hz, _TIMES_DIGITS)
