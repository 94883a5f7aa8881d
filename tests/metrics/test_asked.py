"""Figures that are taken where they are asked for, against their definitions written anew or torchmetrics."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy
from sklearn.metrics.pairwise import rbf_kernel
from torch.nn.functional import avg_pool2d, conv2d

from elmyr.core.errors import InputError
from elmyr.metrics import fixed_design, gaussian_kernel_distance
from elmyr.metrics.asked import (
    likelihood_divergence,
    mean_similarity,
    multiscale_ssim,
    path_length,
    vendi_score,
)
from elmyr.metrics.asked.multiscale import WEIGHTS

seeds = st.integers(0, 2**32 - 1)


def by_definition(rows: np.ndarray) -> float:
    """Of the whole matrix of cosines."""
    directions = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    values = np.linalg.eigvalsh(directions @ directions.T / len(rows))
    return float(np.exp(entropy(values.clip(min=0))))


@given(seeds, st.integers(4, 40), st.integers(1, 12))
def test_the_vendi_score_is_that_of_the_matrix_of_cosines(seed: int, count: int, width: int) -> None:
    rows = np.random.default_rng(seed).normal(0.3, 1, size=(count, width))
    found = vendi_score(rows)
    assert found.value == pytest.approx(by_definition(rows), rel=1e-6)
    assert 1 <= found.low <= found.value + 1e-9 and found.value <= found.high + 1e-9 <= min(rows.shape) + 2e-9


def test_it_is_how_many_wholly_different_rows_there_are() -> None:
    assert vendi_score(np.eye(10)[np.arange(100) % 10]).value == pytest.approx(10)
    assert vendi_score(np.outer(np.arange(1, 9), [1.0, 2.0])).value == pytest.approx(1)
    with pytest.raises(InputError, match="all 0, which has no direction"):
        vendi_score(np.vstack([np.eye(4), np.zeros(4)]))


def test_its_interval_holds_what_another_draw_gives() -> None:
    random = np.random.default_rng(0)
    found = [vendi_score(random.normal(0.5, 1, size=(200, 4))) for _ in range(60)]
    mean = np.mean([one.value for one in found])
    assert sum(one.low <= mean <= one.high for one in found) >= 52


@given(seeds, st.integers(4, 30), st.integers(4, 30))
def test_the_gaussian_kernel_distance_is_a_thousand_mean_discrepancies(seed: int, real: int, generated: int) -> None:
    random = np.random.default_rng(seed)
    a, b = random.normal(size=(real, 5)), random.normal(0.5, 1, size=(generated, 5))
    found = gaussian_kernel_distance(a, b)
    x, y = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (a, b))
    within = sum(rbf_kernel(rows, gamma=1 / 200)[~np.eye(len(rows), dtype=bool)].mean() for rows in (x, y))
    expected = 1000 * (within - 2 * rbf_kernel(x, y, gamma=1 / 200).mean())
    assert found.value == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert found.low <= found.value <= found.high
    published = 1000 * (sum(rbf_kernel(rows, gamma=1 / 200).mean() for rows in (x, y)) - within) + expected
    assert 0 <= published - found.value <= 20 / real + 20 / generated


def test_of_equal_distributions_it_is_0_on_average_also_with_fixed_labels() -> None:
    random = np.random.default_rng(1)
    labels = np.arange(60) % 3
    drawn, fixed = [], []
    for _ in range(150):
        a, b = (random.normal(size=(60, 4)) + 2 * np.eye(4)[labels] for _ in range(2))
        drawn.append(gaussian_kernel_distance(*(random.normal(size=(60, 4)) for _ in range(2))).value)
        fixed.append(gaussian_kernel_distance(a, b, design=fixed_design(labels, labels)).value)
    for values in (drawn, fixed):
        assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))


def by_convolution(first: torch.Tensor, second: torch.Tensor, weights: np.ndarray) -> float:
    """MS-SSIM of images (1, C, H, W) by windows that lie inside them whole, as Wang et al. 2003 have it."""
    line = torch.exp(-((torch.arange(11) - 5.0) ** 2) / (2 * 1.5**2)).double()
    window = (torch.outer(line, line) / line.sum() ** 2)[None, None]
    found = 1.0
    for place, weight in enumerate(weights.tolist()):
        a, b = (image.transpose(0, 1) for image in (first, second))
        mean_a, mean_b, aa, bb, ab = (conv2d(each, window) for each in (a, b, a * a, b * b, a * b))
        similar = (2 * (ab - mean_a * mean_b) + 58.5225) / (aa - mean_a**2 + bb - mean_b**2 + 58.5225)
        if place == len(weights) - 1:
            similar = similar * (2 * mean_a * mean_b + 6.5025) / (mean_a**2 + mean_b**2 + 6.5025)
        found *= float(similar.mean()) ** weight
        first, second = avg_pool2d(first, 2), avg_pool2d(second, 2)
    return found


@pytest.mark.parametrize(("size", "scales"), [(28, 2), (23, 2), (12, 1), (176, 5)])
def test_ms_ssim_is_that_of_windows_at_the_scales_that_fit(size: int, scales: int) -> None:
    random = np.random.default_rng(0)
    a = random.integers(0, 256, size=(1, size, size, 2), dtype=np.uint8)
    b = np.clip(a + random.normal(0, 40, a.shape), 0, 255).astype(np.uint8)
    first, second = (torch.from_numpy(each).permute(0, 3, 1, 2).double() for each in (a, b))
    weights = WEIGHTS[:scales] / WEIGHTS[:scales].sum()
    assert multiscale_ssim(a, b) == pytest.approx([by_convolution(first, second, weights)], rel=1e-6)


def test_images_of_a_class_that_are_all_alike_are_told_from_varied_ones() -> None:
    random = np.random.default_rng(0)
    one = random.integers(0, 256, size=(1, 16, 16, 1), dtype=np.uint8)
    alike, varied = np.repeat(one, 40, axis=0), random.integers(0, 256, size=(40, 16, 16, 1), dtype=np.uint8)
    labels = np.arange(40) % 2
    assert mean_similarity(alike, labels).value == pytest.approx(1)
    found = mean_similarity(varied, labels)
    pairs = []
    for label in (0, 1):
        order = np.random.default_rng(0).permutation(np.flatnonzero(labels == label))
        pairs.append(multiscale_ssim(varied[order[:10]], varied[order[10:]]).mean())
    assert found.value == pytest.approx(np.mean(pairs)) and found.low <= found.value < found.high < 0.5
    with pytest.raises(InputError, match="windows of 11x11, the images are 8x8"):
        mean_similarity(alike[:, :8, :8], labels)


def densities(squared: torch.Tensor, logs: torch.Tensor, dimension: int) -> torch.Tensor:
    return -0.5 * squared / logs.exp() - dimension / 2 * (logs + np.log(2 * np.pi))


def fitted_mixture(centers: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The logs of variances by torch's own gradients and Adam, as the code of the paper fits them."""
    dimension, squared = x.shape[1], torch.cdist(x, centers) ** 2
    logs = ((squared.min(0).values + 1e-3) / dimension).log().requires_grad_()
    of_mean = torch.zeros((), dtype=x.dtype, requires_grad=True)
    optimizer = torch.optim.Adam([logs, of_mean], lr=0.5)
    for _ in range(50):
        optimizer.zero_grad()
        around = densities(squared, logs, dimension) - np.log(len(centers))
        origin = densities(0.81 * torch.cdist(x, x.mean(0, keepdim=True)) ** 2, of_mean, dimension)
        (-torch.logsumexp(torch.cat([around, origin], 1), 1).mean() / dimension).backward()
        optimizer.step()
        logs.data.clamp_(-40, 20)
    return logs.detach()


