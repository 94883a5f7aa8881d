from math import sqrt

import numpy as np
import pytest
from scipy.stats import binom, t

from elmyr.core.errors import InputError
from elmyr.metrics import PairedDifference, balanced_accuracy, balanced_weights, mean_interval, paired_difference
from elmyr.metrics.intervals import Term, half_width_of


def test_paired_difference_by_hand() -> None:
    # Two seeds test images 0 to 199 and 100 to 299: 18 and 12 of each hundred are told apart, the shared ones in both.
    apart = np.zeros((2, 200))
    apart[0, :12], apart[0, 100:106], apart[1, :3], apart[1, 100:112] = 1, -1, 1, 1
    found = paired_difference(list(apart == 1), list(apart == -1), [np.arange(200), np.arange(100, 300)])

    seeds = (0.03 - 0.075) ** 2 / 2 / 2  # the variance of the two means, over two
    # Of images 0 to 299: 12 ones; among the shared 3 means of 0 (−1 and 1) and 3 of −1/2; 12 ones; and the two added.
    values = np.array([1] * 24 + [-0.5] * 3 + [0] * 273 + [1, -1])
    images = values.var(ddof=1) / 302
    half = (seeds * t.ppf(0.975, 1) + images * t.ppf(0.975, 301)) / sqrt(seeds + images)
    assert (found.difference, found.seeds, found.images) == (pytest.approx(0.0525), 2, 300)
    assert (found.low, found.high) == pytest.approx((0.0525 - half, 0.0525 + half), rel=1e-12)


