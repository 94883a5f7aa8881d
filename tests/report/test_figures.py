"""Charts: axes end where the values end, and the marks on them are round values inside."""

import re

import pytest

from elmyr.report.charts.svg import BOTTOM, LEFT, RIGHT, TOP, Series, line_chart
from elmyr.report.parts.numbers import axis, tick_labels, ticks


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0.37, 5.2), [1, 2, 3, 4, 5]),
        ((0, 16_000), [0, 5_000, 10_000, 15_000]),
        ((0, 60_000), [0, 20_000, 40_000, 60_000]),
        ((0.1, 0.3), [0.1, 0.15, 0.2, 0.25, 0.3]),
        ((-3e-7, 2e-7), [-3e-7, -2e-7, -1e-7, 0, 1e-7, 2e-7]),
        ((1.0, 1.0), [0, 0.2, 0.4, 0.6, 0.8, 1]),
        ((0.0, 0.0), [0, 0.2, 0.4, 0.6, 0.8, 1]),
        ((-2.0, -2.0), [-2, -1.5, -1, -0.5, 0]),
    ],
)
def test_ticks_are_round_values_inside_the_axis(values: tuple[float, float], expected: list[float]) -> None:
    assert ticks(*axis(values)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("low", [0.0, -7.3, 1.01, 3e5])
@pytest.mark.parametrize("span", [1e-6, 0.024, 0.99, 25.0, 9.1e7])
def test_every_axis_has_two_ticks_at_least_with_labels_that_differ(low: float, span: float) -> None:
    found = ticks(low, low + span)
    assert 2 <= len(found) <= 7 and low - span * 1e-6 <= found[0] < found[-1] <= low + span * (1 + 1e-6)
    if span / max(abs(low), 1) > 1e-4:
        assert len(set(tick_labels(found))) == len(found)


def test_curves_reach_all_four_sides_of_their_plot() -> None:
    points = [(0.0, 3.0), (4_000.0, 7.35), (16_000.0, 0.4)]
    chart = line_chart("Losses", [Series("generator", "generated", points)])
    path = re.search(r'<path d="([^"]*)"', chart)
    assert path is not None
    xs, ys = zip(*([float(part) for part in pair] for pair in re.findall(r"([\d.]+) ([\d.]+)", path[1])), strict=True)
    assert (min(xs), max(xs)) == (LEFT, RIGHT) and (min(ys), max(ys)) == (TOP, BOTTOM)
    assert "training images processed" in chart and ">15k<" in chart and ">20k<" not in chart


def test_labels_of_small_steps_around_a_small_value_differ() -> None:
    assert tick_labels(ticks(9e-5, 1.1e-4)) == ["9e\u221205", "9.5e\u221205", "0.0001", "0.000105", "0.00011"]


def test_an_axis_from_zero_begins_there() -> None:
    chart = line_chart("Seconds", [Series("s", "real", [(1.0, 2.0), (2.0, 4.0)])], from_zero=True)
    assert f'y1="{BOTTOM}" y2="{BOTTOM}" class="axis"' in chart


def test_a_line_without_points_is_not_in_the_legend() -> None:
    points = [(0.0, 3.0), (4_000.0, 7.35)]
    lines = [Series("discriminator", "real", points), Series("generator", "generated", [])]
    assert 'class="key' not in line_chart("Losses", lines)
    assert line_chart("Losses", [*lines[:1], Series("generator", "generated", points)]).count('class="key') == 2
