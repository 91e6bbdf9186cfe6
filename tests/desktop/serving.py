"""A real server for the client: `alfavoice serve` on loopback."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from tests.desktop.programs import running, wait_until


@contextmanager
def serving(
    folder: Path,
    database_url: str | None,
    *,
    script: dict[str, object] | None,
    port: int = 0,
    **settings: str,
) -> Iterator[int]:
    """Run `alfavoice serve` on loopback, where nobody signs in; give its port.

    Args:
        folder: of its data.
        database_url: its database; None: an embedded one.
        script: of the scripted engine; None: the active model of the folder.
        port: 0: a free one.
        settings: others, as in `login="required"`.
    """
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ALFAVOICE_")},
        "ALFAVOICE_DATA_DIR": str(folder),
        **{f"ALFAVOICE_{name.upper()}": value for name, value in settings.items()},
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

        def said() -> str:
            return log.read_bytes()[before:].decode(errors="replace")

        wait_until(
            lambda: "http://127.0.0.1:" in said() and "engine_ready" in said(), "the server", 90
        )
        address = said().split("http://127.0.0.1:")[1]
        yield int(address.split("/")[0].split()[0].strip('",.'))


def history(port: int, *, token: str | None = None) -> list[dict[str, object]]:
    """Give the transcripts a server has, newest first."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = httpx2.get(f"http://127.0.0.1:{port}/v1/history", headers=headers, timeout=10)
    answer.raise_for_status()
    return list(answer.json()["items"])
