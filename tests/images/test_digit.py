import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from elmyr.errors import InputError
from elmyr.images.digit import prepare_digit


def drawn(height: int = 200, width: int = 300, *, ink: int = 0, paper: int = 255) -> NDArray[np.uint8]:
    """A tall stroke with a foot, right of the middle."""
    picture = np.full((height, width), paper, np.uint8)
    picture[height // 5 : height * 4 // 5, width // 2 : width // 2 + width // 20] = ink
    picture[height * 3 // 4 : height * 4 // 5, width // 2 : width * 7 // 10] = ink
    return picture


def box_of(image: NDArray[np.uint8]) -> tuple[int, int]:
    rows, columns = (np.flatnonzero((image > 40).any(axis)) for axis in (1, 0))
    return int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)


def center_of(image: NDArray[np.uint8]) -> tuple[float, float]:
    weights = image / image.sum()
    rows, columns = (np.arange(side) + 0.5 for side in image.shape)
    return float((weights.sum(1) * rows).sum()), float((weights.sum(0) * columns).sum())


def test_a_character_fills_twenty_pixels_in_its_proportions_with_its_mass_in_the_middle() -> None:
    prepared = prepare_digit(drawn())
    assert prepared.shape == (28, 28) and prepared.dtype == np.uint8 and prepared.max() == 255
    height, width = box_of(prepared)
    assert height == 20 and width == round(20 * 60 / 120)  # the stroke is 120 high and 60 wide
    assert np.allclose(center_of(prepared), 14, atol=0.51)


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0), (60, 200), (200, 90)])
def test_dark_on_light_and_light_on_dark_are_the_same(ink: int, paper: int) -> None:
    expected = prepare_digit(drawn()).astype(int)
    assert np.abs(prepare_digit(drawn(ink=ink, paper=paper)) - expected).max() <= 1


def test_where_and_how_large_it_is_drawn_does_not_matter() -> None:
    small = np.full((100, 100), 255, np.uint8)
    small[10:34, 5:10] = 0
    moved = np.full((100, 100), 255, np.uint8)
    moved[60:84, 80:85] = 0
    assert np.array_equal(prepare_digit(small), prepare_digit(moved))
    large = np.kron(small, np.ones((3, 3), np.uint8))
    assert np.abs(prepare_digit(large).astype(int) - prepare_digit(small)).mean() < 6


def test_other_sizes_keep_the_share_of_the_box() -> None:
    assert box_of(prepare_digit(drawn(), (56, 56)))[0] == 40
    assert prepare_digit(drawn(), (8, 8)).shape == (8, 8)
    assert prepare_digit(drawn(), (28, 40)).shape == (28, 40)


def test_an_empty_sheet_is_no_character() -> None:
    for level in (0, 128, 255):
        with pytest.raises(InputError, match="nothing is drawn"):
            prepare_digit(np.full((50, 50), level, np.uint8))
    faint = np.random.default_rng(0).integers(120, 130, (50, 50), dtype=np.uint8)
    with pytest.raises(InputError, match="nothing is drawn"):
        prepare_digit(faint)
    with pytest.raises(InputError, match="gray pixels"):
        prepare_digit(np.zeros((5, 5, 3), np.uint8))


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_any_picture_is_prepared_or_refused(height: int, width: int, seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    try:
        prepared = prepare_digit(picture)
    except InputError:
        return
    assert prepared.shape == (28, 28) and prepared.max() == 255
