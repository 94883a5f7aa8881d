import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from elmyr.core.errors import InputError
from elmyr.images.decode.digit import prepare_digit


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


def lit(picture: NDArray[np.uint8], light: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A picture of ink on white paper as it is seen in this light, with the noise of a camera."""
    noise = np.random.default_rng(0).normal(0, 2, picture.shape)
    return (picture / 255 * light + noise).clip(0, 255).astype(np.uint8)


Y, X = np.mgrid[0 : 1 : 200 * 1j, 0 : 1 : 300 * 1j]
LIGHTS = {
    "a shadow from one side": 110 + 125 * X,
    "a shadow from a corner": 90 + 70 * X + 70 * Y,
    "the soft edge of a shadow": 120 + 100 / (1 + np.exp(-25 * (X - 0.4))),
    "a lamp": 120 + 110 * np.exp(-5 * ((X - 0.3) ** 2 + (Y - 0.3) ** 2)),
    "a dark border": 230 - 300 * ((X - 0.5) ** 2 + (Y - 0.5) ** 2),
    "a dim room": np.full(X.shape, 90.0),
    "lines": np.where(np.arange(200)[:, None] % 24 < 2, 200.0, 225.0) * np.ones(X.shape),
    "dark lines": np.where(np.arange(200)[:, None] % 40 < 2, 165.0, 225.0) * np.ones(X.shape),
    "lines askew": np.where((np.arange(200)[:, None] + np.arange(300) // 30) % 40 < 2, 165.0, 225.0),
    "squares": np.where((np.arange(200)[:, None] % 20 < 1) | (np.arange(300) % 20 < 1), 200.0, 225.0),
}


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("ink", [20, 60])
def test_uneven_light_and_lined_paper_do_not_change_the_character(light: str, ink: int) -> None:
    even = prepare_digit(drawn(ink=ink)).astype(int)
    apart = np.abs(prepare_digit(lit(drawn(ink=ink), LIGHTS[light])) - even)
    assert apart.mean() < 4 and (apart > 100).mean() < 0.02


@pytest.mark.parametrize("askew", [0, 4])
@pytest.mark.parametrize("table", [40, 120])
def test_a_sheet_on_a_darker_table_is_cut_out(askew: int, table: int) -> None:
    sheet = Image.fromarray(lit(drawn(ink=30), 190 + 40 * X))
    photo = Image.new("L", (420, 300), table)
    photo.paste(sheet.rotate(askew, expand=True, fillcolor=table), (50, 30))
    flat = np.asarray(Image.fromarray(drawn()).rotate(askew, fillcolor=255))
    apart = np.abs(prepare_digit(np.asarray(photo)).astype(int) - prepare_digit(flat))
    assert apart.mean() < 6 and (apart > 100).mean() < 0.02


@pytest.mark.parametrize("shape", ["0", "1", "frame"])
def test_a_light_character_is_no_sheet(shape: str) -> None:
    board = Image.new("L", (200, 200), 20)
    pencil = ImageDraw.Draw(board)
    if shape == "0":
        pencil.ellipse((60, 30, 140, 170), outline=240, width=30)
    elif shape == "1":
        pencil.rectangle((80, 20, 120, 180), fill=240)
    else:
        pencil.rectangle((50, 30, 150, 170), outline=240, width=22)
    pixels = np.asarray(board)
    assert np.abs(prepare_digit(pixels).astype(int) - prepare_digit(255 - pixels)).mean() < 3


def test_chalk_on_a_board_in_a_shadow_is_the_same_character() -> None:
    board = 255 - lit(drawn(), 190 + 40 * X)
    assert np.abs(prepare_digit(board) - prepare_digit(drawn()).astype(int)).mean() < 4


def test_spots_of_dust_are_no_ink() -> None:
    dusty = drawn()
    dusty[3:5, 3:5] = dusty[195:197, 290:292] = 0
    assert np.abs(prepare_digit(dusty) - prepare_digit(drawn()).astype(int)).max() <= 2


def test_a_photo_of_a_phone_is_the_picture_of_a_small_camera() -> None:
    small = lit(drawn(), 150 + 85 * X)
    large = np.kron(small, np.ones((10, 10), np.uint8))  # 6 megapixels
    assert np.abs(prepare_digit(large) - prepare_digit(small).astype(int)).mean() < 4


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_any_picture_is_prepared_or_refused(height: int, width: int, seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    try:
        prepared = prepare_digit(picture)
    except InputError:
        return
    assert prepared.shape == (28, 28) and prepared.max() == 255
