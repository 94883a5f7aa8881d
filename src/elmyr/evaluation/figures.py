"""What figures are taken from, and the figures of all images and of each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elmyr.core.plugins import at_work
from elmyr.evaluation.figure_spec import NEEDS
from elmyr.evaluation.figure_specs import FIGURES
from elmyr.evaluation.paired_samples import FEWEST_OF_A_CLASS
from elmyr.evaluation.reference import FAR, NEAR, Embedding, Reference
from elmyr.metrics import (
    DRAWN,
    Design,
    Estimate,
    FrechetDistances,
    class_frechet_distances,
    density_coverage,
    fixed_design,
    frechet_distances,
    precision_recall,
    share_right,
)

INSIDE = 0.5  # share of a class's real images that the distance inside it is taken of: samples vary in their counts

Pair = tuple[NDArray[Any], NDArray[Any]]  # of the real images, and of the generated ones


class AmongNeighbors(NamedTuple):
    """The figures of nearest neighbors, which are taken together."""

    precision: Estimate
    recall: Estimate
    density: Estimate
    coverage: Estimate


WITHOUT = {  # what a figure needs, where it was asked for; in the others' words otherwise
    "paths": "it is of a GAN, and some of these images come from none",
    "training features": "it needs training images beside those that are compared with",
    "": "these images are too few or too small for it",
}


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the figures of generated images are taken from.

    logits: what the discriminator says of the real and of the generated images. recognizers: which real images one that
    learned from generated ones classifies correctly, and which generated images one that learned from
    real ones. images: both sides' pixels uint8. seen: features of training images. paths: those at both ends of steps
    between latents. None where there is none.
    """

    real: Reference
    generated: Embedding
    logits: Pair | None = None
    recognizers: Pair | None = None
    images: Pair | None = None
    seen: NDArray[np.float64] | None = None
    paths: Pair | None = None

    def given(self, need: str) -> Sequence[Any] | None:
        """What `take` of a figure is called with for one of its needs; None where it is missing."""
        found: Sequence[Any] | None = getattr(self, need.replace(" ", "_"))
        return found

    @property
    def features(self) -> Pair:
        """What the extractor makes of both sides."""
        return self.real.embedding.features, self.generated.features

    @property
    def training_features(self) -> tuple[NDArray[np.float64]] | None:
        """Of training images, which the generator has seen."""
        return None if self.seen is None else (self.seen,)

    @cached_property
    def design(self) -> tuple[Design]:
        """Whether labels were fixed: as many of each class were asked for as there are real ones."""
        if self.labels is None:
            return (DRAWN,)
        real, asked = self.labels
        return (fixed_design(real, asked) if np.array_equal(np.sort(real), np.sort(asked)) else DRAWN,)

    @property
    def labels(self) -> Pair | None:
        """Those of the real images, and those that were asked for."""
        return _both(self.real.embedding.labels, self.generated.labels)

    @property
    def probabilities(self) -> Pair | None:
        """Of each class, by the extractor."""
        return _both(self.real.embedding.probabilities, self.generated.probabilities)

    @property
    def confidences(self) -> Pair | None:
        """Of each class that the extractor knows, whichever these are."""
        return _both(self.real.embedding.confidences, self.generated.confidences)

    @property
    def predictions(self) -> Pair | None:
        """The most likely classes."""
        return _both(self.real.embedding.predictions, self.generated.predictions)

    @property
    def labels_of_full_classes(self) -> Pair | None:
        """The labels, where there are enough generated images of every class of the real ones."""
        if self.labels is None:
            return None
        there, counts = np.unique(self.labels[1], return_counts=True)
        full = set(there[counts >= FEWEST_OF_A_CLASS].tolist())
        return self.labels if set(np.unique(self.labels[0]).tolist()) <= full else None

    @cached_property
    def frechet_distances(self) -> tuple[FrechetDistances]:
        """As it is, and without its bias."""
        return (frechet_distances(*self.features, design=self.design[0]),)

    @cached_property
    def neighbors(self) -> tuple[AmongNeighbors]:
        """Quality and variety by nearest neighbors."""
        features = self.generated.features
        (design,) = self.design
        near, far = self.real.balls(design)
        among_near = precision_recall(near, features, NEAR, design=design)
        among_far = density_coverage(far, features, FAR, design=design)
        return (AmongNeighbors(*among_near, *among_far),)

    @property
    def class_distances(self) -> tuple[dict[int, Estimate]] | None:
        """The Fréchet distance of every class, where there are enough images of each."""
        if self.labels is None or self.labels_of_full_classes is None:
            return None
        whole = len(self.distances_of_classes) == len(np.unique(self.labels[0]))
        return (self.distances_of_classes,) if whole else None

    @cached_property
    def distances_of_classes(self) -> dict[int, Estimate]:
        """Of each class with as many images on both sides, always so many: a distance grows where images are fewer."""
        if self.labels is None:
            return {}
        kept_real, kept_generated = [], []
        for label, count in zip(*np.unique(self.labels[0], return_counts=True), strict=True):
            size = int(count * INSIDE)
            of_real, of_generated = (np.flatnonzero(labels == label)[:size] for labels in self.labels)
            if len(of_real) == len(of_generated) >= FEWEST_OF_A_CLASS:
                kept_real.append(of_real)
                kept_generated.append(of_generated)
        if not kept_real:
            return {}
        a, b = np.concatenate(kept_real), np.concatenate(kept_generated)
        (features_a, features_b), (labels_a, labels_b) = self.features, self.labels
        return class_frechet_distances(features_a[a], labels_a[a], features_b[b], labels_b[b])


