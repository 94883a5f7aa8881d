"""The worker's process as the page sees it: started, given work, replaced when it dies.

Loading torch takes seconds, so a second one stands by, without a model, and takes over at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

from elmyr.serving.http.answers import Answer
from elmyr.serving.http.http_errors import lost, stopping
from elmyr.serving.http.limits import DEADLINE
from elmyr.serving.worker.batching import Job, Queues
from elmyr.serving.worker.wire import Broken, packed, receive

Process = asyncio.subprocess.Process

WORKER = [sys.executable, "-m", "elmyr.serving.worker.process"]
AHEAD = 2  # batches that the worker has: one at work, one that lies ready
LONGEST_BATCH = 60.0  # seconds after which a worker is taken for stuck
LONGEST_START = 120.0
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 10.0  # seconds before a worker is replaced: longer where it dies again and again
HEALTHY = 5.0  # seconds that a worker has lived, after which its death is not taken for one of a row


class Supervisor:
    """Keeps one worker; what is asked waits for it, also while it is being replaced.

    said: called with a line for each start and each death.
    """

    def __init__(self, options: Sequence[str], said: Callable[[str], None] = lambda line: None) -> None:
        self._command = [*WORKER, *options]
        self._said = said
        self._queues = Queues()
        self._at_work: dict[int, tuple[list[Job], asyncio.TimerHandle]] = {}
        self._numbers = count()
        self._process: Process | None = None
        self._spare: asyncio.Task[Process | None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._stopping = False
        self.ready = False
        self.starts = 0
        self.loaded: list[str] = []

    @property
    def waiting(self) -> int:
        """Requests that no worker has taken yet."""
        return len(self._queues)

    @property
    def stands_by(self) -> bool:
        """Whether another worker is there to take over at once."""
        spare = self._spare.result() if self._spare is not None and self._spare.done() else None
        return spare is not None and spare.returncode is None

    async def start(self) -> None:
        """Begins to keep a worker; does not wait until it is ready."""
        self._keeping = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Ends the worker; who still waits is refused."""
        self._stopping, self.ready = True, False
        self._queues.refuse_all(stopping())
        for task in (self._spare, self._keeping):
            if task is not None:
                task.cancel()
                (left,) = await asyncio.gather(task, return_exceptions=True)
                if isinstance(left, Process):  # it stood by already
                    await _ended(left)

    def ask(self, model: str, operation: str, query: Mapping[str, Any], body: bytes = b"") -> Job:
        """A request whose future holds what the worker says, or `HTTPError`: no time (504), or the worker dies (503).

        Raises `HTTPError` (429) at once where there is no room.
        """
        if self._stopping:
            raise stopping()
        loop = asyncio.get_running_loop()
        job = Job(model, operation, query, body, loop.create_future())
        self._queues.put(job)
        deadline = loop.call_later(DEADLINE, job.expire)
        job.future.add_done_callback(lambda _: deadline.cancel())
        self._hand_out()
        return job

    def _hand_out(self) -> None:
        process = self._process
        while self.ready and process is not None and process.stdin is not None and len(self._at_work) < AHEAD:
            batch = self._queues.take()
            if not batch:
                return
            number = next(self._numbers)
            header = {
                "batch": number,
                "model": batch[0].model,
                "operation": batch[0].operation,
                "queries": [dict(job.query) for job in batch],
            }
            clock = asyncio.get_running_loop().call_later(LONGEST_BATCH, self._end_stuck)
            self._at_work[number] = batch, clock
            process.stdin.write(packed(header, [job.body for job in batch]))

    def _end_stuck(self) -> None:
        self._said(f"the worker has been at one batch for {LONGEST_BATCH:g} s and is ended")
        if self._process is not None:
            self._process.kill()

    async def _keep(self) -> None:
        pause = FIRST_PAUSE
        loop = asyncio.get_running_loop()
        while not self._stopping:
            process = await (self._spare or asyncio.create_task(self._begun()))
            self._spare, began = None, loop.time()
            if process is not None:
                self._spare = asyncio.create_task(self._begun())
                await self._live(process)
            self._said("the worker ended and is replaced")
            pause = FIRST_PAUSE if loop.time() - began > HEALTHY else min(2 * pause, LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _begun(self) -> Process | None:
        """A worker that has said that it is ready; None where it ended before, or cannot be started."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=1 << 20,
                start_new_session=True,  # Ctrl-C is for the page's process, which says when to end
            )
        except OSError as error:  # no memory, no descriptors, no processes left: there may be some again
            self._said(f"a worker cannot be started ({error})")
            return None
        self.starts += 1
        assert process.stdout is not None
        try:
            async with asyncio.timeout(LONGEST_START):
                if await receive(process.stdout) is not None:
                    return process
        except (Broken, TimeoutError) as error:
            self._said(f"a worker is not understood ({error})")
        except asyncio.CancelledError:
            await _ended(process)
            raise
        await _ended(process)
        return None

    async def _live(self, process: Process) -> None:
        """One worker's life; what it had at its end is lost, what waits waits for the next."""
        assert process.stdout is not None
        self._process, self.ready = process, True
        try:
            self._hand_out()
            while (frame := await receive(process.stdout)) is not None:
                self._settle(*frame)
                self._hand_out()
        except (Broken, LookupError, OSError, TypeError, ValueError) as error:
            self._said(f"the worker is not understood ({error})")
        finally:
            self.ready, self._process, self.loaded = False, None, []
            for batch, clock in self._at_work.values():
                clock.cancel()
                for job in batch:
                    job.refuse(lost())
            self._at_work.clear()
            await _ended(process)

    def _settle(self, header: dict[str, Any], parts: list[bytes]) -> None:
        self.loaded = list(header["loaded"])
        batch, clock = self._at_work[header["batch"]]
        for job, (status, media_type), content in zip(batch, header["answers"], parts, strict=True):
            job.settle(Answer(int(status), str(media_type), content))
        clock.cancel()
        del self._at_work[header["batch"]]


async def _ended(process: Process) -> None:
    """Ends a worker, if it has not ended, and waits also when told to stop: it keeps nothing that could be lost."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    gone = asyncio.ensure_future(process.communicate())
    try:
        await asyncio.shield(gone)
    except asyncio.CancelledError:
        await gone
        raise
