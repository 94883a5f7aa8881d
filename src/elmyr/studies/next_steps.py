"""What to do next after a study, by rules from its figures: a few sentences, each with what it rests on.

A rule is a function of what `study.json` holds, and gives a step or nothing; the first few that speak are told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from elmyr.metrics import FEWEST_SEEDS, wilson_interval
from elmyr.metrics.intervals import LEVEL
from elmyr.studies.config import FAIR_SEEDS
from elmyr.studies.plan import FEWEST_TO_CHOOSE
from elmyr.studies.power import JudgedOn, seeds_to_decide
from elmyr.studies.work.estimate import told

MOST_TOLD = 3
STILL_LEARNING = 0.8  # of a GAN's distance to real images in the second half of its training
MOST_SEEDS_ADVISED = 20
HARDLY_ANY_ERRORS = 0.002  # a share of the test images
FEW_IMAGES = 500  # of a class; a rule of thumb of the figures in benchmarks/results
STEEP = 0.8  # of the error, from one amount of images to the next larger one

Values = Mapping[str, Any]

SEEDS = "Use more seeds: one training each decides nothing. --seeds {seeds} takes about {times} times as long."
POWER = (
    "Use more seeds: the difference of {points} percentage points is not certain with {now}; if it is real, about "
    "{seeds} would show it (--seeds {seeds})."
)
COLLAPSED = "Repair the GAN first: it collapsed with seed {seeds}. Try {settings}."
LONGER = (
    "Train the GAN longer: it was still learning at {images} images seen (its distance to real images fell by {fall} % "
    "in the second half). Try --images {more}."
)
UPDATES = (
    "Train the recognizers longer or on larger images: none is certainly better than guessing. Try --updates {more}."
)
HARDER = (
    "Attack the best recognizer harder before you rely on it (elmyr recognizer attack): stronger attacks than {attack} "
    "find more."
)
CLASS_KEPT_BACK = (
    "Use more images of '{name}' of those that {options} leaves out: {recall} % of its test images are classified "
    "correctly, the lowest of all classes (average {mean} %)."
)
CLASS = (
    "Label more images of '{name}': {recall} % of its test images are classified correctly, the lowest of all classes "
    "(average {mean} %)."
)
IMAGES = (
    "Collect more images: from {few} to {many} images per class the error fell from {before} to {after} %, and it has "
    "not leveled off."
)
IMAGES_BY_CLASS = (
    "Collect more images: from {few} to {many} images per class the mean error of the classes fell from {before} to "
    "{after} %, and it has not leveled off."
)
KEPT_BACK = (
    "Use more of your images: {options} leaves some out, and with {count} labeled images per class and {error} % "
    "errors each of them still counts."
)
FEW = "Collect more images: with {count} labeled images per class and {error} % errors, each of them still counts."
EFFORT = "Try more ways to train the recognizer: --effort {effort} adds {count} to these."
EFFORT_BEYOND_BUDGET = (
    "Try more ways to train the recognizer: --effort {effort} adds {count} to these, and takes about --budget {budget}."
)
DONE = (
    "Test on more or harder images before you improve it further: {errors} of {tested} test images are classified "
    "wrongly, too few to tell better recognizers apart."
)
UNDER_ATTACK = {  # what the same figures are called where the test images were attacked
    UPDATES: UPDATES.replace("none is", "under attack none is"),
    CLASS_KEPT_BACK: CLASS_KEPT_BACK.replace("its test images", "its attacked test images"),
    CLASS: CLASS.replace("its test images", "its attacked test images"),
    IMAGES: IMAGES.replace("the error fell", "the error under attack fell"),
    KEPT_BACK: KEPT_BACK.replace("{error} % errors", "{error} % errors under attack"),
    FEW: FEW.replace("{error} % errors", "{error} % errors under attack"),
    DONE: DONE.replace("{tested} test images", "{tested} attacked test images"),
}
STEPS = (
    *(SEEDS, POWER, COLLAPSED, LONGER, UPDATES, CLASS, CLASS_KEPT_BACK, IMAGES, IMAGES_BY_CLASS, KEPT_BACK, FEW),
    *(EFFORT, EFFORT_BEYOND_BUDGET, DONE, HARDER, *UNDER_ATTACK.values()),
)
KEEP_BACK = ("images_per_class", "imbalance", "labels_per_class")  # troubles that leave images, or labels, out


@dataclass(frozen=True)
class Found:
    """A study's figures, and of them those of its best recognizer: its cell and its arm."""

    content: Values
    cell: Values
    arm: Values

    @classmethod
    def of(cls, content: Values) -> Found:
        """By what `study.json` tells of the best recognizer."""
        best = content["best"]
        (cell,) = (each for each in content["cells"] if each["name"] == best["cell"])
        (arm,) = (each for each in cell["arms"] if each["name"] == best["arm"])
        return cls(content, cell, arm)

    @property
    def error(self) -> float:
        """The share of the test images that the best recognizer reads wrong, by what the cell is judged by."""
        return 1 - float(self.content["best"]["test"])

    @property
    def per_class(self) -> float:
        """Labeled training images of a class, on average."""
        return float(self.cell["counts"]["train"]) / len(self.content["classes"])

    def left_out_by(self, *troubles: str) -> str:
        """The options by which images, or labels, that are there were left out; empty without one."""
        given = {name: self.cell["trouble"].get(name) for name in troubles} | {"limit": self.content.get("limit")}
        return " ".join(f"--{name.replace('_', '-')} {value:g}" for name, value in given.items() if value)


