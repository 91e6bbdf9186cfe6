"""Real engine processes, killed, hung, poisoned, and the queue in front of them."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from tests.workers.conftest import until
from tests.workers.windows import window
from workers.contract.errors import EngineFailed, EngineUnusable, QueueClosed
from workers.contract.requests import Answer, Failure, Hypothesis, Priority
from workers.local import LocalWorkers, WorkerOptions, local_workers
from workers.process import Supervision
from workers.recognition.scripted import derived_text

READY_S = 60.0
SUPERVISION = Supervision(restart_base_s=0.01, restart_cap_s=0.05, stop_s=5.0)

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def scripted(
    folder: Path,
    *,
    lanes: int = 2,
    devices: tuple[str, ...] = ("cpu",),
    supervision: Supervision = SUPERVISION,
    registry: CollectorRegistry | None = None,
    **script: Any,
) -> AbstractAsyncContextManager[LocalWorkers]:
    path = folder / "script.json"
    path.write_text(json.dumps(script))
    options = WorkerOptions(
        engine="scripted", devices=devices, lanes=lanes, script=path, supervision=supervision
    )
    return local_workers(options, metrics_registry=registry or CollectorRegistry())


def outcome(answer: Answer) -> str:
    return answer.text if isinstance(answer, Hypothesis) else answer.code


def children() -> Counter[str]:
    """States of this process' children, `Z` being zombies."""
    states: Counter[str] = Counter()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            states[fields[0]] += 1
    return states


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_killed_recogniser_costs_nobody_their_text(tmp_path: Path) -> None:
    requests = [window(f"w{n}", samples=16_000 + n) for n in range(24)]
    async with scripted(tmp_path, work_s_per_audio_s=0.02) as workers:
        await workers.wait_ready(READY_S)
        (victim,) = workers.process_ids
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(workers.queue.submit(r)) for r in requests]
            await until(lambda: workers.queue.load().busy_lanes == 2)
            os.kill(victim, signal.SIGKILL)
        answers = [task.result() for task in tasks]

        assert workers.process_ids != (victim,)

    assert [a.request for a in answers] == [r.id for r in requests]
    assert [outcome(a) for a in answers] == [derived_text(r.pcm) for r in requests]


async def test_two_engines_carry_on_for_each_other(tmp_path: Path) -> None:
    requests = [window(f"w{n}") for n in range(30)]
    async with scripted(
        tmp_path, lanes=1, devices=("cpu", "cuda:0"), work_s_per_audio_s=0.01
    ) as workers:
        await workers.wait_ready(READY_S)
        assert workers.queue.load().lanes == 2
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(workers.queue.submit(r)) for r in requests]
            await until(lambda: workers.queue.load().busy_lanes == 2)
            os.kill(workers.process_ids[0], signal.SIGKILL)

        assert [outcome(t.result()) for t in tasks] == [derived_text(r.pcm) for r in requests]


@pytest.mark.parametrize("how", ["crash", "hang", "raise"])
async def test_a_poison_window_is_set_aside_and_its_companions_are_recognised(
    tmp_path: Path, how: str
) -> None:
    good = [window(f"w{n}", samples=16_000 + n) for n in range(6)]
    poison = window("poison", samples=20_000)
    supervision = Supervision(
        restart_base_s=0.01, restart_cap_s=0.05, watchdog_base_s=2.0, watchdog_factor=0.0
    )
    async with scripted(tmp_path, supervision=supervision, **{how: ["20000"]}) as workers:
        await workers.wait_ready(READY_S)
        answers = await asyncio.gather(
            *(workers.queue.submit(r) for r in [*good[:3], poison, *good[3:]])
        )
        after = await workers.queue.submit(window("after"))

    by_id = {answer.request: answer for answer in answers}
    failure = by_id.pop("poison")
    assert isinstance(failure, Failure)
    assert (failure.code, failure.retryable) == ("request.poison", False)
    assert {i: outcome(a) for i, a in by_id.items()} == {r.id: derived_text(r.pcm) for r in good}
    assert isinstance(after, Hypothesis)


async def test_a_window_is_decoded_again_when_the_engine_asks_for_it(tmp_path: Path) -> None:
    async with scripted(tmp_path, again=["16000"], texts={"16000": "раз два"}) as workers:
        await workers.wait_ready(READY_S)
        answer = await workers.queue.submit(window("a", wants_words=True))

    assert isinstance(answer, Hypothesis)
    assert (answer.text, answer.cost.passes) == ("раз два", 2)
    assert [(w.text, w.start, w.end) for w in answer.words] == [
        ("раз", 0, 8_000),
        ("два", 8_000, 16_000),
    ]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (WorkerOptions(engine="whisper", devices=("cpu",)), "engine.model_missing"),
        (
            WorkerOptions(engine="scripted", devices=("cpu",), script=Path("absent.json")),
            "engine.script_invalid",
        ),
    ],
)
async def test_an_engine_that_cannot_start_says_why_and_is_not_tried_again(
    options: WorkerOptions, code: str
) -> None:
    registry = CollectorRegistry()
    async with local_workers(options, metrics_registry=registry) as workers:
        with pytest.raises(EngineUnusable) as failure:
            await workers.wait_ready(READY_S)
        assert failure.value.code == code
        assert str(Path.cwd()) not in str(failure.value)
        assert not workers.ready()
        (refusal,) = await asyncio.gather(workers.queue.submit(window()), return_exceptions=True)
        assert isinstance(refusal, Failure | QueueClosed)  # accepted before or after the end
        assert refusal.code == "queue.closed"
        await until(lambda: not workers.process_ids)

    assert registry.get_sample_value("alfavoice_engine_restarts") == 0


