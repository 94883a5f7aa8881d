"""Requests that nobody means well with: none of them ends a process, opens a file, or gets an answer of defect."""

import os
import socket
import struct
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.serving.workbench import Workbench, as_npy, as_png

Random = np.random.Generator
ROUTES = (
    "/", "/v1/models", "/v1/models/reader/recognize", "/v1/models/reader/embed", "/v1/models/gan/generate",
    "/v1/models/gan/between", "/v1/models/gan/edit", "/v1/models/restorer/repair", "/v1/models/translator/translate",
    "/v1/runs", "/v1/runs/gan", "/v1/runs/gan/report", "/v1/runs/gan/previews/320.png",
    "/health/ready", "/metrics", "/static/survey.js", "/v1/openapi.json",
)  # fmt: skip
UPLOADED = (
    "/v1/models/reader/fool",
    "/v1/models/reader/recognize",
    "/v1/models/reader/embed",
    "/v1/models/gan/edit",
    "/v1/models/restorer/repair",
    "/v1/models/translator/translate",
)
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PRI", "get", "G\x00T", "")
PATHS = (
    "/../../etc/passwd", "/static/../../../etc/passwd", "/static/%2e%2e/%2e%2e/guard.py", "/static/..%5c..%5cx",
    "//etc/passwd", "/v1/runs/..%2f..%2f", "/v1/runs/gan/previews/..%2f..%2fconfig.json", "/v1/runs/%00", "/%ff%fe",
    "/v1/models/..%2freader/recognize", "/static/", "/static//etc/passwd", "/v1/runs/gan/../../../etc", "/;x",
    "/?" + "a" * 5000,
    "http://evil.example/v1/models", "*", "/\u202e".encode().decode("latin-1"),
    "/v1/models/" + "x" * 3000 + "/generate",
    "/static/survey.js/", "/static/%00survey.js", "/v1/runs/" + "%2e" * 200,
)  # fmt: skip
VALUES = (
    "-1",
    "0",
    "1e400",
    "nan",
    "inf",
    "",
    "9" * 400,
    "%00",
    "true",
    "[]",
    "{}",
    "' OR 1=1",
    "%F0%9F%92%A9",
    "400",
    "1",
)
NAMES = ("count", "class", "seed", "truncation", "format", "steps", "from_seed", "answers", "noise", "nearest", "lang",
         "prepare", "after", "token", "from_class", "to_class", "direction", "examples", "explain")  # fmt: skip


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bomb(side: int) -> bytes:
    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    data = zlib.compress(bytes(1 << 21), 9)
    text = b"x\0\0" + zlib.compress(bytes(1 << 22), 9)
    parts = chunk(b"IHDR", header) + chunk(b"zTXt", text) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def uploads(random: Random) -> list[bytes]:
    image = random.integers(0, 256, (8, 8), dtype=np.uint8)
    png = as_png(image)
    damaged = bytearray(png)
    for place in random.integers(8, len(png), 3):
        damaged[place] ^= 1 << random.integers(8)
    header = f"{{'descr': '|O', 'fortran_order': False, 'shape': ({random.integers(1, 99)},), }}".encode()
    return [
        png, bytes(damaged), png[: random.integers(len(png))], bomb(1999), bomb(60_000), b"",
        png + b"<script>x</script>",
        b"GIF89a" + png, b"\xff\xd8\xff\xe0" + random.bytes(300), b"PK\x03\x04" + random.bytes(50), random.bytes(500),
        b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"cos\nsystem\n(S'true'\ntR.",
        as_npy(random.integers(0, 256, (3, 8, 8), dtype=np.uint8)), as_npy(image)[:-5],
        b"<?xml version='1.0'?><!DOCTYPE x>",
    ]  # fmt: skip


def pick(random: Random, among: tuple[str, ...] | list[bytes]) -> str | bytes:
    return among[int(random.integers(len(among)))]


def formed(method: object, path: object, headers: dict[str, object], body: bytes = b"") -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1", "replace") + body


Kind = Callable[[Random, str], tuple[bytes, bool]]  # the bytes, and whether the request is whole


def odd_method(random: Random, host: str) -> tuple[bytes, bool]:
    return formed(pick(random, METHODS), pick(random, ROUTES), {"host": host, "connection": "close"}), True


def odd_path(random: Random, host: str) -> tuple[bytes, bool]:
    return formed("GET", pick(random, PATHS), {"host": host, "connection": "close"}), True


def odd_query(random: Random, host: str) -> tuple[bytes, bool]:
    query = "&".join(f"{pick(random, NAMES)}={pick(random, VALUES)}" for _ in range(random.integers(1, 5)))
    return formed("GET", f"{pick(random, ROUTES)}?{query}", {"host": host, "connection": "close"}), True


def odd_upload(random: Random, host: str) -> tuple[bytes, bool]:
    body = pick(random, uploads(random))
    assert isinstance(body, bytes)
    query = f"?{pick(random, NAMES)}={pick(random, VALUES)}" if random.random() < 0.5 else ""
    headers = {"host": host, "content-type": "image/png", "content-length": len(body), "connection": "close"}
    return formed("POST", f"{pick(random, UPLOADED)}{query}", headers, body), True


