"""Metrics: pure functions of float64 arrays, one file a family; they know no image, file, net or torch."""

from elmyr.metrics.frechet import frechet_distance, gaussian_of
from elmyr.metrics.intervals import MeanInterval, PairedDifference, mean_interval, paired_difference
from elmyr.metrics.labels import accuracy, wilson_interval
from elmyr.metrics.neighbors import precision_recall

__all__ = [
    "MeanInterval",
    "PairedDifference",
    "accuracy",
    "frechet_distance",
    "gaussian_of",
    "mean_interval",
    "paired_difference",
    "precision_recall",
    "wilson_interval",
]
