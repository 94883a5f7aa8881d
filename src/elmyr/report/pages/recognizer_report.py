"""The page of a recognizer's run: how well it recognizes, class by class, and what it takes for what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from elmyr.engine.saving.places import read_config
from elmyr.metrics import FEWEST_TESTED, chance_of
from elmyr.report.charts.confusion import confusion_table
from elmyr.report.charts.pictures import grid, read_pictures
from elmyr.report.charts.svg import Bar, interval_chart
from elmyr.report.parts.kept_attacks import attacks_table
from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.parts.numbers import count, percent
from elmyr.report.parts.page import figures_table, note, page, section
from elmyr.report.parts.records import Reading, flattened, read_reading, read_table
from elmyr.report.parts.run_parts import how_made, not_measured, opening, quoted, training_curves
from elmyr.report.parts.sections import foot
from elmyr.report.parts.task_figures import interval, readings_table
from elmyr.report.words import ENGLISH, Words

MOST_BARS = 20
HEAD = ("class", "images", "recall", "95 % interval", "most often confused with")


def recognizer_page(folder: Path, words: Words = ENGLISH) -> str:
    """The HTML of a recognizer's run directory."""
    config, environment = read_config(folder), read_table(folder / "environment.json")
    reading, name = read_reading(folder / "evaluation.json"), quoted(folder)
    evaluate = f"elmyr recognizer evaluate {name}"
    shown = (
        [_reading(folder, reading, words)]
        if reading
        else [section(words("How well it recognizes"), not_measured(evaluate, words))]
    )
    following = [f"{evaluate} --mistakes mistakes.png", f"elmyr predict {name} IMAGES", f"elmyr serve {name}"]
    return page(
        _title(config, folder, words),
        opening(config, read_table(folder / "summary.json"), words, before=_result(reading, words)),
        *shown,
        section(words("On other images"), readings_table(folder, words, without=folder / "evaluation.json")),
        section(words("How easily it is fooled"), attacks_table(folder, words)),
        training_curves(folder, words),
        how_made(config, environment, words("Settings of the recognizer"), following, words),
        foot=foot(environment, words),
        words=words,
    )


def _title(config: dict[str, Any], folder: Path, words: Words) -> str:
    return words("elmyr recognizer of {name}", name=dict(flattened(config)).get("data.name", folder.resolve().name))


def _result(reading: Reading | None, words: Words) -> list[Markup]:
    """The figure that counts, in large letters, with its interval; the other beside it."""
    if reading is None:
        return []
    plain = words("accuracy"), reading.accuracy, reading.interval
    balanced = words("balanced accuracy"), reading.balanced_accuracy, reading.balanced_interval
    first, second = (balanced, plain) if reading.unbalanced else (plain, balanced)
    told = [
        words("{name}: 95 % interval {low} to {high}.", name=name, low=percent(ends[0], 1), high=percent(ends[1], 1))
        if place == 0
        else words(
            "{name} {value} ({low} to {high}).",
            name=name,
            value=percent(value, 1),
            low=percent(ends[0], 1),
            high=percent(ends[1], 1),
        )
        for place, (name, value, ends) in enumerate((first, second))
        if ends is not None
    ]
    where = words(
        "{count} {part} images of {data}.", count=count(reading.count), part=words(reading.part), data=reading.data
    )
    large = tag("p", f"{percent(first[1], 1)} {first[0]}", class_="short word same")
    return [
        large,
        tag("p", " ".join((where, *told)), class_="sentence"),
        *_withstood(reading, words),
        *_few(reading, words),
        *_guessed(reading, words),
    ]


def _withstood(reading: Reading, words: Words) -> list[Markup]:
    robust = reading.robust
    if robust is None:
        return []
    if robust.accuracy is None or robust.interval is None:
        told = words(
            "Robust accuracy is not measured over several views of an image: elmyr recognizer attack --average does "
            "that."
        )
        return [tag("p", told, class_="sentence")]
    low, high = (percent(end, 1) for end in robust.interval)
    told = words("Robust accuracy: {value} ({low} to {high}) of {count} of them, attacked by {attack}.",
                 value=percent(robust.accuracy, 1), low=low, high=high, count=count(robust.images),
                 attack=robust.attack)  # fmt: skip
    return [tag("p", told, class_="sentence")]


