"""`/` where the browser build of the client came along: its files, out of memory.

The build is read once, at the start, so a request can name nothing outside it. Names with a hash in them
never change and may be kept for ever; all others are asked for again each time, answered with 304 by their tag.
"""

import gzip
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

import structlog
from fastapi import APIRouter, Request, Response

log = structlog.get_logger()

PAGE: Final = "index.html"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""What a build may hold; anything else in the folder is not served."""
_PACKED: Final = frozenset({".css", ".html", ".js", ".json", ".svg", ".webmanifest"})
_HASHED: Final = re.compile(r"^assets/.+-[A-Za-z0-9_-]{8}\.\w+$")
_HOST: Final = re.compile(r"^[A-Za-z0-9.\-]+(:\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](:\d{1,5})?$")
_HEADERS: Final = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
}
_FILE_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class WebFile:
    """A file of the build, ready to be sent."""

    content: bytes
    packed: bytes | None
    """The same as gzip, where that is shorter."""
    media_type: str
    tag: str
    """ETag, of the content."""
    is_hashed: bool


def shipped_web() -> Path | None:
    """Give the build that came along: in the package, else of this checkout; None without one."""
    here = Path(str(resources.files("service")))
    for folder in (here / "web", here.parent / "client_tauri" / "dist-web"):
        if (folder / PAGE).is_file():
            return folder
    return None


def read_web(folder: Path | None) -> dict[str, WebFile] | None:
    """Read a build.

    Args:
        folder: of the build; None: no build.

    Returns:
        The files by their path below `/`, or None if there is no build there.
    """
    if folder is None:
        return None
    if not (folder / PAGE).is_file():
        log.warning("web_build_missing")
        return None
    files = {
        path.relative_to(folder).as_posix(): _read(path, path.relative_to(folder).as_posix())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in _TYPES and path.stat().st_size <= _FILE_BYTES
    }
    log.info("web_build_served", files=len(files))
    return files


def web_app(files: dict[str, WebFile]) -> APIRouter:
    """Make the routes: one for each file of the build, and `/` for its page."""
    router = APIRouter(include_in_schema=False)
    for name, file in files.items():
        answer = _answering(name, file)
        router.add_api_route(f"/{name}", answer, methods=["GET", "HEAD"], name=f"web:{name}")
        if name == PAGE:
            router.add_api_route("/", answer, methods=["GET", "HEAD"], name="web")
    return router


def _answering(name: str, file: WebFile) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        headers = {**_HEADERS, "ETag": file.tag, "Vary": "Accept-Encoding"}
        headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if file.is_hashed else "no-cache"
        )
        if name.endswith((".html", ".js")):
            headers["Content-Security-Policy"] = policy(request.headers.get("host", ""))
        if file.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        content = file.content
        if file.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            content = file.packed
            headers["Content-Encoding"] = "gzip"
        return Response(content, media_type=file.media_type, headers=headers)

    return answer


def policy(host: str) -> str:
    """Say what the page may load: its own files, and nothing of anybody else.

    Args:
        host: of the request; not every browser takes `'self'` to mean sockets of the same address.
    """
    sockets = f" ws://{host} wss://{host}" if _HOST.match(host) else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        f"media-src 'self' blob:; connect-src 'self'{sockets}; worker-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _read(path: Path, name: str) -> WebFile:
    content = path.read_bytes()
    packed = gzip.compress(content, 9, mtime=0) if path.suffix in _PACKED else None
    return WebFile(
        content=content,
        packed=packed if packed is not None and len(packed) < len(content) else None,
        media_type=_TYPES[path.suffix],
        tag=f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        is_hashed=_HASHED.match(name) is not None,
    )
