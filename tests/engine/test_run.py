"""Runs from end to end, interrupted and not, at tiny size."""

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

from elmyr import GAN, train
from elmyr.core.errors import InputError, InterruptedRun
from elmyr.core.files import read_json, read_lines
from elmyr.engine import RunDirectory, open_run, resume
from elmyr.engine.saving.checkpoint import _manifest_text, latest_checkpoint, prune_checkpoints
from elmyr.engine.task import Batch
from elmyr.images import save_npz
from elmyr.tasks.gan.task import AdversarialTask
from tests.conftest import small_image_set

TINY = {"network.base": 8, "network.latent": 8, "network.embedding": 4, "batch": 16}
IMAGES = 490  # not a multiple of the batch


def tiny_run(data: Path, out: Path, **options: Any) -> RunDirectory:
    return train(data, out=out, images=IMAGES, settings=TINY, device="cpu", **options)


def lines_without_times(run: RunDirectory) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in line.items() if key not in ("seconds", "images_per_second")}
        for line in read_lines(run.metrics)
    ]


def final_state(run: RunDirectory) -> dict[str, Any]:
    path = latest_checkpoint(run.checkpoints)
    assert path is not None
    return {
        f"{file.name}/{name}": tensor.clone()  # the file may be changed under a mapped one
        for file in sorted(path.glob("*.safetensors"))
        for name, tensor in load_file(file).items()
    }


def assert_same_run(one: RunDirectory, other: RunDirectory) -> None:
    first, second = final_state(one), final_state(other)
    assert first.keys() == second.keys()
    assert any(name.startswith("discriminator.optimizer") for name in first)
    assert all(first[name].equal(second[name]) for name in first)
    assert lines_without_times(one) == lines_without_times(other)
    assert np.array_equal(GAN.load(one.path).sample(20).images, GAN.load(other.path).sample(20).images)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    folder = tmp_path_factory.mktemp("whole")
    save_npz(small_image_set(), folder / "blobs.npz")
    return tiny_run(folder / "blobs.npz", folder / "run")


@pytest.fixture
def undisturbed(whole: RunDirectory, tmp_path: Path) -> RunDirectory:
    """A copy of a finished run, to do with as one likes."""
    return RunDirectory(shutil.copytree(whole.path, tmp_path / "undisturbed"))


def test_a_run_leaves_what_its_docs_name_and_spends_its_budget_exactly(undisturbed: RunDirectory) -> None:
    entries = {path.name for path in undisturbed.path.iterdir()}
    assert entries >= {
        "config.json",
        "environment.json",
        "metrics.jsonl",
        "summary.json",
        "README.md",
        "reals.png",
    }
    assert entries >= {"previews", "checkpoints", "model", "real.npz", "generated.npz"}
    assert read_lines(undisturbed.metrics)[-1]["images"] == IMAGES
    config = undisturbed.read_config()
    assert config["loop"]["images"] == IMAGES
    assert "auto" not in json.dumps(config)
    assert (undisturbed.checkpoints / "latest").read_text().strip() == f"images-{IMAGES:09d}"
    assert GAN.load(undisturbed.path).trained["images"] == IMAGES


def test_the_same_command_twice_gives_the_same_bits(
    undisturbed: RunDirectory, blobs_file: Path, tmp_path: Path
) -> None:
    assert_same_run(undisturbed, tiny_run(blobs_file, tmp_path / "again"))


def test_another_seed_gives_another_run(undisturbed: RunDirectory, blobs_file: Path, tmp_path: Path) -> None:
    other = tiny_run(blobs_file, tmp_path / "other", seed=1)
    assert lines_without_times(undisturbed) != lines_without_times(other)


