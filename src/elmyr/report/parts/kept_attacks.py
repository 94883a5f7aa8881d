"""The attacks that a recognizer's run keeps, as one table of its page."""

from __future__ import annotations

from pathlib import Path

from elmyr.report.parts.markup import Markup, join
from elmyr.report.parts.numbers import count, percent
from elmyr.report.parts.page import figures_table, note
from elmyr.report.parts.records import Record, validated
from elmyr.report.words import Words
from elmyr.tasks.recognition.attacks.epsilons import told_of
from elmyr.tasks.recognition.attacks.kept import records_of

ATTACKS_HEAD = ("attack", "images", "number of images", "\u03b5", "robust accuracy", "95 % interval", "without attack")


class Share(Record):
    """A share of images with its interval."""

    value: float
    low: float
    high: float


class KeptLevel(Record):
    """What an attack left at one ε."""

    epsilon: float
    robust_accuracy: Share


class KeptAttack(Record):
    """An attack that a run keeps."""

    data: str
    attack: str
    norm: str
    count: int
    clean_accuracy: Share
    levels: list[KeptLevel]
    through: str | None = None


def attacks_table(folder: Path, words: Words) -> Markup:
    """A row for each ε of each attack; empty where there is none."""
    rows = []
    for path in records_of(folder):
        kept = validated(KeptAttack, path)
        name = f"{kept.attack}, {kept.norm}" + (f" ({words('through the restorer')})" if kept.through else "")
        for level in kept.levels:
            share = level.robust_accuracy
            ends = words("{low} to {high}", low=percent(share.low, 1), high=percent(share.high, 1))
            figures = percent(share.value, 1), ends, percent(kept.clean_accuracy.value, 1)
            rows.append((name, kept.data, count(kept.count), told_of(level.epsilon), *figures))
    if not rows:
        return Markup()
    told = words(
        "The share of images that are classified correctly under the attack and under random noise, by at most "
        "\u03b5; each attack has a page of its own in the run's folder attacks."
    )
    title = words("How easily it is fooled")
    return join(note(told), figures_table(title, list(map(words, ATTACKS_HEAD)), rows, words=(1,)))
