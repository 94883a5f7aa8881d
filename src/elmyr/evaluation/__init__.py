"""Evaluation: how good generated images are, beside the same figures for real ones."""

from typing import TYPE_CHECKING

from elmyr.core.lazy import lazily

if TYPE_CHECKING:
    from elmyr.evaluation.comparison import Comparison as Comparison
    from elmyr.evaluation.comparison import compare as compare
    from elmyr.evaluation.evaluated import Evaluation as Evaluation
    from elmyr.evaluation.evaluated import Figure as Figure
    from elmyr.evaluation.extractors import EXTRACTORS as EXTRACTORS
    from elmyr.evaluation.extractors import ExtractorSpec as ExtractorSpec
    from elmyr.evaluation.figure_spec import FigureSpec as FigureSpec
    from elmyr.evaluation.figure_specs import FIGURES as FIGURES
    from elmyr.evaluation.judging import evaluate as evaluate
    from elmyr.evaluation.paired_samples import FEWEST_FOR_FIGURES as FEWEST_FOR_FIGURES
    from elmyr.evaluation.paired_samples import common_count as common_count

__all__ = [
    "EXTRACTORS",
    "FEWEST_FOR_FIGURES",
    "FIGURES",
    "Comparison",
    "Evaluation",
    "ExtractorSpec",
    "Figure",
    "FigureSpec",
    "common_count",
    "compare",
    "evaluate",
]

# At their first use: a training's report reads records alone, and must not wait for recognizers and extractors.
_HOMES = {
    "EXTRACTORS": "elmyr.evaluation.extractors",
    "FEWEST_FOR_FIGURES": "elmyr.evaluation.paired_samples",
    "FIGURES": "elmyr.evaluation.figure_specs",
    "Comparison": "elmyr.evaluation.comparison",
    "Evaluation": "elmyr.evaluation.evaluated",
    "ExtractorSpec": "elmyr.evaluation.extractors",
    "Figure": "elmyr.evaluation.evaluated",
    "FigureSpec": "elmyr.evaluation.figure_spec",
    "common_count": "elmyr.evaluation.paired_samples",
    "compare": "elmyr.evaluation.comparison",
    "evaluate": "elmyr.evaluation.judging",
}
__getattr__ = lazily(__name__, _HOMES)
