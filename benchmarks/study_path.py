"""How often does a study say what is not true? Its whole way by simulation: candidates, choice, seeds, looks.

Accuracies are drawn in place of training: trainings vary by so many points, either side gets test images right by
chance, arms are chosen on a validation part that errs as the test part does. Two truths: all arms are equal; or those
with classical augmentation are, and all others nine points behind. "Before" is the study whose arms with a GAN kept the
better of two trainings in each seed, beside one training of the others.

With --recognizers the two arms that are chosen are trained again, with other recognizers on the same GANs and splits,
and their means are compared, as `elmyr study --recognizers` does it. A part of the variance over trainings is that of
GANs and splits, which no recognizer takes away. What it costs is counted in trainings of a recognizer, of which a GAN
takes eight.

python benchmarks/study_path.py --repeats 20000
python benchmarks/study_path.py --repeats 20000 --looks
python benchmarks/study_path.py --repeats 20000 --recognizers
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from elmyr.images import Shaping
from elmyr.metrics.intervals import FEW, LEVEL, Term, half_width_of
from elmyr.studies.arms import ARMS, OLDER, Case, arms_for
from elmyr.studies.looks import level_at, looks_of

Floats = NDArray[np.float64]
APART = {450: 0.03, 10_000: 0.01}  # share of test images that one side alone gets right
BEHIND = 9.0  # points
GAN_COST = 8  # trainings of a recognizer: 200,000 images of MNIST against 2,000 updates


@dataclass(frozen=True)
class Drawn:
    """A study whose truth is known.

    arms: by name. sd: of a difference over trainings, in points; shared: one test split for all seeds; gain: of all
    arms with a GAN, in points; augmented: whether those without classical augmentation are behind; worse_share:
    whether half of each batch generated is worse than a quarter, by half a deviation. recognizers: trainings of a
    chosen arm in each seed; of_gans: the share of the variance over trainings that GANs and splits bring.
    """

    arms: tuple[str, ...]
    seeds: int
    images: int
    shared: bool
    sd: float
    gain: float = 0.0
    augmented: bool = False
    worse_share: bool = False
    recognizers: int = 1
    of_gans: float = 0.0

    @property
    def cost(self) -> int:
        """In trainings of a recognizer."""
        return self.seeds * (GAN_COST + len(self.arms) + 2 * (self.recognizers - 1))


def best_of(study: Drawn, uses_gan: bool, repeats: int, random: np.random.Generator) -> Floats:
    """True accuracy (repeats, looks, seeds) of the arm that is chosen after 1, 2, … seeds, on validation.

    It is the mean of all its recognizers, of which the first alone was chosen by.
    """
    trained, validated, means = [], [], []
    of_recognizers = study.sd / 100 * sqrt((1 - study.of_gans) / 2)  # of one side
    for arm in (ARMS[name] for name in study.arms):
        if arm.uses_gan != uses_gan:
            continue
        mean = (study.gain * uses_gan - BEHIND * (study.augmented and "classical" not in arm.name)) / 100
        mean -= study.worse_share * (0.5 in arm.shares) * study.sd / 200
        each = random.normal(mean, of_recognizers, (repeats, study.seeds, len(arm.shares)))
        seen = each + random.normal(0, sqrt(APART[study.images] / 2 / study.images), each.shape)
        kept = seen.argmax(2)[..., None]  # of several shares each seed keeps one
        trained.append(np.take_along_axis(each, kept, 2)[..., 0])
        validated.append(np.take_along_axis(seen, kept, 2)[..., 0])
        means.append(mean)
    chosen = np.cumsum(validated, axis=2).argmax(0)  # (repeats, looks)
    places = chosen[:, :, None], np.arange(repeats)[:, None, None], np.arange(study.seeds)[None, None, :]
    first = np.array(trained)[places]
    more = study.recognizers - 1
    if not more:
        return first
    others = random.normal(0, of_recognizers / sqrt(more), (repeats, 1, study.seeds))  # the mean of so many
    return (first + more * (np.array(means)[chosen][:, :, None] + others)) / study.recognizers


def halves(variances: Floats, seeds: int, of_images: float, images: int, level: float) -> Floats:
    """`half_width_of` for many studies at once."""
    first, q = variances / seeds, (1 + level) / 2
    both = first + of_images
    if seeds - 1 < FEW:
        t = (first * stdtrit(seeds - 1, q) + of_images * stdtrit(images - 1, q)) / both
    else:
        t = stdtrit(both**2 / (first**2 / (seeds - 1) + of_images**2 / (images - 1)), q)
    found: Floats = t * np.sqrt(both)
    terms = [Term(float(first[0]), seeds - 1), Term(of_images, images - 1)]
    assert np.isclose(found[0], half_width_of(terms, level)), "not elmyr's interval"
    return found


def outcomes(
    study: Drawn, looks: Sequence[int], levels: Sequence[float], repeats: int, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each study 1 (better), −1 (worse) or 0, and after how many seeds it ended."""
    with_gan, without = (best_of(study, side, repeats, random) for side in (True, False))
    of_image = APART[study.images]
    luck = random.normal(0, sqrt(of_image / study.images), (repeats, 1 if study.shared else study.seeds))
    differences = with_gan - without + luck[:, None, :]
    if study.of_gans:  # all arms with a GAN have the same one
        differences += random.normal(0, study.sd / 100 * sqrt(study.of_gans), (repeats, 1, study.seeds))
    said, ended = np.zeros(repeats, np.int64), np.full(repeats, looks[-1])
    for seeds, level in zip(looks, levels, strict=True):
        known = differences[:, seeds - 1, :seeds]
        images = study.images * (1 if study.shared else seeds)
        half = halves(known.var(1, ddof=1), seeds, of_image / images, images, level)
        now = np.where(np.abs(known.mean(1)) > half, np.sign(known.mean(1)), 0).astype(np.int64)
        ended = np.where((said == 0) & (now != 0), seeds, ended)
        said = np.where(said == 0, now, said)
    return said, ended


