"""What is kept of requests: a number for each, a line of JSON in the log, counts for Prometheus; nothing sent."""

from __future__ import annotations

import json
import re
import secrets
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from elmyr.serving.http.http_errors import HTTPError

ID = re.compile(r"[\w.-]{1,64}", re.ASCII)  # of a request, as a client may name it
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LONGEST_PATH = 200  # signs of a path in the log


class Metrics:
    """The counts, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "elmyr_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "elmyr_request_seconds", "Time to the end of an answer.", ["route"], buckets=SECONDS, registry=self.registry
        )
        self.in_progress = Gauge("elmyr_requests_in_progress", "Requests being answered.", registry=self.registry)
        self.waiting = Gauge("elmyr_waiting", "Requests that wait for the worker.", registry=self.registry)
        self.worker_starts = Gauge("elmyr_worker_starts", "How often a worker was started.", registry=self.registry)
        self.stands_by = Gauge(
            "elmyr_worker_stands_by", "Whether another worker can take over at once.", registry=self.registry
        )
        self.ready = Gauge("elmyr_ready", "Whether requests are taken.", registry=self.registry)
        self.loaded = Gauge("elmyr_models_loaded", "Models in memory.", registry=self.registry)

    def written(self) -> bytes:
        """In the text form that Prometheus reads."""
        return generate_latest(self.registry)


def log_line(**content: object) -> None:
    """A line of JSON on stderr."""
    told = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **content}
    sys.stderr.write(json.dumps(told) + "\n")


class AccessLog:
    """Around an app: every answer gets its `x-request-id`, a line in the log, and is counted; a defect becomes a 500.

    closing: whether answers should end their connection, as while the service stops.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, *, logs: bool, closing: Callable[[], bool]) -> None:
        self.app, self.metrics, self.logs, self.closing = app, metrics, logs, closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers by the app, and notes what came of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope).get("x-request-id", "")
        number = asked if ID.fullmatch(asked) else secrets.token_hex(8)
        began, status, size = time.perf_counter(), 0, 0

        async def noting(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                more = [(b"x-request-id", number.encode("ascii"))]
                if self.closing():
                    more.append((b"connection", b"close"))
                message = {**message, "headers": [*message["headers"], *more]}
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        self.metrics.in_progress.inc()
        try:
            await self.app(scope, receive, noting)
        except Exception as error:
            log_line(id=number, defect=type(error).__name__, where=traceback.format_exc(limit=-3))
            if not status:
                message = "this is a defect of elmyr: the log of the service says more"
                await HTTPError(500, message).response()(scope, receive, noting)
        finally:
            self.metrics.in_progress.dec()
            self._note(scope, number, status, size, time.perf_counter() - began)

    def _note(self, scope: Scope, number: str, status: int, size: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if scope["method"] in METHODS else "other"
        self.metrics.requests.labels(method, route, str(status)).inc()
        self.metrics.seconds.labels(route).observe(seconds)
        if self.logs:
            path = scope["path"][:LONGEST_PATH]
            log_line(
                id=number, method=method, path=path, status=status, bytes=size, milliseconds=round(1000 * seconds, 1)
            )
