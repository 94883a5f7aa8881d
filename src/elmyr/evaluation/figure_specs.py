"""The table of figures: what is taken of generated images beside real ones, in the order in which it is shown.

A figure is one `FigureSpec` here; its title, direction and meaning in every table, page and message follow from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from elmyr.core.calls import takes
from elmyr.core.errors import InputError, suggestion
from elmyr.core.tables import Table
from elmyr.metrics import (
    DRAWN,
    Design,
    Estimate,
    FrechetDistances,
    beside,
    class_divergence,
    discriminator_accuracy,
    diversity,
    gaussian_kernel_distance,
    groups_of,
    inception_score,
    jackknife,
    kernel_distance,
    mean_of_classes,
    share_right,
)
from elmyr.metrics.asked import SMALLEST, mean_similarity, vendi_score

Better = Literal["lower", "higher", "near the baseline"]
BETTER: tuple[Better, ...] = get_args(Better)
FEWEST_A_DIMENSION = 5  # images for each feature, below which the distance at infinity is not to be trusted

LABELS = "needs labels, and 8 images or more of every class"
READING = "needs a feature extractor that classifies: --extractor domain, and labeled images"
ASKED = "taken where --figures names it"
USE = "computed with --use, as it trains recognizers"
# What a figure can be taken from, and why that may be missing: the properties of `figures.Evidence`.
NEEDS: Mapping[str, str] = {
    "features": "",
    "images": "",
    "labels": "needs labels",
    "labels of full classes": LABELS,
    "class distances": LABELS,
    "probabilities": READING,
    "predictions": READING,
    "frechet distances": "",
    "neighbors": "",
    "design": "",
    "logits": "needs the discriminator of a run",
    "recognizers": USE,
}
TOGETHER = (
    "frechet distances",
    "neighbors",
    "class distances",
    "design",
)  # of both sides in one, not as an array of each


@dataclass(frozen=True)
class FigureSpec:
    """One figure: a metric with what people read of it.

    name: what programs call it. title: what people read. better: "lower", "higher" or "near the baseline". meaning:
    what it says, in a sentence for glossary and report. missing: why it may not be there, where its needs do not say.
    on_request: whether it is taken only where its name is given.

    needs: what `take` is called with, each as two arrays, of the real and of the generated images: "features" float64
    (N, D) and (M, D); "images" uint8 (N, H, W, C) and (M, H, W, C); "labels" int64 (N,), "labels of full
    classes" the same where no class has fewer than 8 images; where the extractor classifies "probabilities" float64
    (N, K) and "predictions" int64 (N,); "logits" float64 (N,) of the run's discriminator; "design" in one the
    `elmyr.metrics.Design` of both, whether their labels were fixed.

    take: gives an `Estimate`; or just a number, whose 95 % interval follows from asking again with each twentieth of
    the images left out; or None where it cannot be taken of these. Raises InputError for an unknown need or direction.
    """

    name: str
    title: str
    better: Better
    needs: tuple[str, ...]
    take: Callable[..., Estimate | float | None]
    meaning: str = ""
    missing: str = ""
    on_request: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.needs, str) or not self.needs:
            raise InputError(f"the metric '{self.name}' needs {self.needs!r}: give names, as needs=('features',)")
        for need in self.needs:
            if need not in NEEDS:
                raise InputError(f"the metric '{self.name}' needs '{need}': {suggestion(need, NEEDS)}")
        if self.better not in BETTER:
            raise InputError(
                f"the metric '{self.name}' is better when '{self.better}': {suggestion(self.better, BETTER)}"
            )

    @property
    def reason(self) -> str:
        """Why it may be missing; "" where it never is."""
        return self.missing or next(filter(None, (NEEDS[need] for need in self.needs)), "")

    def estimate(self, given: Sequence[Any], design: Design = DRAWN) -> Estimate | None:
        """What `take` gives of its needs, as an estimate; InputError for a number that is not finite.

        design: whether labels were fixed, so that groups of images are left out that have their share of each.
        """
        given = [_read_only(each) for each in given]
        found = self.take(*given)
        if found is None or isinstance(found, Estimate):
            return found
        if together := [need for need in self.needs if need in TOGETHER]:
            raise InputError(
                f"the metric '{self.name}' gives a plain number of its {together[0]}: of these it is to give an "
                "elmyr.metrics.Estimate, as no images can be left out of them"
            )
        sides = given[::2], given[1::2]
        return jackknife(
            self._number(found),
            real=[
                [self._number(self.take(*_paired(left, sides[1]))) for left in _without_groups(sides[0], design.real)]
            ],
            generated=[
                [
                    self._number(self.take(*_paired(sides[0], left)))
                    for left in _without_groups(sides[1], design.generated)
                ]
            ],
            beside=beside(np.asarray(sides[0][0]), design.real),
        )

    def _number(self, found: Any) -> float:
        if isinstance(found, np.ndarray):
            raise InputError(f"the metric '{self.name}' gives an array of the shape {found.shape}, a number is wanted")
        if not isinstance(found, int | float | np.number) or not np.isfinite(found):
            raise InputError(f"the metric '{self.name}' gives {found!r}: it is to give an Estimate or a finite number")
        return float(found)


Arrays = Sequence[NDArray[Any]]


def _read_only(given: Any) -> Any:
    """A view of an array that a metric cannot change: the figures after it are taken of the same."""
    if not isinstance(given, np.ndarray):
        return given
    view = given.view()
    view.flags.writeable = False
    return view


def _paired(real: Arrays, generated: Arrays) -> Iterator[NDArray[Any]]:
    return (array for pair in zip(real, generated, strict=True) for array in pair)


def _without_groups(side: Arrays, labels: NDArray[np.int64] | None) -> Iterator[Arrays]:
    groups = groups_of(len(side[0]), labels)
    return ([array[groups != group] for array in side] for group in range(groups.max() + 1))


def _at_infinity(
    distances: FrechetDistances, real: NDArray[np.float64], generated: NDArray[np.float64]
) -> Estimate | None:
    enough = min(len(real), len(generated)) >= FEWEST_A_DIMENSION * real.shape[1]
    return distances.at_infinity if enough else None


def _similarity(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Estimate | None:
    return mean_similarity(images, labels) if min(images.shape[1:3]) >= SMALLEST else None


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
                "distance between the distributions of generated and real features (Heusel et al. 2017); not "
                "comparable with a published FID, which uses Inception",
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
                "inception_score", "Inception Score (elmyr's features)", "higher", ("probabilities", "design"),
                lambda real, generated, design: inception_score(generated, labels=design.generated),
                "single images are clear, and all together are varied (Salimans et al. 2016); with elmyr's extractor "
                "in place of Inception",
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
            FigureSpec(
                "vendi_score", "Vendi score", "near the baseline", ("features", "design"),
                lambda real, generated, design: vendi_score(generated, labels=design.generated),
                "how many wholly different images the generated ones are worth (Friedman & Dieng 2023): far below the "
                "baseline is collapse, far above it is noise",
                missing=ASKED,
                on_request=True,
            ),
            FigureSpec(
                "similarity_in_classes", "MS-SSIM within classes", "near the baseline",
                ("images", "labels of full classes"),
                lambda real, generated, of_real, of_generated: _similarity(generated, of_generated),
                "how alike two images of one class are at several scales (Odena et al. 2017): far above the baseline "
                "is collapse, far below it is noise; needs 11 pixels a side or more",
                missing=ASKED,
                on_request=True,
            ),
            FigureSpec(
                "gaussian_kernel_distance", "MMD, Gaussian kernel", "lower", ("features", "design"),
                lambda real, generated, design: gaussian_kernel_distance(real, generated, design=design),
                "distance of the distributions of directions of features, as CMMD takes it (Jayasumana et al. 2024); "
                "CMMD itself only where the extractor is a CLIP",
                missing=ASKED,
                on_request=True,
            ),
        )
    },
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
    """A figure of a JSON file with the title and direction of this table, whichever elmyr wrote it."""
    known = FIGURES.get(str(figure.get("name")))
    return {**figure, "title": known.title, "better": known.better} if known else dict(figure)
