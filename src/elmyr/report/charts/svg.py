"""Charts as SVG: lines over a light grid, dots with error bars, an interval on a number line.

Colors are classes of the page's style ("real", "generated"), so that charts follow light and dark.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from elmyr.report.parts.markup import Markup, join, markup, tag
from elmyr.report.parts.numbers import axis, count, finite, is_finite, mean, number, points, summary, tick_labels, ticks
from elmyr.report.words import ENGLISH, Words

WIDTH, HEIGHT = 460, 270  # of a line chart, in its own units
LEFT, RIGHT, TOP, BOTTOM = 48, 452, 10, 230  # the sides of its plot
HALF_LABEL = 18  # of a label's width, so that the last one stays inside
MOST_POINTS = 300
HEIGHT_OF_MAP = 360
PROCESSED = "training images processed"  # what lies across a chart of a training
ROW = 46  # height of a row in an interval chart

Point = tuple[float | None, float | None]


@dataclass(frozen=True)
class Series:
    """One line of a chart; series of the same label share their entry in the legend."""

    label: str
    color: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Dots:
    """One row of a dot chart: a share a seed."""

    label: str
    color: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class Bar:
    """One row of an interval chart: a value with its ends, where they are known, and single values around it."""

    label: str
    color: str
    value: float | None
    low: float | None
    high: float | None
    rings: Sequence[float] = ()


@dataclass(frozen=True)
class Scale:
    """The straight map from [low, high] onto [start, end]."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where on the axis the value lies."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


@dataclass(frozen=True)
class Frame:
    """Where the lines of a chart lie: the series, thinned out, and both axes, which end where the values end."""

    series: Sequence[Series]
    right: Scale
    down: Scale

    @property
    def ticks(self) -> tuple[list[float], list[float]]:
        """Round values along both axes."""
        return ticks(self.right.low, self.right.high), ticks(self.down.low, self.down.high)


def frame_of(series: Sequence[Series], *, from_zero: bool = False) -> Frame | None:
    """The frame of a line chart; None if there is nothing to draw."""
    drawn = [Series(one.label, one.color, thinned(one.points)) for one in series if _known(one)]
    known = [point for one in drawn for point in _known(one)]
    if not known:
        return None
    xs, ys = finite(x for x, _ in known), finite(y for _, y in known)
    right = Scale(*axis(xs, from_zero=True), LEFT, RIGHT)
    return Frame(drawn, right, Scale(*axis(ys, from_zero=from_zero), BOTTOM, TOP))


def line_chart(
    title: str,
    series: Sequence[Series],
    words: Words = ENGLISH,
    *,
    across: str = PROCESSED,
    from_zero: bool = False,
) -> Markup:
    """Values against what `across` says, gaps where a value is not finite; empty if there is nothing to draw.

    Axes end where the values end, that across begins at 0, and the other too with `from_zero`.
    """
    frame = frame_of(series, from_zero=from_zero)
    if frame is None:
        return Markup()
    drawn, right, down = frame.series, frame.right, frame.down
    x_ticks, y_ticks = frame.ticks
    grid = [
        tag("line", x1=LEFT, x2=RIGHT, y1=down(y), y2=down(y), class_="axis" if y == 0 else "grid") for y in y_ticks
    ]
    y_text = [
        tag("text", label, x=LEFT - 8, y=down(y) + 4, class_="end")
        for y, label in zip(y_ticks, tick_labels(y_ticks), strict=True)
    ]
    x_text = [
        tag("text", label, x=right(x), y=BOTTOM + 18, class_="end" if right(x) > RIGHT - HALF_LABEL else "middle")
        for x, label in zip(x_ticks, tick_labels(x_ticks), strict=True)
    ]
    lines = [tag("path", d=_path(one.points, right, down), class_=f"line {one.color}") for one in drawn]
    unit = tag("text", words(across), x=RIGHT, y=BOTTOM + 36, class_="end quiet")
    return tag(
        "figure",
        tag("figcaption", tag("strong", title), *_legend(drawn)),
        tag(
            "svg", join(*grid, *y_text, *x_text, unit, *lines),
            viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=_told(title, drawn, across, words),
        ),
        class_="chart",
    )  # fmt: skip