@dataclass(frozen=True)
class Step:
    """A sentence with places, and what fills them: a report translates the first."""

    told: str
    values: Values

    @property
    def sentence(self) -> str:
        """In English."""
        return self.told.format(**self.values)

    def as_json(self) -> dict[str, Any]:
        """For `study.json`."""
        return {"sentence": self.sentence, "told": self.told, "values": dict(self.values)}


Rule = Callable[[Found], Step | None]


def next_steps(content: Values) -> list[dict[str, Any]]:
    """Up to three steps, the most urgent first, of all that `study.json` holds but these."""
    found = Found.of(content)
    if (done := hardly_any_errors(found)) is not None:
        return [_of_attacked(done, found).as_json()]
    steps = [step for rule in RULES if (step := rule(found)) is not None]
    return [_of_attacked(step, found).as_json() for step in steps[:MOST_TOLD]]


def _of_attacked(step: Step, found: Found) -> Step:
    """The step, whose figures are of attacked images where arms were judged so."""
    return step if found.cell.get("attack") is None else replace(step, told=UNDER_ATTACK.get(step.told, step.told))


def hardly_any_errors(found: Found) -> Step | None:
    """Where nothing is left to be gained on this test part."""
    tested = sum(found.cell["tested"])
    if found.error > max(HARDLY_ANY_ERRORS, 1 / tested):
        return None
    return Step(DONE, {"errors": f"{round(found.error * tested):,}", "tested": f"{tested:,}"})


def recognizers_that_guess(found: Found) -> Step | None:
    """Where not even the best recognizer is certainly better than guessing."""
    if found.content["best"]["low"] > 1 / len(found.content["classes"]):
        return None
    return Step(UPDATES, {"more": 4 * int(found.content["recognizer_updates"])})


def gan_that_collapsed(found: Found) -> Step | None:
    """Where the verdict is about images that are not fit for use."""
    seeds = found.cell["collapsed"]
    told = {"seeds": ", ".join(map(str, seeds)), "settings": found.cell["repair"]}
    return Step(COLLAPSED, told) if seeds else None


def seeds_for_a_verdict(found: Found) -> Step | None:
    """Where nothing is decided for want of seeds."""
    now = len(found.content["seeds"])
    if now >= FEWEST_SEEDS:
        return None
    return Step(SEEDS, {"seeds": FAIR_SEEDS, "times": ceil(FAIR_SEEDS / now)})


def seeds_for_a_difference(found: Found) -> Step | None:
    """Where the GAN is ahead, and a few more seeds would show whether that is chance."""
    verdict, cell, now = found.cell["verdict"], found.cell, len(found.content["seeds"])
    difference = float(verdict["difference"])
    if verdict["outcome"] != "no significant effect" or difference <= 0:
        return None
    tested = JudgedOn(verdict["images"], cell["shares_test"], cell["folds"])
    seeds = seeds_to_decide(difference, verdict["terms"], tested, now, cell["pool"], MOST_SEEDS_ADVISED)
    if seeds is None:
        return None
    return Step(POWER, {"points": f"{100 * difference:.2f}", "now": now, "seeds": seeds})


