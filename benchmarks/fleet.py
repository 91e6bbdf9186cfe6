"""What everything around the recogniser can take: queue, services, sessions.

    python -m benchmarks.fleet --overhead --workers --sessions 1000

The recogniser is the scripted engine, which takes time but little processor: it stands for a GPU on
another machine. Results go to benchmarks/results/fleet.{json,md}; what is not asked for stays there.
"""

import argparse
import json
import resource
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any, Final

import structlog

from benchmarks.fleet_capacity_report import report
from benchmarks.fleet_sessions import sessions
from benchmarks.fleet_workers import throughput
from benchmarks.machine import describe_machine, versions
from benchmarks.queue_overhead import measure
from benchmarks.results import FOLDER, now
from benchmarks.speech import Clip, load_clips
from benchmarks.takes import speakable
from service.event_loop import event_loop_runner

LONGEST_S: Final = 8.0
"""Sentences of 3 to 8 s: what people say in one breath."""
FILES_PER_SESSION: Final = 2
FILES_BESIDES: Final = 512


def main() -> int:
    """Measure what is asked for; give 0."""
    given = _arguments()
    # Told to stop, it takes what it started along.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    _allow_files(given.sessions or 0)
    path: Path = given.results
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    content["machine"] = describe_machine()
    content["versions"] = versions(["alfavoice", "uvicorn", "uvloop", "websockets", "nats-py"])
    clips = [clip for clip in speakable(load_clips()) if clip.duration_s <= LONGEST_S]
    with event_loop_runner() as runner:
        if given.overhead:
            for way, window_s in product(("local", "nats"), given.windows):
                found = runner.run(
                    measure(
                        rate=given.rate,
                        duration_s=given.seconds,
                        lanes=2,
                        window_s=window_s,
                        nats=way == "nats",
                    )
                )
                row = {"queue": way, "when": now(), **asdict(found)}
                rows = [each for each in content.get("overhead", []) if not _same(each, row)]
                content["overhead"] = [*rows, row]
                _save(content, path)
        if given.workers:
            rounds = runner.run(
                throughput(
                    clips, work_s_per_audio_s=given.work, people=given.people, seconds=given.seconds
                )
            )
            content["workers"] = {
                **{"when": now(), "work_s_per_audio_s": given.work, "people": given.people},
                "rounds": [asdict(each) for each in rounds],
            }
            _save(content, path)
        if given.sessions:
            content["sessions"] = _kept(
                content.get("sessions", []), given, _sessions(runner, clips, given)
            )
    _save(content, path)
    print(report(content))
    return 0


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one[name] == other[name] for name in ("queue", "rate", "window_s"))


def _save(content: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(report(content), encoding="utf-8")


def _sessions(runner: Any, clips: Sequence[Clip], given: argparse.Namespace) -> dict[str, Any]:  # noqa: ANN401
    found = runner.run(
        sessions(clips, count=given.sessions, share=given.share, seconds=given.speaking)
    )
    return {"when": now(), **asdict(found)}


def _kept(
    before: Sequence[dict[str, Any]], given: argparse.Namespace, found: dict[str, Any]
) -> list[dict[str, Any]]:
    same = (given.sessions, given.share)
    others = [each for each in before if (each["sessions"], each["share_speaking"]) != same]
    return sorted([*others, found], key=lambda each: (each["sessions"], each["share_speaking"]))


def _allow_files(count: int) -> None:
    """Raise the limit of open files, which the service inherits, as far as it may be."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count * FILES_PER_SESSION + FILES_BESIDES
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft > resource.getrlimit(resource.RLIMIT_NOFILE)[0]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--overhead", action="store_true", help="what the queue costs a window")
    parser.add_argument("--rate", type=float, default=500.0, help="windows a second")
    parser.add_argument(
        "--windows", type=float, nargs="+", default=[1.0, 3.0], help="their seconds of audio"
    )
    parser.add_argument("--workers", action="store_true", help="one worker beside two")
    parser.add_argument("--work", type=float, default=0.02, help="engine seconds a second of audio")
    parser.add_argument("--people", type=int, default=12, help="at each of two services")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each of these two")
    parser.add_argument("--sessions", type=int, help="so many open sessions at one service")
    parser.add_argument("--share", type=float, default=0.1, help="of them that speak at a time")
    parser.add_argument("--speaking", type=float, default=45.0, help="seconds that they do so")
    parser.add_argument("--results", type=Path, default=FOLDER / "fleet.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