def test_of_five_seeds_the_degrees_of_freedom_are_satterthwaite_s() -> None:
    random = np.random.default_rng(7)
    a, b = random.random((2, 5, 30)) < 0.8
    found = paired_difference(list(a), list(b), [np.arange(30) + 30 * seed for seed in range(5)])
    apart = a.astype(float) - b
    seeds, images = apart.mean(axis=1).var(ddof=1) / 5, np.var([*apart.ravel(), 1, -1], ddof=1) / 152
    freedom = (seeds + images) ** 2 / (seeds**2 / 4 + images**2 / 151)
    half = t.ppf(0.975, freedom) * sqrt(seeds + images)
    assert (found.low, found.high) == pytest.approx((apart.mean() - half, apart.mean() + half), rel=1e-12)


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("sd", [0.0, 0.2, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("images", [450, 10_000])
def test_a_study_of_few_seeds_gives_few_false_alarms(seeds: int, sd: float, images: int) -> None:
    """On each side, with trainings that vary by `sd` points, on one test split; 3 standard errors are left."""
    random, repeats, most = np.random.default_rng(9), 2000, 0.035
    of_images = 0.02 / images  # two images in a hundred are told apart by one arm alone
    means = random.normal(0, sd / 100, (repeats, seeds)) + random.normal(0, sqrt(of_images), (repeats, 1))
    halves = [half_width_of([Term(row.var(ddof=1) / seeds, seeds - 1), Term(of_images, images - 1)]) for row in means]
    alarms = (means.mean(axis=1) > halves).mean(), (means.mean(axis=1) < -np.array(halves)).mean()
    assert max(alarms) <= most + 3 * sqrt(most / repeats)


def test_one_seed_covers_test_sampling_only() -> None:
    a, b = np.array([1, 1, 1, 0, 1], bool), np.array([1, 0, 0, 1, 1], bool)
    found = paired_difference([a], [b], [np.arange(5)])
    half = t.ppf(0.975, 6) * np.std([0, 1, 1, -1, 0, 1, -1], ddof=1) / sqrt(7)
    assert (found.low, found.high) == pytest.approx((0.2 - half, 1.0), rel=1e-12)  # 0.2 + half is above 1


def several_recognizers(
    random: np.random.Generator, seeds: int, recognizers: int, images: int, of_seeds: float, of_recognizers: float
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Answers (R, n) of both sides, whose chances vary by GAN and split and by recognizer; no true difference."""
    of_seed = random.normal(0, of_seeds, seeds)
    sides = []
    for pull in (of_seed, np.zeros(seeds)):
        of_each = random.normal(0, of_recognizers / sqrt(2), (seeds, recognizers))
        chances = 0.8 + pull[:, None] + of_each
        sides.append([random.random((recognizers, images)) < chance[:, None] for chance in chances])
    return sides[0], sides[1]


def test_several_recognizers_stand_for_their_seed_by_their_mean() -> None:
    a, b = several_recognizers(np.random.default_rng(8), 3, 4, 50, 0.05, 0.1)
    images = [np.arange(50) + 50 * seed for seed in range(3)]
    found = paired_difference(a, [each[:2] for each in b], images)
    apart = [one.mean(axis=0) - other[:2].mean(axis=0) for one, other in zip(a, b, strict=True)]
    of_seeds = np.array([each.mean() for each in apart])
    seeds, other_images = of_seeds.var(ddof=1) / 3, np.var([*np.concatenate(apart), 1, -1], ddof=1) / 152
    half = (seeds * t.ppf(0.975, 2) + other_images * t.ppf(0.975, 151)) / sqrt(seeds + other_images)
    assert (found.low, found.high) == pytest.approx((of_seeds.mean() - half, of_seeds.mean() + half), rel=1e-12)
    variances = [np.mean([side.mean(axis=1).var(ddof=1) for side in sides]) for sides in (a, [each[:2] for each in b])]
    share = min(1, (variances[0] / 4 + variances[1] / 2) / of_seeds.var(ddof=1))
    assert found.parts == pytest.approx(((1 - share) * seeds, share * seeds, other_images))

    alone = [each[0] for each in a], [each[0] for each in b]
    assert paired_difference(*alone, images) == paired_difference(*([x[None] for x in side] for side in alone), images)
    assert paired_difference(*alone, images).parts is None
    with pytest.raises(InputError, match="answers of b in seed 0 are of no recognizer"):
        paired_difference(a, [each[:0] for each in b], images)


def test_parts_tell_what_more_recognizers_would_narrow() -> None:
    random = np.random.default_rng(10)
    shares = []
    for of_seeds, of_recognizers in ((0.1, 0.02), (0.02, 0.1)):
        answers = several_recognizers(random, 40, 3, 2000, of_seeds, of_recognizers)
        parts = paired_difference(*answers, [np.arange(2000)] * 40).parts
        assert parts is not None
        assert parts.seeds + parts.recognizers == pytest.approx((of_seeds**2 + of_recognizers**2 / 3) / 40, rel=0.5)
        shares.append(parts.recognizers / (parts.seeds + parts.recognizers))
    assert shares[0] < 0.15 < 0.7 < shares[1]


@pytest.mark.parametrize("seeds", [2, 5])
def test_several_recognizers_a_seed_give_few_false_alarms_even_where_seeds_are_all_that_varies(seeds: int) -> None:
    """Recognizers that share a GAN are no independent draws, and are not to be counted as such."""
    random, repeats, most = np.random.default_rng(11), 400, 0.035
    images = [np.arange(400)] * seeds
    told = [
        paired_difference(*several_recognizers(random, seeds, 4, 400, 0.05, 0.01), images).outcome
        for _ in range(repeats)
    ]
    assert max(told.count("better"), told.count("worse")) <= repeats * most + 3 * sqrt(most * repeats)


def test_images_are_paired_by_identity_and_not_by_place() -> None:
    generator = np.random.default_rng(0)
    a, b = generator.random((2, 3, 40)) < 0.8
    in_order = paired_difference(list(a), list(b), [np.arange(40)] * 3)
    orders = [generator.permutation(40) for _ in range(3)]
    shuffled = paired_difference(
        [right[order] for right, order in zip(a, orders, strict=True)],
        [right[order] for right, order in zip(b, orders, strict=True)],
        orders,
    )
    assert (shuffled.low, shuffled.high) == pytest.approx((in_order.low, in_order.high), rel=1e-12)
    other_images = paired_difference(list(a), list(b), [np.arange(40) + 40 * seed for seed in range(3)])
    assert other_images.images == 120
    assert other_images.low != pytest.approx(in_order.low, rel=1e-3)


def test_swapping_the_arms_mirrors_the_interval() -> None:
    a, b = np.random.default_rng(1).random((2, 4, 30)) < 0.7
    one = paired_difference(list(a), list(b), [np.arange(30)] * 4)
    other = paired_difference(list(b), list(a), [np.arange(30)] * 4)
    assert (other.difference, other.low, other.high) == pytest.approx((-one.difference, -one.high, -one.low))


@pytest.mark.parametrize(("a", "b", "difference"), [(True, True, 0), (True, False, 1), (False, True, -1)])
def test_where_nothing_varies_the_interval_is_still_no_point(a: bool, b: bool, difference: int) -> None:
    found = paired_difference([np.full(20, a)] * 3, [np.full(20, b)] * 3, [np.arange(20)] * 3)
    assert found.difference == difference
    assert -1 <= found.low <= difference <= found.high <= 1
    assert 0.05 < max(found.high - difference, difference - found.low) < 0.4


@pytest.mark.parametrize(
    ("count", "seeds", "only_a", "only_b"), [(50, 5, 0.01, 0), (450, 5, 0.002, 0), (500, 3, 3e-3, 1e-3)]
)
def test_the_interval_covers_the_truth_where_the_arms_hardly_ever_differ(
    count: int, seeds: int, only_a: float, only_b: float
) -> None:
    generator = np.random.default_rng(4)
    repeats, covered = 400, 0
    for _ in range(repeats):
        luck = generator.random(count)
        a, b = luck >= only_b, luck < 1 - only_a
        found = paired_difference([a] * seeds, [b] * seeds, [np.arange(count)] * seeds)
        covered += found.low <= only_a - only_b <= found.high
    assert covered / repeats >= 0.93


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (0.01, 0.03, "better"),
        (-0.03, -0.01, "worse"),
        (-0.01, 0.03, "no significant effect"),
        (0.0, 0.03, "no significant effect"),
        (-0.03, 0.0, "no significant effect"),
        (0.0, 0.0, "no significant effect"),
    ],
)
def test_outcome(low: float, high: float, outcome: str) -> None:
    assert PairedDifference((low + high) / 2, low, high, seeds=5, images=100).outcome == outcome
    assert PairedDifference((low + high) / 2, low, high, seeds=1, images=100).outcome == "not decided"


def test_a_clear_gain_is_better_and_a_clear_loss_worse() -> None:
    generator = np.random.default_rng(2)
    good, poor = generator.random((5, 500)) < 0.95, generator.random((5, 500)) < 0.8
    images = [np.arange(500)] * 5
    assert paired_difference(list(good), list(poor), images).outcome == "better"
    assert paired_difference(list(poor), list(good), images).outcome == "worse"
    assert paired_difference(list(good), list(good), images).outcome == "no significant effect"


@pytest.mark.parametrize("shared", [True, False], ids=["one test set", "a test set a seed"])
@pytest.mark.parametrize("gain", [0.0, 0.04])
@pytest.mark.parametrize("seed_effect", [0.0, 0.02])
def test_the_interval_covers_the_true_difference_at_least_93_times_in_100(
    shared: bool, gain: float, seed_effect: float
) -> None:
    """a's chance on an image is the image's own, plus the gain, plus what this seed's training gave."""
    generator = np.random.default_rng(3)
    seeds, count, repeats, covered = 5, 300, 400, 0
    for _ in range(repeats):
        ease = generator.beta(8, 2, size=(1 if shared else seeds, count)) * 0.8  # room for gain and seed effect
        pull = generator.choice([-1, 1], size=ease.shape) * 0.1  # images that a handles better or worse than b
        luck = generator.normal(scale=seed_effect, size=(seeds, 1))
        a = generator.random((seeds, count)) < ease + 0.1 + pull + gain + luck
        b = generator.random((seeds, count)) < ease + 0.1
        images = np.broadcast_to(np.arange(ease.size).reshape(ease.shape), (seeds, count))
        found = paired_difference(list(a), list(b), list(images))
        covered += found.low <= gain <= found.high
    assert covered / repeats >= 0.93


@pytest.mark.parametrize(
    ("a", "b", "images", "complaint"),
    [
        ([], [], [], "a has 0 seeds"),
        ([[1, 0]], [[1, 0], [1, 0]], [[1, 2]], "a has 1 seeds, b 2"),
        ([[1, 0]], [[1, 0, 1]], [[1, 2]], "seed 0 has the shapes"),
        ([[1, 0]], [[1, 0]], [[1, 2, 3]], "seed 0 has the shapes"),
        ([[1, 0], []], [[1, 0], []], [[1, 2], []], "seed 1 has the shapes"),
        ([[1, 0]], [[1, 0]], [[7, 7]], "tests an image twice"),
        ([[1], [1]], [[1], [0]], [[7], [7]], "one test image"),
    ],
)
def test_results_that_do_not_match_are_refused(a: list, b: list, images: list, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        paired_difference(a, b, images)


def test_mean_interval_by_hand() -> None:
    found = mean_interval([0.90, 0.92, 0.94])
    half = t.ppf(0.975, 2) * 0.02 / sqrt(3)
    assert found == pytest.approx((0.92, 0.02, 0.92 - half, 0.92 + half), rel=1e-9)


def test_one_seed_has_a_mean_and_no_interval() -> None:
    assert mean_interval([0.5]) == (0.5, None, None, None)


@pytest.mark.parametrize("values", [[], [0.5, np.nan], [[0.5]]])
def test_a_mean_of_nothing_is_refused(values: list) -> None:
    with pytest.raises(InputError, match="finite figures"):
        mean_interval(values)


def test_weighted_difference_by_hand() -> None:
    # Seed 0 tests images 1, 2, 3 with differences 1, 0, −1; seed 1 tests 3, 4 with 1, 0.
    a, b = [[1, 1, 0], [1, 0]], [[0, 1, 1], [0, 0]]
    found = paired_difference(a, b, [[1, 2, 3], [3, 4]], [[0.5, 0.3, 0.2], [0.4, 0.6]])

    seeds = np.var([0.3, 0.4], ddof=1) / 2
    weights = np.array([0.25, 0.15, 0.3, 0.3])  # of images 1 to 4, the mean over both seeds
    differences = np.array([1, 0, (-0.2 + 0.4) / 0.6, 0, 1, -1])
    weights = np.append(weights, [(weights**2).sum()] * 2)
    weights /= weights.sum()
    squares = weights**2
    images = (squares * (differences - weights @ differences) ** 2).sum() / (1 - squares.sum())
    kish = squares.sum() ** 2 / (squares**2).sum()
    half = (seeds * t.ppf(0.975, 1) + images * t.ppf(0.975, kish - 1)) / sqrt(seeds + images)
    assert (found.difference, found.seeds, found.images) == (pytest.approx(0.35), 2, 4)
    assert (found.low, found.high) == pytest.approx((0.35 - half, 1.0), rel=1e-12)  # 0.35 + half is above 1


def test_equal_weights_change_nothing() -> None:
    a, b = np.random.default_rng(1).random((2, 4, 30)) < 0.7
    images = [np.arange(30)] * 4
    plain = paired_difference(list(a), list(b), images)
    weighted = paired_difference(list(a), list(b), images, [np.full(30, 1 / 30)] * 4)
    assert (weighted.difference, weighted.low, weighted.high) == pytest.approx(
        (plain.difference, plain.low, plain.high), rel=1e-12
    )


def test_with_balanced_weights_it_is_the_difference_of_balanced_accuracies() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [60, 20, 5])
    read_a, read_b = random.integers(0, 3, (2, 85))
    found = paired_difference(
        [read_a == labels], [read_b == labels], [np.arange(85)], [balanced_weights(labels)]
    ).difference
    assert found == pytest.approx(balanced_accuracy(read_a, labels) - balanced_accuracy(read_b, labels), abs=1e-12)


def test_images_without_weight_count_as_if_they_were_not_there() -> None:
    a, b = np.random.default_rng(5).random((2, 3, 40)) < 0.8
    some = paired_difference([x[:30] for x in a], [x[:30] for x in b], [np.arange(30)] * 3)
    weights = np.r_[np.full(30, 1 / 30), np.zeros(10)]
    among = paired_difference(list(a), list(b), [np.arange(40)] * 3, [weights] * 3)
    assert (among.low, among.high, among.images) == pytest.approx((some.low, some.high, 30))


@pytest.mark.parametrize("shared", [True, False], ids=["one test set", "a test set a seed"])
@pytest.mark.parametrize("gain", [0.0, 0.1])
def test_the_weighted_interval_covers_the_true_difference_of_balanced_accuracies(shared: bool, gain: float) -> None:
    """In 19 of 20 or more; were it exactly 19 of 20, this would fail by chance once in a million times or less."""
    random = np.random.default_rng(6)
    labels = np.repeat(np.arange(5), [300, 120, 60, 30, 20])
    weights, ease = balanced_weights(labels), np.array([0.9, 0.85, 0.8, 0.7, 0.6])[labels]
    seeds, repeats, covered = 3, 400, 0
    for _ in range(repeats):
        luck = random.random((seeds, 2, len(labels)))
        if shared:
            luck[:] = luck[0]
        a, b = luck[:, 0] < ease + gain, luck[:, 1] < ease
        images = [np.arange(len(labels)) + (0 if shared else len(labels) * seed) for seed in range(seeds)]
        found = paired_difference(list(a), list(b), images, [weights] * seeds)
        covered += found.low <= gain <= found.high
    assert covered >= binom.ppf(1e-6, repeats, 0.95)


@pytest.mark.parametrize(
    ("weights", "complaint"),
    [
        ([], "weights of 0 seeds for 1"),
        ([[0.5, 0.5]], r"seed 0 has \(2,\) weights for \(3,\) images"),
        ([[0.5, 0.3, 0.1]], "sum to 0.9"),
        ([[1.5, 0.0, -0.5]], "from 0 on"),
        ([[np.nan, 0.5, 0.5]], "hold NaN"),
        ([[1.0, 0.0, 0.0]], "one test image"),
    ],
)
def test_weights_that_do_not_match_are_refused(weights: list, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        paired_difference([[1, 0, 1]], [[1, 1, 0]], [[1, 2, 3]], weights)


def test_folds_by_hand() -> None:
    # Three folds of forty images with as many differences 1, 0 | 0, 0 | 1, 1: means 0.5, 0 and 1, of variance 0.25.
    a, b = ([np.repeat(each, 20) for each in side] for side in ([[1, 0], [1, 1], [1, 1]], [[0, 0], [1, 1], [0, 0]]))
    a[1][:30], b[2][:30] = 0, 1  # means 0.5, −0.75 and 0.25
    images = [np.arange(40) + 40 * fold for fold in range(3)]
    found = paired_difference(a, b, images, folds=3)
    of_seeds = np.var([0.5, -0.75, 0.25], ddof=1) * (1 / 3 + 1 / 2)
    of_images = (2 / 121) / 122  # of the two added images alone
    half = (of_seeds * t.ppf(0.975, 2) + of_images * t.ppf(0.975, 121)) / sqrt(of_seeds + of_images)
    assert half > 1 and (found.difference, found.low, found.high) == (0.0, -1.0, 1.0)
    a[1][:], b[1][:], b[2][:] = 1, 0, 0  # means 0.5, 1 and 1
    of_seeds = np.var([0.5, 1, 1], ddof=1) * (1 / 3 + 1 / 2)
    half = (of_seeds * t.ppf(0.975, 2) + of_images * t.ppf(0.975, 121)) / sqrt(of_seeds + of_images)
    found = paired_difference(a, b, images, folds=3)
    assert (found.difference, found.images) == (pytest.approx(5 / 6), 120)
    assert found.low == pytest.approx(5 / 6 - half, rel=1e-12)
    weighted = paired_difference(a, b, images, [[1 / 40] * 40] * 3, folds=3)
    assert (weighted.low, weighted.high) == pytest.approx((found.low, found.high), rel=1e-12)


def nearest_mean(training: np.ndarray, labels: np.ndarray, test: np.ndarray) -> np.ndarray:
    means = np.stack([training[labels == label].mean(0) for label in range(3)])
    return ((test[:, None] - means) ** 2).sum(2).argmin(1)


@pytest.mark.parametrize("counts", [(60, 20, 9), (12, 12, 12)])
def test_folds_give_no_false_alarms_where_both_arms_are_equally_good(counts: tuple[int, ...]) -> None:
    """In 1 of 20 or less, with training parts that overlap; were it 1 of 20, this would fail once in a million times.

    The arms see five features each, equally informative: what one sample of images favors, all folds favor.
    """
    random, labels, folds, repeats, alarms = np.random.default_rng(8), np.repeat(range(3), counts), 5, 300, 0
    fold_of, centers = np.arange(len(labels)) % folds, np.array([[0.0], [0.6], [-0.6]])
    for _ in range(repeats):
        features, right, other = centers[labels] + random.normal(size=(len(labels), 10)), [], []
        images = [np.flatnonzero(fold_of == fold) for fold in range(folds)]
        for test in images:
            rest = np.setdiff1d(np.arange(len(labels)), test)
            for seen, answers in ((slice(5), right), (slice(5, 10), other)):
                read = nearest_mean(features[rest, seen], labels[rest], features[test, seen])
                answers.append(read == labels[test])
        weights = [balanced_weights(labels[test]) for test in images]
        found = paired_difference(right, other, images, weights, folds=folds)
        alarms += not found.low <= 0 <= found.high
    assert alarms <= binom.isf(1e-6, repeats, 0.05)


def test_an_interval_of_another_level_is_wider_by_its_quantile() -> None:
    random = np.random.default_rng(0)
    a, b = random.random((6, 40)) < 0.8, random.random((6, 40)) < 0.7
    images = [np.arange(40) + 40 * seed for seed in range(6)]
    plain, sure = (paired_difference(list(a), list(b), images, level=level) for level in (0.95, 0.99))
    assert plain.difference == sure.difference and sure.low < plain.low and sure.high > plain.high
    (term,) = [Term(0.01, 12.0)]
    assert half_width_of([term], 0.99) / half_width_of([term]) == pytest.approx(3.0545 / 2.1788, rel=1e-4)  # t tables
    for level in (0.0, 1.0, float("nan")):
        with pytest.raises(InputError, match="between 0 and 1"):
            half_width_of([term], level)
