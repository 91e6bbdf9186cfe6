"""The desktop that the tests of the client stand on: it does what a person's does."""

from pathlib import Path

import pytest

from tests.desktop.display import Desktop
from tests.desktop.programs import running, wait_until

pytestmark = pytest.mark.desktop


def test_keys_reach_the_program_in_front(desk: Desktop) -> None:
    field = desk.field()
    desk.run("xdotool", "key", "a")
    wait_until(lambda: field.text == "a", "the letter")


def test_the_clipboard_can_be_pasted_with_a_russian_layout(desk: Desktop) -> None:
    desk.layout("ru")
    field = desk.field()
    desk.copy("Привет, мир")
    desk.run("xdotool", "key", "shift+Insert")
    wait_until(lambda: field.text == "Привет, мир", "the text")


def test_the_microphone_hears_what_is_played(desk: Desktop, spoken: Path, tmp_path: Path) -> None:
    heard = tmp_path / "heard.raw"
    recorder = ["parecord", "--raw", "--device=vmic", "--latency-msec=20", str(heard)]
    with running(recorder, desk.environment, log=tmp_path / "recorder.log"):
        wait_until(lambda: heard.exists() and heard.stat().st_size > 0, "the recorder")
        desk.say(spoken)
        wait_until(lambda: any(heard.read_bytes()), "the tone")
