"""Figures as other packages take them: of random subsets, of splits, and by neighbors nearer than a radius."""

from elmyr.metrics.published.neighborhoods import NeighborShares, neighbor_shares
from elmyr.metrics.published.subsets import scores_of_splits, subset_kernel_distances

__all__ = ["NeighborShares", "neighbor_shares", "scores_of_splits", "subset_kernel_distances"]
