"""Two launchers, as on two machines without a shared folder: one training, that outlives a process of either."""

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import torch
from torch.distributed import TCPStore

from elmyr.engine import RunDirectory
from elmyr.images import save_npz
from tests.conftest import small_image_set
from tests.engine.test_processes import SETTINGS, kill_a_worker, run, torchrun, training
from tests.program import ROOT
from tests.tasks.gan.test_game import weights

pytestmark = pytest.mark.slow
IMAGES = 1_600


def launching(folder: Path, number: int, port: int) -> list[str]:
    """The line of docs/cluster.md for two machines, as it is given on one of them, with less to train."""
    page = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^torchrun --nnodes 2 .*rdzv.*$", page, re.MULTILINE)
    words = shlex.split(line)
    cut = words.index("-m")
    here = {"--nproc-per-node": "1", "--rdzv-endpoint": f"localhost:{port}"}
    options = [here.get(before, word) for before, word in zip(["", *words[1:cut]], words[1:cut], strict=False)]
    own = ["--local-addr", "localhost", "--rdzv-conf", "is_host=0"]  # what machines of their own need not be told
    module = words[cut : cut + 3]
    assert module == ["-m", "elmyr", "train"]
    out = folder / f"machine-{number}" / "run"
    asked = [str(folder / "blobs.npz"), "--images", str(IMAGES), "--device", "cpu", "--out", str(out)]
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    return [sys.executable, "-m", "torch.distributed.run", *options, *own, *module, *asked, *settings]


@contextmanager
def on_two(folder: Path) -> Iterator[Sequence[subprocess.Popen[str]]]:
    store = TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                subprocess.Popen(launching(folder, number, store.port), stderr=subprocess.PIPE, text=True, cwd=ROOT)
            )
            for number in range(2)
        ]


def finished(machines: Sequence[subprocess.Popen[str]], folder: Path) -> RunDirectory:
    """The run that is there in the end, on the machine of the first process alone."""
    for machine in machines:
        _, errors = machine.communicate(timeout=300)
        assert machine.returncode == 0, errors[-3_000:]
    (out,) = folder.glob("machine-*")
    return RunDirectory(out / "run")


@pytest.fixture(scope="module")
def by_one_launcher(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    folder = tmp_path_factory.mktemp("one")
    save_npz(small_image_set(), folder / "blobs.npz")
    done = run(torchrun(2, *training(folder, "run", IMAGES)))
    assert done.returncode == 0, done.stderr[-3_000:]
    return RunDirectory(folder / "run")


def are_the_same(one: RunDirectory, other: RunDirectory) -> bool:
    ours, theirs = weights(one), weights(other)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_two_machines_train_what_two_processes_of_one_do(by_one_launcher: RunDirectory, tmp_path: Path) -> None:
    save_npz(small_image_set(), tmp_path / "blobs.npz")
    with on_two(tmp_path) as machines:
        assert are_the_same(finished(machines, tmp_path), by_one_launcher)


@pytest.mark.parametrize("first", [True, False], ids=["the first", "the other"])
def test_where_a_process_of_one_machine_is_killed_both_go_on(
    by_one_launcher: RunDirectory, tmp_path: Path, first: bool
) -> None:
    save_npz(small_image_set(), tmp_path / "blobs.npz")
    with on_two(tmp_path) as machines:
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob("machine-*")) and time.monotonic() < deadline:
            time.sleep(0.01)
        (place,) = tmp_path.glob("machine-*")
        number = int(place.name[-1])
        kill_a_worker(machines[number if first else 1 - number], place / "run", 320)
        assert are_the_same(finished(machines, tmp_path), by_one_launcher)
