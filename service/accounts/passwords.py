"""Passwords: argon2id in a few threads of its own, behind a short queue.

19 MiB, 2 passes, 1 lane: the floor of the OWASP password storage cheat sheet (2025). A flood of
sign-ins can neither fill the memory nor stop the event loop: what does not fit the queue is told
to come back.
"""

import asyncio
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from service.dictation.wire import CloseCode
from service.problems import Refused

T = TypeVar("T")

THREADS: Final = 2
QUEUE: Final = 16
"""Hashes under way and waiting; about half a second of work."""
_PATIENCE_S: Final = 15.0
MAX_LETTERS: Final = 256


class Passwords:
    """Hashes and verifies; `close` ends its threads."""

    def __init__(self, *, threads: int = THREADS, queue: int = QUEUE) -> None:
        self._hasher = PasswordHasher(
            time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16
        )
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="passwords")
        self._places = threading.BoundedSemaphore(queue)
        self._nobodys = self._hasher.hash("nobody has this password")

    def close(self) -> None:
        """End the threads; what is under way ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """Give what is stored of a password.

        Raises:
            Refused: `auth.busy`, too many others are waiting.
        """
        normal = normalised(password)
        return await self._run(lambda: self._hasher.hash(normal))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Say whether this is the password; the same work is done where there is none to compare with.

        Raises:
            Refused: `auth.busy`, too many others are waiting.
        """
        normal = normalised(password)
        return await self._run(lambda: self._is(stored or self._nobodys, normal)) and bool(stored)

    def is_outdated(self, stored: str) -> bool:
        """Whether a hash was made with other costs than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _is(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (Argon2Error, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if not self._places.acquire(blocking=False):
            raise Refused(
                "auth.busy",
                "too many people are signing in at once: try again in a moment",
                close_code=CloseCode.OVERLOADED,
                retry_after_ms=1_000,
            )
        try:
            future = self._pool.submit(work)
        except BaseException:
            self._places.release()
            raise
        # Not when the waiting ends but when the work does: who hangs up frees no thread.
        future.add_done_callback(lambda _: self._places.release())
        async with asyncio.timeout(_PATIENCE_S):
            return await asyncio.wrap_future(future)


def normalised(password: str) -> str:
    """Give the same letters however a keyboard composes them (NIST SP 800-63B section 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
