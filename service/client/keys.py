"""One key of the terminal: go on to the text, or drop what was said."""

import asyncio
import os
import sys
from typing import Final, Literal

Choice = Literal["finish", "cancel"]

_FINISH: Final = frozenset({b"\n", b"\r", b" "})
_CANCEL: Final = frozenset({b"\x1b"})
_POLL_S: Final = 0.05

if sys.platform == "win32":
    import msvcrt

    async def key_pressed() -> Choice:
        """Wait for Enter or Space (finish) or Esc (cancel)."""
        while True:  # the console offers no event to wait for
            while msvcrt.kbhit():
                if choice := choice_of(msvcrt.getch()):
                    return choice
            await asyncio.sleep(_POLL_S)

else:
    import termios
    import tty

    async def key_pressed() -> Choice:
        """Wait for Enter or Space (finish) or Esc (cancel).

        Where standard input is no terminal, a line or its end finishes.
        """
        loop = asyncio.get_running_loop()
        chosen: asyncio.Future[Choice] = loop.create_future()
        source = sys.stdin.fileno()
        before = termios.tcgetattr(source) if os.isatty(source) else None

        def read() -> None:
            pressed = os.read(source, 64)
            choice = choice_of(pressed) if before is not None and pressed else "finish"
            if choice and not chosen.done():
                chosen.set_result(choice)

        if before is not None:
            tty.setcbreak(source)
        try:
            loop.add_reader(source, read)
            return await chosen
        except PermissionError:  # a plain file cannot be watched; it has ended, so to speak
            return "finish"
        finally:
            loop.remove_reader(source)
            if before is not None:
                termios.tcsetattr(source, termios.TCSADRAIN, before)


def choice_of(pressed: bytes) -> Choice | None:
    """Read what was pressed; arrow keys and the like begin with Esc too, and choose nothing."""
    if pressed in _FINISH:
        return "finish"
    return "cancel" if pressed in _CANCEL else None
