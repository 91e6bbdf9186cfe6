"""What a realtime client sets: the transcription session, in today's form and in the older one.

    today   session.update {session: {type: transcription, audio: {input: {format, transcription,
            turn_detection}}, include}}
    older   transcription_session.update {session: {input_audio_format, input_audio_transcription,
            turn_detection, include}}

Names are those of `openai.types.realtime` and `openai.types.beta.realtime` (3.54.0). Only what a
message has is changed. Fields this server has no use for (noise reduction, delay, …) are ignored.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from service.compat.openai_rest_errors import OpenAIRefused
from service.compat.openai_rest_hints import language_code, terms_of
from service.dictation.endpointing import ONSET_PROBABILITY
from service.dictation.options import Manner

SESSION: Final = "session"
"""What settings are addressed by in OpenAI's events; apart from the rest, as our own codes begin so."""
RATE_HZ: Final = 24_000
"""Of `audio/pcm` as OpenAI has it."""
LOGPROBS: Final = "item.input_audio_transcription.logprobs"
DEFAULT_MODEL: Final = "gpt-4o-transcribe"
_EAGER_SILENCE_MS: Final = {"low": 2000, "medium": None, "auto": None, "high": 500}
"""`semantic_vad` by its eagerness: nothing here understands whether a sentence is complete, so
eagerness is the silence that ends one; None: as the server is set."""
_PREFIX_MS: Final = 300

Name = Annotated[str, Meta(max_length=200)]
Prompt = Annotated[str, Meta(max_length=20_000)]


class ServerVad(msgspec.Struct, frozen=True, kw_only=True, tag="server_vad"):
    """Utterances end by themselves, after a silence."""

    threshold: Annotated[float, Meta(ge=0, le=1)] | None = None
    prefix_padding_ms: Annotated[int, Meta(ge=0, le=60_000)] | None = None
    silence_duration_ms: Annotated[int, Meta(ge=0, le=60_000)] | None = None


class SemanticVad(msgspec.Struct, frozen=True, kw_only=True, tag="semantic_vad"):
    """Utterances end by themselves, sooner or later."""

    eagerness: Literal["low", "medium", "high", "auto"] | None = None


class Pcm(msgspec.Struct, frozen=True, kw_only=True, tag="audio/pcm"):
    """PCM16 little-endian, mono."""

    rate: Annotated[int, Meta(ge=8_000, le=48_000)] | None = None


class Pcmu(msgspec.Struct, frozen=True, kw_only=True, tag="audio/pcmu"):
    """G.711 µ-law, which is refused."""


class Pcma(msgspec.Struct, frozen=True, kw_only=True, tag="audio/pcma"):
    """G.711 A-law, which is refused."""


