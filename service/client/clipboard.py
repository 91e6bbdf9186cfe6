"""The clipboard, through the tool that the desktop has."""

import shutil
import subprocess
from collections.abc import Callable
from typing import Final

from service.problems import ServiceError

TOOLS: Final = (
    ("wl-copy",),
    ("xclip", "-selection", "clipboard", "-in"),
    ("xsel", "--clipboard", "--input"),
    ("pbcopy",),
    ("clip.exe",),
)
TIMEOUT_S: Final = 5.0


def copy_text(text: str, *, find: Callable[[str], str | None] = shutil.which) -> None:
    """Put text on the clipboard.

    Raises:
        ServiceError: `clipboard.missing`, no tool is installed or none of them works here.
    """
    for name, *options in TOOLS:
        program = find(name)
        if program is None:
            continue
        encoding = "utf-16-le" if name == "clip.exe" else "utf-8"
        try:
            # xclip and wl-copy stay behind to serve the clipboard: they must not hold our pipes.
            subprocess.run(  # noqa: S603 - one of the fixed tools above
                [program, *options],
                input=text.encode(encoding),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=TIMEOUT_S,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            continue
        return
    raise ServiceError("clipboard.missing", "no clipboard tool works here")
