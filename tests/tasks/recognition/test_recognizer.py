from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.utils.class_weight import compute_class_weight

from elmyr import Recognizer
from elmyr.core.errors import InputError
from elmyr.metrics import balanced_accuracy
from elmyr.nets import NetworkConfig
from elmyr.tasks.gan.model import GAN, GANConfig
from elmyr.tasks.recognition import FreshSamples, Origin
from elmyr.tasks.recognition.learning.class_weights import class_weights, settled_weight
from elmyr.tasks.recognition.learning.lesson import Lesson
from elmyr.tasks.recognition.learning.methods import method_names, read_method
from tests.conftest import small_image_set

QUICK = {"updates": 60, "batch": 32, "base": 8, "dimension": 16, "device": "cpu"}


@pytest.fixture(scope="module")
def fitted() -> Recognizer:
    blobs = small_image_set()
    assert blobs.labels is not None
    return Recognizer(**QUICK).fit(blobs.images, blobs.labels)


def test_it_learns_what_can_be_learned(fitted: Recognizer) -> None:
    fresh = small_image_set(90, seed=7)
    assert fitted.score(fresh.images, fresh.labels) > 0.97


def test_init_only_stores_and_clone_copies_the_parameters() -> None:
    recognizer = Recognizer(updates=7, method="augment", seed=3)
    assert clone(recognizer).get_params() == recognizer.get_params()
    assert recognizer.set_params(batch=5).batch == 5
    assert [name for name in vars(recognizer) if name.endswith("_")] == []


def test_before_fit_it_says_that_it_is_not_fitted() -> None:
    with pytest.raises(NotFittedError):
        Recognizer().predict(np.zeros((1, 8, 8), np.uint8))


def test_labels_may_be_anything_that_sorts() -> None:
    blobs = small_image_set()
    assert blobs.labels is not None
    words = np.array(["owl", "ant", "cat"])[blobs.labels]
    recognizer = Recognizer(**QUICK).fit(blobs.images[..., 0], words)
    assert recognizer.classes_.tolist() == ["ant", "cat", "owl"]
    assert (recognizer.predict(blobs.images) == words).mean() > 0.97


def test_probabilities_sum_to_one_and_agree_with_the_prediction(fitted: Recognizer) -> None:
    images = small_image_set(30, seed=2).images
    probabilities = fitted.predict_proba(images)
    assert probabilities.shape == (30, 3)
    assert np.allclose(probabilities.sum(1), 1)
    assert (fitted.classes_[probabilities.argmax(1)] == fitted.predict(images)).all()


def test_the_same_seed_gives_the_same_recognizer(fitted: Recognizer) -> None:
    blobs = small_image_set()
    again = clone(fitted).fit(blobs.images, blobs.labels)
    assert np.array_equal(again.predict_proba(blobs.images), fitted.predict_proba(blobs.images))


def test_it_works_inside_scikit_learns_cross_validation() -> None:
    blobs = small_image_set()
    assert cross_val_score(Recognizer(**QUICK), blobs.images, blobs.labels, cv=2).mean() > 0.9


def test_generated_images_alone_can_teach_it_a_class_that_the_real_ones_lack_examples_of() -> None:
    blobs, extra = small_image_set(), small_image_set(90, seed=5)
    assert blobs.labels is not None and extra.labels is not None
    scarce = np.concatenate([np.flatnonzero(blobs.labels != 2), np.flatnonzero(blobs.labels == 2)[:1]])
    generated = (extra.images, extra.labels)
    recognizer = Recognizer(**QUICK, generated_share=0.5)
    recognizer.fit(blobs.images[scarce], blobs.labels[scarce], generated=generated)
    fresh = small_image_set(90, seed=7)
    assert recognizer.score(fresh.images, fresh.labels) > 0.97


def test_probabilities_follow_from_features(fitted: Recognizer) -> None:
    images = small_image_set(30, seed=2).images
    probabilities = fitted.proba_of_features(fitted.features(images))
    assert probabilities == pytest.approx(fitted.predict_proba(images), abs=1e-5)


def test_what_is_saved_predicts_the_same_when_loaded(fitted: Recognizer, tmp_path: Path) -> None:
    images = small_image_set(30, seed=2).images
    fitted.save(tmp_path)
    again = Recognizer.load(tmp_path)
    assert np.array_equal(again.predict_proba(images), fitted.predict_proba(images))
    assert again.get_params() == fitted.get_params() | {"device": "auto"}  # where it runs is the loader's choice


