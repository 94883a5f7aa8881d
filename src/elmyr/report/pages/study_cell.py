"""What a study found in one cell: the arms, what changed for the classes, the images that the GAN fixed or broke."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from elmyr.metrics import FEWEST_TESTED
from elmyr.report.charts.confusion import confusion_table
from elmyr.report.charts.pictures import grid, read_pictures
from elmyr.report.charts.svg import Dots, dot_chart
from elmyr.report.parts import numbers
from elmyr.report.parts.evidence import map_of_images
from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.parts.page import figures_table, folded, note
from elmyr.report.parts.records import Interval
from elmyr.report.parts.sections import evaluation_table, extremes
from elmyr.report.parts.study_records import Arm, Cell, ChangedImage, Verdict
from elmyr.report.words import ENGLISH, Words

MOST_CLASSES = 40
TROUBLES = {
    "images_per_class": "{value} images per class",
    "imbalance": "imbalance {value}",
    "label_noise": "{value} wrong labels",
    "labels_per_class": "{value} labels per class",
}


def name_of(cell: Cell, words: Words) -> str:
    """The trouble: the study's own words, which are English; in another language the same in that."""
    if words is ENGLISH:
        return cell.name
    told = {name: value for name, value in cell.trouble.items() if value and name in TROUBLES}
    parts = [
        words(TROUBLES[name], value=numbers.percent(value, 0) if name == "label_noise" else numbers.count(value))
        for name, value in told.items()
    ]
    return words(", ").join(parts) or words("all images")


def arm_name(name: str, words: Words) -> str:
    """An arm's name; of one that is trained again, the name of what is."""
    once, again, time = name.partition(", again")
    if not again:
        return words(name)
    if not time:
        return words("{name}, again", name=words(once))
    return words("{name}, again {time}", name=words(once), time=time.strip())


def arms(cell: Cell, words: Words) -> Markup:
    """All arms: a dot a seed with their mean and interval, and a table."""
    if not cell.arms:
        return Markup()
    measure = words(cell.measure)
    chart = dot_chart(
        words("Test {measure}", measure=measure),
        [Dots(arm_name(arm.name, words), "generated" if arm.uses_gan else "real", arm.test) for arm in cell.arms],
        words,
    )
    legend = words(
        "{measure} of the recognizer on the test part. Each ring is a seed, the dot is the mean, the bar is the 95 % "
        "interval of the mean (t, over seeds). The axis may begin above zero.",
        measure=measure[:1].upper() + measure[1:],
    )
    head = [words("arm"), words("validation {measure}", measure=measure), words("test {measure}", measure=measure),
            words("difference from the best arm without a GAN, points"), words("generated share"),
            words("time per seed")]  # fmt: skip
    rows = [
        [_arm_name(arm, cell.verdict, words), numbers.percent_over_seeds(arm.validation),
         _test_of(arm, words), _apart(arm.apart, words),
         numbers.alternatives((share for share in arm.share if share), words(" or ")),
         numbers.duration(numbers.mean(arm.seconds), words)]
        for arm in cell.arms
    ]  # fmt: skip
    if cell.measure != "accuracy":
        head.insert(3, words("test {measure}", measure=words("accuracy")))
        for row, arm in zip(rows, cell.arms, strict=True):
            row.insert(3, numbers.percent_over_seeds(arm.accuracy))
    told = words(
        "Mean \u00b1 standard deviation over seeds. The best arms are chosen on the validation part, by the mean over "
        "seeds. Times include the GAN's training where it is used."
    )
    return join(
        join(note(legend), tag("div", chart, class_="arms")) if chart else "",
        figures_table(words("The arms"), head, rows),
        note(told),
        *_attacked(cell, words),
        _explained(cell, words),
    )


def _attacked(cell: Cell, words: Words) -> list[Markup]:
    """That what is shown of test images is of attacked ones, where arms were judged so."""
    if cell.attack is None:
        return []
    return [note(words("All figures but plain accuracy are of test images attacked by {attack}.", attack=cell.attack))]


def _explained(cell: Cell, words: Words) -> Markup:
    """Each arm in a sentence, with its source, behind a title."""
    rows = [
        [words(arm.name), words(arm.about), arm.paper] for arm in cell.arms if arm.about and ", again" not in arm.name
    ]
    head = [words("arm"), words("how it is trained"), words("source")]
    title = words("What each way is")
    return folded(title, figures_table(title, head, rows, words=(1, 2))) if rows else Markup()


def _test_of(arm: Arm, words: Words) -> Markup:
    """Over seeds, and of how many recognizers a seed that is the mean."""
    told = words("mean of {count} recognizers a seed", count=arm.recognizers) if arm.recognizers > 1 else ""
    return join(tag("span", numbers.percent_over_seeds(arm.test)), tag("small", told) if told else "")


def _apart(apart: Interval | None, words: Words) -> str:
    """A difference in points with its interval."""
    if apart is None:
        return ""
    difference, low, high = (numbers.points(value) for value in apart)
    return f"{difference} ({words('{low} to {high}', low=low, high=high)})"


def _arm_name(arm: Arm, verdict: Verdict | None, words: Words) -> Markup:
    chosen = ""
    if verdict and arm.name == verdict.best_with:
        chosen = words("best with the GAN")
    elif verdict and arm.name == verdict.best_without:
        chosen = words("best without the GAN")
    return join(tag("span", arm_name(arm.name, words)), tag("small", chosen) if chosen else "")


