"""Figures that are taken where they are asked for."""

from elmyr.metrics.asked.multiscale import SMALLEST, mean_similarity, multiscale_ssim
from elmyr.metrics.asked.vendi import vendi_score

__all__ = ["SMALLEST", "mean_similarity", "multiscale_ssim", "vendi_score"]
