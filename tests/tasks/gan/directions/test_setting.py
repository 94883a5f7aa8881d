"""Figures that are set to a value, figures of one's own, and directions of what people said of samples."""

from pathlib import Path

import numpy as np
import pytest
import torch

from elmyr.core.errors import InputError
from elmyr.core.notes import Note
from elmyr.core.plugins import register
from elmyr.tasks.gan import open_gan
from elmyr.tasks.gan.directions import Directions, Setting, changes_for, find_directions
from elmyr.tasks.gan.directions.figures import values_of
from elmyr.tasks.gan.model import GAN

STORED = Path(__file__).parents[3] / "stored" / "gan" / "finished"
QUICK = {"count": 3_000, "judged": 30}


@pytest.fixture(scope="module")
def gan() -> GAN:
    return open_gan(STORED, device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def found(gan: GAN) -> Directions:
    return find_directions(gan, "brightness", **QUICK)


def test_a_figure_comes_nearer_to_what_was_asked_for(gan: GAN, found: Directions) -> None:
    plain = values_of(["brightness"], gan.sample(60, seed=2).images)[:, 0]
    wanted = float(np.quantile(plain, 0.8))
    setting = Setting(gan, found, {"brightness": wanted})
    came = values_of(["brightness"], gan.sample(60, seed=2, move=setting).images)[:, 0]
    assert abs(came - wanted).mean() < 0.6 * abs(plain - wanted).mean()
    assert (abs(came - wanted) <= abs(plain - wanted) + 1e-9).all()  # the first that is measured is the plain sample
    assert f"brightness {wanted:g} was asked for" in next(setting.lines())
    again = gan.sample(7, seed=2, move=Setting(gan, found, {"brightness": wanted}))
    assert np.array_equal(again.images, gan.sample(60, seed=2, move=setting).images[:7])


def test_what_has_no_direction_cannot_be_set(gan: GAN, found: Directions) -> None:
    with pytest.raises(InputError, match="no direction of the figure 'bright', which could be set: did you mean"):
        Setting(gan, found, {"bright": 1.0})
    with pytest.raises(InputError, match="elmyr directions RUN finds them"):
        Setting(gan, find_directions(gan, "sefa", **QUICK), {"brightness": 1.0})
    assert changes_for(gan, {}, {}) == (None, None)


def test_a_figure_of_ones_own_is_a_direction_like_the_others(gan: GAN) -> None:
    @register("image figure", "top-heavy")
    def top_heavy(images: np.ndarray) -> np.ndarray:
        return np.asarray(images[:, :4].mean((1, 2, 3)) - images[:, 4:].mean((1, 2, 3)))

    (direction,) = find_directions(gan, "top-heavy", **QUICK).all
    assert direction.moves == "top-heavy" and direction.correlation > 0.5
    assert {"brightness", "contrast"} <= direction.others.keys()
    with pytest.raises(InputError, match="figure of an image 'slant' is there already"):
        register("image figure", "slant", top_heavy)


def test_a_figure_that_gives_no_number_for_each_image_is_refused(gan: GAN) -> None:
    register("image figure", "one-for-all", lambda images: 3.0)
    with pytest.raises(InputError, match="the figure 'one-for-all' gives .* for 3000 images: give a number for each"):
        find_directions(gan, "one-for-all", **QUICK)


def rate(gan: GAN, path: Path, count: int, names: bool = False) -> None:
    """A table of how bright samples are, and of nothing."""
    values = values_of(["brightness"], gan.sample(count).images)[:, 0]
    noise = np.random.default_rng(0).normal(size=count)
    rows = [
        f"{f'samples/{number:06}.png,' if names else ''}{value:.4f},{one:.4f},text"
        for number, (value, one) in enumerate(zip(values, noise, strict=True))
    ]
    if names:
        rows = [rows[place] for place in np.random.default_rng(1).permutation(count)]
    path.write_text("\n".join([f"{'file,' if names else ''}How Bright,noise,remark", *rows]), encoding="utf-8")


def test_ratings_become_directions_whatever_the_order_of_the_rows(gan: GAN, tmp_path: Path) -> None:
    rate(gan, tmp_path / "a.csv", 600)
    rate(gan, tmp_path / "b.csv", 600, names=True)
    with pytest.warns(Note, match="'noise' is hardly told by the latents"):
        found = find_directions(gan, str(tmp_path / "a.csv"), **QUICK)
    assert found.names == ["rated-how-bright", "rated-noise"]
    bright = found.all[0]
    assert bright.way == "rated" and bright.moves in ("brightness", "contrast") and abs(bright.correlation) > 0.5
    with pytest.warns(Note):
        same = find_directions(gan, [str(tmp_path / "b.csv"), "brightness"], **QUICK)
    assert torch.allclose(same.vectors["rated-how-bright"], found.vectors["rated-how-bright"], atol=1e-5)
    assert same.names[0] == "brightness"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "cannot be read as a table"),
        ("a,b\n1\n", "row 2 of .* has not 2 cells"),
        ("a\n" + "cat\n" * 30, "has no column with a number in every row"),
        ("a\n" + "1\n2\n" * 3, "has 6 rows, at least 20 are needed"),
        ("a\n" + "1\n" * 30, "the column 'a' of .* does not vary: leave it out"),
        ("file,a\n" + "cat.png,1\n" * 30, "tells of 'cat', which is no sample of the GAN"),
    ],
)
def test_tables_that_tell_of_no_samples_are_refused(gan: GAN, tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "a.csv").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        find_directions(gan, str(tmp_path / "a.csv"), **QUICK)
    with pytest.raises(InputError, match="cannot be read as a table"):
        find_directions(gan, "none.csv", **QUICK)
