"""The fault proxy as seen by who spoils the network: started, told what to do, ended."""

import asyncio
import json
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from benchmarks.fault_proxy import Weather
from benchmarks.running import free_port

_ANSWER_S: Final = 20.0
FINE: Final = Weather()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPlan:
    """A link to be opened: its name, and the server behind it."""

    name: str
    port: int
    """Of the loopback, where the link begins."""
    to: int | Path
    """A port of the loopback, or a Unix socket."""

    def described(self) -> dict[str, Any]:
        """Give it as the proxy takes it."""
        target = (
            {"path": str(self.to)}
            if isinstance(self.to, Path)
            else {"host": "127.0.0.1", "to": self.to}
        )
        return {"name": self.name, "port": self.port} | target


def link_to(name: str, to: int | Path) -> LinkPlan:
    """Plan a link on a port that is free now."""
    return LinkPlan(name=name, port=free_port(), to=to)


class FaultLinks:
    """Links through a fault proxy of their own, as long as the block runs."""

    def __init__(self, plans: Iterable[LinkPlan]) -> None:
        self._plans = list(plans)
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Start the proxy and open the links."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.fault_proxy"),
            cwd=Path(__file__).parents[1],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        await self._tell({"links": [plan.described() for plan in self._plans]})
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it with all connections."""
        process = self._process
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    async def set_weather(self, links: Iterable[str], weather: Weather) -> None:
        """Let what passes be late; `FINE` ends it."""
        described = {
            "delay_s": weather.delay_s,
            "jitter_s": weather.jitter_s,
            "loss": weather.loss,
        }
        await self._change(links, {"weather": described})

    async def cut(self, links: Iterable[str]) -> None:
        """Let nothing pass, and tell nobody."""
        await self._change(links, {"cut": True})

    async def mend(self, links: Iterable[str]) -> None:
        """Let everything pass again."""
        await self._change(links, {"cut": False})

    async def forget(self, links: Iterable[str]) -> None:
        """Let the connections there are be dead for good, and tell nobody."""
        await self._change(links, {"forget": True})

    async def reset(self, links: Iterable[str]) -> None:
        """Break the connections there are."""
        await self._change(links, {"reset": True})

    async def _change(self, links: Iterable[str], what: dict[str, Any]) -> None:
        for link in links:
            await self._tell({"link": link} | what)

    async def _tell(self, command: dict[str, Any]) -> None:
        process = self._process
        assert process  # noqa: S101 - the block has begun
        assert process.stdin  # noqa: S101 - as it was started
        assert process.stdout  # noqa: S101 - the same
        async with self._turn, asyncio.timeout(_ANSWER_S):
            process.stdin.write(json.dumps(command).encode() + b"\n")
            await process.stdin.drain()
            if await process.stdout.readline() != b"ok\n":
                raise RuntimeError("the fault proxy ended")
