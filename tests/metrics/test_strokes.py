"""Thickness and slant of strokes whose thickness and slant are known."""

import numpy as np
import pytest

from elmyr.metrics import skeleton_length, slant, stroke_thickness


def bar(width: int, length: int = 20) -> np.ndarray:
    image = np.zeros((1, 32, 32))
    image[0, 6 : 6 + length, 12 : 12 + width] = 200
    return image


@pytest.mark.parametrize("width", [1, 3, 5])
def test_the_thickness_of_a_bar_is_its_width(width: int) -> None:
    # The skeleton of a wide bar ends before the bar does.
    assert stroke_thickness(bar(width))[0] == pytest.approx(width * 20 / (20 - (width - 1)), rel=0.06)


def test_half_covered_pixels_count_half_whatever_the_ink() -> None:
    image = bar(3)
    image[0, 6:26, 11] = 40
    assert stroke_thickness(image)[0] - stroke_thickness(bar(3))[0] == pytest.approx(0.2, abs=0.05)
    assert stroke_thickness(image / 200)[0] == pytest.approx(stroke_thickness(image)[0])


def test_an_empty_image_has_no_thickness_and_no_slant() -> None:
    empty = np.zeros((1, 8, 8))
    assert np.isnan(stroke_thickness(empty)).all() and np.isnan(slant(empty)).all()


def test_lengths_are_counted_in_steps() -> None:
    lines = np.zeros((3, 8, 8), bool)
    lines[0, 2, 1:6] = True
    lines[1][np.arange(5), np.arange(5)] = True
    lines[2, 2, 1:4] = lines[2, 2:5, 3] = True  # a corner: its diagonal is no step
    assert skeleton_length(lines) == pytest.approx([5, 1 + 4 * np.sqrt(2), 5])


@pytest.mark.parametrize("lean", [-0.6, 0.0, 0.5])
def test_the_slant_of_a_leaning_bar_is_its_lean(lean: float) -> None:
    image = np.zeros((1, 40, 60))
    for row in range(5, 35):
        image[0, row, round(30 + lean * (20 - row))] = 255
    assert slant(image)[0] == pytest.approx(lean, abs=0.02)
