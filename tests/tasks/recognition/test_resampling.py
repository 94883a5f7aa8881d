"""GanOverSampler: what it fills, imbalanced-learn's own checks, and its Pipeline."""

import importlib.util
from typing import Any

import numpy as np
import pytest
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.pipeline import make_pipeline
from imblearn.utils.estimator_checks import estimator_checks_generator
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from elmyr import GAN, Recognizer, train
from elmyr.core.errors import InputError
from elmyr.tasks.gan.in_memory import train_on
from elmyr.tasks.recognition import GanOverSampler
from tests.conftest import small_image_set
from tests.tasks.recognition.test_contract import QUICK, pictures

TINY: dict[str, Any] = {"images": 64, "settings": {"network.base": 4, "batch": 32}, "device": "cpu", "random_state": 0}


class OfTables(GanOverSampler, BaseOverSampler):
    """A sampler of tables of floats, which is what the checks feed: a row becomes a gray image, an image a row."""

    def fit_resample(self, X: Any, y: Any) -> Any:
        return BaseOverSampler.fit_resample(self, X, y)

    def _fit_resample(self, X: np.ndarray, y: np.ndarray) -> Any:
        images, labels = GanOverSampler.fit_resample(self, pictures(X), y)
        made = (images[len(X) :].reshape(-1, 64)[:, : X.shape[1]] - 128.0) / 40
        return np.concatenate([X, made]).astype(X.dtype), labels

    def __sklearn_tags__(self) -> Any:
        tags = GanOverSampler.__sklearn_tags__(self)
        tags.input_tags.two_d_array = True
        return tags


def few_of_one() -> tuple[np.ndarray, np.ndarray]:
    """40 images of "a", 40 of "b", 8 of "c"; each class has its place in the image."""
    blobs = small_image_set(120)
    kept = np.r_[np.flatnonzero(blobs.labels != 2), np.flatnonzero(blobs.labels == 2)[:8]]
    return blobs.images[kept], np.array(["a", "b", "c"])[blobs.labels[kept]]


@pytest.fixture(scope="module")
def gan() -> GAN:
    """One that has learned blobs well enough to tell the classes apart."""
    return train_on(small_image_set(120), budget=4000, settings={"network.base": 8}, device="cpu")


CHECKS = list(estimator_checks_generator(OfTables(**TINY)))


@pytest.mark.parametrize(("sampler", "check"), CHECKS, ids=[check.func.__name__ for _, check in CHECKS])
def test_imbalanced_learn_s_checks_pass(sampler: OfTables, check: Any) -> None:
    check(sampler)


def test_generated_images_come_beside_repeated_ones(gan: GAN) -> None:
    X, y = few_of_one()
    filled, labels = GanOverSampler(gan=gan).fit_resample(X, y)
    assert (labels[len(y) :] == "c").all() and len(filled) == 120
    repeated, generated = filled[len(X) : len(X) + 24], filled[len(X) + 24 :]
    times = [(repeated == image).all(axis=(1, 2, 3)).sum() for image in X[y == "c"]]
    assert times == [3] * 8  # 24 more of 8 images, each as often as the others
    assert not any((image == X).all(axis=(1, 2, 3)).any() for image in generated)


def test_without_generated_images_no_gan_is_trained_and_images_are_repeated() -> None:
    X, y = few_of_one()
    sampler = GanOverSampler(**TINY | {"images": 10**9}, generated_share=0)
    filled, labels = sampler.fit_resample(X, y)
    originals = {image.tobytes() for image in X[y == "c"]}
    assert {image.tobytes() for image in filled[len(X) :]} == originals and (labels[len(y) :] == "c").all()
    assert not hasattr(sampler, "gan_")


def test_a_gan_of_its_own_learns_from_batches_that_have_all_classes_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def train_and_note(images: Any, **options: Any) -> GAN:
        asked.append(options["settings"])
        return train_on(images, **options)

    monkeypatch.setattr("elmyr.tasks.recognition.learning.gan_oversampler.train_on", train_and_note)
    for settings in ({}, {"class_balance": 0.5}):
        GanOverSampler(**TINY | {"settings": TINY["settings"] | settings}).fit_resample(*few_of_one())
    assert [each["class_balance"] for each in asked] == [1.0, 0.5]


def test_small_classes_are_filled_with_images_of_their_class(gan: GAN) -> None:
    X, y = few_of_one()
    filled, labels = GanOverSampler(gan=gan, generated_share=1).fit_resample(X, y)
    assert dict(zip(*np.unique(labels, return_counts=True), strict=True)) == {"a": 40, "b": 40, "c": 40}
    assert np.array_equal(filled[: len(X)], X) and np.array_equal(labels[: len(y)], y)
    reader = Recognizer(**QUICK | {"updates": 60}).fit(small_image_set(120).images, small_image_set(120).labels)
    assert (reader.predict(filled[len(X) :]) == 2).mean() > 0.9


