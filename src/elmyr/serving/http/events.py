"""A run as it goes: new figures and previews as server-sent events, until it is finished."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.serving.runs import clean, previews_of, state_of

EVERY = 0.5  # seconds between looks
HEARTBEAT = 10.0  # seconds of silence, after which a comment says that the stream is alive
ENDED = ("finished", "collapsed")
MOST_AT_ONCE = 1 << 20  # bytes of figures that are read at a look


class Watched:
    """What has been told of a run."""

    def __init__(self, run: RunDirectory, offset: int) -> None:
        self.run, self.offset = run, offset
        self.state, self.ended = "", False
        self._previews = set(previews_of(run))

    def look(self) -> list[str]:
        """The events since the last look."""
        state = state_of(self.run)  # before the figures: after the end none are added
        figures, all_read = self._figures()
        events = [*figures, *self._new_previews()]
        if state != self.state:
            self.state = state
            events.append(event("state", {"state": state}, self.offset))
        if state in ENDED and all_read:
            self.ended = True
            events.append(event("end", {"state": state}, self.offset))
        return events

    def _figures(self) -> tuple[list[str], bool]:
        """The new ones, and whether these are all."""
        if not self.run.metrics.is_file():
            return [], True
        events = []
        if self.run.metrics.stat().st_size < self.offset:
            self.offset = 0  # it went back to a checkpoint, and is written anew
            events.append(event("restart", {}, 0))
        with self.run.metrics.open("rb") as file:
            file.seek(self.offset)
            read = file.read(MOST_AT_ONCE)
        for line in read[: read.rfind(b"\n") + 1].splitlines(keepends=True):
            self.offset += len(line)
            try:
                figures = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(figures, dict):
                events.append(event("figures", clean(figures), self.offset))
        return events, len(read) < MOST_AT_ONCE

    def _new_previews(self) -> list[str]:
        found = set(previews_of(self.run))
        new = sorted(found - self._previews)
        self._previews = found
        return [event("preview", {"position": position}, self.offset) for position in new]


def event(name: str, content: Any, offset: int) -> str:
    """One event; its number is where in the run's figures it stands, from where a broken stream goes on."""
    return f"id: {offset}\nevent: {name}\ndata: {json.dumps(content)}\n\n"


async def events_of(run: RunDirectory, offset: int, stopping: asyncio.Event) -> AsyncIterator[str]:
    """The events of a run from a place in its figures on; ends where the run is finished, or the service stops."""
    watched, silent = await asyncio.to_thread(Watched, run, offset), 0.0
    yield "retry: 2000\n\n"
    while not stopping.is_set():
        try:
            events = await asyncio.to_thread(watched.look)
        except OSError:
            yield event("end", {"state": "gone"}, watched.offset)
            return
        silent = 0.0 if events else silent + EVERY
        if silent >= HEARTBEAT:
            events, silent = [": still here\n\n"], 0.0
        if events:
            yield "".join(events)
        if watched.ended:
            return
        try:
            await asyncio.wait_for(stopping.wait(), EVERY)
        except TimeoutError:
            continue
