"""The written interfaces: `/openapi.json` of the HTTP API, `/asyncapi.json` of the stream.

    python -m service.operations.documents      writes docs/openapi.json (`make openapi`)

Whoever reaches the server may read both: they hold nothing that this program does not say itself.
`/openapi.json` is made by FastAPI from the routes; a test keeps the file in docs/ the same.
"""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Response

from service.dictation import asyncapi

if TYPE_CHECKING:
    from service.parts import Parts

OPENAPI_FILE: Final = Path(__file__).parents[2] / "docs" / "openapi.json"
_START_S: Final = 60.0


def document_routes(parts: "Parts") -> APIRouter:
    """Make the route of the AsyncAPI document."""
    router = APIRouter(include_in_schema=False)
    stream = asyncapi.PATH.read_bytes()

    @router.get("/asyncapi.json")
    async def asyncapi_document() -> Response:
        return Response(stream, media_type="application/json")

    return router


async def served_document() -> dict[str, Any]:
    """Start a server with an empty database and ask it for its OpenAPI document."""
    import httpx2  # noqa: PLC0415 - only for this

    from service.app import running_server  # noqa: PLC0415 - it imports this module
    from service.settings import Settings  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="alfavoice-") as folder:
        # Nothing of this machine's own settings: not its database, not its keys.
        settings = Settings(
            host="127.0.0.1",
            port=0,
            engine="scripted",
            data_dir=Path(folder),
            database_url=None,
            master_key=None,
            master_key_file=None,
        )
        async with (
            asyncio.timeout(_START_S),
            running_server(settings) as server,
            httpx2.AsyncClient() as client,
        ):
            answer = await client.get(f"{server.url}/openapi.json")
            document: dict[str, Any] = answer.raise_for_status().json()
    return document


def written(document: dict[str, Any]) -> str:
    """Give the document as it is committed."""
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    OPENAPI_FILE.write_text(written(asyncio.run(served_document())), encoding="utf-8")
