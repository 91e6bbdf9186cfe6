"""One piece of work a turn of the event loop, however many sessions have some.

A slice of audio costs about a millisecond of speech detection. When hundreds of sessions have one
at once, the loop would run all of them before it looks at a socket or a timer again; behind a
turnstile each waits for its own turn of the loop, first come first served.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turnstile:
    """Shared by all sessions of an event loop."""

    def __init__(self) -> None:
        # A released lock wakes its next waiter in the following turn of the loop, in order.
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn; hold it for one piece of work without an await."""
        async with self._lock:
            yield
            # The lock is free to take before its next waiter runs: let the loop turn first.
            await asyncio.sleep(0)
