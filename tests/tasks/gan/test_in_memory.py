from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elmyr import GAN, train
from elmyr.core.errors import InputError
from elmyr.engine.data import ResidentData
from elmyr.images import ImageSet, open_source, split_source
from elmyr.tasks.gan.in_memory import train_on
from elmyr.tasks.gan.plan import batches_of
from tests.conftest import small_image_set

SETTINGS = {"network.base": 4, "batch": 32, "loop.watch_every": 0}


@pytest.mark.parametrize("balance", [0.0, 1.0])
def test_it_gives_the_gan_that_a_run_gives_and_writes_nothing(blobs_file: Path, tmp_path: Path, balance: float) -> None:
    settings = SETTINGS | {"class_balance": balance}
    run = train(blobs_file, out=tmp_path / "run", images=96, seed=3, settings=settings, device="cpu")
    before = sorted(tmp_path.rglob("*"))
    splits = split_source(open_source(blobs_file), 3)
    gan = train_on(splits.train, budget=96, seed=3, settings=settings, device="cpu")
    of_run = GAN.load(run.path, device="cpu")
    assert np.array_equal(gan.sample(20, seed=1).images, of_run.sample(20, seed=1).images)
    assert gan.config == of_run.config and gan.trained["images"] == 96
    assert sorted(tmp_path.rglob("*")) == before


def test_balanced_batches_have_all_classes_alike() -> None:
    blobs = small_image_set(90)
    few = blobs.take(np.r_[np.flatnonzero(blobs.labels != 2), np.flatnonzero(blobs.labels == 2)[:2]])
    options: dict[str, Any] = {"seed": 0, "device": torch.device("cpu")}
    for balance, share in ((0.0, 2 / 62), (1.0, 1 / 3)):
        labels = batches_of(few, balance=balance, **options).batch(0, 6200).labels
        assert labels is not None and float((labels == 2).float().mean()) == pytest.approx(share, abs=0.02)
    assert isinstance(batches_of(few, balance=0.0, **options), ResidentData)  # the order of before


def test_classes_without_labels_cannot_be_balanced() -> None:
    blobs = ImageSet(small_image_set(30).images, None)
    with pytest.raises(InputError, match="no labels"):
        train_on(blobs, budget=32, settings=SETTINGS | {"class_balance": 1}, device="cpu")


@pytest.mark.parametrize(("budget", "settings"), [(-5, {}), (32, {"network.bas": 4}), (32, {"batch": 0})])
def test_what_cannot_be_trained_is_refused(budget: int, settings: dict[str, object]) -> None:
    with pytest.raises(InputError):
        train_on(small_image_set(), budget=budget, settings=settings, device="cpu")