def said_of(study: Drawn, repeats: int, random: np.random.Generator) -> tuple[float, float]:
    """How often, in percent, "better" and "worse" is said after all seeds."""
    said, _ = outcomes(study, (study.seeds,), (LEVEL,), repeats, random)
    return float(100 * (said == 1).mean()), float(100 * (said == -1).mean())


NOW = arms_for(Case(Shaping(), unbalanced=False))[0]
BEFORE = ("real", "real + classical", "generated", *(arm.name for arm in OLDER))
TESTS = ((450, False), (10_000, True))
SPREADS = (0.2, 0.5, 1.0, 2.0)


def verdicts(repeats: int) -> None:
    """Prints false alarms on either side, before and now, and the power."""
    random = np.random.default_rng(0)
    head = ("seeds", "test images", "sd over trainings, points", "all arms equal", "before", "classical arms equal")
    head = (*head, "before", "one share worse", "better: +0.5 points", "before", "better: +2 points", "before")
    print(f"| {' | '.join(head)} |\n|{' --- |' * len(head)}")
    worst: dict[str, float] = {}
    for seeds, (images, shared), sd in product((2, 3, 5), TESTS, SPREADS):
        told = []
        truths = ((False, 0.0, False), (True, 0.0, False), (True, 0.0, True), (True, 0.5, False), (True, 2.0, False))
        for augmented, gain, worse_share in truths:
            for name, arms in (("now", NOW), ("before", BEFORE))[: 1 if worse_share else 2]:
                study = Drawn(arms, seeds, images, shared, sd, gain, augmented, worse_share)
                better, worse = said_of(study, repeats, random)
                told.append(f"{better:.0f} %" if gain else f"{better:.1f}, {worse:.1f} %")
                if not gain and not worse_share:
                    worst[name] = max(worst.get(name, 0.0), better, worse)
        print(f"| {seeds} | {images:,}{'' if shared else ' a seed'} | {sd} | {' | '.join(told)} |", flush=True)
    print(f"\nThe most false alarms on a side: {worst['now']:.1f} % now, {worst['before']:.1f} % before.")


