"""Evaluation: how good generated images are, beside the same figures for real ones."""

from elmyr.evaluation.comparison import Comparison, compare
from elmyr.evaluation.judging import Evaluation, Figure, evaluate
from elmyr.evaluation.sides import FEWEST_FOR_FIGURES, common_count

__all__ = ["FEWEST_FOR_FIGURES", "Comparison", "Evaluation", "Figure", "common_count", "compare", "evaluate"]
