"""`elmyr` in processes of its own, as a user starts it, but without the seconds in which each would import torch.

They are forks of one process that has imported the libraries which elmyr stands on, but nothing of elmyr, and has
computed nothing. Exit codes, signals, what is printed and what elmyr imports are those of `python -m elmyr`.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from torch.distributed import TCPStore

ROOT = Path(__file__).parents[1]
LIBRARIES = (
    "torch.distributed",
    "safetensors.torch",
    "PIL.Image",
    "pydantic",
    "typer",
    "rich.progress",
    "sklearn.base",
)
NUMBER = 8  # bytes, of what is told of a process: its number, then how it ended


class Program:
    """A started `elmyr WORDS`, or another `python -m MODULE WORDS`; in the working directory and the environment of the
    test, where none others are given.
    """

    def __init__(
        self,
        *words: str | Path,
        module: str = "elmyr",
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._out, self._error = TemporaryFile(), TemporaryFile()  # noqa: SIM115  # open until its end
        self._told, telling = os.pipe()
        self._status: int | None = None
        with TemporaryFile() as order:
            asked = [module, *map(str, words)], str(folder or Path.cwd()), {**os.environ, **(environment or {})}
            order.write(json.dumps(asked).encode())
            order.flush()
            streams = [order.fileno(), self._out.fileno(), self._error.fileno(), telling]
            socket.send_fds(_way_to_the_origin(), [b"!"], streams)
        os.close(telling)
        self.pid = self._number()

    def _number(self) -> int:
        told = os.read(self._told, NUMBER)
        assert len(told) == NUMBER, "the process that programs are forked from has ended"
        return int.from_bytes(told)

    def poll(self) -> int | None:
        """Its exit code, or less than 0 for the signal that ended it; None while it runs."""
        return self._ended(0)

    def _ended(self, within: float) -> int | None:
        if self._status is None and select.select([self._told], [], [], within)[0]:
            self._status = os.waitstatus_to_exitcode(self._number())
        return self._status

    def told(self, words: str, within: float = 120) -> str:
        """The first line of its messages that holds these words, waited for."""
        deadline = time.monotonic() + within
        while True:
            ended = self.poll() is not None
            lines = _text(self._error).splitlines(keepends=True)
            if found := next((line for line in lines if words in line and line.endswith("\n")), None):
                return found
            assert not ended and time.monotonic() < deadline, lines
            time.sleep(0.01)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def end(self, within: float = 300) -> subprocess.CompletedProcess[str]:
        """Waits for its end; where that does not come, it is killed, and the test fails."""
        ended = self._ended(within)
        if ended is None:
            self.send_signal(signal.SIGKILL)
        done = subprocess.CompletedProcess([], self._ended(60) or 0, _text(self._out), _text(self._error))
        self._out.close()
        self._error.close()
        os.close(self._told)
        assert ended is not None, f"it still ran after {within} s: {done.stderr}"
        return done


def _text(file: IO[bytes]) -> str:
    """All of it, from wherever it is being written."""
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode()


def elmyr(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """`elmyr WORDS`, to its end."""
    return Program(*words).end()


def group(
    count: int, module: str, *words: str | Path, folder: Path | None = None, each: Sequence[Sequence[str | Path]] = ()
) -> list[subprocess.CompletedProcess[str]]:
    """`torchrun --nproc-per-node COUNT -m MODULE WORDS`, to its end: its variables tell the processes of each other.

    each: more words of each process, as different machines may give them.
    """
    store = TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
    of_all = {
        "MASTER_ADDR": "localhost",
        "MASTER_PORT": str(store.port),
        "TORCHELASTIC_RESTART_COUNT": "0",
        "TORCHELASTIC_RUN_ID": "none",
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
    }
    started = [
        Program(
            *words,
            *(each[n] if each else ()),
            module=module,
            folder=folder,
            environment=of_all | {"RANK": str(n), "LOCAL_RANK": str(n)},
        )
        for n in range(count)
    ]
    return [each.end() for each in started]


@cache
def _way_to_the_origin() -> socket.socket:
    """To the process that programs are forked from. It ends with the tests, and what it has begun ends with it."""
    ours, its = socket.socketpair()
    origin = subprocess.Popen(
        [sys.executable, "-m", "tests.program", str(its.fileno())],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        pass_fds=[its.fileno()],
        start_new_session=True,
    )
    its.close()

    @atexit.register
    def close() -> None:
        ours.close()
        origin.wait(60)

    return ours


def _fork_as_asked(way: socket.socket) -> list[str]:
    """Returns in the forks alone: the module and the words of each."""
    while True:
        asked, streams, _, _ = socket.recv_fds(way, 1, 4)
        with suppress(ChildProcessError):  # none, so far
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not asked:
            os.killpg(0, signal.SIGKILL)
        if not os.fork():
            break
        for each in streams:
            os.close(each)
    order, out, error, telling = streams
    if child := os.fork():  # this one waits for it, and tells of it
        os.write(telling, child.to_bytes(NUMBER))
        os.write(telling, os.waitpid(child, 0)[1].to_bytes(NUMBER))
        os._exit(0)
    words, folder, environment = json.loads(os.pread(order, os.fstat(order).st_size, 0))
    os.dup2(out, 1)
    os.dup2(error, 2)
    for each in (*streams, way.detach()):
        os.close(each)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path[0] = folder
    return list(words)


def main() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as in what a shell began in the foreground
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a collection in a fork would copy all that it looks at
    module, *sys.argv[1:] = _fork_as_asked(socket.socket(fileno=int(sys.argv[1])))
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
