"""`/`: what somebody sees who opens the address that the server printed."""

from collections.abc import Mapping
from html import escape
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from service.language import Language, LanguageCode
from service.operations.health import Probe, holds

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Vary": "Accept-Language",
}
_LINKS: Final = ("openapi.json", "asyncapi.json", "health/ready")
"""Relative: the server may stand behind a path of a proxy's."""
_RUSSIAN: Final = frozenset({"ru", "be", "kk", "*"})
"""Who asked for one of these reads Russian, as on the command line."""


def front_page(probes: Mapping[str, Probe], version: str) -> APIRouter:
    """Make the page, which says what this is and whether it is ready; nothing in it is a script.

    Args:
        probes: what must be true to be ready.
        version: of this program.
    """
    router = APIRouter(include_in_schema=False)
    languages: dict[LanguageCode, Language] = {"ru": Language("ru"), "en": Language("en")}

    @router.api_route("/", methods=["GET", "HEAD"])
    async def page(request: Request) -> HTMLResponse:
        language = languages[asked_language(request.headers.get("accept-language", ""))]
        ready = all([await holds(probe) for probe in probes.values()])
        return HTMLResponse(_written(language, version, is_ready=ready), headers=_HEADERS)

    return router


def asked_language(header: str) -> LanguageCode:
    """Pick the language of an Accept-Language header (RFC 9110, section 12.5.4), else Russian."""
    best, asked = 0.0, "*"
    for part in header.split(","):
        tag, _, rest = part.strip().lower().partition(";")
        weight = _weight(rest)
        if tag and weight > best:
            best, asked = weight, tag.split("-")[0].strip()
    return "ru" if asked in _RUSSIAN else "en"


def _weight(parameter: str) -> float:
    if not parameter.strip():
        return 1.0
    name, _, value = parameter.strip().partition("=")
    try:
        return min(float(value), 1.0) if name.strip() == "q" else 0.0
    except ValueError:
        return 0.0


def _written(language: Language, version: str, *, is_ready: bool) -> str:
    say = language.text
    state = say("page.ready" if is_ready else "page.not_ready")
    links = "".join(f'<li><a href="{link}">/{link}</a></li>' for link in _LINKS)
    return (
        f'<!doctype html><html lang="{language.code}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><title>AlfaVoice</title>'
        f"<h1>AlfaVoice {escape(version)}</h1><p>{escape(say('page.what'))}</p>"
        f"<p>{escape(state)}</p><p>{escape(say('page.use'))}</p><ul>{links}</ul></html>\n"
    )
