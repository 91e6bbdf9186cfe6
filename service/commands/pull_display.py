"""What is shown while a model comes: a bar on a terminal; elsewhere only that we wait."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from models.progress import PullProgress
from service.language import Language


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
