"""Whatever a metric is given, it gives a right value or refuses in one line; no warning, no error from elsewhere."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

import elmyr.metrics as metrics
from elmyr.core.errors import InputError

RANDOM = np.random.default_rng(0)
FEATURES, OTHERS = RANDOM.normal(size=(2, 24, 3))
PROBABILITIES = RANDOM.dirichlet(np.ones(4), 24)
LABELS = np.arange(24) % 3
RIGHT = RANDOM.random(24) < 0.7
IMAGES, TRUTH = RANDOM.uniform(0, 255, (2, 24, 12, 12, 1))
DISTANCES, TO_OTHERS = RANDOM.uniform(0.1, 1, (2, 24))
GRAY = IMAGES[..., 0]


@dataclass(frozen=True)
class Case:
    """A metric of one array, whatever else it takes, and an array that it takes."""

    take: Callable[[Any], Any]
    array: np.ndarray
    fewest: int = 2  # rows


def size(array: Any) -> int:
    return len(array) if hasattr(array, "__len__") else 1


CASES = {
    "frechet_distance": Case(lambda x: metrics.frechet_distance(x, OTHERS), FEATURES, 4),
    "frechet_distance_from": Case(lambda x: metrics.frechet_distance_from(metrics.gaussian_of(OTHERS), x), FEATURES, 4),
    "frechet_distance_at_infinity": Case(lambda x: metrics.frechet_distance_at_infinity(OTHERS, x), FEATURES, 4),
    "frechet_distances": Case(lambda x: metrics.frechet_distances(x, OTHERS), FEATURES, 4),
    "class_frechet_distances": Case(
        lambda x: metrics.class_frechet_distances(x, np.zeros(size(x), int), OTHERS, LABELS * 0), FEATURES
    ),
    "gaussian_of": Case(metrics.gaussian_of, FEATURES),
    "kernel_distance": Case(lambda x: metrics.kernel_distance(x, OTHERS), FEATURES, 4),
    "gaussian_kernel_distance": Case(lambda x: metrics.gaussian_kernel_distance(x, OTHERS), FEATURES, 4),
    "precision_recall": Case(lambda x: metrics.precision_recall(x, OTHERS), FEATURES, 4),
    "density_coverage": Case(lambda x: metrics.density_coverage(OTHERS, x), FEATURES, 6),
    "realism": Case(lambda x: metrics.realism(OTHERS, x), FEATURES, 1),
    "balls_of": Case(lambda x: metrics.balls_of(x, 1), FEATURES),
    "nearest": Case(lambda x: metrics.nearest(x, OTHERS), FEATURES, 1),
    "centers_of": Case(lambda x: metrics.centers_of(x, count=3), FEATURES),
    "cells_of": Case(lambda x: metrics.cells_of(x, OTHERS[:3]), FEATURES, 1),
    "diversity": Case(lambda x: metrics.diversity(x, np.zeros(size(x), int)), FEATURES, 4),
    "principal_plane": Case(metrics.principal_plane, FEATURES, 3),
    "Plane": Case(metrics.principal_plane(OTHERS), FEATURES, 1),
    "inception_score": Case(metrics.inception_score, PROBABILITIES),
    "calibration_error": Case(lambda x: metrics.calibration_error(x, LABELS[: size(x)]), PROBABILITIES, 1),
    "discriminator_accuracy": Case(lambda x: metrics.discriminator_accuracy(x, DISTANCES), DISTANCES - 0.5, 4),
    "psnr": Case(metrics.psnr, DISTANCES, 1),
    "squared_error": Case(lambda x: metrics.squared_error(x, TRUTH[: size(x)]), IMAGES, 0),
    "ssim": Case(lambda x: metrics.ssim(x, TRUTH[: size(x)]), IMAGES, 0),
    "distance_ratio": Case(lambda x: metrics.distance_ratio(x, TO_OTHERS[: size(x)]), DISTANCES),
    "doubles": Case(lambda x: metrics.doubles(x, TO_OTHERS[: size(x)]), DISTANCES),
    "authenticity": Case(lambda x: metrics.authenticity(x, TO_OTHERS[: size(x)]), DISTANCES),
    "copying_statistic": Case(
        lambda x: metrics.copying_statistic(x, TO_OTHERS, (np.zeros(size(x)), np.zeros(24))), DISTANCES
    ),
    "training_is_nearest": Case(
        lambda x: metrics.training_is_nearest(x, TO_OTHERS[: size(x)], DISTANCES[: size(x)], np.arange(size(x))),
        DISTANCES,
    ),
    "mean_interval": Case(metrics.mean_interval, DISTANCES, 1),
    "means_without": Case(metrics.means_without, DISTANCES, 1),
    "stroke_thickness": Case(metrics.stroke_thickness, GRAY, 0),
    "slant": Case(metrics.slant, GRAY, 0),
    "skeleton_length": Case(metrics.skeleton_length, (GRAY > 200).astype(float), 0),
    "share_right": Case(lambda x: metrics.share_right(x, of="real"), RIGHT.astype(float), 1),
    "paired_difference": Case(
        lambda x: metrics.paired_difference([x], [RIGHT[: size(x)]], [np.arange(size(x))]), RIGHT.astype(float)
    ),
    "accuracy": Case(lambda x: metrics.accuracy(x, LABELS[: size(x)]), LABELS.astype(float), 1),
    "balanced_accuracy": Case(lambda x: metrics.balanced_accuracy(x, LABELS[: size(x)]), LABELS.astype(float), 1),
    "balanced_weights": Case(metrics.balanced_weights, LABELS.astype(float), 1),
    "macro_f1": Case(lambda x: metrics.macro_f1(x, LABELS[: size(x)]), LABELS.astype(float), 1),
    "class_divergence": Case(lambda x: metrics.class_divergence(x, LABELS, 3), LABELS.astype(float)),
}


def numbers_of(found: Any) -> Iterator[float]:
    """Every number of a result."""
    if isinstance(found, metrics.Estimate):
        yield from found.interval
    elif isinstance(found, metrics.PairedDifference):
        yield from (found.low, found.difference, found.high)
    elif isinstance(found, dict):
        for each in found.values():
            yield from numbers_of(each)
    elif isinstance(found, tuple) and not isinstance(found, metrics.Balls):
        for each in found:
            yield from numbers_of(each)
    elif isinstance(found, float | int | np.ndarray):
        yield from np.ravel(found).tolist()


def test_no_metric_of_arrays_is_left_out() -> None:
    functions = {name for name in metrics.__all__ if callable(getattr(metrics, name)) and name[0].islower()}
    others = {  # of counts or of estimates, or parts of those above
        *("beside", "chance_of", "difference", "groups_of", "half_width", "is_double", "is_unbalanced", "jackknife"),
        *(
            "mean_of_classes",
            "mean_recall",
            "moved",
            "ratio_of",
            "recalls_of",
            "scaled",
            "wilson_interval",
            "fixed_design",
        ),
    }
    assert functions - others == {name for name in CASES if name[0].islower()}


def with_a(bad: float) -> Callable[[np.ndarray], np.ndarray]:
    def changed(array: np.ndarray) -> np.ndarray:
        array = array.copy()
        array[(0,) * array.ndim] = bad
        return array

    return changed


REFUSED: dict[str, Callable[[np.ndarray], Any]] = {
    "NaN": with_a(np.nan),
    "infinity": with_a(np.inf),
    "a number": lambda array: 0.5,
    "one more axis": lambda array: array[..., None, None],
    "ragged": lambda array: [[0.5], [0.5, 0.5]],
    "nothing": lambda array: None,
}
TAKEN_AS_THEY_ARE = {("psnr", "a number"), ("psnr", "one more axis")}


@pytest.mark.parametrize("name", CASES)
def test_what_is_no_input_is_refused_in_one_line(name: str) -> None:
    for kind, changed in REFUSED.items():
        if (name, kind) not in TAKEN_AS_THEY_ARE:
            with pytest.raises(InputError) as refusal:
                CASES[name].take(changed(CASES[name].array))
            assert "\n" not in str(refusal.value), kind


@pytest.mark.parametrize("name", CASES)
def test_few_rows_are_refused_or_have_a_finite_figure(name: str) -> None:
    case = CASES[name]
    for count in range(case.fewest):
        with pytest.raises(InputError):
            case.take(case.array[:count])
    for count in range(case.fewest, case.fewest + 2):
        assert np.isfinite([each for each in numbers_of(case.take(case.array[:count])) if each is not None]).all()


@pytest.mark.parametrize("name", CASES)
def test_huge_tiny_and_constant_values_are_refused_or_have_a_finite_figure(name: str) -> None:
    case = CASES[name]
    endless = {"psnr", "realism", "stroke_thickness", "slant"}  # of constant values: infinite, or without ink
    extremes = {f"{scale:g} times": case.array * scale for scale in (1e155, 1e90, 1e30, 1e-30, 1e-90, 1e-200)}
    constant = {f"all {value:g}": np.full_like(case.array, value) for value in (0.0, 1.0)}
    for kind, array in (extremes | constant).items():
        try:
            found = list(numbers_of(case.take(array)))
        except InputError as refusal:
            assert "\n" not in str(refusal)
        else:
            assert (kind in constant and name in endless) or np.isfinite(found).all(), kind


TENSORS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "a tensor": lambda tensor: tensor,
    "with a gradient": lambda tensor: tensor.clone().requires_grad_(),
    "half precision": lambda tensor: tensor.half(),
    "bfloat16": lambda tensor: tensor.bfloat16().requires_grad_(),
}


@pytest.mark.parametrize("name", CASES)
def test_tensors_of_any_precision_have_the_figure_of_their_values(name: str) -> None:
    case = CASES[name]
    for kind, changed in TENSORS.items():
        tensor = changed(torch.from_numpy(case.array))
        values = tensor.detach().double().numpy()
        expected = list(numbers_of(case.take(values)))
        assert list(numbers_of(case.take(tensor))) == pytest.approx(expected, nan_ok=True), kind
        if kind == "half precision":
            assert list(numbers_of(case.take(values.astype(np.float16)))) == expected


OF_OTHERS = metrics.fixed_design(LABELS[:9], LABELS)


@pytest.mark.parametrize(
    "take",
    [
        lambda: metrics.frechet_distance(FEATURES, OTHERS, design=OF_OTHERS),
        lambda: metrics.kernel_distance(FEATURES, OTHERS, design=OF_OTHERS),
        lambda: metrics.precision_recall(FEATURES, OTHERS, design=OF_OTHERS),
        lambda: metrics.density_coverage(FEATURES, OTHERS, design=OF_OTHERS),
        lambda: metrics.class_divergence(LABELS, LABELS, 3, design=OF_OTHERS),
        lambda: metrics.discriminator_accuracy(DISTANCES, DISTANCES, design=OF_OTHERS),
    ],
)
def test_a_design_of_other_rows_is_refused(take: Callable[[], object]) -> None:
    """Its first labels alone made a figure of a part of the rows."""
    with pytest.raises(InputError, match="24 features have labels of the shape"):
        take()


def test_pairs_whose_sides_do_not_match_are_refused() -> None:
    bad: list[Callable[[], object]] = [
        lambda: metrics.nearest(FEATURES, OTHERS, but=np.arange(23)),
        lambda: metrics.nearest(FEATURES, OTHERS, but=np.arange(24) + 1),
        lambda: metrics.distance_ratio(DISTANCES, TO_OTHERS[:9]),
        lambda: metrics.is_double(DISTANCES, TO_OTHERS[:9]),
        lambda: metrics.copying_statistic(DISTANCES, TO_OTHERS, (np.zeros(23), np.zeros(24))),
        lambda: metrics.training_is_nearest(DISTANCES, TO_OTHERS, DISTANCES * 2, LABELS),
        lambda: metrics.training_is_nearest(DISTANCES, TO_OTHERS, DISTANCES[:9], LABELS),
        lambda: metrics.cells_of(FEATURES, OTHERS[:, :2]),
        lambda: metrics.centers_of(FEATURES, count=0),
        lambda: metrics.calibration_error([[2, -1]], [0]),
        lambda: metrics.calibration_error(PROBABILITIES, LABELS, bins=0),
        lambda: metrics.calibration_error(PROBABILITIES, LABELS[:9]),
        lambda: metrics.paired_difference([RIGHT], [RIGHT], [LABELS / 2]),
        lambda: metrics.paired_difference([RIGHT] * 2, [RIGHT] * 2, [np.arange(24)] * 2, folds=1),
        lambda: metrics.wilson_interval(1, float("nan")),  # type: ignore[arg-type]  # what may come from elsewhere
        lambda: metrics.groups_of(0),
        lambda: metrics.jackknife(1.0),
        lambda: metrics.jackknife(1.0, real=[[np.nan, 1.0]]),
        lambda: metrics.mean_of_classes([]),
        lambda: metrics.recalls_of([[np.nan, 1], [0, 1]]),
        lambda: metrics.ratio_of([np.nan]),
        lambda: metrics.share_right([0.5, 1.0], of="real"),
        lambda: metrics.jackknife(np.inf, real=[[0.0, 1.0]]),
        lambda: metrics.jackknife(0.0, real=[[np.inf, 1.0]]),
        lambda: metrics.scaled(metrics.frechet_distance(FEATURES, OTHERS), -1.0),
        lambda: metrics.class_divergence(LABELS, LABELS, 3.5),  # type: ignore[arg-type]
        lambda: metrics.precision_recall(FEATURES, OTHERS, k=1.5),  # type: ignore[arg-type]
        lambda: metrics.density_coverage(FEATURES, OTHERS, k=float("nan")),  # type: ignore[arg-type]
        lambda: metrics.frechet_distance_from(metrics.Gaussian(np.zeros(3), np.full((3, 3), np.nan)), FEATURES),
        lambda: metrics.share_right(RIGHT, of="real", labels=LABELS[:9]),
        lambda: metrics.means_without(DISTANCES, LABELS[:9]),
        lambda: metrics.groups_of(24, LABELS[:9]),
    ]
    for each in bad:
        with pytest.raises(InputError):
            each()
