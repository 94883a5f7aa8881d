"""Evaluation: how good generated images are, beside the same figures for real ones."""

from elmyr.evaluation.judging import Evaluation, Figure, evaluate

__all__ = ["Evaluation", "Figure", "evaluate"]
