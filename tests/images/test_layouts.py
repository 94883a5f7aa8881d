"""Arrays in the layouts that people have: brought into (N, H, W, C), or refused with the line of numpy that does it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.images.dataset.layouts import ORDERS, arranged

PLAIN = np.random.default_rng(0).integers(0, 256, (40, 12, 12, 3), dtype=np.uint8)  # (N, H, W, C)
GRAY = PLAIN[..., :1]


@pytest.mark.parametrize("count", [None, 40])
@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (PLAIN, PLAIN),
        (GRAY[..., 0], GRAY),
        (GRAY, GRAY),
        (PLAIN.transpose(0, 3, 1, 2), PLAIN),
        (GRAY.transpose(0, 3, 1, 2), GRAY),
        (PLAIN.transpose(1, 2, 3, 0), PLAIN),
        (PLAIN.transpose(3, 1, 2, 0), PLAIN),
        (np.moveaxis(GRAY[..., 0], 0, -1), GRAY),
        (GRAY.reshape(40, 144), GRAY),
    ],
    ids=["NHWC", "NHW", "NHW1", "NCHW", "N1HW", "HWCN", "CHWN", "HWN", "flat"],
)
def test_each_layout_becomes_number_height_width_channel(
    images: NDArray[np.uint8], expected: NDArray[np.uint8], count: int | None
) -> None:
    found = arranged(images, count)
    assert np.array_equal(found.images, expected)
    assert bool(found.said) == (images.shape not in (PLAIN.shape, GRAY.shape, GRAY.shape[:3]))


@settings(deadline=None)
@given(st.integers(2, 40), st.integers(1, 30), st.integers(1, 30), st.sampled_from([1, 3]))
def test_labels_tell_the_number_whatever_the_sides_are(number: int, height: int, width: int, channels: int) -> None:
    images = np.arange(number * height * width * channels).reshape(number, height, width, channels)
    assert np.array_equal(arranged(images, number).images, images)
    if number not in (height, width, channels) and not {1, 3} & {height, width}:
        assert np.array_equal(arranged(images.transpose(0, 3, 1, 2), number).images, images)
        assert np.array_equal(arranged(np.moveaxis(images, 0, -1), number).images, images)


@settings(deadline=None)
@given(st.lists(st.integers(0, 20), min_size=0, max_size=4), st.none() | st.integers(0, 20))
def test_any_shape_is_arranged_without_losing_a_value_or_refused_in_one_line(
    shape: list[int], count: int | None
) -> None:
    images = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    try:
        found = arranged(images, count).images
    except InputError as error:
        assert len(str(error).splitlines()) == 1 and len(str(error)) < 400
        return
    assert found.ndim == 4 and found.shape[3] in (1, 3) and (count is None or len(found) == count)
    assert np.array_equal(np.sort(found.ravel()), images.ravel())


@pytest.mark.parametrize(
    ("shape", "count", "mend"),
    [
        ((28, 28, 30), None, r"np\.moveaxis\(images, -1, 0\)"),
        ((32, 48, 1000), None, r"np\.moveaxis\(images, -1, 0\)"),
        ((28, 28, 3), None, r"one image of 28x28 with 3 channels\?"),
        ((50, 28, 28, 4), 50, r"images\[\.\.\., :3\]"),
        ((50, 4, 28, 28), 50, r"np\.moveaxis\(images\[:, :3\], 1, -1\)"),
        ((50, 3072), 50, r"reshape\(-1, 3, 32, 32\)\.transpose\(0, 2, 3, 1\)"),
        ((50, 800), 50, r"images\.reshape\(-1, HEIGHT, WIDTH\)"),
        ((28, 28), None, "one image"),
        ((200, 28, 28), 150, "150 labels, and the images have the shape"),
        ((5, 200, 28, 28, 1), None, r"reshape\(-1, HEIGHT, WIDTH, CHANNELS\)"),
        ((0, 28, 28), None, "no images"),
    ],
    ids=str,
)
def test_what_may_mean_two_things_is_refused_with_the_line_that_mends_it(
    shape: tuple[int, ...], count: int | None, mend: str
) -> None:
    with pytest.raises(InputError, match=mend):
        arranged(np.zeros(shape, np.uint8), count)


def test_every_order_is_said_with_the_line_of_numpy_that_does_the_same() -> None:
    for order, line in ORDERS.items():
        if line == "images":
            continue
        images = PLAIN if "C" in order else GRAY[..., 0]
        given = images.transpose([("NHWC" if "C" in order else "NHW").index(axis) for axis in order])
        found = arranged(given, 40)
        done = eval(found.said.split(": ")[1], {"np": np, "images": given})  # the line that we say
        assert np.array_equal(done.reshape(found.images.shape), found.images), order
