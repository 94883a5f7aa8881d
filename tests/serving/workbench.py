"""A workbench that is served for real: `elmyr serve` in a process of its own, asked over sockets."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.serving.server import Answered

PATIENCE = 90.0  # seconds for a worker to be there, on a machine that is busy with other tests


@dataclass
class Workbench:
    process: subprocess.Popen[bytes]
    port: int
    log: Path
    token: str | None = None

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str | None) -> Answered:
        """A request as a program sends it; `headers` (underscores for hyphens) change or, with None, leave one out."""
        sent = {"host": f"127.0.0.1:{self.port}", "content-length": str(len(body))}
        if body:
            sent["content-type"] = content_type_of(body)
        if self.token is not None:
            sent["authorization"] = f"Bearer {self.token}"
        for name, value in headers.items():
            sent.pop(name.replace("_", "-"), None)
            if value is not None:
                sent[name.replace("_", "-")] = value
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answered(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str | None) -> Answered:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: bytes, **headers: str | None) -> Answered:
        return self.ask("POST", path, body, **headers)

    def raw(self, content: bytes, *, ends: bool = True) -> bytes:
        """What comes back for these bytes until the connection ends; empty where it is only closed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as opened:
            try:
                opened.sendall(content)
                if ends:
                    opened.shutdown(socket.SHUT_WR)
                parts = []
                while part := opened.recv(1 << 16):
                    parts.append(part)
            except ConnectionError:
                return b""
        return b"".join(parts)

    def wait_until_ready(self) -> None:
        end = time.monotonic() + PATIENCE
        while self.get("/health/ready").status != 200:
            assert time.monotonic() < end and self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)

    @property
    def workers(self) -> list[int]:
        """The processes of its workers, the oldest first: the one at work before the one that stands by."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return sorted(map(int, children))

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The access log."""
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and '"status"' in line]


@contextmanager
def served(*words: str | Path, token: str | None = None, options: Sequence[str] = ()) -> Iterator[Workbench]:
    """`elmyr serve` with these models, until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "stderr"
        environment = {**os.environ, **({"ELMYR_TOKEN": token} if token else {})}
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "elmyr", "serve", *map(str, words), "--port", "0", *options],
                stderr=file,
                env=environment,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        try:
            end = time.monotonic() + PATIENCE
            while not (found := re.search(r"http://[\d.]+:(\d+)/", log.read_text())):
                assert time.monotonic() < end and process.poll() is None, log.read_text()
                time.sleep(0.02)
            workbench = Workbench(process, int(found[1]), log, token)
            workbench.wait_until_ready()
            yield workbench
        finally:
            process.kill()
            process.wait()


def content_type_of(body: bytes) -> str:
    if body.startswith(b"\x93NUMPY"):
        return "application/x-npy"
    return "image/jpeg" if body.startswith(b"\xff\xd8") else "image/png"


def as_png(image: NDArray[np.uint8]) -> bytes:
    buffer = BytesIO()
    Image.fromarray(image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()


def as_npy(images: NDArray[np.uint8]) -> bytes:
    buffer = BytesIO()
    np.save(buffer, images)
    return buffer.getvalue()
