"""Requests that wait while the worker is busy are answered together; without any other, a request waits for nothing.

Queues are bounded: what finds no room is refused at once, so that who is let in knows how long it takes at most.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from elmyr.serving.http.answers import Answer
from elmyr.serving.http.http_errors import HTTPError, gone, no_room, too_late
from elmyr.serving.http.limits import TOGETHER, TOGETHER_BYTES, WAITING, WAITING_BYTES, WAITING_OTHERS

_NUMBERS = count()


@dataclass(eq=False)
class Job:
    """A request for the worker; its future holds the answer, or the `HTTPError`."""

    model: str
    operation: str
    query: Mapping[str, Any]
    body: bytes
    future: asyncio.Future[Answer]
    number: int = field(default_factory=lambda: next(_NUMBERS))

    @property
    def wanted(self) -> bool:
        """Whether anyone waits for it still."""
        return not self.future.done()

    def settle(self, answer: Answer) -> None:
        """Gives the answer to who waits."""
        if self.wanted:
            self.future.set_result(answer)

    def refuse(self, error: HTTPError) -> None:
        """Gives the error to who waits."""
        if self.wanted:
            self.future.set_exception(error)

    def expire(self) -> None:
        """Its deadline has passed."""
        self.refuse(too_late())

    def abandon(self) -> None:
        """Nobody waits for it any more."""
        self.refuse(gone())


class Queues:
    """A queue for each model and operation; who has waited longest goes first, and takes along what is like it."""

    def __init__(self) -> None:
        self._queues: dict[tuple[str, str], deque[Job]] = {}

    def __len__(self) -> int:
        return sum(job.wanted for queue in self._queues.values() for job in queue)

    def put(self, job: Job) -> None:
        """Lets a request wait; raises `HTTPError` (429) where its queue is full."""
        queue = self._queues.setdefault((job.model, job.operation), deque())
        if not self._has_room(queue, job):
            self._forget_unwanted(queue)
        if not self._has_room(queue, job):
            raise no_room(f"{len(queue)} requests to {job.operation} with '{job.model}' wait already")
        queue.append(job)

    def take(self) -> list[Job]:
        """Those to be answered together next, all of one model and operation; none where none waits."""
        for queue in self._queues.values():
            self._forget_unwanted(queue)
        waiting = [queue for queue in self._queues.values() if queue]
        if not waiting:
            return []
        queue = min(waiting, key=lambda each: each[0].number)
        batch, size = [queue.popleft()], 0
        size = len(batch[0].body)
        most = TOGETHER.get(batch[0].operation, 1)
        while queue and len(batch) < most and size + len(queue[0].body) <= TOGETHER_BYTES:
            size += len(queue[0].body)
            batch.append(queue.popleft())
        return batch

    def refuse_all(self, error: HTTPError) -> None:
        """Nobody who waits is answered."""
        for queue in self._queues.values():
            while queue:
                queue.popleft().refuse(error)

    @staticmethod
    def _has_room(queue: deque[Job], job: Job) -> bool:
        """By count and by bytes, which are about work; one alone may be of any size."""
        size = len(job.body) + sum(len(each.body) for each in queue)
        return len(queue) < WAITING.get(job.operation, WAITING_OTHERS) and (not queue or size <= WAITING_BYTES)

    @staticmethod
    def _forget_unwanted(queue: deque[Job]) -> None:
        wanted = [job for job in queue if job.wanted]
        if len(wanted) < len(queue):
            queue.clear()
            queue.extend(wanted)
