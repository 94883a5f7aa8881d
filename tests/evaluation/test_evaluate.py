from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elmyr import GAN, evaluate, train
from elmyr.errors import InputError
from elmyr.evaluation.features import EXTRACTORS, Pixels, cache_folder, extractor_for
from elmyr.evaluation.judging import judge
from elmyr.files import read_json
from elmyr.images import ImageSet, Source, save_npz, split_source
from tests.conftest import small_image_set

pytestmark = pytest.mark.usefixtures("quick_extractor")


def source() -> Source:
    return Source("blobs", small_image_set(400), None)


def noised(images: ImageSet, amount: float) -> ImageSet:
    noise = np.random.default_rng(1).normal(0, amount, images.images.shape)
    return ImageSet(np.clip(images.images + noise, 0, 255).astype(np.uint8), images.labels, images.classes)


def test_real_images_reach_their_yardstick_and_noise_is_seen() -> None:
    splits = split_source(source(), 0)
    real = judge([splits.validation], splits, "test", subject="real")
    assert all(figure.value == pytest.approx(figure.yardstick) for figure in real.figures)
    assert [figure.name for figure in real.figures] == [
        "frechet_distance",
        "kernel_distance",
        "precision",
        "recall",
        "density",
        "coverage",
        "inception_score",
        "diversity",
        "class_divergence",
        "label_accuracy",
    ]
    assert all(figure.low <= figure.value <= figure.high for figure in real.figures)
    assert [(row["name"], row["label_accuracy"]) for row in real.classes] == [("a", 1), ("b", 1), ("c", 1)]
    weak, strong = (judge([noised(splits.validation, a)], splits, "test", subject="x") for a in (80, 200))
    distances = [judged["frechet_distance"].value for judged in (real, weak, strong)]
    assert distances == sorted(distances)
    assert distances[0] < distances[2]


def test_wrong_labels_are_not_read_back() -> None:
    splits = split_source(source(), 0)
    assert splits.validation.labels is not None
    swapped = ImageSet(splits.validation.images, (splits.validation.labels + 1) % 3, splits.validation.classes)
    figure = judge([swapped], splits, "test", subject="x")["label_accuracy"]
    assert figure.value < 0.1
    assert figure.low is not None and figure.high is not None
    assert figure.low <= figure.value <= figure.high
    assert figure.yardstick > 0.9


@pytest.mark.parametrize("name", EXTRACTORS)
def test_every_extractor_sees_noise(name: str) -> None:
    splits = split_source(Source("blobs", small_image_set(1200), None), 0)
    choose = partial(extractor_for, name=name)
    clean, noisy = (
        judge([images], splits, "test", subject="x", choose=choose)
        for images in (splits.validation, noised(splits.validation, 120))
    )
    for figure in ("frechet_distance", "kernel_distance"):
        assert clean[figure].value < noisy[figure].low
    assert clean.extractor["name"] == name


def test_extractors_of_another_seed_or_width_are_others() -> None:
    training = split_source(source(), 0).train
    made = [
        extractor_for(training, "random", seed=seed, width=width)
        for seed, width in ((0, 32), (0, 32), (1, 32), (0, 16))
    ]
    assert made[0].sha256 == made[1].sha256
    assert len({extractor.sha256 for extractor in made}) == 3
    with pytest.raises(InputError, match="did you mean 'domain'"):
        extractor_for(training, "domian")
    with pytest.raises(InputError, match="multiple of 4"):
        extractor_for(training, "random", width=30)
    with pytest.raises(InputError, match="learns from labels"):
        extractor_for(ImageSet(training.images, None), "domain")


def test_a_dropped_class_costs_recall_and_shows_in_the_classes_read() -> None:
    splits = split_source(Source("blobs", small_image_set(1200), None), 0)
    labels = splits.validation.labels
    assert labels is not None
    without = splits.validation.take(np.resize(np.flatnonzero(labels != 1), len(labels)))
    whole, dropped = (judge([images], splits, "test", subject="x") for images in (splits.validation, without))
    assert dropped["recall"].value < whole["recall"].value - 0.15
    assert dropped["coverage"].value < whole["coverage"].value - 0.15
    assert dropped["precision"].value > whole["precision"].value - 0.1
    assert dropped["class_divergence"].low > 0.05 > whole["class_divergence"].value
    assert [row["count"] for row in dropped.classes][1] == 0


