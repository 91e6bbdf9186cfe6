"""Two processes at once, and a process killed in the middle."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from models.manifest import Manifest
from models.registry import ModelRegistry
from tests.models.conftest import COMMIT, entry, manifest_of, pinned, small_model
from tests.models.hub_server import Hub

REPOSITORY = Path(__file__).parents[2]
DEADLINE_S = 60.0
PULL = """
import sys
from pathlib import Path
from models.hub import HubAccess
from models.manifest import Manifest
from models.registry import ModelRegistry
root, manifest, endpoint = sys.argv[1:]
registry = ModelRegistry(Path(root), Manifest.model_validate_json(Path(manifest).read_bytes()),
                         hub=HubAccess(endpoint=endpoint))
phases = set()
def tell(step):
    if step.phase not in phases:
        phases.add(step.phase)
        print(step.phase, flush=True)
print("installed", registry.pull("big", progress=tell).path.name, flush=True)
"""

Files = dict[str, bytes]


@pytest.fixture
def big() -> Files:
    return small_model(4, size_bytes=4_000_000)


@pytest.fixture
def manifest(big: Files, files: Files) -> Manifest:
    return manifest_of(entry("big", pinned(big)), entry("first", pinned(files, "team/first")))


@pytest.fixture
def start(tmp_path: Path, manifest: Manifest, hub: Hub) -> Callable[[], subprocess.Popen[str]]:
    description = tmp_path / "manifest.json"
    description.write_text(manifest.model_dump_json())
    command = [sys.executable, "-c", PULL, str(tmp_path / "models"), str(description), hub.endpoint]
    return lambda: subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def read_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_of_two_processes_one_downloads_and_both_get_the_model(
    registry: ModelRegistry, hub: Hub, big: Files, start: Callable[[], "subprocess.Popen[str]"]
) -> None:
    hub.publish(COMMIT, big)
    stalled = hub.misbehave("model.bin", stall_after=1_000_000)
    with start() as first:
        assert read_line(first) == "fetching"
        with start() as second:
            assert read_line(second) == "waiting"
            stalled.release.set()
            ends = [process.communicate(timeout=DEADLINE_S)[0] for process in (first, second)]

    assert (first.returncode, second.returncode) == (0, 0)
    assert len({end.split()[-1] for end in ends}) == 1  # the same generation
    assert sorted(name for name, _ in hub.requests) == sorted(big)  # each file once
    registry.verify("big")


def test_after_kill_9_in_the_middle_the_model_in_use_works_and_the_pull_goes_on(
    registry: ModelRegistry,
    hub: Hub,
    files: Files,
    big: Files,
    start: Callable[[], "subprocess.Popen[str]"],
) -> None:
    registry.pull("first")
    registry.use("first")
    hub.publish(COMMIT, big)
    stalled = hub.misbehave("model.bin", stall_after=3_000_000)

    def received() -> int:
        return sum(path.stat().st_size for path in registry.path.rglob("model.bin.partial"))

    with start() as pull:
        wait_until(lambda: received() > 2_900_000)
        os.kill(pull.pid, signal.SIGKILL)
        assert pull.wait(DEADLINE_S) == -signal.SIGKILL
    stalled.release.set()
    kept = received()
    hub.wrong.clear()
    hub.requests.clear()

    assert registry.installed("big") is None
    active = registry.active()
    assert active is not None
    assert active.name == "first"
    registry.verify("first")

    model = registry.pull("big")

    assert {path.name: path.read_bytes() for path in model.path.iterdir()} == big
    assert hub.requested("model.bin") == [f"bytes={kept}-"]
    assert json.loads((registry.path / "active.json").read_text()) == {"name": "first"}
