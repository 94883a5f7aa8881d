"""Adaptation: a recognizer follows to images that nobody labeled; what is stopped goes on; labels are not looked at."""

import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import elmyr
from elmyr import Recognizer
from elmyr.cli import main
from elmyr.core.errors import InputError, InterruptedRun
from elmyr.core.files import read_json
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.images import ImageSet, load_images, save_npz
from elmyr.tasks.recognition import open_recognizer
from elmyr.tasks.recognition.learning.semi import SemiTask
from elmyr.tasks.translation import resume_adaptation, train_adapted
from elmyr.tasks.translation.task import TranslatorTask
from tests.conftest import small_image_set

QUICK: dict[str, Any] = {
    "translation": 64,
    "recognizer": Recognizer(updates=6, base=8, dimension=16, class_weight="balanced", device="cpu"),
}


def lay_out(folder: Path, labels: bool = True) -> tuple[Path, Path]:
    images, other = small_image_set(90), small_image_set(90, seed=1)
    save_npz(images, folder / "a.npz")
    save_npz(ImageSet(255 - other.images[:], other.labels if labels else None), folder / "b.npz")
    return folder / "a.npz", folder / "b.npz"


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    folder = tmp_path_factory.mktemp("adapted")
    run = train_adapted(*lay_out(folder), out=folder / "run", **QUICK)
    assert read_json(run.path / "recognizer" / "config.json")["parameters"]["class_weight"] == "balanced"
    return run


def test_an_adaptation_is_two_runs_and_what_was_made_between_them(adapted: RunDirectory) -> None:
    assert adapted.kind == "adaptation" and adapted.finished
    made, seen = load_images(adapted.path / "translated.npz"), small_image_set(90)
    assert made.images.shape[1:] == seen.images.shape[1:] and 0 < len(made) < 90
    reader = open_recognizer(adapted.path / "recognizer")
    assert reader.method_ == "adapt" and reader.classes_.tolist() == ["a", "b", "c"]


def test_labels_of_the_target_change_nothing(adapted: RunDirectory, tmp_path: Path) -> None:
    said: list[str] = []
    bare = train_adapted(*lay_out(tmp_path, labels=False), out=tmp_path / "run", say=said.append, **QUICK)
    weights = [run.path / "recognizer" / "model" / "recognizer.safetensors" for run in (adapted, bare)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert not any("ignored" in line for line in said)


def test_labels_of_the_target_are_said_to_be_ignored(tmp_path: Path) -> None:
    said: list[str] = []
    settings = QUICK | {"translation": 16}
    train_adapted(*lay_out(tmp_path), out=tmp_path / "run", say=said.append, **settings)
    assert said[0].endswith("are ignored")


@pytest.mark.parametrize(("task", "translation"), [(TranslatorTask, 64), (SemiTask, 64), (SemiTask, None)])
def test_stopped_and_resumed_it_ends_with_the_same_bits(
    adapted: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: Any, translation: int | None
) -> None:
    quick = QUICK | {"translation": translation}
    undisturbed = adapted if translation else train_adapted(*lay_out(tmp_path), out=tmp_path / "undisturbed", **quick)
    update = task.update
    calls = []

    def stopping(self: Any, batch: Any, position: int) -> Any:
        calls.append(position)
        if len(calls) == 2:
            signal.raise_signal(signal.SIGINT)
        return update(self, batch, position)

    with monkeypatch.context() as patch, pytest.raises(InterruptedRun, match=r"resume with: elmyr resume \S+run$"):
        patch.setattr(task, "update", stopping)
        train_adapted(*lay_out(tmp_path), out=tmp_path / "run", **quick)
    monkeypatch.setattr("sys.argv", ["elmyr", "resume", f"{tmp_path}/run", "--quiet"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    weights = sorted(undisturbed.path.glob("*/model/*.safetensors"))
    assert len(weights) == (2 if translation else 1)
    for file in weights:
        assert file.read_bytes() == (tmp_path / "run" / file.relative_to(undisturbed.path)).read_bytes()


def test_a_source_that_is_its_own_target_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    source, _ = lay_out(tmp_path)
    with pytest.raises(InputError, match="the labeled images themselves: name others"):
        train_adapted(source, source, out=tmp_path / "run", **QUICK)
    assert not (tmp_path / "run").exists()


def test_it_is_resumed_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = lay_out(tmp_path)
    monkeypatch.chdir(tmp_path)
    run = train_adapted(source.name, target.name, out="run", **QUICK)
    shutil.rmtree(run.path / "recognizer")  # as if it had been stopped before
    run.summary.unlink()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert resume_adaptation(tmp_path / "run").finished


def test_begun_on_another_device_it_is_taken_up_here(adapted: RunDirectory, tmp_path: Path) -> None:
    run = RunDirectory(shutil.copytree(adapted.path, tmp_path / "run"))
    run.summary.unlink()
    (run.path / "recognizer" / "summary.json").unlink()
    for config in run.path.rglob("config.json"):
        config.write_text(config.read_text().replace('"device": "cpu"', '"device": "cuda:0"'))
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match=r"no device 'cuda:0'.*elmyr resume \S+run --device auto$"):
            resume_adaptation(run.path)
    done = elmyr.resume(run.path, device="cpu")
    assert done.finished and read_json(run.config)["device"] == "cpu"
    for file in adapted.path.glob("*/model/*.safetensors"):
        assert file.read_bytes() == (run.path / file.relative_to(adapted.path)).read_bytes()


def test_a_finished_one_has_nothing_to_do(adapted: RunDirectory) -> None:
    said: list[str] = []
    resume_adaptation(adapted.path, say=said.append)
    assert "nothing to do" in said[0]


def test_without_translation_there_is_self_training_alone(tmp_path: Path) -> None:
    run = train_adapted(*lay_out(tmp_path), out=tmp_path / "run", **QUICK | {"translation": None})
    assert not (run.path / "translator").exists() and (run.path / "recognizer" / "model").is_dir()
    with pytest.raises(InputError, match="nothing is adapted"):
        train_adapted(*lay_out(tmp_path), self_training=False)


def test_a_source_without_labels_is_refused(tmp_path: Path) -> None:
    source, target = lay_out(tmp_path)
    save_npz(ImageSet(load_images(source).images, None), source)
    with pytest.raises(InputError, match="has no labels"):
        train_adapted(source, target, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("translation", "least"), [(None, 0.95), (4_000, 0.75)])  # docs/translate.md says it of blobs
def test_a_recognizer_follows_to_negatives(tmp_path: Path, translation: int | None, least: float) -> None:
    source, target = lay_out(tmp_path)
    images, fresh = small_image_set(240), small_image_set(120, seed=2)
    save_npz(images, source)
    save_npz(ImageSet(255 - small_image_set(240, seed=1).images[:], None), target)
    reader = Recognizer(updates=600, base=8, dimension=16, device="cpu")
    run = train_adapted(source, target, out=tmp_path / "run", translation=translation, recognizer=reader)
    adapted = open_recognizer(run.path / "recognizer")
    names = np.array(fresh.classes)[fresh.require_labels()]
    alone = Recognizer(updates=300, base=8, dimension=16, device="cpu").fit(images.images, images.labels)
    assert adapted.score(255 - fresh.images[:], names) > least
    assert adapted.score(255 - fresh.images[:], names) > alone.score(255 - fresh.images[:], fresh.labels) + 0.2
    assert adapted.score(fresh.images[:], names) > 0.7  # learned from translated images alone, where there are some
