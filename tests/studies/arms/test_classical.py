"""The arm whose augmentation is chosen: by the validation part alone, within the updates of every arm."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elmyr import Recognizer, Shaping
from elmyr.images import save_npz
from elmyr.studies.arms import ARMS, train_arm
from elmyr.studies.cell_data import CellData, opened
from elmyr.studies.config import Cell, StudyConfig
from tests.conftest import small_image_set

CHOSEN = ARMS["real + chosen augmentation"]


def ground_of(folder: Path, images: int) -> CellData:
    save_npz(small_image_set(images), folder / "blobs.npz")
    cell = Cell(shaping=Shaping(images_per_class=20), arms=(), figures=False, measure="accuracy")
    config = StudyConfig(
        source=str(folder / "blobs.npz"),
        name="blobs",
        shaping=Shaping(),
        digest="",
        cells=(cell,),
        seeds=(0,),
        images=64,
        updates=4,
        preset="residual",
        settings=(),
        device="cpu",
        precision="fp32",
        threads=1,
    )
    return CellData(folder / "study", config, cell, 0, opened(config))


@pytest.mark.parametrize("images", [480, 120])
def test_the_augmentation_is_chosen_on_validation_or_small_where_that_is_small(
    tmp_path: Path, images: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[Any] = []
    from elmyr.studies.arms import classical

    choose = classical.chosen_policy
    monkeypatch.setattr(
        classical, "chosen_policy", lambda reader, lesson: judged.append(lesson) or choose(reader, lesson)
    )
    ground = ground_of(tmp_path, images)
    result = train_arm(CHOSEN, ground, updates=20)
    recognizer: Recognizer = result.recognizer
    assert recognizer.updates == (20 if images == 120 else 16)
    assert recognizer.get_params()["settings"]["augment"] == recognizer.augment_
    assert len(result.read) == len(ground.test) and not CHOSEN.uses_gan
    if images == 120:
        assert judged == [] and recognizer.augment_ == "affine"
        return
    (lesson,) = judged
    assert np.array_equal(lesson.validation.images, ground.validation.images)
    assert np.array_equal(lesson.labeled.images, ground.labeled.images)
