"""What a study found in one cell: the arms, what changed for the classes, the images that the GAN rescued or broke."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from elmyr.report import numbers
from elmyr.report.figures import Dots, dot_chart
from elmyr.report.markup import Markup, join, tag
from elmyr.report.page import figures_table, folded, note
from elmyr.report.pictures import grid, read_pictures
from elmyr.report.records import Arm, Cell, ChangedImage, Verdict
from elmyr.report.sections import evaluation_table, extremes

MOST_CLASSES = 40


def arms(cell: Cell) -> Markup:
    """All arms: a dot a seed with their mean and interval, and a table."""
    if not cell.arms:
        return Markup()
    chart = dot_chart(
        f"Test {cell.measure}",
        [Dots(arm.name, "generated" if arm.uses_gan else "real", arm.test) for arm in cell.arms],
    )
    legend = (
        f"{cell.measure.capitalize()} of the recognizer on the test part. A ring is a seed, the dot their mean, the "
        "bar its 95 % interval (t, over seeds). The axis need not begin at zero."
    )
    head = ["arm", f"validation {cell.measure}", f"test {cell.measure}", "generated share", "time a seed"]
    rows = [
        [_arm_name(arm, cell.verdict), numbers.percent_over_seeds(arm.validation), numbers.percent_over_seeds(arm.test),
         numbers.alternatives(share for share in arm.share if share), numbers.duration(numbers.mean(arm.seconds))]
        for arm in cell.arms
    ]  # fmt: skip
    if cell.measure != "accuracy":
        head.insert(3, "macro F1")
        for row, arm in zip(rows, cell.arms, strict=True):
            row.insert(3, numbers.percent_over_seeds(arm.macro_f1))
    return join(
        join(note(legend), tag("div", chart, class_="arms")) if chart else "",
        figures_table("The arms", head, rows),
        note(
            "Mean \u00b1 standard deviation over seeds. Arms are chosen by the validation part, and so is, seed by "
            "seed, the generated share of the recognizer's batches; the time includes the GAN's training where it is "
            "used."
        ),
    )


def _arm_name(arm: Arm, verdict: Verdict | None) -> Markup:
    chosen = ""
    if verdict and arm.name == verdict.best_with:
        chosen = "best with the GAN"
    elif verdict and arm.name == verdict.best_without:
        chosen = "best without"
    return join(tag("span", arm.name), tag("small", chosen) if chosen else "")


def changes(folder: Path, cell: Cell, classes: Sequence[str]) -> Markup:
    """Class by class, the confusion before and after, and single images: the best arm with a GAN against without."""
    with_gan, without = _named(cell, "best_with"), _named(cell, "best_without")
    if with_gan is None or without is None or not classes:
        return Markup()
    rows = [
        (name, numbers.percent(before), numbers.percent(after), numbers.points(_difference(before, after)))
        for name, before, after in list(zip(classes, without.recalls, with_gan.recalls, strict=False))[:MOST_CLASSES]
    ]
    head = ("class", f"without: {without.name}", f"with: {with_gan.name}", "points")
    table = figures_table("Read right, class by class", head, rows)
    return join(
        tag("h3", "What the GAN changes"),
        note("The share of each class that is read right, over all seeds, by the best arm without and with the GAN."),
        table,
        _images(folder / "changed" / f"{cell.folder}-rescued.npz", cell.changed.get("rescued", []), classes, "Rescued",
                "read right with the GAN and wrong without"),
        _images(folder / "changed" / f"{cell.folder}-broken.npz", cell.changed.get("broken", []), classes, "Broken",
                "read wrong with the GAN and right without"),
        _confusions(cell, classes),
    )  # fmt: skip


def _named(cell: Cell, which: str) -> Arm | None:
    wanted = getattr(cell.verdict, which) if cell.verdict else None
    return next((arm for arm in cell.arms if arm.name == wanted), None)


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _images(path: Path, changed: Sequence[ChangedImage], classes: Sequence[str], title: str, words: str) -> Markup:
    pictures = read_pictures(path)
    if pictures is None or not changed:
        return Markup()

    def name(label: int) -> str:
        return classes[label] if label < len(classes) else str(label)

    shown = [
        tag(
            "figure",
            grid(image[None], 1, f"An image of {name(one.label)}"),
            tag("figcaption", tag("strong", name(one.label)), f"{name(one.without)} \u2192 {name(one.with_gan)}"),
            class_="changed",
        )
        for image, one in zip(pictures.images, changed, strict=False)
    ]
    told = f"{title}: {words}, in most seeds first. Under each its class, then what was read without and with."
    return join(note(told), tag("div", *shown, class_="row"))


def _confusions(cell: Cell, classes: Sequence[str]) -> Markup:
    """Both tables behind a title: each class, and as what it was read."""
    if not cell.confusion or len(classes) > MOST_CLASSES:
        return Markup()
    tables = []
    for side, counts in cell.confusion.items():
        rows = [
            (name, *(str(count) if count else "\u00b7" for count in row))
            for name, row in zip(classes, counts, strict=False)
        ]
        tables += [
            tag("h4", f"{side.capitalize()} the GAN"),
            figures_table(f"Confusion {side}", ("class", *classes), rows),
        ]
    return folded(
        "Confusion before and after", note("A row a class, a column what it was read as; all seeds."), *tables
    )


def figures(folder: Path, cell: Cell) -> Markup:
    """How good the GAN's images are."""
    if not cell.evaluation:
        return Markup()
    run = folder / cell.gan_runs[0] if cell.gan_runs else folder
    return join(evaluation_table(cell.evaluation), extremes(run))
