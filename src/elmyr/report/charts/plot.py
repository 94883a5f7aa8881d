"""The curves of a run as one picture by itself, SVG or PNG: two charts in a row, on white."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from elmyr.core.errors import InputError
from elmyr.core.files import require_place, write_text
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.images import save_png
from elmyr.images.pictures.fonts import runs_of
from elmyr.report.charts.curve_titles import CURVE_TITLES
from elmyr.report.charts.svg import BOTTOM, HALF_LABEL, LEFT, RIGHT, WIDTH, Frame, Series, frame_of, pieces_of
from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.parts.numbers import tick_labels
from elmyr.report.parts.records import read_metrics
from elmyr.report.parts.sections import Chart, charts_of

PAPER, INK, QUIET, GRID, AXIS = "#ffffff", "#23221f", "#6b6860", "#e4e0d7", "#8f8b82"
COLORS = {"real": "#3d6a94", "generated": "#a3541f"}
COLUMNS = 2
HEAD, FOOT, GAP = 40, 52, 20  # above and below the plot of a chart, and between charts, in the units of a line chart
FONT = 13
SCALE, SMOOTH = 2, 2  # pixels of a PNG in a unit; it is drawn so many times larger, and averaged
SHADES = 64  # of a picture that is kept in a notebook: a third of its bytes
SUFFIXES = (".png", ".svg")


class Line(NamedTuple):
    """A straight line."""

    start: tuple[float, float]
    end: tuple[float, float]
    color: str


class Curve(NamedTuple):
    """A line through points."""

    points: Sequence[tuple[float, float]]
    color: str


class Text(NamedTuple):
    """A word at its place on the baseline; `anchor`: start, middle or end."""

    words: str
    at: tuple[float, float]
    anchor: str
    color: str


Mark = Line | Curve | Text


@dataclass(frozen=True)
class Drawing:
    """All marks of a picture, and its size in units."""

    width: float
    height: float
    marks: Sequence[Mark]


def check_plot(path: Path) -> None:
    """InputError, before work starts, where no plot could be written to `path`."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"cannot draw curves as '{path}': give it the suffix {' or '.join(SUFFIXES)}")
    require_place(path, suffix, "curves")


def plot_run(run: RunDirectory, path: Path, *, everything: bool = False) -> list[str]:
    """Draws the curves of a run over the training images processed; returns their titles.

    Losses, logits and the figures of the training monitor; with `everything` all that was logged, and so for a run that
    has none of these. InputError where nothing was logged yet, and as `check_plot`.
    """
    check_plot(path)
    main, more = charts_of([read_metrics(run.metrics)])
    shown = [*main, *(more.pop(key) for key in CURVE_TITLES if key in more)]
    if everything or not _frames(shown):
        shown += more.values()
    frames = _frames(shown)
    if not frames:
        raise InputError(f"'{run.path}' has no curves yet: let it train on, or resume it")
    drawing = _drawing(frames)
    if path.suffix.lower() == ".svg":
        write_text(path, _as_svg(drawing))
    else:
        save_png(_as_pixels(drawing), path)
    return [title for title, _ in frames]


def draw_charts(charts: Sequence[Chart]) -> Image.Image:
    """Line charts over the training images processed, two in a row, as a picture of few colors that a notebook shows.

    A chart is a title and its series. InputError where no point is finite.
    """
    frames = _frames(charts)
    if not frames:
        raise InputError("the charts have no point to draw: give series with finite values")
    return Image.fromarray(_as_pixels(_drawing(frames))).quantize(SHADES)


def _frames(charts: Iterable[Chart]) -> list[tuple[str, Frame]]:
    return [(title, frame) for title, series in charts if (frame := frame_of(series)) is not None]


