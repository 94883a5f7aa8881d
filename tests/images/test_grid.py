from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from elmyr.core.errors import InputError
from elmyr.images import ImageSet, class_rows, image_grid, save_png

GRAY = 128


def test_a_grid_is_filled_row_by_row_with_lines_between_and_gray_where_nothing_is() -> None:
    images = np.arange(1, 4, dtype=np.uint8).reshape(3, 1, 1, 1).repeat(2, axis=2)  # 1 high, 2 wide
    picture = image_grid(images, 2)
    assert picture[..., 0].tolist() == [[1, 1, GRAY, 2, 2], [GRAY] * 5, [3, 3, GRAY, GRAY, GRAY]]


def test_a_grid_keeps_colors_and_its_width() -> None:
    images = np.zeros((1, 3, 4, 3), np.uint8)
    images[..., 1] = 200
    picture = image_grid(images, 5)
    assert picture.shape == (3, 5 * 4 + 4, 3)
    assert picture[2, 3].tolist() == [0, 200, 0]
    assert np.all(picture[:, 4:] == GRAY)


@pytest.mark.parametrize(("count", "columns"), [(0, 3), (2, 0)])
def test_a_grid_of_nothing_is_refused(count: int, columns: int) -> None:
    with pytest.raises(InputError, match="make no picture"):
        image_grid(np.zeros((count, 2, 2, 1), np.uint8), columns)


def test_every_class_has_a_row_in_order_and_missing_images_are_gray() -> None:
    images = np.array([10, 20, 11, 12], np.uint8).reshape(4, 1, 1, 1)
    labels = np.array([0, 1, 0, 0], np.int64)
    picture = class_rows(ImageSet(images, labels, ("a", "b", "c")), 2)
    assert picture[::2, ::2, 0].tolist() == [[10, 11], [20, GRAY], [GRAY, GRAY]]


def test_rows_of_classes_need_labels_and_a_width() -> None:
    images = np.zeros((2, 1, 1, 1), np.uint8)
    with pytest.raises(InputError, match="no labels"):
        class_rows(ImageSet(images, None), 2)
    with pytest.raises(InputError, match="at least 1"):
        class_rows(ImageSet(images, np.array([0, 1])), 0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("width", "written"), [(3, 480), (28, 504), (289, 578), (480, 480), (481, 481)])
def test_a_png_for_people_is_480_pixels_wide_each_pixel_enlarged_by_a_whole_number(
    tmp_path: Path, channels: int, width: int, written: int
) -> None:
    array = np.random.default_rng(0).integers(0, 256, (2, width, channels), dtype=np.uint8)
    save_png(array, tmp_path / "a.png")
    scale = written // width
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (written, 2 * scale)
        saved = np.asarray(picture).reshape(2 * scale, written, channels)
    assert np.array_equal(saved, np.kron(array, np.ones((scale, scale, 1), np.uint8)))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_png_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    array = np.zeros((2, 2, 1), np.uint8)
    with pytest.raises(InputError, match=r"nowhere.a.png' cannot be written"):
        save_png(array, tmp_path / "nowhere" / "a.png")
    assert list(tmp_path.iterdir()) == []
