from pathlib import Path

import numpy as np
import pytest

from elmyr import GAN, train
from elmyr.core.errors import InputError
from elmyr.images import open_source, split_source
from elmyr.tasks.gan.in_memory import train_on
from tests.conftest import small_image_set

SETTINGS = {"network.base": 4, "batch": 32, "loop.watch_every": 0}


def test_it_gives_the_gan_that_a_run_gives_and_writes_nothing(blobs_file: Path, tmp_path: Path) -> None:
    run = train(blobs_file, out=tmp_path / "run", images=96, seed=3, settings=SETTINGS, device="cpu")
    before = sorted(tmp_path.rglob("*"))
    splits = split_source(open_source(blobs_file), 3)
    gan = train_on(splits.train, budget=96, seed=3, settings=SETTINGS, device="cpu")
    of_run = GAN.load(run.path, device="cpu")
    assert np.array_equal(gan.sample(20, seed=1).images, of_run.sample(20, seed=1).images)
    assert gan.config == of_run.config and gan.trained["images"] == 96
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(("budget", "settings"), [(-5, {}), (32, {"network.bas": 4}), (32, {"batch": 0})])
def test_what_cannot_be_trained_is_refused(budget: int, settings: dict[str, object]) -> None:
    with pytest.raises(InputError):
        train_on(small_image_set(), budget=budget, settings=settings, device="cpu")
