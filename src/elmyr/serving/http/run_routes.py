"""The addresses of runs: a table, each with its curves and previews, and what happens in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.report.parts.page import POLICY
from elmyr.report.words import words_in
from elmyr.serving.http.events import events_of
from elmyr.serving.http.guard import POLICY_HEADER
from elmyr.serving.http.http_errors import HTTPError
from elmyr.serving.http.model_routes import ERROR
from elmyr.serving.http.query_words import refuse_unknown_words
from elmyr.serving.http.service import Service

LARGEST = 2**53
OF_REPORTS = f"{POLICY}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
Name = Annotated[str, Path(max_length=255, description="the run's id, as in /v1/runs", examples=["00003-mnist"])]
NO_RUN: dict[int | str, dict[str, Any]] = {404: {"description": "no such run, or nothing of it there", **ERROR}}


def run_routes(service: Service) -> APIRouter:
    """The routes of /v1/runs."""
    routes = APIRouter(prefix="/v1/runs", tags=["runs"], dependencies=[Depends(refuse_unknown_words)])

    @routes.get("", summary="The runs, the one begun last first")
    def read_runs() -> list[dict[str, Any]]:
        return service.runs.listed()

    @routes.get("/{run}", summary="One run: its choices, curves, figures and previews", responses=NO_RUN)
    def read_run(run: Name) -> dict[str, Any]:
        found = service.runs.read(run)
        if found is None:
            raise _no_run(run)
        return found

    @routes.get(
        "/{run}/report",
        summary="The report of a run, as a page",
        responses={200: {"description": "the page", "content": {"text/html": {}}}, **NO_RUN},
        response_class=Response,
    )
    async def read_report(run: Name, lang: Literal["en", "zh"] = "en") -> Response:
        async with service.reporting:  # one at a time: the page stays quick
            content = await asyncio.to_thread(service.runs.report, run, words_in(lang))
        if content is None:
            raise _no_run(run)
        return Response(content, media_type="text/html; charset=utf-8", headers={POLICY_HEADER: OF_REPORTS})

    @routes.get(
        "/{run}/previews/{position}.png",
        summary="A preview as it was at so many images seen",
        responses={200: {"description": "the picture", "content": {"image/png": {}}}, **NO_RUN},
        response_class=Response,
    )
    def read_preview(run: Name, position: Annotated[int, Path(ge=0, le=LARGEST)]) -> Response:
        content = service.runs.preview(run, position)
        if content is None:
            raise HTTPError(
                404, f"run '{run[:80]}' has no preview at {position} images: see previews in /v1/runs/{{run}}"
            )
        return Response(content, media_type="image/png")

    _add_events(routes, service)
    return routes


def _add_events(routes: APIRouter, service: Service) -> None:
    @routes.get(
        "/{run}/events",
        summary="What happens in a run, as it happens",
        description="Server-sent events: figures, preview, state, restart (the curves start again), end.",
        responses={200: {"description": "events", "content": {"text/event-stream": {}}}, **NO_RUN},
        response_class=Response,
    )
    async def read_events(
        request: Request,
        run: Name,
        after: Annotated[int, Query(ge=0, le=LARGEST, description="the offset of /v1/runs/{run}")] = 0,
    ) -> Response:
        found = (await asyncio.to_thread(service.runs.found)).get(run)
        if found is None:
            raise _no_run(run)
        told = request.headers.get("last-event-id", "")
        offset = int(told) if told.isascii() and told.isdecimal() and len(told) < 16 else after
        service.check_watchers()
        return StreamingResponse(_counted(service, found, offset), media_type="text/event-stream")


async def _counted(service: Service, run: RunDirectory, offset: int) -> AsyncIterator[str]:
    service.watchers += 1  # here, where it is sure to be taken back
    try:
        async for events in events_of(run, offset, service.stopping):
            yield events
    finally:
        service.watchers -= 1


def _no_run(name: str) -> HTTPError:
    return HTTPError(404, f"there is no run '{name[:80]}': see /v1/runs")
