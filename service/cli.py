"""The command `alfavoice`."""

import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_OURS: Final = ("ALFAVOICE_", "DATABASE_URL")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command with the settings of `.env` in this folder; the environment goes first.

    Args:
        argv: arguments without the program's name; None takes those of the process.

    Returns:
        The exit status, as of `service.commands.program.run`.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread:  # nothing to tidy up yet: Ctrl+C ends it without a traceback
        before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    from service.commands.program import run  # noqa: PLC0415 - takes a moment

    _read_env_file(Path(os.environ.get("ALFAVOICE_ENV_FILE", ".env")))
    if in_main_thread:
        signal.signal(signal.SIGINT, before)
    return run(argv)


def _read_env_file(path: Path) -> None:
    """Take what a file sets of ours and the environment does not."""
    if not path.is_file():
        return
    from dotenv import dotenv_values  # noqa: PLC0415

    for name, value in dotenv_values(path).items():
        if value is not None and name.startswith(_OURS):
            os.environ.setdefault(name, value)
