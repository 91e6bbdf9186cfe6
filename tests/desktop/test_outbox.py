"""Nothing said is lost: not without a server, not when the program is killed."""

from pathlib import Path

import pytest

from tests.desktop.client import HOLD, Client
from tests.desktop.display import Desktop
from tests.desktop.kept import dictate, reader
from tests.desktop.programs import running, wait_until
from tests.desktop.serving import history, serving

pytestmark = [pytest.mark.desktop, pytest.mark.slow, pytest.mark.usefixtures("built")]


def test_what_is_said_while_the_server_is_down_is_in_the_history_once_when_it_is_back_and_types_nothing(
    desk: Desktop, spoken: Path, port: int, database_url: str, new_data_folder: Path
) -> None:
    client = Client(desk, port)
    with client.run():
        field = desk.field()
        for count in (1, 2, 3):
            dictate(desk, spoken)
            kept = reader(desk)
            kept.wait_for(client.file, count)
        assert not client.file.read_bytes().startswith(b"SQLite format 3")
        assert kept.ask(client.file, "verify").returncode == 0
        with serving(new_data_folder, database_url, script={}, port=port):
            wait_until(lambda: len(history(port)) == 3, "the transcripts", 90)
            client.wait_for_route("Team")
            dictate(desk, spoken)
            wait_until(lambda: bool(field.text), "the text")
            wait_until(lambda: len(history(port)) == 4, "its transcript")
        assert field.text.count(".") <= 1


def test_of_a_take_that_a_kill_cut_off_all_but_the_last_second_is_recovered_and_becomes_text(
    desk: Desktop, spoken: Path, port: int, database_url: str, new_data_folder: Path
) -> None:
    client = Client(desk, port)
    other = desk.folder / "other.raw"
    with client.run():
        desk.press(*HOLD)
        desk.wait_for_listener()
        # Another recorder says how much there was to be heard: a busy machine gives sound late.
        recorder = ["parecord", "--raw", "--rate=16000", "--channels=1", "--format=s16le",
                    "--device=vmic", "--latency-msec=20", str(other)]  # fmt: skip
        with running(recorder, desk.environment, log=desk.folder / "recorder.log"):
            for _ in range(3):
                desk.say(spoken)
            client.kill()
            heard_s = other.stat().st_size / 32_000
        desk.release(*HOLD)
    assert heard_s > 4
    with serving(new_data_folder, database_url, script={}, port=port), client.run():
        field = desk.field()
        wait_until(lambda: len(history(port)) == 1, "the recovered take", 60)
        assert float(str(history(port)[0]["audio_seconds"])) > heard_s - 1
        assert field.text == ""
