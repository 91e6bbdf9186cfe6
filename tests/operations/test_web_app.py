"""The browser build of the client, as the service hands it out."""

from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from service.operations.web_app import policy, read_web, web_app

SCRIPT = "console.log('there');\n" * 40


@pytest.fixture
def build(tmp_path: Path) -> Path:
    folder = tmp_path / "dist-web"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>AlfaVoice</title>")
    (folder / "worker.js").write_text("self.addEventListener('fetch', () => {});")
    (folder / "manifest.webmanifest").write_text("{}")
    (folder / "assets" / "index-Ab12_-xY.js").write_text(SCRIPT)
    (folder / "secret.pem").write_text("not a part of any build")
    (tmp_path / "outside.html").write_text("outside")
    return folder


async def ask(build: Path, path: str, headers: dict[str, str] | None = None) -> httpx2.Response:
    files = read_web(build)
    assert files is not None
    app = FastAPI()
    app.include_router(web_app(files))
    assert app.openapi()["paths"] == {}
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://here:8765") as client:
        return await client.get(path, headers=headers or {})


async def test_the_page_is_asked_for_again_each_time_and_loads_nothing_of_anybody_else(
    build: Path,
) -> None:
    answer = await ask(build, "/")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    rules = dict(
        rule.split(" ", 1) for rule in answer.headers["content-security-policy"].split("; ")
    )
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["worker-src"] == "'self'"
    assert rules["connect-src"] == "'self' ws://here:8765 wss://here:8765"
    assert rules["frame-ancestors"] == "'none'"
    assert answer.headers["permissions-policy"].startswith("microphone=(self)")


async def test_hashed_files_are_kept_for_ever_and_travel_packed(build: Path) -> None:
    answer = await ask(build, "/assets/index-Ab12_-xY.js", {"Accept-Encoding": "gzip"})

    assert answer.text == SCRIPT
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/worker.js", "text/javascript; charset=utf-8"),
        ("/manifest.webmanifest", "application/manifest+json"),
    ],
)
async def test_what_has_no_hash_is_never_kept_unasked_and_is_not_sent_twice(
    build: Path, path: str, kind: str
) -> None:
    first = await ask(build, path)
    again = await ask(build, path, {"If-None-Match": first.headers["etag"]})

    assert first.headers["content-type"] == kind
    assert first.headers["cache-control"] == again.headers["cache-control"] == "no-cache"
    assert again.status_code == 304
    assert again.content == b""


@pytest.mark.parametrize(
    "path", ["/secret.pem", "/../outside.html", "/%2e%2e/outside.html", "/assets/", "/none.js"]
)
async def test_nothing_else_can_be_had(build: Path, path: str) -> None:
    assert (await ask(build, path)).status_code == 404


def test_a_folder_without_a_page_is_no_build(tmp_path: Path) -> None:
    assert read_web(tmp_path) is None
    assert read_web(None) is None


@pytest.mark.parametrize("host", ["", "a b", "x; script-src *", "a,b", "*"])
def test_a_host_that_is_none_does_not_get_into_the_policy(host: str) -> None:
    assert "connect-src 'self';" in policy(host)
