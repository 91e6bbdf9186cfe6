"""The client's program, run on a desktop as a person runs it."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.desktop.display import Desktop
from tests.desktop.programs import end, running, wait_until
from tests.desktop.window import Window, opened

VARIABLE: Final = "ALFAVOICE_CLIENT_PROGRAM"
HOLD: Final = ("ctrl", "super")
"""What is held to talk, by default on X11."""


def program() -> Path:
    """Give the built client, or skip."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    built = [*(cache / "alfavoice" / "cargo").glob("*/alfavoice-desktop")]
    if built:
        # Not whichever was built some time ago.
        return max(built, key=lambda path: path.stat().st_mtime)
    pytest.skip("NO CLIENT: `make client-program` builds it")


class Client:
    """A client and its folder; it runs within :meth:`run` and :meth:`shown`."""

    def __init__(self, desk: Desktop, server_port: int, name: str = "client") -> None:
        """Describe it, with the team's server on that port; nothing is started yet."""
        self._desk = desk
        self.folder = desk.folder / name
        self.folder.mkdir(mode=0o700)
        self._process: subprocess.Popen[bytes] | None = None
        self.settings(server={"kind": "team", "address": f"http://127.0.0.1:{server_port}"})

    @property
    def file(self) -> Path:
        """Its outbox."""
        return self.folder / "outbox.db"

    @property
    def pid(self) -> int:
        """Number of its process, while it runs hidden."""
        assert self._process is not None
        return self._process.pid

    def settings(self, **sections: object) -> None:
        """Write its settings before it starts."""
        document = {"version": 1, "appearance": {"language": "ru"}, **sections}
        (self.folder / "settings.json").write_text(json.dumps(document))

    @contextmanager
    def run(
        self, *arguments: str, until: str = "keys bound", **environment: str
    ) -> Iterator["Client"]:
        """Start it and wait until its keys work; end it as a person does.

        Args:
            arguments: of the program; without any it starts hidden.
            until: what it writes into its log when it can be used.
            environment: what its own has besides.
        """
        before = self.log()
        with running(
            [str(program()), *(arguments or ("--hidden",))],
            self._environment(environment),
            log=self._desk.folder / "client.log",
        ) as process:
            self._process = process
            wait_until(lambda: until in self.log()[len(before) :], "the client", 30)
            yield self

    @contextmanager
    def shown(self, *, until: str = "Диктовка", **environment: str) -> Iterator[Window]:
        """Start it with its window on the screen, to be read and pressed.

        Args:
            until: what can be read in it once its screens are there.
            environment: what its own has besides.
        """
        log = self._desk.folder / "client.log"
        with opened(self._desk, program(), self._environment(environment), log) as window:
            window.wait_for(until)
            yield window

    def ask(self, argument: str) -> None:
        """Start it once more, as another program's shortcut does: the running one obeys."""
        subprocess.run(
            [str(program()), argument],
            env=self._environment({}),
            check=True,
            capture_output=True,
            timeout=20,
        )

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        return {
            **self._desk.environment,
            "ALFAVOICE_CLIENT_DATA": str(self.folder),
            "ALFAVOICE_LOG": "info,client_core=debug,client_platform=debug",
            **more,
        }

    def wait_for_route(self, route: str) -> None:
        """Wait until the next take goes there: `Team`, `Outbox`."""
        wait_until(
            lambda: f"to={route}" in self.log().rpartition("takes go")[2], f"the route {route}", 40
        )

    def log(self) -> str:
        """What it says of itself."""
        path = self.folder / "alfavoice.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def kill(self) -> None:
        """End it as a power cut does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(5)

    def stop(self) -> None:
        """End it tidily."""
        assert self._process is not None
        end(self._process)
