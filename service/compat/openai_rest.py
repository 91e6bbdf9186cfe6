"""OpenAI's REST interface for transcription: `/v1/audio/*` and `/v1/models`.

Programs that let their user name a server use it with this server's address and `/v1` as base URL.
Fields and events are those of the `openai` package, 3.54.0.
"""

from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.requests import ClientDisconnect

from service.accounts.principal import LOCAL_USER, Principal, Scope
from service.compat.openai_rest_answers import (
    Transcribed,
    Transcription,
    VerboseTranscription,
    plain,
    subtitles_of,
    verbose,
)
from service.compat.openai_rest_decoding import decoded
from service.compat.openai_rest_errors import RESPONSES, OpenAIRefused, OpenAIRoute
from service.compat.openai_rest_events import Told, TranscriptEvents
from service.compat.openai_rest_form import Form, read_form
from service.compat.openai_rest_models import Model, ModelList, check_model, model_list
from service.compat.openai_rest_parameters import FORMATS, GRANULARITIES, Asked, asked_in
from service.compat.openai_rest_transcribing import transcribe
from service.dictation.wire import Final as FinalMessage
from service.operations.attending import attended
from service.parts import Parts

_BUSY_RETRY_S: Final = 5
_GONE_STATUS: Final = 499
"""Nginx's number for a client that closed the connection; nobody reads it."""
_FORM: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file", "model"],
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "model": {"type": "string"},
                    "language": {"type": "string"},
                    "prompt": {"type": "string"},
                    "keywords[]": {"type": "array", "items": {"type": "string"}},
                    "response_format": {"type": "string", "enum": list(FORMATS)},
                    "temperature": {"type": "number", "minimum": 0, "maximum": 1},
                    "timestamp_granularities[]": {
                        "type": "array",
                        "items": {"type": "string", "enum": list(GRANULARITIES)},
                    },
                    "include[]": {"type": "array", "items": {"type": "string"}},
                    "stream": {"type": "boolean"},
                },
            }
        }
    },
}
_TEXT: Final = {"schema": {"type": "string"}}
_TRANSCRIPTION: Final[dict[str, Any]] = {
    "description": "What was said, in the form of `response_format`; events with `stream`.",
    "model": VerboseTranscription | Transcription,
    "content": {"text/plain": _TEXT, "text/event-stream": _TEXT},
}


def openai_rest_routes(parts: Parts) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1", tags=["OpenAI"], route_class=OpenAIRoute)
    dictating = parts.gate.needs(Scope.DICTATE)
    uploads = _Uploads(parts.settings.max_uploads)

    @router.post(
        "/audio/transcriptions",
        response_model=None,
        responses={**RESPONSES, 200: _TRANSCRIPTION},
        openapi_extra={"requestBody": _FORM},
    )
    async def create_transcription(
        request: Request, principal: Annotated[Principal, dictating]
    ) -> Response:
        """Turn a file of speech into text."""
        try:
            return await _transcription(parts, principal, request, uploads)
        except ClientDisconnect:
            return Response(status_code=_GONE_STATUS)

    @router.post("/audio/translations", responses={**RESPONSES}, response_model=None)
    async def create_translation(principal: Annotated[Principal, dictating]) -> Response:
        """Refuse: this server writes what was said, in the language it was said in."""
        raise OpenAIRefused(
            "unsupported_endpoint",
            "this server does not translate; POST /v1/audio/transcriptions writes what was said",
            status=404,
        )

    @router.get("/models", response_model_exclude_none=True, responses={**RESPONSES})
    async def list_models(principal: Annotated[Principal, dictating]) -> ModelList:
        """List the names a request may give as its model."""
        return model_list(parts.engines())

    @router.get("/models/{model}", response_model_exclude_none=True, responses={**RESPONSES})
    async def retrieve_model(
        model: Annotated[str, Path(max_length=200)], principal: Annotated[Principal, dictating]
    ) -> Model:
        """Say whether a name means something here."""
        known = {each.id: each for each in model_list(parts.engines()).data}
        return known[check_model(parts, model)]

    return router


async def _transcription(
    parts: Parts, principal: Principal, request: Request, uploads: "_Uploads"
) -> Response:
    max_bytes = parts.settings.max_upload_mb * 1024 * 1024
    async with AsyncExitStack() as held:
        held.enter_context(uploads.one(principal.user))
        form = await held.enter_async_context(read_form(request, max_bytes=max_bytes))
        asked = asked_in(form, parts)

        def work(told: Told) -> Coroutine[Any, Any, Transcribed]:
            return _transcribed(parts, principal, form, asked, told)

        if asked.stream:
            return TranscriptEvents(work, logprobs=asked.logprobs, held=held.pop_all())
        return _answer(asked, await attended(request.receive, work(_tell_nobody)))


async def _transcribed(
    parts: Parts, principal: Principal, form: Form, asked: Asked, told: Told
) -> Transcribed:
    if form.file is None:
        raise OpenAIRefused("missing_required_parameter", "send the audio as `file`", param="file")
    if not form.file.size:
        raise OpenAIRefused("audio_too_short", "the file is empty", param="file")
    async with decoded(form.file, most_s=parts.limits.max_session_s) as pcm:
        return await transcribe(parts, principal, asked, pcm, told)


async def _tell_nobody(_: FinalMessage) -> None:
    pass


def _answer(asked: Asked, said: Transcribed) -> Response:
    match asked.response_format:
        case "json":
            body = plain(said, logprobs=asked.logprobs)
            return JSONResponse(body.model_dump(exclude_none=True))
        case "verbose_json":
            times = verbose(said, segments=asked.segments, words=asked.words)
            return JSONResponse(times.model_dump(exclude_none=True))
        case "text":
            return PlainTextResponse(f"{said.text}\n")
        case "srt" | "vtt" as kind:
            return PlainTextResponse(subtitles_of(said, kind))


class _Uploads:
    """Bounds the uploads under way: each has a file on disk and a decoder process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._under_way: Counter[UUID] = Counter()

    @contextmanager
    def one(self, user: UUID) -> Iterator[None]:
        """Count one; of people who sign in nobody has more than a quarter of all.

        Raises:
            OpenAIRefused: `rate_limit_exceeded`.
        """
        own_limit = self._limit if user == LOCAL_USER else max(1, self._limit // 4)
        if self._under_way.total() >= self._limit or self._under_way[user] >= own_limit:
            raise OpenAIRefused(
                "rate_limit_exceeded",
                "too many files at once; try again in a few seconds",
                status=429,
                retry_after_s=_BUSY_RETRY_S,
            )
        self._under_way[user] += 1
        try:
            yield
        finally:
            self._under_way[user] -= 1
            if not self._under_way[user]:
                del self._under_way[user]
