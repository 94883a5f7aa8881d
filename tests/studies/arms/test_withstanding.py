"""A study under attack: which arms it tries, how they are judged, and what it cannot be asked for."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elmyr import Recognizer, Shaping, study
from elmyr.core.errors import InputError
from elmyr.core.files import read_json, read_lines
from elmyr.images import ImageSet, save_npz
from elmyr.report import write_report
from elmyr.studies import StudyAsk, make_study_plan, resume_study
from elmyr.studies.arms import ARMS, Case, arms_for
from elmyr.studies.arms.withstanding import judging_updates, read_under_attack
from elmyr.studies.cell_data import MOST_TESTED, MOST_VALIDATED
from elmyr.studies.config import EFFORTS
from elmyr.studies.summary import command_of
from elmyr.studies.work.pieces import Piece, Worker
from tests.conftest import small_image_set

pytestmark = pytest.mark.usefixtures("quick_extractor")
TINY = ("network.base=8", "batch=16")
QUICK: dict[str, Any] = {"images": 64, "updates": 3, "settings": TINY, "device": "cpu"}
BLOBS: ImageSet = small_image_set(48)


def test_it_tries_what_withstands_attacks_and_nothing_else() -> None:
    under_attack, plain = Case(Shaping(), unbalanced=False, robust=True), Case(Shaping(), unbalanced=False)
    quick, standard, _ = (arms_for(under_attack, effort)[0] for effort in EFFORTS)
    assert quick == ("robust", "robust + classical", "robust + 50 % generated", "robust + classical + 50 % generated")
    assert {"robust, TRADES", "robust + classical + 80 % generated", "robust + 25 % generated"} < set(standard)
    assert all(ARMS[name].robust for name in standard)
    assert not any(ARMS[name].robust for name in arms_for(plain, "thorough")[0])


def plan(**asked: Any) -> Any:
    said: list[str] = []
    config = make_study_plan(StudyAsk(BLOBS, **QUICK | {"seeds": 1, "allow_duplicates": True} | asked), said.append)
    return config, "\n".join(said)


def test_its_plan_says_what_decides_and_its_command_asks_for_the_same() -> None:
    config, said = plan(robust=8 / 255, images_per_class=(5, None))
    assert [(cell.measure, cell.robust) for cell in config.cells] == [("robust accuracy", 8 / 255)] * 2
    assert "robust accuracy decides: of images that are attacked by PGD-40 with 2 restarts, \u03b5 8/255" in said
    words = command_of(config).split()
    assert float(words[words.index("--robust") + 1]) == 8 / 255
    plain, said = plan()
    assert plain.robust is None and "robust" not in command_of(plain) + said
    assert plan(robust=0.3, updates=None)[0].updates != plan(updates=None)[0].updates


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"robust": 0.0}, "--robust is 0: it is the most that a pixel may change, above 0 and at most 1"),
        ({"robust": 1.5}, "--robust is 1.5"),
        ({"robust": float("nan")}, "--robust is nan"),
        ({"robust": 0.3, "imbalance": (2,)}, "answers to --imbalance, too: leave out --robust or --imbalance"),
        ({"robust": 0.3, "label_noise": (0.0, 0.2)}, "leave out --robust or --label-noise"),
        ({"robust": 0.3, "labels_per_class": (None, 4)}, "leave out --robust or --labels-per-class"),
        ({"robust": 0.3, "shaping": Shaping(imbalance=2)}, "leave out --robust or --imbalance"),
        ({"robust": True}, "--robust is True: it is a number"),
        ({"robust": "0.3"}, "--robust is '0.3': it is a number"),
        ({"robust": 0.3, "retrain": True}, "leave out --retrain"),
        ({"robust": 0.3, "borrow": small_image_set(60, seed=1)}, "leave out --robust or --borrow"),
    ],
)
def test_what_it_has_no_arms_for_is_refused_in_one_line(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as refused:
        plan(**asked)
    assert said in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("uneven", ["both parts", "the test part"])
def test_unbalanced_images_are_refused_since_every_attacked_image_counts_alike(uneven: str, tmp_path: Path) -> None:
    """Weights would be chosen by balanced accuracy, and arms judged by the plain one."""
    many = small_image_set(240)
    kept = np.concatenate(
        [np.flatnonzero(many.require_labels() == label)[:count] for label, count in enumerate((80, 80, 20))]
    )
    save_npz(many.take(kept), tmp_path / "uneven.npz")
    per_class = {"images_per_class": (10,)} if uneven == "the test part" else {}
    asked = StudyAsk(tmp_path / "uneven.npz", **QUICK, robust=0.3, **per_class)
    with pytest.raises(
        InputError, match=r"classes differ by \d+:1 .* counts every image alike.*leave out --robust"
    ) as refused:
        make_study_plan(asked)
    assert "\n" not in str(refused.value)
    assert make_study_plan(replace(asked, robust=None)).cells[0].measure == "balanced accuracy"


def test_judging_takes_as_long_as_the_images_that_are_attacked() -> None:
    """By hand: 20 looks by 20 steps at 100 images, and twice 40 steps at 300, in updates of 128 images and 7 steps."""
    assert judging_updates("robust", 100, 200) == pytest.approx((20 * 20 * 100 + 80 * 300) / (128 * 8))
    assert judging_updates("gan-robust", 0, 0) == 0


def test_it_ends_in_a_verdict_on_attacked_images_and_resumes(tmp_path: Path) -> None:
    save_npz(BLOBS, tmp_path / "few.npz")
    done = study(tmp_path / "few.npz", out=tmp_path / "study", seeds=2, folds=2, robust=0.2, **QUICK)
    (cell,), (verdict,) = done.content["cells"], done.verdicts
    lines = read_lines(done.path / "results.jsonl")
    assert len(lines) == 2 * 4 and cell["measure"] == done.content["best"]["measure"] == "robust accuracy"
    assert all(line["test"]["robust accuracy"] <= line["test"]["accuracy"] for line in lines)
    assert verdict["outcome"] != "not decided"  # it has two seeds
    told = "robust accuracy on the test images, attacked by PGD-40 with 2 restarts, \u03b5 0.2 (accuracy: "
    assert told in verdict["sentence"]
    by_name = {arm["name"]: arm["test"] for arm in cell["arms"]}
    apart = np.mean(by_name[verdict["best_with"]]) - np.mean(by_name[verdict["best_without"]])
    assert verdict["difference"] == pytest.approx(apart)
    best = Recognizer.load(done.path, device="cpu")
    assert best.method_ in ("robust", "gan-robust") and best.robust_ is not None and best.robust_.epsilon == 0.2
    english, chinese = (write_report(done.path, language=word).read_text(encoding="utf-8") for word in ("en", "zh"))
    assert "robust + classical + 50 % generated" in english and "稳健准确率" in chinese
    attacked = "All figures but plain accuracy are of test images attacked by PGD-40 with 2 restarts, \u03b5 0.2."
    assert english.count(attacked) == 2 and chinese.count("均针对受 PGD-40") == 2
    worker = Worker(done.path)
    before = {(line["seed"], line["arm"]): line["test"] for line in lines}
    kept = (done.path / "results.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)[:-1]
    (done.path / "results.jsonl").write_text("".join(kept), encoding="utf-8")  # the last arm is trained again
    (done.path / "study.json").unlink()
    again = resume_study(done.path, quiet=True)
    assert {(line["seed"], line["arm"]): line["test"] for line in read_lines(again.path / "results.jsonl")} == before
    ground = worker.ground(Piece(0, 0, "robust"))
    assert len(ground.with_validation().labeled) == len(ground.labeled) + len(ground.whole_validation)
    assert read_json(done.path / "config.json")["cells"][0]["robust"] == 0.2


def test_of_a_large_test_part_some_images_are_attacked_and_verdicts_are_about_these(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(12_000, dtype=np.int64) % 2
    images = ImageSet(rng.integers(0, 255, (12_000, 8, 8, 1), dtype=np.uint8), labels, ("a", "b"))
    save_npz(images, tmp_path / "many.npz")
    config = make_study_plan(StudyAsk(tmp_path / "many.npz", **QUICK, robust=0.3))
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "config.json").write_text(config.model_dump_json(), encoding="utf-8")
    ground = Worker(tmp_path / "study").ground(Piece(0, 0, "robust"))
    assert len(ground.test) == len(ground.test_indices) == MOST_TESTED and len(ground.validation) == MOST_VALIDATED
    assert np.array_equal(ground.test.images[:50], images.images[ground.test_indices[:50]])
    assert abs(np.bincount(ground.test.require_labels())[0] - MOST_TESTED / 2) <= 50


def test_labels_are_read_by_the_numbers_of_the_classes_that_are_there() -> None:
    """A recognizer of classes 0 and 2 reads 0 and 2, attacked as well."""
    some = small_image_set(90)
    kept = some.take(np.flatnonzero(some.require_labels() != 1))
    recognizer = Recognizer(updates=40, batch=32, base=4, dimension=16, device="cpu")
    recognizer.fit(kept.images, kept.require_labels())
    read = read_under_attack(recognizer, kept, 0.001)
    assert set(read) == {0, 2} and (read == kept.require_labels()).mean() > 0.9
