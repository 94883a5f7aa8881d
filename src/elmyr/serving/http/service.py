"""What the routes of the workbench share: the models, the worker, the room for uploads, the runs, the counts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request, Response

from elmyr.serving.catalog import ServedModel, hint, named
from elmyr.serving.http.access_log import Metrics
from elmyr.serving.http.http_errors import HTTPError, no_room
from elmyr.serving.http.intake import Intake
from elmyr.serving.http.limits import MOST_WATCHERS
from elmyr.serving.runs import Runs
from elmyr.serving.worker.batching import Job
from elmyr.serving.worker.supervisor import Supervisor


@dataclass(eq=False)
class Service:
    """One served workbench."""

    models: Sequence[ServedModel]
    supervisor: Supervisor
    runs: Runs
    intake: Intake = field(default_factory=Intake)
    metrics: Metrics = field(default_factory=Metrics)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    reporting: asyncio.Lock = field(default_factory=asyncio.Lock)
    watchers: int = 0

    @property
    def ready(self) -> bool:
        """Whether requests are taken, and a worker is there to answer them."""
        return self.supervisor.ready and not self.stopping.is_set()

    def described(self) -> list[dict[str, Any]]:
        """The models, as the page and the API tell of them."""
        return [model.as_json(self.supervisor.loaded) for model in self.models]

    async def answer(self, request: Request, model: str, operation: str, query: Mapping[str, Any]) -> Response:
        """What the worker says; `HTTPError` where it says nothing. A client that goes is not waited for."""
        if named(self.models, model) is None:
            raise HTTPError(404, f"no model '{model}' is served: {hint(self.models, model)}")
        with self.intake.room() as room:
            body = await room.read(request)
            job = self.supervisor.ask(model, operation, query, body)
            watching = asyncio.create_task(_until_gone(request, job))
            try:
                answer = await job.future
            finally:
                watching.cancel()
        return Response(answer.content, answer.status, media_type=answer.media_type)

    def check_watchers(self) -> None:
        """`HTTPError` (429) where there are as many streams of events as there may be."""
        if self.watchers >= MOST_WATCHERS:
            raise no_room(f"{MOST_WATCHERS} streams of events are open")

    def counted(self) -> bytes:
        """The counts as they stand."""
        self.metrics.waiting.set(self.supervisor.waiting)
        self.metrics.worker_starts.set(self.supervisor.starts)
        self.metrics.stands_by.set(self.supervisor.stands_by)
        self.metrics.ready.set(self.ready)
        self.metrics.loaded.set(len(self.supervisor.loaded))
        return self.metrics.written()


async def _until_gone(request: Request, job: Job) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    job.abandon()
