"""A recognizer's run: what it leaves, that it loses nothing when it is stopped, and what it says of itself."""

import csv
import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from elmyr import Recognizer, evaluate
from elmyr.cli import main
from elmyr.core.errors import InputError, InterruptedRun
from elmyr.core.files import read_json, write_json
from elmyr.core.notes import Note
from elmyr.engine import RunDirectory, resume
from elmyr.images import AS_IT_IS, ImageSet, Shaping, load_images, save_npz
from elmyr.tasks.gan import open_gan, train
from elmyr.tasks.recognition import (
    images_to_read,
    mistakes_grid,
    open_recognizer,
    pseudo_labeled,
    read_through,
    told_of_few,
    train_recognizer,
    unlabeled_images,
)
from elmyr.tasks.recognition.learning.methods import method_names, read_method
from elmyr.tasks.recognition.learning.selection import Selection
from elmyr.tasks.recognition.learning.semi import SemiTask
from tests.conftest import small_image_set

FEW = Shaping(labels_per_class=2)
QUICK: dict[str, Any] = {
    "updates": 40,
    "batch": 48,
    "base": 8,
    "dimension": 16,
    "device": "cpu",
}
QUICK_FEW = QUICK | {"settings": {"semi.labeled": 12}}


def quick(**changes: Any) -> Recognizer:
    return Recognizer(**QUICK | {"method": "auto"} | changes)


def few() -> Recognizer:
    return Recognizer(method="auto", **QUICK_FEW)


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    save_npz(small_image_set(240), tmp_path / "blobs.npz")
    return tmp_path / "blobs.npz"