def attacks_that_find_more(found: Found) -> Step | None:
    """Where arms were judged under an attack that is quick rather than strong."""
    attack = found.cell.get("attack")
    return None if attack is None else Step(HARDER, {"attack": attack})


def gan_that_still_learned(found: Found) -> Step | None:
    """Where the monitors of most trainings saw the generated images come nearer to the end."""
    known = sorted(each for each in found.cell["gan_progress"] if each is not None)
    if not known or (middle := known[len(known) // 2]) > STILL_LEARNING:
        return None
    images = int(found.content["images"])
    return Step(LONGER, {"images": f"{images:,}", "fall": f"{100 * (1 - middle):.0f}", "more": 2 * images})


def class_that_is_missed(found: Found) -> Step | None:
    """The class with the lowest recall, where that is certainly below the average of all.

    The lowest of K is looked at by an interval that all K would hold together in 95 % of studies (Bonferroni).
    """
    known = zip(found.arm["recalls"], found.cell["tested"], found.content["classes"], strict=True)
    rows = [(share, count, name) for share, count, name in known if share is not None]
    mean = sum(share for share, *_ in rows) / len(rows)
    share, count, name = min(rows)
    _, high = wilson_interval(round(share * count), count, 1 - (1 - LEVEL) / len(rows))
    if high >= mean:
        return None
    told = {"name": name, "recall": f"{100 * share:.1f}", "mean": f"{100 * mean:.1f}"}
    if options := found.left_out_by(*KEEP_BACK):
        return Step(CLASS_KEPT_BACK, told | {"options": options})
    return Step(CLASS, told)


def images_that_still_help(found: Found) -> Step | None:
    """Where the error falls steeply up to the most images per class that were tried; else where they are few.

    Where some were left out on purpose, it is these that are wanted first.
    """
    if "without label" in found.cell["counts"]:
        return None  # images are there: labels are wanting
    amounts = _errors_by_amount(found)
    if len(amounts) > 1 and amounts[-1][1] > STEEP * amounts[-2][1]:
        return None
    if len(amounts) < 2 and found.per_class >= FEW_IMAGES:
        return None
    if options := found.left_out_by(*KEEP_BACK):
        told = {"options": options, "count": f"{found.per_class:,.0f}", "error": f"{100 * found.error:.1f}"}
        return Step(KEPT_BACK, told)
    if len(amounts) < 2:
        return Step(FEW, {"count": f"{found.per_class:,.0f}", "error": f"{100 * found.error:.1f}"})
    (few, before), (many, after) = amounts[-2:]
    shares = {"before": f"{100 * before:.1f}", "after": f"{100 * after:.1f}"}
    balanced = found.cell["measure"] == "balanced accuracy"
    return Step(IMAGES_BY_CLASS if balanced else IMAGES, {"few": f"{few:,.0f}", "many": f"{many:,.0f}", **shares})


def _errors_by_amount(found: Found) -> list[tuple[float, float]]:
    """Images per class and the error with them, of the cells that differ in that alone and are judged alike."""
    return sorted(
        (
            float(cell["counts"]["train"]) / len(found.content["classes"]),
            min(1 - _mean(arm["test"]) for arm in _best(cell)),
        )
        for cell in found.content["cells"]
        if cell["measure"] == found.cell["measure"]
        and all(not value for name, value in cell["trouble"].items() if name != "images_per_class")
    )


def larger_effort(found: Found) -> Step | None:
    """The next larger effort that tries more in this case, where the validation part can choose among so many."""
    if found.cell["counts"]["validation"] < FEWEST_TO_CHOOSE:
        return None
    more = next(iter(found.cell["larger_efforts"].items()), None)
    if more is None:
        return None
    effort, count = more
    if (seconds := found.content["left_out"].get(effort)) is not None:
        return Step(EFFORT_BEYOND_BUDGET, {"effort": effort, "count": count, "budget": told(seconds)})
    return Step(EFFORT, {"effort": effort, "count": count})


RULES: tuple[Rule, ...] = (
    recognizers_that_guess,
    gan_that_collapsed,
    seeds_for_a_verdict,
    attacks_that_find_more,
    gan_that_still_learned,
    seeds_for_a_difference,
    class_that_is_missed,
    images_that_still_help,
    larger_effort,
)


def _best(cell: Values) -> list[Values]:
    """The arm that is best on validation, alone in a list."""
    return [max(cell["arms"], key=lambda arm: _mean(arm["validation"]))]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
