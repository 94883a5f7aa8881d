from math import exp, log

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.image.inception import InceptionScore

from elmyr.core.errors import InputError
from elmyr.metrics import inception_score, wilson_interval


def by_brute_force(rows: np.ndarray) -> float:
    marginal = rows.mean(axis=0)
    divergences = [sum(p * log(p / q) for p, q in zip(row, marginal, strict=True) if p > 0) for row in rows]
    return exp(float(np.mean(divergences)))


@given(st.integers(0, 2**32 - 1), st.integers(2, 50), st.integers(1, 12), st.sampled_from([0.05, 1.0, 20.0]))
def test_equals_brute_force(seed: int, count: int, classes: int, concentration: float) -> None:
    rows = np.random.default_rng(seed).dirichlet(np.full(classes, concentration), size=count)
    found = inception_score(rows)
    assert found.value == pytest.approx(by_brute_force(rows), rel=1e-6)
    assert 1 - 1e-9 <= found.low <= found.value + 1e-9
    assert found.value - 1e-9 <= found.high <= classes + 1e-9


def test_clear_and_varied_is_the_number_of_classes() -> None:
    assert inception_score(np.eye(10)).value == pytest.approx(10)
    assert inception_score(np.eye(10)[np.zeros(50, int)]).value == pytest.approx(1)
    assert inception_score(np.full((50, 10), 0.1)).value == pytest.approx(1)


@pytest.mark.filterwarnings("ignore")  # theirs: of its buffer, its state and the deviation over one split
def test_equals_torchmetrics_with_one_split() -> None:
    logits = torch.randn(200, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    theirs = InceptionScore(feature=torch.nn.Identity(), splits=1)
    theirs.features = [logits]
    mean, _ = theirs.compute()
    assert inception_score(logits.softmax(1).numpy()).value == pytest.approx(float(mean), rel=1e-6)


@pytest.mark.parametrize(
    "rows", [[[0.5, 0.5]], [[0.5, 0.6], [0.5, 0.5]], [[1.5, -0.5], [1, 0]], [[np.nan, 1], [1, 0]], [0.5, 0.5]]
)
def test_what_is_no_probability_is_refused(rows: list) -> None:
    with pytest.raises(InputError, match="probabilities"):
        inception_score(rows)


@pytest.mark.parametrize("count", [4, 12, 450])
def test_images_that_are_all_of_one_class_do_not_promise_that_there_is_no_other(count: int) -> None:
    found = inception_score(np.eye(3)[np.zeros(count, np.int64)])
    missed = wilson_interval(0, count)[1]
    assert (found.value, found.low) == (1.0, 1.0)
    assert found.high == pytest.approx(np.exp(-missed * np.log(missed) - (1 - missed) * np.log1p(-missed)))


def test_of_two_images_nothing_is_sure() -> None:
    assert inception_score([[0.9, 0.1], [0.2, 0.8]]).interval[1:] == (1, 2)
