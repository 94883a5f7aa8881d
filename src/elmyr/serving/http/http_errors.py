"""What a client is told instead of an answer: a status and one line that says what, where, and how to correct it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.responses import Response

from elmyr.serving.http.limits import DEADLINE, RETRY_AFTER


@dataclass(eq=False)
class HTTPError(Exception):
    """A request that is not answered as it was meant."""

    status: int
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """As it is sent."""
        content = json.dumps({"error": self.message}, ensure_ascii=False).encode("utf-8", "replace")
        return Response(content, self.status, dict(self.headers), "application/json")


def no_room(what: str) -> HTTPError:
    """More is asked for at once than can be kept."""
    again = {"retry-after": str(RETRY_AFTER)}
    return HTTPError(429, f"{what}: ask again in {RETRY_AFTER} s, or fewer at once", again)


def too_late() -> HTTPError:
    """The deadline has passed."""
    return HTTPError(504, f"no answer within {DEADLINE:g} s: ask for less, or try again later")


def lost() -> HTTPError:
    """The worker ended while it had the request."""
    return HTTPError(503, "the worker ended during this request and is replaced: ask again", {"retry-after": "2"})


def stopping() -> HTTPError:
    """The service ends, or has not begun."""
    return HTTPError(503, "the service is stopping: ask another, or start it again", {"retry-after": "5"})


def gone() -> HTTPError:
    """Nobody waits for the answer: a status for the log alone."""
    return HTTPError(499, "the client has gone")
