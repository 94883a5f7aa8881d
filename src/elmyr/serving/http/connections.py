"""Connections that do not wait for ever, and do not speak in pieces."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from elmyr.serving.http.limits import MOST_CONNECTIONS, SLOWEST_HEAD


class PatientOnly(H11Protocol):
    """uvicorn's connection, closed where no request is whole within some seconds of the last answer's end.

    That ends heads that do not come, and uploads that nobody reads any more. Past a number of connections further ones
    are closed at once: descriptors are left for files and the worker.
    """

    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Takes the connection, or closes it."""
        gathering: Any = Gathering(transport, self.loop)
        super().connection_made(gathering)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
            return
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        if self._due is not None:
            self._due.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """The next request is awaited."""
        self._expect()
        super().on_response_complete()

    def _expect(self) -> None:
        if self._due is not None:
            self._due.cancel()
        self._due = self.loop.call_later(SLOWEST_HEAD, self._end_if_idle)

    def _end_if_idle(self) -> None:
        cycle: Any = self.cycle
        if (cycle is None or cycle.response_complete) and not self.transport.is_closing():
            self.transport.abort()


class Gathering:
    """A transport that sends what is written in one turn of the loop at once: a head and its body are one packet.

    On loopback a packet costs as much as all else that is done for a small answer.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Sent at the end of this turn."""
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        """Closes after what was written."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._parts:
            parts, self._parts = b"".join(self._parts), []
            self._transport.write(parts)
