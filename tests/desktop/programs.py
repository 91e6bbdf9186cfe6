"""Programs a desktop is made of, each started by itself and ended by its process id."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

POLL_S: Final = 0.02
STOP_S: Final = 5.0
NEEDED: Final = (
    "Xvfb", "xdotool", "xclip", "openbox", "setxkbmap", "dbus-daemon", "gnome-keyring-daemon",
    "pulseaudio", "pactl", "paplay", "secret-tool", "dbus-send", "xprop", "WebKitWebDriver",
)  # fmt: skip


def missing() -> list[str]:
    """Name the programs that are not on this machine."""
    absent = [name for name in NEEDED if shutil.which(name) is None]
    try:
        subprocess.run(
            ["/usr/bin/python3", "-c", "import gi; gi.require_version('Gtk', '3.0')"],
            check=True,
            capture_output=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        absent.append("python3-gi with GTK 3")
    return absent


@contextmanager
def running(
    command: Sequence[str],
    environment: dict[str, str],
    *,
    log: Path,
    stdin: bytes | None = None,
    keep: Sequence[int] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program; end it, and whatever it started in its group, at the end.

    Args:
        command: program and arguments.
        environment: all of it.
        log: what it says goes to the end of this file.
        stdin: what it is given to read.
        keep: file descriptors it inherits.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=keep,
            start_new_session=True,
        )
    try:
        if stdin is not None:
            assert process.stdin is not None
            process.stdin.write(stdin)
            process.stdin.close()
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a program tidily, and by force when it does not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(STOP_S)


def wait_until(holds: Callable[[], bool], what: str, within_s: float = 20.0) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: it does not within that time.
    """
    until = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > until:
            raise TimeoutError(f"{what}: not within {within_s:g} s")
        time.sleep(POLL_S)


def read_line(stream: IO[bytes] | int, what: str, within_s: float = 20.0) -> str:
    """Read a line of a program that says something about itself, once it does."""
    descriptor = stream if isinstance(stream, int) else stream.fileno()
    os.set_blocking(descriptor, False)
    read = b""
    until = time.monotonic() + within_s
    while b"\n" not in read:
        if time.monotonic() > until:
            raise TimeoutError(f"{what}: says nothing within {within_s:g} s")
        try:
            read += os.read(descriptor, 4096)
        except BlockingIOError:
            time.sleep(POLL_S)
    return read.split(b"\n")[0].decode().strip()
