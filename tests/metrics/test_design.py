"""Groups and replicates: of any order of rows the same chance, of fixed labels none of the classes'."""

import numpy as np
import pytest

from elmyr.core.errors import InputError
from elmyr.metrics import (
    DRAWN,
    class_divergence,
    difference,
    discriminator_accuracy,
    fixed_design,
    frechet_distance,
    frechet_distance_at_infinity,
    groups_of,
    kernel_distance,
)
from elmyr.metrics.design import replicates_of

CENTERS = np.array([[0.0, 0], [4, 0], [0, 6]])


def rows_of(labels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return CENTERS[labels] + random.normal(size=(len(labels), 2))


@pytest.mark.parametrize("counts", [(400,), (45,), (3,), (41, 20, 7, 2), (30, 1), (30, 1, 1, 5)])
def test_replicates_have_the_variance_and_the_bias_of_the_mean_in_every_stratum(counts: tuple[int, ...]) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    replicates = replicates_of(len(labels), labels)
    weights = replicates.weights()
    assert (weights >= 0).all() and weights.sum(axis=0) == pytest.approx(1)
    groups = weights.shape[1] - 1
    apart = weights[:, 1:] - weights[:, :1]
    sizes = np.bincount(replicates.strata)
    assert (sizes >= 2).all() and len(sizes) <= len(counts)
    for stratum, size in enumerate(sizes):
        inside = replicates.strata == stratum
        assert apart[inside].sum(axis=0) == pytest.approx(0, abs=1e-12)  # its share stays
        # For independent rows of variance 1 the expected sum of squares is that of the weights.
        variance = (groups - 1) / groups * (apart[inside] ** 2).sum()
        assert variance == pytest.approx(size / len(labels) ** 2)


def test_groups_are_of_one_size_and_hold_their_share_of_every_label() -> None:
    labels = np.random.default_rng(0).integers(0, 3, 450)
    table = np.zeros((20, 3))
    np.add.at(table, (groups_of(450, labels), labels), 1)
    assert np.ptp(table.sum(axis=1)) <= 1 and np.ptp(table, axis=0).max() <= 2
    assert np.ptp(np.bincount(groups_of(450))) == 1


def test_the_order_of_rows_changes_no_interval_by_more_than_chance() -> None:
    """Rows in turn of each class gave intervals from 0 to many times the right one."""
    random = np.random.default_rng(1)
    labels = np.arange(600) % 3
    a, b = rows_of(labels, random), rows_of(labels, random) + 0.5
    shuffled = random.permutation(600)
    for figure in (frechet_distance, kernel_distance):
        widths = []
        for order in (np.arange(600), np.argsort(labels, kind="stable"), shuffled):
            found = figure(a[order], b[order])
            widths.append(found.high - found.low)
        assert max(widths) < 2 * min(widths)


@pytest.mark.parametrize("fixed", [True, False])
def test_equal_distributions_are_at_0_on_average_with_labels_fixed_and_drawn(fixed: bool) -> None:
    """Of 60 repeats the mean is within 4 standard errors, and 85 % of the intervals or more hold 0; one seed."""
    random = np.random.default_rng(2)
    at_infinity, kernel = [], []
    for _ in range(60):
        real = random.integers(0, 3, 150)
        asked = random.permutation(real) if fixed else random.integers(0, 3, 150)
        design = fixed_design(real, asked) if fixed else DRAWN
        a, b = rows_of(real, random), rows_of(asked, random)
        at_infinity.append(frechet_distance_at_infinity(a, b, design=design).interval)
        kernel.append(kernel_distance(a, b, design=design).interval)
    for found in (np.array(at_infinity), np.array(kernel)):
        values, lows, highs = found.T
        assert abs(values.mean()) < 4 * values.std() / 60**0.5
        assert ((lows <= 0) & (highs >= 0)).mean() >= 0.85
        assert (highs - lows).mean() / 2 < 1.6 * 1.96 * values.std()
    if fixed:  # with class counts taken for chance, what they bring is taken off although it is not there
        wrong = frechet_distance_at_infinity(a, b).value, kernel_distance(a, b).value
        assert wrong[0] < at_infinity[-1][0] and wrong[1] < kernel[-1][0]


def test_figures_beside_the_same_images_dealt_otherwise_differ_by_no_more_than_both() -> None:
    random = np.random.default_rng(3)
    labels = np.arange(90) % 3
    real, one, other = (rows_of(labels, random) for _ in range(3))
    a = kernel_distance(real, one, design=fixed_design(labels, labels))
    b = kernel_distance(real, other)
    apart = difference(a, b)
    assert len(apart.without_real) == 2 and apart.value == pytest.approx(a.value - b.value)
    of_classes = [
        class_divergence(labels, labels, 3, design=design) for design in (fixed_design(labels, labels), DRAWN)
    ]
    assert len(difference(*of_classes).without_real) == 2
    with pytest.raises(InputError, match="different real images"):
        difference(of_classes[0], class_divergence(labels[::-1], labels, 3))
    with pytest.raises(InputError, match="labels of the shape"):
        fixed_design([0.5, 1.0], [0, 1])


def test_real_logits_dealt_otherwise_do_not_cancel() -> None:
    """Each discriminator has logits of its own for the same real images."""
    random = np.random.default_rng(4)
    labels = np.arange(90) % 3
    fixed = fixed_design(labels, labels)
    one, alike = (discriminator_accuracy(*random.normal(size=(2, 90)), design=fixed) for _ in range(2))
    other = discriminator_accuracy(*random.normal(size=(2, 90)))
    assert len(difference(one, alike).without_real) == 1
    assert len(difference(one, other).without_real) == 2
