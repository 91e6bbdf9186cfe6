"""Ask a port of this machine whether somebody is there."""

import asyncio
import contextlib
import json
import urllib.error
import urllib.request
from typing import Any


async def listens(port: int) -> bool:
    """Whether a TCP connection is accepted."""
    try:
        async with asyncio.timeout(2):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


async def page(url: str) -> bytes | None:
    """Get an HTTP page, or None while it is not answered with 200."""

    def get() -> bytes | None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - only our http
                content: bytes = answer.read()
                return content
        except (urllib.error.URLError, OSError):
            return None

    return await asyncio.to_thread(get)


async def json_page(url: str) -> dict[str, Any]:
    """Get a JSON object, or an empty one while there is none."""
    content = await page(url)
    found: dict[str, Any] = json.loads(content) if content else {}
    return found
