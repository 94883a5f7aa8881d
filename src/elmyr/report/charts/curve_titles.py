"""What people read in place of the keys of `metrics.jsonl`."""

CURVE_TITLES = {
    "watch_frechet_distance": "FID (training monitor)",
    "watch_precision": "precision (training monitor)",
    "watch_recall": "recall (training monitor)",
    "watch_diversity": "diversity within classes (training monitor)",
    "watch_modes": "modes covered (training monitor)",
    "watch_told_apart": "discriminator accuracy (training monitor)",
}


def curve_title(key: str) -> str:
    """The title of a logged figure: that of the table, else its key in words."""
    return CURVE_TITLES.get(key, key.replace("_", " "))
