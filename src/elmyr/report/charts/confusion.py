"""A confusion matrix as a table that is a heat map: names and counts are drawn by the browser."""

from __future__ import annotations

from collections.abc import Sequence

from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.parts.numbers import percent
from elmyr.report.parts.page import figures_table, scrolling
from elmyr.report.words import Words

MOST_CLASSES = 40  # of a matrix that can still be read
MOST_PAIRS = 30  # shown of the others
HEAD = ("label", "predicted", "images", "of its class")


def confusion_table(title: str, classes: Sequence[str], counts: Sequence[Sequence[int]], words: Words) -> Markup:
    """One row per class, one column per prediction; for many classes the most frequent confusions instead."""
    if len(classes) > MOST_CLASSES:
        return _pairs(title, classes, counts, words)
    head = tag(
        "tr", tag("td", words("label \u2193 predicted \u2192")), *(tag("th", name, scope="col") for name in classes)
    )
    body = [
        tag("tr", tag("th", name, scope="row"), *(_cell(row, place, own) for place in range(len(classes))))
        for own, (name, row) in enumerate(zip(classes, counts, strict=False))
    ]
    return scrolling(title, tag("table", tag("thead", head), tag("tbody", *body), class_="confusion"))


def _cell(row: Sequence[int], place: int, own: int) -> Markup:
    if not row[place]:
        return tag("td", "\u00b7")
    share = f"--share: {100 * row[place] / sum(row):.0f}%"
    return tag("td", f"{row[place]:,}", class_="right" if place == own else "wrong", style=share)


def _pairs(title: str, classes: Sequence[str], counts: Sequence[Sequence[int]], words: Words) -> Markup:
    wrong = [
        (row[place], own, place)
        for own, row in enumerate(counts)
        for place in range(len(classes))
        if row[place] and place != own
    ]
    rows = [
        (classes[own], classes[place], f"{count:,}", percent(count / sum(counts[own]), 1))
        for count, own, place in sorted(wrong, reverse=True)[:MOST_PAIRS]
    ]
    head = list(map(words, HEAD))
    told = words("The most frequent confusions of {count} classes.", count=len(classes))
    return join(tag("p", told, class_="note"), figures_table(title, head, rows, words=(1,))) if rows else Markup()
