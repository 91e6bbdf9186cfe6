"""The route of texts that nobody speaks: `POST /v1/text`."""

from collections import Counter
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter

from service.accounts.principal import Principal, Scope
from service.finishing.messages import FinishedText, TextRequest, as_asked, told
from service.parts import Parts
from service.problems import RequestRefused
from workers.contract.texts import FinishingFailed, Text

MOST_AT_ONCE: Final = 4
"""Texts of one person under way: the next is refused, so that nobody takes all the room there is."""
_RETRY_S: Final = 2


def text_routes(parts: Parts) -> APIRouter:
    """Make the router with `/v1/text`."""
    router = APIRouter(tags=["text"])
    dictating = parts.gate.needs(Scope.DICTATE)
    under_way: Counter[UUID] = Counter()

    @router.post("/v1/text")
    async def finish_text(
        principal: Annotated[Principal, dictating], asked: TextRequest
    ) -> FinishedText:
        """Finish a text as if it had been dictated, and tell what each step did. Nothing is stored."""
        if under_way[principal.user] >= MOST_AT_ONCE:
            raise RequestRefused(
                "text.too_many",
                f"{MOST_AT_ONCE} texts are being finished: wait for one of them",
                status=429,
                retry_after_s=_RETRY_S,
            )
        under_way[principal.user] += 1
        try:
            return await finished(principal, asked)
        finally:
            under_way[principal.user] -= 1
            if not under_way[principal.user]:
                del under_way[principal.user]

    async def finished(principal: Principal, asked: TextRequest) -> FinishedText:
        personal = await parts.wishes.of(principal.user, language=asked.language, app=asked.app)
        text = Text(
            text=asked.text,
            language=asked.language,
            finishing=as_asked(personal.finishing, steps=asked.steps, style=asked.style),
        )
        try:
            (done,) = await parts.texts.finish([text])
        except FinishingFailed as exc:
            raise RequestRefused(
                "text.failed",
                "the text could not be finished now: try again",
                status=503,
                retry_after_s=_RETRY_S,
            ) from exc
        return told(done, parts.texts.punctuator)

    return router
