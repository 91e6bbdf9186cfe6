"""How many people can talk at once: AlfaVoice and its peers under the same load.

    python -m benchmarks.capacity                     AlfaVoice: finals, then with partials
    python -m benchmarks.capacity --peers             the peers at N = 1, 2, 3, 4
    python -m benchmarks.capacity --percent 70        AlfaVoice at 70 % of the capacity found
    python -m benchmarks.capacity --idle              one person, with and without speculation
    python -m benchmarks.capacity --all               all of these
    python -m benchmarks.capacity --report            table and plot of what was measured

A run that was cut off goes on where it stopped; `--fresh` begins anew. `--quick` takes three
minutes and says little. Results go to benchmarks/results.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

import uvloop

from benchmarks.alfavoice import AlfaVoice, installed_model
from benchmarks.contestants import Contestant
from benchmarks.idle import CASES, measure_idle
from benchmarks.load import Audio
from benchmarks.machine import describe_machine
from benchmarks.peers.faster_whisper_pool import FasterWhisperPool
from benchmarks.peers.whisper_live import WhisperLive
from benchmarks.peers.whisperlivekit import WhisperLiveKit
from benchmarks.peers.wyoming_faster_whisper import WyomingFasterWhisper
from benchmarks.plots import plot_latency
from benchmarks.probing import Campaign, Terms
from benchmarks.results import FOLDER, ResultsFile
from benchmarks.running import DidNotStart
from benchmarks.speech import load_clips, recordings_folder
from benchmarks.tables import OURS, accuracy_table, capacity_table, held, probe_table
from benchmarks.takes import speakable

PEERS: Final[dict[str, Contestant]] = {
    "pool-1x2": FasterWhisperPool(workers=1, threads=2),
    "pool-2x1": FasterWhisperPool(workers=2, threads=1),
    "wyoming": WyomingFasterWhisper(),
    "whisper-live": WhisperLive(batch=False),
    "whisper-live-batch": WhisperLive(batch=True),
    "whisperlivekit": WhisperLiveKit(),
}
IDLE_TAKES: Final = 10
FIRST_FINALS: Final = 16
FIRST_PARTIALS: Final = 4
PEER_LOADS: Final = (1, 2, 3, 4)
PEER_COUNTED_S: Final = 40.0
"""Shorter than ours: at N = 1 that is five takes, see the README on small samples."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.capacity",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--peers", nargs="*", choices=sorted(PEERS), metavar="NAME")
    parser.add_argument("--idle", action="store_true")
    parser.add_argument("--percent", type=int)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--partials", choices=("off", "on", "both"), default="both")
    parser.add_argument("--talkers", type=int, nargs="+", help="these loads instead of a search")
    parser.add_argument("--shape", choices=("dictation", "continuous"), default="dictation")
    parser.add_argument("--beam", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=45.0, help="counted part of a probe")
    parser.add_argument("--warm-in", type=float, default=8.0)
    parser.add_argument("--limit", type=float, default=1.0, help="p95 of finalisation, seconds")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--again", action="store_true", help="repeat what others disturbed")
    parser.add_argument("--url", default="", help="host:port of an AlfaVoice that runs already")
    parser.add_argument("--pid", type=int, default=0, help="of that server, to see what it uses")
    parser.add_argument("--results", type=Path)
    options = parser.parse_args()
    if options.results is None:
        options.results = FOLDER / ("tmp/quick.json" if options.quick else "capacity.json")
    return options


def _campaign(options: argparse.Namespace, results: ResultsFile) -> Campaign:
    return Campaign(
        clips=speakable(load_clips()),
        model=installed_model(),
        terms=Terms(
            beam=options.beam,
            shape=options.shape,
            seed=options.seed,
            warm_in_s=options.warm_in,
            counted_s=12.0 if options.quick else options.seconds,
            limit_s=options.limit,
        ),
        results=results,
        audio=Audio(),
        again=options.again,
    )


def _kinds(options: argparse.Namespace) -> list[bool]:
    return {"off": [False], "on": [True], "both": [False, True]}[options.partials]


async def _ours(options: argparse.Namespace, campaign: Campaign) -> None:
    server = AlfaVoice(address=options.url, pid=options.pid)
    for partials in _kinds(options):
        if options.talkers:
            await campaign.ladder(server, options.talkers, partials=partials)
        else:
            first = FIRST_PARTIALS if partials else FIRST_FINALS
            found = await campaign.capacity(server, first=first, partials=partials)
            kind = "partials" if partials else "finals"
            print(f"{OURS}, {kind}: {found} people at p95 < {options.limit:g} s", file=sys.stderr)


