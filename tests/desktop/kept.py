"""What a client's outbox holds, told by the reader that shares no code with it: `alfavoice outbox`."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.desktop.client import HOLD, Client
from tests.desktop.display import Desktop
from tests.desktop.programs import wait_until


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads outboxes whose key (or passphrase) is the one given."""

    key: str

    def ask(self, file: Path, *command: str) -> subprocess.CompletedProcess[str]:
        """Run `alfavoice outbox` over this file."""
        return subprocess.run(
            [sys.executable, "-m", "service", "outbox", *command, "--file", str(file), "--key-file", "-"],
            input=self.key, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def takes(self, file: Path) -> list[dict[str, Any]]:
        """Give the takes a file holds; none where it cannot be opened."""
        listed = self.ask(file, "list", "--json")
        return list(json.loads(listed.stdout)) if listed.returncode == 0 else []

    def wait_for(self, file: Path, count: int, state: str = "pending") -> list[dict[str, Any]]:
        """Wait until it holds exactly so many takes in this state; give them.

        Raises:
            TimeoutError: it does not; it names the states there are.
        """
        takes: list[dict[str, Any]] = []

        def there() -> bool:
            takes[:] = self.takes(file)
            return [take["state"] for take in takes].count(state) == count

        try:
            wait_until(there, "the takes", 30)
        except TimeoutError as error:
            states = [take["state"] for take in takes]
            raise TimeoutError(f"not {count} {state} takes, but {states}") from error
        return [take for take in takes if take["state"] == state]


def key_of(desk: Desktop) -> str:
    """Give the outbox's key out of the keychain."""
    return desk.run("secret-tool", "lookup", "service", "alfavoice", "username", "outbox")


def reader(desk: Desktop) -> Reader:
    """Make the reader with the key out of the keychain."""
    return Reader(key_of(desk))


def dictate(desk: Desktop, spoken: Path) -> None:
    """Hold, say once somebody listens, let go."""
    desk.press(*HOLD)
    desk.wait_for_listener()
    desk.say(spoken)
    desk.release(*HOLD)


def put_aside(client: Client) -> list[Path]:
    """Name the outboxes of this client that were put aside."""
    return sorted(client.folder.glob("outbox-*.db"))
