"""The page of an attack on a recognizer: accuracy over ε, attack by attack, class by class, and the worst images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elmyr.core.files import make_folder, write_json, write_text
from elmyr.images import image_grid, save_png
from elmyr.metrics import Proportion, wilson_interval
from elmyr.report.charts.pictures import grid
from elmyr.report.charts.svg import Bar, Series, interval_chart, line_chart
from elmyr.report.parts.markup import Markup, tag
from elmyr.report.parts.numbers import count, duration, percent
from elmyr.report.parts.page import figures_table, note, page, section
from elmyr.report.parts.sections import commands
from elmyr.report.words import ENGLISH, Words, words_in
from elmyr.tasks.recognition.attacks.epsilons import told_of
from elmyr.tasks.recognition.attacks.kept import PAGES, RECORD
from elmyr.tasks.recognition.attacks.outcome import ALL, ANSWERS, CHECKS, NOTHING, SIGNS, Example, Level, Robustness
from elmyr.tasks.recognition.attacks.table import ATTACKS

MOST_BARS = 20
EPSILON = "\u03b5, the largest change"
LEVEL_HEAD = (EPSILON, "robust accuracy", "95 % interval", "under random noise")
ATTACK_HEAD = ("\u03b5", "attack", "uses", "steps", "images left to it", "fooled", "seconds")
CLASS_HEAD = ("class", "images", "without attack")
DAMAGE_HEAD = ("damage", "accuracy", "95 % interval")
UNAWARE = "attacks that do not know of the restorer"
KNOWS = {
    NOTHING: "knows nothing of the restorer",
    ANSWERS: "takes the repair for no change on the way back (BPDA)",
    ALL: "through the restorer",
}
DEFENDED = (
    "What the recognizer is shown is repaired by the restorer {name} first. Attacks that know of it count: a defence "
    "is worth what it withstands of these."
)
GRAY = 127.5
PICTURE, PAGE = "fooled.png", "report.html"


class Triple(NamedTuple):
    """An image, its change magnified, and the two together: uint8 (H, W, C)."""

    original: NDArray[np.uint8]
    change: NDArray[np.uint8]
    changed: NDArray[np.uint8]


def write_attack(robustness: Robustness, folder: Path, command: str = "", *, language: str = "en") -> Path:
    """Writes the record of an attack, the images that were fooled as a picture, and the page; gives the page's path.

    Each whole or not at all; reports of an attack before, whatever their language, make room. InputError for a
    folder that cannot be made, and for an unknown language.
    """
    words = words_in(language)
    make_folder(folder)
    for former in (folder / PICTURE, *folder.glob(PAGES)):
        former.unlink(missing_ok=True)
    if robustness.examples:
        triples = [image for one in robustness.examples for image in triple_of(one)]
        save_png(image_grid(np.stack(triples), 3 * 4), folder / PICTURE)
    write_json(folder / RECORD, robustness.as_json())
    name = PAGE if language == "en" else f"report.{language}.html"
    write_text(folder / name, attack_page(robustness, command, words))
    return folder / name


def triple_of(example: Example) -> Triple:
    """An example as pictures; its change around gray, magnified so that the largest one is black or white."""
    change = example.changed - example.original
    largest = float(np.abs(change).max()) or 1.0
    original, changed = ((255 * each).round().astype(np.uint8) for each in (example.original, example.changed))
    return Triple(original, (GRAY + GRAY * change / largest).round().clip(0, 255).astype(np.uint8), changed)


def attack_page(robustness: Robustness, command: str = "", words: Words = ENGLISH) -> str:
    """The HTML of an attack."""
    return page(
        words("elmyr attack on a recognizer of {data}", data=robustness.data),
        _opening(robustness, words),
        section(words("Accuracy under attack"), *_curve(robustness, words)),
        section(words("Attack by attack"), *_attacks(robustness, words)),
        section(words("Signs that gradients mislead"), *_signs(robustness, words)),
        section(words("Class by class"), *_classes(robustness, words)),
        section(words("Images that the smallest changes fool"), *_examples(robustness, words)),
        section(words("Damage that nobody chose"), *_damage(robustness, words)) if robustness.corruptions else "",
        _command(robustness, command, words) if command else "",
        words=words,
    )


def _command(robustness: Robustness, command: str, words: Words) -> Markup:
    if robustness.minutes is None:
        return section(words("How it was measured"), commands([command], words("Commands to repeat it")))
    told = words(
        "How many images are attacked within a time limit, and by which random draws, depends on the machine's speed: "
        "the command may give other figures the next time."
    )
    return section(words("How it was measured"), commands([command], words("Command")), note(told))


def _opening(robustness: Robustness, words: Words) -> Markup:
    last = robustness.levels[-1]
    robust, clean = robustness.robust_accuracy(last), robustness.clean_accuracy
    large = words("{share} robust accuracy", share=percent(robust.value, 1))
    told = words(
        "{count} images of {data}: accuracy {clean} without an attack ({clean_low} to {clean_high}); with changes of "
        "up to \u03b5 = {epsilon} by {norm}, {robust} ({low} to {high}) are classified correctly under random "
        "noise and under each of these attacks: {names}.",
        count=count(robustness.count),
        data=robustness.data,
        clean=percent(clean.value, 1),
        clean_low=percent(clean.low, 1),
        clean_high=percent(clean.high, 1),
        epsilon=told_of(last.epsilon),
        norm=robustness.norm,
        robust=percent(robust.value, 1),
        low=percent(robust.low, 1),
        high=percent(robust.high, 1),
        names=", ".join(dict.fromkeys(words(ATTACKS[one.name].title) for one in last.attacks)),
    )
    aside = words("Pixels are from 0 to 1. Intervals are Wilson's, at 95 %. The attacks took {time}.",
                  time=duration(robustness.seconds, words))  # fmt: skip
    if robustness.count < robustness.asked:
        aside += words(" The time was up before all {asked} images were attacked; those that were are a random sample.",
                       asked=count(robustness.asked))  # fmt: skip
    return tag(
        "section",
        tag("p", large, class_="short word same"),
        tag("p", told, class_="sentence"),
        note(aside),
        *([note(words(DEFENDED, name=robustness.through))] if robustness.through else []),
        class_="opening",
    )


def _curve(robustness: Robustness, words: Words) -> list[Markup]:
    clean = (0.0, 100 * robustness.clean_accuracy.value)
    title = words("Accuracy in percent over the largest change")

    def points(values: Sequence[Proportion]) -> list[tuple[float, float]]:
        return [
            clean,
            *((level.epsilon, 100 * one.value) for level, one in zip(robustness.levels, values, strict=True)),
        ]

    attacked = [robustness.robust_accuracy(level) for level in robustness.levels]
    noisy = [robustness.share(level.noise) for level in robustness.levels]
    series = [
        Series(words("under attack"), "worse", points(attacked)),
        Series(words("under random noise"), "real", points(noisy)),
    ]
    rows = [
        [told_of(level.epsilon), percent(one.value, 1), _ends(one, words), percent(noise.value, 1)]
        for level, one, noise in zip(robustness.levels, attacked, noisy, strict=True)
    ]
    head = list(map(words, LEVEL_HEAD))
    unaware = [robustness.share(level.unaware) for level in robustness.levels if level.unaware is not None]
    if unaware:
        series.insert(1, Series(words(UNAWARE), "generated", points(unaware)))
        head.append(words(UNAWARE))
        rows = [[*row, percent(one.value, 1)] for row, one in zip(rows, unaware, strict=True)]
    told = words(
        "An image counts where no attack made it misread. Noise is random and as large as the attacks' changes: what "
        "an attack does beyond it, it does by intent."
    )
    return [
        note(told),
        tag("div", line_chart(title, series, words, across=EPSILON, from_zero=True), class_="charts"),
        figures_table(title, head, rows),
    ]


def _attacks(robustness: Robustness, words: Words) -> list[Markup]:
    rows = []
    for level in robustness.levels:
        for one in level.attacks:
            spec = ATTACKS[one.name]
            title = words(spec.title) + (f" ({spec.paper})" if spec.paper else "")
            fooled = [count(one.tried), count(one.fooled), f"{one.seconds:,.1f}"]
            if robustness.through is not None:
                title += " \u00b7 " + words(KNOWS[one.knows])
            steps = count(one.steps) + (f" \u00d7 {one.restarts}" if one.restarts > 1 else "")
            rows.append((told_of(level.epsilon), title, words(spec.sees), steps, *fooled))
    told = words(
        "Each attack was run on the images that those before it had left, and those fooled by a smaller change count "
        "as fooled by a larger one. An image that was misread without an attack counts as fooled, and was left alone; "
        "one that random noise within \u03b5 made misread counts as fooled too."
    )
    return [note(told), figures_table(words("Attack by attack"), list(map(words, ATTACK_HEAD)), rows, words=(1, 2))]


def _signs(robustness: Robustness, words: Words) -> list[Markup]:
    if not robustness.checks:
        return [note(words("None could be looked for: no image was classified correctly, or no change was allowed."))]
    if not robustness.signs:
        made = [tag("li", words(CHECKS[kind])) for kind in robustness.checks]
        return [note(words("None was seen. Looked for:")), tag("ul", *made)]
    return [tag("p", words(SIGNS[sign.kind], **sign.values)) for sign in robustness.signs]


def _classes(robustness: Robustness, words: Words) -> list[Markup]:
    level, counts = robustness.telling, robustness.counts
    places = [place for place in _worst_first(robustness, level) if counts[place]]
    title = words("Robust accuracy of each class, the lowest first")
    bars = [_bar(robustness.classes[place], level.robust[place], counts[place]) for place in places[:MOST_BARS]]
    rows = [
        (
            robustness.classes[place],
            count(int(counts[place])),
            percent(robustness.clean[place] / counts[place], 1),
            *(percent(one.robust[place] / counts[place], 1) for one in robustness.levels),
        )
        for place in places
    ]
    under = [words("at \u03b5 = {epsilon}", epsilon=told_of(one.epsilon)) for one in robustness.levels]
    told = words("At \u03b5 = {epsilon}. Bars are 95 % intervals (Wilson).", epsilon=told_of(level.epsilon))
    return [
        note(told),
        tag("div", interval_chart(title, bars, unit=" %", words=words), class_="arms"),
        figures_table(title, [*map(words, CLASS_HEAD), *under], rows),
    ]


def _worst_first(robustness: Robustness, level: Level) -> list[int]:
    shares = level.robust / np.maximum(robustness.counts, 1)
    return [int(place) for place in np.argsort(shares, kind="stable")]


def _bar(name: str, right: int, of: int) -> Bar:
    low, high = wilson_interval(int(right), int(of))
    return Bar(name, "worse", 100 * right / of, 100 * low, 100 * high)


def _examples(robustness: Robustness, words: Words) -> list[Markup]:
    if not robustness.examples:
        return [note(words("No image was fooled."))]
    told = words(
        "Each image, its change magnified around gray, and the two together; under them the label, the prediction and "
        "its probability, and the \u03b5 at which it was fooled. Smallest changes first, then surest mistakes."
    )
    shown = []
    for example in robustness.examples:
        label, predicted = robustness.classes[example.label], robustness.classes[example.predicted]
        alt = words("An image of {name}, its change magnified, and the changed image", name=label)
        caption = tag(
            "figcaption",
            tag("strong", f"\u2068{label}\u2069 \u2192 \u2068{predicted}\u2069"),
            tag("small", f"{percent(example.probability, 0)}, \u03b5 = {told_of(example.epsilon)}"),
        )
        shown.append(tag("figure", grid(np.stack(triple_of(example)), 3, alt), caption, class_="changed"))
    return [note(told), tag("div", *shown, class_="fooled row")]


def _damage(robustness: Robustness, words: Words) -> list[Markup]:
    ordered = sorted(robustness.corruptions.items(), key=lambda one: one[1])
    rows = []
    for name, right in ordered:
        share = robustness.share(right)
        rows.append((name, percent(share.value, 1), _ends(share, words)))
    told = words(
        "The same images with the damage that a restorer learns to repair, each kind as severe as it usually is: no "
        "attack, but what a camera or a scanner may do."
    )
    return [note(told), figures_table(words("Damage that nobody chose"), list(map(words, DAMAGE_HEAD)), rows)]


def _ends(share: Proportion, words: Words) -> str:
    return words("{low} to {high}", low=percent(share.low, 1), high=percent(share.high, 1))
