import numpy as np
import pytest

from elmyr.errors import InputError
from elmyr.images import ImageSet


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def labels(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_it_knows_its_size() -> None:
    images = ImageSet(pixels(2, 3, 4, 1), None)
    assert (len(images), images.height, images.width, images.channels) == (2, 3, 4, 1)


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 2), (2, 3, 4, 4), (2, 0, 4, 1)])
def test_a_wrong_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="shape"):
        ImageSet(pixels(*shape), None)


@pytest.mark.parametrize(
    ("given", "classes", "message"),
    [
        (labels(0, 1), (), "one label an image"),
        (labels(0, -1, 1), (), "from -1 to 1"),
        (labels(0, 1, 10**12), (), "from 0 to 1000000000000"),
        (labels(0, 1, 2), ("a", "b"), "label 2 has no name among 2"),
        (labels(0, 1, 1), ("a", "a"), "two classes are named 'a'"),
        (np.array([0, 1, 1], np.int32), (), "int32, not int64"),
        (None, ("a",), "no labels"),
    ],
)
def test_labels_that_do_not_fit_are_refused(given: np.ndarray, classes: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ImageSet(pixels(3, 2, 2, 1), given, classes)


def test_pixels_that_are_not_uint8_are_refused() -> None:
    with pytest.raises(InputError, match="float64, not uint8"):
        ImageSet(pixels(1, 2, 2, 1) / 255, None)


def test_labels_without_names_get_their_numbers_as_names() -> None:
    assert ImageSet(pixels(2, 2, 2, 3), labels(0, 2)).classes == ("0", "1", "2")


def test_taking_keeps_order_labels_classes_and_name() -> None:
    images = ImageSet(pixels(4, 2, 2, 1), labels(0, 1, 0, 1), ("a", "b", "c"), "letters")
    taken = images.take([3, 0])
    assert np.array_equal(taken.images, images.images[[3, 0]])
    assert taken.require_labels().tolist() == [1, 0]
    assert (taken.classes, taken.name) == (("a", "b", "c"), "letters")
    assert len(images.take([])) == 0


def test_the_digest_changes_with_every_part_of_the_content_and_with_nothing_else() -> None:
    first = pixels(2, 2, 4, 1)
    other = first.copy()
    other[1, 0, 0] ^= 1
    sets = [
        ImageSet(first, None),
        ImageSet(other, None),
        ImageSet(first.reshape(2, 4, 2, 1), None),
        ImageSet(first, labels(0, 1)),
        ImageSet(first, labels(1, 0)),
        ImageSet(first, labels(0, 1), ("a", "b")),
    ]
    assert len({images.digest() for images in sets}) == len(sets)
    strided = np.asfortranarray(first)
    assert ImageSet(strided, None, name="again").digest() == sets[0].digest()
    assert len(sets[0].digest()) == 64


def test_labels_that_are_needed_and_missing_are_told_with_the_mend() -> None:
    with pytest.raises(InputError, match="'plain' has no labels: .*folder for each class"):
        ImageSet(pixels(1, 2, 2, 1), None, name="plain").require_labels()
