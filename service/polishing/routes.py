"""The routes of polishing: `/v1/polish` says where texts would go, and has one rewritten.

Whatever goes wrong with the model, whoever asked has their text: the answer is 200 with the text as
it was and the reason.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final, Literal

from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from service.accounts.principal import Principal, Scope
from service.language import Language as Voice
from service.library.fields import Language, Line, Text
from service.operations.attending import attended
from service.parts import Parts
from service.polishing.endpoint import Endpoint, endpoint_of
from service.polishing.instructions import Instruction
from service.polishing.model import Model
from service.polishing.outcomes import Outcome
from service.polishing.polisher import Polisher, PolishMetrics
from service.problems import RequestRefused
from service.settings import MOST_POLISH_LETTERS, Settings

_LONGEST_WISH: Final = 500
"""Letters of a person's own words: a sentence or two, not a conversation."""
_LETTER_BYTES: Final = 12
"""A letter beyond the basic plane, escaped in JSON as two surrogates."""
_MOST_TIMES: Final = 8
"""An answer's JSON to the text it rewrites: four times the letters, and the thoughts of models that reason."""
_LEAST_BYTES: Final = 256 * 1024
_GONE_STATUS: Final = 499
"""Nginx's number for a client that closed the connection; nobody reads it."""


def _has_words(text: str) -> str:
    if not text.strip():
        raise ValueError("nothing but blanks")
    return text


class Title(BaseModel):
    """What a wish is called."""

    ru: str
    en: str


class InstructionView(BaseModel):
    """A wish that has a name."""

    name: Instruction
    title: Title


class Polishing(BaseModel):
    """Whether texts can be rewritten here, and where they would go."""

    is_on: bool
    host: str | None = None
    """`scheme://host:port` of the model's server."""
    model: str | None = None
    """None: whichever that server has."""
    is_on_this_machine: bool | None = None
    """Whether the text stays on the machine of this server."""
    timeout_s: float | None = None
    """After that the text comes back as it was."""
    max_letters: int | None = None
    """Of a text."""
    max_instruction_letters: int | None = None
    instructions: list[InstructionView] = []


class PolishRequest(BaseModel):
    """A text and what is to become of it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Annotated[
        Text, Field(min_length=1, max_length=MOST_POLISH_LETTERS), AfterValidator(_has_words)
    ]
    instruction: Annotated[Line, Field(max_length=_LONGEST_WISH)]
    """The name of a wish, or one's own words."""
    language: Language | None = None
    """Of the text; none: seen by its letters."""


class PolishedText(BaseModel):
    """The text that came of it."""

    text: str
    """Rewritten, or exactly as it was sent."""
    is_polished: bool
    reason: (
        Literal[
            "busy",
            "timed_out",
            "unreachable",
            "refused",
            "unreadable",
            "empty",
            "cut_short",
            "too_long",
            "too_short",
            "chatting",
            "control_tokens",
        ]
        | None
    ) = None
    """Why the text is as it was."""


def polish_routes(parts: Parts) -> APIRouter:
    """Make the router with `/v1/polish`.

    Raises:
        SetUpError: the operator named an endpoint that cannot be used.
    """
    settings, endpoint = parts.settings, endpoint_of(parts.settings)
    dictating = parts.gate.needs(Scope.DICTATE)
    model = None if endpoint is None else _model(endpoint, settings)
    polisher: Polisher | None = None
    if endpoint is not None and model is not None:
        polisher = Polisher(
            model,
            name=endpoint.model,
            at_once=settings.polish_at_once,
            metrics=PolishMetrics(parts.registry),
            clock=parts.clock,
        )
    told = _told(endpoint, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if model is None:
            yield
            return
        async with model:
            yield

    router = APIRouter(tags=["polishing"], lifespan=lifespan)

    @router.get("/v1/polish")
    async def describe_polishing(principal: Annotated[Principal, dictating]) -> Polishing:
        """Say whether texts can be rewritten by a language model here, and where they would go."""
        return told

    @router.post("/v1/polish", response_model=PolishedText)
    async def polish_text(
        request: Request, principal: Annotated[Principal, dictating], asked: PolishRequest
    ) -> Response | PolishedText:
        """Have a text rewritten; where that does not work out it comes back as it was, with the reason."""
        if polisher is None:
            raise RequestRefused(
                "polish.off",
                "no language model is set up on this server; its operator can (docs/polishing.md)",
                status=409,
            )
        if len(asked.text) > settings.polish_max_letters:
            raise RequestRefused(
                "polish.too_long",
                f"texts of at most {settings.polish_max_letters} letters are rewritten here",
                status=422,
            )
        work = polisher.polish(
            principal.user, asked.text, asked.instruction, language=asked.language
        )
        try:
            polished = await attended(request.receive, work)
        except ClientDisconnect:
            return Response(status_code=_GONE_STATUS)
        is_polished = polished.outcome is Outcome.POLISHED
        return PolishedText.model_validate(
            {
                "text": polished.text,
                "is_polished": is_polished,
                "reason": None if is_polished else polished.outcome.value,
            }
        )

    return router


def _model(endpoint: Endpoint, settings: Settings) -> Model:
    letters = settings.polish_max_letters
    return Model(
        endpoint,
        timeout_s=settings.polish_timeout_s,
        at_once=settings.polish_at_once,
        most_bytes=max(_LEAST_BYTES, _MOST_TIMES * _LETTER_BYTES * letters),
    )


def _told(endpoint: Endpoint | None, settings: Settings) -> Polishing:
    if endpoint is None:
        return Polishing(is_on=False)
    russian, english = Voice("ru"), Voice("en")
    titles = {
        name: Title(ru=russian.text(f"polish.{name}"), en=english.text(f"polish.{name}"))
        for name in Instruction
    }
    return Polishing(
        is_on=True,
        host=endpoint.origin,
        model=endpoint.model,
        is_on_this_machine=endpoint.is_on_this_machine,
        timeout_s=settings.polish_timeout_s,
        max_letters=settings.polish_max_letters,
        max_instruction_letters=_LONGEST_WISH,
        instructions=[InstructionView(name=name, title=title) for name, title in titles.items()],
    )
