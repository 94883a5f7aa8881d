"""What a study hands over and what to do next: beside the verdict, on the first screen of its page."""

from __future__ import annotations

from pathlib import Path

from elmyr.core.plugins import with_plugins
from elmyr.report.pages.study_cell import arm_name, name_of
from elmyr.report.parts import numbers
from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.parts.page import note
from elmyr.report.parts.study_records import Best, Study
from elmyr.report.words import Words


def best_and_next(folder: Path, study: Study, words: Words) -> Markup:
    """Both, side by side; empty for a study of before it had them."""
    parts = [_best(folder, study, study.best, words) if study.best else "", _next(study, words)]
    return tag("div", *(tag("div", part) for part in parts if part), class_="handed") if any(parts) else Markup()


def _best(folder: Path, study: Study, best: Best, words: Words) -> Markup:
    told = words(
        "{measure} on the test images, 95 % interval {low} to {high}",
        measure=words(best.measure), low=numbers.percent(best.low), high=numbers.percent(best.high),
    )  # fmt: skip
    parts = [words("seed {seed}", seed=best.seed)] if len(study.seeds) > 1 else []
    parts += [name_of(cell, words) for cell in study.cells if cell.name == best.cell and len(study.cells) > 1]
    chosen = words("Chosen on the validation part ({parts}). ", parts=words(", ").join(parts)) if parts else ""
    chosen += _alike(study, best, words)
    retrained = words("In the end trained once more, on the validation part, too. ") if best.retrained else ""
    lines = [f"elmyr predict {folder} IMAGES", f"elmyr serve {folder}"]
    return join(
        tag("h2", words("The best recognizer of these images")),
        tag("p", numbers.percent(best.test), class_="figure"),
        tag("p", told[:1].upper() + told[1:]),
        tag("p", words("Trained with: "), tag("strong", arm_name(best.arm, words)), tag("small", words(best.about))),
        tag("pre", tag("code", "\n".join(with_plugins(line) for line in lines))),
        note(chosen + retrained + words("It is in {place}, with a card.", place=f"{best.folder}/")),
    )


def _alike(study: Study, best: Best, words: Words) -> str:
    """Which scenarios were compared, where they are not all judged by the same measure."""
    alike = [name_of(cell, words) for cell in study.cells if best.compared and cell.name in best.compared]
    if not alike or len(alike) == len(study.cells):
        return ""
    names = words(", ").join(alike)
    return words("Only scenarios that are judged by {measure} are compared: {names}. ", measure=words(best.measure),
                 names=names)  # fmt: skip


def _next(study: Study, words: Words) -> Markup:
    if not study.next:
        return Markup()
    steps = [tag("li", words(step.told, **step.values) if step.values else words(step.told)) for step in study.next]
    return join(tag("h2", words("What to do next")), tag("ol", *steps))
