"""Every function that takes data takes every kind of it; what is in memory is there again when a run is resumed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

from elmyr import GAN, compare, evaluate, load_images, study, train
from elmyr.core.errors import InputError
from elmyr.core.files import read_json
from elmyr.engine import open_run, resume
from elmyr.engine.spec import Asked
from elmyr.images import ImageSet, save_npz
from elmyr.studies import StudyAsk, make_study_plan
from elmyr.tasks.gan.plan import GANAsk, config_of, plan_of
from elmyr.tasks.recognition import Recognizer, train_recognizer
from elmyr.tasks.restoration import train_restorer
from elmyr.tasks.translation import train_translator
from tests.conftest import small_image_set

BLOBS = small_image_set(180)
assert BLOBS.labels is not None
PIXELS, NAMES = BLOBS.in_memory(), np.array(BLOBS.classes)[BLOBS.labels]
TINY = {"network.base": 8, "network.latent": 8, "network.embedding": 4, "batch": 16}
NARROW = {"widths": (8, 8)}


class Named(TensorDataset):
    """A data set of torch that names its classes, as torchvision's do."""

    classes = BLOBS.classes


def blobs_path() -> Path:
    save_npz(BLOBS, "blobs.npz")
    return Path("blobs.npz")


KINDS: dict[str, Callable[[], Any]] = {
    "text": lambda: str(blobs_path()),
    "image set": lambda: BLOBS,
    "arrays": lambda: (PIXELS, NAMES),
    "tensors": lambda: (torch.from_numpy(PIXELS).permute(0, 3, 1, 2), NAMES.tolist()),
    "data set": lambda: Named(torch.from_numpy(PIXELS).permute(0, 3, 1, 2), torch.from_numpy(BLOBS.labels)),
}


# Each gives what tells which images it was given: the same for every kind.
FUNCTIONS: dict[str, Callable[[Any], str]] = {
    "load_images": lambda data: load_images(data).name and str(load_images(data).in_memory().sum()),
    "train": lambda data: str(
        plan_of(GANAsk(data, asked=Asked(settings=TINY, device="cpu"))).splits.train.images.sum()
    ),
    "study": lambda data: str(make_study_plan(StudyAsk(data, seeds=1, images=64, settings=("network.base=8",))).images),
    "train_recognizer": lambda data: str(_sum_of(train_recognizer(data, Recognizer(updates=2)).path)),
    "train_restorer": lambda data: str(_sum_of(train_restorer(data, images=16, settings=NARROW).path)),
    "train_translator": lambda data: str(_sum_of(train_translator(data, data, images=16, settings=NARROW).path, "a")),
    "evaluate, the data": lambda data: str(evaluate(BLOBS, data=data, extractor="pixels")["frechet_distance"].value),
    "evaluate, the samples": lambda data: str(evaluate(data, data=BLOBS, extractor="pixels")["frechet_distance"].value),
    "compare": lambda data: str(compare([data, data], data=data, extractor="pixels")["frechet_distance"].yardstick),
}


def _sum_of(run: Path, data: str = "data") -> int:
    source = read_json(run / "config.json")[data]["source"]
    return int(load_images(source).in_memory().sum())


@cache
def of_a_path(function: str) -> str:
    return FUNCTIONS[function](blobs_path())


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_function_takes_every_kind_of_data(function: str, kind: str) -> None:
    assert FUNCTIONS[function](KINDS[kind]()) == of_a_path(function)


def test_what_was_in_memory_is_there_again_when_the_run_goes_on(tmp_path: Path) -> None:
    run = train(PIXELS, NAMES, images="16", settings=TINY, device="cpu", out=tmp_path / "run")
    assert config_of(run).data.name == "images"
    longer = resume(run, images="0.032k")
    assert read_json(longer.summary)["images"] == 32
    gan = GAN.load(run)
    assert gan.config.classes == ("a", "b", "c")
    figures = [evaluate(each, extractor="pixels")["frechet_distance"].value for each in (run, gan, run.path)]
    assert len(set(figures)) == 1
    both = compare([run, gan.sample(60)], extractor="pixels")
    assert both.subjects == (str(run.path), "generated")


def test_a_gan_without_a_run_is_judged_beside_data(tmp_path: Path) -> None:
    run = train(BLOBS, images=16, settings=TINY, device="cpu", out=tmp_path / "run")
    gan = GAN.load(run)
    gan.path = None
    judged = evaluate(gan, data=BLOBS, extractor="pixels")
    assert (
        judged.subject == "GAN"
        and judged["frechet_distance"].value == evaluate(run, extractor="pixels")["frechet_distance"].value
    )
    with pytest.raises(InputError, match="'GAN' is not a run: say what to judge"):
        evaluate(gan)


def test_labels_in_the_place_of_a_recognizer_are_answered_with_their_name() -> None:
    with pytest.raises(InputError, match=r"labels=y, or \(images, y\)"):
        train_recognizer(PIXELS, NAMES)  # type: ignore[arg-type]  # as a user may guess


@pytest.mark.parametrize(
    "labels", [np.random.default_rng(0).random(180), ["a", -1] * 90, [-1, 1] * 90], ids=["floats", "unlabeled", "signs"]
)
@pytest.mark.parametrize("function", [train, study, train_restorer, load_images], ids=lambda each: each.__name__)
def test_odd_labels_are_refused_by_every_function_before_anything_is_written(
    function: Callable[..., Any], labels: Any
) -> None:
    with pytest.raises(InputError, match="no whole number|stands for an image without a label|np.where"):
        function(PIXELS, labels)
    assert not list(Path().glob("*/0*"))


def test_a_run_is_refused_where_data_are_meant(tmp_path: Path) -> None:
    run = train(BLOBS, images=16, settings=TINY, device="cpu", out=tmp_path / "run")
    for given in (run, GAN.load(run), run.path):
        with pytest.raises(InputError, match="resume"):
            train(given)


def test_images_stay_what_they_were(tmp_path: Path) -> None:
    before = PIXELS.copy()
    assert open_run(train(PIXELS, NAMES, images=16, settings=TINY, out=tmp_path / "run")).finished
    assert np.array_equal(PIXELS, before) and isinstance(BLOBS, ImageSet)
