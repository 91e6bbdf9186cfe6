"""Everybody at work: each take once undisturbed, then again and again while something is disturbed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from benchmarks.durability_checks import Checks, NoAnswer
from benchmarks.durability_ledger import Ledger
from benchmarks.durability_people import People
from benchmarks.durability_takes import Expected, Take

_WAITING_LIMIT: Final = 150
"""Recordings that may wait for their text before another one is begun."""
_CHUNKS: Final = 12


async def undisturbed(
    takes: Sequence[Take], people: People, checks: Checks, ledger: Ledger
) -> list[Expected]:
    """Transcribe every take as a recording, and say what its text is.

    Raises:
        NoAnswer: one was not transcribed.
    """
    few = asyncio.Semaphore(4)

    async def one(take: Take) -> str:
        async with few:
            entry = await people.upload(take, None, chunks=1, pause_s=0)
        while entry is not None and entry.checked is None:
            await asyncio.sleep(0.1)
        if entry is None or entry.checked in ("lost", "failed"):
            raise NoAnswer("a take was not transcribed even undisturbed")
        return str(entry.checked)

    async with asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(checks.keep_looking())
        transcripts = [await made for made in [tasks.create_task(one(take)) for take in takes]]
        looking.cancel()
    expected = [await checks.expected(transcript) for transcript in transcripts]
    for take, found in zip(takes, expected, strict=True):
        if len(found.borders) != take.utterances:
            ledger.violated(f"{len(found.borders)} utterances of {take.utterances}, undisturbed")
    return expected


async def while_everybody_works(
    disturb: Callable[[], Awaitable[None]],
    *,
    people: People,
    checks: Checks,
    ledger: Ledger,
    work: Sequence[tuple[Take, Expected]],
    uploads: int,
    pause_s: float,
) -> None:
    """Disturb while everybody works; then let everybody end what they began.

    Args:
        disturb: what is done meanwhile; when it returns, nobody begins anything more.
        people: who works.
        checks: looks at what gets finished.
        ledger: of both.
        work: a take for each client, with its undisturbed text.
        uploads: so many clients, the first ones, upload; the others dictate.
        pause_s: between two chunks of an upload, on average.
    """
    over = asyncio.Event()

    async def again_and_again(once: Callable[[], Awaitable[object]]) -> None:
        while not over.is_set():
            while ledger.unfinished > _WAITING_LIMIT and not over.is_set():
                await asyncio.sleep(0.5)
            await once()

    def uploading(take: Take, expected: Expected) -> Callable[[], Awaitable[object]]:
        return lambda: people.upload(take, expected, chunks=_CHUNKS, pause_s=pause_s)

    def speaking(take: Take, expected: Expected) -> Callable[[], Awaitable[object]]:
        return lambda: people.speak(take, expected, pace=1.0)

    async with asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(checks.keep_looking())
        async with asyncio.TaskGroup() as busy:
            for number, (take, expected) in enumerate(work):
                kind = uploading if number < uploads else speaking
                busy.create_task(again_and_again(kind(take, expected)))
            try:
                await disturb()
            finally:
                over.set()
                people.hurry = True
        looking.cancel()
