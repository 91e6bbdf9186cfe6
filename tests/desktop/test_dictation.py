"""Hold the keys, speak, let go: the text is in the window that has the focus."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.desktop.client import HOLD, Client
from tests.desktop.display import Desktop
from tests.desktop.programs import wait_until

pytestmark = [pytest.mark.desktop, pytest.mark.slow, pytest.mark.usefixtures("built")]


def test_what_is_said_while_the_keys_are_held_is_in_the_focused_window_and_the_clipboard_is_back(
    desk: Desktop, spoken: Path, server: int, record_property: Callable[[str, object], None]
) -> None:
    client = Client(desk, server)
    with client.run():
        client.wait_for_route("Team")
        for layout in ("us", "ru", "us,ru"):
            desk.layout(layout)
            field = desk.field()
            desk.copy("прежнее")
            desk.press(*HOLD)
            desk.say(spoken)
            desk.release(*HOLD)
            released = time.monotonic()
            wait_until(lambda field=field: bool(field.text), f"the text on {layout}")
            record_property(f"release_to_text_s[{layout}]", round(time.monotonic() - released, 2))
            wait_until(lambda: desk.clipboard() == "прежнее", "the former clipboard")
