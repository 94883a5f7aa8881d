"""Arms of several trainings: they see no label that the cell does not have, and go on from what is kept."""

from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elmyr import Recognizer, Shaping
from elmyr.images import ImageSet, load_images, save_npz
from elmyr.studies.arms import ARMS, Training, train_arm
from elmyr.studies.arms.dual_pseudo import TRIED
from elmyr.studies.cell_data import CellData, opened
from elmyr.studies.config import Cell, StudyConfig
from elmyr.tasks.recognition import unlabeled_score
from tests.conftest import small_image_set

SMALL = {"base": 8, "dimension": 16, "batch": 48, "settings": {"semi.labeled": 12}}


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> CellData:
    """What the cell of two labels a class works on, of a study that has trained nothing yet."""
    folder = tmp_path_factory.mktemp("few")
    save_npz(small_image_set(240), folder / "blobs.npz")
    few = Cell(shaping=Shaping(labels_per_class=2), arms=(), figures=False, measure="accuracy")
    config = StudyConfig(
        source=str(folder / "blobs.npz"),
        name="blobs",
        shaping=Shaping(),
        digest="",
        cells=(few,),
        seeds=(0,),
        images=320,
        updates=120,
        preset="residual",
        settings=("network.base=8", "batch=32"),
        device="cpu",
        precision="fp32",
        threads=1,
    )
    return CellData(folder / "study", config, few, 0, opened(config))


def training(ground: CellData, name: str, updates: int) -> Training:
    arm = replace(ARMS[name], parameters=SMALL)
    return Training(arm, ground, arm.shares[0], updates)


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What every recognizer was fitted with, in order; they are fitted all the same."""
    seen: list[dict[str, Any]] = []
    fit = Recognizer.fit

    def noted(self: Recognizer, X: Any, y: Any = None, **given: Any) -> Recognizer:
        seen.append({"labeled": len(X), "updates": self.updates, "seed": self.seed, "recognizer": self} | given)
        return fit(self, X, y, **given)

    monkeypatch.setattr(Recognizer, "fit", noted)
    return seen


def test_dual_pseudo_training_teaches_by_a_gan_that_learned_from_predicted_labels(
    ground: CellData, fits: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[ImageSet] = []
    from elmyr.studies.arms import dual_pseudo

    train_on = dual_pseudo.train_on
    monkeypatch.setattr(
        dual_pseudo, "train_on", lambda images, **how: learned.append(images) or train_on(images, **how)
    )
    asked = training(ground, "dual pseudo training", 120)
    recognizer = asked.arm.train(asked)
    assert [(each["labeled"], each["updates"]) for each in fits] == [(6, 60), (6, 60)]
    images, labels = fits[1]["generated"]
    assert "generated" not in fits[0] and len(images) == len(labels) >= 1000 and set(labels) == {0, 1, 2}
    assert len(fits[1]["unlabeled"]) == len(ground.unlabeled.images) and asked.arm.uses_gan
    (pseudo,) = learned  # of all images, by what the first recognizer predicts, the surest of each class alike
    first = fits[0]["recognizer"]
    counts = np.bincount(pseudo.require_labels(), minlength=3)
    assert counts.max() <= 0.8 * len(ground.unlabeled) / 3 and (first.predict(pseudo.images) == pseudo.labels).all()
    assert recognizer.score(ground.test.images, ground.test.require_labels()) > 0.9

    asked.arm.train(asked)
    assert len(learned) == 1  # what its GAN made is kept until the study's end
    kept = [path for path in ground.samples.parent.iterdir() if "pseudo" in path.name]
    assert len(kept) == 1 and np.array_equal(load_images(kept[0]).images, images)


def test_a_class_that_is_read_in_no_image_is_not_asked_of_the_gan(
    ground: CellData, fits: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from elmyr.studies.arms import dual_pseudo

    labeled = dual_pseudo.pseudo_labeled
    monkeypatch.setattr(dual_pseudo, "pseudo_labeled", lambda *of: without_class(labeled(*of), 1))
    alone = copy(ground)
    alone.study = tmp_path / "study"
    asked = training(alone, "dual pseudo training", 20)
    asked.arm.train(asked)
    _, labels = fits[1]["generated"]
    assert set(labels) == {0, 2} and abs(int((labels == 0).sum()) - int((labels == 2).sum())) <= 1


def without_class(images: ImageSet, label: int) -> ImageSet:
    return images.take(np.flatnonzero(images.require_labels() != label))


def test_of_several_seeds_the_one_is_taken_whose_predictions_tell_most(
    ground: CellData, fits: list[dict[str, Any]]
) -> None:
    asked = training(ground, "consistency, best of 3 seeds", 30)
    taken = asked.arm.train(asked)
    assert [each["updates"] for each in fits] == [10] * TRIED and len({each["seed"] for each in fits}) == TRIED
    unlabeled = ImageSet(ground.unlabeled.images, None)
    told = [unlabeled_score(each["recognizer"], unlabeled).information for each in fits]
    assert taken is fits[int(np.argmax(told))]["recognizer"] and len(set(told)) > 1


def test_an_arm_with_a_choice_of_its_own_ends_as_every_other(ground: CellData, tmp_path: Path) -> None:
    arm = replace(ARMS["consistency, rising thresholds"], parameters=SMALL)
    result = train_arm(arm, ground, updates=20)
    assert len(result.read) == len(ground.test) and result.validation_by_share == {"0": result.validation}
    wanted = ARMS["consistency, rising thresholds"].parameters["settings"]
    assert Recognizer(method="consistency", settings=wanted).settings == {"semi.consistency.rising": True}
