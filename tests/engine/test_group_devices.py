"""Several processes on devices of their own are one training; what they cannot agree on is told before it begins."""

from pathlib import Path

import pytest
import torch

from elmyr.engine import RunDirectory
from elmyr.engine.processes import ALONE
from elmyr.images import save_npz
from tests.conftest import small_image_set
from tests.engine.test_processes import SETTINGS
from tests.program import ROOT, group
from tests.tasks.gan.test_game import weights

IMAGES = 32


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    save_npz(small_image_set(), tmp_path / "blobs.npz")
    options = [word for setting in SETTINGS for word in ("--set", setting)]
    return ["train", str(tmp_path / "blobs.npz"), "--images", str(IMAGES), "--quiet", *options]


def trained(words: list[str], out: Path, *devices: str) -> RunDirectory:
    each = [["--device", device] for device in devices]
    for done in group(len(devices), "elmyr", *words, "--precision", "fp32", "--out", out, each=each):
        assert done.returncode == 0, done.stderr[-3_000:]
    return RunDirectory(out)


def test_each_process_on_its_own_device_they_train_one_run(words: list[str], tmp_path: Path) -> None:
    here = trained(words, tmp_path / "one", "cpu", "cpu")
    apart = trained(words, tmp_path / "own", "cpu:0", "cpu:1")
    assert apart.finished and apart.read_config()["device"] == "cpu:0"  # the first one's
    ours, theirs = weights(here), weights(apart)
    assert ours and all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize(
    ("each", "told"),
    [
        (
            [["--precision", "fp32"], ["--precision", "bf16"]],
            "the processes would not train the same: give the same images and options to each (precision is fp32, not "
            "bf16)",
        ),
        (
            [["--seed", "1"], ["--seed", "2"]],
            "the processes would not train the same: give the same images and options to each (data.digest is ",
        ),
        (
            [["--device", "cpu"], ["--device", "meta"]],
            "some processes compute on the CPU and some on a GPU: give all the same, as --device cpu",
        ),
    ],
)
def test_processes_that_would_not_train_the_same_are_refused_unwritten(
    each: list[list[str]], told: str, words: list[str], tmp_path: Path
) -> None:
    first, second = group(2, "elmyr", *words, "--out", tmp_path / "run", each=each)
    assert first.returncode == second.returncode == 2
    assert second.stderr.startswith(f"elmyr: {told}") and second.stderr.count("\n") == 1
    assert "Traceback" not in first.stderr and first.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_directory_that_is_taken_is_told_by_all(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("mine")
    for done in group(2, "elmyr", *words, "--device", "cpu", "--out", tmp_path / "run"):
        assert done.returncode == 2 and done.stderr == (
            f"elmyr: '{tmp_path / 'run'}' exists already: choose another with --out, or remove it\n"
        )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("told")
    for done in group(2, "tests.engine.group_of_devices", folder, folder=ROOT):
        assert done.returncode == 0, done.stderr[-3_000:]
    return folder


def test_what_the_first_process_tells_reaches_all_however_large(told: Path) -> None:
    said = [(told / f"said-{number}.txt").read_text() for number in range(2)]
    assert said[0] == said[1] == "True\nTrue\nTrue\nrefused: so it is"
    assert ALONE.told_by_first(lambda: b"own") == b"own"


def test_gradients_by_a_back_end_of_their_own_are_the_same_to_the_bit(told: Path) -> None:
    """As on GPUs, where gloo has the decisions and NCCL the gradients: here a second group of gloo."""
    assert (told / "same-0.txt").read_text() == (told / "same-1.txt").read_text() == "same, 2 groups"
