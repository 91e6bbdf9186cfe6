"""`/v1/updates/…`: the newest version of the desktop client, as its updater asks for it.

Nobody signs in for it: a client whose sign-in is over, or that is too old to sign in, must still be able to become
newer, and a package holds nothing that is secret.
"""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import FileResponse
from pydantic import AwareDatetime, BaseModel

from service.operations.releases import Releases, Version, Word
from service.parts import Parts
from service.problems import not_found


class Update(BaseModel):
    """A newer version, in the form that Tauri's updater reads."""

    version: str
    notes: str
    pub_date: AwareDatetime
    url: str
    """Where the package is."""
    signature: str
    sha256: str
    size_bytes: int


def update_routes(parts: Parts) -> APIRouter:
    """Make the router, for the folder of the settings."""
    return routes_of(Releases(parts.settings.releases or parts.settings.data_dir / "releases"))


def routes_of(releases: Releases) -> APIRouter:
    """Make the router, for these releases."""
    router = APIRouter(tags=["updates"])

    @router.get(
        "/v1/updates/files/{version}/{name}",
        response_class=FileResponse,
        responses={200: {"content": {"application/octet-stream": {}}}},
    )
    async def update_file(
        version: Annotated[Version, Path()], name: Annotated[str, Path(max_length=120)]
    ) -> FileResponse:
        path = await asyncio.to_thread(releases.path, version, name)
        if path is None:
            raise not_found("release")
        return FileResponse(
            path,
            media_type="application/octet-stream",
            headers={"Cache-Control": "public, max-age=31536000, immutable"},
        )

    @router.get(
        "/v1/updates/{target}/{arch}/{bundle}/{version}",
        responses={204: {"description": "There is none newer."}},
        response_model=Update,
    )
    async def newest_version(
        request: Request,
        target: Annotated[Word, Path()],
        arch: Annotated[Word, Path()],
        bundle: Annotated[Word, Path()],
        version: Annotated[Version, Path()],
    ) -> Update | Response:
        found = await asyncio.to_thread(releases.newer, version, target, arch, bundle)
        if found is None:
            return Response(status_code=204)
        release, file = found
        return Update(
            version=release.version,
            notes=release.notes,
            pub_date=release.published_at,
            url=_address(request, f"v1/updates/files/{release.version}/{file.name}"),
            signature=file.signature,
            sha256=file.sha256,
            size_bytes=file.size_bytes,
        )

    return router


def _address(request: Request, path: str) -> str:
    # A proxy in front speaks TLS for us and says so. Whoever claims it falsely misleads only themselves.
    encrypted = request.headers.get("x-forwarded-proto") == "https"
    base = request.base_url.replace(scheme="https") if encrypted else request.base_url
    return f"{str(base).rstrip('/')}/{path}"
