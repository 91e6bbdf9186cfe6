"""Two directions of one connection, and the first of them to end ends both."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a connection is to be closed."""

    code: int = 1000
    """WebSocket close code (RFC 6455 section 7.4)."""
    reason: str = ""
    """At most 123 bytes of UTF-8, for whoever debugs the client."""
    is_gone: bool = False
    """Whether the peer closed it, or does not read any more: nothing can be sent."""


GONE = Ending(is_gone=True)


async def converse(
    reading: Coroutine[Any, Any, Ending | None], writing: Coroutine[Any, Any, Ending]
) -> Ending:
    """Read and write until either ends.

    Args:
        reading: takes what the client says; gives None when it has said all and only waits.
        writing: says what is heard.

    Returns:
        How the connection is to be closed.
    """
    async with asyncio.TaskGroup() as tasks:
        reader, writer = tasks.create_task(reading), tasks.create_task(writing)
        await asyncio.wait((reader, writer), return_when=asyncio.FIRST_COMPLETED)
        ending: Ending | None = None
        if not writer.done():
            # A task that broke raises here; the group ends the other one.
            ending = reader.result()
        if ending is None:
            ending = await writer
        reader.cancel()
        writer.cancel()
    return ending
