"""Put a contestant under one load after another and keep what came of it."""

import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contestants import Contestant
from benchmarks.figures import DISTURBED_CORES, GIVE_UP_S, holds, summarise
from benchmarks.load import Audio, Rules, speak, warm_up
from benchmarks.machine import Watch
from benchmarks.results import Condition, Probe, ResultsFile, now
from benchmarks.running import Running, running
from benchmarks.search import CapacitySearch
from benchmarks.speech import Clip
from benchmarks.takes import Shape, lay_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What all probes of a campaign have in common."""

    beam: int
    shape: Shape
    seed: int
    warm_in_s: float
    counted_s: float
    limit_s: float


@dataclass(slots=True, kw_only=True)
class Campaign:
    """Clips, model and results, and the probes that are run on them."""

    clips: Sequence[Clip]
    model: Path
    terms: Terms
    results: ResultsFile
    audio: Audio
    again: bool = False
    """Run probes again that other processes disturbed, instead of taking them over."""

    def is_good(self, probe: Probe) -> bool:
        """Whether a probe of an earlier run is taken over."""
        return not self.again or probe.usage.other_cores <= DISTURBED_CORES

    def condition(self, contestant: Contestant, talkers: int, *, partials: bool) -> Condition:
        """Name a measurement."""
        return Condition(
            contestant=contestant.name,
            beam=self.terms.beam,
            partials=partials,
            shape=self.terms.shape,
            talkers=talkers,
            seed=self.terms.seed,
            counted_s=self.terms.counted_s,
        )

    async def capacity(self, contestant: Contestant, *, first: int, partials: bool) -> int:
        """Find the largest load that holds; probes of earlier runs are taken over."""
        search = CapacitySearch(first=first)
        async with Lane(self, contestant) as lane:
            while (talkers := search.propose()) is not None:
                probe = await lane.probe(talkers, partials=partials)
                search.record(talkers, held=holds(probe.summary, limit_s=self.terms.limit_s))
        return search.held

    async def ladder(
        self, contestant: Contestant, loads: Sequence[int], *, partials: bool
    ) -> list[Probe]:
        """Run the loads in their order, up to the first that had to be given up."""
        probes = []
        async with Lane(self, contestant) as lane:
            for talkers in loads:
                probes.append(await lane.probe(talkers, partials=partials))
                if probes[-1].stopped_early:
                    break
        return probes


class Lane:
    """One contestant under load: its server starts at the first probe that must really be run."""

    def __init__(self, campaign: Campaign, contestant: Contestant) -> None:
        self._campaign = campaign
        self._contestant = contestant
        self._server: Running | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Lane":
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._end()

    async def probe(self, talkers: int, *, partials: bool) -> Probe:
        """Give the probe of a load, from the results or from a run."""
        campaign = self._campaign
        condition = campaign.condition(self._contestant, talkers, partials=partials)
        found = campaign.results.find(condition)
        if found and campaign.is_good(found):
            return found
        probe = await self._run(condition)
        campaign.results.add(probe)
        _tell(probe)
        if probe.stopped_early:
            # What was broken off may keep it busy for a minute: the next load meets a fresh one.
            await self._end()
        return probe

    async def _run(self, condition: Condition) -> Probe:
        campaign, terms = self._campaign, self._campaign.terms
        server = await self._started()
        takes = lay_out(
            terms.shape,
            campaign.clips,
            talkers=condition.talkers,
            warm_in_s=terms.warm_in_s,
            counted_s=terms.counted_s,
            seed=terms.seed,
        )
        rules = Rules(partials=condition.partials, give_up_s=GIVE_UP_S)
        with Watch(server.pid) as watch:
            rows, stopped_early = await speak(server, takes, campaign.audio, rules)
            usage = watch.usage()
        return Probe(
            condition=condition,
            summary=summarise(rows),
            usage=usage,
            stopped_early=stopped_early,
            settings=self._contestant.settings,
            versions=self._contestant.versions(),
            rows=rows,
            when=now(),
        )

    async def _started(self) -> Running:
        if self._server is None:
            campaign = self._campaign
            self._contestant.install()
            self._server = await self._stack.enter_async_context(
                running(self._contestant, model=campaign.model, beam=campaign.terms.beam)
            )
            await warm_up(self._server, campaign.clips, campaign.audio)
        return self._server

    async def _end(self) -> None:
        self._server = None
        await self._stack.aclose()


def _tell(probe: Probe) -> None:
    """Say how a probe went, on standard error."""
    summary, usage, condition = probe.summary, probe.usage, probe.condition
    print(
        f"{condition.contestant:26} {condition.shape} {'partials' if condition.partials else 'finals'}"
        f" N={condition.talkers}: {summary.served}/{summary.takes} served, {summary.lost} lost,"
        f" {summary.refused} refused, {_latency(probe)};"
        f" cores: server {usage.server_cores:.2f} client {usage.client_cores:.2f}"
        f" other {usage.other_cores:.2f}; {usage.server_pss_mb:.0f} MB",
        file=sys.stderr,
        flush=True,
    )


def _latency(probe: Probe) -> str:
    if probe.stopped_early:
        return f"given up: p95 is over {GIVE_UP_S:g} s"
    p50, p95 = probe.summary.latency_p50_s, probe.summary.latency_p95_s
    return "nothing counted" if p50 is None or p95 is None else f"p50 {p50:.2f} s p95 {p95:.2f} s"