def _few(reading: Reading, words: Words) -> list[Markup]:
    few = [
        f"\u2068{name}\u2069 ({images})"
        for name, images in zip(reading.classes, reading.counts, strict=False)
        if images < FEWEST_TESTED
    ]
    if not few:
        return []
    told = words("Fewer than {most} {part} images: {names}. The recall of such a class is hardly known: add images.",
                 most=FEWEST_TESTED, part=words(reading.part), names=", ".join(few))  # fmt: skip
    return [note(told)]


def _guessed(reading: Reading, words: Words) -> list[Markup]:
    chance = chance_of(reading.confusion)
    if chance is None:
        return []
    told = words("Not significantly better than guessing, which has a balanced accuracy of {chance}: try more updates, "
                 "more images, or a larger size.", chance=percent(chance, 1))  # fmt: skip
    return [note(told)]


def _reading(folder: Path, reading: Reading, words: Words) -> Markup:
    places = sorted(
        (place for place, recall in enumerate(reading.recalls) if recall is not None),
        key=lambda place: reading.recalls[place] or 0.0,
    )
    title = words("Recall by class, the lowest first")
    bars = [_bar(reading, place) for place in places[:MOST_BARS]]
    rows = [
        (
            reading.classes[place],
            count(reading.counts[place]),
            percent(reading.recalls[place], 1),
            interval(reading.ends(place), words),
            _taken_for(reading, place),
        )
        for place in places
    ]
    head = list(map(words, HEAD))
    told = words("Recall is the share of a class that is classified correctly. Bars are 95 % intervals (Wilson).")
    matrix = words("Confusion matrix")
    told_of_matrix = words(
        "One row per class, one column per prediction; a cell is darker the larger its share of the row."
    )
    return join(
        section(
            title,
            note(told),
            tag("div", interval_chart(title, bars, unit=" %", words=words), class_="arms"),
            figures_table(title, head, rows, words=(4,)),
        ),
        section(matrix, note(told_of_matrix), confusion_table(matrix, reading.classes, reading.confusion, words)),
        _mistakes(folder, reading, words),
    )


def _bar(reading: Reading, place: int) -> Bar:
    recall, ends = reading.recalls[place], reading.ends(place)
    low, high = (None, None) if ends is None else (100 * ends[0], 100 * ends[1])
    return Bar(reading.classes[place], "real", None if recall is None else 100 * recall, low, high)


def _taken_for(reading: Reading, place: int) -> str:
    row = [0 if other == place else images for other, images in enumerate(reading.confusion[place])]
    most = max(row)
    return f"{reading.classes[row.index(most)]} ({most:,})" if most else ""


def _mistakes(folder: Path, reading: Reading, words: Words) -> Markup:
    pictures, reasons, changes = (read_pictures(folder / f"{name}.npz") for name in ("mistakes", "reasons", "changes"))
    title = words("The surest mistakes")
    if pictures is None or not reading.mistaken:
        return section(title, note(words("No image was classified wrongly.")))
    told = words(
        "Under each its label, then the prediction and its probability. A wrong label looks like a mistake, too."
    )
    if reasons is None or len(reasons) != len(pictures):
        pairs = [[image] for image in pictures.images]
        why = words("Which pixels led to them was not kept when these figures were taken.")
    else:
        pairs = [[image, drawn] for image, drawn in zip(pictures.images, reasons.images, strict=True)]
        why = words(
            "On the right what speaks for the prediction is red, and what speaks for the label is blue (gradients "
            "times what differs from an empty image)."
        )
    if changes is not None and len(changes) == len(pictures):
        pairs = [[*pair, image] for pair, image in zip(pairs, changes.images, strict=True)]
        why += " " + words("The last is the nearest image that a GAN makes and that is read as the label.")
    shown = [
        tag(
            "figure",
            grid(pair, len(pair), words("An image of {name}", name=one.label)),
            tag(
                "figcaption",
                tag("strong", one.label),
                f"\u2192 {one.predicted}",
                tag("small", percent(one.probability, 0)),
            ),
            class_="changed",
        )
        for pair, one in zip(pairs, reading.mistaken, strict=False)
    ]
    return section(title, note(told), note(why), tag("div", *shown, class_="row" if reasons is None else "fooled row"))
