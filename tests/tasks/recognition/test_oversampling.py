import numpy as np
import pytest

from elmyr.core.errors import InputError
from elmyr.images import ImageSet
from elmyr.tasks.recognition import resampled
from tests.conftest import small_image_set


def of_counts(*counts: int) -> ImageSet:
    """Blobs, so many of each class, in a random order."""
    blobs = small_image_set(len(counts) * max(counts), classes=len(counts))
    labels = blobs.require_labels()
    places = np.concatenate([np.flatnonzero(labels == label)[:count] for label, count in enumerate(counts)])
    return blobs.take(np.random.default_rng(0).permutation(places))


@pytest.mark.parametrize("how", ["random", "smote"])
def test_every_class_becomes_as_large_as_the_largest_and_what_was_there_stays(how: str) -> None:
    few = of_counts(20, 9, 3, 1)
    filled = resampled(few, how)
    assert np.bincount(filled.require_labels()).tolist() == [20] * 4
    assert np.array_equal(filled.images[:33], few.images) and np.array_equal(filled.labels[:33], few.labels)
    assert (filled.classes, filled.name) == (few.classes, few.name)


def test_random_over_sampling_repeats_images() -> None:
    few = of_counts(20, 4)
    filled = resampled(few)
    originals = {(image.tobytes(), label) for image, label in zip(few.images, few.require_labels(), strict=True)}
    more = filled.take(np.arange(24, 40))
    assert {(image.tobytes(), label) for image, label in zip(more.images, more.require_labels(), strict=True)} <= (
        originals
    )


def test_smote_mixes_two_images_of_the_class_pixel_by_pixel() -> None:
    few = of_counts(30, 2)
    one, other = few.images[few.labels == 1].astype(float)
    made = resampled(few, "smote").take(np.arange(32, 60)).images.astype(float)
    across = (other - one).ravel()
    shares = (made.reshape(28, -1) - one.ravel()) @ across / (across @ across)
    assert ((shares >= -0.01) & (shares <= 1.01)).all() and shares.std() > 0.1
    assert np.abs(made - (one + shares[:, None, None, None] * (other - one))).max() < 1.5  # rounded to bytes


def test_the_only_image_of_a_class_is_repeated_by_smote() -> None:
    few = of_counts(12, 1, 5)
    filled = resampled(few, "smote")
    lonely = few.images[few.labels == 1]
    assert (filled.images[filled.labels == 1] == lonely).all() and (filled.labels == 1).sum() == 12


def test_the_seed_decides() -> None:
    few = of_counts(20, 6)
    once, again, other = (resampled(few, "smote", seed=seed).digest() for seed in (1, 1, 2))
    assert once == again != other


def test_balanced_classes_and_classes_without_images_stay_as_they_are() -> None:
    even = of_counts(8, 8)
    assert resampled(even, "smote").digest() == even.digest()
    absent = ImageSet(even.images[:12], np.r_[np.zeros(8, np.int64), np.full(4, 2)], ("a", "b", "c"))
    assert np.bincount(resampled(absent, "random").require_labels()).tolist() == [8, 0, 8]


def test_what_cannot_be_filled_is_refused() -> None:
    with pytest.raises(InputError, match="no over-sampling 'smot': did you mean 'smote'"):
        resampled(of_counts(3, 2), "smot")
    with pytest.raises(InputError, match="no labels"):
        resampled(ImageSet(of_counts(3, 2).images, None))
    with pytest.raises(InputError, match="fewer than two classes"):
        resampled(of_counts(3, 2).take([0]))


@pytest.mark.usefixtures("without_imbalanced_learn")
def test_without_imbalanced_learn_the_extra_is_named() -> None:
    with pytest.raises(InputError, match=r"pip install 'elmyr\[balance\]'"):
        resampled(of_counts(3, 2))
