"""The specs of the figures on request."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elmyr.evaluation.figure_spec import ASKED, FigureSpec
from elmyr.metrics import Estimate, gaussian_kernel_distance
from elmyr.metrics.asked import SMALLEST, mean_similarity, vendi_score

VENDI = FigureSpec(
    name="vendi_score",
    title="Vendi score",
    better="near the baseline",
    needs=("features", "design"),
    take=lambda real, generated, design: vendi_score(generated, labels=design.generated),
    meaning="how many wholly different images the generated ones are worth (Friedman & Dieng 2023): far below the "
    "baseline is collapse, far above it is noise",
    missing=ASKED,
    on_request=True,
)


def _similarity(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Estimate | None:
    return mean_similarity(images, labels) if min(images.shape[1:3]) >= SMALLEST else None


SIMILARITY = FigureSpec(
    name="similarity_in_classes",
    title="MS-SSIM within classes",
    better="near the baseline",
    needs=("images", "labels of full classes"),
    take=lambda real, generated, of_real, of_generated: _similarity(generated, of_generated),
    meaning="how alike two images of one class are at several scales (Odena et al. 2017): far above the baseline is "
    "collapse, far below it is noise; needs 11 pixels a side or more",
    missing=ASKED,
    on_request=True,
)
GAUSSIAN = FigureSpec(
    name="gaussian_kernel_distance",
    title="MMD, Gaussian kernel",
    better="lower",
    needs=("features", "design"),
    take=lambda real, generated, design: gaussian_kernel_distance(real, generated, design=design),
    meaning="distance of the distributions of directions of features, as CMMD takes it (Jayasumana et al. 2024); CMMD "
    "itself only where the extractor is a CLIP",
    missing=ASKED,
    on_request=True,
)
