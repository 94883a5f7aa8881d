"""Pieces of work on a Ray cluster: the same results, also where a machine is lost; and one line for what is none."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from elmyr.core.errors import InputError
from elmyr.images import save_npz
from elmyr.studies.work.cluster import Cluster, Tasks, current, on_cluster, perform
from elmyr.studies.work.crew import Pool
from tests.conftest import small_image_set


@pytest.mark.parametrize(
    "name",
    ["", "Ray", "spark", "ray://", "ray://host", "ray://host:0", "ray://host:70000", "http://host:1", "ray://a b:1"],
)
def test_what_is_no_cluster_is_told(name: str) -> None:
    with pytest.raises(InputError, match="give local, ray, or the address of a cluster, as ray://HOST:10001"):
        on_cluster(name).__enter__()


def test_an_address_where_nothing_answers_is_told_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        with pytest.raises(InputError, match="no Ray answers at 'ray://127.0.0.1:") as told:
            on_cluster(f"ray://127.0.0.1:{taken.getsockname()[1]}").__enter__()
    assert "\n" not in str(told.value) and current() is None


def test_ray_that_is_not_installed_is_told_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"--cluster ray needs Ray: pip install 'elmyr\[cluster\]'"):
        on_cluster("ray").__enter__()
    assert current() is None


def test_the_processes_of_this_machine_need_no_cluster() -> None:
    with on_cluster("local"):
        assert current() is None


class Machines:
    """What is asked of Ray about its machines."""

    def nodes(self) -> list[dict[str, object]]:
        """Two that are there, and one that was lost."""
        resources: tuple[dict[str, float], ...] = ({"CPU": 5}, {"CPU": 2, "GPU": 3}, {"CPU": 64, "GPU": 8})
        return [{"Alive": place < 2, "Resources": each} for place, each in enumerate(resources)]


def test_a_cluster_has_room_for_as_many_pieces_as_fit_on_each_of_its_machines() -> None:
    cluster = Cluster(Machines())
    assert [cluster.slots(threads, "cpu") for threads in (1, 2, 3, 5)] == [7, 3, 1, 1]
    assert cluster.slots(1, "cuda") == cluster.slots(4, "cuda:0") == 3
    with pytest.raises(InputError, match="no machine of the cluster has 6 cores"):
        cluster.slots(6, "cpu")
    with pytest.raises(InputError, match="--device cuda:1 is a GPU of this machine alone"):
        cluster.slots(1, "cuda:1")


def test_a_cpu_with_a_number_is_no_gpu(tmp_path: Path) -> None:
    asked = list[dict[str, int]]()
    ray = SimpleNamespace(
        nodes=lambda: [{"Alive": True, "Resources": {"CPU": 4.0}}], remote=lambda **needs: asked.append(needs) or id
    )
    assert Cluster(ray).slots(2, "cpu:0") == Cluster(ray).slots(2, "cpu:1") == 2
    Tasks(ray, replace(Pool(tmp_path, Odd, "the work", 2, 1), device="cpu:0"))
    assert "num_gpus" not in asked[0]


class Odd:
    """A worker whose images are not there."""

    def __init__(self, folder: Path) -> None:
        raise InputError("the images are not at '/data' any more")

    def perform(self, piece: str) -> None:
        """Never comes to that."""


def test_a_machine_that_cannot_do_it_is_named(tmp_path: Path) -> None:
    how, host = Pool(tmp_path, Odd, "the work", 2, 1), socket.gethostname()
    from elmyr import __version__

    assert f"'{host}' does not see '{tmp_path}'" in str(perform(how, __version__, "piece"))
    (tmp_path / "config.json").write_text("{}")
    assert f"on the machine '{host}': the images are not at" in str(perform(how, __version__, "piece"))
    other = perform(how, "0.0.9", "piece")
    assert isinstance(other, InputError) and f"'{host}' has elmyr {__version__}, this one 0.0.9" in str(other)


# Two machines in processes of this one; the second is lost in the middle of the first training that it does.
PROGRAM = """
import contextlib, os, sys, threading, time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from elmyr import study, sweep
from elmyr.studies import on_cluster

what, data, out, where = sys.argv[1:]
settings = {"network.base": 4, "network.latent": 8, "network.embedding": 4, "batch": 16, "loop.watch_every": 0}
rates = {"adversarial.learning_rate": [1e-3, 2e-3, 3e-3]}
WORK = {
    "sweep": lambda **how: sweep(data, settings=settings | rates, extractor="pixels", images=64, **how),
    "study": lambda **how: study(data, settings=settings, images=64, updates=3, seeds=2, **how),
}

def lose() -> None:
    while len(list(Path(out).glob("runs/*/config.json"))) < 2:
        time.sleep(0.02)
    cluster.remove_node(second, allow_graceful=False)
    print("lost")

if where == "alone":
    WORK[what](out=out, device="cpu", threads=1, quiet=True)
    sys.exit()
from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
second = cluster.add_node(num_cpus=1)
cluster.wait_for_nodes()
os.environ["RAY_ADDRESS"] = cluster.address
threading.Thread(target=lose, daemon=True).start()
with on_cluster("ray"):
    done = WORK[what](out=out, device="cpu", processes=0, quiet=True)
cluster.shutdown()
"""


@pytest.mark.slow
@pytest.mark.parametrize("what", ["sweep", "study"])
def test_two_machines_of_which_one_is_lost_find_what_one_process_finds(tmp_path: Path, what: str) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'elmyr[cluster]'")
    save_npz(small_image_set(180), tmp_path / "blobs.npz")
    script = tmp_path / "work.py"
    script.write_text(PROGRAM)
    for where in ("alone", "cluster"):
        words = [sys.executable, script, what, tmp_path / "blobs.npz", tmp_path / where, where]
        surroundings = os.environ | {"OMP_NUM_THREADS": "1", "RAY_raylet_start_wait_time_s": "300"}
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, env=surroundings, timeout=800)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "lost" in done.stdout.splitlines()
    alone, cluster = ((tmp_path / where / "results.jsonl").read_text() for where in ("alone", "cluster"))
    assert alone == cluster and alone
    assert json.loads((tmp_path / "cluster" / "config.json").read_text())["processes"] == 2