def changes(folder: Path, cell: Cell, classes: Sequence[str], words: Words) -> Markup:
    """Class by class, the confusion before and after, and single images: the best arm with a GAN against without."""
    with_gan, without = _named(cell, "best_with"), _named(cell, "best_without")
    if with_gan is None or without is None or not classes:
        return Markup()
    told = words(
        "The share of each class that is classified correctly (recall), over all seeds, by the best arm without and "
        "with the GAN. The lowest come first; in brackets the 95 % interval by the number of test images."
    )
    rescued = words("Fixed by the GAN: classified correctly with it and wrongly without it; those of most seeds first.")
    broken = words("Broken by the GAN: classified wrongly with it and correctly without it; those of most seeds first.")
    return join(
        tag("h3", words("What the GAN changes")),
        note(told),
        *_attacked(cell, words),
        _recalls(cell, without, with_gan, classes, words),
        _images(
            folder / "changed" / f"{cell.folder}-rescued.npz", cell.changed.get("rescued", []), classes, rescued, words
        ),
        _images(
            folder / "changed" / f"{cell.folder}-broken.npz", cell.changed.get("broken", []), classes, broken, words
        ),
        _confusions(cell, classes, words),
    )


def _recalls(cell: Cell, without: Arm, with_gan: Arm, classes: Sequence[str], words: Words) -> Markup:
    """One row per class, the lowest recall first, and which classes have too few test images."""
    head = [words("class"), words("without: {name}", name=arm_name(without.name, words)),
            words("with: {name}", name=arm_name(with_gan.name, words)), words("points")]  # fmt: skip
    before, after = _recalls_by_class(without, words), _recalls_by_class(with_gan, words)
    order = sorted(range(min(len(before), len(after), len(classes))), key=lambda place: _lowest(place, without, cell))
    rows = [
        [classes[place], before[place], after[place],
         numbers.points(_difference(without.recalls[place], with_gan.recalls[place]))]
        for place in order[:MOST_CLASSES]
    ]  # fmt: skip
    if cell.tested:
        head.insert(1, words("test images"))
        for row, place in zip(rows, order, strict=False):
            row.insert(1, numbers.count(cell.tested[place]))
    few = [name for name, count in zip(classes, cell.tested, strict=False) if count < FEWEST_TESTED]
    warning = words(
        "Fewer than {count} test images: {names}. Results for these classes are as uncertain as their intervals.",
        count=FEWEST_TESTED,
        names=", ".join(few[:MOST_CLASSES]),
    )
    table = figures_table(words("Classified correctly, class by class"), head, rows)
    return join(table, note(warning) if few else "")


def _lowest(place: int, arm: Arm, cell: Cell) -> tuple[float, int]:
    recall = arm.recalls[place]
    return math.inf if recall is None else recall, cell.tested[place] if cell.tested else 0


def _recalls_by_class(arm: Arm, words: Words) -> list[str]:
    """Each recall in percent, with its interval where there is one."""
    intervals = arm.recall_intervals or [None] * len(arm.recalls)
    return [
        numbers.percent(share) + (f" ({_range(interval, words)})" if interval else "")
        for share, interval in zip(arm.recalls, intervals, strict=True)
    ]


def _range(interval: tuple[float, float], words: Words) -> str:
    low, high = (numbers.percent(end, 0) for end in interval)
    return words("{low} to {high}", low=low, high=high)


def _named(cell: Cell, which: str) -> Arm | None:
    wanted = getattr(cell.verdict, which) if cell.verdict else None
    return next((arm for arm in cell.arms if arm.name == wanted), None)


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _images(path: Path, changed: Sequence[ChangedImage], classes: Sequence[str], title: str, words: Words) -> Markup:
    pictures = read_pictures(path)
    if pictures is None or not changed:
        return Markup()

    def name(label: int) -> str:
        return classes[label] if label < len(classes) else str(label)

    shown = [
        tag(
            "figure",
            grid(image[None], 1, words("An image of {name}", name=name(one.label))),
            tag("figcaption", tag("strong", name(one.label)), f"{name(one.without)} \u2192 {name(one.with_gan)}"),
            class_="changed",
        )
        for image, one in zip(pictures.images, changed, strict=False)
    ]
    told = title + words(" Under each image: its class, then the prediction without and with the GAN.")
    return join(note(told), tag("div", *shown, class_="row"))


def _confusions(cell: Cell, classes: Sequence[str], words: Words) -> Markup:
    """Both tables behind a title: each class, and what was predicted for it."""
    if not cell.confusion:
        return Markup()
    tables = []
    titles = {"without": words("Without the GAN"), "with": words("With the GAN")}
    for side, counts in cell.confusion.items():
        tables += [tag("h4", titles[side]), confusion_table(titles[side], classes, counts, words)]
    told = words("One row per class, one column per prediction; all seeds.")
    return folded(words("Confusion before and after"), note(told), *tables)


def figures(cell: Cell, run: Path, words: Words) -> Markup:
    """How good the GAN's images are."""
    if not cell.evaluation:
        return Markup()
    shown = (
        evaluation_table(cell.evaluation, words),
        extremes(run / "evaluation.json", words),
        map_of_images(cell.evaluation, words),
    )
    return join(*shown)
