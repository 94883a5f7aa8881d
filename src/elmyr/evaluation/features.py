"""The feature extractors: of networks, of pixels, of a function; and the cache of the trained one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elmyr.core import machine
from elmyr.core.errors import InputError
from elmyr.core.files import cache_folder
from elmyr.core.plugins import at_work
from elmyr.evaluation.extractors import LOOKED, Classifier, Extraction, ExtractorSpec
from elmyr.evaluation.stages import Stages
from elmyr.images import ImageSet
from elmyr.tasks.recognition import Recognizer

UPDATES = 1500
POOLED = 8  # pixels a side that "pixels" looks at
AT_ONCE = 1000  # images that are looked at at a time, but by a network
TRIED = 16  # images whose features tell one function from another


@dataclass(frozen=True)
class NetworkFeatures:
    """The layer before the last of a recognizer's network. classifies: whether its last layer has learned anything."""

    name: str
    recognizer: Recognizer
    sha256: str
    classifies: bool
    resize: str = "none"

    @property
    def dimension(self) -> int:
        """The size of the layer before the last."""
        return self.recognizer.feature_count

    def features(self, images: ImageSet) -> NDArray[np.float64]:
        """The layer before the last."""
        return self.recognizer.features(images.images)

    def probabilities(self, features: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """The recognizer's; 0 for a class that the training part has no image of."""
        if not self.classifies:
            return None
        known = self.recognizer.classes_
        spread = np.zeros((len(features), known.max() + 1))
        spread[:, known] = self.recognizer.proba_of_features(features)
        return spread


@dataclass(frozen=True)
class FunctionExtractor:
    """A function of images as an extractor that knows no classes.

    sha256: of its weights, or, for a function that has none to tell it from another, of the features of some training
    images. code, precision, classify: as `code_of`, `precision_of` and `classifier_of` have them.
    """

    name: str
    function: Callable[[NDArray[np.uint8]], ArrayLike]
    dimension: int
    sha256: str
    resize: str = "its own"
    code: str = ""
    precision: str = ""
    classify: Classifier | None = None

    def features(self, images: ImageSet) -> NDArray[np.float64]:
        """Those of the function; InputError where it does not give a row of finite numbers for each image."""
        starts = range(0, len(images), AT_ONCE)
        return np.concatenate([self._of(images.images[start : start + AT_ONCE]) for start in starts])

    def probabilities(self, features: NDArray[np.float64]) -> None:
        """It knows no classes."""

    def _of(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        with at_work("extractor", self.name):
            found = np.asarray(self.function(np.asarray(images)), np.float64)
        if found.ndim != 2 or len(found) != len(images) or not found.shape[1]:
            raise InputError(
                f"the extractor '{self.name}' makes {found.shape} of {len(images)} images: it is to give features "
                "(N, D), a row for each image"
            )
        if self.dimension not in (0, found.shape[1]):
            raise InputError(
                f"the extractor '{self.name}' gives {found.shape[1]} features, where it gave {self.dimension} before: "
                "it is to give each image as many, in whatever company it comes"
            )
        if odd := int((~np.isfinite(found)).any(axis=1).sum()):
            raise InputError(
                f"the extractor '{self.name}' gives NaN or infinity for {odd} of {len(images)} images: it is to give "
                "finite features; look at its weights and at the range of pixels that it is made for"
            )
        return found


def function_extractor(
    name: str,
    function: Callable[[NDArray[np.uint8]], ArrayLike],
    training: ImageSet,
    *,
    sha256: str | None = None,
    resize: str = "its own",
    code: str = "",
    precision: str = "",
    classify: Classifier | None = None,
) -> FunctionExtractor:
    """The function as an extractor, tried on some of the training images. sha256: of its weights, if it has any."""
    tried = training.take(np.arange(min(LOOKED if sha256 else TRIED, len(training))))
    found = FunctionExtractor(name, function, 0, "").features(tried)
    sha256 = sha256 or hashlib.sha256(found.tobytes()).hexdigest()
    return FunctionExtractor(name, function, found.shape[1], sha256, resize, code, precision, classify)


def _domain(training: ImageSet, asked: Extraction, stages: Stages) -> NetworkFeatures:
    precision = machine.choose_precision(asked.precision, machine.choose_device(asked.device))
    key = f"domain-{training.digest()[:20]}-{UPDATES}-{asked.seed}-{asked.width}-{precision}-{version('elmyr')}"
    folder = cache_folder() / "extractors" / key
    try:
        recognizer = Recognizer.load(folder, device=asked.device)
    except InputError:
        stages.say(f"training the feature extractor on the {len(training):,} real training images …")
        recognizer = Recognizer(
            method="augment",
            updates=UPDATES,
            base=asked.width,
            seed=asked.seed,
            device=asked.device,
            precision=precision,
        )
        stages.fitted(recognizer, training, "feature extractor")
        try:
            recognizer.save(folder)
        except (InputError, OSError) as error:
            stages.say(f"the extractor is not kept for the next time, as ELMYR_CACHE_DIR cannot be written: {error}")
    return NetworkFeatures("domain", recognizer, _sha256_of(recognizer), classifies=True)


def _random(training: ImageSet, asked: Extraction, stages: Stages) -> NetworkFeatures:
    recognizer = Recognizer(base=asked.width, seed=asked.seed, device=asked.device).initialize(
        (training.height, training.width, training.channels)
    )
    return NetworkFeatures("random", recognizer, _sha256_of(recognizer), classifies=False)


def pixel_means(training: ImageSet, asked: Extraction, stages: Stages) -> FunctionExtractor:
    """The pixels themselves, averaged over squares to at most 8x8: for image sets without labels."""
    dimension, nothing = squares(training.images[:1], POOLED).shape[1], hashlib.sha256().hexdigest()
    told = f"means over squares, at most {POOLED}x{POOLED}"
    return FunctionExtractor("pixels", partial(squares, most=POOLED), dimension, nothing, told)


DOMAIN = ExtractorSpec(
    "a recognizer that elmyr trains on the real training images and keeps in its cache (`ELMYR_CACHE_DIR`, else the "
    "platform's cache folder). It sees what distinguishes the classes, and little else",
    _domain,
    learns_labels=True,
    seeded=True,
    takes_precision=True,
)
PIXELS = ExtractorSpec("means over squares; the default where images have no labels", pixel_means)
# No bias to any domain: Naeem et al. 2020.
RANDOM = ExtractorSpec(
    "the network of `domain` with its initial weights. It has no bias to any domain, and cannot classify",
    _random,
    seeded=True,
)


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
