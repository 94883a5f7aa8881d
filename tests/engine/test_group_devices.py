"""Several processes on devices of their own are one training; what they cannot agree on is told before it begins."""

import shutil
from pathlib import Path

import pytest
import torch

from elmyr.engine import RunDirectory
from elmyr.engine.guards import write_config
from elmyr.engine.processes import ALONE
from elmyr.engine.saving.run_directory import config_as
from elmyr.engine.tasks import spec_of
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


def done_by_two(*words: str | Path, each: list[list[str | Path]]) -> None:
    for done in group(2, "elmyr", *words, each=each):
        assert done.returncode == 0, done.stderr[-3_000:]


def are_the_same(one: RunDirectory, other: RunDirectory) -> bool:
    ours, theirs = weights(one), weights(other)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_on_devices_of_their_own_without_a_shared_folder_they_train_one_run(words: list[str], tmp_path: Path) -> None:
    """As on two machines: the first process alone has a run directory, and tells the others what they need of it."""
    shared, own, other = (RunDirectory(tmp_path / name / "run") for name in ("shared", "own", "other"))
    at_once: list[list[str | Path]] = [["--device", "cpu", "--out", shared.path]] * 2
    apart: list[list[str | Path]] = [
        ["--device", "cpu:0", "--out", own.path],
        ["--device", "cpu:1", "--out", other.path],
    ]
    for each in (at_once, apart):
        done_by_two(*words, "--precision", "fp32", each=each)
    assert own.finished and own.read_config()["device"] == "cpu:0" and are_the_same(shared, own)
    assert not other.path.parent.exists()

    other.path.mkdir(parents=True)
    shutil.copy(own.config, other.path)  # which tells it where its images are
    for places in ([shared.path] * 2, [own.path, other.path]):
        done_by_two("resume", "--images", str(3 * IMAGES), "--quiet", each=[[place] for place in places])
    assert are_the_same(shared, own) and [path.name for path in other.path.iterdir()] == ["config.json"]


def test_a_group_that_starts_again_on_the_way_to_another_budget_goes_on(tmp_path: Path) -> None:
    """As on two machines: the first alone has written the budget; the other has the `config.json` of before."""
    stored, budget = ROOT / "tests" / "stored" / "gan" / "interrupted", 560
    own, other = (RunDirectory(tmp_path / name / "run") for name in ("own", "other"))
    shutil.copytree(stored, own.path)
    other.path.mkdir(parents=True)
    shutil.copy(own.config, other.path)
    config = config_as(own, spec_of(own).config)
    write_config(own, config.extended(budget))
    longer = config_as(own, spec_of(own).config)
    assert longer.loop.images == budget and longer.extended(budget) == longer
    done_by_two("resume", "--images", str(budget), "--quiet", each=[[own.path], [other.path]])
    assert own.finished and own.read_config()["extended_from"] == config.loop.images == 640
    assert [path.name for path in other.path.iterdir()] == ["config.json"]


@pytest.mark.parametrize(
    ("each", "told"),
    [
        (
            [["--precision", "fp32"], ["--precision", "bf16"]],
            "the processes would not train the same: give the same images and options to each (precision is fp32, not "
            "bf16)",
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
