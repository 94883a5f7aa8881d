"""Several processes train as one: the same gradients and weights, one file each, and no work lost where one dies."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from elmyr.core.errors import InputError
from elmyr.core.files import read_lines
from elmyr.core.seeds import Share, generator, normal, uniform
from elmyr.engine import RunDirectory, resume
from elmyr.engine.processes import ALONE, Processes, refuse_odd_parts
from elmyr.engine.saving.checkpoint import latest_checkpoint
from elmyr.images import save_npz
from tests.conftest import small_image_set
from tests.engine.group import updates
from tests.program import ROOT, group
from tests.tasks.gan.test_game import weights

SETTINGS = ["network.base=4", "network.latent=4", "network.embedding=4", "batch=16", "loop.checkpoint_every=64"]


def torchrun(count: int, *words: str, restarts: int = 0) -> list[str]:
    options = ["--nproc-per-node", str(count), "--master-port", "0", "--rdzv-backend", "c10d", "--rdzv-endpoint"]
    return [
        *(sys.executable, "-m", "torch.distributed.run", *options, "localhost:0", "--max-restarts", str(restarts)),
        *("-m", *words),
    ]


def training(folder: Path, name: str, images: int) -> list[str]:
    words = ["elmyr", "train", str(folder / "blobs.npz"), "--out", str(folder / name), "--images", str(images)]
    return [*words, "--device", "cpu", *(word for setting in SETTINGS for word in ("--set", setting))]


def run(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=300)


@pytest.fixture
def blobs_here(tmp_path: Path) -> Path:
    save_npz(small_image_set(), tmp_path / "blobs.npz")
    return tmp_path


def test_what_is_drawn_for_a_share_is_that_part_of_what_is_drawn_for_the_whole() -> None:
    for draw in (uniform, normal):
        whole = draw((8, 3), generator(1, "a"))
        parts = [draw((2, 3), Share(generator(1, "a"), (slice(k, k + 2), 8))) for k in range(0, 8, 2)]
        assert torch.equal(torch.cat(parts), whole)
        two_sides = draw((4, 16), generator(1, "a"))
        part = draw((4, 4), Share(generator(1, "a"), (slice(2, 4), 8)), axis=1)
        assert torch.equal(part, two_sides[:, [2, 3, 10, 11]])
        uneven = draw((4, 3), Share(generator(1, "a"), (slice(1, 2), 6), (slice(5, 7), 10)), axis=1)
        assert torch.equal(uneven, two_sides[:, [1, 11, 12]])


def test_shares_are_disjoint_and_the_whole_where_they_cannot_be_even() -> None:
    group = [Processes(rank, 4) for rank in range(4)]
    assert [range(16)[one.share(16)] for one in group] == [range(k, k + 4) for k in range(0, 16, 4)]
    assert all(one.share(10) == slice(0, 10) for one in group)
    with pytest.raises(InputError, match="^semi.labeled is 18: 4 processes take one that is a multiple of 4$"):
        refuse_odd_parts({"batch": 16, "semi.labeled": 18}, 4)


@pytest.mark.parametrize("count", [2, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=pytest.mark.slow)])
def test_the_number_of_processes_does_not_matter(tmp_path: Path, count: int, dtype: str) -> None:
    for done in group(count, "tests.engine.group", tmp_path, dtype, folder=ROOT):
        assert done.returncode == 0, done.stderr[-3_000:]
    expected = updates(ALONE, getattr(torch, dtype))
    found = load_file(tmp_path / f"{count}-{dtype}.safetensors")
    assert found.keys() == expected.keys()
    if dtype == "float64":
        assert all((found[key] - expected[key]).abs().max() <= 1e-10 for key in expected)
    for net in ("generator", "discriminator"):  # as a whole: the gradient of a bias that cancels out is all rounding
        keys = [key for key in expected if key.startswith(f"gradient/{net}.")]
        one, other = (torch.cat([each[key].flatten() for key in keys]) for each in (found, expected))
        assert (one - other).norm() <= 1e-4 * other.norm()  # 6e-5 of fp32 on some machines


@pytest.mark.slow
def test_processes_that_take_their_shares_in_parts_find_the_same(tmp_path: Path) -> None:
    for done in group(2, "tests.engine.group", tmp_path, "float64", "parts", folder=ROOT):
        assert done.returncode == 0, done.stderr[-3_000:]
    expected, found = updates(ALONE, torch.float64, lecam=0.0), load_file(tmp_path / "2-float64.safetensors")
    assert all((found[key] - expected[key]).abs().max() <= 1e-10 for key in expected)


def test_a_run_by_two_processes_ends_whole_and_is_extended_by_one(blobs_here: Path) -> None:
    done = run(torchrun(2, *training(blobs_here, "run", 200)))  # the last batch cannot be parted
    assert done.returncode == 0, done.stderr[-3_000:]
    found = RunDirectory(blobs_here / "run")
    assert found.finished and read_lines(found.metrics)[-1]["images"] == 200
    assert [line.split()[1] for line in found.log.read_text().splitlines()] == ["to", "trained"]  # each once
    images = [line["images"] for line in read_lines(found.metrics) if "generator_loss" in line]
    assert images == sorted(set(images))
    assert resume(found.path, images=264).finished


@pytest.mark.slow
@pytest.mark.parametrize(("setting", "size"), [("semi.labeled", 9), ("semi.game.images", 7)])
def test_parts_of_a_batch_that_cannot_be_shared_are_refused_unwritten(
    blobs_here: Path, setting: str, size: int
) -> None:
    words = ["elmyr", "recognizer", "train", str(blobs_here / "blobs.npz"), "--method", "gan-semi"]
    more = ["--labels-per-class", "12", "--set", "batch=32", "--set", "semi.labeled=8", "--set", f"{setting}={size}"]
    done = run(torchrun(2, *words, *more, "--out", str(blobs_here / "run"), "--device", "cpu"))
    assert f"elmyr: {setting} is {size}: 2 processes take one that is a multiple of 2" in done.stderr
    assert done.returncode != 0 and not (blobs_here / "run").exists()


def workers(parent: int) -> list[int]:
    """The process numbers of torchrun's children that train."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(child) for child in children if b"elmyr" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")]


