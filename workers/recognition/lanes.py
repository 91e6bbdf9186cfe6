"""Who is at work: lanes that have the machine to themselves may use all of it."""

from threading import Lock


class LanesAtWork:
    """Counts the lanes that are inside a `with` of it."""

    def __init__(self) -> None:
        self._count = 0
        self._lock = Lock()

    def one_at_most(self) -> bool:
        """Say whether a lane that asks is the only one."""
        return self._count <= 1

    def __enter__(self) -> None:
        with self._lock:
            self._count += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._count -= 1
