"""The articles' systems from end to end, on little: the record says what lies there, an interruption costs nothing.

`--quiet` and `--json` are heard by the command below.
"""

import json
import math
import pickle
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from elmyr import GAN, Recognizer, articles, resume, train
from elmyr.cli.composed.articles import show_articles
from elmyr.core.errors import DivergedError, InputError
from elmyr.core.files import read_json, write_json
from elmyr.images import save_npz, split_source
from elmyr.images.dataset.sources import open_source
from elmyr.studies.articles import Articles, ArticlesAsk
from elmyr.studies.articles.config import make_articles_config
from elmyr.studies.articles.record import ArticlesRecord, classes_shown
from tests.conftest import small_image_set

QUICK = """
import elmyr.evaluation.features as features, elmyr.studies.articles.uses as uses
import elmyr.tasks.restoration.inversion as inversion
features.UPDATES, uses.UPDATES, uses.GENERATED = 10, {"quick": {"gray": 5, "color": 5}}, 60
inversion.COURSE, inversion.BANK = ((24, 1), (4, 1)), 100
if __name__ == "__main__":
    from elmyr.cli import main
    main()
"""
ASKED: dict[str, Any] = {"only": (4,), "images": 96, "device": "cpu"}


def hurry(patch: pytest.MonkeyPatch, cache: Path) -> None:
    """As the script does in processes of its own."""
    patch.setenv("ELMYR_CACHE_DIR", str(cache))
    patch.setattr("elmyr.evaluation.features.UPDATES", 10)
    patch.setattr("elmyr.studies.articles.uses.UPDATES", {"quick": {"gray": 5, "color": 5}})
    patch.setattr("elmyr.studies.articles.uses.GENERATED", 60)
    patch.setattr("elmyr.tasks.restoration.inversion.COURSE", ((24, 1), (4, 1)))
    patch.setattr("elmyr.tasks.gan.editing.search.BANK", 100)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    save_npz(small_image_set(144, size=28), path)
    return path


@pytest.fixture(scope="module")
def whole(digits: Path) -> Articles:
    """A run that nothing disturbed."""
    with pytest.MonkeyPatch.context() as patch:
        hurry(patch, digits.parent / "cache")
        return articles(digits, out=digits.parent / "whole", **ASKED)


def test_the_record_says_what_lies_there(whole: Articles) -> None:
    content = read_json(whole.path / "articles.json")
    record = ArticlesRecord.model_validate(content)
    assert record == whole.record and content == whole.content
    assert record.data is not None and (record.data.training, record.data.test, record.color) == (90, 36, None)
    (system,) = record.systems
    assert [each.kind for each in system.trainings] == ["written", "cured"]
    for training in system.trainings:
        gan = GAN.load(whole.path / training.run)
        assert bool(gan.config.classes) == (training.kind == "cured")
        assert (training.images, training.epochs) == (96, round(96 / 90, 2))
        assert training.evaluation["subject"] == training.run
        assert (training.figure("label_accuracy") is None) == (training.kind == "written")
        assert len(training.classes_found) == 3 and sum(training.classes_found) == 1000
        assert (
            training.figure("frechet_distance")
            == read_json(whole.path / training.run / "evaluation.json")["figures"][0]["value"]
        )
    written, cured = ({f["name"]: f["yardstick"] for f in one.evaluation["figures"]} for one in system.trainings)
    assert written.items() >= {name: cured[name] for name in set(written) - {"told_apart"}}.items()
    assert {key for key in content["machine"]} > {"torch", "cpu", "device", "precision"}
    assert "elmyr articles" in record.command and "--only 4 --effort quick --images 96" in record.command
    assert repr(whole).endswith("whole': 4)")


def test_the_real_data_baseline_is_taken_once_for_all_trainings_on_the_same_images(
    whole: Articles, digits: Path
) -> None:
    assert len(list((digits.parent / "cache" / "baselines").iterdir())) == 1


def test_the_pictures_are_of_the_runs(whole: Articles) -> None:
    (system,) = whole.record.systems
    for training in system.trainings:
        previews = sorted((whole.path / training.run / "previews").glob("*.png"))
        assert training.course is not None
        course, preview = (np.asarray(Image.open(path)) for path in (whole.path / training.course, previews[0]))
        assert course.shape == (2 * (29 * len(previews) - 1), 578)  # a row each, enlarged as the preview is
        across = preview[:56] if training.kind == "written" else preview.reshape(578, 578)[:, :56]
        shown = course[:56]
        if training.kind == "written":  # its first row
            assert (shown == across).all()
        else:  # the first of each class
            assert (shown[:, :56] == across[:56]).all() and (shown[:, 58:114] == across[58:114]).all()
        assert np.asarray(Image.open(whole.path / training.picture)).std() > 0


def test_uses_are_measured_on_the_test_images(whole: Articles, digits: Path) -> None:
    (system,) = whole.record.systems
    splits = split_source(open_source(digits), 0)
    rows = system.uses.recognition
    assert [row.trained_on for row in rows] == ["real", "written", "cured", "generated"]
    assert [row.generated for row in rows] == [0, 60, 60, 60]
    assert [row.real for row in rows] == [*[len(splits.train)] * 3, 0]
    real = rows[0]
    reader = Recognizer.load(whole.path / "recognizers" / "gray")
    assert real.accuracy == pytest.approx(reader.score(splits.test.images, splits.test.require_labels()))
    assert all(each.low <= each.accuracy <= each.high for each in rows)

    firsts = [int(np.flatnonzero(splits.test.labels == label)[0]) for label in range(3)]
    truth = splits.test.images[firsts].astype(float)
    lost = (truth[:, 7:21, 7:21] ** 2).sum() / truth.size  # the middle is black
    assert system.uses.repair.psnr_damaged == pytest.approx(10 * math.log10(255**2 / lost))
    rows = np.asarray(Image.open(whole.path / system.uses.repair.picture))
    assert rows.shape[0] / rows.shape[1] == pytest.approx(1, abs=0.01)  # three images in three rows
    assert (whole.path / system.uses.walk).is_file()


