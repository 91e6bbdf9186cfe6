"""Messages of vosk-server's websocket: decoded and encoded, nothing decided.

    client: {"config": {"sample_rate": 8000, "words": true, ...}} · PCM · {"reset": 1} · {"eof": 1}
    server: {"partial": "..."} · {"text": "...", "result": [{"conf", "start", "end", "word"}]}

Field names are those of vosk-server's `websocket/asr_server.py`. Times are seconds from the start
of the stream.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from service.compat.spelling import bare_text, bare_word
from service.dictation import wire
from service.problems import ProtocolError

MAX_TEXT_BYTES: Final = 64 * 1024
"""Longest text message: a phrase list may be a few thousand words."""
MOST_TERMS: Final = 200
"""Phrases that are used as hints; the rest of a long list is left out."""
LONGEST_TERM: Final = 200
_DIGITS: Final = 3


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """How the client wants it, before its first audio. What is left out stays as it was."""

    sample_rate: Annotated[float, Meta(ge=8_000, le=48_000)] | msgspec.UnsetType = msgspec.UNSET
    phrase_list: list[str] | msgspec.UnsetType = msgspec.UNSET
    words: bool | int | msgspec.UnsetType = msgspec.UNSET
    max_alternatives: Annotated[int, Meta(ge=0)] | msgspec.UnsetType = msgspec.UNSET


class ClientText(msgspec.Struct, frozen=True, kw_only=True):
    """A text message: one of these."""

    config: Config | None = None
    eof: int | bool | None = None
    reset: int | bool | None = None


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """How a client wants its answers; Vosk's defaults."""

    sample_rate: int = 8_000
    """Hertz. Telephone: Asterisk's module sends no config."""
    terms: tuple[str, ...] = ()
    bare: bool = False
    """Whether texts are bare words, because the client compares them with its phrases."""
    words: bool = True
    alternatives: bool = False

    def changed(self, config: Config) -> "Style":
        """Give the style with what a `config` names."""
        changes: dict[str, Any] = {}
        if config.sample_rate is not msgspec.UNSET:
            changes["sample_rate"] = round(config.sample_rate)
        if config.phrase_list is not msgspec.UNSET:
            phrases = [phrase[:LONGEST_TERM].strip() for phrase in config.phrase_list]
            terms = [phrase for phrase in phrases if phrase and phrase != "[unk]"]
            changes["terms"] = tuple(terms[:MOST_TERMS])
            changes["bare"] = bool(terms)
        if config.words is not msgspec.UNSET:
            changes["words"] = bool(config.words)
        if config.max_alternatives is not msgspec.UNSET:
            changes["alternatives"] = config.max_alternatives > 0
        return msgspec.structs.replace(self, **changes)

    def at_rate(self, sample_rate: int) -> "Style":
        """Give the style with another rate."""
        return msgspec.structs.replace(self, sample_rate=sample_rate)


_decode = msgspec.json.Decoder(ClientText).decode
_encode = msgspec.json.Encoder().encode


def decode_text(text: str) -> ClientText:
    """Decode a text message of a client.

    Raises:
        ProtocolError: `protocol.message_too_long` or `protocol.invalid_message`.
    """
    if len(text) > MAX_TEXT_BYTES:
        raise ProtocolError("protocol.message_too_long", f"text messages end at {MAX_TEXT_BYTES} B")
    try:
        message = _decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as exc:
        raise ProtocolError("protocol.invalid_message", _EXPECTED) from exc
    if message.config is None and not message.eof and not message.reset:
        raise ProtocolError("protocol.invalid_message", _EXPECTED)
    return message


_EXPECTED: Final = 'a text message is {"config": {...}}, {"eof": 1} or {"reset": 1}'


def partial_answer(text: str, style: Style) -> str:
    """Give what is heard so far of the open utterance, as JSON."""
    return _encode({"partial": _text(text, style)}).decode()


def final_answer(finals: Iterable[wire.Final], style: Style) -> str:
    """Give the text of closed utterances, of none, one or more, as JSON."""
    finals = list(finals)
    words = [word for final in finals for word in final.words]
    answer: dict[str, Any] = {
        "text": " ".join(text for final in finals if (text := _text(final.text, style)))
    }
    if style.words and words:
        answer["result"] = [
            {
                "conf": word.probability,
                "end": round(word.end / style.sample_rate, _DIGITS),
                "start": round(word.start / style.sample_rate, _DIGITS),
                "word": bare,
            }
            for word in words
            if (bare := bare_word(word.text))
        ]
    if style.alternatives:
        certainty = sum(word.probability for word in words) / len(words) if words else 1.0
        answer = {"alternatives": [{"confidence": round(certainty, _DIGITS), **answer}]}
    return _encode(answer).decode()


def _text(text: str, style: Style) -> str:
    return bare_text(text) if style.bare else text