def foreign(random: Random, host: str) -> tuple[bytes, bool]:
    headers = {
        "host": host if random.random() < 0.5 else "evil.example",
        "origin": pick(random, ("http://evil.example", "null", "file://", f"http://{host}.evil.example", "")),
        "content-type": pick(random, ("image/png", "text/plain", "application/json", "")),
        "cookie": pick(random, ("a=b", "\x80=\x81", "=;=;", "x" * 3000)),
        "authorization": pick(random, ("Bearer", "Bearer \xff", "Basic Og==", "")),
        "content-length": 3,
        "connection": "close",
    }
    return formed(pick(random, METHODS[:5]), pick(random, ROUTES), headers, b"abc"), True


def broken(random: Random, host: str) -> tuple[bytes, bool]:
    whole = formed("POST", UPLOADED[0], {"host": host, "content-type": "image/png", "content-length": 50})
    forms = [
        random.bytes(int(random.integers(1, 400))), whole, whole + b"short", b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\r\n\r\n",
        b"\r\n" * 50, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", whole[:-9],
        formed("GET", "/", {"host": host, "x": "a" * 70_000}), formed("GET", "/", {f"x{k}": k for k in range(2000)}),
        formed("POST", UPLOADED[0], {"host": host, "content-length": -5}),
        formed("POST", UPLOADED[0], {"host": host, "content-length": "9" * 30, "content-type": "image/png"}),
        formed("POST", UPLOADED[0], {"host": host, "transfer-encoding": "chunked", "content-length": 5}, b"0\r\n\r\n"),
        formed("POST", UPLOADED[0], {"host": host, "transfer-encoding": "chunked", "content-type": "image/png"},
        b"zz\r\n"),
        formed("POST", UPLOADED[0], {"host": host, "transfer-encoding": "gzip, chunked"}, b"0\r\n\r\n"),
        formed("GET", "/", {"host": host, " folded": "x", "bad\x00name": "y"}), b"GET / HTTP/1.1\r\nhost: a\nx\r\n\r\n",
        formed("GET", "/", {"host": host, "upgrade": "websocket", "connection": "upgrade"}),
        formed("POST", UPLOADED[0],
        {"host": host, "expect": "100-continue", "content-length": 9, "content-type": "image/png"}),
        formed("GET", "/v1/models", {"host": host}) * 40,
    ]  # fmt: skip
    return forms[int(random.integers(len(forms)))], False


KINDS: tuple[Kind, ...] = (odd_method, odd_path, odd_query, odd_upload, foreign, broken)


def told(port: int, content: bytes, whole: bool) -> int:
    """The status of what comes back; 0 where the connection is only closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as opened:
        try:
            opened.sendall(content)
            if not whole:
                opened.shutdown(socket.SHUT_WR)
            answer = opened.recv(1 << 16)
            while answer and opened.recv(1 << 16):
                pass
        except ConnectionError:
            return 0
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0


def connections_of(pid: int, port: int) -> list[str]:
    """The TCP connections of a process that are not to its own port."""
    inodes = {os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()}
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return [row[2] for row in rows if f"socket:[{row[9]}]" in inodes and int(row[1].rpartition(":")[2], 16) != port]


def attack(workbench: Workbench, folder: Path, count: int) -> Counter[int]:
    workers, files = workbench.workers, sorted(folder.rglob("*"))
    random, host = np.random.default_rng(13), f"127.0.0.1:{workbench.port}"
    seen: Counter[int] = Counter()
    for number in range(count):
        content, whole = KINDS[number % len(KINDS)](random, host)
        status = told(workbench.port, content, whole)
        seen[status] += 1
        assert status < 500, (status, content[:300])
    assert workbench.workers == workers and workbench.process.poll() is None
    assert sorted(folder.rglob("*")) == files
    assert all(connections_of(pid, workbench.port) == [] for pid in (workbench.process.pid, *workers))
    assert "Traceback" not in workbench.log.read_text() and "defect" not in workbench.log.read_text()
    assert workbench.get("/health/ready").status == 200
    return seen


def test_hostile_requests_end_nothing_open_nothing_and_find_no_defect(workbench: Workbench, small_runs: Path) -> None:
    seen = attack(workbench, small_runs, 150)
    assert {200, 400, 403, 404, 405, 415, 422} <= set(seen)


@pytest.mark.slow
def test_ten_thousand_of_them(workbench: Workbench, small_runs: Path) -> None:
    attack(workbench, small_runs, 10_000)


def test_what_never_comes_to_an_end_is_not_waited_for(workbench: Workbench) -> None:
    """A head and a body that dribble: others are answered meanwhile."""
    waiting = []
    for content in (
        b"GET / HT",
        formed("POST", UPLOADED[0], {"content-type": "image/png", "content-length": 99}, b"x"),
    ):
        opened = socket.create_connection(("127.0.0.1", workbench.port), timeout=60)
        opened.sendall(content.replace(b"\r\n", f"\r\nhost: 127.0.0.1:{workbench.port}\r\n".encode(), 1))
        waiting.append(opened)
    assert workbench.get("/v1/models").status == 200
    for opened in waiting:
        opened.close()


@pytest.mark.slow
def test_a_slow_head_is_closed_and_a_slow_body_is_told_so(workbench: Workbench) -> None:
    with socket.create_connection(("127.0.0.1", workbench.port), timeout=60) as opened:
        opened.sendall(b"GET / HT")
        assert opened.recv(100) == b""
    head = {"host": f"127.0.0.1:{workbench.port}", "content-type": "image/png", "content-length": 99}
    with socket.create_connection(("127.0.0.1", workbench.port), timeout=60) as opened:
        opened.sendall(formed("POST", UPLOADED[0], head, b"x"))
        assert opened.recv(100).startswith(b"HTTP/1.1 408")
