"""A session's requests on their way through the queue: asked, withdrawn, answered."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from workers.contract.errors import CLOSED, SHED, QueueClosed, QueueFull
from workers.contract.queue import Load, TranscriptionQueue
from workers.contract.requests import Answer, Failure, Priority, Request

PREVIEW_PATIENCE_S: Final = 4.0
"""A partial or speculative answer older than this is of no use to anybody."""


def is_crowded(load: Load) -> bool:
    """Say whether speculation would take time from somebody's final.

    A speculative final that speech resumes after was worked for in vain, about a third more work
    for each second of speech (measured), and nothing is taken off a lane once it runs. So there
    must be an idle lane, and another one for the final that may come meanwhile; a machine with one
    lane speculates when it is idle.
    """
    waiting = load.waiting["final"] + load.waiting["speculative"]
    return waiting > 0 or load.busy_lanes >= max(1, load.lanes - 1)


class Asking:
    """Keeps a task for each request under way, in the task group of its session."""

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        queue: TranscriptionQueue,
        *,
        clock: Callable[[], float],
        answered: Callable[[Request, Answer], None],
    ) -> None:
        self._tasks = tasks
        self._queue = queue
        self._clock = clock
        self._answered = answered
        # A speculative final and the final it becomes share their id; both are waited for.
        self._under_way: dict[tuple[str, Priority], asyncio.Task[None]] = {}

    def ask(self, request: Request, *, after_s: float) -> None:
        """Submit a request, `after_s` seconds from now."""
        key = (request.id, request.priority)
        task = self._tasks.create_task(self._submit(request, after_s))
        self._under_way[key] = task
        task.add_done_callback(lambda ended: self._forget(key, ended))

    def withdraw(self, request_id: str) -> None:
        """Stop waiting for a speculative final."""
        task = self._under_way.get((request_id, Priority.SPECULATIVE))
        if task:
            task.cancel()

    def stop(self) -> None:
        """Stop waiting for anything."""
        for task in self._under_way.values():
            task.cancel()

    def _forget(self, key: tuple[str, Priority], task: asyncio.Task[None]) -> None:
        if self._under_way.get(key) is task:  # and not the retry it led to
            del self._under_way[key]

    async def _submit(self, request: Request, after_s: float) -> None:
        if after_s:
            await asyncio.sleep(after_s)
        if request.priority is Priority.SPECULATIVE and is_crowded(self._queue.load()):
            return  # the final is asked for when the utterance ends
        if request.priority in (Priority.PARTIAL, Priority.SPECULATIVE):
            request = replace(request, deadline=self._clock() + PREVIEW_PATIENCE_S)
        answer: Answer
        try:
            # No timeout of our own: the queue promises exactly one answer, whatever breaks.
            answer = await self._queue.submit(request)
        except QueueFull as exc:
            answer = Failure(request=request.id, code=SHED, message=str(exc), retryable=True)
        except QueueClosed as exc:
            answer = Failure(request=request.id, code=CLOSED, message=str(exc), retryable=True)
        self._answered(request, answer)