def test_a_changed_weight_is_found_at_loading(fitted: Recognizer, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    weights = bytearray((tmp_path / "recognizer.safetensors").read_bytes())
    weights[-1] ^= 1
    (tmp_path / "recognizer.safetensors").write_bytes(weights)
    with pytest.raises(InputError, match="no whole recognizer"):
        Recognizer.load(tmp_path)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((4, 8, 8)), [0, 1, 0, 1], "uint8"),
        (np.zeros((4, 64), np.uint8), [0, 1, 0, 1], "shape"),
        (np.zeros((4, 5, 8), np.uint8), [0, 1, 0, 1], "at least 8x8"),
        (np.zeros((0, 8, 8), np.uint8), [], "no image"),
        (np.zeros((4, 8, 8), np.uint8), [0, 1], "one label per image"),
        (np.zeros((4, 8, 8), np.uint8), [1, 1, 1, 1], "two classes"),
    ],
)
def test_input_that_cannot_be_learned_from_is_refused(images: object, labels: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Recognizer(**QUICK).fit(images, labels)


def test_other_shapes_than_those_of_training_are_refused(fitted: Recognizer) -> None:
    with pytest.raises(InputError, match="trained on"):
        fitted.predict(np.zeros((1, 9, 9), np.uint8))


def overlapping() -> tuple[np.ndarray, np.ndarray]:
    """Images of class 1 look like half of those of class 0, which are more."""
    blobs = small_image_set(200, classes=2)
    return blobs.images, (blobs.require_labels() == 1) * (np.random.default_rng(0).random(200) < 0.3)


@pytest.mark.parametrize(
    "weight",
    ["balanced", {0: 0.2, 1: 1.8}, {np.int64(1): 9.0}],
    ids=["balanced", "mapping", "others count 1"],
)
def test_class_weights_let_the_rare_class_be_read_more_often(weight: object) -> None:
    X, y = overlapping()
    plain, weighted = (Recognizer(**QUICK, class_weight=each).fit(X, y).predict(X) for each in (None, weight))
    assert balanced_accuracy(plain, y) < 0.6 and balanced_accuracy(weighted, y) > 0.7


def test_balanced_weights_are_scikit_learn_s() -> None:
    X, y = overlapping()
    words = np.where(y, "owl", "ant")
    theirs = compute_class_weight("balanced", classes=np.unique(words), y=words)
    assert class_weights("balanced", Lesson.of(X, words), 0.5) == pytest.approx(theirs)


def test_balanced_weights_know_what_generated_images_fill() -> None:
    X, y = overlapping()
    lesson = Lesson.of(X, y, generated=(X[y == 1], y[y == 1]))
    assert class_weights("balanced", lesson, 0.4) == pytest.approx(
        [0.5 / (0.6 * (1 - y.mean())), 0.5 / (0.6 * y.mean() + 0.4)]
    )


def test_weights_of_1_change_nothing() -> None:
    X, y = overlapping()
    plain, weighted = (Recognizer(**QUICK, class_weight=each).fit(X, y) for each in (None, {0: 1.0, 1: 1.0}))
    assert np.allclose(plain.predict_proba(X), weighted.predict_proba(X), atol=1e-5)


def of_new_gan() -> FreshSamples:
    """Generated images without an end, with the discriminator that some methods learn from; both are untrained."""
    network = NetworkConfig(base=8, latent=16)
    config = GANConfig(height=8, width=8, channels=1, classes=("0", "1"), network=network)
    return FreshSamples([Origin(GAN(config, *config.build(), device="cpu", precision="fp32"))], names=[False, True])


@pytest.mark.parametrize("method", method_names())
def test_class_weights_reach_the_labeled_images_of_every_method(method: str) -> None:
    X, y = overlapping()
    config = read_method(method)
    asked = {"method": method, "updates": 40, "batch": 48}
    generated = (X[:100], y[:100]) if config.stages is None or config.stages.teaches == "labels" else of_new_gan()
    given = {"generated": generated} if config.needs == "generated" else {}
    given |= {"validation": (X[:60], y[:60])} if config.augment == "auto" else {}
    if config.semi is not None:
        asked |= {"settings": {"semi.labeled": 32}}
        y = np.where(np.arange(200) < 100, y, -1)
    plain, weighted = (
        Recognizer(**QUICK | asked, class_weight=weight).fit(X, y, **given) for weight in (None, {1: 9.0})
    )
    assert weighted.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean() + 0.05


def test_automatic_weights_are_balanced_where_classes_differ_by_three_to_one() -> None:
    X, y = overlapping()
    rare = Lesson.of(X, y)
    assert rare.class_counts.tolist() == np.bincount(y).tolist() and rare.class_counts[0] > 3 * rare.class_counts[1]
    assert settled_weight("auto", rare) == "balanced"
    assert class_weights("auto", rare, 0.5) == pytest.approx(class_weights("balanced", rare, 0.5))
    even = Lesson.of(X, np.arange(200) % 2)
    assert settled_weight("auto", even) is None is class_weights("auto", even, 0.5)


@pytest.mark.parametrize("weight", [None, "balanced", "logit-adjusted", "auto", {0: 0.5, 1: 2.0}, {np.int64(1): 9.0}])
def test_class_weights_are_cloned_and_saved(weight: object, tmp_path: Path) -> None:
    X, y = overlapping()
    recognizer = clone(Recognizer(**QUICK | {"updates": 2}, class_weight=weight)).fit(X, y)
    recognizer.save(tmp_path)
    again = Recognizer.load(tmp_path)
    assert again.class_weight == weight and again.class_counts_.tolist() == np.bincount(y).tolist()
    assert np.array_equal(again.fit(X, y).predict_proba(X), recognizer.predict_proba(X))


@pytest.mark.parametrize(
    ("weight", "complaint"),
    [
        ("even", "None, 'balanced', 'logit-adjusted', 'auto', or a mapping"),
        ({2: 1.0}, "names 2, no label of y"),
        ({"1": 1.0}, "names '1', no label of y"),
        ({0: -1.0}, "from 0 on"),
        ({0: float("nan")}, "from 0 on"),
        ({0: 0.0, 1: 0.0}, "not all 0"),
    ],
)
def test_class_weights_that_cannot_be_are_refused(weight: object, complaint: str) -> None:
    X, y = overlapping()
    with pytest.raises(InputError, match=complaint):
        Recognizer(**QUICK, class_weight=weight).fit(X, y)


def test_an_image_set_brings_its_labels() -> None:
    blobs = small_image_set(60)
    assert blobs.labels is not None
    names = np.array(blobs.classes)[blobs.labels]
    one, other = (Recognizer(updates=5, device="cpu") for _ in range(2))
    assert one.fit(blobs).classes_.tolist() == ["a", "b", "c"]
    assert np.array_equal(one.predict_proba(blobs), other.fit(blobs.images, names).predict_proba(blobs.images))


def test_minus_one_among_names_marks_an_unlabeled_image() -> None:
    blobs = small_image_set(60)
    names = np.array([blobs.classes[label] for label in blobs.require_labels()], object)
    names[:6] = -1
    lesson = Lesson.of(blobs, names)
    assert (len(lesson.labeled), lesson.classes.tolist()) == (54, ["a", "b", "c"])
    assert lesson.unlabeled is not None and len(lesson.unlabeled) == 60


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([-1, 1], r"np.where\(y > 0, 1, 0\)"),
        ([0.25, 0.5], r"Unknown label type: y holds 0.25, .*np.digitize"),
        (["a", "-1"], r"the word '-1': mark unlabeled images by -1 in np.array\(y, dtype=object\)"),
        (None, "fit requires y to be passed"),
    ],
    ids=["signs", "floats", "word", "none"],
)
def test_labels_that_may_mean_something_else_are_refused(labels: list[Any] | None, told: str) -> None:
    y = None if labels is None else np.array(labels * 30)
    with pytest.raises(InputError, match=told):
        Recognizer(updates=5).fit(small_image_set(60).images, y)


