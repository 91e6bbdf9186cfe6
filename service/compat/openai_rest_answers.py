"""A transcription in every form OpenAI's clients may ask for.

Utterances are the segments. What belongs to OpenAI's own decoder and not to ours is given as
nothing: `tokens` is empty, `temperature` 0, `no_speech_prob` 0 (silence is never transcribed).
"""

import json
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import BaseModel

from service.dictation.composition import composed
from service.dictation.wire import Final as FinalMessage
from service.dictation.wire import WordTime
from service.formats.documents import Written, as_srt, as_vtt
from workers.contract.audio import SAMPLE_RATE_HZ

AUDIO_TOKENS_PER_S: Final = 50
"""Whisper's encoder gives a position every 20 ms (Radford et al. 2022, section 2.2)."""
_SEEK_HZ: Final = 100
"""`seek` counts Whisper's frames of 10 ms."""
_LEAST_PROBABILITY: Final = 1e-6


class DurationUsage(BaseModel):
    """What was used, in seconds of audio."""

    type: Literal["duration"] = "duration"
    seconds: float


class TokenUsage(BaseModel):
    """What was used: encoder positions of 20 ms in, words out."""

    type: Literal["tokens"] = "tokens"
    input_tokens: int
    output_tokens: int
    total_tokens: int


class Logprob(BaseModel):
    """How sure the recogniser is of a word."""

    token: str
    bytes: list[int]
    """Of the word in UTF-8."""
    logprob: float
    """Natural logarithm."""


class Transcription(BaseModel):
    """`response_format=json`."""

    text: str
    logprobs: list[Logprob] | None = None
    usage: DurationUsage


class TranscribedWord(BaseModel):
    """A word and its time in seconds."""

    word: str
    start: float
    end: float


class TranscribedSegment(BaseModel):
    """An utterance; times in seconds."""

    id: int
    seek: int
    start: float
    end: float
    text: str
    tokens: list[int]
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float


class VerboseTranscription(BaseModel):
    """`response_format=verbose_json`."""

    task: Literal["transcribe"] = "transcribe"
    language: str
    """ISO 639-1 code."""
    duration: float
    text: str
    segments: list[TranscribedSegment] | None = None
    words: list[TranscribedWord] | None = None
    usage: DurationUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcribed:
    """What was said in a file; positions in 16 kHz samples."""

    finals: Sequence[FinalMessage]
    audio_s: float
    language: str
    """As asked for: a code, or `auto`."""

    @property
    def text(self) -> str:
        """All of it."""
        return composed(self.finals)

    @property
    def spoken_language(self) -> str:
        """The language as named, else as heard first; empty when nobody spoke."""
        if self.language != "auto":
            return self.language
        return next((final.language for final in self.finals if final.text), "")


def plain(said: Transcribed, *, logprobs: bool) -> Transcription:
    """Give the text and little else."""
    words = [word for final in said.finals for word in final.words]
    return Transcription(
        text=said.text,
        logprobs=[logprob_of(word) for word in words] if logprobs else None,
        usage=usage_of(said),
    )


def verbose(said: Transcribed, *, segments: bool, words: bool) -> VerboseTranscription:
    """Give the text with times."""
    spoken = [final for final in said.finals if final.text]
    return VerboseTranscription(
        language=said.spoken_language,
        duration=round(said.audio_s, 3),
        text=said.text,
        segments=[_segment(number, one) for number, one in enumerate(spoken)] if segments else None,
        words=[_word(word) for final in spoken for word in final.words] if words else None,
        usage=usage_of(said),
    )


def subtitles_of(said: Transcribed, kind: Literal["srt", "vtt"]) -> str:
    """Give the text as subtitles."""
    written = Written(
        finals=said.finals, sample_rate=SAMPLE_RATE_HZ, audio_s=said.audio_s, source=""
    )
    return as_srt(written) if kind == "srt" else as_vtt(written)


def delta_event(text: str, *, logprobs: Sequence[WordTime] | None) -> bytes:
    """Give the next text as a server-sent event."""
    event: dict[str, Any] = {"type": "transcript.text.delta", "delta": text}
    if logprobs is not None:
        event["logprobs"] = [logprob_of(word).model_dump() for word in logprobs]
    return sent_event(event)


def done_event(said: Transcribed, *, logprobs: bool) -> bytes:
    """Give the whole text as the last server-sent event."""
    heard = round(said.audio_s * AUDIO_TOKENS_PER_S)
    written = len(said.text.split())
    usage = TokenUsage(input_tokens=heard, output_tokens=written, total_tokens=heard + written)
    event: dict[str, Any] = {"type": "transcript.text.done", "text": said.text}
    if logprobs:
        words = [word for final in said.finals for word in final.words]
        event["logprobs"] = [logprob_of(word).model_dump() for word in words]
    return sent_event({**event, "usage": usage.model_dump()})


def sent_event(event: dict[str, Any]) -> bytes:
    """Give one server-sent event."""
    return f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode()


def usage_of(said: Transcribed) -> DurationUsage:
    """Say how much audio it was."""
    return DurationUsage(seconds=round(said.audio_s, 3))


def logprob_of(word: WordTime) -> Logprob:
    """Say how sure the recogniser is of a word."""
    return Logprob(token=word.text, bytes=list(word.text.encode()), logprob=_log(word.probability))


def _segment(number: int, final: FinalMessage) -> TranscribedSegment:
    text = final.text.encode()
    sure = [_log(word.probability) for word in final.words]
    return TranscribedSegment(
        id=number,
        seek=final.start * _SEEK_HZ // SAMPLE_RATE_HZ,
        start=_seconds(final.start),
        end=_seconds(final.end),
        text=final.text,
        tokens=[],
        temperature=0.0,
        avg_logprob=round(sum(sure) / len(sure), 4) if sure else 0.0,
        # As Whisper computes it (its `utils.py`, `compression_ratio`).
        compression_ratio=round(len(text) / len(zlib.compress(text)), 4),
        no_speech_prob=0.0,
    )


def _word(word: WordTime) -> TranscribedWord:
    return TranscribedWord(word=word.text, start=_seconds(word.start), end=_seconds(word.end))


def _seconds(samples: int) -> float:
    return round(samples / SAMPLE_RATE_HZ, 3)


def _log(probability: float) -> float:
    return round(math.log(max(probability, _LEAST_PROBABILITY)), 4)