async def test_an_engine_that_is_never_ready_is_reported_in_time(tmp_path: Path) -> None:
    slow = Supervision(ready_s=0.001, restart_base_s=10.0)
    async with scripted(tmp_path, supervision=slow) as workers:
        with pytest.raises(EngineFailed, match="no recogniser was ready"):
            await workers.wait_ready(0.2)
        assert not workers.queue.load().ready


async def test_a_failure_of_the_caller_comes_out_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="mine"):
        async with scripted(tmp_path):
            raise KeyError("mine")


async def test_drain_finishes_what_was_accepted_and_refuses_the_rest(tmp_path: Path) -> None:
    async with scripted(tmp_path, work_s_per_audio_s=0.05) as workers:
        await workers.wait_ready(READY_S)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(workers.queue.submit(window(f"w{n}"))) for n in range(10)]
            await until(lambda: workers.queue.load().busy_lanes > 0)
            drained = group.create_task(workers.drain(30))
            await asyncio.sleep(0)
            with pytest.raises(QueueClosed):
                await workers.queue.submit(window("new"))
        assert drained.result()

    assert all(isinstance(task.result(), Hypothesis) for task in tasks)


async def test_a_drain_that_takes_too_long_answers_what_is_left(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        async with scripted(tmp_path, lanes=1, hang=["16000"]) as workers:
            await workers.wait_ready(READY_S)
            stuck = group.create_task(workers.queue.submit(window("stuck")))
            await until(lambda: workers.queue.load().busy_lanes == 1)
            waiting = group.create_task(workers.queue.submit(window("waiting")))
            await until(lambda: workers.queue.load().waiting["final"] == 1)

            assert not await workers.drain(0.01)
            assert outcome(await waiting) == "queue.closed"
        assert outcome(await stuck) == "queue.closed"


@pytest.mark.slow
@linux_only
async def test_twenty_restarts_leave_no_zombie_and_no_open_file(tmp_path: Path) -> None:
    async with scripted(tmp_path, lanes=1) as workers:
        await workers.wait_ready(READY_S)
        files_before = open_files()
        for turn in range(20):
            (victim,) = workers.process_ids
            os.kill(victim, signal.SIGKILL)
            await until(lambda victim=victim: victim not in workers.process_ids)
            await workers.wait_ready(READY_S)
            assert isinstance(await workers.queue.submit(window(f"w{turn}")), Hypothesis)

        assert open_files() <= files_before + 1
        assert children()["Z"] == 0
        assert children().total() == 1
    assert children().total() == 0


@linux_only
async def test_the_engine_process_ends_with_the_service(tmp_path: Path) -> None:
    service = textwrap.dedent("""
        import asyncio
        from prometheus_client import CollectorRegistry
        from workers.local import WorkerOptions, local_workers

        async def main():
            options = WorkerOptions(engine="scripted", devices=("cpu",), lanes=1)
            async with local_workers(options, metrics_registry=CollectorRegistry()) as workers:
                await workers.wait_ready(60)
                print("pid", workers.process_ids[0], flush=True)
                await asyncio.Event().wait()

        asyncio.run(main())
    """)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", service, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    pid = 0
    while not pid:
        line = await process.stdout.readline()
        assert line, "the service ended"
        if line.startswith(b"pid "):
            pid = int(line.split()[1])

    process.kill()
    await process.communicate()

    def ended() -> bool:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        return state == "Z"  # ended; whoever inherited it has not looked yet

    await until(ended)


async def test_what_an_engine_writes_is_not_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "secret-words")  # Python complains of it on stderr
    with capture_logs() as logs:
        async with scripted(tmp_path, lanes=1) as workers:
            await workers.wait_ready(READY_S)
            await until(lambda: any(entry["event"] == "engine_wrote" for entry in logs))
            await workers.queue.submit(window("secret-id", user="secret-user"))

    assert "secret" not in str(logs)
    assert any(entry["event"] == "batch_recognised" for entry in logs)


async def test_metrics_count_batches_and_name_no_ids(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    async with scripted(tmp_path, registry=registry, again=["32000"]) as workers:
        await workers.wait_ready(READY_S)
        await workers.queue.submit(window("secret", user="secret", session="secret"))
        await workers.queue.submit(window("b", samples=32_000, priority=Priority.FILE))

        def value(name: str, **labels: str) -> float | None:
            return registry.get_sample_value(name, labels)

        assert value("alfavoice_ready_lanes") == 2
        assert value("alfavoice_waiting_requests", kind="final") == 0
        assert value("alfavoice_answers_total", kind="final", result="recognised") == 1
        assert value("alfavoice_batch_windows_count", kind="file") == 2
        assert value("alfavoice_queue_seconds_count", kind="file") == 1
        assert value("alfavoice_repeated_windows_total") == 1
    labels = {v for m in registry.collect() for s in m.samples for v in s.labels.values()}
    assert "secret" not in str(labels)


def test_the_service_side_loads_no_recogniser() -> None:
    code = "import sys, workers.local; sys.exit('ctranslate2' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