def test_images_without_a_channel_axis_come_back_without_one(gan: GAN) -> None:
    X, y = few_of_one()
    flat, labels = GanOverSampler(gan=gan, random_state=1).fit_resample(X[..., 0], y)
    assert flat.shape == (120, 8, 8) and flat.dtype == np.uint8
    assert np.array_equal(flat[..., None], GanOverSampler(gan=gan, random_state=1).fit_resample(X, y)[0])
    assert labels.dtype == y.dtype


@pytest.mark.parametrize(
    ("strategy", "counts"),
    [("minority", [40, 40, 40]), ({"c": 11, "a": 41}, [41, 40, 11]), (lambda y: {"b": 42}, [40, 42, 8])],
)
def test_the_sampling_strategy_is_imbalanced_learn_s(gan: GAN, strategy: Any, counts: list[int]) -> None:
    sampler = GanOverSampler(gan=gan, sampling_strategy=strategy)
    _, labels = sampler.fit_resample(*few_of_one())
    assert np.unique(labels, return_counts=True)[1].tolist() == counts


def test_the_random_state_decides_over_training_and_samples() -> None:
    X, y = few_of_one()
    once, again = (GanOverSampler(**TINY).fit_resample(X, y)[0] for _ in range(2))
    other, _ = GanOverSampler(**TINY | {"random_state": 1}).fit_resample(X, y)
    drawn, _ = GanOverSampler(**TINY | {"random_state": np.random.RandomState(0)}).fit_resample(X, y)
    assert np.array_equal(once, again) and not np.array_equal(once, other)
    assert drawn.shape == once.shape


def test_a_run_will_do_as_a_gan(blobs_file: Any, tmp_path: Any) -> None:
    run = train(blobs_file, out=tmp_path / "run", images=64, settings={"network.base": 4, "batch": 32}, device="cpu")
    sampler = GanOverSampler(gan=run.path, device="cpu")
    filled, _ = sampler.fit_resample(*few_of_one())
    assert len(filled) == 120 and sampler.gan_.trained["images"] == 64


def test_a_sampler_forgets_the_gan_of_another_fit(gan: GAN) -> None:
    sampler = GanOverSampler(gan=gan)
    sampler.fit_resample(*few_of_one())
    assert sampler.gan_ is gan
    blobs = small_image_set(30)
    sampler.fit_resample(blobs.images, blobs.labels)
    assert not hasattr(sampler, "gan_")  # nothing was generated


def test_where_nothing_is_missing_no_gan_is_trained() -> None:
    blobs = small_image_set(30)
    sampler = GanOverSampler(**TINY)
    filled, labels = sampler.fit_resample(blobs.images, blobs.labels)
    assert np.array_equal(filled, blobs.images) and np.array_equal(labels, blobs.labels)
    assert not hasattr(sampler, "gan_")


def test_it_goes_into_a_pipeline_with_a_recognizer(gan: GAN) -> None:
    X, y = few_of_one()
    pipeline = make_pipeline(GanOverSampler(gan=gan), Recognizer(**QUICK | {"updates": 60}))
    fresh = small_image_set(90, seed=7)
    assert (clone(pipeline).fit(X, y).predict(fresh.images) == np.array(["a", "b", "c"])[fresh.labels]).mean() > 0.95
    untrained = make_pipeline(GanOverSampler(**TINY), Recognizer(**QUICK))
    assert cross_val_score(untrained, X, y, cv=2).shape == (2,)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda X, y: (X.astype(float), y), "uint8"),
        (lambda X, y: (X[:, :, :, [0, 0, 0]], y), r"GAN makes images \(8, 8, 1\)"),
        (lambda X, y: (X, np.where(y == "c", "owl", y)), "knows no class 'owl', only a, b, c"),
        (lambda X, y: (X, np.where(y == "a", -1, y == "b")), "holds -1"),
        (lambda X, y: (X, np.full(len(y), "a")), "one class"),
        (lambda X, y: (X, np.linspace(0, 1, len(y))), "Unknown label type"),
    ],
)
def test_what_cannot_be_filled_is_refused(gan: GAN, change: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        GanOverSampler(gan=gan).fit_resample(*change(*few_of_one()))


def test_a_gan_without_classes_is_refused() -> None:
    plain = train_on(small_image_set(30), budget=32, settings={"conditional": False, "network.base": 4, "batch": 32})
    with pytest.raises(InputError, match=r"no class 'a', only \(none\)"):
        GanOverSampler(gan=plain).fit_resample(*few_of_one())


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_what_is_no_share_is_refused(gan: GAN, share: float) -> None:
    with pytest.raises(InputError, match="from 0 to 1"):
        GanOverSampler(gan=gan, generated_share=share).fit_resample(*few_of_one())


@pytest.mark.usefixtures("without_imbalanced_learn")
def test_it_can_be_imported_where_imbalanced_learn_is_not_installed() -> None:
    spec = importlib.util.find_spec("elmyr.tasks.recognition.learning.gan_oversampler")
    fresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fresh)
    sampler = clone(fresh.GanOverSampler(images=64, random_state=3))
    assert repr(sampler) == "GanOverSampler(images=64, random_state=3)"
    with pytest.raises(InputError, match=r"pip install 'elmyr\[balance\]'"):
        sampler.fit_resample(*few_of_one())