async def _share(options: argparse.Namespace, campaign: Campaign, percent: int) -> None:
    for partials in _kinds(options):
        alike = [
            probe
            for probe in campaign.results.probes
            if probe.condition.contestant == OURS
            and probe.condition.partials == partials
            and probe.condition.shape == options.shape
            and probe.condition.beam == options.beam
        ]
        talkers = held(alike, limit_s=options.limit) * percent // 100
        if talkers:
            await campaign.ladder(
                AlfaVoice(address=options.url, pid=options.pid), [talkers], partials=partials
            )
            kind = "partials" if partials else "finals"
            campaign.results.note(f"at_{percent}_percent", kind, talkers)


async def _peers(options: argparse.Namespace, results: ResultsFile, names: list[str]) -> None:
    options = argparse.Namespace(**{**vars(options), "seconds": PEER_COUNTED_S})
    campaign = _campaign(options, results)
    loads = options.talkers or ((1,) if options.quick else PEER_LOADS)
    for name in names or list(PEERS):
        contestant = PEERS[name]
        try:
            await campaign.ladder(contestant, loads, partials=contestant.shows_partials)
        except (DidNotStart, RuntimeError, OSError) as failure:
            print(f"{contestant.name} was not measured: {failure}", file=sys.stderr)
            results.note("not_measured", contestant.name, str(failure))


async def _idle(options: argparse.Namespace, campaign: Campaign) -> None:
    for case in CASES:
        if case.name not in campaign.results.content.get("idle", {}):
            figures = await measure_idle(campaign, case, takes=3 if options.quick else IDLE_TAKES)
            campaign.results.note("idle", case.name, figures)
            print(f"idle, {case.name}: p50 {figures['p50_s']} s", file=sys.stderr)


def _report(options: argparse.Namespace, results: ResultsFile) -> str:
    clips = {clip.name: clip for clip in load_clips()}
    alike = [
        probe
        for probe in results.probes
        if probe.condition.shape == options.shape and probe.condition.beam == options.beam
    ]
    plot = options.results.with_suffix(".png")
    if alike:
        plot_latency(
            alike,
            plot,
            limit_s=options.limit,
            title=f"Whisper base int8, {describe_machine()['cores']} CPU cores, beam {options.beam}"
            f", {options.shape} load",
        )
    idle = [
        f"- {name}: p50 {case['p50_s']} s, p95 {case['p95_s']} s, {case['served']} of "
        f"{case['takes']} takes of {case['mean_clip_s']} s"
        for name, case in results.content.get("idle", {}).items()
    ]
    shares = [
        f"- {share.replace('_', ' ')}, {kind}: N = {talkers}"
        for share in results.content
        if share.startswith("at_")
        for kind, talkers in results.content[share].items()
    ]
    absent = [
        f"- {name}: {reason.splitlines()[0]}"
        for name, reason in results.content.get("not_measured", {}).items()
    ]
    machine = ", ".join(f"{name} {value}" for name, value in results.content["machine"].items())
    sections = {
        "Largest load held": capacity_table(results.probes) if results.probes else "",
        "p95 over N": f"![p95 over N]({plot.name})" if alike else "",
        "Probes": probe_table(results.probes) if results.probes else "",
        "Shares of the capacity": "\n".join(shares),
        "Idle": "\n".join(idle),
        "Word error rates": accuracy_table(results.probes, clips) if results.probes else "",
        "Not measured": "\n".join(absent),
    }
    parts = [
        f"# Capacity\n\nMade by `python -m benchmarks.capacity` on: {machine}. What each take was "
        "heard as is in the JSON file; what the columns mean is in benchmarks/README.md.",
        *(f"## {title}\n\n{content}" for title, content in sections.items() if content),
    ]
    text = "\n\n".join(parts) + "\n"
    options.results.with_suffix(".md").write_text(text, encoding="utf-8")
    return text


async def _measure(options: argparse.Namespace, results: ResultsFile) -> None:
    campaign = _campaign(options, results)
    asked_of_ours = not (options.idle or options.percent or options.peers is not None)
    if options.all or asked_of_ours:
        await _ours(options, campaign)
    if options.all or options.percent:
        await _share(options, campaign, options.percent or 70)
    if options.all or options.idle:
        await _idle(options, campaign)
    if options.all or options.peers is not None:
        await _peers(options, results, options.peers or [])


def main() -> int:
    """Run what was asked for; give the exit status."""
    options = _arguments()
    if not recordings_folder().exists():
        print("no recordings: set ALFAVOICE_SHARED to the folder that has them", file=sys.stderr)
        return 2
    results = ResultsFile(options.results, fresh=options.fresh)
    if not options.report:
        results.content["machine"] = describe_machine()
        uvloop.run(_measure(options, results))
    print(_report(options, results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
