"""The figures that are taken where their names are given; the names are known before anything is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elmyr.core.tables import Table

if TYPE_CHECKING:
    from elmyr.evaluation.figure_spec import FigureSpec

REQUESTED: Table[FigureSpec] = Table(
    "figure on request",
    lazy={
        "vendi_score": "elmyr.evaluation.requested.specs:VENDI",
        "similarity_in_classes": "elmyr.evaluation.requested.specs:SIMILARITY",
        "gaussian_kernel_distance": "elmyr.evaluation.requested.specs:GAUSSIAN",
        "likelihood_divergence": "elmyr.evaluation.requested.specs:LIKELIHOOD",
        "path_length": "elmyr.evaluation.requested.specs:PATHS",
    },
)