def _drawing(frames: Sequence[tuple[str, Frame]]) -> Drawing:
    marks: list[Mark] = []
    columns = min(COLUMNS, len(frames))
    across, down = WIDTH + GAP, HEAD + BOTTOM + FOOT
    for place, (title, frame) in enumerate(frames):
        left, top = GAP / 2 + place % columns * across, place // columns * down + HEAD
        marks += [_moved(mark, left, top) for mark in _chart(title, frame)]
    return Drawing(columns * across, -(-len(frames) // columns) * down, marks)


def _chart(title: str, frame: Frame) -> list[Mark]:
    x_ticks, y_ticks = frame.ticks
    marks: list[Mark] = [Text(title, (LEFT, -12), "start", INK)]
    for y, label in zip(y_ticks, tick_labels(y_ticks), strict=True):
        marks.append(Line((LEFT, frame.down(y)), (RIGHT, frame.down(y)), AXIS if y == 0 else GRID))
        marks.append(Text(label, (LEFT - 7, frame.down(y) + 4), "end", QUIET))
    for x, label in zip(x_ticks, tick_labels(x_ticks), strict=True):
        anchor = "end" if frame.right(x) > RIGHT - HALF_LABEL else "middle"
        marks.append(Text(label, (frame.right(x), BOTTOM + 18), anchor, QUIET))
    marks.append(Text("training images processed", (RIGHT, BOTTOM + 36), "end", QUIET))
    for one in frame.series:
        marks += [Curve(piece, COLORS[one.color]) for piece in pieces_of(one.points, frame.right, frame.down)]
    return marks + _legend(frame.series)


def _legend(series: Sequence[Series]) -> list[Mark]:
    """Names in the colors of their lines, from the right; none for a line alone."""
    if len(series) < 2:
        return []
    marks, right = list[Mark](), float(RIGHT)
    for one in reversed(series):
        marks.append(Text(one.label, (right, -12), "end", COLORS[one.color]))
        right -= _width(one.label, FONT) + 14
    return marks


def _moved(mark: Mark, right: float, down: float) -> Mark:
    def moved(point: tuple[float, float]) -> tuple[float, float]:
        return point[0] + right, point[1] + down

    if isinstance(mark, Line):
        return mark._replace(start=moved(mark.start), end=moved(mark.end))
    if isinstance(mark, Curve):
        return mark._replace(points=[moved(point) for point in mark.points])
    return mark._replace(at=moved(mark.at))


def _as_svg(drawing: Drawing) -> Markup:
    paper = tag("rect", width=drawing.width, height=drawing.height, fill=PAPER)
    return tag(
        "svg",
        join(paper, *map(_as_tag, drawing.marks)),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {drawing.width:g} {drawing.height:g}",
        font_family="system-ui, sans-serif",
        font_size=FONT,
        width=drawing.width,
        height=drawing.height,
    )


def _as_tag(mark: Mark) -> Markup:
    if isinstance(mark, Line):
        (x1, y1), (x2, y2) = mark.start, mark.end
        return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=mark.color)
    if isinstance(mark, Curve):
        points = " L".join(f"{x:.1f} {y:.1f}" for x, y in (*mark.points, mark.points[-1]))
        return tag("path", d=f"M{points}", fill="none", stroke=mark.color, stroke_width=1.6, stroke_linecap="round")
    return tag("text", mark.words, x=mark.at[0], y=mark.at[1], text_anchor=mark.anchor, fill=mark.color)


def _as_pixels(drawing: Drawing) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    unit = SCALE * SMOOTH
    picture = Image.new("RGB", (round(drawing.width * unit), round(drawing.height * unit)), PAPER)
    pencil = ImageDraw.Draw(picture)
    for mark in drawing.marks:
        if isinstance(mark, Text):
            _write(pencil, mark, unit)
        elif isinstance(mark, Line):
            pencil.line([_scaled(mark.start, unit), _scaled(mark.end, unit)], mark.color, unit)
        elif len(mark.points) == 1:
            pencil.circle(_scaled(mark.points[0], unit), unit, mark.color)
        else:
            pencil.line([_scaled(point, unit) for point in mark.points], mark.color, round(1.6 * unit), "curve")
    size = round(drawing.width * SCALE), round(drawing.height * SCALE)
    return np.asarray(picture.resize(size, Image.Resampling.LANCZOS))


def _scaled(point: tuple[float, float], unit: int) -> tuple[float, float]:
    return point[0] * unit, point[1] * unit


def _write(pencil: ImageDraw.ImageDraw, text: Text, unit: int) -> None:
    x, y = _scaled(text.at, unit)
    x -= _width(text.words, FONT * unit) * {"start": 0.0, "middle": 0.5, "end": 1.0}[text.anchor]
    for piece, font in runs_of(text.words, FONT * unit) or ():
        pencil.text((x, y), piece, text.color, font, anchor="ls")
        x += font.getlength(piece)


def _width(words: str, size: int) -> float:
    return sum(font.getlength(piece) for piece, font in runs_of(words, size) or ())