def test_the_extractor_is_trained_once_and_a_damaged_cache_is_not_trusted() -> None:
    training, said = split_source(source(), 0).train, list[str]()
    first = extractor_for(training, say=said.append)
    again = extractor_for(training, say=said.append)
    assert len(said) == 1
    assert first.sha256 == again.sha256
    (weights,) = cache_folder().rglob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:-8])
    assert extractor_for(training, say=said.append).sha256 == first.sha256
    assert len(said) == 2


def test_pixels_are_means_over_squares() -> None:
    images = np.zeros((1, 16, 16, 1), np.uint8)
    images[0, :2, :2] = 255
    features = Pixels(64).features(ImageSet(images, None))
    assert features.shape == (1, 64)
    assert features[0, 0] == 1
    assert features[0, 1:].sum() == 0


def test_a_run_is_judged_with_intervals_and_keeps_its_figures(tmp_path: Path) -> None:
    save_npz(small_image_set(400), tmp_path / "blobs.npz")
    tiny = {"network.base": 8, "batch": 16}
    run = train(tmp_path / "blobs.npz", out=tmp_path / "run", images=320, settings=tiny, device="cpu")
    judged = evaluate(run.path)
    assert judged.extractor["name"] == "domain"
    assert judged.count == len(split_source(source(), 0).validation)
    assert all(figure.low is not None for figure in judged.figures)
    assert judged["frechet_distance"].value > judged["frechet_distance"].yardstick
    assert judged["told_apart"].value > 0.6
    assert abs(judged["told_apart"].yardstick - 0.5) < 0.29  # 5 standard deviations for 50 images a side
    assert read_json(run.path / "evaluation.json")["figures"][0]["value"] == judged.figures[0].value
    assert evaluate(run.path).figures == judged.figures


def test_a_run_of_an_unbalanced_set_is_judged_with_its_shares_of_the_classes(tmp_path: Path) -> None:
    balanced = small_image_set(600)
    assert balanced.labels is not None
    kept = np.flatnonzero((balanced.labels == 0) | (np.arange(600) % 5 == 0))
    save_npz(balanced.take(kept), tmp_path / "unbalanced.npz")
    run = train(
        tmp_path / "unbalanced.npz",
        out=tmp_path / "run",
        images=64,
        settings={"network.base": 8, "batch": 16},
        device="cpu",
    )
    asked: list[list[int]] = []
    original = GAN.sample

    def heard(self: GAN, n: int, **options: Any) -> ImageSet:
        made = original(self, n, **options)
        assert made.labels is not None
        asked.append(np.bincount(made.labels, minlength=3).tolist())
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GAN, "sample", heard)
        evaluate(run.path)
    assert len(asked) == 3
    assert all(counts[0] > 2.5 * counts[1] for counts in asked)


def test_labels_are_compared_by_the_names_of_their_classes(tmp_path: Path) -> None:
    splits = split_source(source(), 0)
    real = splits.validation
    assert real.labels is not None
    backwards = ImageSet(real.images, 2 - real.labels, real.classes[::-1], "backwards")
    assert judge([backwards], splits, "test", subject="x")["label_accuracy"].value > 0.9
    unnamed = ImageSet(real.images, real.labels, (), "unnamed")
    assert judge([unnamed], splits, "test", subject="x")["label_accuracy"].value > 0.9
    with pytest.raises(InputError, match="class 'cow'"):
        judge([ImageSet(real.images, real.labels, ("a", "b", "cow"))], splits, "test", subject="x")


def test_what_cannot_be_judged_is_refused(tmp_path: Path) -> None:
    splits = split_source(source(), 0)
    with pytest.raises(InputError, match="images of"):
        judge([small_image_set(size=9)], splits, "test", subject="x")
    with pytest.raises(InputError, match="too few"):
        judge([small_image_set(6)], splits, "test", subject="x")
    with pytest.raises(InputError, match="no run, file or folder"):
        evaluate(tmp_path / "nothing")
    save_npz(small_image_set(), tmp_path / "samples.npz")
    with pytest.raises(InputError, match="--data"):
        evaluate(tmp_path / "samples.npz")
