"""A figure: a metric with what people read of it, and what it is taken from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError, suggestion
from elmyr.evaluation.extractors import ELMYRS
from elmyr.metrics import DRAWN, Design, Estimate, beside, groups_of, jackknife

Better = Literal["lower", "higher", "near the baseline"]
BETTER: tuple[Better, ...] = get_args(Better)
OF_ELMYR = "elmyr's features"  # in a title, where the name of another extractor takes its place

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
    "confidences": READING,
    "frechet distances": "",
    "neighbors": "",
    "design": "",
    "logits": "needs the discriminator of a run",
    "recognizers": USE,
    "training features": ASKED,
    "paths": "needs a GAN",
}
TOGETHER = (
    "frechet distances",
    "neighbors",
    "class distances",
    "design",
    "training features",
)  # of both sides in one, not as an array of each


@dataclass(frozen=True)
class FigureSpec:
    """One figure: a metric with what people read of it.

    name: what programs call it. title: what people read. better: "lower", "higher" or "near the baseline". meaning:
    what it says, in a sentence for glossary and report. missing: why it may not be there, where its needs do not say.
    on_request: whether it is taken only where its name is given. published: by the names of extractors with which it is
    a figure that papers have, its title and its meaning there.

    needs: what `take` is called with, each as two arrays, of the real and of the generated images: "features" float64
    (N, D) and (M, D); "images" uint8 (N, H, W, C) and (M, H, W, C); "labels" int64 (N,), "labels of full classes" the
    same where no class has fewer than 8 images; where the extractor classifies "probabilities" float64 (N, K) and
    "predictions" int64 (N,), and "confidences" float64 (N, L) of the classes that are its own; "logits" float64 (N,) of
    the run's discriminator; "design" in one the `elmyr.metrics.Design` of both, whether their labels were fixed;
    "training features" in one those of training images (L, D); "paths" the features at both ends of steps on paths.

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
    published: Mapping[str, tuple[str, str]] = field(default_factory=dict)

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

    def title_by(self, extractor: str) -> str:
        """Its title by the extractor of this name, which stands in it but for elmyr's own."""
        if extractor in self.published:
            return self.published[extractor][0]
        return self.title if extractor in ELMYRS else self.title.replace(OF_ELMYR, extractor)

    def meaning_by(self, extractor: str) -> str:
        """Its meaning by the extractor of this name."""
        return self.published[extractor][1] if extractor in self.published else self.meaning

    def calls_itself(self, title: str) -> bool:
        """Whether it has this title by some extractor."""
        start, found, end = self.title.partition(OF_ELMYR)
        published = {each for each, _ in self.published.values()}
        return title in published or bool(found and title.startswith(start) and title.endswith(end))

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