def test_what_is_done_is_not_done_again_and_other_trainings_are_refused(
    whole: Articles, digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch, digits.parent / "cache")
    trained = {path: path.stat().st_mtime_ns for path in whole.path.rglob("summary.json")}
    said = list[str]()
    again = articles(digits, out=whole.path, say=said.append, **ASKED)
    assert again.record == whole.record and "6 of them are done" in said
    assert {path: path.stat().st_mtime_ns for path in whole.path.rglob("summary.json")} == trained
    with pytest.raises(InputError, match=r"holds other trainings of the articles' systems \(seed is 0\): choose"):
        articles(digits, out=whole.path, seed=1, **ASKED)
    with pytest.raises(InputError, match="comparison of the articles, which resumes without --images"):
        resume(whole.path, images=1000)
    resumed = resume(whole.path)
    assert isinstance(resumed, Articles) and resumed.record == whole.record


def test_a_training_that_diverges_is_recorded_and_the_others_go_on(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch, digits.parent / "cache")
    too_fast = {"conditional": False, "adversarial.learning_rate": 1e30}
    monkeypatch.setattr("elmyr.studies.articles.trainings.AS_WRITTEN", too_fast)
    said = list[str]()
    done = articles(digits, out=tmp_path / "fast", say=said.append, **ASKED)
    (system,) = done.record.systems
    assert system.uses is None and system.cured.diverged is None and system.cured.evaluation is not None
    assert str(system.written.diverged).startswith("training diverged: ") and system.written.evaluation is None
    assert f"not finite at {system.written.images:,} images" in str(system.written.diverged)
    assert any(line.startswith("article 4, written: diverged in") for line in said)
    assert ArticlesRecord.model_validate(read_json(done.path / "articles.json")) == done.record
    show_articles(done, as_json=False)
    again = list[str]()
    assert articles(digits, out=done.path, say=again.append, **ASKED).record == done.record
    assert "6 of them are done" in again  # it is not tried again


def test_the_end_of_a_training_in_another_process_is_heard_with_its_place() -> None:
    error = pickle.loads(pickle.dumps(DivergedError("training diverged", images=64)))
    assert str(error) == "training diverged" and error.images == 64


def test_images_that_moved_are_told_of_and_found_again_by_the_runs_too(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, there, folder = tmp_path / "gone.npz", tmp_path / "there.npz", tmp_path / "begun"
    shutil.copy(digits, gone)
    config = make_articles_config(ArticlesAsk(gone, only=(4,), images=96, device="cpu"))
    written = train(gone, out=folder / "article-4" / "written", images=16, preset="classic", device="cpu", quiet=True)
    write_json(folder / "config.json", config.model_dump(mode="json"))
    gone.rename(there)
    with pytest.raises(InputError, match="gone.npz' any more: say where they are with elmyr resume RUN --data NEW"):
        resume(folder)
    with pytest.raises(InputError, match="is given 2 times, and '.*begun' has one image set"):
        resume(folder, data=(there, digits))
    monkeypatch.setattr("elmyr.studies.articles.run._conducted", lambda folder, *how: folder)  # the rest is no matter
    assert resume(folder, data=(there, None)) == folder
    configs = [read_json(path) for path in (folder / "config.json", written.config)]
    assert [each["data"]["source"] for each in configs] == [str(there)] * 2
    save_npz(small_image_set(144, size=28, seed=1), there)
    with pytest.raises(InputError, match="is not what the run was trained on"):
        resume(folder, data=(None, there))


def test_a_class_counts_as_found_from_a_tenth_of_an_even_share() -> None:
    assert classes_shown([500, 480, 10, 10]) == 2
    assert classes_shown([400, 300, 275, 25]) == 4
    assert classes_shown([1000, 0, 0]) == 1


@pytest.mark.slow
def test_a_run_that_is_terminated_goes_on_to_the_same_record(whole: Articles, digits: Path, tmp_path: Path) -> None:
    (tmp_path / "quick.py").write_text(QUICK)
    words = [sys.executable, "quick.py", "articles", str(digits), "--only", "4", "--images", "96", "--device", "cpu"]
    words += ["--out", "stopped", "--processes", "1", "--quiet"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    while process.poll() is None and not (tmp_path / "stopped" / "article-4" / "written" / "summary.json").is_file():
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=300)[1]
    assert process.returncode == 143, said
    assert said.splitlines() == ["elmyr: the work stopped; resume with: elmyr resume stopped"]
    kept = (tmp_path / "stopped" / "article-4" / "written" / "summary.json").read_bytes()

    words = [sys.executable, "quick.py", "resume", "stopped", "--processes", "2", "--json", "--quiet"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert (tmp_path / "stopped" / "article-4" / "written" / "summary.json").read_bytes() == kept
    record = read_json(tmp_path / "stopped" / "articles.json")
    assert json.loads(done.stdout)["systems"] == record["systems"]
    assert _lasting(record) == _lasting(whole.content)


def _lasting(record: dict[str, Any]) -> Any:
    """What of the systems does not depend on how long it took or where it lies."""
    text = json.dumps(record["systems"], sort_keys=True)
    systems = json.loads(text)
    for system in systems:
        for training in system["trainings"]:
            training.pop("seconds")
    return systems
