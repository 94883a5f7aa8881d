"""Metrics: pure functions of float64 arrays, one file a family; they know no image, file, net or torch."""

from elmyr.metrics.calibration import calibration_error
from elmyr.metrics.copying import (
    Excess,
    NearestRows,
    authenticity,
    cells_of,
    centers_of,
    copying_statistic,
    distance_ratio,
    doubles,
    is_double,
    nearest,
    training_is_nearest,
)
from elmyr.metrics.design import DRAWN, Design, fixed_design
from elmyr.metrics.fidelity import psnr, squared_error, ssim
from elmyr.metrics.frechet import (
    FrechetDistances,
    class_frechet_distances,
    frechet_distance,
    frechet_distance_at_infinity,
    frechet_distance_from,
    frechet_distances,
    mean_of_classes,
)
from elmyr.metrics.gaussians import Gaussian, gaussian_of
from elmyr.metrics.inception import inception_score
from elmyr.metrics.intervals import FEWEST_SEEDS, MeanInterval, PairedDifference, mean_interval, paired_difference
from elmyr.metrics.jackknife import Estimate, beside, difference, groups_of, jackknife, means_without
from elmyr.metrics.kernel import kernel_distance
from elmyr.metrics.labels import (
    accuracy,
    balanced_accuracy,
    balanced_weights,
    class_divergence,
    macro_f1,
    share_right,
    wilson_interval,
)
from elmyr.metrics.neighbors import Balls, balls_of, density_coverage, precision_recall, realism
from elmyr.metrics.pairs import discriminator_accuracy, diversity
from elmyr.metrics.projection import Plane, principal_plane
from elmyr.metrics.recalls import (
    FEWEST_TESTED,
    UNBALANCED,
    Proportion,
    Recall,
    chance_of,
    half_width,
    is_unbalanced,
    mean_recall,
    ratio_of,
    recalls_of,
)
from elmyr.metrics.strokes import skeleton_length, slant, stroke_thickness

__all__ = [
    "DRAWN",
    "FEWEST_SEEDS",
    "FEWEST_TESTED",
    "UNBALANCED",
    "Balls",
    "Design",
    "Estimate",
    "Excess",
    "FrechetDistances",
    "Gaussian",
    "MeanInterval",
    "NearestRows",
    "PairedDifference",
    "Plane",
    "Proportion",
    "Recall",
    "accuracy",
    "authenticity",
    "balanced_accuracy",
    "balanced_weights",
    "balls_of",
    "beside",
    "calibration_error",
    "cells_of",
    "centers_of",
    "chance_of",
    "class_divergence",
    "class_frechet_distances",
    "copying_statistic",
    "density_coverage",
    "difference",
    "discriminator_accuracy",
    "distance_ratio",
    "diversity",
    "doubles",
    "fixed_design",
    "frechet_distance",
    "frechet_distance_at_infinity",
    "frechet_distance_from",
    "frechet_distances",
    "gaussian_of",
    "groups_of",
    "half_width",
    "inception_score",
    "is_double",
    "is_unbalanced",
    "jackknife",
    "kernel_distance",
    "macro_f1",
    "mean_interval",
    "mean_of_classes",
    "mean_recall",
    "means_without",
    "nearest",
    "paired_difference",
    "precision_recall",
    "principal_plane",
    "psnr",
    "ratio_of",
    "realism",
    "recalls_of",
    "share_right",
    "skeleton_length",
    "slant",
    "squared_error",
    "ssim",
    "stroke_thickness",
    "training_is_nearest",
    "wilson_interval",
]
