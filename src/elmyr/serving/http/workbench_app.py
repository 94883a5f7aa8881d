"""The workbench as a web app: its page, its API, health and counts, behind the guard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from elmyr import __version__
from elmyr.core.errors import InputError
from elmyr.report.words import TAGS, words_in
from elmyr.serving.http.access_log import AccessLog
from elmyr.serving.http.guard import LOOPBACK, POLICY, POLICY_HEADER, Guard
from elmyr.serving.http.http_errors import HTTPError
from elmyr.serving.http.model_routes import UPLOADS, model_routes
from elmyr.serving.http.query_words import told_of
from elmyr.serving.http.run_routes import run_routes
from elmyr.serving.http.service import Service
from elmyr.serving.pages.workbench_page import workbench_page

STATIC = Path(__file__).parents[1] / "static"
OF_PAGE = {POLICY_HEADER: POLICY.replace("img-src 'self'", "img-src 'self' data: blob:")}


def workbench_app(
    service: Service, *, port: int, host: str = LOOPBACK[0], token: str | None = None, logs: bool = True
) -> ASGIApp:
    """The app; its worker lives as long as it is served.

    port, host: where it listens, and by what a browser may call it. token: what every request but those for health
    must show; None where only this machine can ask.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await service.supervisor.start()
        try:
            yield
        finally:
            await service.supervisor.stop()

    app = FastAPI(
        title="elmyr",
        version=__version__,
        description="Recognize, generate and repair images, and watch runs. Errors are JSON with one key, `error`.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        lifespan=lifespan,
    )
    app.mount("/static", StaticFiles(directory=STATIC))
    app.include_router(model_routes(service))
    app.include_router(run_routes(service))
    _add_plain_routes(app, service)
    _add_refusals(app)
    names = {*LOOPBACK, f"[{host}]" if ":" in host else host}
    guarded = Guard(app, port=port, names=names, accepts=UPLOADS, strangers=True, token=token, headers=OF_PAGE)
    return AccessLog(guarded, service.metrics, logs=logs, closing=service.stopping.is_set)


def _add_plain_routes(app: FastAPI, service: Service) -> None:
    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def read_page(lang: Annotated[str, Query(max_length=20)] = "en") -> str:
        return workbench_page(service.described(), words_in(lang if lang in TAGS else "en"))

    @app.get("/health/live", tags=["health"], summary="Whether the page's process answers")
    async def read_live() -> dict[str, Any]:
        return {"live": True}

    @app.get(
        "/health/ready",
        tags=["health"],
        summary="Whether requests are taken",
        responses={503: {"description": "the worker is being started, or the service is stopping"}},
    )
    async def read_ready() -> JSONResponse:
        return JSONResponse({"ready": service.ready}, 200 if service.ready else 503)

    @app.get("/metrics", tags=["health"], summary="Counts, as Prometheus reads them", response_class=Response)
    async def read_metrics() -> Response:
        return Response(service.counted(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _add_refusals(app: FastAPI) -> None:
    @app.exception_handler(HTTPError)
    async def refuse(request: Request, error: HTTPError) -> Response:
        return error.response()

    @app.exception_handler(InputError)
    async def refuse_input(request: Request, error: InputError) -> Response:
        return HTTPError(422, str(error)).response()

    @app.exception_handler(RequestValidationError)
    async def refuse_words(request: Request, error: RequestValidationError) -> Response:
        return HTTPError(422, told_of(error.errors()[0])).response()

    @app.exception_handler(HTTPException)
    async def refuse_address(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            return HTTPError(404, "there is nothing at this address: see /v1/openapi.json").response()
        if error.status_code == 405:
            allowed = Headers(error.headers or {}).get("allow", "GET")
            return HTTPError(405, f"this address takes {allowed}", {"allow": allowed}).response()
        return HTTPError(error.status_code, str(error.detail), error.headers or {}).response()
