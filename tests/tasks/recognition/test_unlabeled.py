"""Images without labels: labels given to the surest, and a choice among recognizers that no label decides."""

from typing import Any

import numpy as np
import pytest

from elmyr import Recognizer
from elmyr.core.errors import InputError
from elmyr.images import ImageSet
from elmyr.tasks.recognition import best_without_labels, pseudo_labeled, unlabeled_score
from elmyr.tasks.recognition.learning.unlabeled import score_of
from tests.conftest import small_image_set

QUICK: dict[str, Any] = {"updates": 60, "batch": 32, "base": 8, "dimension": 16, "device": "cpu"}


@pytest.fixture(scope="module")
def reader() -> Recognizer:
    return Recognizer(**QUICK).fit(small_image_set())


@pytest.fixture(scope="module")
def confused() -> Recognizer:
    """It was told that the second class is the first, or the third, as it happens."""
    blobs = small_image_set()
    told = np.where(blobs.labels == 1, 2 * (np.arange(len(blobs)) // 3 % 2), blobs.require_labels())
    told[1] = 1  # the class has a name all the same
    return Recognizer(**QUICK).fit(blobs.images, np.array(blobs.classes)[told])


def test_images_get_the_predicted_classes_the_surest_in_equal_numbers(reader: Recognizer) -> None:
    fresh = small_image_set(99, seed=4)
    few = fresh.take(np.r_[np.flatnonzero(fresh.labels != 2), np.flatnonzero(fresh.labels == 2)[:6]])
    found = pseudo_labeled(reader, ImageSet(few.images, None, name="few"), share=0.5)
    assert np.bincount(found.require_labels()).tolist() == [12, 12, 6] and found.classes == ("a", "b", "c")
    places = [int(np.flatnonzero((few.images == image).all(axis=(1, 2, 3)))[0]) for image in found.images]
    assert places == sorted(places) and (few.require_labels()[places] == found.labels).mean() > 0.9
    sureness = reader.predict_proba(few.images).max(1)
    for label in (0, 1):
        of_class = reader.predict_proba(few.images).argmax(1) == label
        kept = np.isin(np.arange(len(few)), places) & of_class
        assert sureness[kept].min() >= sureness[of_class & ~kept].max()


@pytest.mark.parametrize("share", [0.0, 1.2])
def test_what_is_no_share_is_refused(reader: Recognizer, share: float) -> None:
    with pytest.raises(InputError, match="above 0 and at most 1"):
        pseudo_labeled(reader, small_image_set(9), share=share)


def test_a_class_that_is_predicted_for_nothing_is_told(reader: Recognizer) -> None:
    fresh = small_image_set(60, seed=4)
    with pytest.warns(UserWarning, match="class 'c' is predicted for no image"):
        found = pseudo_labeled(reader, fresh.take(np.flatnonzero(fresh.labels != 2)))
    assert np.bincount(found.require_labels(), minlength=3)[2] == 0 and found.classes == ("a", "b", "c")


def test_the_score_of_what_is_sure_and_even_of_what_is_unsure_and_of_what_is_always_the_same() -> None:
    sure, unsure = np.eye(4)[[0, 1, 2, 3]], np.full((4, 4), 0.25)
    same = np.eye(4)[[0, 0, 0, 0]]
    best, none, one = score_of(sure, sure), score_of(unsure, unsure), score_of(same, same)
    assert (best.information, best.loss, best.margin, best.balance) == pytest.approx((1, 0, 1, 1), abs=1e-6)
    assert (none.information, none.loss, none.margin, none.balance) == pytest.approx((0, np.log(4), 0, 1), abs=1e-6)
    assert (one.information, one.loss, one.margin, one.balance) == pytest.approx((0, 0, 1, 0), abs=1e-6)


def test_the_loss_is_of_changed_images_by_what_is_predicted_for_them_as_they_are() -> None:
    plain, changed = np.array([[0.6, 0.4], [0.1, 0.9]]), np.array([[0.2, 0.8], [0.5, 0.5]])
    score = score_of(plain, changed)
    assert score.loss == pytest.approx(-(np.log(0.2) + np.log(0.5)) / 2)
    assert score.margin == pytest.approx((0.2 + 0.8) / 2)


def test_the_one_that_tears_no_class_apart_is_chosen(reader: Recognizer, confused: Recognizer) -> None:
    fresh = small_image_set(90, seed=7)
    unlabeled = ImageSet(fresh.images, None)
    good, bad = unlabeled_score(reader, unlabeled), unlabeled_score(confused, unlabeled)
    assert good.information > bad.information + 0.1
    assert best_without_labels([confused, reader], unlabeled) == 1
    assert best_without_labels([reader, confused], unlabeled) == 0
    assert unlabeled_score(reader, unlabeled) == good  # what is changed is the same each time


def test_nothing_to_choose_from_is_refused() -> None:
    with pytest.raises(InputError, match="no recognizer to choose"):
        best_without_labels([], small_image_set(9))