def call(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr("sys.argv", ["elmyr", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_a_run_learns_from_few_labels_and_says_so(blobs: Path, tmp_path: Path) -> None:
    said: list[str] = []
    run = train_recognizer(blobs, few(), out=tmp_path / "run", shaping=FEW, say=said.append)
    assert {path.name for path in run.path.iterdir()} >= {"config.json", "environment.json", "metrics.jsonl", "log.txt"}
    assert read_json(run.summary)["method"] == "consistency" and "by the method consistency" in said[-2]
    reading = read_through(open_recognizer(run.path), images_to_read(run.path))
    assert reading.accuracy > 0.95 and reading.interval[0] < reading.accuracy <= reading.interval[1] <= 1
    assert reading.confusion.sum() == reading.count == 60
    assert len(reading.mistakes) == round((1 - reading.accuracy) * reading.count)


def test_images_without_labels_are_refused_by_every_method_that_would_not_learn_from_them(
    blobs: Path, tmp_path: Path
) -> None:
    save_npz(small_image_set(30, seed=5), tmp_path / "more.npz")
    gan = train(blobs, out=tmp_path / "gan", images=16, settings={"batch": 16}, preset="small", device="cpu").path
    for method in (name for name in method_names() if not read_method(name).hears_unlabeled):
        learns_from = {"gan": gan} if read_method(method).needs == "generated" else {}
        with pytest.raises(InputError, match=f"method '{method}' does not learn from images without labels"):
            train_recognizer(
                blobs, quick(method=method), unlabeled=tmp_path / "more.npz", out=tmp_path / "run", **learns_from
            )
    assert not (tmp_path / "run").exists()


def unbalanced() -> ImageSet:
    """200 good ones, 60 scratched, 9 cracked."""
    blobs = small_image_set(600)
    places = np.concatenate([np.flatnonzero(blobs.labels == label)[:count] for label, count in enumerate((200, 60, 9))])
    return ImageSet(blobs.images[places], blobs.require_labels()[places], ("good", "scratched", "cracked"), "parts")


@pytest.mark.parametrize(("words", "settled"), [([], "balanced"), (["--class-weight", "none"], None)])
def test_unbalanced_classes_lead_with_balanced_accuracy_and_the_lowest_recalls(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    settled: str | None,
) -> None:
    save_npz(unbalanced(), tmp_path / "parts.npz")
    options = ["--updates", 2, "--tiny", "--device", "cpu", "--out", "run"]
    assert call(monkeypatch, "recognizer", "train", "parts.npz", *options, *words) == 0
    said = capsys.readouterr().err
    assert "classes differ by 21:1 (125 'good', 6 'cracked')" in said and "--class-weight" in said
    summary = read_json(tmp_path / "run" / "summary.json")["test"]
    assert read_json(tmp_path / "run" / "config.json")["parameters"]["class_weight"] == settled
    kept, page = tmp_path / "run" / "evaluation.json", tmp_path / "run" / "report.html"
    assert "balanced accuracy</p>" in page.read_text(encoding="utf-8") and "report.html" in said
    told = read_json(kept)
    assert [figure["name"] for figure in told["figures"]] == ["balanced_accuracy", "accuracy"]
    for old in (kept, page):
        old.unlink()
    assert call(monkeypatch, "recognizer", "evaluate", "run") == 0
    assert read_json(kept) == told and page.is_file()
    card = (tmp_path / "run" / "README.md").read_text(encoding="utf-8")
    assert "learned from: 6 cracked, 125 good, 37 scratched" in card and "balanced accuracy" in card
    first, second, third, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("67 test images of parts: balanced accuracy") and ", accuracy " in first
    assert first in said and second in said and third in said
    assert second.startswith("lowest recalls: ")
    assert third.startswith("class 'cracked' has 2 test images: a recall over 2 is known to ±41 percentage points")
    assert call(monkeypatch, "recognizer", "evaluate", "run", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {name: found[name] for name in summary} == summary
    recalls = [line.split(" | ")[1] for line in card.splitlines() if " images (" in line and line.startswith("|")]
    assert [float(recall.split("%")[0]) / 100 for recall in recalls] == pytest.approx(
        sorted(found["recalls"]), abs=1e-3
    )
    assert found["unbalanced"] and found["balanced_accuracy"] == pytest.approx(np.mean(found["recalls"]))
    assert dict(zip(found["classes"], found["counts"], strict=True)) == {"good": 50, "scratched": 15, "cracked": 2}
    lowest = min(zip(found["recalls"], found["counts"], found["classes"], strict=True))[2]
    table = [line.split()[0] for line in rest[3:]]
    assert table[0] == lowest and sorted(table) == ["cracked", "good", "scratched"]


def test_balanced_classes_lead_with_accuracy(blobs: Path, tmp_path: Path) -> None:
    said: list[str] = []
    train_recognizer(blobs, quick(updates=2), out=tmp_path / "run", say=said.append)
    assert said[-1].startswith("60 test images of blobs: accuracy ") and "balanced" not in said[-1]


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ([10, 50], None),
        ([9, 50], "class 'a' has 9 test images: a recall over 9 is known to ±27 percentage points"),
        ([9, 2], "2 classes have fewer than 10 test images ('b' has 2, 'a' has 9): a recall over 2"),
        ([0, 50], "class 'a' has 0 test images: nothing is known of its recall"),
    ],
)
def test_classes_of_fewer_than_ten_test_images_are_named(counts: list[int], said: str | None) -> None:
    told = told_of_few(["a", "b"], counts)
    assert told is None if said is None else told is not None and told.startswith(said)


def test_other_images_take_the_place_of_the_data_s_own(blobs: Path, tmp_path: Path) -> None:
    """Negatives with the classes exchanged: what was learned is theirs, whatever the data's labels say."""
    images = small_image_set(180, seed=1)
    assert images.labels is not None
    exchanged = ImageSet(255 - images.images[:], (images.labels + 1) % 3, images.classes)
    save_npz(exchanged, tmp_path / "others.npz")
    run = train_recognizer(blobs, quick(), out=tmp_path / "run", instead=tmp_path / "others.npz", validate=False)
    names = np.array(exchanged.classes)[exchanged.require_labels()]
    assert open_recognizer(run.path).score(exchanged.images[:], names) > 0.9
    assert images_to_read(run.path).images.shape == (60, 8, 8, 1)  # it is still judged by the data's test part
    save_npz(ImageSet(images.images, images.labels, ("a", "b", "z")), tmp_path / "others.npz")
    with pytest.raises(InputError, match="has the class 'z', 'blobs' has not"):
        train_recognizer(blobs, quick(), out=tmp_path / "other", instead=tmp_path / "others.npz")
    assert not (tmp_path / "other").exists()


def test_stopped_and_resumed_it_ends_with_the_same_bits(
    blobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = SemiTask.update

    def fewest_in_the_middle(selection: Selection, position: int) -> float:
        return abs(position - 480) / 1920

    monkeypatch.setattr(Selection, "_error_at", fewest_in_the_middle)  # so that the best weights are not the last
    whole = train_recognizer(blobs, few(), out=tmp_path / "whole", shaping=FEW)

    def stopping(self: SemiTask, batch: Any, position: int) -> Any:
        if position == 48 * 21:
            signal.raise_signal(signal.SIGINT)
        return update(self, batch, position)

    with monkeypatch.context() as patch, pytest.raises(InterruptedRun, match="elmyr resume"):
        patch.setattr(SemiTask, "update", stopping)
        train_recognizer(blobs, few(), out=tmp_path / "run", shaping=FEW)
    with pytest.raises(InputError, match="is not finished"):
        open_recognizer(tmp_path / "run")
    assert call(monkeypatch, "resume", tmp_path / "run", "--quiet") == 0
    weights = [(run / "model" / "recognizer.safetensors").read_bytes() for run in (whole.path, tmp_path / "run")]
    assert weights[0] == weights[1]
    told = [read_json(run / "model" / "recognizer.json") for run in (whole.path, tmp_path / "run")]
    assert told[0] == told[1]


def test_other_images_than_those_of_the_beginning_are_refused(blobs: Path, tmp_path: Path) -> None:
    run = train_recognizer(blobs, quick(), out=tmp_path / "run")
    run.summary.unlink()
    save_npz(small_image_set(240, seed=1), blobs)
    with pytest.raises(InputError, match="is not what the run was trained on"):
        resume(run.path)


def test_a_gan_s_images_teach_as_well(blobs: Path, tmp_path: Path) -> None:
    tiny = {"network.base": 8, "network.latent": 8, "network.embedding": 4, "batch": 16}
    gan = train(blobs, out=tmp_path / "gan", images=160, settings=tiny, device="cpu")
    run = train_recognizer(blobs, quick(), out=tmp_path / "run", gan=gan.path)
    assert read_json(run.summary)["method"] == "gan-augment"
    other = tmp_path / "other.npz"
    save_npz(small_image_set(60, classes=2), other)
    with pytest.raises(InputError, match="makes the classes a, b, c, the images are of a, b"):
        train_recognizer(other, quick(), out=tmp_path / "none", gan=gan.path)
    assert not (tmp_path / "none").exists()


def test_a_gan_that_learned_from_predicted_labels_teaches_beside_few_real_ones(blobs: Path, tmp_path: Path) -> None:
    tiny = {"network.base": 8, "network.latent": 8, "network.embedding": 4, "batch": 16, "class_balance": 1}
    first = train_recognizer(blobs, few(), out=tmp_path / "first", shaping=FEW)
    save_npz(pseudo_labeled(open_recognizer(first.path), unlabeled_images(first.path)), tmp_path / "labeled.npz")
    gan = train(tmp_path / "labeled.npz", out=tmp_path / "gan", images=160, settings=tiny, device="cpu")
    reader = few().set_params(method="consistency", class_weight="auto")
    run = train_recognizer(blobs, reader, out=tmp_path / "run", shaping=FEW, gan=gan.path)
    config = read_json(run.config)
    assert read_json(run.summary)["method"] == "consistency" and set(config["digests"]) >= {"generated", "unlabeled"}
    again = train_recognizer(blobs, reader, out=tmp_path / "again", shaping=FEW, gan=gan.path)
    first_weights, second_weights = ((each.model / "recognizer.safetensors").read_bytes() for each in (run, again))
    assert first_weights == second_weights
    with pytest.raises(InputError, match="--gan was trained on 'labeled', which holds .* that this run is judged by"):
        train_recognizer(blobs, reader.set_params(seed=1), out=tmp_path / "other", shaping=FEW, gan=gan.path)


def test_what_is_no_recognizer_is_not_taken_for_one(blobs: Path, tmp_path: Path) -> None:
    tiny = {"network.base": 8, "network.latent": 8, "network.embedding": 4, "batch": 16}
    gan = train(blobs, out=tmp_path / "gan", images=32, settings=tiny, device="cpu")
    with pytest.raises(InputError, match="is the run of a GAN, not of a recognizer"):
        open_recognizer(gan.path)
    run = train_recognizer(blobs, quick(), out=tmp_path / "run")
    for open_as_gan in (open_gan, evaluate):
        with pytest.raises(InputError, match="is the run of a recognizer, not of a GAN"):
            open_as_gan(run.path)


def test_a_report_shows_what_would_have_to_change_in_mistakes(
    blobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = {"network.base": 8, "network.latent": 8, "network.embedding": 4, "batch": 16}
    gan = train(blobs, out=tmp_path / "gan", images=32, settings=tiny, device="cpu")
    run = train_recognizer(blobs, quick(updates=1, learning_rate=1e-9), out=tmp_path / "run")
    monkeypatch.setattr("elmyr.tasks.gan.editing.search.BANK", 100)
    assert call(monkeypatch, "recognizer", "evaluate", run.path, "--gan", gan.path) == 0
    changes, wrong = (load_images(run.path / f"{name}.npz") for name in ("changes", "mistakes"))
    assert changes.images.shape == wrong.images.shape and not np.array_equal(changes.images, wrong.images)
    assert "The last is the nearest image that a GAN makes" in (run.path / "report.html").read_text(encoding="utf-8")
    assert call(monkeypatch, "recognizer", "evaluate", run.path) == 0
    assert not (run.path / "changes.npz").exists()  # of figures that were taken anew
    assert call(monkeypatch, "recognizer", "evaluate", run.path, "--gan", run.path) == 2
    assert "is the run of a recognizer, not of a GAN" in capsys.readouterr().err


def test_the_commands_train_apply_and_evaluate(
    blobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train_recognizer(blobs, quick(updates=1, learning_rate=1e-9), out=tmp_path / "run")
    assert call(monkeypatch, "recognizer", "evaluate", run.path, "--mistakes", "mistakes.png", "--json") == 0
    reading = json.loads(capsys.readouterr().out)
    assert reading["count"] == 60 and reading["classes"] == ["a", "b", "c"]
    assert reading["mistakes"]
    wrong, told = load_images(run.path / "mistakes.npz"), read_json(run.evaluation)["mistaken"]
    assert len(wrong) == len(told) == min(24, len(reading["mistakes"]))
    reasons = load_images(run.path / "reasons.npz")
    assert reasons.images.shape == (len(wrong), 8, 8, 3) and np.ptp(reasons.images[0], axis=-1).max() > 100  # colors
    assert "what speaks for the label is blue" in (run.path / "report.html").read_text(encoding="utf-8")
    assert [wrong.classes[label] for label in wrong.require_labels()] == [one["label"] for one in told]
    assert all(one["label"] != one["predicted"] for one in told)
    sure = [one["probability"] for one in told]
    assert sure == sorted(sure, reverse=True) and sure[0] > 1 / 3
    with Image.open(tmp_path / "mistakes.png") as picture:
        assert picture.mode == "RGB" and picture.width >= 480
    assert call(monkeypatch, "recognizer", "apply", run.path, blobs, "--out", "read.csv") == 0
    with (tmp_path / "read.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 240 and list(rows[0]) == ["file", "class", "probability", "error", "a", "b", "c"]
    probabilities = open_recognizer(run.path).predict_proba(small_image_set(240).images)
    assert np.allclose([float(row["b"]) for row in rows], probabilities[:, 1], atol=1e-4)
    assert [row["class"] for row in rows] == ["abc"[place] for place in probabilities.argmax(1)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "blobs.npz", "--method", "consistensy"], "did you mean 'consistency'"),
        (["train", "blobs.npz", "--method", "gan-semi"], "learns from unlabeled images, too"),
        (["train", "blobs.npz", "--gan", "nowhere"], "no run directory 'nowhere'"),
        (["apply", "nowhere", "blobs.npz"], "no run directory 'nowhere'"),
        (["train", "blobs.npz", "--device", "cuda:7"], "cuda"),
        (["train", "blobs.npz", "--teacher", "run", "--unlabeled", "blobs.npz"], "leave out --unlabeled"),
        (["train", "blobs.npz", "--unlabeled", "./blobs.npz"], "holds the test images"),
        (["apply", "run", "blobs.npz", "--size", "12"], "takes images of 8x8: leave out --size"),
        (["apply", "run", "blobs.npz", "--out", "table.txt"], "suffix .csv or .jsonl"),
        (["evaluate", "run", "--data", "more.npz"], "knows no class 'd'"),
    ],
)
def test_wrong_words_are_one_line_and_exit_code_2(
    blobs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    if "run" in words:
        train_recognizer(blobs, quick(updates=1), out=tmp_path / "run")
        save_npz(small_image_set(60, classes=4, seed=1), tmp_path / "more.npz")
    capsys.readouterr()
    assert call(monkeypatch, "recognizer", *words) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_there_is_no_picture_without_a_mistake(blobs: Path, tmp_path: Path) -> None:
    run = train_recognizer(blobs, quick(updates=120), out=tmp_path / "run")
    images = images_to_read(run.path, part="train")
    reading = read_through(open_recognizer(run.path), images)
    assert reading.accuracy == 1 and mistakes_grid(reading, images) is None
    assert isinstance(run, RunDirectory) and reading.as_json()["recalls"] == [1, 1, 1]


TEACHERS: tuple[tuple[Shaping, Shaping, str | None], ...] = (  # of the teacher, of the run, and what is said
    (AS_IT_IS, FEW, "without --labels-per-class 2, .* train it with --labels-per-class 2"),
    (AS_IT_IS, Shaping(images_per_class=20), "without --images-per-class 20"),
    (AS_IT_IS, Shaping(imbalance=5), "without --imbalance 5.0"),
    (AS_IT_IS, Shaping(label_noise=0.2), "without --label-noise 0.2"),
    (AS_IT_IS, Shaping(limit=120), "without --limit 120"),
    (AS_IT_IS, Shaping(classes=("a", "b")), "without --classes a,b"),
    (Shaping(images_per_class=30), Shaping(images_per_class=20), "with --images-per-class 30, .* train it with .* 20"),
    (AS_IT_IS, Shaping(folds=4), "without --folds 4"),
    (Shaping(folds=4), AS_IT_IS, "with --folds 4, .* give --folds 4 here as well"),
    (Shaping(limit=120), AS_IT_IS, "with --limit 120, .* give --limit 120 here as well"),
    (Shaping(classes=("a", "b")), AS_IT_IS, "with --classes a,b, .* here as well"),
    (Shaping(images_per_class=20), AS_IT_IS, None),  # it knows less
    (Shaping(images_per_class=20), Shaping(images_per_class=20), None),
)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("teacher")
    save_npz(small_image_set(240), folder / "blobs.npz")
    return train_recognizer(folder / "blobs.npz", quick(updates=1), out=folder / "run").path


@pytest.mark.parametrize(("there", "here", "told"), TEACHERS)
def test_what_knows_more_than_a_run_may_is_refused(
    teacher: Path, blobs: Path, there: Shaping, here: Shaping, told: str | None
) -> None:
    config = read_json(teacher / "config.json")  # trained once, as if with this shaping
    config["data"] |= {"source": str(blobs), "shaping": there.model_dump(mode="json")}
    write_json(teacher / "config.json", config)
    if told is None:
        assert train_recognizer(blobs, quick(updates=1), shaping=here, teacher=teacher).finished
        return
    with pytest.raises(InputError, match=f"--teacher was trained {told}"):
        train_recognizer(blobs, quick(updates=1), shaping=here, teacher=teacher)


def test_a_gan_a_teacher_and_a_reader_of_another_split_or_of_more_images_are_refused(
    blobs: Path, tmp_path: Path
) -> None:
    tiny = {"network.base": 8, "network.latent": 8, "network.embedding": 4, "batch": 16}
    gan = train(blobs, out=tmp_path / "gan", images=16, settings=tiny, device="cpu").path
    reader, twenty = tmp_path / "reader", Shaping(images_per_class=20)
    train_recognizer(blobs, quick(updates=1), out=reader)
    few_gan = train(blobs, out=tmp_path / "few", images=16, settings=tiny, device="cpu", shaping=twenty).path
    for option, given in (
        ("--gan", {"gan": gan}),
        ("--teacher", {"teacher": reader}),
        ("--agreeing", {"gan": few_gan, "agreeing": reader}),
    ):
        with pytest.raises(InputError, match=f"{option} was trained without --images-per-class 20"):
            train_recognizer(blobs, quick(), shaping=twenty, **given)
    with pytest.raises(InputError, match="another split .* give the --seed of its split, 0"):
        train_recognizer(blobs, quick(seed=1), teacher=reader)


def test_a_teacher_that_reads_one_class_alone_teaches(blobs: Path, tmp_path: Path) -> None:
    teacher = train_recognizer(blobs, quick(updates=1, learning_rate=1e-9), out=tmp_path / "teacher")
    run = train_recognizer(blobs, quick(), out=tmp_path / "run", teacher=teacher.path)
    assert open_recognizer(run.path).classes_.tolist() == ["a", "b", "c"]


def test_the_config_leaves_nothing_open(blobs: Path, tmp_path: Path) -> None:
    run = train_recognizer(blobs, quick(updates=None), out=tmp_path / "run", quiet=True)
    parameters = run.read_config()["parameters"]
    assert "auto" not in parameters.values()
    assert [name for name, value in parameters.items() if value is None] == ["class_weight", "robust", "settings"]
    assert run.read_config()["digests"].keys() == {"labeled", "validation"}


def test_other_images_are_read_in_the_size_of_the_run_s(blobs: Path, tmp_path: Path) -> None:
    run = train_recognizer(blobs, quick(updates=1), out=tmp_path / "run")
    save_npz(small_image_set(60, size=16, channels=3), tmp_path / "large.npz")
    other = images_to_read(run.path, data=tmp_path / "large.npz")
    assert other.images.shape == (60, 8, 8, 1)
    open_recognizer(run.path).save(tmp_path / "saved")
    saved = images_to_read(tmp_path / "saved", data=tmp_path / "large.npz")
    assert (saved.images[:] == other.images[:]).all()
    with pytest.raises(InputError, match="is not a run directory"):
        images_to_read(tmp_path / "saved")
    assert read_through(open_recognizer(run.path), other).count == 60


@pytest.mark.parametrize("there", [True, False])
def test_images_that_a_run_was_trained_on_are_told_or_left_out(blobs: Path, tmp_path: Path, there: bool) -> None:
    run = train_recognizer(blobs, quick(updates=1), out=tmp_path / "run", quiet=True)
    own = images_to_read(run.path)
    blobs.rename(tmp_path / "moved.npz")
    with pytest.warns(Note, match="is the set that the run was trained on: its 60 test images are taken"):
        again = images_to_read(run.path, data=tmp_path / "moved.npz")
    assert (again.images == own.images).all()
    more = small_image_set(240)
    save_npz(ImageSet(more.images[:200], more.require_labels()[:200], more.classes, "more"), tmp_path / "more.npz")
    if there:
        (tmp_path / "moved.npz").rename(blobs)
    expected = (
        "of the 200 images of .* are images that the run was trained on" if there else "may hold some that it was"
    )
    with pytest.warns(Note, match=expected):
        assert len(images_to_read(run.path, data=tmp_path / "more.npz")) == 200


def test_latest_is_the_newest_of_its_kind(
    blobs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train_recognizer(blobs, quick(updates=1))
    tiny = {"network.base": 8, "network.latent": 8, "network.embedding": 4, "batch": 16}
    train(blobs, images=32, settings=tiny, device="cpu")
    Path("runs/damaged").mkdir()
    Path("runs/damaged/config.json").write_text("{")
    assert call(monkeypatch, "recognizer", "evaluate", "latest", "--json") == 0
    assert call(monkeypatch, "sample", "latest", "-n", "2", "--out", "two.npz") == 0
    capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--updates", "4", "--images", "32"), "both --images and --updates are given: choose one"),
        (("--updates", "4", "--minutes", "1"), "both --minutes and --updates are given: choose one"),
        (("--set", "updates=4", "--images", "32"), "both --images and --set updates are given: choose one"),
        (("--set", "updates=4", "--updates", "3"), "both --updates and --set updates are given: choose one"),
        (("--realism", "nan", "--gan", "run"), "--realism is nan: it is a share, from 0.05 to 1"),
    ],
)
def test_two_budgets_and_a_share_that_is_none_are_refused(
    words: tuple[str, ...],
    told: str,
    blobs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(monkeypatch, "recognizer", "train", str(blobs), "--out", "out", *words) == 2
    assert capsys.readouterr().err == f"elmyr: {told}\n"
    assert not Path("out").exists()
