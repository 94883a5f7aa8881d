"""How often does a study say what is not true? Its whole way by simulation: candidates, choice, seeds, looks.

Accuracies are drawn in place of training: trainings vary by so many points, either side gets test images right by
chance, arms are chosen on a validation part that errs as the test part does. Two truths: all arms are equal; or those
with classical augmentation are, and all others nine points behind. "Before" is the study whose arms with a GAN kept the
better of two trainings in each seed, beside one training of the others.

python benchmarks/study_path.py --repeats 20000
python benchmarks/study_path.py --repeats 20000 --looks
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


@dataclass(frozen=True)
class Drawn:
    """A study whose truth is known.

    arms: by name. sd: of a difference over trainings, in points; shared: one test split for all seeds; gain: of all
    arms with a GAN, in points; augmented: whether those without classical augmentation are behind; worse_share:
    whether half of each batch generated is worse than a quarter, by half a deviation.
    """

    arms: tuple[str, ...]
    seeds: int
    images: int
    shared: bool
    sd: float
    gain: float = 0.0
    augmented: bool = False
    worse_share: bool = False


def best_of(study: Drawn, uses_gan: bool, repeats: int, random: np.random.Generator) -> Floats:
    """True accuracy (repeats, looks, seeds) of the arm that is chosen after 1, 2, … seeds, on validation."""
    trained, validated = [], []
    for arm in (ARMS[name] for name in study.arms):
        if arm.uses_gan != uses_gan:
            continue
        mean = (study.gain * uses_gan - BEHIND * (study.augmented and "classical" not in arm.name)) / 100
        mean -= study.worse_share * (0.5 in arm.shares) * study.sd / 200
        each = random.normal(mean, study.sd / 100 / sqrt(2), (repeats, study.seeds, len(arm.shares)))
        seen = each + random.normal(0, sqrt(APART[study.images] / 2 / study.images), each.shape)
        kept = seen.argmax(2)[..., None]  # of several shares each seed keeps one
        trained.append(np.take_along_axis(each, kept, 2)[..., 0])
        validated.append(np.take_along_axis(seen, kept, 2)[..., 0])
    chosen = np.cumsum(validated, axis=2).argmax(0)  # (repeats, looks)
    places = chosen[:, :, None], np.arange(repeats)[:, None, None], np.arange(study.seeds)[None, None, :]
    return np.array(trained)[places]


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20_000)
    parser.add_argument("--looks", action="store_true", help="studies that add seeds until they are decided")
    options = parser.parse_args()
    (looked if options.looks else verdicts)(options.repeats)


if __name__ == "__main__":
    main()
