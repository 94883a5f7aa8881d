"""The parts that the page of a run and the page of a study share."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from elmyr.engine.saving.run_directory import beside_evaluation
from elmyr.evaluation.extractors import ELMYRS, called
from elmyr.evaluation.figure_specs import FIGURES
from elmyr.evaluation.published.conventions import CONVENTIONS
from elmyr.images import ImageSet
from elmyr.report.charts.curve_titles import curve_title
from elmyr.report.charts.pictures import grid, of_class, read_pictures
from elmyr.report.charts.svg import Series, line_chart
from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.parts.numbers import MISSING, count, is_finite, number, percent
from elmyr.report.parts.page import facts_table, figures_table, folded, note, section
from elmyr.report.parts.records import Evaluation, Figure, Interval, flattened
from elmyr.report.words import ENGLISH, Words, figure_title

IN_ROW = 8
MOST_CLASSES = 20
SIDES = ("real", "generated")
CURVES = {
    "Losses": {"discriminator_loss": ("discriminator", "real"), "generator_loss": ("generator", "generated")},
    "Logits": {"real_logits": ("real", "real"), "fake_logits": ("generated", "generated")},
}
NOT_CURVES = {"images", "seconds", *(key for curves in CURVES.values() for key in curves)}
NAMES = {"precision": "numeric precision"}
MAIN = ("watch_frechet_distance", "loss", "validation_error", "distance")  # not folded; as in serving/static/chart.js
ENVIRONMENT = ("elmyr", "torch", "numpy", "python", "platform", "cpu", "threads", "device", "precision", "git_commit")


def side_by_side(folder: Path, classes: Sequence[str], words: Words = ENGLISH) -> Markup:
    """Generated beside real images: one row per class, or two blocks where there are no labels."""
    sets = {side: pictures for side in SIDES if (pictures := read_pictures(folder / f"{side}.npz"))}
    if not sets:
        return Markup()
    names = next((pictures.classes for pictures in sets.values() if pictures.classes), tuple(classes))
    if names and all(pictures.labels is not None for pictures in sets.values()):
        told = words("The first {count} of each class, as they come: none is picked by hand.", count=IN_ROW)
        if len(names) > MOST_CLASSES:
            told += words(" Shown are {shown} of {all} classes.", shown=MOST_CLASSES, all=len(names))
        content = _class_rows(sets, names[:MOST_CLASSES], words)
    else:
        told = words("The first {count}, as they come: none is picked by hand.", count=IN_ROW * IN_ROW)
        blocks = [_block(words(side), side, pictures, words) for side, pictures in sets.items()]
        content = tag("div", *blocks, class_="blocks")
    titles = {"real": words("Real images"), "generated": words("Generated images")}
    title = words("Generated beside real") if len(sets) == 2 else titles[next(iter(sets))]
    return section(title, note(told), content)


def _class_rows(sets: dict[str, ImageSet], names: Sequence[str], words: Words) -> Markup:
    cells = [tag("div", class_="head")]
    cells += [tag("div", words(side), class_=f"side head {side}") for side in sets]
    for label, name in enumerate(names):
        cells.append(tag("div", name, class_="class"))
        for side, pictures in sets.items():
            images = of_class(pictures, label, IN_ROW)
            alt = words("{count} {side} images of class {name}", count=len(images), side=words(side), name=name)
            shown = grid(images, IN_ROW, alt) if len(images) else note(words("none"))
            cells.append(tag("div", tag("div", words(side), class_=f"side {side}"), shown))
    return tag("div", *cells, class_="classes")


def _block(caption: str, side: str, pictures: ImageSet, words: Words) -> Markup:
    images = pictures.images[: IN_ROW * IN_ROW]
    alt = words("{count} {caption} images", count=len(images), caption=caption.lower())
    return tag("figure", tag("figcaption", caption, class_=f"side {side}"), grid(images, IN_ROW, alt))


Chart = tuple[str, list[Series]]  # a title and its lines


def charts_of(
    runs: Sequence[Sequence[dict[str, float]]], words: Words = ENGLISH
) -> tuple[list[Chart], dict[str, Chart]]:
    """Losses and logits, one line per run; and whatever else was logged, by its key."""
    main = [
        (
            words(title),
            [_series(run, key, words(label), color) for run in runs for key, (label, color) in lines.items()],
        )
        for title, lines in CURVES.items()
    ]
    others = sorted({key for run in runs for line in run for key in line} - NOT_CURVES)
    titles = {key: _spoken(key, words) for key in others}
    return main, {key: (title, [_series(run, key, title, "real") for run in runs]) for key, title in titles.items()}


def curves(runs: Sequence[Sequence[dict[str, float]]], words: Words = ENGLISH) -> Markup:
    """Losses, logits and the figures that say most, one line per run; whatever else was logged is folded below."""
    main, more = charts_of(runs, words)
    main += [more.pop(key) for key in MAIN if key in more]
    first, others = ([line_chart(*chart, words) for chart in charts] for charts in (main, more.values()))
    return join(_charts(first), folded(words("More curves"), _charts(others)))


def _charts(charts: Sequence[Markup]) -> Markup:
    drawn = [chart for chart in charts if chart]
    return tag("div", *drawn, class_="charts") if drawn else Markup()


def _series(run: Sequence[dict[str, float]], key: str, label: str, color: str) -> Series:
    return Series(label, color, [(line["images"], line[key]) for line in run if key in line])


def _spoken(key: str, words: Words) -> str:
    title = words(curve_title(key))
    return title[:1].upper() + title[1:]


def evaluation_table(evaluation: Evaluation, words: Words = ENGLISH) -> Markup:
    """Every figure with its uncertainty and its real-data baseline, the same figure for real images."""
    if not evaluation.figures:
        return Markup()
    rows = [
        (
            figure_title(figure.title, words) or _spoken(figure.name, words), _value(figure), _interval(figure, words),
            number(figure.yardstick), words(figure.better or ""),
        )
        for figure in evaluation.figures
    ]  # fmt: skip
    head = ("figure", "generated", "interval", "real-data baseline", "better when")
    spreads = dict.fromkeys(words(f.spread) for f in evaluation.figures if f.spread and is_finite(f.low))
    interval = words(" The interval is {spread}.", spread="; ".join(spreads)) if spreads else ""
    yardstick = words(" The real-data baseline is the same figure for real images in place of generated ones.")
    return join(
        note(f"{judged(evaluation, words)}{interval}{yardstick}"),
        figures_table(words("Figures of the generated images"), list(map(words, head)), rows, words=(4,)),
        meanings([figure.name for figure in evaluation.figures], _extractor_of(evaluation), words),
        _class_figures(evaluation, words),
    )


def meanings(names: Sequence[str], extractor: str, words: Words = ENGLISH) -> Markup:
    """What some figures say by an extractor, folded; those that the table does not know are left out."""
    title, specs = words("What each figure says"), [FIGURES[name] for name in names if name in FIGURES]
    rows = [(figure_title(spec.title_by(extractor), words), words(spec.meaning_by(extractor))) for spec in specs]
    return folded(title, facts_table(title, [(named, meaning) for named, meaning in rows if meaning]))


def _extractor_of(evaluation: Evaluation) -> str:
    return evaluation.extractor.name if evaluation.extractor else ELMYRS[0]


def _class_figures(evaluation: Evaluation, words: Words) -> Markup:
    """One row per class; of fewer images than the whole, so their FIDs compare with each other only."""
    if not evaluation.classes:
        return Markup()
    distance = figure_title(FIGURES["frechet_distance"].title_by(_extractor_of(evaluation)), words)
    head = ("class", "images compared", distance, "interval", "conditional accuracy", "interval")
    rows = [
        (
            row.name, count(row.count), *_cells(row.frechet_distance, number, words),
            *_cells(row.label_accuracy, _share, words),
        )
        for row in evaluation.classes
    ]  # fmt: skip
    told = note(
        words(
            "FID within a class uses half as many images as the class has real ones: compare these values with each "
            "other, not with the FID of the whole set."
        )
    )
    table = figures_table(words("Figures of each class"), list(map(words, head)), rows)
    return join(tag("h3", words("Class by class")), told, table)


def _cells(known: Interval | None, written: Callable[[float], str], words: Words) -> tuple[str, str]:
    """A value and its interval."""
    if known is None:
        return MISSING, ""
    value, low, high = known
    return written(value), words("{low} to {high}", low=written(low), high=written(high))


def _share(share: float) -> str:
    return percent(share, 1)


def extremes(evaluation: Path, words: Words = ENGLISH) -> Markup:
    """The generated images that look most and least real to the extractor of an evaluation, given by its file."""
    rows = ((words("Most real"), "best"), (words("Least real"), "worst"))
    shown = {title: found for title, name in rows if (found := read_pictures(beside_evaluation(evaluation, name)))}
    if not shown:
        return Markup()
    told = words(
        "Of the images that the figures are computed from, sorted by realism score (Kynkäänniemi et al. 2019): how far "
        "inside the real images an image lies in feature space. The most extreme come first."
    )
    blocks = [_block(title, "generated", pictures, words) for title, pictures in shown.items()]
    return join(tag("h3", words("The most and the least real")), note(told), tag("div", *blocks, class_="blocks"))


def _value(figure: Figure) -> str:
    """With the standard deviation over subsets or splits, where it is the mean of such."""
    return number(figure.value) + (f" ± {number(figure.deviation)}" if is_finite(figure.deviation) else "")


def _interval(figure: Figure, words: Words) -> str:
    if not (is_finite(figure.low) and is_finite(figure.high)):
        return ""
    return words("{low} to {high}", low=number(figure.low), high=number(figure.high))


def judged(evaluation: Evaluation, words: Words = ENGLISH) -> str:
    """Of how many images, against which and by which features the figures were taken, in a sentence."""
    told = words("{count} generated images", count=count(evaluation.count)) if evaluation.count else words(
        "Generated images"
    )  # fmt: skip
    if evaluation.statistics is not None:
        told += words(" against the statistics \u201c{file}\u201d", file=evaluation.statistics.file)
    elif evaluation.against:
        told += words(" against the {part} images", part=words(evaluation.against))
    if evaluation.data and evaluation.statistics is None:
        told += words(" of {data} (split {split})", data=evaluation.data, split=evaluation.split_seed)
    if evaluation.extractor is not None:
        told += words(", feature extractor \u201c{name}\u201d", name=called(evaluation.extractor.model_dump()))
        if evaluation.extractor.dimension:
            told += words(" ({count} features)", count=evaluation.extractor.dimension)
    told += words(".")
    if evaluation.convention is not None:
        known = CONVENTIONS.get(evaluation.convention.name)
        said = "; ".join(words(text, **values) for text, values in known.said()) if known else MISSING
        told += words(" By the conventions of {name}: {said}.", name=evaluation.convention.name, said=said)
    return told


def settings(config: dict[str, Any], title: str) -> Markup:
    """All choices of a run, folded."""
    return folded(title, facts_table(title, flattened(config)))


def commands(lines: Sequence[str], title: str = "Commands to repeat it") -> Markup:
    """Commands to copy."""
    return join(tag("h3", title), tag("pre", tag("code", "\n".join(lines)))) if lines else Markup()


def versions(environment: dict[str, Any], words: Words = ENGLISH) -> Markup:
    """Versions and machine."""
    known = {key: environment[key] for key in ENVIRONMENT if environment.get(key) is not None}
    rows = [(words(NAMES.get(name, name.replace("_", " "))), value) for name, value in flattened(known)]
    title = words("Versions and machine")
    return join(tag("h3", title), facts_table(title, rows)) if rows else Markup()


def foot(environment: dict[str, Any], words: Words = ENGLISH) -> str:
    """The last line of a page: who made what it tells, and when."""
    version, started = environment.get("elmyr"), environment.get("started")
    told = f"elmyr {version}" if version else "elmyr"
    return told + (words(", started {time}", time=started) if started else "")
