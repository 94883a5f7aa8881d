"""What figures of quality cannot say: copies of training images, people's answers, and what was not measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from elmyr.core.plugins import with_plugins
from elmyr.evaluation.figure_specs import FIGURES
from elmyr.evaluation.people.answers import Results, TakenForReal
from elmyr.report.charts.pictures import grid, read_pictures
from elmyr.report.charts.svg import Bar, interval_chart, scatter_chart
from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.parts.numbers import MISSING, count, duration, is_finite, number, percent
from elmyr.report.parts.page import figures_table, note, section
from elmyr.report.parts.records import AlteredCopies, Copies, Evaluation, People
from elmyr.report.words import ENGLISH, Words

IN_PERCENT = {"doubles", "training_is_nearest", "authenticity", "membership"}
MOST_ROWS = 40  # classes or people drawn
MANY_DOUBLES = 0.05  # share of the generated images
COLLAPSED = "collapsed"  # what is told in place of "no evidence" where many doubles are of few training images
VERDICTS = {
    "no evidence": "No evidence", COLLAPSED: "Too few different images to tell", "suspected": "Suspected",
    "certain": "Certain",
}  # fmt: skip
COLORS = {"no evidence": "better", COLLAPSED: "same", "suspected": "same", "certain": "worse"}
SENTENCES = {
    "no evidence": (
        "Copies of training images? No evidence: {doubles} of {count} generated images are twice as near to a training "
        "image as to any unseen one; of real images {yardstick} are. A training image is the nearest to {share}; "
        "without copying that is {expected}."
    ),
    COLLAPSED: (
        "Copies of training images? Too few different images to tell: {doubles} of {count} generated images are twice "
        "as near to a training image as to any unseen one; of real images {yardstick} are. The different training "
        "images nearest to these are {doubled} in number: see collapse (diversity)."
    ),
    "suspected": (
        "Copies of training images? Suspected: a training image is the nearest to {share} of {count} generated images; "
        "without copying that is {expected}, and chance alone goes so far once in a thousand times."
    ),
    "certain": (
        "Copies of training images? Certain: {doubles} of {count} generated images are twice as near to a training "
        "image as to any unseen one; of real images {yardstick} are."
    ),
}
ALTERED = {
    "suspected": (
        "Copies of training images? Suspected, altered: once images are moved, turned, mirrored, recolored or cut to "
        "fit, a training image is the nearest to {share} of {count} generated images; without copying that is "
        "{expected}, and chance alone goes so far once in a thousand times."
    ),
    "certain": (
        "Copies of training images? Certain, altered: once images are moved, turned, mirrored, recolored or cut to "
        "fit, {doubles} of {count} generated images are twice as near to a training image as to any unseen one; of "
        "real images {yardstick} are."
    ),
}


def copies_sentence(copies: Copies, words: Words = ENGLISH) -> str:
    """Whether the images are copies, as they are or altered, in a sentence or two."""
    altered = copies.altered
    if altered is not None and copies.verdict != copies.unaltered:
        return words(ALTERED[altered.verdict], **_told_of(altered))
    told = _unaltered_sentence(copies, words)
    if altered is None or _told(copies) != "no evidence":
        return told
    none = words("No evidence of altered copies either: moved, turned, mirrored, recolored or cut ones.")
    return f"{told} {none}"


def _told_of(altered: AlteredCopies) -> dict[str, str]:
    return {
        "doubles": count(altered.doubles),
        "count": count(altered.count),
        "share": percent(altered.share, 1),
        "expected": percent(altered.expected, 1),
        "yardstick": percent(altered.yardstick, 1),
    }


def _unaltered_sentence(copies: Copies, words: Words) -> str:
    figures = {figure.name: figure for figure in copies.figures}
    shares = {name: figures[name].value if name in figures else None for name in ("training_is_nearest", "doubles")}
    yardstick = figures["doubles"].yardstick if "doubles" in figures else None
    return words(
        SENTENCES[_told(copies)],
        doubles=count(copies.doubles),
        doubled=count(copies.doubled),
        count=count(copies.count),
        share=percent(shares["training_is_nearest"], 1),
        expected=percent(copies.expected, 1),
        yardstick=percent(yardstick, 1),
    )


def _told(copies: Copies) -> str:
    """The verdict; but of a collapsed generator, which hardly gave a draw, not that there is no evidence."""
    yardstick = next((figure.yardstick for figure in copies.figures if figure.name == "doubles"), None) or 0
    many = copies.doubles > copies.count * max(MANY_DOUBLES, yardstick)
    few = copies.doubled is not None and 2 * copies.doubled < copies.doubles
    return COLLAPSED if copies.verdict == "no evidence" and many and few else copies.verdict


def copies_section(copies: Copies | None, pairs: Path, words: Words = ENGLISH) -> Markup:
    """The verdict on copies, the figures behind it and the pairs that are most suspicious."""
    if copies is None:
        return Markup()
    told = words(
        "Pixels (averaged to at most 16 a side) of {count} generated images beside {training} training images and "
        "{held_out} held-out ones that the GAN has not seen. The baseline is the same figure for real images that no "
        "network has seen.",
        count=count(copies.count), training=count(copies.training), held_out=count(copies.held_out),
    )  # fmt: skip
    rows = []
    for figure in copies.figures:
        written = percent if figure.name in IN_PERCENT else number
        known = is_finite(figure.low) and is_finite(figure.high)
        interval = words("{low} to {high}", low=written(figure.low), high=written(figure.high)) if known else ""
        rows.append((words(figure.title), written(figure.value), interval, written(figure.yardstick)))
    head = (words("figure"), words("generated"), words("interval"), words("real-data baseline"))
    return section(
        words("Are they copies?"),
        tag("p", words(VERDICTS[_told(copies)]), class_=f"short word {COLORS[_told(copies)]}"),
        note(told),
        note(_altered(copies.altered, words)),
        figures_table(words("Figures of copying"), head, rows),
        note(
            words(
                "The verdict rests on the second and third figure: they stand beside unseen images that the same "
                "blur or typicality would favor as much. C_T (Meehan et al. 2020; below \u22123: copying) and "
                "authenticity (Alaa et al. 2022; of real images about half) also call images copies that are only "
                "more typical than real ones. The last, where there is one, tells whether the discriminator remembers "
                "its training images: 50 % where it does not."
            )
        ),
        _pairs(pairs, words),
    )


def _altered(altered: AlteredCopies | None, words: Words) -> str:
    if altered is None:
        return words("Copies that were moved, turned or recolored are not found this way.")
    return words(
        "Altered copies: {count} images, moved, turned, mirrored, recolored and cut to fit real ones. A training image "
        "is then the nearest to {share} (without copying {expected}), and twice as near as any held-out one to "
        "{doubles} (of real images {yardstick}).",
        **_told_of(altered),
    )


def _pairs(path: Path, words: Words) -> Markup:
    pictures = read_pictures(path)
    if pictures is None or len(pictures) < 2:
        return Markup()
    shown = [
        tag(
            "figure",
            grid(pictures.images[start : start + 2], 2, words("A generated image and the nearest training image")),
        )
        for start in range(0, len(pictures) - 1, 2)
    ]
    told = words("On the left a generated image, on the right the training image nearest to it; the worst first.")
    return join(tag("h3", words("The most suspicious pairs")), note(told), tag("div", *shown, class_="pairs"))


def map_of_images(evaluation: Evaluation, words: Words = ENGLISH) -> Markup:
    """Where generated images lie among real ones, as the extractor sees them."""
    found = evaluation.map
    if found is None:
        return Markup()
    first, second = (percent(share, 0) for share in found.shares)
    told = words(
        "Features of {real} real and {generated} generated images on the two principal components of the real ones, "
        "which explain {first} and {second} of their variance. Where there are real images but no generated ones, the "
        "generator misses something.",
        real=count(len(found.real)), generated=count(len(found.generated)), first=first, second=second,
    )  # fmt: skip
    sides = {"real": found.real, "generated": found.generated}
    chart = scatter_chart(words("Real and generated images in feature space"), sides, words)
    return join(tag("h3", words("A map of real and generated images")), note(told), chart) if chart else Markup()


def people_section(results: Sequence[Results], words: Words = ENGLISH) -> Markup:
    """What people answered, blind: each form of question by itself."""
    return section(words("Would people take them for real?"), *(_answers(one, words) for one in results))


def people_sentence(one: Results, words: Words = ENGLISH) -> str:
    """How often people took generated images for real, in a sentence."""
    made = one.generated
    interval = {"share": percent(made.share, 0), "low": percent(made.low, 0), "high": percent(made.high, 0)}
    if one.real is None:
        return words(
            "Shown beside a real image, the generated one was taken for the real one in {share} of {count} pairs "
            "({low} to {high}); 50 % means that nobody can tell.",
            count=count(made.count), **interval,
        )  # fmt: skip
    return words(
        "{share} of {count} generated images were taken for real ({low} to {high}); of real images {yardstick} were.",
        count=count(made.count), yardstick=percent(one.real.share, 0), **interval,
    )  # fmt: skip


def _answers(one: Results, words: Words) -> Markup:
    told = words(
        "{answers} answers of {people} people, each blind, half the images real; {seconds} to an answer (median). "
        "Intervals are Wilson's, at 95 %, and treat answers as independent.",
        answers=count(one.answers), people=count(one.people), seconds=duration(one.seconds, words),
    )  # fmt: skip
    whole = [one.generated] if one.real is None else [one.generated, one.real]
    parts = [
        (words("By class"), one.classes, "generated"),
        (words("By person"), one.persons, "generated"),
    ]
    charts = [_shares(words("Taken for real"), whole, "", words)]
    charts += [_shares(title, shares, color, words) for title, shares, color in parts if shares]
    return join(tag("p", people_sentence(one, words)), note(told), tag("div", *charts, class_="charts"))


def _shares(title: str, shares: Sequence[TakenForReal], color: str, words: Words) -> Markup:
    bars = [
        Bar(
            f"{one.name if color else words(one.name)}: {one.taken} / {one.count}",
            color or one.name,
            100 * one.share,
            100 * one.low,
            100 * one.high,
        )
        for one in shares[:MOST_ROWS]
    ]
    return tag(
        "figure", tag("figcaption", tag("strong", title)), interval_chart(title, bars, unit=" %", words=words),
        class_="chart",
    )  # fmt: skip


def missing_section(evaluation: Evaluation | None, people: People, run: str | None, words: Words = ENGLISH) -> Markup:
    """What this page cannot tell, and why; `run` as a command names it, None where there is none to name."""
    rows = [(words("What another training would give"), words("all figures are of this one; a study trains several"))]
    if evaluation is None:
        rows.insert(0, (words("All figures"), _command("evaluate", run) or words("no held-out images are enough")))
    else:
        taken = {figure.name for figure in evaluation.figures}
        absent = [spec for name, spec in FIGURES.items() if name not in taken and spec.reason]
        rows = [(words(spec.title), words(spec.reason)) for spec in absent] + rows
        if evaluation.copies is None:
            rows.append((words("Copies of training images"), _command("evaluate", run) or MISSING))
    if not people.results:
        rows.append((words("What people say"), people.trouble or _command("survey", run) or words("nobody was asked")))
    head = (words("what"), words("why, or how to measure it"))
    return section(
        words("What was not measured"), figures_table(words("What was not measured"), head, rows, words=(1,))
    )


def _command(verb: str, run: str | None) -> Markup | None:
    return tag("code", with_plugins(f"elmyr {verb} {run}")) if run is not None else None
