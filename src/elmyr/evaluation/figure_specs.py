"""The table of figures: what is taken of generated images beside real ones, in the order in which it is shown.

A figure is one `FigureSpec` here; its title, direction and meaning in every table, page and message follow from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from elmyr.core.calls import takes
from elmyr.core.errors import InputError, suggestion
from elmyr.core.tables import Table
from elmyr.evaluation.extractors import INCEPTIONS
from elmyr.evaluation.figure_spec import TOGETHER, FigureSpec
from elmyr.evaluation.requested import REQUESTED
from elmyr.metrics import (
    Estimate,
    FrechetDistances,
    class_divergence,
    discriminator_accuracy,
    diversity,
    inception_score,
    kernel_distance,
    mean_of_classes,
    share_right,
)

FRECHET = "distance between the distributions of generated and real features (Heusel et al. 2017)"
SCORE = "single images are clear, and all together are varied (Salimans et al. 2016)"
FEWEST_A_DIMENSION = 5  # images for each feature, below which the distance at infinity is not to be trusted


def _at_infinity(
    distances: FrechetDistances, real: NDArray[np.float64], generated: NDArray[np.float64]
) -> Estimate | None:
    enough = min(len(real), len(generated)) >= FEWEST_A_DIMENSION * real.shape[1]
    return distances.at_infinity if enough else None


def _accepted(part: Any) -> FigureSpec:
    if isinstance(part, FigureSpec):
        count = sum(1 if need in TOGETHER else 2 for need in part.needs)
        if not takes(part.take, count):
            raise InputError(
                f"the metric '{part.name}' cannot be called with {count} values, which needs={part.needs!r} gives: "
                "each need is an array of the real and one of the generated images"
            )
        return part
    raise InputError("a metric is an elmyr.FigureSpec: name, title, better, needs, take(real, generated)")


FIGURES: Table[FigureSpec] = Table(
    "metric",
    {
        spec.name: spec
        for spec in (
            FigureSpec(
                "frechet_distance", "FID (elmyr's features)", "lower", ("frechet distances",),
                lambda distances: distances.plain,
                f"{FRECHET}; not comparable with a published FID, which uses Inception",
                published={each: (f"FID ({each})", FRECHET) for each in INCEPTIONS},
            ),
            FigureSpec(
                "frechet_distance_at_infinity", "FID∞ (extrapolated)", "lower",
                ("frechet distances", "features"), _at_infinity,
                "FID without its bias by the number of images (after Chong & Forsyth 2020); needs 5 images or more for "
                "each feature",
                missing="there are fewer than 5 images for each feature",
            ),
            FigureSpec(
                "class_frechet_distance", "FID, mean over classes", "lower", ("class distances",),
                lambda distances: mean_of_classes(list(distances.values())),
                "FID inside each class (Miyato & Koyama 2018): also sees images under a wrong label. Each class uses "
                "half as many images as there are real ones",
            ),
            FigureSpec(
                "kernel_distance", "KID", "lower", ("features", "design"),
                lambda real, generated, design: kernel_distance(real, generated, design=design),
                "the same question without assuming a Gaussian; 0 on average for equal distributions (Bińkowski et al. "
                "2018)",
            ),
            FigureSpec(
                "precision", "precision", "higher", ("neighbors",), lambda neighbors: neighbors.precision,
                "share of generated images that lie among the real ones: quality (Kynkäänniemi et al. 2019)",
            ),
            FigureSpec(
                "recall", "recall", "higher", ("neighbors",), lambda neighbors: neighbors.recall,
                "share of real images that lie among the generated ones: variety",
            ),
            FigureSpec(
                "density", "density", "near the baseline", ("neighbors",), lambda neighbors: neighbors.density,
                "quality, less sensitive to outliers: how many real images' neighborhoods a generated one lies in "
                "(Naeem et al. 2020)",
            ),
            FigureSpec(
                "coverage", "coverage", "higher", ("neighbors",), lambda neighbors: neighbors.coverage,
                "variety: share of real images that have a generated one in their neighborhood",
            ),
            FigureSpec(
                "inception_score", "Inception Score (elmyr's features)", "higher", ("confidences", "design"),
                lambda real, generated, design: inception_score(generated, labels=design.generated),
                f"{SCORE}; with elmyr's extractor in place of Inception",
                published={each: (f"Inception Score ({each})", SCORE) for each in INCEPTIONS},
            ),
            FigureSpec(
                "diversity", "diversity within classes", "near the baseline", ("features", "labels of full classes"),
                lambda real, generated, of_real, of_generated: diversity(generated, of_generated),
                "mean distance of two images of one class: far below the baseline is collapse, far above it is noise",
            ),
            FigureSpec(
                "class_divergence", "class-distribution divergence", "lower",
                ("predictions", "probabilities", "design"),
                lambda real, generated, _, shares, design: class_divergence(
                    real, generated, shares.shape[1], design=design
                ),
                "Jensen–Shannon divergence, in bits, of the predicted classes of generated and real images",
            ),
            FigureSpec(
                "label_accuracy", "conditional accuracy", "higher", ("predictions", "labels"),
                lambda _, predicted, of_real, asked: share_right(predicted == asked, of="generated"),
                "share of generated images that are classified as the requested class",
            ),
            FigureSpec(
                "told_apart", "discriminator accuracy", "near the baseline", ("logits", "design"),
                lambda real, generated, design: discriminator_accuracy(real, generated, design=design),
                "share of pairs, one real and one generated, in which the run's discriminator scores the real one "
                "higher: 50 % where it cannot tell; only for a run",
            ),
            FigureSpec(
                "trained_on_generated", "trained on generated, tested on real", "higher", ("recognizers",),
                lambda on_real, on_generated: share_right(on_real, of="real"),
                "accuracy on real images of a recognizer that is trained on generated ones only: quality, variety and "
                "labels in one (Ravuri & Vinyals 2019); with --use",
            ),
            FigureSpec(
                "tested_on_generated", "trained on real, tested on generated", "higher", ("recognizers",),
                lambda on_real, on_generated: share_right(on_generated, of="generated"),
                "the reverse (Shmelkov et al. 2018); with --use",
            ),
        )
    }
    | dict(REQUESTED),
    accept=_accepted,
)  # fmt: skip


class Titled(Protocol):
    """A figure, with the name that programs use and the title that people read."""

    @property
    def name(self) -> str:
        """As "frechet_distance"."""
        ...

    @property
    def title(self) -> str:
        """As "FID (elmyr's features)"."""
        ...


T = TypeVar("T", bound=Titled)


def named(figures: Sequence[T], name: str) -> T:
    """The figure of a name, or of a title, whole or without what stands in brackets, in any case; KeyError for none."""
    found = {each.title.partition(" (")[0].casefold(): each for each in figures}
    found |= {each.title.casefold(): each for each in figures} | {each.name: each for each in figures}
    try:
        return found[name if name in found else str(name).casefold()]
    except KeyError:
        raise KeyError(f"no figure {name!r}: {suggestion(str(name), [each.name for each in figures])}") from None


def titled(figure: Mapping[str, Any]) -> dict[str, Any]:
    """A figure of a JSON file with a title and the direction of this table, whichever elmyr wrote it."""
    known, title = FIGURES.get(str(figure.get("name"))), str(figure.get("title"))
    if known is None:
        return dict(figure)
    return {**figure, "title": title if known.calls_itself(title) else known.title, "better": known.better}
