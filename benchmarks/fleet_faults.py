"""What can happen to which part of a fleet, drawn by chance, and done to it."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from benchmarks.fault_links import FINE
from benchmarks.fault_proxy import Weather
from benchmarks.fleet_machines import SERVICES, WORKERS, Fleet, links_of

Part = Literal["service", "worker", "nats", "postgres", "nginx"]
Kind = Literal["kill", "restart", "freeze", "cut", "forget", "reset", "weather"]

PARTS: Final[tuple[Part, ...]] = ("service", "worker", "nats", "postgres", "nginx")
KINDS: Final[tuple[Kind, ...]] = (
    "kill", "restart", "freeze", "cut", "forget", "reset", "weather"
)  # fmt: skip
DESCRIBED: Final[dict[Kind, str]] = {
    "kill": "killed with -9, started again",
    "restart": "told to end, started again",
    "freeze": "stopped for seconds (SIGSTOP)",
    "cut": "cut off for seconds, sockets stay open",
    "forget": "cut off for seconds, old connections dead for good",
    "reset": "connections reset",
    "weather": "slow and lossy line for seconds",
}
_WEIGHTS: Final[dict[Kind, int]] = {
    "kill": 3, "restart": 2, "freeze": 2, "cut": 2, "forget": 3, "reset": 1, "weather": 1
}  # fmt: skip
"""How often each comes, of 14."""
_LASTS_S: Final = (1.0, 5.0)
_ROUGH: Final = Weather(delay_s=0.1, jitter_s=0.15, loss=0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that happens."""

    part: Part
    target: str
    """Which of the programs it happens to."""
    kind: Kind
    links: tuple[str, ...]
    """What is spoilt of the network, if it is the network."""
    lasts_s: float

    @property
    def leaves_a_twin(self) -> bool:
        """Whether another of its kind can do its work meanwhile."""
        return self.part in ("service", "worker") and self.kind in ("kill", "restart")

    def __str__(self) -> str:
        """Say it in a line."""
        where = f" ({', '.join(self.links)})" if self.links else ""
        lasts = f" for {self.lasts_s:.1f} s" if self.lasts_s else ""
        return f"{self.target}: {self.kind}{where}{lasts}"


def draw(count: int, chance: random.Random) -> list[Fault]:
    """Draw so many faults: the parts in turn, in a new order each time, the kinds by their weights."""
    decks: dict[Part, list[Kind]] = {part: [] for part in PARTS}
    faults: list[Fault] = []
    while len(faults) < count:
        for part in chance.sample(PARTS, len(PARTS)):
            if not decks[part]:
                decks[part] = [kind for kind in KINDS for _ in range(_WEIGHTS[kind])]
                chance.shuffle(decks[part])
            faults.append(_fault(part, decks[part].pop(), chance))
    return faults[:count]


def _fault(part: Part, kind: Kind, chance: random.Random) -> Fault:
    twins = {"service": SERVICES, "worker": WORKERS}.get(part, (part,))
    target = chance.choice(twins)
    links: tuple[str, ...] = ()
    if kind in ("cut", "forget", "reset", "weather"):
        every = links_of(target)
        # A machine that is cut off loses all its ways, a broken cable or firewall rule one.
        links = every if part in ("nats", "postgres") or chance.random() < 0.4 else (
            chance.choice(every),
        )  # fmt: skip
    lasts_s = chance.uniform(*_LASTS_S) if kind in ("freeze", "cut", "forget", "weather") else 0.0
    return Fault(part=part, target=target, kind=kind, links=links, lasts_s=lasts_s)


async def inflict(fleet: Fleet, fault: Fault) -> float:
    """Let it happen, to its end; say since when (monotonic) people may expect to be served.

    That is the end of the fault: what was killed is back, the network is whole. Where a twin can do
    the work, it is the beginning.
    """
    program, links = fleet.programs[fault.target], fleet.links
    begun = time.monotonic()
    match fault.kind:
        case "kill" | "restart":
            program.kill() if fault.kind == "kill" else program.restart()
            if fault.leaves_a_twin:
                return begun
            await program.up()
        case "freeze":
            program.freeze()
            await asyncio.sleep(fault.lasts_s)
            program.thaw()
        case "cut" | "forget":
            await links.cut(fault.links)
            if fault.kind == "forget":
                await links.forget(fault.links)
            await asyncio.sleep(fault.lasts_s)
            await links.mend(fault.links)
        case "reset":
            await links.reset(fault.links)
        case "weather":
            await links.set_weather(fault.links, _ROUGH)
            await asyncio.sleep(fault.lasts_s)
            await links.set_weather(fault.links, FINE)
    return time.monotonic()


def next_of(waiting: list[Fault], unfit: Sequence[Part]) -> Fault | None:
    """Take out the first fault that happens to none of these parts; None: there is none."""
    for place, fault in enumerate(waiting):
        if fault.part not in unfit:
            return waiting.pop(place)
    return None
