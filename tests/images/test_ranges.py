"""Values of any range as bytes: the range is that of the set, and what is not clear is refused with the option."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elmyr.core.errors import InputError
from elmyr.images.dataset.ranges import (
    BYTES,
    LEVELS,
    Extent,
    extent_of,
    found_range,
    held,
    in_bytes,
    is_plain,
    parse_range,
    range_note,
)


def values(highest: float, dtype: Any, lowest: float = 0, n: int = 20) -> np.ndarray:
    """Images whose values go from the lowest to the highest."""
    return np.linspace(lowest, highest, n * 16).astype(dtype).reshape(n, 4, 4, 1)


@pytest.mark.parametrize(
    ("images", "white"),
    [
        (values(255, np.uint8), 255),
        (values(40, np.uint8), 255),  # of low contrast: left as it is
        (values(17, np.uint8), 255),
        (values(16, np.uint8), 16),
        (values(15, np.uint8), 15),
        (values(1, np.uint8), 1),
        (values(1, np.uint8, n=5), 255),  # too few to tell
        (values(1, bool), 1),
        (values(255, np.int64), 255),
        (values(16, np.float64), 16),
        (values(255, np.float32), 255),
        (values(1, np.float32), 1),
        (values(0.4, np.float64), 1),
        (values(4080, np.uint16), 4095),
        (values(1000, np.uint16), 1023),
        (values(16000, np.uint16), 16383),
        (values(40000, np.uint16), 65535),
        (values(200, np.uint16), 255),
    ],
)
def test_the_range_is_the_fewest_bits_that_hold_the_brightest_value_of_the_set(images: np.ndarray, white: int) -> None:
    extent = extent_of(images)
    found = found_range(extent)
    assert found == (0, white)
    whole = {"uint8": 255, "uint16": 65535, "bool": 1}.get(str(images.dtype)) == white
    assert range_note(found, extent) == "" if whole else f"{white} as white" in range_note(found, extent)


def test_what_a_range_cuts_off_is_said() -> None:
    assert "beyond 0 (black) and 100 (white) is cut off" in range_note((0, 100), extent_of(values(200, np.uint16)))


def test_floats_around_zero_are_of_minus_one_to_one() -> None:
    assert found_range(extent_of(values(0.9, np.float32, -0.8))) == (-1, 1)
    assert in_bytes(np.array([-1.0, 0.0, 1.0]), (-1, 1)).tolist() == [0, 128, 255]


@pytest.mark.parametrize(
    ("lowest", "highest", "range_"),
    [(0.0, 1.001, (0, 1)), (-0.04, 1.1, (0, 1)), (-0.01, 0.99, (0, 1)), (-1.1, 1.05, (-1, 1)), (-0.6, 1.2, (-1, 1))],
)
def test_floats_that_a_resize_took_a_little_beyond_their_range_keep_it(
    lowest: float, highest: float, range_: Any
) -> None:
    extent = extent_of(values(highest, np.float32, lowest))
    assert found_range(extent) == range_
    cut = extent.lowest < range_[0] or extent.highest > range_[1]
    assert ("is cut off" in range_note(range_, extent)) == cut


@pytest.mark.parametrize("images", [values(3, np.float32, -2), values(70_000, np.int64), values(10, np.int8, -10)])
def test_what_no_usual_range_holds_is_refused_with_the_option_that_says_it(images: np.ndarray) -> None:
    with pytest.raises(InputError, match="pass --range "):
        found_range(extent_of(images))


def test_values_that_are_no_numbers_are_refused_by_the_image() -> None:
    images = values(1, np.float32)
    images[7, 2, 2] = np.nan
    with pytest.raises(InputError, match="image 7 has values that are no numbers"):
        extent_of(images)
    with pytest.raises(InputError, match="not numbers"):
        extent_of(np.array([["a"]]))


@pytest.mark.parametrize(
    ("asked", "images", "taken"),
    [
        ((0, 100), values(255, np.uint8), (0, 100)),  # what is asked for holds, though it cuts off
        ((0, 4095), values(4000, np.uint16), (0, 4095)),
        ((0, 4095), values(500, np.uint16), (0, 4095)),  # a dark one is not stretched for itself
        ((0, 4095), values(255, np.uint8), BYTES),  # 8 bits shown to a model of 12 bits
        ((-1, 1), values(255, np.uint8), BYTES),  # and to one of floats
        ((0, 255), values(1, np.float32), (0, 1)),  # floats shown to a model of 8 bits
        ((0, 1), values(1, np.uint8), (0, 1)),
    ],
)
def test_a_range_holds_for_values_of_its_kind(asked: Any, images: np.ndarray, taken: Any) -> None:
    assert held(asked, extent_of(images)) == taken


@settings(deadline=None)
@given(st.sampled_from(LEVELS), st.integers(0, 65535), st.integers(0, 65535))
def test_brighter_stays_brighter_and_the_ends_are_black_and_white(white: int, one: int, other: int) -> None:
    scaled = in_bytes(np.array([0, white, one, other], np.uint16), (0.0, float(white)))
    assert scaled[:2].tolist() == [0, 255]
    assert one > other or scaled[2] <= scaled[3]


@settings(deadline=None)
@given(st.integers(0, 255))
def test_sixteen_bits_of_a_byte_are_that_byte_again(level: int) -> None:
    assert in_bytes(np.array([level * 257], np.uint16), (0, 65535)).tolist() == [level]


def test_bytes_of_the_whole_range_are_not_copied() -> None:
    images = values(255, np.uint8)
    assert in_bytes(images, BYTES) is images
    assert is_plain(BYTES, images.dtype) and not is_plain((0, 4095), np.dtype(np.uint16))


@pytest.mark.parametrize("text", ["", "1", "5:5", "9:1", "a:b", "0:inf", "nan:1", "0:1:2"])
def test_what_is_no_range_is_refused_with_one_that_is(text: str) -> None:
    with pytest.raises(InputError, match="as 0:4095"):
        parse_range(text)


def test_a_range_may_begin_below_zero() -> None:
    assert parse_range("-1:1.5") == (-1, 1.5)


def test_floats_a_little_beyond_one_are_no_range_of_whole_numbers() -> None:
    assert found_range(Extent(np.dtype(np.float32), 0.0, 1.05, 20)) == (0, 1)  # as a resize leaves them
    with pytest.raises(InputError, match=r"--range 0:2\.5"):
        found_range(Extent(np.dtype(np.float32), 0.0, 2.5, 20))
    assert found_range(Extent(np.dtype(np.float64), 0.0, 16.0, 20)) == (0, 16)
