"""The client's own window as a person has it: what it says, what can be pressed in it.

Driven through WebKit's own driver by the protocol of the W3C (WebDriver, 2018), with nothing in between.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx2

from tests.desktop.display import Desktop
from tests.desktop.programs import running, wait_until

DRIVER: Final = "WebKitWebDriver"
_ELEMENT: Final = "element-6066-11e4-a52e-4f735466cecf"
"""The name the standard gives to a reference to an element."""


class Window:
    """The window of a running client; made by :func:`opened`."""

    def __init__(self, calls: httpx2.Client) -> None:
        """Take over an open session with the driver."""
        self._calls = calls

    @property
    def text(self) -> str:
        """All that can be read in it now."""
        script = "return document.body.innerText"
        return str(self._ask("POST", "/execute/sync", script=script, args=[]))

    def wait_for(self, *texts: str, within_s: float = 30) -> None:
        """Wait until all of these can be read.

        Raises:
            TimeoutError: they cannot; it says what can.
        """
        try:
            wait_until(lambda: all(text in self.text for text in texts), "the texts", within_s)
        except TimeoutError as error:
            raise TimeoutError(f"{texts!r} cannot be read in: {self.text}") from error

    def press(self, label: str) -> None:
        """Press what is called so."""
        # A count may stand beside the name.
        named = f"normalize-space(.)={label!r}"
        found = f"//*[self::button or self::a][{named} or .//span[{named}]]"
        wait_until(lambda: bool(self._elements(found)), f"something to press called {label}")
        self._ask("POST", f"/element/{self._elements(found)[0]}/click")

    def write(self, label: str, text: str) -> None:
        """Write into the field called so, instead of what is in it."""
        found = f"//label[contains(., {label!r})]//input"
        wait_until(lambda: bool(self._elements(found)), f"a field called {label}")
        element = self._elements(found)[0]
        self._ask("POST", f"/element/{element}/clear")
        self._ask("POST", f"/element/{element}/value", text=text)

    def _elements(self, path: str) -> list[str]:
        found = self._ask("POST", "/elements", using="xpath", value=path)
        return [str(one[_ELEMENT]) for one in found]

    def _ask(self, method: str, path: str, **body: object) -> Any:
        answer = self._calls.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json()["value"]


@contextmanager
def opened(
    desk: Desktop, program: Path, environment: dict[str, str], log: Path, *arguments: str
) -> Iterator[Window]:
    """Start the client with its window on the screen."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    driven = {**environment, "TAURI_WEBVIEW_AUTOMATION": "true"}
    options = {"binary": str(program), "args": list(arguments)}
    with (
        running([DRIVER, f"--port={port}"], driven, log=log),
        httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as driver,
    ):
        wait_until(lambda: _answers(driver), "the driver")
        asked = {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}}
        answer = driver.post("/session", json=asked)
        answer.raise_for_status()
        session = answer.json()["value"]["sessionId"]
        with httpx2.Client(base_url=f"{driver.base_url}/session/{session}", timeout=60) as calls:
            yield Window(calls)


def _answers(driver: httpx2.Client) -> bool:
    try:
        return driver.get("/status").status_code == 200
    except httpx2.TransportError:
        return False
