"""Uploads on their way in: kept in memory alone, each bounded, and all together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import ClientDisconnect, Request

from elmyr.serving.http.http_errors import HTTPError, gone, no_room
from elmyr.serving.http.limits import LARGEST_BODY, MOST_WAITING_BYTES, SLOWEST_BODY


class Intake:
    """The room for the uploads of all requests that are being answered."""

    def __init__(self, most: int = MOST_WAITING_BYTES) -> None:
        self.most, self.taken = most, 0

    @contextmanager
    def room(self) -> Iterator[Room]:
        """Room for one request's upload, given back at the end of the block."""
        room = Room(self)
        try:
            yield room
        finally:
            self.taken -= room.size


class Room:
    """What one request has of it."""

    def __init__(self, intake: Intake) -> None:
        self._intake, self.size = intake, 0

    def _grow(self, size: int) -> None:
        if self._intake.taken + size > self._intake.most:
            raise no_room("too many uploads are being worked on")
        self._intake.taken += size
        self.size += size

    async def read(self, request: Request) -> bytes:
        """The body; `HTTPError` where it is too large (413), too slow (408), there is no room (429), or nobody waits.

        A length that is told is refused before a byte is read.
        """
        told = request.headers.get("content-length", "")
        if told.isdecimal() and int(told) > LARGEST_BODY:
            raise _too_large()
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(SLOWEST_BODY):
                async for part in request.stream():
                    if self.size + len(part) > LARGEST_BODY:
                        raise _too_large()
                    self._grow(len(part))
                    parts.append(part)
        except TimeoutError:
            message = f"the upload took longer than {SLOWEST_BODY:g} s: send it at once"
            raise HTTPError(408, message, {"connection": "close"}) from None
        except ClientDisconnect:
            raise gone() from None
        return b"".join(parts)


def _too_large() -> HTTPError:
    return HTTPError(413, f"the upload is larger than {LARGEST_BODY >> 20} MiB: send less at once")
