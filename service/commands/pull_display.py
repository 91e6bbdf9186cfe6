"""What is shown while a model comes: a bar on a terminal; elsewhere only that we wait; lines for programs."""

import json
import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from models.progress import PullProgress
from service.language import Language

_LINE_S: Final = 0.2
"""Programs are told of the same file not more often than this."""


class PullLines:
    """A JSON object a line on standard output: `phase`, `file`, `done_bytes`, `total_bytes`."""

    def __init__(self) -> None:
        self._said: tuple[str, str] | None = None
        self._said_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing is left to tidy up."""

    def show(self, step: PullProgress) -> None:
        """Say one step of the pull, unless that was said a moment ago."""
        now, what = time.monotonic(), (step.phase, step.file)
        is_whole = step.done_bytes == step.total_bytes
        if what == self._said and now - self._said_at < _LINE_S and not is_whole:
            return
        self._said, self._said_at = what, now
        line = {
            "phase": step.phase,
            "file": step.file,
            "done_bytes": step.done_bytes,
            "total_bytes": step.total_bytes,
        }
        print(json.dumps(line, ensure_ascii=False), flush=True)  # noqa: T201


class PullDisplay:
    """A progress bar on standard error."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def show(self, step: PullProgress) -> None:
        """Show one step of the pull."""
        what = self._language.text(f"models.pull.{step.phase}", file=step.file)
        if step.phase == "waiting":
            self._console.print(what)
        self._bar.update(
            self._task, description=what, completed=step.done_bytes, total=step.total_bytes
        )
