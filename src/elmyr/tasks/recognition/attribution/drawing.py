"""Explanations as a picture: a row an image, the image, its map, and the map over the image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elmyr.images import Pixels, captioned_grid, drawable_names
from elmyr.tasks.recognition.attribution.explaining import Explanation

MOST_ROWS = 40
COLUMNS = 3
CLIPPED = 99.0  # percent of a map's pixels that are drawn true; the few beyond are drawn as strong as these
PALE = 0.55  # how far an image is faded under its map
# ColorBrewer's RdBu (Brewer 2003), which people who are color-blind tell apart: against, none, for.
STOPS = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
COLORS = np.array([[5, 48, 97], [67, 147, 195], [255, 255, 255], [214, 96, 77], [103, 0, 31]], np.float64)


def draw_explanation(found: Explanation, files: list[str]) -> tuple[NDArray[np.uint8], list[str]]:
    """A picture uint8 (H', W', 3) of at most the first 40 images, and lines on classes whose names no font here has."""
    names, legend = drawable_names(found.names)
    cells, captions = [], []
    strengths = strengths_of(found.maps[:MOST_ROWS])
    for place, (image, strength) in enumerate(zip(found.images[:MOST_ROWS], strengths, strict=True)):
        cells += [as_rgb(image), colored(strength), overlaid(image, strength)]
        target = names[found.targets[place]]
        read = f"{found.model.reads} {names[found.read[place]]}, {_believed(found, found.beliefs[place])}"
        of_target = f"{target}: {_believed(found, found.of_targets[place])}"
        captions += [
            f"{_short(files[place])}\n{read}",
            f"red: for {target}\nblue: against",
            f"{found.method}\n{of_target}",
        ]
    return captioned_grid(np.stack(cells), captions, COLUMNS), legend


def strengths_of(maps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Maps (N, H, W) from -1, most against, to 1, most for, each by its own largest values."""
    largest = np.percentile(abs(maps), CLIPPED, axis=(1, 2), keepdims=True)
    largest = np.where(largest > 0, largest, abs(maps).max((1, 2), keepdims=True))
    scaled = np.divide(maps, largest, out=np.zeros_like(maps), where=largest > 0)
    return np.clip(scaled, -1, 1)


def colored(strength: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Strengths (H, W) from -1 to 1 as colors uint8 (H, W, 3): blue, white, red."""
    channels = [np.interp(strength, STOPS, COLORS[:, channel]) for channel in range(3)]
    return np.stack(channels, -1).round().astype(np.uint8)


def overlaid(image: Pixels, strength: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A faded image uint8 (H, W, C) in gray under the colors of its strengths (H, W): uint8 (H, W, 3)."""
    gray = as_rgb(image).mean(-1, keepdims=True)
    faded = 255 - (255 - gray) * (1 - PALE)
    opaque = abs(strength)[..., None]
    return np.asarray(faded * (1 - opaque) + colored(strength) * opaque).round().astype(np.uint8)


def as_rgb(image: Pixels) -> NDArray[np.uint8]:
    """An image uint8 (H, W, C) in three channels."""
    return np.repeat(image[..., :1], 3, -1) if image.shape[-1] < 3 else image[..., :3]


def _believed(found: Explanation, value: float) -> str:
    return f"{value:.1%}" if found.model.believes == "probability" else f"logit {value:+.2f}"


def _short(file: str) -> str:
    return file.replace("\\", "/").rpartition("/")[2]
