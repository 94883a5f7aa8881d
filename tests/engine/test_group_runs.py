"""Whatever is trained: a run by several processes is that by one, and no work is lost where they are stopped."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from elmyr.core.files import read_lines
from elmyr.engine import RunDirectory
from elmyr.images import save_npz
from tests.conftest import small_image_set
from tests.engine.test_processes import ROOT, kill_a_worker, run, torchrun

IMAGES = 640
NETS = ("--set", "batch=16", "--set", "widths=[4,8]", "--set", "bottom=1", "--set", "discriminator_base=4")
SEMI = ("--set", "batch=32", "--set", "base=4", "--set", "semi.labeled=8", "--labels-per-class", "12")
GAN = ("network.base=4", "network.latent=4", "network.embedding=4", "batch=16", "loop.checkpoint_every=64")
KINDS = {
    "gan": ("train", "blobs.npz", *(word for setting in GAN for word in ("--set", setting))),
    "recognizer": ("recognizer", "train", "blobs.npz", "--method", "gan-consistency", *SEMI),
    "restorer": ("restorer", "train", "blobs.npz", *NETS),
    "translator": ("translator", "train", "blobs.npz", "others.npz", *NETS),
}

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("kind", KINDS)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kinds")
    save_npz(small_image_set(240), folder / "blobs.npz")
    save_npz(small_image_set(240, seed=1), folder / "others.npz")
    return folder


def training(folder: Path, kind: str, name: str) -> list[str]:
    words = [str(folder / word) if word.endswith(".npz") else word for word in KINDS[kind]]
    more = ["--images", str(IMAGES), "--device", "cpu", "--precision", "fp32", "--out", str(folder / f"{kind}-{name}")]
    return ["elmyr", *words, *more]


@pytest.fixture(scope="module")
def by_two(folder: Path) -> dict[str, RunDirectory]:
    """A run of each kind by two processes, that nothing disturbed."""
    runs = {}
    for kind in KINDS:
        done = run(torchrun(2, *training(folder, kind, "two")))
        assert done.returncode == 0, done.stderr[-3_000:]
        runs[kind] = RunDirectory(folder / f"{kind}-two")
    return runs


def learned(run: RunDirectory) -> dict[str, torch.Tensor]:
    return {f"{path.stem}.{key}": v for path in run.model.glob("*.safetensors") for key, v in load_file(path).items()}


def test_a_run_by_two_processes_is_that_by_one_up_to_rounding(
    folder: Path, by_two: dict[str, RunDirectory], kind: str
) -> None:
    _, *words = training(folder, kind, "one")
    done = run([*torchrun(1, "elmyr")[:1], "-m", "elmyr", *words])
    assert done.returncode == 0, done.stderr[-3_000:]
    one, two = RunDirectory(folder / f"{kind}-one"), by_two[kind]
    expected, found = learned(one), learned(two)
    apart = torch.cat([(found[key] - expected[key]).flatten() for key in expected])
    rounding = 3e-2 if kind == "gan" else 1e-3  # a game makes much of it
    assert apart.norm() <= rounding * torch.cat([each.flatten() for each in expected.values()]).norm()
    assert two.finished and len(two.log.read_text().splitlines()) == len(one.log.read_text().splitlines())
    lines, others = read_lines(one.metrics), read_lines(two.metrics)
    assert [line.keys() for line in lines] == [line.keys() for line in others]
    assert [line["images"] for line in lines] == [line["images"] for line in others]


def test_after_ctrl_c_the_group_resumes_and_ends_the_same(
    folder: Path, by_two: dict[str, RunDirectory], kind: str
) -> None:
    out = folder / f"{kind}-stopped"
    with subprocess.Popen(
        torchrun(2, *training(folder, kind, "stopped")),
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    ) as group:
        deadline = time.monotonic() + 120
        while not list(out.glob("checkpoints/images-*128")) and time.monotonic() < deadline and group.poll() is None:
            time.sleep(0.01)
        os.killpg(group.pid, signal.SIGINT)  # as a terminal does
        _, errors = group.communicate(timeout=120)
    assert group.returncode != 0 and not RunDirectory(out).finished
    assert f"resume with: elmyr resume {out}" in errors
    done = run(torchrun(2, "elmyr", "resume", str(out)))
    assert done.returncode == 0, done.stderr[-3_000:]
    found, expected = learned(RunDirectory(out)), learned(by_two[kind])
    assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_where_one_is_killed_the_others_end_with_a_line(folder: Path, kind: str) -> None:
    words = torchrun(2, *training(folder, kind, "killed"))
    began = time.monotonic()
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=ROOT) as group:
        kill_a_worker(group, folder / f"{kind}-killed", 64)
        _, errors = group.communicate(timeout=120)
    assert group.returncode != 0 and time.monotonic() - began < 100
    (line,) = (line for line in errors.splitlines() if line.startswith("elmyr: "))
    assert line.startswith("elmyr: another process of the group is gone (") and line.endswith("and resume the run")
    assert "src/elmyr" not in errors  # torchrun's own traceback alone
    done = run(torchrun(1, "elmyr", "resume", str(folder / f"{kind}-killed")))
    assert done.returncode == 0 and RunDirectory(folder / f"{kind}-killed").finished
