"""One piece of work a turn of the event loop, however many sessions have some.

A slice of audio costs about a millisecond of speech detection, a new socket about as much. When
hundreds of sessions have one at once, the loop would run all of them before it looks at another
socket or a timer; behind a turnstile each waits for its own turn, first come first served.
"""

import asyncio


class Turnstile:
    """Shared by all sessions of an event loop."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()  # serves in order; a release wakes the next one a turn later

    async def turn(self) -> None:
        """Return in a turn of the loop that is the caller's alone, until its next await."""
        async with self._lock:
            # Whoever finds the lock free is still in a turn with others.
            await asyncio.sleep(0)
