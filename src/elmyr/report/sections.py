"""The parts that the page of a run and the page of a study share."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from elmyr.images import ImageSet
from elmyr.report.figures import Series, line_chart
from elmyr.report.markup import Markup, join, tag
from elmyr.report.numbers import MISSING, count, is_finite, number, percent
from elmyr.report.page import facts_table, figures_table, folded, note, section
from elmyr.report.pictures import grid, of_class, read_pictures
from elmyr.report.records import Evaluation, Figure, Interval, flattened

IN_ROW = 8
MOST_CLASSES = 20
SIDES = ("real", "generated")
CURVES = {
    "Losses": {"discriminator_loss": ("discriminator", "real"), "generator_loss": ("generator", "generated")},
    "Logits": {"real_logits": ("real", "real"), "fake_logits": ("generated", "generated")},
}
NOT_CURVES = {"images", "seconds", *(key for curves in CURVES.values() for key in curves)}
ENVIRONMENT = ("elmyr", "torch", "numpy", "python", "platform", "cpu", "threads", "device", "precision", "git_commit")


def side_by_side(folder: Path, classes: Sequence[str]) -> Markup:
    """Generated beside real images: a row a class, or two blocks where there are no labels."""
    sets = {side: pictures for side in SIDES if (pictures := read_pictures(folder / f"{side}.npz"))}
    if not sets:
        return Markup()
    names = next((pictures.classes for pictures in sets.values() if pictures.classes), tuple(classes))
    if names and all(pictures.labels is not None for pictures in sets.values()):
        left_out = f" Shown are {MOST_CLASSES} of {len(names)} classes." if len(names) > MOST_CLASSES else ""
        told = f"The first {IN_ROW} of each class, as they come: none is picked by hand.{left_out}"
        content = _class_rows(sets, names[:MOST_CLASSES])
    else:
        told = f"The first {IN_ROW * IN_ROW}, as they come: none is picked by hand."
        content = tag("div", *(_block(side, side, pictures) for side, pictures in sets.items()), class_="blocks")
    return section("Generated beside real" if len(sets) == 2 else f"{next(iter(sets)).capitalize()} images",
                   note(told), content)  # fmt: skip


def _class_rows(sets: dict[str, ImageSet], names: Sequence[str]) -> Markup:
    cells = [tag("div", class_="head")]
    cells += [tag("div", side, class_=f"side head {side}") for side in sets]
    for label, name in enumerate(names):
        cells.append(tag("div", name, class_="class"))
        for side, pictures in sets.items():
            images = of_class(pictures, label, IN_ROW)
            alt = f"{len(images)} {side} images of class {name}"
            shown = grid(images, IN_ROW, alt) if len(images) else note("none")
            cells.append(tag("div", tag("div", side, class_=f"side {side}"), shown))
    return tag("div", *cells, class_="classes")


def _block(caption: str, side: str, pictures: ImageSet) -> Markup:
    images = pictures.images[: IN_ROW * IN_ROW]
    picture = grid(images, IN_ROW, f"{len(images)} {caption.lower()} images")
    return tag("figure", tag("figcaption", caption, class_=f"side {side}"), picture)


def curves(runs: Sequence[Sequence[dict[str, float]]]) -> Markup:
    """Losses and logits against images seen, a line a run; whatever else was logged is folded below."""
    main = [
        line_chart(title, [_series(run, key, *look) for run in runs for key, look in lines.items()])
        for title, lines in CURVES.items()
    ]
    others = sorted({key for run in runs for line in run for key in line} - NOT_CURVES)
    more = [line_chart(_spoken(key), [_series(run, key, _spoken(key), "real") for run in runs]) for key in others]
    return join(_charts(main), folded("More curves", _charts(more)))


def _charts(charts: Sequence[Markup]) -> Markup:
    drawn = [chart for chart in charts if chart]
    return tag("div", *drawn, class_="charts") if drawn else Markup()


def _series(run: Sequence[dict[str, float]], key: str, label: str, color: str) -> Series:
    return Series(label, color, [(line["images"], line.get(key)) for line in run])


def _spoken(key: str) -> str:
    return key.replace("_", " ").capitalize()


def evaluation_table(evaluation: Evaluation) -> Markup:
    """Every figure with its uncertainty and its yardstick, the same figure for real images."""
    if not evaluation.figures:
        return Markup()
    rows = [
        (
            figure.title or _spoken(figure.name), number(figure.value), _interval(figure), number(figure.yardstick),
            figure.better or "",
        )
        for figure in evaluation.figures
    ]  # fmt: skip
    head = ("figure", "generated", "interval", "real: the yardstick", "best is")
    spreads = dict.fromkeys(f.spread for f in evaluation.figures if f.spread and is_finite(f.low))
    interval = f" The interval is {'; '.join(map(str, spreads))}." if spreads else ""
    return join(
        note(
            f"{_judged(evaluation)}{interval} The yardstick is the same figure for real images in place of generated."
        ),
        figures_table("Figures of the generated images", head, rows, words=(4,)),
        _class_figures(evaluation),
    )


def _class_figures(evaluation: Evaluation) -> Markup:
    """A row a class; of fewer images than the whole, so their Fréchet distances compare with each other only."""
    if not evaluation.classes:
        return Markup()
    head = ("class", "images a side", "Fréchet distance", "interval", "asked label read back", "interval")
    rows = [
        (row.name, count(row.count), *_cells(row.frechet_distance, number), *_cells(row.label_accuracy, _share))
        for row in evaluation.classes
    ]
    told = note(
        "Fréchet distances of single classes are of half as many images as the class has real ones: they compare with "
        "each other, not with that of the whole."
    )
    return join(tag("h3", "Class by class"), told, figures_table("Figures of each class", head, rows))


def _cells(known: Interval | None, written: Callable[[float], str]) -> tuple[str, str]:
    """A value and its interval."""
    if known is None:
        return MISSING, ""
    value, low, high = known
    return written(value), f"{written(low)} to {written(high)}"


def _share(share: float) -> str:
    return percent(share, 1)


def extremes(folder: Path) -> Markup:
    """The generated images that look most and least real to the extractor."""
    rows = (("Most real", "best.npz"), ("Least real", "worst.npz"))
    shown = {title: pictures for title, file in rows if (pictures := read_pictures(folder / file))}
    if not shown:
        return Markup()
    told = (
        "Of the images that the figures are taken of, by realism (Kynkäänniemi et al. 2019): how deep an image lies "
        "among real ones for the extractor, the most extreme first."
    )
    return join(
        tag("h3", "The most and the least real"),
        note(told),
        tag("div", *(_block(title, "generated", pictures) for title, pictures in shown.items()), class_="blocks"),
    )


def _interval(figure: Figure) -> str:
    return f"{number(figure.low)} to {number(figure.high)}" if is_finite(figure.low) and is_finite(figure.high) else ""


def _judged(evaluation: Evaluation) -> str:
    counted = f"{count(evaluation.count)} generated images" if evaluation.count else "Generated images"
    against = f" against the {evaluation.against} images" if evaluation.against else ""
    against += f" of {evaluation.data} (split {evaluation.split_seed})" if evaluation.data else ""
    extractor = evaluation.extractor
    if extractor is None:
        return f"{counted}{against}."
    size = f" ({extractor.dimension} features)" if extractor.dimension else ""
    return f"{counted}{against}, seen by the extractor \u201c{extractor.name}\u201d{size}."


def settings(config: dict[str, Any]) -> Markup:
    """All choices of a run, folded."""
    return folded("Settings of the GAN", facts_table("Settings of the GAN", flattened(config)))


def commands(lines: Sequence[str], title: str = "Commands to repeat it") -> Markup:
    """Commands to copy."""
    return join(tag("h3", title), tag("pre", tag("code", "\n".join(lines)))) if lines else Markup()


def versions(environment: dict[str, Any]) -> Markup:
    """Versions and machine."""
    known = {key: environment[key] for key in ENVIRONMENT if environment.get(key) is not None}
    rows = [(name.replace("_", " "), value) for name, value in flattened(known)]
    return join(tag("h3", "Versions and machine"), facts_table("Versions and machine", rows)) if rows else Markup()


def foot(environment: dict[str, Any]) -> str:
    """The last line of a page: who made what it tells, and when."""
    version, started = environment.get("elmyr"), environment.get("started")
    return f"elmyr{f' {version}' if version else ''}{f', started {started}' if started else ''}"
