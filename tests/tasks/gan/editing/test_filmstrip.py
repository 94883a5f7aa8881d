from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from elmyr.core.errors import InputError
from elmyr.tasks.gan.editing import check_filmstrip, save_filmstrip, walks
from tests.tasks.gan.editing.test_between import new_gan


def test_a_walk_between_two_classes_keeps_the_seed_of_its_row() -> None:
    gan = new_gan()
    images = walks(gan, from_class="a", to_class="c", from_seed=3, rows=2, steps=4)
    assert images.shape == (2, 4, 8, 8, 1)
    for row in range(2):
        for step, name in ((0, "a"), (3, "c")):
            assert np.array_equal(images[row, step], gan.sample(1, seed=3 + row, label=name).images[0])


def test_a_walk_between_seeds_ends_where_it_is_told_else_at_one_that_no_row_begins_with() -> None:
    gan = new_gan(classes=())
    for to_seed, ends in ((7, (7, 8)), (None, (2, 3))):
        images = walks(gan, to_seed=to_seed, rows=2, steps=2)
        assert [np.array_equal(images[row, 1], gan.sample(1, seed=ends[row]).images[0]) for row in range(2)] == [
            True
        ] * 2


def test_a_strip_has_a_row_for_each_walk_and_an_animation_goes_there_and_back(tmp_path: Path) -> None:
    images = np.zeros((2, 5, 8, 8, 3), np.uint8)
    images += np.arange(0, 150, 30, np.uint8)[None, :, None, None, None]
    save_filmstrip(images, tmp_path / "strip.png")
    with Image.open(tmp_path / "strip.png") as strip:
        assert strip.width >= 480 and strip.height / strip.width == pytest.approx(17 / 44)
    save_filmstrip(images, tmp_path / "walk.gif")
    with Image.open(tmp_path / "walk.gif") as walk:
        assert walk.n_frames == 8 and walk.info["loop"] == 0 and walk.width >= 480
        shown = []
        for frame in range(8):
            walk.seek(frame)
            shown.append(walk.convert("RGB").getpixel((0, 0)))
    assert shown[0] == (0, 0, 0) and shown[4] == (120, 120, 120) and shown[1] == shown[7] == (30, 30, 30)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"rows": 0}, "0 rows"),
        ({"rows": 17}, "from 1 to 16"),
        ({"from_class": "z"}, "no class 'z'"),
        ({"steps": 1}, "2"),
    ],
)
def test_what_no_walk_can_be_is_refused(asked: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        walks(new_gan(), **asked)  # type: ignore[arg-type]  # on purpose


def test_a_strip_with_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"give it the suffix \.png \(a strip\) or \.gif"):
        check_filmstrip(tmp_path / "walk.jpg")
