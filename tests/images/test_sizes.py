"""Photos of large and mixed sizes: a size is chosen by whatever trains, told, and remembered; else it is named."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from elmyr.core.errors import InputError
from elmyr.core.notes import kept_notes
from elmyr.engine.spec import Asked
from elmyr.images import Shaping, open_source
from elmyr.images.dataset.sizes import LARGEST_SIDE, SMALLEST_SIDE, size_for_training, suitable_size
from elmyr.studies.plan import StudyAsk, make_study_plan
from elmyr.tasks.gan.plan import GANAsk, plan_of, splits_of
from elmyr.tasks.recognition.label_errors.suspected import labels_to_doubt
from elmyr.tasks.translation.domains import open_domains

SIZE = st.tuples(st.integers(1, 5000), st.integers(1, 5000))


@pytest.mark.parametrize(
    ("sizes", "chosen"),
    [
        ([(28, 28)], None),
        ([(100, 120)], None),
        ([(256, 256)], (64, 64)),
        ([(3024, 4032), (160, 200)], (64, 64)),
        ([(20, 20), (40, 44), (30, 33)], (32, 32)),
        ([(4, 4)], (8, 8)),
        ([(28, 28), (28, 30)], (32, 32)),
    ],
    ids=str,
)
def test_a_size_is_chosen_where_they_differ_or_no_gan_makes_them(
    sizes: list[tuple[int, int]], chosen: tuple[int, int] | None
) -> None:
    assert size_for_training(Counter(sizes)) == chosen


@settings(deadline=None)
@given(st.lists(SIZE, min_size=1, max_size=6))
def test_what_is_chosen_is_made_by_a_gan_and_does_not_follow_the_order(sizes: list[tuple[int, int]]) -> None:
    height, width = suitable_size(Counter(sizes))
    assert SMALLEST_SIDE <= height == width <= LARGEST_SIDE
    assert suitable_size(Counter(sizes[::-1])) == (height, width)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Class folders of photos of two sizes."""
    for number in range(24):
        random = np.random.default_rng(number)
        small = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        (tmp_path / "photos" / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        size = (200, 150) if number % 3 else (300, 200)
        small.resize(size).save(tmp_path / "photos" / "ab"[number % 2] / f"{number:02}.jpg")
    return tmp_path / "photos"


CHOSEN = "images of 150x200 to 200x300: taken at 64x64 (--fit crop); another size with --size"


def test_every_plan_of_a_training_takes_the_size_tells_it_and_keeps_it(photos: Path) -> None:
    for plan in (
        lambda: plan_of(GANAsk(photos)).config.data.shaping,
        lambda: make_study_plan(StudyAsk(photos, seeds=1)).shaping,
        lambda: open_domains(photos, photos, paired=False, seed=0).shaping,
    ):
        with kept_notes() as told:
            shaping = plan()
        assert shaping.size == (64, 64) and told == [f"'{photos}': {CHOSEN}"]
    with kept_notes() as told:
        assert labels_to_doubt(photos).images.images.shape == (24, 64, 64, 3) and len(told) == 1


def test_what_was_chosen_is_taken_again_without_a_word(photos: Path) -> None:
    with kept_notes():
        config = plan_of(GANAsk(photos)).config
    with kept_notes() as told:
        assert splits_of(config).train.images.shape[1:] == (64, 64, 3)
    assert told == []


def test_a_size_that_is_asked_for_is_taken_by_itself(photos: Path) -> None:
    with kept_notes() as told:
        config = plan_of(GANAsk(photos, asked=Asked(shaping=Shaping(size=(32, 48), fit="pad")))).config
    assert (config.gan.height, config.gan.width) == config.data.shaping.size == (32, 48) and told == []


def test_what_does_not_train_is_told_the_size_to_pass(photos: Path) -> None:
    with pytest.raises(InputError, match=r"the others are 150x200: .*pass --size 150x200"):
        open_source(photos)
    with pytest.raises(InputError, match=r"a GAN makes 8 to 256 pixels a side: pass --size 64"):
        plan_of(GANAsk(photos, asked=Asked(shaping=Shaping(size=(300, 200)))))


def test_an_array_of_large_images_is_brought_to_the_size_too(tmp_path: Path) -> None:
    np.savez(tmp_path / "large.npz", images=np.random.default_rng(0).integers(0, 256, (9, 160, 200), dtype=np.uint8))
    with kept_notes() as told:
        source = open_source(tmp_path / "large.npz", choose_size=True)
    assert source.train.images.shape == (9, 64, 64, 1)
    assert told == ["'large': images of 160x200: taken at 64x64 (--fit crop); another size with --size"]
