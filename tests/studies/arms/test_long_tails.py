"""Arms against rare classes that train a GAN of their own."""

from pathlib import Path

import numpy as np

from elmyr import Shaping
from elmyr.images import save_npz
from elmyr.studies.arms import ARMS
from elmyr.studies.cell_data import CellData, opened
from elmyr.studies.config import Cell, StudyConfig
from tests.conftest import small_image_set


def test_classes_are_filled_by_a_gan_of_the_study_s_budget_that_is_trained_in_the_arm(tmp_path: Path) -> None:
    save_npz(small_image_set(240), tmp_path / "blobs.npz")
    tail = Cell(shaping=Shaping(imbalance=10), arms=(), figures=False, measure="balanced accuracy")
    config = StudyConfig(
        source=str(tmp_path / "blobs.npz"),
        name="blobs",
        shaping=Shaping(),
        digest="",
        cells=(tail,),
        seeds=(0,),
        images=64,
        updates=4,
        preset="residual",
        settings=("network.base=8", "batch=32"),
        device="cpu",
        precision="fp32",
        threads=1,
    )
    ground = CellData(tmp_path / "study", config, tail, 0, opened(config))
    arm = ARMS["over-sampling + 25 % generated, balanced GAN"]
    filled, counts = arm.images(ground), np.bincount(ground.labeled.require_labels())
    assert np.bincount(filled.require_labels()).tolist() == [counts.max()] * 3
    real = {image.tobytes() for image in ground.labeled.images}
    added = filled.images[len(ground.labeled) :]
    generated = sum(image.tobytes() not in real for image in added)
    assert generated == sum(round((counts.max() - count) / 4) for count in counts)
    assert arm.uses_gan and not arm.needs_run and not (tmp_path / "study").exists()
