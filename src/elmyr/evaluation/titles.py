"""All figures in the order in which they are shown: the title that people read, and which way is better."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

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


def titled(figure: Mapping[str, Any]) -> dict[str, Any]:
    """A figure of a JSON file with the title and direction of this table, whichever elmyr wrote it."""
    known = TITLES.get(str(figure.get("name")))
    return {**figure, "title": known[0], "better": known[1]} if known else dict(figure)
