"""The loop looks at everything else between two pieces of work."""

import asyncio
import itertools

from service.dictation.turns import Turnstile


async def test_a_timer_runs_between_any_two_pieces_of_work() -> None:
    turnstile = Turnstile()
    events: list[str] = []

    async def work(name: str) -> None:
        for _ in range(3):
            await turnstile.turn()
            events.append(name)

    async def tick() -> None:
        while True:
            events.append("tick")
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        ticking = tasks.create_task(tick())
        async with asyncio.TaskGroup() as working:
            for name in "abcde":
                working.create_task(work(name))
        ticking.cancel()

    pieces = [index for index, event in enumerate(events) if event != "tick"]
    assert len(pieces) == 15
    assert all("tick" in events[a:b] for a, b in itertools.pairwise(pieces))


async def test_turns_go_round() -> None:
    turnstile = Turnstile()
    order: list[str] = []

    async def work(name: str) -> None:
        for _ in range(4):
            await turnstile.turn()
            order.append(name)

    async with asyncio.TaskGroup() as tasks:
        for name in "abc":
            tasks.create_task(work(name))

    assert order == list("abc" * 4)


async def test_who_is_cancelled_while_waiting_holds_nobody_up() -> None:
    turnstile = Turnstile()
    done: list[str] = []

    async def work(name: str) -> None:
        await turnstile.turn()
        done.append(name)

    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(work(name)) for name in "abc"]
        await asyncio.sleep(0)
        waiting[0].cancel()

    assert done == ["b", "c"]
