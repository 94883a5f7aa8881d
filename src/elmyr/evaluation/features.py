"""Who looks: feature extractors, and the cache of the trained one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import numpy as np
import platformdirs
from numpy.typing import NDArray

from elmyr import machine
from elmyr.errors import InputError
from elmyr.files import sha256_of
from elmyr.images import ImageSet
from elmyr.recognition import Recognizer

SEED = 0
UPDATES = 1500


class FeatureExtractor(Protocol):
    """What looks at images for a figure."""

    @property
    def name(self) -> str:
        """What it is called beside every figure."""
        ...

    @property
    def dimension(self) -> int:
        """The number of features."""
        ...

    @property
    def sha256(self) -> str:
        """That of its weights, or of nothing where it has none."""
        ...

    def features(self, images: ImageSet) -> NDArray[np.float64]:
        """Features float64 (N, dimension)."""
        ...

    def read_labels(self, images: ImageSet) -> NDArray[np.int64] | None:
        """The labels int64 (N,) that it reads, None where it reads none."""
        ...


@dataclass(frozen=True)
class Domain:
    """A recognizer of the data's own classes, trained by elmyr on the real training part: needs no download."""

    recognizer: Recognizer
    sha256: str
    name: str = "domain"

    @property
    def dimension(self) -> int:
        """The size of the layer before the last."""
        return int(self.recognizer.dimension)

    def features(self, images: ImageSet) -> NDArray[np.float64]:
        """The layer before the last."""
        return self.recognizer.features(images.images)

    def read_labels(self, images: ImageSet) -> NDArray[np.int64]:
        """The recognizer's prediction."""
        return self.recognizer.predict(images.images).astype(np.int64)


@dataclass(frozen=True)
class Pixels:
    """The pixels themselves, averaged over squares to at most 8x8: for image sets without labels."""

    dimension: int
    sha256: str = hashlib.sha256().hexdigest()
    name: str = "pixels"

    def features(self, images: ImageSet) -> NDArray[np.float64]:
        """Means over squares, in [0, 1]."""
        return _pooled(images.images)

    def read_labels(self, images: ImageSet) -> None:
        """Pixels read no label."""


def extractor_for(
    training: ImageSet, *, device: str = "auto", say: Callable[[str], None] = lambda line: None
) -> FeatureExtractor:
    """`domain` for a labeled training part, trained once and cached by its content; else `pixels`."""
    if training.labels is None or len(np.unique(training.labels)) < 2:
        return Pixels(_pooled(training.images[:1]).shape[1])
    folder = cache_folder() / "extractors" / f"domain-{training.digest()[:20]}-{UPDATES}-{SEED}-{version('elmyr')}"
    machine.choose_device(device)  # refused here, where it would not be taken for a damaged cache
    try:
        recognizer = Recognizer.load(folder, device=device)
    except InputError:
        say(f"training the feature extractor on the {len(training):,} real training images …")
        recognizer = Recognizer(updates=UPDATES, augment=True, seed=SEED, device=device)
        recognizer.fit(training.images, training.labels).save(folder)
    return Domain(recognizer, sha256_of(folder / "recognizer.safetensors"))


def cache_folder() -> Path:
    """`ELMYR_CACHE_DIR`, else the platform's cache folder."""
    return Path(os.environ.get("ELMYR_CACHE_DIR") or platformdirs.user_cache_dir("elmyr"))


def _pooled(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    height, width = images.shape[1:3]
    rows, columns = (np.linspace(0, side, min(side, 8) + 1).astype(int)[:-1] for side in (height, width))
    sums = np.add.reduceat(np.add.reduceat(images.astype(np.float64), rows, axis=1), columns, axis=2)
    counts = np.outer(np.diff([*rows, height]), np.diff([*columns, width]))
    means: NDArray[np.float64] = sums / counts[:, :, None] / 255
    return means.reshape(len(images), -1)
