"""Cross-validation in a study: when it is taken by itself, and that so many seeds test each image once."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elmyr import Shaping
from elmyr.core.errors import InputError
from elmyr.images import ImageSet, Source, save_npz, split_source
from elmyr.studies import Study, StudyAsk, make_study_plan, parse_folds, study
from elmyr.studies.cell_data import opened
from elmyr.studies.config import Cell
from elmyr.studies.folds import folds_for
from elmyr.studies.summary import command_of
from tests.conftest import small_image_set

QUICK: dict[str, Any] = {
    "images": 64,
    "updates": 2,
    "settings": ("network.base=8", "batch=16"),
    "device": "cpu",
}


def parts(*counts: int) -> ImageSet:
    """So many good, scratched and cracked ones."""
    blobs = small_image_set(3 * max(counts))
    places = np.concatenate([np.flatnonzero(blobs.labels == label)[:count] for label, count in enumerate(counts)])
    return ImageSet(blobs.images[places], blobs.require_labels()[places], ("good", "scratched", "cracked"), "parts")


@pytest.mark.parametrize(
    ("counts", "asked", "folds"),
    [
        ((200, 60, 9), "auto", 5),
        ((200, 60, 4), "auto", 4),
        ((200, 60, 39), "auto", 5),
        ((200, 60, 40), "auto", None),  # ten of them in a quarter
        ((200, 60, 9), None, None),
        ((200, 60, 40), 3, 3),
    ],
)
def test_small_classes_are_dealt_into_folds(counts: tuple[int, ...], asked: Any, folds: int | None) -> None:
    assert folds_for(Source("parts", parts(*counts), None), asked, Shaping()) == folds


def test_a_set_with_a_test_part_has_no_folds() -> None:
    assert folds_for(Source("parts", parts(9, 9, 9), parts(3, 3, 3)), "auto", Shaping()) is None


def test_words_for_folds() -> None:
    assert [parse_folds(text) for text in ("auto", "none", "5")] == ["auto", None, 5]
    for text in ("1", "0", "-2", "many", "2.5", ""):
        with pytest.raises(InputError, match="give auto, none, or a number"):
            parse_folds(text)


def planned(tmp_path: Path, *counts: int, **options: Any) -> tuple[Any, list[str]]:
    said: list[str] = []
    save_npz(parts(*counts), tmp_path / "parts.npz")
    return make_study_plan(StudyAsk(tmp_path / "parts.npz", **QUICK | options), said.append), said


def test_by_default_a_rare_class_is_tested_on_all_of_its_images(tmp_path: Path) -> None:
    config, said = planned(tmp_path, 200, 60, 9)
    assert said[0].startswith("cross-validation: 5 folds, one per seed; each image is tested once")
    assert said[1].startswith("class 'cracked' has 9 test images: a recall over 9 is known to ±27 percentage points")
    assert said[2].startswith("all images: classes differ by 22:1 (133 'good', 6 'cracked')")
    splits = [split_source(opened(config), seed, cell.shaping) for seed in config.seeds for cell in config.cells]
    assert sorted(np.concatenate([each.test_indices for each in splits]).tolist()) == list(range(269))
    assert "--folds 5" in command_of(config)
    config, said = planned(tmp_path, 200, 60, 9, folds=None)
    assert said[0].startswith("class 'cracked' has 2 test images: a recall over 2 is known to ±41")
    assert "--folds none" in command_of(config)
    _, said = planned(tmp_path, 200, 60, 9, seeds=2)
    assert "108 of 269 images are tested, with --seed 0 --seeds 5 each once" in said[0]
    _, said = planned(tmp_path, 200, 60, 9, seed=1)  # the last of the five is of another partition
    assert "of 269 images are tested, with --seed 0 --seeds 5 each once" in said[0]


RIVALS = {"class weights", "over-sampling", "SMOTE", "over-sampling + 25 % generated"}


@pytest.mark.parametrize(
    ("counts", "options", "measure", "has_rivals"),
    [
        ((60, 60, 60), {}, "accuracy", False),
        ((60, 60, 20), {}, "balanced accuracy", True),
        ((60, 60, 22), {}, "accuracy", False),
        ((60, 60, 20), {"labels_per_class": (4,)}, "balanced accuracy", False),  # four labels of each
        ((60, 60, 60), {"imbalance": (2,)}, "balanced accuracy", True),  # asked for
    ],
)
def test_what_decides_follows_from_the_data(
    tmp_path: Path, counts: tuple[int, ...], options: dict[str, Any], measure: str, has_rivals: bool
) -> None:
    config, said = planned(tmp_path, *counts, **options)
    (cell,) = config.cells
    assert cell.measure == measure and (measure == "accuracy") == ("balanced accuracy decides" not in str(said))
    assert set(cell.arms) >= RIVALS if has_rivals else not RIVALS & set(cell.arms)


def test_arms_against_wrong_labels_name_the_classes_that_they_spare(tmp_path: Path) -> None:
    _, said = planned(tmp_path, 60, 60, 10, label_noise=(0.1,), folds=None)
    assert "10 % wrong labels: too small to be judged, so that none of their labels is named: 'cracked' (" in str(said)
    _, said = planned(tmp_path, 60, 60, 60, label_noise=(0.1,), folds=None)
    assert "too small" not in str(said)


def test_a_study_from_before_measures_were_written_down_keeps_its_own() -> None:
    written = {"arms": ["real"], "figures": False, "shaping": {"imbalance": 5.0}}
    assert Cell.model_validate(written).measure == "balanced accuracy"
    assert Cell.model_validate(written | {"shaping": {}}).measure == "accuracy"


@pytest.fixture(scope="module")
def cross_validated(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("folds")
    save_npz(parts(24, 9, 5), folder / "parts.npz")
    return study(folder / "parts.npz", out=folder / "study", seeds=2, folds=2, **QUICK)


def test_a_cross_validated_study_counts_each_image_once(cross_validated: Study) -> None:
    (cell,) = cross_validated.content["cells"]
    assert (cell["folds"], cell["tested"], cell["measure"]) == (2, [24, 9, 5], "balanced accuracy")
    assert cell["verdict"]["images"] == 38
    assert "balanced accuracy on the test images (accuracy: " in cell["verdict"]["sentence"]
    for counts in cell["confusion"].values():
        assert np.array(counts).sum(1).tolist() == [24, 9, 5]
    for arm in cell["arms"]:
        for share, (low, high) in zip(arm["recalls"], arm["recall_intervals"], strict=True):
            assert low <= share <= high and high - low > 0.1


def test_the_table_of_arms_leads_with_balanced_accuracy(
    cross_validated: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    from elmyr.cli.study import show_study

    show_study(cross_validated, as_json=False)
    told = capsys.readouterr().out
    head = next(line for line in told.splitlines() if line.startswith("arm"))
    assert head.index("test balanced accuracy") < head.index("test accuracy") < head.index("lowest recall")
    assert "2 classes have fewer than 10 test images ('cracked' has 5, 'scratched' has 9)" in told
    page = (cross_validated.path / "report.html").read_text(encoding="utf-8")
    assert "Fewer than 10 test images: scratched, cracked." in page and "folds of cross-validation" in page
