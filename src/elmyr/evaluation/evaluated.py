"""What an evaluation says: the figures of one subject, with the conditions under which they were taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from elmyr.evaluation.copies import Copies
from elmyr.evaluation.feature_map import FeatureMap
from elmyr.evaluation.figure_spec import Better
from elmyr.evaluation.figure_specs import named
from elmyr.evaluation.figures import ClassRow
from elmyr.images.pictures.showing import table_html

SHOWN_SHORTLY = 3  # figures


@dataclass(frozen=True)
class Figure:
    """One figure of generated images, and the same figure of real ones, where there are any: the real-data baseline.

    deviation: the standard deviation over subsets or splits, by conventions that take a figure as their mean.
    """

    name: str
    title: str
    value: float
    low: float
    high: float
    spread: str
    yardstick: float | None
    better: Better
    deviation: float | None = None


@dataclass(frozen=True, repr=False)
class Evaluation:
    """The figures of one subject under one set of conditions.

    best, worst: the places, in the first set of samples, of the images that look most and least real to the extractor;
    copies: whether they are copies of training images; map: where they lie among real ones, None for a single feature.
    statistics: those that stand for the real images, and None where there are real ones. convention: whose, where not
    elmyr's own.
    """

    subject: str
    data: str
    split_seed: int
    against: str
    count: int
    sampling_seeds: tuple[int, ...]
    extractor: dict[str, Any]
    figures: tuple[Figure, ...]
    classes: tuple[ClassRow, ...]
    best: tuple[int, ...]
    worst: tuple[int, ...]
    copies: Copies | None
    map: FeatureMap | None
    statistics: dict[str, Any] | None = None
    convention: dict[str, Any] | None = None

    def __repr__(self) -> str:
        told = ", ".join(f"{figure.title} {figure.value:.4g}" for figure in self.figures[:SHOWN_SHORTLY])
        return f"Evaluation('{self.subject}' beside '{self.data}': {told} …)"

    def _repr_html_(self) -> str:
        """A notebook's view: a table of the figures, with those of real images."""
        rows = [("", "value", "95 % interval", "real-data baseline")]
        for figure in self.figures:
            baseline = "" if figure.yardstick is None else f"{figure.yardstick:.4g}"
            value = f"{figure.value:.4g}" + ("" if figure.deviation is None else f" ± {figure.deviation:.2g}")
            rows.append((figure.title, value, f"{figure.low:.4g} to {figure.high:.4g}", baseline))
        return table_html(rows)

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return asdict(self)

    def __getitem__(self, name: str) -> Figure:
        """A figure by its name, such as "frechet_distance", or its title; KeyError where it was not taken."""
        return named(self.figures, name)

    def keys(self) -> tuple[str, ...]:
        """The names of the figures, so that `dict(evaluation)` has them all."""
        return tuple(figure.name for figure in self.figures)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())
