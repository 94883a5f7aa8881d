"""Feature extractors, and the cache of the trained one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from elmyr import machine
from elmyr.errors import InputError, suggestion
from elmyr.evaluation.stages import Stages
from elmyr.files import cache_folder
from elmyr.images import ImageSet
from elmyr.recognition import Recognizer

UPDATES = 1500
WIDTH, WIDEST = 32, 512  # channels of the first convolution
POOLED = 8  # pixels a side that "pixels" looks at
AT_ONCE = 1000  # images whose pixels are averaged at a time


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

    @property
    def resize(self) -> str:
        """What it does to the size of images before it looks."""
        ...

    def features(self, images: ImageSet) -> NDArray[np.float64]:
        """Features float64 (N, dimension)."""
        ...

    def probabilities(self, features: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """The probability of each class float64 (N, K) behind features, None where it knows no classes."""
        ...


@dataclass(frozen=True)
class Domain:
    """A recognizer of the data's own classes, trained by elmyr on the real training part: needs no download."""

    recognizer: Recognizer
    sha256: str
    name: str = "domain"
    resize: str = "none"

    @property
    def dimension(self) -> int:
        """The size of the layer before the last."""
        return self.recognizer.feature_count

    def features(self, images: ImageSet) -> NDArray[np.float64]:
        """The layer before the last."""
        return self.recognizer.features(images.images)

    def probabilities(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """The recognizer's; 0 for a class that the training part has no image of."""
        known = self.recognizer.classes_
        spread = np.zeros((len(features), known.max() + 1))
        spread[:, known] = self.recognizer.proba_of_features(features)
        return spread


@dataclass(frozen=True)
class Random:
    """The recognizer's network with the weights it begins with: no bias to any domain (Naeem et al. 2020)."""

    recognizer: Recognizer
    sha256: str
    name: str = "random"
    resize: str = "none"

    @property
    def dimension(self) -> int:
        """The size of the layer before the last."""
        return self.recognizer.feature_count

    def features(self, images: ImageSet) -> NDArray[np.float64]:
        """The layer before the last."""
        return self.recognizer.features(images.images)

    def probabilities(self, features: NDArray[np.float64]) -> None:
        """It knows no classes."""


@dataclass(frozen=True)
class Pixels:
    """The pixels themselves, averaged over squares to at most 8x8: for image sets without labels."""

    dimension: int
    sha256: str = hashlib.sha256().hexdigest()
    name: str = "pixels"
    resize: str = "means over squares, at most 8x8"

    def features(self, images: ImageSet) -> NDArray[np.float64]:
        """Means over squares, in [0, 1]."""
        starts = range(0, len(images), AT_ONCE)
        return np.concatenate([squares(images.images[start : start + AT_ONCE], POOLED) for start in starts])

    def probabilities(self, features: NDArray[np.float64]) -> None:
        """Pixels know no classes."""


EXTRACTORS = ("domain", "random", "pixels")


def extractor_for(
    training: ImageSet,
    name: str = "auto",
    *,
    seed: int = 0,
    width: int = WIDTH,
    device: str = "auto",
    precision: str = "auto",
    say: Callable[[str], None] = lambda line: None,
    quiet: bool = True,
) -> FeatureExtractor:
    """An extractor by name; `auto` is `domain` for a labeled training part of several classes, else `pixels`.

    seed and width: of the network's weights, and the channels of its first convolution, for `domain` and `random`.
    `domain` is trained once and cached by its content; its progress is shown unless `quiet`.
    """
    check_extractor(name, width)
    machine.choose_device(device)  # refused here, where it would not be taken for a damaged cache
    refuse_unlabeled(training, name)
    if name == "auto":
        name = auto_extractor(training)
    if name == "domain":
        return _domain(training, seed, width, device, precision, say, quiet)
    if name == "random":
        return _random(training, seed, width, device)
    return Pixels(squares(training.images[:1], POOLED).shape[1])


def auto_extractor(training: ImageSet) -> str:
    """The name of the extractor that is taken where none is asked for."""
    return "domain" if training.labels is not None and len(np.unique(training.labels)) > 1 else "pixels"


def refuse_unlabeled(training: ImageSet, name: str) -> None:
    """InputError for an extractor that learns from labels which the training part does not have."""
    if name == "domain" and auto_extractor(training) != name:
        raise InputError(
            f"the extractor 'domain' learns from labels of several classes, '{training.name}' has none: take "
            "--extractor pixels, or random"
        )


def check_extractor(name: str, width: int) -> None:
    """InputError for an extractor that there is not."""
    if name not in ("auto", *EXTRACTORS):
        raise InputError(f"no extractor '{name}': {suggestion(name, ('auto', *EXTRACTORS))}")
    if not 4 <= width <= WIDEST or width % 4:
        raise InputError(f"the extractor's width is {width}: give a multiple of 4 up to {WIDEST}")


def _domain(
    training: ImageSet, seed: int, width: int, device: str, precision: str, say: Callable[[str], None], quiet: bool
) -> Domain:
    precision = machine.choose_precision(precision, machine.choose_device(device))
    key = f"domain-{training.digest()[:20]}-{UPDATES}-{seed}-{width}-{precision}-{version('elmyr')}"
    folder = cache_folder() / "extractors" / key
    try:
        recognizer = Recognizer.load(folder, device=device)
    except InputError:
        say(f"training the feature extractor on the {len(training):,} real training images …")
        recognizer = Recognizer(
            method="augment", updates=UPDATES, base=width, seed=seed, device=device, precision=precision
        )
        Stages(quiet=quiet).fitted(recognizer, training, "feature extractor")
        try:
            recognizer.save(folder)
        except (InputError, OSError) as error:
            say(f"the extractor is not kept for the next time, as ELMYR_CACHE_DIR cannot be written: {error}")
    return Domain(recognizer, _sha256_of(recognizer))


def _random(training: ImageSet, seed: int, width: int, device: str) -> Random:
    recognizer = Recognizer(base=width, seed=seed, device=device).initialize(
        (training.height, training.width, training.channels)
    )
    return Random(recognizer, _sha256_of(recognizer))


def _sha256_of(recognizer: Recognizer) -> str:
    weights = recognizer.net_.state_dict().values()
    return hashlib.sha256(b"".join(tensor.cpu().contiguous().numpy().tobytes() for tensor in weights)).hexdigest()


def squares(images: NDArray[np.uint8], most: int) -> NDArray[np.float64]:
    """Pixels (N, H, W, C) in [0, 1], averaged over squares to at most `most` a side: float64 (N, D)."""
    height, width = images.shape[1:3]
    rows, columns = (np.linspace(0, side, min(side, most) + 1).astype(int)[:-1] for side in (height, width))
    sums = np.add.reduceat(np.add.reduceat(images.astype(np.float64), rows, axis=1), columns, axis=2)
    counts = np.outer(np.diff([*rows, height]), np.diff([*columns, width]))
    means: NDArray[np.float64] = sums / counts[:, :, None] / 255
    return means.reshape(len(images), -1)
