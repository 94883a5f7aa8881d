import base64
import io
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from PIL import Image

from elmyr.core.errors import InputError
from elmyr.images import ImageSet, load_images


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def labels(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_it_knows_its_size() -> None:
    images = ImageSet(pixels(2, 3, 4, 1), None)
    assert (len(images), images.height, images.width, images.channels) == (2, 3, 4, 1)


@pytest.mark.parametrize(
    ("shape", "line"),
    [
        ((2, 8, 8), r"images\[..., None\]"),
        ((2, 3, 8, 8), r"images.transpose\(0, 2, 3, 1\)"),
        ((2, 1, 8, 8), r"images.transpose\(0, 2, 3, 1\)"),
        ((2, 8, 8, 4), r"images\[..., :3\]"),
        ((2, 8, 8, 2), "reshape"),
        ((2, 0, 8, 1), "reshape"),
    ],
)
def test_a_wrong_shape_is_refused_with_the_line_that_mends_it(shape: tuple[int, ...], line: str) -> None:
    with pytest.raises(InputError, match=rf"the shape .* not \(N, H, W, C\).*{line}"):
        ImageSet(pixels(*shape), None)


def test_images_that_are_no_array_are_refused_with_what_takes_them() -> None:
    with pytest.raises(InputError, match=r"of the type list: ImageSet.of\(images, labels\)"):
        ImageSet([[1]], None)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(
    ("given", "classes", "message"),
    [
        (labels(0, 1), (), "one label per image"),
        (labels(0, -1, 1), (), "from -1 to 1"),
        (labels(-1, 1, 1), (), r"np\.where\(labels > 0, 1, 0\)"),
        (labels(0, -1, 1), ("a", "b"), "from -1 to 1"),
        (labels(0, 1, 2), ("a", "b"), "label 2 has no name among 2"),
        (["cat", -1, "dog"], (), "1 of the labels is -1, which stands for an image without a label"),
        (["cat", None, None], (), "2 of the labels are None"),
        (["cat", "-1", "dog"], (), "the word '-1'"),
        (np.array(["cat", np.nan, "dog"], object), (), "1 of the labels is nan"),
        ([0.25, 1.5, 0.75], (), "0.25 among them is no whole number: a class for each image .*np.digitize"),
        (["cat", 1, "dog"], (), "of several types, int and str"),
        ([Path("cat"), Path("cat"), Path("dog")], (), "of the type PosixPath"),
        ([[0, 1], [1], [0]], (), "lists of unequal length"),
        (labels(0, 1, 1), ("a", "a"), "two classes are named 'a'"),
        (None, ("a",), "no labels"),
    ],
)
def test_labels_that_do_not_fit_are_refused(given: np.ndarray, classes: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ImageSet(pixels(3, 2, 2, 1), given, classes)


def test_pixels_that_are_not_uint8_are_refused() -> None:
    with pytest.raises(InputError, match=r"float64, not uint8: .*ImageSet.of.*np.uint8\(255 \* images\)"):
        ImageSet(pixels(1, 2, 2, 1) / 255, None)


def test_labels_without_names_are_named_by_their_own_numbers() -> None:
    images = ImageSet(pixels(2, 2, 2, 3), labels(0, 2))
    assert (images.classes, images.require_labels().tolist()) == (("0", "2"), [0, 1])


@pytest.mark.parametrize(
    ("given", "numbers", "classes"),
    [
        (["dog", "cat", "dog"], [1, 0, 1], ("cat", "dog")),
        (np.array(["dog", "cat", "dog"], object), [1, 0, 1], ("cat", "dog")),
        ([3, 8, 3], [0, 1, 0], ("3", "8")),
        (np.array([3, 8, 3], np.uint8), [0, 1, 0], ("3", "8")),
        (np.array([3, 8, 3], object), [0, 1, 0], ("3", "8")),
        ([3.0, 8.0, 3.0], [0, 1, 0], ("3", "8")),
        ([True, False, True], [1, 0, 1], ("0", "1")),
        (np.array([[3], [8], [3]]), [0, 1, 0], ("3", "8")),
        (torch.tensor([3, 8, 3]), [0, 1, 0], ("3", "8")),
        ((10, 9, 10), [1, 0, 1], ("9", "10")),
    ],
    ids=repr,
)
def test_labels_are_taken_in_every_sort(given: object, numbers: list[int], classes: tuple[str, ...]) -> None:
    images = ImageSet(pixels(3, 2, 2, 1), given)
    assert (images.require_labels().tolist(), images.classes) == (numbers, classes)
    assert images.require_labels().dtype == np.int64


@hypothesis.given(st.lists(st.integers(0, 2**40), min_size=1, max_size=30))
def test_an_image_s_class_is_named_by_its_label_whatever_type_that_has(values: list[int]) -> None:
    blank = np.zeros((len(values), 1, 1, 1), np.uint8)
    for sort in (
        values,
        [str(value) for value in values],
        np.array(values, object),
        [float(value) for value in values],
    ):
        images = ImageSet(blank, sort)
        assert [images.classes[label] for label in images.require_labels()] == [str(value) for value in values]
        assert len(images.classes) == len(set(values))


def test_slices_masks_and_numbers_take_images_with_their_labels(blobs: ImageSet) -> None:
    assert blobs.labels is not None
    mask = blobs.labels == 1
    assert np.array_equal(blobs[:10].images, blobs.images[:10]) and len(blobs[::2]) == 60
    assert set(blobs[mask].require_labels()) == {1} == set(blobs[mask.tolist()].require_labels())
    assert blobs[[5, 3]].require_labels().tolist() == blobs.labels[[5, 3]].tolist()
    image, label = blobs[-1]
    assert np.array_equal(image, blobs.images[-1]) and label == blobs.labels[-1]
    assert [label for _, label in blobs] == blobs.labels.tolist()
    assert np.array_equal(np.asarray(blobs), blobs.images)


def test_a_mask_of_another_length_and_a_place_beyond_the_end_are_refused(blobs: ImageSet) -> None:
    with pytest.raises(InputError, match=r"a mask of the shape \(3,\) for 120 images"):
        blobs[[True, False, True]]
    with pytest.raises(IndexError):
        blobs[120]


def test_a_class_and_a_sample_are_taken(blobs: ImageSet) -> None:
    assert blobs.of_class("b").require_labels().tolist() == [1] * 40 == blobs.of_class(1).require_labels().tolist()
    with pytest.raises(InputError, match="no class 'cat'"):
        blobs.of_class("cat")
    one, again, other = blobs.sample(9), blobs.sample(9), blobs.sample(9, seed=1)
    assert one.digest() == again.digest() != other.digest()
    with pytest.raises(InputError, match="121 of 120 images"):
        blobs.sample(121)


def test_two_sets_are_joined_by_the_names_of_their_classes() -> None:
    one, other = ImageSet(pixels(2, 2, 2, 1), ["a", "b"]), ImageSet(pixels(2, 2, 2, 1), ["c", "b"])
    both = one + other
    assert (both.classes, both.require_labels().tolist()) == (("a", "b", "c"), [0, 1, 2, 1])
    with pytest.raises(InputError, match="cannot be joined: give images of one shape"):
        one + ImageSet(pixels(2, 2, 3, 1), ["a", "b"])


def test_it_says_shortly_what_it_is(blobs: ImageSet) -> None:
    assert repr(blobs) == "ImageSet('blobs': 120 images, 8x8 gray, 3 classes)"
    assert repr(ImageSet(pixels(2, 2, 4, 3))) == "ImageSet('images': 2 images, 2x4 RGB, without labels)"


def test_a_notebook_sees_a_picture_and_the_counts(blobs: ImageSet) -> None:
    shown = blobs._repr_html_()
    assert "120 images" in shown and "a: 40, b: 40, c: 40" in shown
    encoded = shown.partition("data:image/png;base64,")[2].partition('"')[0]
    assert Image.open(io.BytesIO(base64.b64decode(encoded))).size == blobs.show().size
    assert "&lt;script&gt;" in ImageSet(pixels(2, 8, 8, 1), ["<script>", "b"])._repr_html_()


@pytest.mark.parametrize("n", [0, 1, 120])
def test_a_picture_is_wide_enough_to_be_looked_at(blobs: ImageSet, n: int) -> None:
    for images in (blobs[:n], ImageSet(blobs.images[:n])):
        assert images.show().width >= 480


@pytest.mark.parametrize("place", ["set.npz", "set.parquet", "set.tar", "folder"])
def test_it_is_saved_in_the_form_that_its_path_asks_for(blobs: ImageSet, tmp_path: Path, place: str) -> None:
    blobs.save(tmp_path / place)
    again = load_images(tmp_path / place)
    assert again.classes == blobs.classes and sorted(again.require_labels()) == sorted(blobs.require_labels())


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
