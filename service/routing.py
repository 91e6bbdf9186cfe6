"""The HTTP application: every route of the service, and what it does besides answering."""

from collections.abc import Callable, Coroutine
from importlib.metadata import version
from typing import Any, Final

from fastapi import APIRouter, FastAPI

from service.accounts.account_routes import account_routes
from service.accounts.admin_routes import admin_routes
from service.accounts.auth_routes import auth_routes, welcome_page
from service.accounts.upkeep import close_lost_sockets, keep_accounts
from service.compat.deepgram import listen_route
from service.compat.openai_realtime import openai_realtime_routes
from service.compat.openai_rest import openai_rest_routes
from service.compat.vosk import vosk_route
from service.compat.vosk_port import serve_vosk_port
from service.compat.wyoming_port import serve_wyoming
from service.dictation.routes import stream_route
from service.finishing.routes import text_routes
from service.library.archive import archive_routes
from service.library.dictionary import dictionary_routes
from service.library.dictionary_files import dictionary_file_routes
from service.library.history import history_routes
from service.library.history_upkeep import keep_history
from service.library.news import news_routes
from service.library.notes import note_routes
from service.library.preferences import preference_routes
from service.library.snippets import snippet_routes
from service.library.sync import forget_old_tombstones, sync_routes
from service.operations.bodies import KIB, MIB, BodyLimit
from service.operations.documents import document_routes
from service.operations.front_page import front_page
from service.operations.health import Probe, health_routes
from service.operations.problem_json import RESPONSES, install_problem_answers
from service.operations.updates import update_routes
from service.operations.web_app import read_web, shipped_web, web_app
from service.parts import Parts
from service.polishing.routes import polish_routes
from service.recordings.opening import work_on_recordings
from service.recordings.recording import MAX_CHUNK_BYTES
from service.recordings.routes import recording_routes


def _tell_of_changes(parts: Parts) -> Coroutine[Any, Any, None]:
    return parts.changes.run()


_ROUTERS: Final[tuple[Callable[[Parts], APIRouter], ...]] = (
    auth_routes,
    account_routes,
    admin_routes,
    welcome_page,
    stream_route,
    listen_route,
    vosk_route,
    openai_rest_routes,
    openai_realtime_routes,
    history_routes,
    note_routes,
    snippet_routes,
    dictionary_file_routes,
    dictionary_routes,
    preference_routes,
    news_routes,
    sync_routes,
    archive_routes,
    recording_routes,
    text_routes,
    polish_routes,
    update_routes,
    document_routes,
)
"""One for each thing the product does."""

_BACKGROUND: Final[tuple[Callable[[Parts], Coroutine[Any, Any, None]], ...]] = (
    keep_accounts,
    close_lost_sockets,
    _tell_of_changes,
    forget_old_tombstones,
    keep_history,
    work_on_recordings,
    serve_wyoming,
    serve_vosk_port,
)
"""What runs beside the routes until it is cancelled; each keeps itself alive through outages."""

_BODY: Final = 64 * KIB
_BODY_LIMITS: Final = {
    "/v1/admin/": 256 * KIB,
    "/v1/archive": None,
    "/v1/audio": None,
    "/v1/dictionary": 80 * KIB,
    "/v1/dictionary/import": None,
    "/v1/history": 4 * MIB,
    "/v1/notes": 700 * KIB,
    "/v1/polish": 256 * KIB,
    "/v1/preferences": 256 * KIB,
    "/v1/recordings": MAX_CHUNK_BYTES,
    "/v1/snippets": 80 * KIB,
    "/v1/sync": 16 * MIB,
    "/v1/text": 700 * KIB,
}
"""Bytes; None: the route reads piece by piece and limits itself. News are the longest thing an operator
writes, an edited text of four hours (escaped, 6 bytes a letter) the longest of a person."""


def application(parts: Parts, *, recogniser_is_ready: Callable[[], bool]) -> FastAPI:
    """Make the application."""

    async def recogniser() -> bool:
        return recogniser_is_ready()

    async def is_open() -> bool:
        return not parts.sessions.is_draining

    app = FastAPI(title="AlfaVoice", version=version("alfavoice"), docs_url=None, redoc_url=None)
    install_problem_answers(app, parts.registry)
    app.add_middleware(
        BodyLimit,
        otherwise=_BODY,
        limits=_BODY_LIMITS,
        identify=parts.accounts.authenticator.identify,
    )
    probes: dict[str, Probe] = {
        "recogniser": recogniser,
        "store": parts.storage.postgres.is_alive,
        "draining": is_open,
    }
    app.include_router(health_routes(probes=probes, registry=parts.registry, version=app.version))
    web = read_web(parts.settings.web or shipped_web())
    app.include_router(front_page(probes, app.version) if web is None else web_app(web))
    for router in _ROUTERS:
        app.include_router(router(parts), responses=RESPONSES)
    return app


def background_work(parts: Parts) -> list[Coroutine[Any, Any, None]]:
    """Give the work to run as tasks, each until it is cancelled."""
    return [work(parts) for work in _BACKGROUND]
