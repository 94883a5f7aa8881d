"""Derived sets: named like any other, functions of their base, and what their names promise."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from elmyr.core.errors import InputError
from elmyr.images import load_images, open_source
from elmyr.images.dataset.imageset import ImageSet
from elmyr.images.dataset.sources import lasting_name
from elmyr.images.derived import DERIVED
from elmyr.images.derived.photos import over_photos
from elmyr.images.derived.strokes import slanted, thickened, thinned
from elmyr.metrics import slant, stroke_thickness


def strokes(count: int = 30) -> np.ndarray:
    """Upright bars and crosses of soft borders."""
    images = np.zeros((count, 28, 28, 1), np.uint8)
    for number, image in enumerate(images):
        left = 8 + number % 8
        image[5:23, left : left + 3] = 255
        image[5:23, left - 1] = 90
        if number % 2:
            image[13:16, 5:22] = 255
    return images


def photos(folder: Path, count: int = 24, side: int = 32) -> Path:
    """CIFAR-10 as the Hugging Face hub has it: photo *i* is of one color, with a red of 5 * i."""
    folder = folder / "cifar10"
    folder.mkdir(parents=True)
    for part, number in (("train", count), ("test", 3)):
        rows = []
        for place in range(number):
            file = io.BytesIO()
            pixels = np.full((side, side, 3), (5 * place, 100, 200), np.uint8)
            Image.fromarray(pixels).save(file, "PNG")
            rows.append({"img": {"bytes": file.getvalue(), "path": None}, "label": place % 2})
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{part}-00000-of-00001.parquet")
    return folder.parent


@pytest.mark.parametrize("name", ["digits-thick", "digits-thin", "digits-slant"])
def test_a_derived_set_has_the_labels_of_its_base_and_its_own_name(name: str) -> None:
    base, derived = load_images("digits"), load_images(name)
    assert derived.name == name and derived.classes == base.classes
    assert np.array_equal(derived.require_labels(), base.require_labels())
    assert derived.images.shape == base.images.shape and not np.array_equal(derived.images, base.images)
    assert derived.digest() == load_images(name).digest()
    assert lasting_name(name) == name


def test_strokes_become_thicker_and_thinner_by_two_pixels_and_do_not_break() -> None:
    images = strokes()
    plain, thick, thin = (
        stroke_thickness(each[..., 0].astype(float)).mean()
        for each in (images, thickened(images)[:], thinned(images)[:])
    )
    assert thick - plain == pytest.approx(2, abs=0.7)  # the ends count, too
    assert 1 <= thin < plain - 1
    assert (np.asarray(thinned(images)[:]) <= images).all() and (np.asarray(thickened(images)[:]) >= images).all()
    line = np.zeros((1, 28, 28, 1), np.uint8)
    line[0, 4:24, 14] = 255
    assert np.array_equal(thinned(line)[:], line)


def test_slanted_images_lean_by_half_a_column_a_row() -> None:
    images = strokes()[::2]
    before, after = (slant(each[..., 0].astype(float)) for each in (images, np.asarray(slanted(images)[:])))
    assert after - before == pytest.approx(0.5, abs=0.03)


def test_over_photos_is_the_absolute_difference_and_test_images_have_other_photos() -> None:
    rng = np.random.default_rng(0)
    digits = ImageSet(rng.integers(0, 256, (50, 8, 8, 1), dtype=np.uint8), np.arange(50) % 2)
    colors = np.zeros((12, 10, 10, 3), np.uint8)
    colors[:] = np.arange(12, dtype=np.uint8)[:, None, None, None] * 20
    train, test = over_photos((digits, digits), ImageSet(colors, None))
    assert train is not None and test is not None and train.shape == (50, 8, 8, 3)
    for made, values in ((train, set(range(0, 200, 20))), (test, {200, 220})):
        found = set()
        for image, digit in zip(made[:], digits.images[:], strict=True):
            ((value,),) = [
                {v for v in range(0, 240, 20) if np.array_equal(np.abs(v - digit.astype(int)).repeat(3, 2), image)}
            ]
            found.add(value)
        assert found <= values and len(found) > 1


def test_digits_over_photos_by_name(tmp_path: Path) -> None:
    source = open_source("digits-m", photos(tmp_path))
    assert source.train.images.shape == (1797, 8, 8, 3) and source.test is None
    assert np.array_equal(source.train.require_labels(), load_images("digits").require_labels())
    ground = source.train.images[load_images("digits").images[..., 0] == 0]
    assert set(ground[:, 1]) == {100} and set(ground[:, 2]) == {200}
    assert len(set(ground[:, 0])) == 20  # five sixths of the photos


@pytest.mark.parametrize("name", ["mnist-thick", "mnist-m"])
def test_a_missing_base_is_told_as_by_itself(name: str) -> None:
    with pytest.raises(InputError, match="mnist") as derived:
        open_source(name)
    with pytest.raises(InputError) as own:
        open_source("mnist")
    assert str(derived.value) == str(own.value)


def test_missing_photos_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cifar-10-binary"):
        open_source("digits-m", tmp_path)


def test_photos_smaller_than_the_images_are_refused() -> None:
    digits = ImageSet(np.zeros((4, 12, 12, 1), np.uint8), None)
    with pytest.raises(InputError, match="larger ones are needed"):
        over_photos((digits, None), ImageSet(np.zeros((12, 10, 10, 3), np.uint8), None))


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    assert "mnist-thick" in DERIVED
    with pytest.raises(InputError, match="did you mean 'mnist-thick'"):
        open_source("mnist-thik")
