"""Evaluation: how good generated images are, beside the same figures for real ones."""

from typing import TYPE_CHECKING

from elmyr.lazy import lazily

if TYPE_CHECKING:
    from elmyr.evaluation.comparison import Comparison as Comparison
    from elmyr.evaluation.comparison import compare as compare
    from elmyr.evaluation.judging import Evaluation as Evaluation
    from elmyr.evaluation.judging import Figure as Figure
    from elmyr.evaluation.judging import evaluate as evaluate
    from elmyr.evaluation.sides import FEWEST_FOR_FIGURES as FEWEST_FOR_FIGURES
    from elmyr.evaluation.sides import common_count as common_count

__all__ = ["FEWEST_FOR_FIGURES", "Comparison", "Evaluation", "Figure", "common_count", "compare", "evaluate"]

# At their first use: a training's report reads records alone, and must not wait for recognizers and extractors.
_HOMES = {
    "FEWEST_FOR_FIGURES": "elmyr.evaluation.sides",
    "Comparison": "elmyr.evaluation.comparison",
    "Evaluation": "elmyr.evaluation.judging",
    "Figure": "elmyr.evaluation.judging",
    "common_count": "elmyr.evaluation.sides",
    "compare": "elmyr.evaluation.comparison",
    "evaluate": "elmyr.evaluation.judging",
}
__getattr__ = lazily(__name__, _HOMES)
