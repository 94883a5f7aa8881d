"""Metrics: pure functions of float64 arrays, one file a family; they know no image, file, net or torch."""

from elmyr.metrics.calibration import calibration_error
from elmyr.metrics.fidelity import psnr, squared_error, ssim
from elmyr.metrics.frechet import (
    class_frechet_distances,
    frechet_distance,
    frechet_distance_at_infinity,
    gaussian_of,
    mean_of_classes,
)
from elmyr.metrics.inception import inception_score
from elmyr.metrics.intervals import MeanInterval, PairedDifference, mean_interval, paired_difference
from elmyr.metrics.jackknife import Estimate, difference, jackknife, means_without
from elmyr.metrics.kernel import kernel_distance
from elmyr.metrics.labels import accuracy, class_divergence, share_right, wilson_interval
from elmyr.metrics.neighbors import Balls, balls_of, density_coverage, precision_recall, realism
from elmyr.metrics.pairs import diversity, told_apart

__all__ = [
    "Balls",
    "Estimate",
    "MeanInterval",
    "PairedDifference",
    "accuracy",
    "balls_of",
    "calibration_error",
    "class_divergence",
    "class_frechet_distances",
    "density_coverage",
    "difference",
    "diversity",
    "frechet_distance",
    "frechet_distance_at_infinity",
    "gaussian_of",
    "inception_score",
    "jackknife",
    "kernel_distance",
    "mean_interval",
    "mean_of_classes",
    "means_without",
    "paired_difference",
    "precision_recall",
    "psnr",
    "realism",
    "share_right",
    "squared_error",
    "ssim",
    "told_apart",
    "wilson_interval",
]