def thinned(line: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most so many points, each the mean of as many neighbors; the line itself where it is short enough."""
    if len(line) <= most:
        return list(line)
    size = -(-len(line) // most)
    chunks = (line[start : start + size] for start in range(0, len(line), size))
    return [(mean(x for x, _ in chunk), mean(y for _, y in chunk)) for chunk in map(list, chunks)]


def dot_chart(title: str, rows: Sequence[Dots], words: Words = ENGLISH) -> Markup:
    """Shares in percent, a row each: single seeds as rings, their mean as a dot with its 95 % t interval."""
    bars = [Bar(row.label, row.color, *_percentages(row.values), [100 * v for v in finite(row.values)]) for row in rows]
    return interval_chart(title, bars, unit=" %", words=words)


def interval_chart(
    title: str, rows: Sequence[Bar], *, unit: str = "", mark: float | None = None, words: Words = ENGLISH
) -> Markup:
    """Values with their intervals, a row each; `mark` is a line across all rows. Empty if there is nothing to draw.

    Places across are percentages, so the chart takes any width and its letters keep their size.
    """
    known = finite(value for row in rows for value in (row.value, row.low, row.high, *row.rings))
    if not known:
        return Markup()
    low, high = min(known + finite([mark])), max(known + finite([mark]))
    margin = (high - low) * 0.06 or abs(high) * 0.05 or 0.5
    across = Scale(low - margin, high + margin, 0, 100)
    shown = ticks(across.low, across.high, 6)
    bottom = ROW * len(rows) + 6
    parts = [tag("line", x1=_at(across(x)), x2=_at(across(x)), y1=0, y2=bottom, class_="grid") for x in shown]
    parts += [
        tag("text", f"{label}{unit}", x=_at(across(x)), y=bottom + 18, class_="middle")
        for x, label in zip(shown, tick_labels(shown), strict=True)
    ]
    if mark is not None and is_finite(mark):
        parts.append(tag("line", x1=_at(across(mark)), x2=_at(across(mark)), y1=0, y2=bottom, class_="mark"))
    for index, row in enumerate(rows):
        y = ROW * index + 34
        parts.append(tag("text", row.label, x=0, y=y - 14, class_="name"))
        parts += [tag("circle", cx=_at(across(x)), cy=y, r=3.5, class_=f"ring {row.color}") for x in row.rings]
        if row.value is None or not is_finite(row.value):
            continue
        if row.low is not None and row.high is not None:
            parts.append(_bar(across(row.low), across(row.high), y, row.color))
        parts.append(tag("circle", cx=_at(across(row.value)), cy=y, r=5, class_=f"dot {row.color}"))
    told = "; ".join(
        f"{row.label} {number(row.value)}{unit}" if is_finite(row.value) else f"{row.label} {words('not measured')}"
        for row in rows
    )
    return tag("svg", join(*parts), class_="fluid", height=bottom + 26, role="img", aria_label=f"{title}: {told}")


def _percentages(values: Sequence[float | None]) -> tuple[float | None, float | None, float | None]:
    """The mean of some shares of one and its interval, cut off where no share can lie, in percent."""
    one = summary(values)
    if one is None:
        return None, None, None
    if one.low is None or one.high is None:
        return 100 * one.mean, None, None
    return 100 * one.mean, 100 * max(0.0, one.low), 100 * min(1.0, one.high)


def number_line(
    difference: float, low: float, high: float, *, color: str, left: str, right: str, words: Words = ENGLISH
) -> Markup:
    """A difference of shares with its interval, in percentage points, zero marked; `left` and `right` say what it means
    to lie there. Empty where a value is not finite."""
    if len(finite((difference, low, high))) < 3:
        return Markup()
    ends = [100 * value for value in (difference, low, high, 0.0)]
    margin = (max(ends) - min(ends)) * 0.25 or 0.5
    across = Scale(min(ends) - margin, max(ends) + margin, 0, 100)
    shown = ticks(across.low, across.high, 6)
    parts = [tag("line", x1="0%", x2="100%", y1=48, y2=48, class_="axis")]
    for x, label in zip(shown, tick_labels(shown), strict=True):
        place = _at(across(x))
        if x == 0:
            parts.append(tag("line", x1=place, x2=place, y1=16, y2=58, class_="zero"))
        else:
            parts.append(tag("line", x1=place, x2=place, y1=44, y2=52, class_="axis"))
        written = label if x <= 0 else f"+{label}"
        parts.append(tag("text", written, x=place, y=74, class_="middle strong" if x == 0 else "middle"))
    parts.append(_bar(across(100 * low), across(100 * high), 48, color))
    parts.append(tag("circle", cx=_at(across(100 * difference)), cy=48, r=7, class_=f"dot {color}"))
    parts.append(tag("text", points(difference), x=_at(across(100 * difference)), y=32, class_=f"middle value {color}"))
    parts.append(tag("text", f"\u2190 {left}", x="0%", y=100, class_="quiet"))
    parts.append(tag("text", f"{right} \u2192", x="100%", y=100, class_="end quiet"))
    told = words(
        "{difference} percentage points, 95 % interval {low} to {high}",
        difference=points(difference), low=points(low), high=points(high),
    )  # fmt: skip
    return tag("svg", join(*parts), class_="fluid", height=106, role="img", aria_label=told)


def _bar(start: float, end: float, y: float, color: str) -> Markup:
    caps = [tag("line", x1=_at(x), x2=_at(x), y1=y - 5, y2=y + 5, class_=f"bar {color}") for x in (start, end)]
    return join(tag("line", x1=_at(start), x2=_at(end), y1=y, y2=y, class_=f"bar {color}"), *caps)


def _at(percentage: float) -> str:
    return f"{percentage:.2f}%"


def _path(line: Sequence[Point], across: Scale, down: Scale) -> str:
    """Straight pieces from point to point; a point alone between gaps becomes a dot (round caps show it)."""
    pieces = [[f"{x:.1f} {y:.1f}" for x, y in piece] for piece in pieces_of(line, across, down)]
    return " ".join("M" + " L".join(piece) + ("h0" if len(piece) == 1 else "") for piece in pieces)


def pieces_of(line: Sequence[Point], across: Scale, down: Scale) -> list[list[tuple[float, float]]]:
    """The places of a line's points in pieces between its gaps, where a value is not finite."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for x, y in line:
        if x is not None and y is not None and is_finite(x) and is_finite(y):
            pieces[-1].append((across(x), down(y)))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def _known(series: Series) -> list[Point]:
    return [(x, y) for x, y in series.points if is_finite(x) and is_finite(y)]


def _legend(series: Sequence[Series]) -> list[Markup]:
    colors = {one.label: one.color for one in series}
    if len(colors) < 2:
        return []
    return [tag("span", markup(label), class_=f"key {color}") for label, color in colors.items()]


def _told(title: str, series: Sequence[Series], across: str, words: Words) -> str:
    ends = []
    for one in series:
        known = _known(one)
        if known:
            place = known[-1][0] or 0.0
            end = {"value": number(known[-1][1]), "images": count(place) if place == int(place) else number(place)}
            ends.append(words("{label} is {value} at {images}", label=one.label, **end))
    told = "; ".join(ends)
    if across == PROCESSED:
        return words("{title} against training images processed: {ends}", title=title, ends=told)
    return words("{title} against {across}: {ends}", title=title, across=words(across), ends=told)


def scatter_chart(title: str, sides: Mapping[str, Sequence[tuple[float, float]]], words: Words = ENGLISH) -> Markup:
    """Points of some sides, named by their colors, on one plane; the one as discs, the next as rings."""
    known = [(x, y) for points in sides.values() for x, y in points if is_finite(x) and is_finite(y)]
    if not known:
        return Markup()
    ends = [(min(values), max(values)) for values in zip(*known, strict=True)]
    across, down = (
        Scale(low, high if high > low else low + 1, start, end)
        for (low, high), start, end in zip(ends, (12, HEIGHT_OF_MAP - 12), (WIDTH - 12, 12), strict=True)
    )
    marks = [
        tag("circle", cx=across(x), cy=down(y), r=2.6, class_=f"{'disc' if order == 0 else 'ring'} {side}")
        for order, (side, points) in enumerate(sides.items())
        for x, y in points
        if is_finite(x) and is_finite(y)
    ]
    legend = [tag("span", words(side), class_=f"key {side}") for side in sides]
    told = f"{title}: {', '.join(f'{count(len(points))} {words(side)}' for side, points in sides.items())}"
    return tag(
        "figure",
        tag("figcaption", *legend),
        tag("svg", join(*marks), viewBox=f"0 0 {WIDTH} {HEIGHT_OF_MAP}", role="img", aria_label=told),
        class_="map chart",
    )
