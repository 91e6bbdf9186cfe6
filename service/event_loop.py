"""The event loop that every long-running command runs in."""

import asyncio


def event_loop_runner() -> asyncio.Runner:
    """Give a runner with the fastest event loop there is on this machine."""
    try:
        import uvloop  # noqa: PLC0415 - not on Windows
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)
