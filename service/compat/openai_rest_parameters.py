"""What a transcription request asks for, checked."""

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from service.compat.openai_rest_errors import OpenAIRefused
from service.compat.openai_rest_form import Form
from service.compat.openai_rest_hints import language_code, terms_of
from service.compat.openai_rest_models import check_model
from service.parts import Parts

ResponseFormat = Literal["json", "text", "srt", "verbose_json", "vtt"]
FORMATS: Final[tuple[ResponseFormat, ...]] = ("json", "text", "srt", "verbose_json", "vtt")
GRANULARITIES: Final[tuple[Literal["word", "segment"], ...]] = ("word", "segment")
INCLUDES: Final[tuple[Literal["logprobs"], ...]] = ("logprobs",)
_STREAMED: Final[tuple[ResponseFormat, ...]] = ("json", "text")
_TRUE: Final = ("true", "True", "1")
_FALSE: Final = (None, "false", "False", "0")
_OneOf = TypeVar("_OneOf", bound=str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that makes sense."""

    language: str
    """ISO 639-1, or `auto`."""
    terms: list[str]
    response_format: ResponseFormat
    words: bool
    """Whether `words` are wanted in a verbose answer."""
    segments: bool
    logprobs: bool
    stream: bool

    @property
    def wants_word_times(self) -> bool:
        """Whether the recogniser has to find them: they cost it time."""
        return self.logprobs or self.response_format in ("srt", "vtt", "verbose_json")


def asked_in(form: Form, parts: Parts) -> Asked:
    """Check a form.

    `temperature` is checked and has no effect: the decoder raises its own where it must. What this
    server does not know of is ignored.

    Raises:
        OpenAIRefused: naming the field that is wrong.
    """
    check_model(parts, form.one("model"))
    named = form.one("response_format") or "json"
    response_format = _one_of(named, FORMATS, "response_format")
    granularities = [
        _one_of(one, GRANULARITIES, "timestamp_granularities")
        for one in form.all("timestamp_granularities")
    ] or ["segment"]
    if form.all("timestamp_granularities") and response_format != "verbose_json":
        raise _invalid("timestamp_granularities", "goes with response_format=verbose_json only")
    includes = [_one_of(one, INCLUDES, "include") for one in form.all("include")]
    if includes and response_format != "json":
        raise _invalid("include", "logprobs go with response_format=json only")
    stream = _flag(form.one("stream"), "stream")
    if stream and response_format not in _STREAMED:
        raise _invalid("stream", "goes with response_format json or text only")
    _check_temperature(form.one("temperature"))
    return Asked(
        language=language_code(form.one("language"), param="language"),
        terms=terms_of(form.one("prompt"), form.all("keywords")),
        response_format=response_format,
        words="word" in granularities,
        segments="segment" in granularities,
        logprobs=bool(includes),
        stream=stream,
    )


def _one_of(value: str, allowed: tuple[_OneOf, ...], param: str) -> _OneOf:
    for one in allowed:
        if one == value:
            return one
    raise _invalid(param, f"is one of {', '.join(allowed)}")


def _flag(value: str | None, param: str) -> bool:
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise _invalid(param, "is true or false")


def _check_temperature(value: str | None) -> None:
    try:
        temperature = float(value or 0)
    except ValueError:
        temperature = math.nan
    if not 0 <= temperature <= 1:
        raise _invalid("temperature", "is a number from 0 to 1")


def _invalid(param: str, rule: str) -> OpenAIRefused:
    return OpenAIRefused("invalid_value", f"{param} {rule}", param=param)