def negative_log_likelihood(centers: torch.Tensor, x: torch.Tensor, test: torch.Tensor) -> float:
    pairs = densities(torch.cdist(test, centers) ** 2, fitted_mixture(centers, x), x.shape[1])
    return float(-(torch.logsumexp(pairs, 1) - np.log(len(centers))).mean() / x.shape[1])


def published_fld(training: np.ndarray, real: np.ndarray, generated: np.ndarray) -> float:
    seen, test, made = (
        torch.from_numpy((rows - real.mean(0)) / real.std(0, ddof=1)) for rows in (training, real, generated)
    )
    half = min(len(made), len(seen) // 2)
    order = np.random.default_rng(0).permutation(len(seen))
    base = negative_log_likelihood(seen[order[:half]], seen[order[half:]], test)
    return 100 * (negative_log_likelihood(made, seen, test) - base)


@pytest.mark.parametrize(("count", "width", "shift"), [(60, 5, 0.0), (90, 12, 0.7)])
def test_the_likelihood_divergence_is_that_of_the_published_code(count: int, width: int, shift: float) -> None:
    random = np.random.default_rng(count)
    training, real = random.normal(size=(80, width)), random.normal(size=(50, width))
    generated = random.normal(shift, 1.2, size=(count, width))
    found = likelihood_divergence(training, real, generated)
    assert found.value == pytest.approx(published_fld(training, real, generated), rel=1e-3)
    assert found.low < found.value < found.high
    still = np.insert(real, 0, 3.0, axis=1), np.insert(generated, 0, 2.0, axis=1)  # a feature that does not vary
    assert likelihood_divergence(np.insert(training, 0, 1.0, axis=1), *still).value == pytest.approx(found.value)


def test_copies_of_training_rows_and_moved_rows_are_less_likely_than_new_ones_of_the_same_kind() -> None:
    random = np.random.default_rng(0)

    def rows(count: int = 200) -> np.ndarray:
        return random.normal(size=(count, 8))

    training = rows(400)
    new, moved, copied = (
        likelihood_divergence(training, rows(), made) for made in (rows(), rows() + 1, training[:200] + 1e-3)
    )
    assert abs(new.value) < 5
    assert new.high < moved.low and new.high < copied.low
    with pytest.raises(InputError, match="the training features have 7 rows: give at least 8"):
        likelihood_divergence(training[:7], training, training)
    with pytest.raises(InputError, match="no feature of the real images varies"):
        likelihood_divergence(training, np.ones((9, 8)), training)


def test_its_interval_holds_what_other_real_and_generated_rows_give() -> None:
    random = np.random.default_rng(1)
    training = random.normal(size=(120, 4))
    found = [
        likelihood_divergence(training, random.normal(size=(100, 4)), random.normal(0.3, 1, size=(60, 4)))
        for _ in range(40)
    ]
    mean = np.mean([one.value for one in found])
    assert sum(one.low <= mean <= one.high for one in found) >= 32


def test_the_path_length_on_a_circle_is_its_chords() -> None:
    ways = np.random.default_rng(0).uniform(0, 6, 400)
    first, last = (5 * np.stack([np.cos(ways + by), np.sin(ways + by)], 1) for by in (0, np.pi / 2 / 16))
    assert path_length(first, last).value == pytest.approx(16**2 * 4 * 25 * np.sin(np.pi / 64) ** 2)
    steps = np.random.default_rng(1).exponential(size=(1000, 1))
    found = path_length(np.zeros((1000, 1)), steps, step=0.5)
    middle = np.sort(4 * steps.ravel() ** 2)[9:991]  # of 1,000, those from the 1st to the 99th percentile
    assert found.value == pytest.approx(middle.mean(), rel=1e-6)
    assert found.low < found.value < found.high
    with pytest.raises(InputError, match="5 steps begin and 4 end"):
        path_length(np.ones((5, 1)), np.ones((4, 1)))
    with pytest.raises(InputError, match="a step is 0 of the way"):
        path_length(np.ones((5, 1)), np.ones((5, 1)), step=0)