def looked(repeats: int) -> None:
    """Prints what a study that adds seeds says, beside one of all seeds, and one that looks each time at 95 %."""
    random = np.random.default_rng(0)
    head = ("seeds", "test images", "sd over trainings, points", "better, worse: no difference")
    head = (*head, "each look at 95 %", "better: +1 point", "seeds used", "better with all seeds at once")
    print(f"| {' | '.join(head)} |\n|{' --- |' * len(head)}")
    for (first, most), (images, shared), sd in product(((2, 6), (3, 10), (5, 10), (5, 20)), TESTS, (0.2, 0.5, 1.0)):
        study, looks = Drawn(NOW, most, images, shared, sd, augmented=True), looks_of(first, most)
        levels = [level_at(looks, seeds) for seeds in looks]
        told = []
        for each in (levels, [LEVEL] * len(looks)):
            said, _ = outcomes(study, looks, each, repeats, random)
            told.append(f"{100 * (said == 1).mean():.1f}, {100 * (said == -1).mean():.1f} %")
        said, ended = outcomes(replace(study, gain=1.0), looks, levels, repeats, random)
        at_once, _ = said_of(replace(study, gain=1.0), repeats, random)
        told += [f"{100 * (said == 1).mean():.0f} %", f"{ended.mean():.1f}", f"{at_once:.0f} %"]
        counted = f"{images:,}{'' if shared else ' a seed'}"
        print(f"| {first} to {most} | {counted} | {sd} | {' | '.join(told)} |", flush=True)


def repeated(repeats: int) -> None:
    """Prints false alarms and power with several recognizers on each GAN, and the power of more seeds for that cost."""
    random = np.random.default_rng(0)
    head = ("seeds", "test images", "sd over trainings, points", "of its variance, GANs and splits", "recognizers")
    head = (*head, "cost", "false alarms: better, worse", "classical arms equal", "+0.5 points", "+1", "+2")
    head = (*head, "with one recognizer, at that cost or more", "+0.5 points", "+1", "+2")
    print(f"| {' | '.join(head)} |\n|{' --- |' * len(head)}")
    worst, gains = 0.0, (0.5, 1.0, 2.0)
    for seeds, (images, shared), sd, of_gans in product((2, 3, 5), TESTS, (0.5, 1.0), (0.1, 0.3, 0.6)):
        for recognizers in (1, 2, 4):
            study = Drawn(NOW, seeds, images, shared, sd, recognizers=recognizers, of_gans=of_gans)
            told = []
            for truth in (study, replace(study, augmented=True)):
                better, worse = said_of(truth, repeats, random)
                worst = max(worst, better, worse)
                told.append(f"{better:.1f}, {worse:.1f} %")
            told += [_found(study, gain, repeats, random) for gain in gains]
            if recognizers > 1:
                alone = replace(study, recognizers=1)
                alone = replace(alone, seeds=-(-study.cost * seeds // alone.cost))
                told += [
                    f"{alone.seeds} seeds, {alone.cost}",
                    *(_found(alone, gain, repeats, random) for gain in gains),
                ]
            else:
                told += [""] * 4
            counted = f"{images:,}{'' if shared else ' a seed'}"
            row = (seeds, counted, sd, f"{100 * of_gans:.0f} %", recognizers, study.cost, *told)
            print(f"| {' | '.join(map(str, row))} |", flush=True)
    print(f"\nThe most false alarms on a side: {worst:.1f} %.")


def _found(study: Drawn, gain: float, repeats: int, random: np.random.Generator) -> str:
    return f"{said_of(replace(study, gain=gain, augmented=True), repeats, random)[0]:.0f} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20_000)
    parser.add_argument("--looks", action="store_true", help="studies that add seeds until they are decided")
    parser.add_argument("--recognizers", action="store_true", help="studies with several recognizers on each GAN")
    options = parser.parse_args()
    (repeated if options.recognizers else looked if options.looks else verdicts)(options.repeats)


if __name__ == "__main__":
    main()
