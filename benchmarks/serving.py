"""How quick the service is, what it bears, and what it leaves behind. Serves a recognizer for real, prints tables.

python benchmarks/serving.py path/to/recognizer
python benchmarks/serving.py path/to/recognizer --seconds 5 --requests 2000 --kills 3

The clients run on the same machine and take their share of it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from elmyr.tasks.recognition import open_recognizer

RATE = 50  # requests a second, for the first table
LARGE = 64  # images of a larger request
OVERLOADED = 256  # images of a request of the overload, so that few requests are a load
TIMES = 10  # what is asked for of what can be had


class Client:
    """Asks over connections that are kept, and notes status and seconds of each answer."""

    def __init__(self, port: int, body: bytes, content_type: str) -> None:
        head = (
            f"POST /v1/models/reader/recognize HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: {content_type}\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        self.port, self.request = port, head.encode() + body
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.statuses: Counter[int] = Counter()
        self.seconds: list[float] = []

    async def ask(self) -> int:
        began, status = time.perf_counter(), 0
        while self.idle and not status:  # one that lay idle may have been ended by now, which is no answer
            status = await self._answer(*self.idle.pop())
        if not status:
            with suppress(ConnectionError):
                status = await self._answer(*await asyncio.open_connection("127.0.0.1", self.port))
        self.statuses[status] += 1
        if status == 200:
            self.seconds.append(time.perf_counter() - began)
        return status

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        """The status of the answer; 0 where the connection ends before."""
        try:
            writer.write(self.request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        except (ConnectionError, asyncio.IncompleteReadError):
            return 0
        self.idle.append((reader, writer))
        return int(head[9:12])

    async def at_a_rate(self, rate: float, seconds: float) -> None:
        """So many a second, whether answers come or not."""
        began, tasks = time.perf_counter(), set()
        for number in range(round(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            task = asyncio.create_task(self.ask())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)

    async def as_many_as_possible(self, clients: int, going_on: Callable[[], bool]) -> None:
        async def one() -> None:
            while going_on():
                await self.ask()

        await asyncio.gather(*(one() for _ in range(clients)))

    @property
    def told(self) -> str:
        p50, p99 = np.percentile(self.seconds, [50, 99]) * 1000 if self.seconds else (np.nan, np.nan)
        statuses = ", ".join(f"{count:,} x {status or 'none'}" for status, count in sorted(self.statuses.items()))
        return f"{statuses} | {p50:,.1f} | {p99:,.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recognizer")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=20)
    options = parser.parse_args()
    recognizer = open_recognizer(options.recognizer, device="cpu")
    images = np.random.default_rng(0).integers(0, 256, (OVERLOADED, *recognizer.image_shape_), dtype=np.uint8)
    own = own_speed(options.recognizer)
    with served(options.recognizer) as (process, port):
        png, few, many = png_of(images[0]), npy_of(images[:LARGE]), npy_of(images)

        def client(body: bytes) -> Client:
            return Client(port, body, "image/png" if body is png else "application/x-npy")

        first = client(png)
        asyncio.run(first.at_a_rate(RATE, 3))  # the model is open, and everything has run once
        print("| requests | answers | p50 in ms | p99 in ms |\n| --- | --- | --- | --- |")
        steady = client(png)
        asyncio.run(steady.at_a_rate(RATE, options.seconds))
        print(f"| {RATE} a second, 1 image each | {steady.told} |", flush=True)

        speeds = {}
        for body, count in ((png, 1), (few, LARGE), (many, OVERLOADED)):
            full, end = client(body), time.perf_counter() + options.seconds / 3
            began = time.perf_counter()
            asyncio.run(full.as_many_as_possible(32 if count < LARGE else 8, until(end)))
            speeds[count] = full.statuses[200] * count / (time.perf_counter() - began)
            print(f"| as many as possible, {count} images each | {full.told} |", flush=True)
        rate = TIMES * speeds[OVERLOADED] / OVERLOADED
        over = client(many)
        asyncio.run(over.at_a_rate(rate, options.seconds))
        ended = time.perf_counter()
        after = client(png)
        assert asyncio.run(after.ask()) == 200
        print(f"| {rate:,.0f} a second, {OVERLOADED} images each: {TIMES} times too many | {over.told} |", flush=True)
        print(f"\nafter the overload one image was recognized within {1000 * (time.perf_counter() - ended):,.0f} ms\n")

        print("| images a request | images a second | of the model's own speed |\n| --- | --- | --- |")
        for count, speed in speeds.items():
            print(f"| {count} | {speed:,.0f} | {speed / own:.0%} |")
        print(f"| the model alone, batches of {LARGE} | {own:,.0f} | |\n", flush=True)

        pids = {"page": process.pid, "worker": workers_of(process.pid)[0]}
        before = {name: (resident(pid), descriptors(pid)) for name, pid in pids.items()}
        asyncio.run(client(png).as_many_as_possible(16, countdown(options.requests)))
        print(f"| over {options.requests:,} requests | memory grows by, MB | descriptors before, after |")
        print("| --- | --- | --- |")
        for name, pid in pids.items():
            memory, opened = before[name]
            print(f"| {name} | {(resident(pid) - memory) / 1e6:,.1f} | {opened}, {descriptors(pid)} |", flush=True)

        times, seen = asyncio.run(killed(process.pid, client(png), options.kills))
        print(f"\n{options.kills} workers killed under load: {seen.told.partition(' | ')[0]}")
        print(f"recognizes again after {np.median(times):,.2f} s (median), {max(times):,.2f} s at most")


async def killed(pid: int, client: Client, kills: int) -> tuple[list[float], Client]:
    """Seconds from each death of a worker to the next answer, while others go on asking."""
    times: list[float] = []
    going = True
    load = asyncio.create_task(client.as_many_as_possible(8, lambda: going))
    for _ in range(kills):
        while not await asyncio.to_thread(stands_by, client.port):
            await asyncio.sleep(0.2)
        os.kill(workers_of(pid)[0], signal.SIGKILL)
        died, answered = time.perf_counter(), client.statuses[200]
        while client.statuses[200] <= answered:
            await asyncio.sleep(0.005)
        times.append(time.perf_counter() - died)
    going = False
    await load
    return times, client


def until(end: float) -> Callable[[], bool]:
    return lambda: time.perf_counter() < end


def countdown(left: int) -> Callable[[], bool]:
    def going_on() -> bool:
        nonlocal left
        left -= 1
        return left >= 0

    return going_on


def own_speed(path: str) -> float:
    """Images a second of the model alone, in batches of `LARGE`, on the threads that the worker has: the best of 3."""
    code = (
        "import sys, time, numpy as np\n"
        "from elmyr.tasks.recognition import open_recognizer\n"
        "from elmyr.serving.worker.process import share_the_machine\n"
        "share_the_machine()\n"
        "recognizer = open_recognizer(sys.argv[1], device='cpu')\n"
        "shape = (int(sys.argv[2]), *recognizer.image_shape_)\n"
        "images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)\n"
        "recognizer.predict_proba(images)\n"
        "best = 0\n"
        "for _ in range(3):\n"
        "    began, count = time.perf_counter(), 0\n"
        "    while time.perf_counter() < began + 2:\n"
        "        recognizer.predict_proba(images)\n"
        "        count += len(images)\n"
        "    best = max(best, count / (time.perf_counter() - began))\n"
        "print(best)\n"
    )
    words = [sys.executable, "-c", code, path, str(LARGE)]
    return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


@contextmanager
def served(path: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "stderr"
        words = [sys.executable, "-m", "elmyr", "serve", f"reader={path}", "--port", "0", "--device", "cpu"]
        with log.open("wb") as file:
            process = subprocess.Popen(words, stderr=file)
        try:
            while not (found := re.search(r"http://[\d.]+:(\d+)/", log.read_text())):
                if process.poll() is not None:
                    sys.exit(log.read_text())
                time.sleep(0.1)
            yield process, int(found[1])
        finally:
            process.terminate()
            process.wait()


def png_of(image: np.ndarray) -> bytes:
    buffer = BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()


def npy_of(images: np.ndarray) -> bytes:
    buffer = BytesIO()
    np.save(buffer, images)
    return buffer.getvalue()


def stands_by(port: int) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as counts:
        return b"elmyr_worker_stands_by 1.0" in counts.read()


def workers_of(pid: int) -> list[int]:
    return sorted(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


if __name__ == "__main__":
    main()
