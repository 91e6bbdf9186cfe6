"""What is shown while audio becomes text: live on a terminal, plain lines elsewhere.

Everything here goes to standard error; standard output carries the text and nothing else.
"""

import sys
import time
from collections import deque
from types import TracebackType
from typing import Final, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from service.client.events import Interrupted, Progress, StreamEvent
from service.dictation.wire import Done, Partial
from service.dictation.wire import Final as FinalMessage
from service.language import Language

REFRESHES_PER_S: Final = 8
SHOWN_FINALS: Final = 4


class Display:
    """The state of one stream, drawn on a terminal; on anything else only what must be said."""

    def __init__(
        self, language: Language, *, title: str, length_s: float | None, sample_rate: int = 16_000
    ) -> None:
        self._language = language
        self._title = title
        self._length_s = length_s
        self._rate = sample_rate
        self._console = Console(stderr=True, highlight=False)
        self._finals: deque[str] = deque(maxlen=SHOWN_FINALS)
        self._partials: dict[int, str] = {}
        self._reached_s = 0.0
        self._first_s = 0.0
        self._note = ""
        self._started_at = time.monotonic()
        self._live = Live(
            get_renderable=self._draw,
            console=self._console,
            transient=True,
            refresh_per_second=REFRESHES_PER_S,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Draw no more; again changes nothing."""
        self._live.stop()

    def begin_section(self, first_s: float) -> None:
        """Say that a section of a long file begins; its events count from there."""
        self._first_s = first_s
        self._partials.clear()

    def show(self, event: StreamEvent) -> None:
        """Take one event of the stream in."""
        match event:
            case Partial():
                self._partials = {event.utterance: event.stable + event.tail}
            case FinalMessage():
                self._partials.pop(event.utterance, None)
                self._finals.append(event.text)
                self._reach(event.end)
            case Progress():
                self._note = ""
                self._reach(event.stored)
            case Interrupted():
                said = self._language.text(
                    "stream.interrupted", code=event.code, seconds=round(event.retry_in_s, 1)
                )
                self.say(said)
            case Done():
                self._partials.clear()
            case _:
                self._note = ""

    def say(self, line: str) -> None:
        """Say one line that stays."""
        if self._console.is_terminal:
            self._note = line
        else:
            print(line, file=sys.stderr, flush=True)  # noqa: T201

    @property
    def speed(self) -> float:
        """Seconds of audio a second, so far."""
        return self._reached_s / max(time.monotonic() - self._started_at, 1e-3)

    def _reach(self, samples: int) -> None:
        self._reached_s = max(self._reached_s, self._first_s + samples / self._rate)

    def _draw(self) -> RenderableType:
        row = Table.grid(padding=(0, 1))
        row.add_row(Text(self._title, style="bold"), *self._measures())
        lines: list[RenderableType] = [row]
        lines += [Text(final) for final in self._finals if final]
        lines += [Text(partial, style="dim italic") for partial in self._partials.values()]
        if self._note:
            lines.append(Text(self._note, style="yellow"))
        return Group(*lines)

    def _measures(self) -> list[RenderableType]:
        position = Text(_clock(self._reached_s))
        if self._length_s is None:
            return [position]
        done = min(self._reached_s, self._length_s)
        bar = ProgressBar(total=self._length_s or 1.0, completed=done, width=24)
        return [
            bar,
            Text(f"{_clock(done)} / {_clock(self._length_s)}"),
            Text(f"{self._language.number(self.speed)}×"),
        ]


def _clock(seconds: float) -> str:
    whole = int(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
