"""Speaking takes to a server and noting how they went."""

import asyncio
import dataclasses

import pytest

from benchmarks.contestants import BYTES_PER_SECOND, BrokenOff, Heard, LiveTake, TurnedAway
from benchmarks.load import Audio, Rules, Verdict, speak
from benchmarks.running import Running
from benchmarks.takes import Take


class Listener:
    """A server in this process: takes every frame, then answers as it was told to."""

    name = "listener"
    shows_partials = True

    def __init__(self, answer="раз два три", *, stalls_s=0.0):
        self.answer = answer
        self.stalls_s = stalls_s
        self.heard = {}

    async def transcribe(self, port, live):
        loop = asyncio.get_running_loop()
        frames = self.heard.setdefault(live.take.number, [])
        async for frame in live.frames():
            frames.append((loop.time() - live.starts_at, frame))
            if len(frames) == 1:
                await asyncio.sleep(self.stalls_s)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is None:
            await asyncio.Event().wait()
        now = loop.time()
        return Heard(text=self.answer, complete_at=now, known_at=now)


@pytest.fixture
def short(clips):
    """A clip of 0.45 s: four whole frames and a half."""
    return dataclasses.replace(clips[0], samples=clips[0].samples[:7200])


def take(clip, number=0, *, starts_s=0.0, counted=True):
    return Take(number=number, clip=clip, starts_s=starts_s, counted=counted)


async def run(listener, takes, **rules):
    server = Running(contestant=listener, port=0, pid=0)
    return await speak(server, takes, Audio(), Rules(partials=True, **rules))


async def test_every_frame_leaves_when_its_last_sample_exists_and_not_before(short):
    listener = Listener()

    await run(listener, [take(short)])

    spoken_s = 0.0
    for at_s, frame in listener.heard[0]:
        spoken_s += len(frame) / BYTES_PER_SECOND
        assert at_s >= spoken_s - 1e-3
    assert [len(frame) for _, frame in listener.heard[0]] == [3200, 3200, 3200, 3200, 1600]


async def test_a_server_that_does_not_read_cannot_move_the_end_of_speech(short):
    (row,), _ = await run(Listener(stalls_s=0.6), [take(short)])

    assert row.latency_s >= 0.25  # 0.1 + 0.6 s, when speech had ended at 0.45 s
    assert row.late_ms >= 250


async def test_silence_after_the_recording_is_spoken_too(short):
    listener = Listener()

    await run(listener, [take(short)], trailing_silence_s=0.2)

    assert sum(len(frame) for _, frame in listener.heard[0]) == round(0.65 * BYTES_PER_SECOND)


@pytest.mark.parametrize(
    ("answer", "outcome", "detail"),
    [
        ("раз", "text", ""),
        ("  ", "empty", ""),
        (BrokenOff("closed 1011"), "error", "closed 1011"),
        (ConnectionResetError(), "error", "ConnectionResetError"),
        (TurnedAway(5000), "refused", "5000"),
        (TurnedAway(None), "refused", ""),
        (None, "timeout", ""),
    ],
)
async def test_whatever_happens_to_a_take_becomes_its_row(short, answer, outcome, detail):
    (row,), stopped = await run(Listener(answer), [take(short)], final_timeout_s=0.1)

    assert (row.outcome, row.detail, stopped) == (outcome, detail, False)
    assert (row.latency_s is not None) == (outcome == "text")


async def test_a_run_ends_as_soon_as_p95_cannot_be_kept(short, clips):
    takes = [take(short, number) for number in range(20)] + [take(clips[9], 20)]

    rows, stopped = await run(Listener(None), takes, give_up_s=0.05)

    assert stopped
    assert rows == []


async def test_takes_that_do_not_count_are_broken_off_at_the_end(short, clips):
    takes = [take(short), take(clips[9], 1, counted=False)]

    rows, stopped = await run(Listener(), takes)

    assert ([row.take for row in rows], stopped) == ([0], False)


async def test_a_verdict_counts_a_take_once_however_it_fails(short, row):
    takes = [take(short, number) for number in range(40)]
    verdict = Verdict(takes, 0.0)  # two of forty may fail
    live = LiveTake(takes[0], [], starts_at=0.0, partials=False)

    with verdict.watching(live):
        await asyncio.sleep(0.01)
    verdict.record(row(take=0, outcome="timeout", latency_s=None))
    verdict.record(row(take=1, outcome="empty", latency_s=None))
    assert not verdict.failed.is_set()

    verdict.record(row(take=2, outcome="error", latency_s=None))
    assert verdict.failed.is_set()


async def test_only_changed_texts_count_as_partials(short):
    live = LiveTake(take(short), [], starts_at=0.0, partials=True)

    for text in ("", "раз", "раз ", "раз два", "раз два"):
        live.show(text)

    assert live.shown == 2
