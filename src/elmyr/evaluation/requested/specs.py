"""The specs of the figures on request."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elmyr.evaluation.figure_spec import ASKED, FigureSpec
from elmyr.metrics import Estimate, gaussian_kernel_distance
from elmyr.metrics.asked import SMALLEST, likelihood_divergence, mean_similarity, path_length, vendi_score

CMMD = (
    "distance of the distributions of CLIP's features (Jayasumana et al. 2024); by the smaller ViT-B/32, and 0 on "
    "average for equal distributions"
)
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
    published={"clip": ("CMMD (clip)", CMMD)},
)
LIKELIHOOD = FigureSpec(
    name="likelihood_divergence",
    title="FLD (elmyr's features)",
    better="lower",
    needs=("training features", "features", "design"),
    take=lambda seen, real, generated, design: likelihood_divergence(seen, real, generated, labels=design.generated),
    meaning="feature likelihood divergence (Jiralerspong et al. 2023): how much less likely real images are by "
    "generated ones than by training images; copies of training images make it worse",
    missing=ASKED,
    on_request=True,
)
PATHS = FigureSpec(
    name="path_length",
    title="path length (elmyr's features)",
    better="lower",
    needs=("paths",),
    take=lambda first, last: path_length(first, last),
    meaning="how much images change along a path between latents (Karras et al. 2019), by the extractor in place of "
    "LPIPS and in sixteenths of the way; a property of the GAN, without a baseline",
    missing="taken where --figures names it, of a GAN",
    on_request=True,
)
