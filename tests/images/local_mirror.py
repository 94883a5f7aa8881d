"""A mirror on this machine, over real sockets, that can fail in the ways that servers on the network do."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

from elmyr.images.storage.catalog import DataFile, DataSet


@dataclass
class Fault:
    """What goes wrong with one request."""

    status: int = 200
    location: str = ""
    breaks_after: int | None = None  # bytes, then the connection ends
    stalls_after: int | None = None  # bytes, then nothing until the mirror closes
    endless: bool = False
    shift: int = 0  # bytes by which the range lies beside what was asked for


@dataclass
class Mirror:
    """What it has, how it serves, and what was asked of it."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)  # of the next requests, in turn
    ranges: bool = True
    lengths: bool = True
    gate: threading.Event = field(default_factory=threading.Event)  # what stalls goes on when it is set
    asked: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[str, str | None]] = field(default_factory=list)  # path and range
    sent: int = 0  # bytes of files

    @property
    def host(self) -> str:
        return self.address.removeprefix("http://")


def data_set(*mirrors: str, name: str = "small", sized: bool = True, **files: bytes) -> DataSet:
    """An entry of the catalog for made-up files; an underscore stands for a dot."""
    entries = tuple(
        DataFile(file.replace("_", "."), f"md5:{hashlib.md5(content).hexdigest()}", len(content) if sized else None)
        for file, content in files.items()
    )
    return DataSet(name, "Small: made up", entries, tuple(f"{mirror}/" for mirror in mirrors), "none", "nobody")


@contextmanager
def serving() -> Iterator[Mirror]:
    mirror = Mirror()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked_range = self.headers.get("Range")
            mirror.requests.append((self.path, asked_range))
            fault = mirror.faults.pop(0) if mirror.faults else Fault()
            content = mirror.files.get(self.path)
            mirror.asked.set()
            if content is None or fault.status >= 300:
                self.send_response(404 if content is None else fault.status)
                if fault.location:
                    self.send_header("Location", fault.location)
                self.end_headers()
                return
            start = int(asked_range.removeprefix("bytes=").removesuffix("-")) if asked_range and mirror.ranges else 0
            if start and start >= len(content):
                self.send_response(416)
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start + fault.shift}-{len(content) - 1}/{len(content)}")
            if mirror.lengths:
                self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self._send(content[start:], fault)

        def _send(self, content: bytes, fault: Fault) -> None:
            stop = fault.breaks_after if fault.stalls_after is None else fault.stalls_after
            first = content[:stop]
            mirror.sent += len(first)
            self.wfile.write(first)
            if fault.stalls_after is not None:
                mirror.gate.wait(60)
                self.wfile.write(content[stop:])
            for _ in count() if fault.endless else ():
                self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *arguments: Any) -> None:
            """A client that went away is no error of a mirror."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    mirror.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield mirror
    finally:
        mirror.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
