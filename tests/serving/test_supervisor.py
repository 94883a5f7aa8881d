"""The supervisor with workers that hold no model: a few lines that speak frames."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from elmyr.serving.http.http_errors import HTTPError
from elmyr.serving.worker import supervisor
from elmyr.serving.worker.supervisor import Supervisor

ECHO = """
import sys
from elmyr.serving.worker.wire import packed, read_frame

def say(frame):
    sys.stdout.buffer.write(frame)
    sys.stdout.buffer.flush()

say(packed({"hello": 1}))
while (frame := read_frame(sys.stdin.buffer)) is not None:
    header, bodies = frame
    answers = [(200, "text/plain")] * len(bodies)
    say(packed({"batch": header["batch"], "answers": answers, "loaded": []}, bodies))
"""


def echo_at(path: Path) -> None:
    """Puts a worker there that answers each request with what it was sent."""
    written = path.with_suffix(".part")
    written.write_text(f"#!{sys.executable}\n{ECHO}")
    written.chmod(0o755)
    written.rename(path)


def test_a_worker_that_cannot_be_started_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "WORKER", [str(tmp_path / "worker")])
    said: list[str] = []

    async def tried() -> bytes:
        keeper = Supervisor([], said.append)
        await keeper.start()
        job = keeper.ask("a", "recognize", {}, b"asked")
        async with asyncio.timeout(30):
            while not said:
                await asyncio.sleep(0.01)
        echo_at(tmp_path / "worker")
        try:
            return (await job.future).content
        finally:
            await keeper.stop()

    assert asyncio.run(tried()) == b"asked"
    assert "a worker cannot be started" in said[0]


def test_a_worker_that_is_stuck_is_replaced_and_one_that_answered_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "WORKER", [str(tmp_path / "worker")])
    monkeypatch.setattr(supervisor, "LONGEST_BATCH", 0.5)
    echo_at(tmp_path / "worker")

    async def asked() -> tuple[int, int | None]:
        keeper = Supervisor([])
        await keeper.start()
        try:
            async with asyncio.timeout(30):
                while not keeper.stands_by:
                    await asyncio.sleep(0.01)
                await keeper.ask("a", "recognize", {}, b"asked").future
                await asyncio.sleep(1)
                starts, process = keeper.starts, keeper._process
                assert process is not None
                process.send_signal(signal.SIGSTOP)
                with pytest.raises(HTTPError) as lost:
                    await keeper.ask("a", "recognize", {}, b"asked").future
            return starts, lost.value.status
        finally:
            await keeper.stop()

    assert asyncio.run(asked()) == (2, 503)


def test_the_worker_that_stands_by_ends_with_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "WORKER", [str(tmp_path / "worker")])
    echo_at(tmp_path / "worker")

    def children() -> list[str]:
        return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()

    async def stopped() -> tuple[int, int]:
        before = len(children())
        keeper = Supervisor([])
        await keeper.start()
        async with asyncio.timeout(30):
            while not keeper.stands_by:
                await asyncio.sleep(0.01)
        during = len(children()) - before
        await keeper.stop()
        return during, len(children()) - before

    assert asyncio.run(stopped()) == (2, 0)


def test_a_stop_while_a_worker_is_being_ended_waits_for_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "WORKER", [str(tmp_path / "worker")])
    echo_at(tmp_path / "worker")

    async def stopped() -> int | None:
        keeper = Supervisor([])
        await keeper.start()
        async with asyncio.timeout(30):
            while not keeper.ready:
                await asyncio.sleep(0.01)
            process = keeper._process
            assert process is not None
            process.send_signal(signal.SIGSTOP)  # or it may answer before it is ended
            job = keeper.ask("a", "recognize", {}, b"asked")
            keeper._end_stuck()
            while keeper.ready:
                await asyncio.sleep(0)
            await keeper.stop()
        assert isinstance(job.future.exception(), HTTPError)
        return process.returncode

    assert asyncio.run(stopped()) is not None  # its end is known
