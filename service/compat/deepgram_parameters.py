"""What a Deepgram client asks for in the query of `/v1/listen`: read, checked, nothing decided.

Parameters we do not know are ignored, as programs send many that only tune Deepgram's models. What
would make the audio unreadable, or promises something we do not do with it, is refused.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from starlette.datastructures import QueryParams

from service.compat.languages import session_language
from service.dictation.audio import OPUS_RATES_HZ
from service.problems import RequestRefused

MOST_TERMS: Final = 200
LONGEST_TERM: Final = 200
LEAST_RATE_HZ: Final = 8_000
MOST_RATE_HZ: Final = 48_000
_TRUE: Final = {"true", "1", "yes"}
_FALSE: Final = {"false", "0", "no", ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioParameters:
    """What the binary messages of a live stream carry."""

    encoding: Literal["linear16", "opus"]
    sample_rate: int  # hertz
    channels: int  # 1, or 2 which are mixed


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenParameters:
    """What is asked for, whatever the audio comes as."""

    language: str = "auto"  # ISO 639-1, or auto
    finished: bool = False
    """Whether the text has marks, capitals and numbers; without, it is bare words."""
    interim_results: bool = False
    vad_events: bool = False
    endpointing_ms: int | None = None
    """Silence that ends an utterance; None: as the server is set."""
    utterance_end_ms: int | None = None
    """Silence in the audio after which `UtteranceEnd` is sent; None: never."""
    utterances: bool = False
    """Whether an uploaded recording's answer also lists its utterances."""
    terms: tuple[str, ...] = ()


def listen_parameters(query: QueryParams) -> ListenParameters:
    """Read what is asked for.

    Raises:
        RequestRefused: `request.invalid`; a value is no value of its parameter, or names something
            we do not do.
    """
    if query.get("callback"):
        raise _refused("callback is not offered: the answer comes on this connection")
    return ListenParameters(
        language=_language(query),
        finished=any(_flag(query, name) for name in ("punctuate", "smart_format", "dictation")),
        interim_results=_flag(query, "interim_results"),
        vad_events=_flag(query, "vad_events"),
        endpointing_ms=_endpointing_ms(query),
        utterance_end_ms=_whole_number(query, "utterance_end_ms", (1, 60_000)),
        utterances=_flag(query, "utterances"),
        terms=_terms(query),
    )


def audio_parameters(query: QueryParams) -> AudioParameters:
    """Read what the binary messages of a live stream carry.

    Raises:
        RequestRefused: `request.invalid`; we cannot read such a stream.
    """
    encoding = query.get("encoding", "").lower()
    if not encoding:
        raise _refused(
            "streams in a container (WAV, Ogg, WebM) are not taken live: send raw audio and say so "
            "with encoding=linear16&sample_rate=16000"
        )
    if encoding not in ("linear16", "opus"):
        raise _refused("encoding is one of linear16, opus (one packet a message)")
    rate = _whole_number(query, "sample_rate", (LEAST_RATE_HZ, MOST_RATE_HZ))
    if rate is None:
        raise _refused("sample_rate is needed with encoding")
    if encoding == "opus" and rate not in OPUS_RATES_HZ:
        raise _refused(f"sample_rate of opus is one of {', '.join(map(str, OPUS_RATES_HZ))}")
    channels = _whole_number(query, "channels", (1, 2)) or 1
    if channels > 1 and (_flag(query, "multichannel") or encoding == "opus"):
        raise _refused("channels are mixed to one, of linear16: multichannel is not offered")
    return AudioParameters(
        encoding="opus" if encoding == "opus" else "linear16", sample_rate=rate, channels=channels
    )


def _language(query: QueryParams) -> str:
    if _flag(query, "detect_language"):
        return "auto"
    language = session_language(query.get("language", ""))
    if language is None:
        raise _refused("language is a code such as ru or en-US, or multi")
    return language


def _endpointing_ms(query: QueryParams) -> int | None:
    if query.get("endpointing", "").lower() in {*_TRUE, *_FALSE} - {"1"}:
        return None
    return _whole_number(query, "endpointing", (0, 60_000))


def _terms(query: QueryParams) -> tuple[str, ...]:
    """Give `keyterm` as it is and `keywords` without their weights (`слово:2.5`)."""
    keywords = (re.sub(r":-?[0-9.]*$", "", term) for term in query.getlist("keywords"))
    terms = [term.strip() for term in (*query.getlist("keyterm"), *keywords)]
    if len(terms) > MOST_TERMS or any(len(term) > LONGEST_TERM for term in terms):
        raise _refused(f"at most {MOST_TERMS} terms of {LONGEST_TERM} letters")
    return tuple(dict.fromkeys(term for term in terms if term))


def _flag(query: QueryParams, name: str) -> bool:
    value = query.get(name, "").lower()
    if value not in _TRUE | _FALSE:
        raise _refused(f"{name} is true or false")
    return value in _TRUE


def _whole_number(query: QueryParams, name: str, limits: tuple[int, int]) -> int | None:
    value = query.get(name)
    if value is None:
        return None
    least, most = limits
    if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
        raise _refused(f"{name} is a whole number from {least} to {most}")
    return int(value)


def _refused(reason: str) -> RequestRefused:
    return RequestRefused("request.invalid", reason, status=400)
