"""How sure a mean over seeds is, and how sure the difference between two recognizers that is the verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from elmyr.core.errors import InputError
from elmyr.metrics.arrays import flags, numbers, plain, whole

Floats = NDArray[np.float64]

LEVEL = 0.95
FEWEST_SEEDS = 2  # of a verdict: by one alone it is wrong in 12 to 58 of 100 studies without any difference
FEW = 4  # degrees of freedom, below which those of a sum are too much of a guess
PSEUDO_IMAGES = (1.0, -1.0)
TOLERANCE = 1e-9  # of a sum of weights


class ErrorParts(NamedTuple):
    """What the squared standard error of a difference comes from: GANs and splits, recognizers, test images."""

    seeds: float
    recognizers: float
    images: float


class Term(NamedTuple):
    """What one source of chance adds to a squared standard error, and the degrees of freedom that it is known by."""

    squared_error: float
    freedom: float


@dataclass(frozen=True)
class PairedDifference:
    """Accuracy of a minus accuracy of b, in [−1, 1], with its interval (95 %) and what it was computed from.

    parts: None where one recognizer a seed does not tell them. terms: of its squared standard error, that over seeds
    (where there are two or more) and that of test images.
    """

    difference: float
    low: float
    high: float
    seeds: int
    images: int
    parts: ErrorParts | None = None
    terms: tuple[Term, ...] = ()

    @property
    def outcome(self) -> str:
        """`better` or `worse` (a than b) where the interval leaves 0 out, else `no significant effect`.

        Of one seed `not decided`: what another split and training would change is not in its interval.
        """
        if self.seeds < FEWEST_SEEDS:
            return "not decided"
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "no significant effect"


class MeanInterval(NamedTuple):
    """A mean over seeds, its standard deviation and 95 % interval; the last three are None for one seed."""

    mean: float
    sd: float | None
    low: float | None
    high: float | None


def paired_difference(
    correct_a: Sequence[Any],
    correct_b: Sequence[Any],
    images: Sequence[Any],
    weights: Sequence[Any] | None = None,
    folds: int | None = None,
    level: float = LEVEL,
) -> PairedDifference:
    """The mean over seeds of the accuracy of a minus that of b, paired by image, with an interval of `level` (95 %).

    Each argument has one array `(n,)` a seed: whether a and b were right (bool) on that seed's test images,
    and the identities (int64) of these images, which seeds may share, in part or in whole, or not. `weights`,
    float64, together 1 in each seed, say what each image counts: with `balanced_weights` the difference is that of
    the balanced accuracies. Of several recognizers that learned from one split and GAN a seed has an array `(R, n)`,
    R by side: their mean stands for the seed.

    The squared standard error is s²/S + v/n: s² the variance of the S seeds' mean differences, v that of the n distinct
    images' mean differences over the seeds that tested them. The first holds what another split and training would
    change, the second what another test set would; part of the sampling of test images is in both, rather too wide than
    too narrow. Seeds are what is drawn independently: R recognizers take s² from σ² + τ² to σ² + τ²/R, σ² of GANs and
    splits, τ² of recognizers, and leave its degrees of freedom at S − 1. Where a side has two or more, the parts tell
    what is left of each. It is a t interval with Satterthwaite's degrees of freedom for the two terms (S − 1 and
    n − 1); with fewer than five seeds, which misjudge these, its t is the mean of both terms', weighted by them
    (Cochran & Cox 1950). With one seed the first term is not known and left out: that interval covers the sampling of
    test images only. To the images' variance one image that only a gets right and one that only b gets right are added
    (Agresti & Min 2005), so that few test images on which both agree do not promise certainty.

    With weights, s² is of the weighted means, and v/n is Σ W²(d − D)² / (1 − Σ W²): W an image's mean weight over
    all seeds, d its weighted mean difference, D the sum of Wd. Its degrees of freedom count the images as Kish (1965)
    does, (Σ W²)² / Σ W⁴ − 1; the two added images weigh Σ W² each, the mean weight as a unit of weight meets it.
    Where a difference is that of a few heavy images (a class with five of them) the interval is too narrow.

    folds: where the seeds' test images are folds of cross-validation, how many make a partition. Then what they learned
    from overlaps, and s²/S is too small: it is s² (1/S + 1/(folds − 1)), with S − 1 degrees of freedom, where
    1/(folds − 1) is how many images are tested for one that is not (Nadeau & Bengio 2003, "Inference for the
    Generalization Error"). That holds the sampling of test images already: of the second term only the two added images
    are left.

    The interval is cut off at −1 and 1. Raises InputError for no seed, arguments that do not match, an image twice in a
    seed, weights that are negative or not 1 together, fewer than two folds or images (with a weight) in all, or a level
    that is not between 0 and 1.
    """
    identities, sides = _paired(correct_a, correct_b, images)
    differences = [a.mean(axis=0) - b.mean(axis=0) for a, b in sides]
    _, which = np.unique(np.concatenate(identities), return_inverse=True)
    of_folds = folds is not None and len(differences) > 1  # whose variance holds the sampling of test images
    counted = None if weights is None else _weights_of(weights, differences)
    count, term = _over_images(differences, which, counted, of_folds)
    of_seeds = np.array([_mean(each, counted, seed) for seed, each in enumerate(differences)])
    mean, terms, parts = float(of_seeds.mean()), [term], None
    if len(of_seeds) > 1:
        over_seeds = _term_of_seeds(of_seeds, folds)
        terms = [over_seeds, term]
        parts = _parts(over_seeds.squared_error, of_seeds, _of_recognizers(sides, counted), term.squared_error)
    half = half_width_of(terms, level)
    low, high = max(-1.0, mean - half), min(1.0, mean + half)
    return PairedDifference(mean, low, high, len(of_seeds), count, parts, tuple(terms))


def mean_interval(values: Any) -> MeanInterval:
    """The mean of `(S,)` figures, one per seed, with their standard deviation (ddof 1) and a 95 % t interval.

    One seed says nothing about the next: the deviation and both ends are None. Seeds whose figures are the same give no
    width: of accuracies near 1, which few test images let take few values, the interval is too narrow. Raises
    InputError where there is no value or one that is not finite.
    """
    figures = plain(values, "figures of seeds").astype(np.float64)
    if figures.ndim != 1 or not len(figures) or not np.isfinite(figures).all():
        raise InputError(f"a mean over seeds needs finite figures, one per seed, and got {figures.tolist()}")
    mean = float(figures.mean())
    if len(figures) == 1:
        return MeanInterval(mean, None, None, None)
    unit = int(np.frexp(np.abs(figures).max())[1])  # a power of two: the squares of huge and tiny ones leave float64
    scaled = np.ldexp(figures, -unit)
    half, sd = (float(np.ldexp(each, unit)) for each in (half_width_of([_term_of_mean(scaled)]), scaled.std(ddof=1)))
    return MeanInterval(mean, sd, mean - half, mean + half)


def _paired(
    correct_a: Sequence[Any], correct_b: Sequence[Any], images: Sequence[Any]
) -> tuple[list[NDArray[np.int64]], list[tuple[Floats, Floats]]]:
    """For each seed the identities of its test images, and what both sides' recognizers answered on them (R, n)."""
    if not len(correct_a) == len(correct_b) == len(images) >= 1:
        raise InputError(f"a has {len(correct_a)} seeds, b {len(correct_b)}, images {len(images)}: give one per seed")
    identities, sides = [], []
    for seed, (right_a, right_b, tested) in enumerate(zip(correct_a, correct_b, images, strict=True)):
        a, b = (
            _answers(right, f"answers of {side} in seed {seed}") for side, right in (("a", right_a), ("b", right_b))
        )
        names = whole(tested, f"images of seed {seed}")
        if not a.shape[1:] == b.shape[1:] == names.shape or not len(names):
            raise InputError(
                f"seed {seed} has the shapes {np.shape(right_a)}, {np.shape(right_b)}, {names.shape}: give one entry "
                "per test image"
            )
        if len(np.unique(names)) < len(names):
            raise InputError(f"seed {seed} tests an image twice: give each image one entry")
        identities.append(names)
        sides.append((a, b))
    return identities, sides


def _answers(right: Any, name: str) -> Floats:
    """Whether each of R recognizers was right on each image: (R, n), where one alone may come as (n,)."""
    answers = plain(right, name)
    if answers.ndim != 2:
        return flags(answers, name)[None].astype(np.float64)
    if not len(answers):
        raise InputError(f"the {name} are of no recognizer: give one row or more")
    return flags(answers.ravel(), name).reshape(answers.shape).astype(np.float64)


def _mean(answers: Floats, weights: Sequence[Floats] | None, seed: int) -> Floats:
    """Over the images, which are the last axis."""
    return np.asarray(answers.mean(axis=-1) if weights is None else answers @ weights[seed])


def _of_recognizers(sides: Sequence[tuple[Floats, Floats]], weights: Sequence[Floats] | None) -> float | None:
    """The variance that recognizers bring to a seed's difference; None where no seed has two of a side.

    Of a side that has one alone it is taken to be as large as that of a recognizer of the other.
    """
    shares, variances = [], []
    for of_side in zip(*sides, strict=True):
        accuracies = [_mean(answers, weights, seed) for seed, answers in enumerate(of_side)]
        shares.append(float(np.mean([1 / len(each) for each in accuracies])))
        variances.append([float(each.var(ddof=1)) for each in accuracies if len(each) > 1])
    if not any(variances):
        return None
    of_any = np.concatenate(variances)
    return sum(float(np.mean(each or of_any)) * share for each, share in zip(variances, shares, strict=True))


def _parts(squared_error: float, of_seeds: Floats, of_recognizers: float | None, of_images: float) -> ErrorParts | None:
    """The squared error of the mean over seeds, split; of recognizers it holds at most all."""
    if of_recognizers is None:
        return None
    variance = float(of_seeds.var(ddof=1))
    share = min(1.0, of_recognizers / variance) if variance else 0.0
    return ErrorParts((1 - share) * squared_error, share * squared_error, of_images)


def _weights_of(weights: Sequence[Any], differences: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """The weights of each seed's images, checked."""
    if len(weights) != len(differences):
        raise InputError(f"there are weights of {len(weights)} seeds for {len(differences)}: give one array per seed")
    arrays = [numbers(each, f"weights of seed {seed}") for seed, each in enumerate(weights)]
    for seed, (each, difference) in enumerate(zip(arrays, differences, strict=True)):
        if each.shape != difference.shape:
            raise InputError(f"seed {seed} has {each.shape} weights for {difference.shape} images: give one each")
        if not (each >= 0).all() or abs(each.sum() - 1) > TOLERANCE:
            raise InputError(f"the weights of seed {seed} sum to {each.sum():.6g}: they are from 0 on and together 1")
    return arrays


def _over_images(
    differences: Sequence[Floats], which: NDArray[np.intp], weights: Sequence[Floats] | None, of_folds: bool
) -> tuple[int, Term]:
    """How many images count, and the term of what others would change; of folds only that of the two added images."""
    if weights is None:
        of_images = np.bincount(which, weights=np.concatenate(differences)) / np.bincount(which)
        term = _term_of_mean(np.append(of_images * (not of_folds), PSEUDO_IMAGES))
    else:
        of_images, weight = _of_weighted_images(weights, differences, which)
        sample = np.append(of_images * (not of_folds), PSEUDO_IMAGES)
        term = _term_of_weighted_mean(sample, np.append(weight, [weight @ weight] * 2))
    if len(of_images) < 2:
        raise InputError("one test image shows nothing about others: test on two or more")
    return len(of_images), term


def _of_weighted_images(
    weights: Sequence[NDArray[np.float64]], differences: Sequence[NDArray[np.float64]], which: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each image with a weight its mean difference, and its mean weight over all seeds."""
    of_each = np.concatenate(weights)
    totals = np.bincount(which, weights=of_each)
    products = np.bincount(which, weights=of_each * np.concatenate(differences))
    return products[totals > 0] / totals[totals > 0], totals[totals > 0] / len(weights)


def _term_of_mean(sample: NDArray[np.float64]) -> Term:
    """Of the mean of two values or more."""
    return Term(float(sample.var(ddof=1)) / len(sample), len(sample) - 1)


def _term_of_seeds(sample: NDArray[np.float64], folds: int | None) -> Term:
    """Of the mean over seeds, or over folds whose training parts overlap."""
    term = _term_of_mean(sample)
    if folds is None:
        return term
    if folds < 2:
        raise InputError(f"{folds} folds make no partition: give 2 or more, or None")
    return Term(term.squared_error * (1 + len(sample) / (folds - 1)), term.freedom)


def _term_of_weighted_mean(sample: NDArray[np.float64], weights: NDArray[np.float64]) -> Term:
    """The same where values count by weights, which need not sum to 1; with equal ones it is the same figure."""
    squares = (weights / weights.sum()) ** 2
    squared_error = squares @ (sample - np.average(sample, weights=weights)) ** 2 / (1 - squares.sum())
    return Term(float(squared_error), float(squares.sum() ** 2 / (squares @ squares)) - 1)


def half_width_of(terms: Sequence[Term], level: float = LEVEL) -> float:
    """Of the t interval whose squared standard error is the sum of the terms'; InputError for no level of one."""
    if not 0 < level < 1:
        raise InputError(f"a level of {level} says nothing: give one between 0 and 1, such as {LEVEL}")
    squared_error = sum(term.squared_error for term in terms)
    if squared_error == 0:
        return 0.0
    if min(term.freedom for term in terms) < FEW:
        t = sum(term.squared_error * _quantile(term.freedom, level) for term in terms) / squared_error
    else:
        t = _quantile(squared_error**2 / sum(term.squared_error**2 / term.freedom for term in terms), level)
    return t * sqrt(squared_error)


def _quantile(freedom: float, level: float) -> float:
    return float(stdtrit(freedom, (1 + level) / 2))
