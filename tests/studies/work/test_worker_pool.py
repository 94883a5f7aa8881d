"""Processes that work together end together, whatever signals they are in the middle of."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

# One of two workers is in a training, which hears a signal only when its operation ends: the two that it is sent
# meanwhile, by the main process and by the executor once the other worker is dead, are one to it. The other waits for
# a piece, and takes the queue's lock with it.
WORK = """
import hashlib, os, signal, sys, time
from pathlib import Path
from elmyr.core.errors import ElmyrError, InterruptedRun
from elmyr.engine.signals import StopRequest
from elmyr.studies.work.interruption import resumable
from elmyr.studies.work.worker_pool import Pool, performed

FOLDER = Path(sys.argv[1])
if "slow start" in sys.argv and __name__ != "__main__":  # as while a process imports torch
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # which would end it before it shows what Ctrl-C does to it
    (FOLDER / "a process starts").touch()
    time.sleep(1)
    os._exit(0)

class Piece(str):
    def needs(self):
        return ()

class Worker:
    def __init__(self, folder):
        pass

    def perform(self, piece):
        (FOLDER / piece).touch()
        if piece == "training":
            with StopRequest() as stop:
                while stop.signal_number is None:
                    hashlib.pbkdf2_hmac("sha256", b"", b"", 4_000_000)  # an operation of a second or more
                raise InterruptedRun("stopped", signal_number=signal.SIGTERM)

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background job has not
    pool = Pool(FOLDER, Worker, "the work", processes=2, threads=1)
    try:
        with resumable(FOLDER, "the work"):
            for piece, _ in performed(pool, [Piece("training"), Piece("quick")], ()):
                (FOLDER / f"{piece} is done").touch()
    except ElmyrError as stopped:
        print(stopped)
        sys.exit(stopped.exit_code)
"""


@pytest.mark.parametrize(
    ("ended", "number", "code", "told"),
    [
        ("the main process", signal.SIGINT, 130, "the work stopped; resume with: elmyr resume {}\n"),
        ("a worker", signal.SIGTERM, 143, "the work stopped; resume with: elmyr resume {}\n"),
        (
            "a worker",
            signal.SIGKILL,
            1,
            "a process of the work was killed (out of memory?): resume with fewer: elmyr resume {} --processes 1\n",
        ),
    ],
)
def test_a_signal_ends_every_process_and_says_how_to_resume(
    tmp_path: Path, ended: str, number: signal.Signals, code: int, told: str
) -> None:
    script = tmp_path / "work.py"
    script.write_text(WORK)
    process = subprocess.Popen([sys.executable, str(script), str(tmp_path)], stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while not ((tmp_path / "training").exists() and (tmp_path / "quick is done").exists()):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    if ended == "a worker":
        one = ["pkill", f"-{number}", "--oldest", "--parent", str(process.pid), "--full", "spawn_main"]
        subprocess.run(one, check=True)
    else:
        process.send_signal(number)
    try:
        said, _ = process.communicate(timeout=300)  # ends only when no worker is left that could write
    finally:
        process.kill()
    assert (process.returncode, said) == (code, told.format(tmp_path))


def test_ctrl_c_while_processes_start_is_for_the_first_alone(tmp_path: Path) -> None:
    script = tmp_path / "work.py"
    script.write_text(WORK)
    words = [sys.executable, str(script), str(tmp_path), "slow start"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 300
    while not (tmp_path / "a process starts").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    try:
        said, told = process.communicate(timeout=300)
    finally:
        process.kill()
    assert (process.returncode, said, told) == (130, f"the work stopped; resume with: elmyr resume {tmp_path}\n", "")
