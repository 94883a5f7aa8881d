"""What the images of a system are good for: recognition, repair, a walk between them, and a survey of people."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from elmyr.core.plugins import with_plugins
from elmyr.report.charts.svg import Bar, interval_chart
from elmyr.report.pages.articles.record import Recognized, Repaired, Uses, study_of
from elmyr.report.pages.articles.shown import Shown
from elmyr.report.pages.articles.texts import RECOGNIZED, RECOGNIZED_COLORS
from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.parts.numbers import count, percent
from elmyr.report.parts.page import figures_table, note
from elmyr.report.words import Words


def uses(shown: Shown) -> Markup:
    """All four, each with "not measured" where it was not tried."""
    words, found = shown.words, shown.system.uses or Uses()
    parts = {
        words("Recognition"): _recognition(shown, found.recognition or []),
        words("Repair"): _repair(shown, found.repair),
        words("Variation"): _walk(shown, found.walk),
        words("People's judgment"): _survey(shown),
    }
    untried = note(words("not measured"))
    return join(*(join(tag("h4", title), content or untried) for title, content in parts.items()))


def _recognition(shown: Shown, rows: Sequence[Recognized]) -> Markup:
    words = shown.words
    if not rows:
        return Markup()
    title = words("Accuracy of a recognizer on the test images")
    named = [(_trained_on(row, words), row) for row in rows]
    bars = [_bar(name, row) for name, row in named]
    cells = [
        (name, percent(row.accuracy, 1), words("{low} to {high}", low=percent(row.low, 1), high=percent(row.high, 1)))
        for name, row in named
    ]
    head = [words("trained on"), words("accuracy"), words("95 % interval")]
    told = words(
        "Each recognizer is trained once, for as many updates. The real images are those that the GANs have seen. The "
        "images of the system as written have no labels: the recognizer of the real images gives them."
    )
    return join(
        _not_decided(shown),
        note(told),
        tag("div", interval_chart(title, bars, unit=" %", words=words), class_="arms"),
        figures_table(shown.label(title), head, cells),
    )


def _not_decided(shown: Shown) -> Markup:
    """What would decide whether the images help: a study of the same images with the cured system."""
    cured = shown.system.cured
    command = study_of(shown.folder, cured) if cured else None
    if command is None:
        return tag("p", shown.words("One training each: not decided whether the generated images help."))
    told = shown.words(
        "One training each: not decided whether the generated images help. This command decides it with five seeds:"
    )
    return join(tag("p", told), tag("pre", tag("code", command)))


def _trained_on(row: Recognized, words: Words) -> str:
    told = RECOGNIZED.get(row.trained_on)
    return words(told, real=count(row.real), generated=count(row.generated)) if told else row.trained_on


def _repair(shown: Shown, repair: Repaired | None) -> Markup:
    if repair is None:
        return Markup()
    told = shown.words(
        "From top to bottom: test images, the same with the middle hidden, and repaired: of all images that the cured "
        "generator can make, the one that fits best to what is left. PSNR {before} dB before, {after} dB after.",
        before=_decibels(repair.psnr_damaged), after=_decibels(repair.psnr_repaired),
    )  # fmt: skip
    return join(note(told), _wide_picture(shown, repair.picture, shown.words("Damaged and repaired images")))


def _walk(shown: Shown, walk: str | None) -> Markup:
    picture = _wide_picture(shown, walk, shown.words("Images between two classes"))
    told = shown.words("Each row goes from one class to the next in equal steps, and from one style to another.")
    return join(note(told), picture) if picture else Markup()


def _survey(shown: Shown) -> Markup:
    words, cured = shown.words, shown.system.cured
    if shown.system.uses is None or cured is None or cured.run is None:
        return Markup()
    command = with_plugins(shlex.join(["elmyr", "survey", str(shown.folder / cured.run)]))
    told = words(
        "This command asks people, blind, which images are real; the report of the run then shows their answers:"
    )
    return join(note(told), tag("pre", tag("code", command)))


def _wide_picture(shown: Shown, relative: str | None, alt: str) -> Markup:
    picture = shown.picture(relative, alt)
    return tag("figure", picture, class_="strip") if picture else Markup()


def _bar(name: str, row: Recognized) -> Bar:
    value, low, high = map(_in_percent, (row.accuracy, row.low, row.high))
    color = RECOGNIZED_COLORS.get(row.trained_on, "same")
    return Bar(f"{name}: {percent(row.accuracy, 1)}", color, value, low, high)


def _in_percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _decibels(value: float | None) -> str:
    return "\u2014" if value is None else f"{value:.1f}"
