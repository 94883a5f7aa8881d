"""Pieces of work on the machines of a Ray cluster: tasks, each with its cores or its GPU.

Ray (Moritz et al. 2018) sends the pieces to the machines, and those of a machine that is lost to another. What is done
stands in the work's directory, which all machines see; results are written down by the process that began the work.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import warnings
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import torch

from elmyr import __version__
from elmyr.core.errors import ElmyrError, InputError
from elmyr.core.notes import DataWarning
from elmyr.core.plugins import load_all, with_plugins
from elmyr.studies.work.crew import Crew, Pool

LOCAL, RAY = "local", "ray"
ADDRESS = re.compile(r"ray://(\[[0-9a-fA-F:]+\]|[^/:@\s]+):(\d{1,5})")
ANSWERS = 5.0  # seconds that an address is waited for
AGAIN = 5  # times that a piece is begun again where the machine that did it is lost

_chosen: ContextVar[Cluster | None] = ContextVar("cluster", default=None)
_workers: dict[str, Any] = {}  # of this process, where it does pieces for a cluster, by the directories


class Cluster:
    """A Ray cluster that this process is connected to. ray: the module."""

    def __init__(self, ray: Any) -> None:
        self.ray = ray

    def slots(self, threads: int, device: str) -> int:
        """How many pieces it does at once, each on so many cores, or on a GPU of its own; InputError for none."""
        if not _is_cpu(device) and device.partition(":")[2] not in ("", "0"):
            raise InputError(f"--device {device} is a GPU of this machine alone: pass --device cuda with --cluster")
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        if not _is_cpu(device):
            count = int(sum(node.get("GPU", 0) for node in nodes))
            told = "no machine of the cluster has a GPU: pass --device cpu"
        else:
            count = sum(int(node.get("CPU", 0) // threads) for node in nodes)
            told = f"no machine of the cluster has {threads} cores: pass --threads with fewer"
        if not count:
            raise InputError(told)
        return count

    @contextmanager
    def crew(self, how: Pool) -> Iterator[Crew]:
        """Its tasks for one work; those that are not done when that ends are stopped."""
        tasks = Tasks(self.ray, how)
        try:
            yield tasks
        finally:
            tasks.stop()


def _is_cpu(device: str) -> bool:
    """Whether a name is the CPU's, also with a number (`cpu:0`)."""
    return torch.device(device).type == "cpu"


class Tasks:
    """The tasks of a work."""

    def __init__(self, ray: Any, how: Pool) -> None:
        self.ray, self.how = ray, how
        self.sent = replace(how, folder=how.folder.absolute())  # whatever folder a machine works in
        needs = {"num_cpus": how.threads} if _is_cpu(how.device) else {"num_cpus": 1, "num_gpus": 1}
        self.remote = ray.remote(max_retries=AGAIN, **needs)(perform)
        self.refs: dict[Future[Any], Any] = {}

    def submit(self, piece: Any) -> Future[Any]:
        """Begins a piece."""
        try:
            ref = self.remote.remote(self.sent, __version__, piece)
        except Exception as error:  # what the other side lacks comes back as any kind
            raise self._undone(error) from None
        future: Future[Any] = ref.future()
        self.refs[future] = ref
        return future

    def outcome(self, future: Future[Any]) -> Any:
        """What came of a piece that has ended."""
        del self.refs[future]
        try:
            found = future.result()
        except Exception as error:
            raise self._undone(error) from None
        if isinstance(found, ElmyrError):
            raise found
        return found

    def _undone(self, error: Exception) -> ElmyrError:
        told = next(iter(str(error).strip().splitlines()[-1:]), type(error).__name__)
        resume = with_plugins(f"elmyr resume {self.how.folder}")
        return ElmyrError(
            f"a piece of {self.how.called} could not be done on the cluster ({told}): see that every machine has elmyr "
            f"{__version__}, then resume it: {resume}"
        )

    def stop(self) -> None:
        """Ends what is not done: it is begun again from its last checkpoint."""
        for ref in self.refs.values():
            with suppress(Exception):  # of a cluster that is not there any more
                self.ray.cancel(ref, force=True)
        self.refs.clear()


def perform(how: Pool, version: str, piece: Any) -> Any:
    """Does a piece in a process of a cluster; gives an ElmyrError that it ends by, which keeps its kind on the way."""
    host = socket.gethostname()
    if version != __version__:
        return InputError(f"the machine '{host}' has elmyr {__version__}, this one {version}: install the same on all")
    folder = how.folder
    if not (folder / "config.json").is_file():
        return InputError(f"the machine '{host}' does not see '{folder}': choose an --out that all machines see")
    try:
        if str(folder) not in _workers:
            warnings.simplefilter("ignore", DataWarning)  # told by the process that planned the work
            torch.set_num_threads(how.threads)
            load_all()
            _workers[str(folder)] = how.worker(folder)
        return _workers[str(folder)].perform(piece)
    except InputError as error:
        return InputError(f"on the machine '{host}': {error}")
    except ElmyrError as error:
        return error


def current() -> Cluster | None:
    """The cluster that pieces of work are done on by now; None for this machine."""
    return _chosen.get()


@contextmanager
def on_cluster(name: str) -> Iterator[None]:
    """Inside, studies, sweeps and the articles' systems do their pieces of work on a cluster.

    name: "local" for processes of this machine; "ray" for the cluster that this machine belongs to, else one of this
    machine alone; or the address of a cluster, as "ray://HOST:10001". Raises InputError for another name, where no Ray
    answers at the address, and where it is not installed.
    """
    if name == LOCAL:
        yield
        return
    _require_answer(name)
    ray = _connected(name)
    token = _chosen.set(Cluster(ray))
    try:
        yield
    finally:
        _chosen.reset(token)
        ray.shutdown()


def _require_answer(name: str) -> None:
    if name == RAY:
        return
    address = ADDRESS.fullmatch(name)
    if address is None or not 0 < int(address[2]) < 1 << 16:
        raise InputError(f"--cluster is '{name}': give local, ray, or the address of a cluster, as ray://HOST:10001")
    try:
        socket.create_connection((address[1].strip("[]"), int(address[2])), ANSWERS).close()
    except OSError as error:
        raise InputError(
            f"no Ray answers at '{name}' ({error.strerror or error}): start one there with ray start --head, or name "
            "another --cluster"
        ) from None


def _connected(name: str) -> Any:
    """The module, connected to the cluster."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # what is computed here is nobody's but the user's
    try:
        import ray
    except ImportError:
        raise InputError(f"--cluster {name} needs Ray: pip install 'elmyr[cluster]'") from None
    own = {key: value for key, value in os.environ.items() if key.startswith("ELMYR_")}
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        ray.init(
            address=None if name == RAY else name,
            logging_level=logging.ERROR,
            log_to_driver=False,
            runtime_env={"env_vars": own},
        )
    except Exception as error:  # Ray has a dozen kinds for one that cannot be reached or is of another version
        told = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise InputError(f"'{name}' cannot be worked on ({told}): start it anew, or name another --cluster") from None
    for number, handler in before.items():
        signal.signal(number, handler)  # of which Ray has its own, that ends without a word
    return ray