def test_a_fit_begins_with_the_network_of_another_recognizer_of_other_classes() -> None:
    blobs, other = small_image_set(60), small_image_set(60, classes=2, seed=3)
    quick: dict[str, Any] = {"updates": 1, "learning_rate": 1e-6, "base": 8, "dimension": 16, "device": "cpu"}
    start = Recognizer(**quick | {"updates": 20, "learning_rate": None}).fit(other.images, other.labels)
    begun = Recognizer(**quick, seed=1).fit(blobs.images, blobs.labels, start=start)
    plain = Recognizer(**quick, seed=1).fit(blobs.images, blobs.labels)
    assert begun.classes_.tolist() == [0, 1, 2] and begun.net_.logits.out_features == 3
    theirs, ours, new = (each.features(blobs.images) for each in (start, begun, plain))
    assert np.allclose(ours, theirs, atol=1e-2) and not np.allclose(new, theirs, atol=1e-1)
    assert torch.allclose(begun.net_.logits.weight, plain.net_.logits.weight, atol=1e-3)


def test_a_network_of_another_form_is_none_to_begin_with() -> None:
    blobs = small_image_set(60)
    start = Recognizer(updates=1, base=8, dimension=16).fit(blobs.images, blobs.labels)
    for other, how in ((blobs, {"base": 4}), (small_image_set(60, channels=3), {})):
        recognizer = Recognizer(**{"updates": 1, "base": 8, "dimension": 16} | how)
        with pytest.raises(InputError, match="has another network, or images of another form"):
            recognizer.fit(other.images, other.labels, start=start)
    with pytest.raises(NotFittedError):
        Recognizer(updates=1).fit(blobs.images, blobs.labels, start=Recognizer())