def _both(real: NDArray[Any] | None, generated: NDArray[Any] | None) -> Pair | None:
    return None if real is None or generated is None else (real, generated)


def figures_to_take(requested: Sequence[str] = ()) -> list[str]:
    """The names of the table, in its order; of figures on request those that are asked for."""
    return [name for name, spec in FIGURES.items() if not spec.on_request or name in requested]


def why_left_out(name: str, known: Sequence[Evidence]) -> str:
    """Why a figure that was asked for cannot be taken of all of these, as the end of a sentence."""
    needs = FIGURES[name].needs
    lacking = next((need for need in needs for evidence in known if evidence.given(need) is None), "")
    return WITHOUT.get(lacking) or (NEEDS.get(lacking) and f"it {NEEDS[lacking]}") or WITHOUT[""]


def take_figures(evidence: Evidence, names: Sequence[str] | None = None) -> dict[str, Estimate]:
    """Figures that these images allow, by name and in their order; each with its interval.

    names: which of the table; None: all but those on request.
    """
    taken = {}
    for name in figures_to_take() if names is None else names:
        spec = FIGURES[name]
        given = [evidence.given(need) for need in spec.needs]
        known = [each for each in given if each is not None]
        if len(known) < len(given):
            continue
        with at_work("metric", name):
            estimate = spec.estimate([array for each in known for array in each], *evidence.design)
        if estimate:
            taken[name] = estimate
    return taken


def averaged(estimates: Sequence[Estimate]) -> tuple[float, float, float]:
    """The mean of a figure over some sets of samples, and of its ends: no narrower for having sampled more."""
    value, low, high = np.mean([estimate.interval for estimate in estimates], axis=0).tolist()
    return value, low, high


@dataclass(frozen=True)
class ClassRow:
    """The figures of one class as (value, low, high), None where there are too few images of it.

    count: images of the class on the side that has fewer.
    """

    name: str
    count: int
    frechet_distance: tuple[float, float, float] | None
    label_accuracy: tuple[float, float, float] | None


def class_rows(evidence: Evidence, classes: Sequence[str]) -> tuple[ClassRow, ...]:
    """A row for each class, where both sides have labels."""
    if evidence.labels is None:
        return ()
    (real, asked), predictions = evidence.labels, evidence.generated.predictions
    rows = []
    for label, name in enumerate(classes):
        of_class = asked == label
        distance = right = None
        if label in evidence.distances_of_classes:
            distance = evidence.distances_of_classes[label].interval
        if predictions is not None and of_class.any():
            right = share_right(predictions[of_class] == label, of="generated").interval
        count = int(min(of_class.sum(), (real == label).sum()))
        rows.append(ClassRow(name, count, distance, right))
    return tuple(rows)
