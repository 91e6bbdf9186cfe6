"""The microphone goes, the disk is full, the desktop refuses the keys: it is told, what was said is kept, it works again."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.desktop.client import HOLD, Client
from tests.desktop.display import Desktop
from tests.desktop.kept import dictate, reader
from tests.desktop.programs import running, wait_until

pytestmark = [pytest.mark.desktop, pytest.mark.slow, pytest.mark.usefixtures("built")]


def test_of_a_take_whose_microphone_is_pulled_out_the_first_part_is_kept_and_the_next_one_works(
    desk: Desktop, spoken: Path, port: int
) -> None:
    client = Client(desk, port)
    with client.run():
        desk.press(*HOLD)
        desk.wait_for_listener()
        desk.say(spoken)
        desk.unplug()
        desk.told("Микрофона нет")
        desk.release(*HOLD)
        kept = reader(desk)
        [take] = kept.wait_for(client.file, 1)
        assert take["seconds"] > 1.5
        before = len(desk.notices())
        desk.press(*HOLD)
        wait_until(lambda: len(desk.notices()) > before, "that there is no microphone")
        desk.release(*HOLD)
        assert any("Микрофон" in notice for notice in desk.notices()[before:])
        desk.plug_in()
        dictate(desk, spoken)
        kept.wait_for(client.file, 2)


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of 2 MB in place of this folder; only root can make one."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "alfavoice-test", str(folder)],
        capture_output=True, check=False, timeout=20,
    )  # fmt: skip
    if mounted.returncode != 0:
        pytest.skip("NO FULL DISK: only root may mount a small one")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=20)


def fill(path: Path) -> None:
    """Write into the file until the disk takes nothing more."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            os.fsync(file.fileno())


@pytest.mark.root
def test_what_is_said_while_the_disk_is_full_is_kept_and_comes_to_the_file_once_there_is_room(
    desk: Desktop, spoken: Path, port: int
) -> None:
    client = Client(desk, port)
    document = (client.folder / "settings.json").read_text()
    with small_disk(client.folder):
        client.settings(
            **{name: it for name, it in json.loads(document).items() if name != "version"}
        )
        with client.run():
            dictate(desk, spoken)
            kept = reader(desk)
            kept.wait_for(client.file, 1)
            ballast = client.folder / "ballast"
            fill(ballast)
            dictate(desk, spoken)
            desk.told("На диске кончилось место")
            desk.artefact("disk-full")
            ballast.unlink()
            dictate(desk, spoken)
            takes = kept.wait_for(client.file, 3)
            assert all(take["seconds"] > 1.5 for take in takes)


def test_where_the_desktop_refuses_the_keys_it_is_told_and_the_command_line_dictates(
    desk: Desktop, spoken: Path, port: int
) -> None:
    client = Client(desk, port)
    portal = ["/usr/bin/python3", str(Path(__file__).with_name("portal.py"))]
    with running(portal, desk.environment, log=desk.folder / "portal.log"):
        desk.wait_for_name("org.freedesktop.portal.Desktop")
        wayland = {"XDG_SESSION_TYPE": "wayland", "GDK_BACKEND": "x11"}
        with client.run(until="started", **wayland):
            desk.told("Система отказала в клавишах")
            desk.artefact("keys-refused")
            client.ask("--toggle")
            desk.say(spoken)
            client.ask("--toggle")
            reader(desk).wait_for(client.file, 1)
