"""How the trainings of a system went: the same latents from beginning to end, and what the training monitor saw."""

from __future__ import annotations

from collections.abc import Sequence

from elmyr.report.charts.svg import Series, line_chart
from elmyr.report.pages.articles.record import Training, collapse_of
from elmyr.report.pages.articles.shown import Shown
from elmyr.report.pages.articles.texts import CAUSES, SIDES
from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.parts.numbers import count
from elmyr.report.parts.page import note
from elmyr.report.parts.records import read_metrics
from elmyr.report.parts.run_parts import collapse_parts, monitor_lines

WATCHED = {  # what the training monitor logs, beside the real images' 1
    "watch_modes": "Modes covered, as a share of the real images'",
    "watch_diversity": "Diversity within classes, as a share of the real images'",
}
AS_ARTICLES = ("written", "text")  # kinds that play by an article's objective to their end
CURVE_COLORS = {"written": "generated", "text": "same", "cured": "better", "rescued": "real"}


def courses(shown: Shown) -> Markup:
    """A picture a training, from top to bottom in time, and the monitor's curves of all of them."""
    drawn = [course for training in shown.main if (course := _course(shown, training))]
    if not drawn:
        return Markup()
    told = shown.words(
        "From top to bottom: images of the same latent vectors as the training went on, beside how many images it had "
        "seen. Red marks the first row after the training monitor called a problem."
    )
    return join(note(told), tag("div", *drawn, class_="blocks"), _watched(shown))


def _course(shown: Shown, training: Training) -> Markup:
    words, name = shown.words, shown.name(training)
    picture = shown.picture(training.course, words("The course of the training: {name}", name=name))
    lines = [*map(note, monitor_lines(training.troubles, words)), *_end(shown, training)]
    if not picture and not lines:
        return Markup()
    lines += [note(words(cause)) for cause in _causes(training)]
    rows = _rows(shown, training) if picture else []
    return tag(
        "figure",
        tag("figcaption", tag("strong", name, class_=SIDES.get(training.kind, "side written"))),
        tag("div", tag("div", *rows, class_="rows"), picture, class_="course") if rows else picture,
        *(lines or [note(words("The training monitor found nothing to report."))]),
    )


def _end(shown: Shown, training: Training) -> list[Markup]:
    """What the training ended in, where it collapsed: in the page's language where its run still says it."""
    if found := collapse_of(shown.folder, training):
        return [tag("p", *collapse_parts(found, shown.words), class_="note")]
    return [note(str(training.collapse))] if training.collapse else []


def _rows(shown: Shown, training: Training) -> list[Markup]:
    """What stands beside each row of the picture: images seen, and a line above it where a problem was called."""
    seen = _previews(shown, training)
    called = [each["images"] for each in training.troubles if isinstance(each.get("images"), int)]
    rows = []
    for before, images in zip([0, *seen], seen, strict=False):
        marked = any(before < each <= images for each in called)
        rows.append(tag("span", count(images), **({"class_": "called"} if marked else {})))
    return rows


def _previews(shown: Shown, training: Training) -> list[int]:
    """After how many images each preview of the run was made; none where the run is not there."""
    files = sorted((shown.folder / training.run / "previews").glob("images-*.png")) if training.run else []
    names = [file.stem.rpartition("-")[2] for file in files]
    return [int(name) for name in names] if all(name.isdecimal() for name in names) else []


def _causes(training: Training) -> Sequence[str]:
    """Why what the training monitor called came about, each once; of the articles' own objectives only."""
    called = dict.fromkeys(str(each.get("trouble")) for each in training.troubles)
    return [CAUSES[problem] for problem in called if problem in CAUSES] if training.kind in AS_ARTICLES else []


def _watched(shown: Shown) -> Markup:
    """The training monitor's curves, a line a training."""
    runs = [
        (training, read_metrics(shown.folder / training.run / "metrics.jsonl"))
        for training in shown.main
        if training.run
    ]
    charts = [
        line_chart(
            shown.words(title),
            [
                Series(
                    shown.name(training),
                    CURVE_COLORS[training.kind],
                    [(line["images"], line[key]) for line in lines if key in line],
                )
                for training, lines in runs
            ],
            shown.words,
            from_zero=True,
        )
        for key, title in WATCHED.items()
    ]
    drawn = [chart for chart in charts if chart]
    return tag("div", *drawn, class_="charts") if drawn else Markup()