def kill_a_worker(group: subprocess.Popen[str], folder: Path, after: int) -> None:
    """Kills one with -9 once a checkpoint of so many images is there."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and group.poll() is None:
        newest = max((int(re.sub(r"\D", "", path.name)) for path in folder.glob("checkpoints/images-*")), default=-1)
        if newest >= after:
            os.kill(workers(group.pid)[-1], signal.SIGKILL)
            return
        time.sleep(0.01)
    raise AssertionError(f"no checkpoint of {after} images; ended with {group.poll()}")


def killed_and_restarted(folder: Path, name: str, images: int, after: list[int]) -> dict[str, Any]:
    words = torchrun(2, *training(folder, name, images), restarts=len(after))
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=ROOT) as group:
        for position in after:
            kill_a_worker(group, folder / name, position)
        _, errors = group.communicate(timeout=300)
        assert group.returncode == 0, errors[-3_000:]
    return weights(RunDirectory(folder / name))


@pytest.mark.slow
def test_a_killed_worker_is_restarted_and_the_end_is_the_same(blobs_here: Path) -> None:
    assert run(torchrun(2, *training(blobs_here, "undisturbed", 1_600))).returncode == 0
    expected = weights(RunDirectory(blobs_here / "undisturbed"))
    found = killed_and_restarted(blobs_here, "run", 1_600, after=[320])
    assert all(torch.equal(expected[key], found[key]) for key in expected)
    assert latest_checkpoint(blobs_here / "run" / "checkpoints") is not None


@pytest.mark.slow
def test_ten_killed_workers_and_the_end_is_the_same(blobs_here: Path) -> None:
    assert run(torchrun(2, *training(blobs_here, "undisturbed", 16_000))).returncode == 0
    expected = weights(RunDirectory(blobs_here / "undisturbed"))
    found = killed_and_restarted(blobs_here, "run", 16_000, after=[1_280 * number for number in range(1, 11)])
    assert all(torch.equal(expected[key], found[key]) for key in expected)


@pytest.mark.slow
def test_a_group_that_is_started_again_does_not_take_over_another_run(blobs_here: Path) -> None:
    assert run(torchrun(2, *training(blobs_here, "run", 64))).returncode == 0
    before = (blobs_here / "run" / "config.json").read_text()
    done = run(torchrun(2, *training(blobs_here, "run", 128), restarts=1))
    assert done.returncode != 0 and "is another run" in done.stderr
    assert (blobs_here / "run" / "config.json").read_text() == before
