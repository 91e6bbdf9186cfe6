"""One process at a time installs a model; a killed one lets go by itself (flock)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from models.errors import FolderUnwritable, ModelBusy
from models.progress import Progress, PullProgress


@contextmanager
def locked(name: str, folder: Path, progress: Progress | None, *, wait_s: float) -> Iterator[None]:
    """Hold a model's lock, after telling the listener when that means waiting.

    Raises:
        ModelBusy: another process held it for longer than `wait_s`.
        FolderUnwritable: there is no place for the lock.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if progress:
                progress(PullProgress(phase="waiting"))
            lock.acquire(timeout=wait_s)
    except Timeout as exc:
        raise ModelBusy(name) from exc
    except OSError as exc:
        raise FolderUnwritable(exc.strerror or type(exc).__name__) from exc
    try:
        yield
    finally:
        lock.release()
