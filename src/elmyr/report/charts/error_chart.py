"""Error against how many images or labels a class has: both axes logarithmic, a curve an arm, its name at its end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from elmyr.report.charts.svg import Scale
from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.parts.numbers import finite, number, summary
from elmyr.report.words import Words

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 56, 500, 14, 306
APART = 7  # pixels between the bars of two arms at one place
NAME_HEIGHT = 17
STEPS = (1, 2, 5)


@dataclass(frozen=True)
class Curve:
    """An arm: at each place (how many a class) its errors, shares of one, one a seed."""

    label: str
    color: str
    errors: Sequence[tuple[float, Sequence[float | None]]]


@dataclass(frozen=True)
class _Point:
    x: float
    y: float
    low: float | None
    high: float | None
    none: bool  # no error at all, which a logarithmic axis has no place for


def error_chart(title: str, unit: str, curves: Sequence[Curve], words: Words) -> Markup:
    """The mean error of each arm with its 95 % t interval over seeds; empty with fewer than two places."""
    places = sorted({place for curve in curves for place, _ in curve.errors})
    known = [error for curve in curves for _, errors in curve.errors for error in finite(errors) if error > 0]
    if len(places) < 2 or not known:
        return Markup()
    floor, ceiling = min(known) / 1.3, min(1.0, max(known) * 1.3)
    across = Scale(math.log(places[0]), math.log(places[-1]), LEFT + 24, RIGHT - 24)
    down = Scale(math.log(floor), math.log(ceiling), BOTTOM, TOP)
    parts = _frame(across, down, places, floor, ceiling, unit)
    ends = []
    for index, curve in enumerate(curves):
        shift = (index - (len(curves) - 1) / 2) * APART
        points = [
            point for place, errors in curve.errors if (point := _point(place, errors, across, down, floor, shift))
        ]
        if points:
            parts.append(_drawn(points, curve.color, index))
            ends.append((points[-1].y, points[-1].x, curve))
    parts += _names(ends)
    return tag(
        "figure",
        tag("figcaption", tag("strong", title)),
        tag("svg", join(*parts), viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=_told(title, curves, words)),
        class_="chart errors",
    )


def _frame(
    across: Scale, down: Scale, places: Sequence[float], floor: float, ceiling: float, unit: str
) -> list[Markup]:
    lines = []
    for power in range(-5, 1):
        for step in STEPS:
            value = step * 10.0**power
            if floor <= value <= ceiling:
                y = down(math.log(value))
                lines.append(tag("line", x1=LEFT, x2=RIGHT, y1=y, y2=y, class_="grid"))
                lines.append(tag("text", f"{100 * value:g} %", x=LEFT - 8, y=y + 4, class_="end"))
    for place in places:
        lines.append(tag("text", f"{place:,.0f}", x=across(math.log(place)), y=BOTTOM + 20, class_="middle"))
    return [*lines, tag("text", unit, x=RIGHT, y=BOTTOM + 40, class_="end quiet")]


def _point(
    place: float, errors: Sequence[float | None], across: Scale, down: Scale, floor: float, shift: float
) -> _Point | None:
    found = summary(errors)
    if found is None:
        return None

    def at(error: float) -> float:
        return down(math.log(min(1.0, max(error, floor))))

    low, high = (None, None) if found.low is None or found.high is None else (at(found.low), at(found.high))
    return _Point(across(math.log(place)) + shift, at(found.mean), low, high, none=found.mean <= 0)


def _drawn(points: Sequence[_Point], color: str, index: int) -> Markup:
    path = "M" + " L".join(f"{point.x:.1f} {point.y:.1f}" for point in points)
    bars = [
        tag("line", x1=point.x, x2=point.x, y1=point.low, y2=point.high, class_=f"bar thin {color}")
        for point in points
        if point.low is not None and point.high is not None
    ]
    dots = [
        tag("circle", cx=point.x, cy=point.y, r=4, class_=f"{'ring' if point.none else 'dot'} {color}")
        for point in points
    ]
    return join(tag("path", d=path, class_=f"line {color} dash-{index % 4}"), *bars, *dots)


def _names(ends: Sequence[tuple[float, float, Curve]]) -> list[Markup]:
    """Each name beside the end of its curve, moved down where it would cover another."""
    names, last = [], -math.inf
    for y, x, curve in sorted(ends, key=lambda end: end[:2]):
        last = max(y, last + NAME_HEIGHT)
        names.append(tag("line", x1=x + 6, x2=RIGHT + 26, y1=y, y2=last, class_="leader"))
        names.append(tag("text", curve.label, x=RIGHT + 30, y=last + 4, class_=f"told {curve.color}"))
    return names


def _told(title: str, curves: Sequence[Curve], words: Words) -> str:
    ends = []
    for curve in curves:
        for place, errors in curve.errors:
            if found := summary(errors):
                end = {"label": curve.label, "value": f"{number(100 * found.mean)} %", "images": f"{place:,.0f}"}
                ends.append(words("{label} is {value} at {images}", **end))
    return f"{title}: {'; '.join(ends)}"
