"""Figures that are taken where they are asked for."""

from elmyr.metrics.asked.likelihood import likelihood_divergence
from elmyr.metrics.asked.multiscale import SMALLEST, mean_similarity, multiscale_ssim
from elmyr.metrics.asked.paths import STEP, path_length
from elmyr.metrics.asked.vendi import vendi_score

__all__ = [
    "SMALLEST",
    "STEP",
    "likelihood_divergence",
    "mean_similarity",
    "multiscale_ssim",
    "path_length",
    "vendi_score",
]
