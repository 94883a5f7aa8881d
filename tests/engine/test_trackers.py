"""What a viewer is told is what the run wrote, however often it was interrupted."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from elmyr.core.errors import InputError, InterruptedRun
from elmyr.core.files import read_lines
from elmyr.engine import RunDirectory, resume
from elmyr.engine.saving.run_directory import position_of
from elmyr.images import save_npz
from elmyr.tasks.gan import train
from elmyr.tasks.gan.task import AdversarialTask
from tests.conftest import small_image_set

IMAGES = 320
SETTINGS = {"network.base": 8, "network.latent": 8, "network.embedding": 4, "batch": 16, "loop.checkpoint_every": 96}


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    save_npz(small_image_set(), tmp_path / "blobs.npz")
    return tmp_path / "blobs.npz"


def tiny_run(blobs: Path, out: Path, **options: Any) -> RunDirectory:
    return train(blobs, out=out, images=IMAGES, settings=SETTINGS, device="cpu", **options)


def figures_of(run: RunDirectory) -> dict[str, list[tuple[int, float]]]:
    """What `metrics.jsonl` holds: each figure's positions and values."""
    found: dict[str, list[tuple[int, float]]] = {}
    for line in read_lines(run.metrics):
        for name, value in line.items():
            if name != "images" and isinstance(value, int | float):
                found.setdefault(name, []).append((line["images"], value))
    return found


def assert_told(run: RunDirectory) -> None:
    (file,) = (run.path / "tensorboard").iterdir()
    told = EventAccumulator(str(file), size_guidance={"images": 0, "scalars": 0}).Reload()
    expected = figures_of(run)
    assert set(told.Tags()["scalars"]) == expected.keys() and "generator_loss" in expected
    for name, values in expected.items():
        seen = [(event.step, event.value) for event in told.Scalars(name)]
        assert seen == [(step, pytest.approx(value)) for step, value in values], name
    previews = sorted(position_of(path) for path in run.previews.iterdir())
    assert [event.step for event in told.Images("previews")] == previews
    shown = run.preview(IMAGES)
    assert (told.Images("previews")[-1].width, told.Images("previews")[-1].height) == _size(shown)


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_tensorboard_is_told_what_the_run_wrote(blobs: Path, tmp_path: Path) -> None:
    said: list[str] = []
    run = tiny_run(blobs, tmp_path / "run", track="tensorboard", say=said.append)
    assert f"figures and previews also for tensorboard: tensorboard --logdir {tmp_path}" in said
    assert_told(run)


def test_what_was_told_past_a_checkpoint_is_told_anew(
    blobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at 256 images, with a checkpoint of 192: what is there twice is seen once."""
    update = AdversarialTask.update

    def dying(self: AdversarialTask, batch: Any, position: int) -> Any:
        if position == 256:
            raise MemoryError
        return update(self, batch, position)

    with monkeypatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr(AdversarialTask, "update", dying)
        tiny_run(blobs, tmp_path / "run", track="tensorboard")
    assert_told(resume(tmp_path / "run", track="tensorboard"))


def test_a_viewer_may_be_asked_for_in_the_middle_of_a_run(
    blobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = AdversarialTask.update

    def stopping(self: AdversarialTask, batch: Any, position: int) -> Any:
        if position == 160:
            signal.raise_signal(signal.SIGINT)
        return update(self, batch, position)

    with monkeypatch.context() as patch, pytest.raises(InterruptedRun):
        patch.setattr(AdversarialTask, "update", stopping)
        tiny_run(blobs, tmp_path / "run")
    assert not (tmp_path / "run" / "tensorboard").exists()
    assert_told(resume(tmp_path / "run", track="tensorboard"))


def test_an_unknown_viewer_is_refused_before_anything_is_written(blobs: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no tracker 'tensorbord': did you mean 'tensorboard'"):
        tiny_run(blobs, tmp_path / "run", track="tensorbord")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["tensorboard", "trackio"])
def test_a_missing_library_is_named_with_its_extra(blobs: Path, tmp_path: Path, name: str) -> None:
    code = f"import sys; sys.modules['{name}'] = None; from elmyr.cli import main; sys.exit(main())"
    words = ["train", str(blobs), "--images", "32", "--track", name, "--out", str(tmp_path / "run")]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and f"--track {name} needs {name}: pip install 'elmyr[track]'" in done.stderr
    assert not (tmp_path / "run").exists()


def test_trackio_is_told_what_the_run_wrote(blobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("trackio")
    words = ["train", str(blobs), "--images", str(IMAGES), "--track", "trackio", "--out", str(tmp_path / "run")]
    words += [word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")]
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "store"))
    for command in (words, ["resume", str(tmp_path / "run"), "--images", "400", "--track", "trackio"]):
        done = subprocess.run(
            [sys.executable, "-m", "elmyr", *command, "--json"], capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0 and done.stdout.count("\n") == 1, done.stderr
    code = "from trackio.sqlite_storage import SQLiteStorage as S; print(json.dumps(S.get_logs('elmyr', 'run')))"
    read = subprocess.run(
        [sys.executable, "-c", f"import json; {code}"], capture_output=True, text=True, check=True
    ).stdout
    told: dict[str, list[tuple[int, float]]] = {}
    for line in json.loads(read.splitlines()[-1]):
        step = line.pop("step")
        for key, value in line.items():
            if isinstance(value, int | float):
                told.setdefault(key, []).append((step, value))
    assert {key: sorted(values) for key, values in told.items()} == figures_of(RunDirectory(tmp_path / "run"))
