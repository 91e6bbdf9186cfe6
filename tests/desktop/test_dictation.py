"""Hold the keys, speak, let go: the text is in the window that has the focus."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.desktop.client import HOLD, Client, program, serving
from tests.desktop.display import Desktop
from tests.desktop.programs import wait_until

pytestmark = [pytest.mark.desktop, pytest.mark.slow]


@pytest.fixture(autouse=True)
def built() -> Path:
    """The client's program, or nothing here is tried."""
    return program()


@pytest.mark.parametrize("layout", ["us", "ru", "us,ru"])
def test_what_is_said_while_the_keys_are_held_is_in_the_focused_window_and_the_clipboard_is_back(
    desk: Desktop,
    layout: str,
    spoken: Path,
    database_url: str,
    new_data_folder: Path,
    record_property: Callable[[str, object], None],
) -> None:
    desk.layout(layout)
    with serving(new_data_folder, database_url, script={}) as port:
        client = Client(desk, desk.folder / "client")
        client.settings(server={"kind": "team", "address": f"http://127.0.0.1:{port}"})
        with client.run():
            client.wait_for_route("Team")
            field = desk.field()
            desk.copy("прежнее")
            desk.press(*HOLD)
            desk.say(spoken)
            desk.release(*HOLD)
            released = time.monotonic()
            wait_until(lambda: bool(field.text), "the text")
            record_property("release_to_text_s", round(time.monotonic() - released, 2))
            wait_until(lambda: desk.clipboard() == "прежнее", "the former clipboard")