@pytest.mark.parametrize("update", [0, 3, 17, 30])
def test_a_crash_in_an_update_and_a_resume_end_with_the_same_bits(
    undisturbed: RunDirectory, blobs_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update: int
) -> None:
    whole_update = AdversarialTask.update

    def crashing(self: AdversarialTask, batch: Batch, position: int) -> Any:
        if position >= update * 16:
            raise RuntimeError("crash")
        return whole_update(self, batch, position)

    with monkeypatch.context() as patch:
        patch.setattr(AdversarialTask, "update", crashing)
        with pytest.raises(RuntimeError, match="crash"):
            tiny_run(blobs_file, tmp_path / "crashed")
    assert_same_run(undisturbed, resume(tmp_path / "crashed"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_a_resume_ends_with_the_same_bits(
    undisturbed: RunDirectory, blobs_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    whole_update = AdversarialTask.update

    def signalled(self: AdversarialTask, batch: Batch, position: int) -> Any:
        if position == 12 * 16:
            os.kill(os.getpid(), number)
        return whole_update(self, batch, position)

    with monkeypatch.context() as patch:
        patch.setattr(AdversarialTask, "update", signalled)
        with pytest.raises(InterruptedRun, match="elmyr resume") as stopped:
            tiny_run(blobs_file, tmp_path / "stopped")
    assert stopped.value.exit_code == 128 + number
    path = latest_checkpoint(tmp_path / "stopped" / "checkpoints")
    assert path is not None and path.name == f"images-{13 * 16:09d}"
    assert_same_run(undisturbed, resume(tmp_path / "stopped"))


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(
    undisturbed: RunDirectory, blobs_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed.summary.unlink()
    last = latest_checkpoint(undisturbed.checkpoints)
    assert last is not None
    before = final_state(undisturbed)
    weights = last / "generator.safetensors"
    damaged = bytearray(weights.read_bytes())
    damaged[-1] ^= 1
    weights.write_bytes(damaged)
    with pytest.warns(UserWarning, match="damaged"):
        again = resume(undisturbed.path)
    after = final_state(again)
    assert all(before[name].equal(after[name]) for name in before)


def test_what_is_damaged_is_not_kept_in_place_of_what_is_whole(tmp_path: Path) -> None:
    """Only the newest is kept, and it is damaged: training begins anew, and its first checkpoint must stay."""
    for position in (100, 500, 1_000_000_000):
        (tmp_path / f"images-{position:09d}").mkdir()
    prune_checkpoints(tmp_path, position=100, keep=1)
    assert [path.name for path in tmp_path.iterdir()] == ["images-000000100"]


def test_the_newest_checkpoint_is_that_of_the_most_images(tmp_path: Path) -> None:
    for position in (999_000_000, 1_000_000_000):
        (tmp_path / f"images-{position:09d}").mkdir()
    prune_checkpoints(tmp_path, position=1_000_000_000, keep=1)
    assert [path.name for path in tmp_path.iterdir()] == ["images-1000000000"]


def test_a_checkpoint_of_another_format_is_refused_and_not_begun_anew(undisturbed: RunDirectory) -> None:
    undisturbed.summary.unlink()
    last = latest_checkpoint(undisturbed.checkpoints)
    assert last is not None
    manifest = last / "manifest.json"
    manifest.write_text(_manifest_text(read_json(manifest)["files"], 99))
    with pytest.raises(InputError, match="has the format 99"):
        resume(undisturbed.path)


def test_a_run_is_not_trained_by_two_processes_at_once(undisturbed: RunDirectory) -> None:
    undisturbed.summary.unlink()
    with undisturbed.locked(), pytest.raises(InputError, match="another process"):
        resume(undisturbed.path)
    resume(undisturbed.path)


def test_a_run_is_resumed_from_another_folder(
    blobs_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(blobs_file.parent)
    run = train(blobs_file.name, out=tmp_path / "run", images=64, settings=TINY, device="cpu")
    run.summary.unlink()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert resume(run.path).finished


def test_a_finished_run_resumes_to_nothing(undisturbed: RunDirectory) -> None:
    before = undisturbed.metrics.read_bytes()
    said: list[str] = []
    resume(undisturbed.path, say=said.append)
    assert "finished already" in said[0]
    assert undisturbed.metrics.read_bytes() == before


def test_a_run_does_not_go_on_with_other_images(blobs_file: Path, tmp_path: Path) -> None:
    run = tiny_run(blobs_file, tmp_path / "run")
    run.summary.unlink()
    with np.load(blobs_file) as data:
        np.savez(blobs_file, images=255 - data["images"], labels=data["labels"], classes=data["classes"])
    with pytest.raises(InputError, match="is not what"):
        resume(run.path)


def test_latest_is_the_newest_run(blobs_file: Path) -> None:
    for _ in range(2):
        train(blobs_file, images=16, settings=TINY, device="cpu")
    assert open_run("latest").path == Path("runs/00001-blobs-residual")


def test_minutes_become_a_number_of_images_that_is_written_down(blobs_file: Path, tmp_path: Path) -> None:
    run = train(blobs_file, out=tmp_path / "timed", minutes=0.05, settings=TINY, device="cpu")
    config = run.read_config()
    assert config["minutes"] == 0.05
    assert read_lines(run.metrics)[-1]["images"] == config["loop"]["images"] > 16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"images": 5, "minutes": 1}, "choose one"),
        ({"images": 0}, "a whole number of at least 1"),
        ({"minutes": float("nan")}, "a time above 0"),
        ({"preset": "residuall"}, "did you mean 'residual"),
        ({"settings": {"penalties.r1": -1}}, "r1 is -1"),
        ({"settings": {"batch": "many"}}, "whole number"),
        ({"settings": {"network.name": "resnet"}}, "no network 'resnet'"),
        ({"settings": {"adversarial.objective": "hinged"}}, "did you mean 'hinge'"),
        ({"settings": {"conditional": "maybe"}}, "true, false or auto"),
        ({"device": "tpu9"}, "no device 'tpu9'"),
        ({"precision": "fp8"}, "no precision 'fp8'"),
    ],
    ids=str,
)
def test_bad_options_are_refused_before_anything_is_written(
    blobs_file: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        train(blobs_file, out=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_an_output_directory_in_use_is_refused(blobs_file: Path, undisturbed: RunDirectory) -> None:
    before = sorted(undisturbed.path.rglob("*"))
    with pytest.raises(InputError, match="exists already"):
        tiny_run(blobs_file, undisturbed.path)
    assert sorted(undisturbed.path.rglob("*")) == before


def test_unlabeled_images_train_an_unconditional_gan(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (60, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "plain.npz", images=images)
    run = tiny_run(tmp_path / "plain.npz", tmp_path / "plain")
    samples = GAN.load(run.path).sample(4)
    assert samples.labels is None
    assert samples.images.shape == (4, 8, 8, 3)


def test_a_change_of_device_is_noted_before_the_config_that_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory(tmp_path / "run")
    shutil.copytree(Path(__file__).parents[1] / "stored" / "gan" / "interrupted", run.path)
    for path in (run.config, run.environment):
        path.write_text(json.dumps(read_json(path) | {"device": "cuda:0"}))

    def die(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("elmyr.engine.run.write_config", die)
    for _ in range(2):
        with pytest.raises(MemoryError):
            resume(run.path, device="cpu")
    assert run.read_config()["device"] == "cuda:0"
    assert "from 528 images on cpu, before on cuda:0" in run.log.read_text()
    assert read_json(run.environment)["device"] == "cuda:0, cpu"
