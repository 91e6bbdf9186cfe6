"""Nothing said is lost: not without a server, not when the program is killed."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.desktop.client import HOLD, Client, program, serving
from tests.desktop.display import Desktop
from tests.desktop.programs import wait_until

pytestmark = [pytest.mark.desktop, pytest.mark.slow]


@pytest.fixture(autouse=True)
def built() -> Path:
    """The client's program, or nothing here is tried."""
    return program()


@pytest.fixture
def port() -> int:
    """A port on which nobody answers yet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def dictate(desk: Desktop, spoken: Path) -> None:
    """Hold, say, let go."""
    desk.press(*HOLD)
    desk.say(spoken)
    desk.release(*HOLD)


def kept(
    desk: Desktop, client: Client, tmp_path: Path, *command: str
) -> subprocess.CompletedProcess[str]:
    """Ask the independent reader about the client's outbox, with the key out of the keychain."""
    key = tmp_path / "key"
    key.write_text(desk.run("secret-tool", "lookup", "service", "alfavoice", "username", "outbox"))
    return subprocess.run(
        [sys.executable, "-m", "service", "outbox", *command, "--file", str(client.folder / "outbox.db"), "--key-file", str(key)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def takes(desk: Desktop, client: Client, tmp_path: Path) -> int:
    """How many takes the file holds."""
    listed = kept(desk, client, tmp_path, "list", "--json")
    return len(json.loads(listed.stdout)) if listed.returncode == 0 else -1


def history(port: int) -> list[dict[str, object]]:
    """The transcripts the server has."""
    answer = httpx2.get(f"http://127.0.0.1:{port}/v1/history", timeout=10)
    return list(answer.json()["items"])


def test_what_is_said_while_the_server_is_down_is_in_the_history_once_when_it_is_back_and_types_nothing(
    desk: Desktop, spoken: Path, port: int, database_url: str, new_data_folder: Path, tmp_path: Path
) -> None:
    client = Client(desk, desk.folder / "client")
    client.settings(server={"kind": "team", "address": f"http://127.0.0.1:{port}"})
    with client.run():
        field = desk.field()
        for count in (1, 2, 3):
            dictate(desk, spoken)
            wait_until(lambda count=count: takes(desk, client, tmp_path) == count, "the take")
        content = (client.folder / "outbox.db").read_bytes()
        assert not content.startswith(b"SQLite format 3")
        assert kept(desk, client, tmp_path, "verify").returncode == 0
        with serving(new_data_folder, database_url, script={}, port=port):
            wait_until(lambda: len(history(port)) == 3, "the transcripts", 90)
            client.wait_for_route("Team")
            dictate(desk, spoken)
            wait_until(lambda: bool(field.text), "the text")
            wait_until(lambda: len(history(port)) == 4, "its transcript")
        assert field.text.count(".") <= 1


def test_a_take_that_a_kill_cut_off_is_recovered_and_becomes_text(
    desk: Desktop, spoken: Path, port: int, database_url: str, new_data_folder: Path
) -> None:
    client = Client(desk, desk.folder / "client")
    client.settings(server={"kind": "team", "address": f"http://127.0.0.1:{port}"})
    with client.run():
        desk.press(*HOLD)
        for _ in range(3):
            desk.say(spoken)
        client.kill()
        desk.release(*HOLD)
    with serving(new_data_folder, database_url, script={}, port=port), client.run():
        field = desk.field()
        wait_until(lambda: len(history(port)) == 1, "the recovered take", 60)
        assert float(str(history(port)[0]["audio_seconds"])) > 3.0
        assert field.text == ""
