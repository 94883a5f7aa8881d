"""Connections that do not wait for ever: a head that does not come, and an upload that nobody reads any more."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from elmyr.serving.limits import MOST_CONNECTIONS, SLOWEST_HEAD


class PatientOnly(H11Protocol):
    """uvicorn's connection, closed where no request is whole within some seconds of the last answer's end.

    Past a number of connections further ones are closed at once: descriptors are left for files and the worker.
    """

    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Takes the connection, or closes it."""
        super().connection_made(transport)
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
