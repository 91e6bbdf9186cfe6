"""The HTTP application: every route of the service, and what it does besides answering."""

from collections.abc import Callable, Coroutine
from importlib.metadata import version
from typing import Any, Final

from fastapi import APIRouter, FastAPI

from service.dictation.routes import stream_route
from service.library.dictionary import dictionary_routes
from service.library.news import news_routes
from service.library.notes import note_routes
from service.library.preferences import preference_routes
from service.library.snippets import snippet_routes
from service.operations.health import Probe, health_routes
from service.operations.problem_json import RESPONSES, install_problem_answers
from service.parts import Parts


def _tell_of_changes(parts: Parts) -> Coroutine[Any, Any, None]:
    return parts.changes.run()


_ROUTERS: Final[tuple[Callable[[Parts], APIRouter], ...]] = (
    stream_route,
    note_routes,
    snippet_routes,
    dictionary_routes,
    preference_routes,
    news_routes,
)
"""One for each thing the product does."""

_BACKGROUND: Final[tuple[Callable[[Parts], Coroutine[Any, Any, None]], ...]] = (_tell_of_changes,)
"""What runs beside the routes until it is cancelled; each keeps itself alive through outages."""


def application(parts: Parts, *, recogniser_is_ready: Callable[[], bool]) -> FastAPI:
    """Make the application."""

    async def recogniser() -> bool:
        return recogniser_is_ready()

    async def is_open() -> bool:
        return not parts.sessions.is_draining

    app = FastAPI(title="AlfaVoice", version=version("alfavoice"), docs_url=None, redoc_url=None)
    install_problem_answers(app)
    probes: dict[str, Probe] = {
        "recogniser": recogniser,
        "store": parts.storage.postgres.is_alive,
        "draining": is_open,
    }
    app.include_router(health_routes(probes=probes, registry=parts.registry, version=app.version))
    for router in _ROUTERS:
        app.include_router(router(parts), responses=RESPONSES)
    return app


def background_work(parts: Parts) -> list[Coroutine[Any, Any, None]]:
    """Give the work to run as tasks, each until it is cancelled."""
    return [work(parts) for work in _BACKGROUND]
