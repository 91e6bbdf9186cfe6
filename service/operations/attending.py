"""Work done for a client for as long as it is there."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive

_Result = TypeVar("_Result")


async def attended(receive: Receive, work: Coroutine[Any, Any, _Result]) -> _Result:
    """Do some work for a client whose request was read; stop when the client goes.

    Raises:
        ClientDisconnect: it went.
        Exception: what the work raises.
    """
    failure: Exception | None = None

    async def kept() -> _Result | None:
        nonlocal failure
        try:
            return await work
        except Exception as exc:  # noqa: BLE001 - raised below, not in a group
            failure = exc
            return None

    async def until_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(kept())
        gone = tasks.create_task(until_gone())
        await asyncio.wait((working, gone), return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not working.done():
            working.cancel()
    if failure is not None:
        raise failure
    if working.cancelled():
        raise ClientDisconnect
    return working.result()  # type: ignore[return-value] # None only with a failure
