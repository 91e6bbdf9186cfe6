"""Speak a load of takes to a server in real time and note how each of them went."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.contestants import (
    FRAME_BYTES,
    SAMPLE_RATE_HZ,
    BrokenOff,
    Heard,
    LiveTake,
    TurnedAway,
)
from benchmarks.figures import Outcome, Row, may_exceed
from benchmarks.running import Running
from benchmarks.speech import Clip
from benchmarks.takes import Take
from workers.contract.audio import pcm16_from_samples

CONNECT_LEAD_S: Final = 0.5
"""A client connects before the person speaks; connecting is not part of any latency."""
FINAL_TIMEOUT_S: Final = 60.0
"""After the last sample; a text that comes later is lost. Nobody looks at the screen for longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How takes are spoken and when a run is decided."""

    partials: bool
    trailing_silence_s: float = 0.0
    """Digital silence spoken after the recording, before the key is released."""
    final_timeout_s: float = FINAL_TIMEOUT_S
    give_up_s: float | None = None
    """Stop as soon as p95 cannot stay under this any more; None: never."""


class Verdict:
    """Whether p95 can still stay under a limit, known before the run is over."""

    def __init__(self, takes: Sequence[Take], limit_s: float | None) -> None:
        self._limit_s = limit_s
        self._may_exceed = may_exceed(sum(take.counted for take in takes))
        self._exceeded: set[int] = set()
        self.failed = asyncio.Event()

    @contextlib.contextmanager
    def watching(self, live: LiveTake) -> Iterator[None]:
        """Count the take as too late at the moment it becomes so."""
        if self._limit_s is None or not live.take.counted:
            yield
            return
        loop = asyncio.get_running_loop()
        alarm = loop.call_at(live.ended_at + self._limit_s, self._exceed, live.take.number)
        try:
            yield
        finally:
            alarm.cancel()

    def record(self, row: Row) -> None:
        """Note a take that is over: without its text it is as bad as a late one."""
        if self._limit_s is not None and row.counted and row.outcome != "text":
            self._exceed(row.take)

    def _exceed(self, number: int) -> None:
        self._exceeded.add(number)
        if len(self._exceeded) > self._may_exceed:
            self.failed.set()


class Audio:
    """Frames of the clips, cut once and kept."""

    def __init__(self) -> None:
        self._frames: dict[tuple[str, float], list[bytes]] = {}

    def frames(self, clip: Clip, *, trailing_silence_s: float = 0.0) -> list[bytes]:
        """Give a clip as PCM16 frames of 100 ms, the last one shorter."""
        key = (clip.name, trailing_silence_s)
        if key not in self._frames:
            pcm = pcm16_from_samples(clip.samples)
            pcm += bytes(2 * round(trailing_silence_s * SAMPLE_RATE_HZ))
            self._frames[key] = [
                pcm[start : start + FRAME_BYTES] for start in range(0, len(pcm), FRAME_BYTES)
            ]
        return self._frames[key]


async def speak(
    server: Running, takes: Sequence[Take], audio: Audio, rules: Rules
) -> tuple[list[Row], bool]:
    """Speak all takes, each at its time.

    Takes that are not counted are broken off once every counted one is over.

    Returns:
        The rows of all takes that came to an end, by their number, and whether the run was
        stopped early by the rules.
    """
    loop = asyncio.get_running_loop()
    for take in takes:
        audio.frames(take.clip, trailing_silence_s=rules.trailing_silence_s)
    begins_at = loop.time() + CONNECT_LEAD_S + 0.1
    rows: list[Row] = []
    verdict = Verdict(takes, rules.give_up_s)
    open_counted = sum(take.counted for take in takes)
    all_over = asyncio.Event()

    async def perform(take: Take) -> None:
        nonlocal open_counted
        live = LiveTake(
            take,
            audio.frames(take.clip, trailing_silence_s=rules.trailing_silence_s),
            starts_at=begins_at + take.starts_s,
            partials=rules.partials,
        )
        with verdict.watching(live):
            row = await _perform(server, live, rules)
        rows.append(row)
        verdict.record(row)
        open_counted -= take.counted
        if open_counted == 0:
            all_over.set()

    async def raise_curtain(stage: asyncio.TaskGroup) -> None:
        for take in takes:
            wait = begins_at + take.starts_s - CONNECT_LEAD_S - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            running.append(stage.create_task(perform(take)))

    running: list[asyncio.Task[None]] = []
    async with asyncio.TaskGroup() as stage:
        running.append(stage.create_task(raise_curtain(stage)))
        ends = [
            stage.create_task(all_over.wait()),
            stage.create_task(verdict.failed.wait()),
        ]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in [*running, *ends]:
            task.cancel()
    return sorted(rows, key=lambda row: row.take), verdict.failed.is_set() and not all_over.is_set()


async def _perform(server: Running, live: LiveTake, rules: Rules) -> Row:
    """Speak one take; whatever happens becomes its row."""
    outcome: Outcome = "error"
    detail = ""
    heard: Heard | None = None
    try:
        async with asyncio.timeout_at(live.ended_at + rules.final_timeout_s):
            heard = await server.contestant.transcribe(server.port, live)
        outcome = "text" if heard.text.strip() else "empty"
    except TurnedAway as refusal:
        outcome = "refused"
        detail = "" if refusal.retry_after_ms is None else f"{refusal.retry_after_ms:.0f}"
    except TimeoutError:
        outcome = "timeout"
    except Exception as error:
        detail = str(error) if isinstance(error, BrokenOff) else type(error).__name__
    clip = live.take.clip
    first = live.first_shown_at
    text = heard if outcome == "text" else None
    return Row(
        take=live.take.number,
        clip=clip.name,
        group=clip.group,
        seconds=round(clip.duration_s, 3),
        starts_s=round(live.take.starts_s, 3),
        counted=live.take.counted,
        outcome=outcome,
        detail=detail,
        hypothesis=text.text.strip() if text else "",
        latency_s=round(max(0.0, text.complete_at - live.ended_at), 3) if text else None,
        known_s=round(max(0.0, text.known_at - live.ended_at), 3) if text else None,
        partials=live.shown,
        first_partial_s=None if first is None else round(first - live.starts_at, 3),
        late_ms=round(live.late_s * 1000, 1),
    )


async def warm_up(server: Running, clips: Sequence[Clip], audio: Audio) -> None:
    """Speak one short clip of each language, so that models are loaded and caches are filled."""
    loop = asyncio.get_running_loop()
    chosen = {clip.language: clip for clip in sorted(clips, key=lambda clip: -clip.duration_s)}
    for number, clip in enumerate(chosen.values()):
        take = Take(number=number, clip=clip, starts_s=0.0, counted=True)
        live = LiveTake(
            take, audio.frames(clip), starts_at=loop.time() + CONNECT_LEAD_S, partials=True
        )
        with contextlib.suppress(BrokenOff, TurnedAway):
            async with asyncio.timeout(120):
                await server.contestant.transcribe(server.port, live)
