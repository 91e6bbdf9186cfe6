"""What the desktop client costs a person's computer, measured from outside on a desktop without a screen."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.figures import nearest_rank
from tests.desktop.client import HOLD, Client, program
from tests.desktop.display import Desktop, Field
from tests.desktop.programs import end, wait_until

GIVE_UP_S: Final = 30.0
HEARD_WITHIN_S: Final = 0.08
"""A press that opens no microphone within this was not heard; then the keys are pressed again."""
SETTLED_S: Final = 30.0
"""From a start to the figure of memory, as the target says."""
OVERLAY_GONE_S: Final = 75.0
"""After the last dictation: the overlay is kept for 60 s for the next one."""


@contextmanager
def listeners(desk: Desktop) -> Iterator[Path]:
    """Write each event of the sound server into a file, as it comes."""
    log = desk.folder / "sound.log"
    with log.open("wb") as file:
        process = subprocess.Popen(["pactl", "subscribe"], env=desk.environment, stdout=file)
    try:
        yield log
    finally:
        end(process)


def start_to_ready(desk: Desktop, client: Client, heard: Path) -> float:
    """Seconds from the start of the process to the first press of the keys that opens the microphone.

    The keys are pressed over and over, so the figure is too large by up to one round of that, some 0.1 s.
    """
    before = heard.read_bytes().count(b"'new' on source-output")
    begun = time.monotonic()
    process = subprocess.Popen(
        [str(program()), "--hidden"],
        env={**desk.environment, "ALFAVOICE_CLIENT_DATA": str(client.folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while True:
            desk.run("xdotool", "keydown", HOLD[0], "keydown", HOLD[1])
            pressed = time.monotonic()
            listens = False
            while not listens and time.monotonic() < pressed + HEARD_WITHIN_S:
                listens = heard.read_bytes().count(b"'new' on source-output") > before
                time.sleep(0.005)
            desk.run("xdotool", "keyup", HOLD[1], "keyup", HOLD[0])
            if listens:
                return pressed - begun
            if pressed - begun > GIVE_UP_S:
                raise TimeoutError("the client hears no keys")
    finally:
        end(process)


def start_of_reference(desk: Desktop) -> float:
    """Seconds from the start of a program with one empty GTK text field to its window on the screen."""
    begun = time.monotonic()
    desk.field()
    return time.monotonic() - begun


def memory_mb(pid: int) -> float:
    """Proportional memory of a program and all it started, in MB of 10^6 bytes: shared pages count in part."""
    return sum(one.memory_full_info().pss for one in tree(pid)) / 1e6


def parts_mb(pid: int) -> dict[str, float]:
    """The same by the name of the process."""
    return {
        f"{one.name()} {one.pid}": round(one.memory_full_info().pss / 1e6, 1) for one in tree(pid)
    }


def cores(pid: int, seconds: float) -> float:
    """Processor time a program and all it started take in that time, in cores."""
    before = _cpu_s(pid)
    time.sleep(seconds)
    return (_cpu_s(pid) - before) / seconds


def tree(pid: int) -> list[psutil.Process]:
    """A program and all it started."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def release_to_text(desk: Desktop, spoken: Path, times: int) -> list[float]:
    """Seconds from letting the keys go to the text in another program's window."""
    field = desk.field()
    taken = []
    for _ in range(times):
        before = field.text
        desk.press(*HOLD)
        desk.wait_for_listener()
        desk.say(spoken)
        desk.release(*HOLD)
        released = time.monotonic()
        wait_until(partial(_differs, field, before), "the text", 30)
        taken.append(time.monotonic() - released)
        # The clipboard goes back before the next one.
        time.sleep(1)
    return taken


def spread(values: list[float]) -> dict[str, Any]:
    """Median, 95th percentile and the values themselves, in seconds."""
    return {
        "p50_s": round(nearest_rank(values, 50) or 0, 3),
        "p95_s": round(nearest_rank(values, 95) or 0, 3),
        "values_s": [round(value, 3) for value in values],
    }


def _differs(field: Field, before: str) -> bool:
    return field.text != before


def _cpu_s(pid: int) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in tree(pid))