class Transcription(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the speech."""

    model: Name | None = None
    language: Name | None = None
    prompt: Prompt | None = None
    keywords: Annotated[list[Name], Meta(max_length=200)] | None = None


class AudioInput(msgspec.Struct, frozen=True, kw_only=True):
    """The audio that comes in."""

    format: Pcm | Pcmu | Pcma | UnsetType | None = UNSET
    transcription: Transcription | UnsetType | None = UNSET
    turn_detection: ServerVad | SemanticVad | UnsetType | None = UNSET


class Audio(msgspec.Struct, frozen=True, kw_only=True):
    """The audio of a session."""

    input: AudioInput | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Of `session.update`."""

    type: Literal["transcription", "realtime"] = "transcription"
    audio: Audio | None = None
    include: Annotated[list[Name], Meta(max_length=20)] | UnsetType | None = UNSET


class OlderSession(msgspec.Struct, frozen=True, kw_only=True):
    """Of `transcription_session.update`."""

    input_audio_format: Literal["pcm16", "g711_ulaw", "g711_alaw"] | UnsetType = UNSET
    input_audio_transcription: Transcription | UnsetType | None = UNSET
    turn_detection: ServerVad | SemanticVad | UnsetType | None = UNSET
    include: Annotated[list[Name], Meta(max_length=20)] | UnsetType | None = UNSET


_UNKNOWN: Final = Transcription(model=DEFAULT_MODEL)
_BY_ITSELF: Final = ServerVad()


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeSettings:
    """What is in force."""

    silence_ms: int
    """Silence that ends a turn where the client names none."""
    rate_hz: int = RATE_HZ
    transcription: Transcription = _UNKNOWN
    turns: ServerVad | SemanticVad | None = _BY_ITSELF
    """None: the client says where a turn ends."""
    logprobs: bool = False

    @property
    def language(self) -> str:
        """ISO 639-1, or `auto`."""
        return language_code(self.transcription.language or None, param=_LANGUAGE)

    @property
    def terms(self) -> list[str]:
        """Hints to the recogniser."""
        return terms_of(self.transcription.prompt, self.transcription.keywords or ())

    @property
    def manner(self) -> Manner:
        """How a session of ours behaves under these settings."""
        match self.turns:
            case ServerVad(threshold=threshold, prefix_padding_ms=prefix_ms):
                return Manner(
                    endpoint_silence_ms=self.turns.silence_duration_ms,
                    onset_probability=ONSET_PROBABILITY if threshold is None else threshold,
                    pre_roll_ms=_PREFIX_MS if prefix_ms is None else prefix_ms,
                    tells_speech=True,
                    ends_when_draining=True,
                    takes_back=False,
                )
            case SemanticVad(eagerness=eagerness):
                silence_ms = _EAGER_SILENCE_MS[eagerness or "auto"]
                return Manner(
                    endpoint_silence_ms=silence_ms,
                    tells_speech=True,
                    ends_when_draining=True,
                    takes_back=False,
                )
            case None:
                return Manner(ends_when_draining=True, takes_back=False)

    def updated(self, session: Session) -> "RealtimeSettings":
        """Give the settings after `session.update`.

        Raises:
            OpenAIRefused: it asks for what this server does not do; nothing is changed.
        """
        if session.type != "transcription":
            raise OpenAIRefused(
                "unsupported_session",
                "this server transcribes: the session's type must be transcription",
                param=f"{SESSION}.type",
            )
        given = (session.audio and session.audio.input) or AudioInput()
        rate_hz = self.rate_hz
        if isinstance(given.format, Pcmu | Pcma):
            raise _unsupported_format("session.audio.input.format")
        if isinstance(given.format, Pcm):
            rate_hz = given.format.rate or RATE_HZ
        return self._with(given.transcription, given.turn_detection, session.include, rate_hz)

    def updated_by_older(self, session: OlderSession) -> "RealtimeSettings":
        """Give the settings after `transcription_session.update`.

        Raises:
            OpenAIRefused: it asks for what this server does not do; nothing is changed.
        """
        if session.input_audio_format not in ("pcm16", UNSET):
            raise _unsupported_format(f"{SESSION}.input_audio_format")
        return self._with(
            session.input_audio_transcription,
            session.turn_detection,
            session.include,
            self.rate_hz,
        )

    def _with(
        self,
        transcription: Transcription | UnsetType | None,
        turns: ServerVad | SemanticVad | UnsetType | None,
        include: list[str] | UnsetType | None,
        rate_hz: int,
    ) -> "RealtimeSettings":
        changed = replace(self, rate_hz=rate_hz)
        if transcription is not UNSET:
            spoken = transcription or Transcription()
            if spoken.model is None:
                spoken = msgspec.structs.replace(spoken, model=self.transcription.model)
            changed = replace(changed, transcription=spoken)
        if turns is not UNSET:
            changed = replace(changed, turns=turns)
        if include is not UNSET:
            changed = replace(changed, logprobs=LOGPROBS in (include or ()))
        changed.language  # noqa: B018 - refuses what is no language
        return changed

    def told(self, session_id: str) -> dict[str, Any]:
        """Give the session as `session.created` and `session.updated` have it."""
        return {
            "id": session_id,
            "object": "realtime.transcription_session",
            "type": "transcription",
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": self.rate_hz},
                    "transcription": self._transcription(),
                    "noise_reduction": None,
                    "turn_detection": self._turns(),
                }
            },
            "include": [LOGPROBS] if self.logprobs else None,
        }

    def told_as_older(self, session_id: str) -> dict[str, Any]:
        """Give the session as `transcription_session.updated` has it."""
        return {
            "id": session_id,
            "object": "realtime.transcription_session",
            "input_audio_format": "pcm16",
            "input_audio_transcription": self._transcription(),
            "input_audio_noise_reduction": None,
            "turn_detection": self._turns(),
            "include": [LOGPROBS] if self.logprobs else None,
        }

    def _transcription(self) -> dict[str, Any]:
        known = self.transcription
        return {
            "model": known.model,
            "language": known.language,
            "prompt": known.prompt or "",
            **({"keywords": known.keywords} if known.keywords else {}),
        }

    def _turns(self) -> dict[str, Any] | None:
        match self.turns:
            case ServerVad(
                threshold=threshold, prefix_padding_ms=prefix_ms, silence_duration_ms=silence_ms
            ):
                return {
                    "type": "server_vad",
                    "threshold": ONSET_PROBABILITY if threshold is None else threshold,
                    "prefix_padding_ms": _PREFIX_MS if prefix_ms is None else prefix_ms,
                    "silence_duration_ms": self.silence_ms if silence_ms is None else silence_ms,
                }
            case SemanticVad(eagerness=eagerness):
                return {"type": "semantic_vad", "eagerness": eagerness or "auto"}
            case None:
                return None


_LANGUAGE: Final = "session.audio.input.transcription.language"


def _unsupported_format(param: str) -> OpenAIRefused:
    return OpenAIRefused(
        "unsupported_format", "send audio/pcm: G.711 is not taken by this server", param=param
    )
