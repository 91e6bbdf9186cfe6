"""Commands that end when somebody presses Ctrl+C, at once and tidily."""

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any


def run_until_interrupted(command: Coroutine[Any, Any, int]) -> int:
    """Run a command and give its exit status; when interrupted, cancel it and wait for its end.

    `asyncio.run` alone can miss an interrupt for as long as nothing else happens: one that comes
    between its last look at signals and its wait for events wakes nobody. A loop with a signal
    handler of its own is woken by every signal; here SIGTERM, which ends a command in the same way.

    Raises:
        KeyboardInterrupt: it was interrupted, and has ended.
    """

    async def watched() -> int:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        with suppress(NotImplementedError):  # Windows has no such handlers
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await command

    try:
        return asyncio.run(watched())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
