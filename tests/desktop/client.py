"""The client's program, run on a desktop as a person runs it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.desktop.display import Desktop
from tests.desktop.programs import end, running, wait_until

VARIABLE = "ALFAVOICE_CLIENT_PROGRAM"
HOLD = ("ctrl", "super")
"""What is held to talk, by default on X11."""


def program() -> Path:
    """Give the built client, or skip."""
    named = os.environ.get(VARIABLE)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    places = (
        [Path(named)]
        if named
        else [
            cache / "alfavoice" / "cargo" / profile / "alfavoice-desktop"
            for profile in ("release", "debug")
        ]
    )
    for place in places:
        if place.is_file():
            return place
    pytest.skip("NO CLIENT: `make client-program` builds it")


class Client:
    """A running client; made by :func:`client`."""

    def __init__(self, desk: Desktop, folder: Path) -> None:
        """Describe it; nothing is started yet."""
        self._desk = desk
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def settings(self, **sections: object) -> None:
        """Write its settings before it starts."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        (self.folder / "settings.json").write_text(json.dumps({"version": 1, **sections}))

    @contextmanager
    def run(self, *arguments: str) -> Iterator["Client"]:
        """Start it and wait until its keys work; end it as a person does."""
        environment = {
            **self._desk.environment,
            "ALFAVOICE_CLIENT_DATA": str(self.folder),
            "ALFAVOICE_LOG": "info,client_core=debug,client_platform=debug",
        }
        before = self.log()
        with running(
            [str(program()), *(arguments or ("--hidden",))],
            environment,
            log=self._desk.folder / "client.log",
        ) as process:
            self._process = process
            wait_until(lambda: "keys bound" in self.log()[len(before) :], "the client", 30)
            yield self

    def wait_for_route(self, route: str) -> None:
        """Wait until the next take goes there: `Team`, `Outbox`."""
        wait_until(
            lambda: f"to={route}" in self.log().rpartition("takes go")[2], f"the route {route}"
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


@contextmanager
def serving(
    folder: Path, database_url: str | None, *, script: dict[str, object] | None, port: int = 0
) -> Iterator[int]:
    """Run `alfavoice serve` on loopback, where nobody signs in; give its port.

    Args:
        folder: of its data.
        database_url: its database; None: an embedded one.
        script: of the scripted engine; None: the active model of the folder.
        port: 0: a free one.
    """
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ALFAVOICE_")},
        "ALFAVOICE_DATA_DIR": str(folder),
    }
    if database_url is not None:
        environment["ALFAVOICE_DATABASE_URL"] = database_url
    if script is not None:
        (folder / "script.json").write_text(json.dumps(script))
        environment |= {
            "ALFAVOICE_ENGINE": "scripted",
            "ALFAVOICE_SCRIPT": str(folder / "script.json"),
            "ALFAVOICE_PUNCTUATION": "off",
        }
    log = folder / "server.log"
    log.touch()
    before = log.stat().st_size
    with running(
        [sys.executable, "-m", "service", "serve", "--port", str(port), "--log-format", "json"],
        environment,
        log=log,
    ):
        said: list[dict[str, object]] = []

        def is_ready() -> bool:
            text = log.read_bytes()[before:].decode(errors="replace")
            for line in text.splitlines():
                if "http://127.0.0.1:" in line and not said:
                    said.append(
                        {
                            "port": int(
                                line.split("http://127.0.0.1:")[1]
                                .split("/")[0]
                                .split()[0]
                                .strip('",.')
                            )
                        }
                    )
            return bool(said) and "engine_ready" in text

        wait_until(is_ready, "the server", 90)
        yield int(str(said[0]["port"]))
