"""All figures in the order in which they are shown: the title that people read, and which way is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar, get_args

from elmyr.errors import suggestion

Better = Literal["lower", "higher", "near the baseline"]
BETTER: tuple[Better, ...] = get_args(Better)

TITLES: dict[str, tuple[str, Better]] = {
    "frechet_distance": ("FID (elmyr's features)", "lower"),
    "frechet_distance_at_infinity": ("FID∞", "lower"),
    "class_frechet_distance": ("FID, mean over classes", "lower"),
    "kernel_distance": ("KID", "lower"),
    "precision": ("precision", "higher"),
    "recall": ("recall", "higher"),
    "density": ("density", "near the baseline"),
    "coverage": ("coverage", "higher"),
    "inception_score": ("Inception Score (elmyr's features)", "higher"),
    "diversity": ("diversity within classes", "near the baseline"),
    "class_divergence": ("class-distribution divergence", "lower"),
    "label_accuracy": ("conditional accuracy", "higher"),
    "told_apart": ("discriminator accuracy", "near the baseline"),
    "trained_on_generated": ("trained on generated, tested on real", "higher"),
    "tested_on_generated": ("trained on real, tested on generated", "higher"),
}


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
    known = TITLES.get(str(figure.get("name")))
    return {**figure, "title": known[0], "better": known[1]} if known else dict(figure)
