"""Skeletons: by hand, by scikit-image's where it is there, and what thinning must never do."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage

from elmyr.core.skeleton import skeletons

CORNERS = np.ones((3, 3))


def strokes(count: int = 40, side: int = 24) -> np.ndarray:
    """Lines between random points, three to five pixels wide."""
    rng = np.random.default_rng(0)
    images = np.zeros((count, side, side), bool)
    for image in images:
        points = rng.uniform(5, side - 5, (4, 2))
        for begin, end in pairwise(points):
            for share in np.linspace(0, 1, 60):
                row, column = np.rint(begin + share * (end - begin)).astype(int)
                image[row, column] = True
    return np.stack([ndimage.binary_dilation(image, CORNERS, iterations=1 + n % 2) for n, image in enumerate(images)])


def test_a_bar_becomes_the_line_in_its_middle() -> None:
    bar = np.zeros((1, 9, 15), bool)
    bar[0, 3:6, 2:13] = True
    (line,) = skeletons(bar)
    assert set(np.flatnonzero(line.any(1))) == {4}
    assert 8 <= line.sum() <= 11


def test_lines_stay_and_nothing_comes_of_nothing() -> None:
    line = np.zeros((2, 8, 8), bool)
    line[0, 3, 1:7] = True
    assert np.array_equal(skeletons(line), line)


def test_what_hangs_together_still_does_and_holes_stay_holes() -> None:
    images = strokes()
    for image, thin in zip(images, skeletons(images), strict=True):
        assert not (thin & ~image).any()
        assert ndimage.label(thin, CORNERS)[1] == ndimage.label(image, CORNERS)[1]
        assert ndimage.label(~thin)[1] == ndimage.label(~image)[1]
        assert not ndimage.binary_erosion(thin, CORNERS).any()


def test_it_is_near_scikit_images() -> None:
    morphology = pytest.importorskip("skimage.morphology")
    images = strokes()
    theirs = np.stack([morphology.skeletonize(image) for image in images])
    ours = skeletons(images)
    assert int(ours.sum()) == pytest.approx(int(theirs.sum()), rel=0.1)
    far = sum(
        (one & ~ndimage.binary_dilation(other, CORNERS) | other & ~ndimage.binary_dilation(one, CORNERS)).sum()
        for one, other in zip(ours, theirs, strict=True)
    )
    assert far < 0.05 * theirs.sum()  # ends of lines, which theirs lets shrink a little less or more


def test_many_images_are_thinned_as_each_alone() -> None:
    images = strokes(6)
    assert np.array_equal(skeletons(images), np.concatenate([skeletons(image[None]) for image in images]))
