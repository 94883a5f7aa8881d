"""What an extractor makes of images; of the real ones all that each comparison with them needs, cached."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.core.arrays import read_arrays
from elmyr.core.errors import InputError
from elmyr.core.files import cache_folder, replacing
from elmyr.evaluation.extractors import Classifier, FeatureExtractor, classifier_of, code_of, precision_of
from elmyr.images import ImageSet
from elmyr.metrics import Balls, Design, balls_of, groups_of

NEAR, FAR = 3, 5  # the neighbors that the balls of precision and recall, of density and coverage reach to
FORMAT = 3
ARRAYS = (
    *("features", "probabilities", "near", "near_without", "near_without_drawn"),
    *("far", "far_without", "far_without_drawn"),
)


@dataclass(frozen=True, eq=False)
class Embedding:
    """What an extractor makes of some images.

    features (N, D); probabilities of the classes (N, K), or None; labels (N,) that were asked for, or None. classify:
    as `classifier_of` has it.
    """

    features: NDArray[np.float64]
    probabilities: NDArray[np.float64] | None
    labels: NDArray[np.int64] | None
    classify: Classifier | None = None

    @cached_property
    def confidences(self) -> NDArray[np.float64] | None:
        """The probabilities of classes of the extractor's own (N, L), else those of the images' classes."""
        return self.probabilities if self.classify is None else self.classify(self.features)

    @property
    def predictions(self) -> NDArray[np.int64] | None:
        """The most likely classes int64 (N,)."""
        return None if self.probabilities is None else self.probabilities.argmax(axis=1).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Reference:
    """Real images as an extractor sees them, and the balls around them.

    near, far: in groups that each have their share of every label, where there are labels; near_drawn, far_drawn: the
    same balls in groups that were dealt whatever the labels, for figures by a design in which these were drawn, too.
    """

    embedding: Embedding
    near: Balls
    far: Balls
    near_drawn: Balls
    far_drawn: Balls

    def balls(self, design: Design) -> tuple[Balls, Balls]:
        """The near and the far ones, dealt into groups as the design has it."""
        return (self.near_drawn, self.far_drawn) if design.real is None else (self.near, self.far)


def embed(extractor: FeatureExtractor, images: ImageSet) -> Embedding:
    """What the extractor makes of an image set."""
    features = extractor.features(images)
    return Embedding(features, extractor.probabilities(features), images.labels, classifier_of(extractor))


def reference_of(
    extractor: FeatureExtractor, images: ImageSet, say: Callable[[str], None] = lambda line: None
) -> Reference:
    """What the extractor sees in real images: from the cache where it holds just these images and this extractor.

    The key is the sha256 of the images themselves (so of data set, split and count), of the extractor's weights, of how
    it resizes, of its code where that is the user's own, of its precision where it is not single, and of the versions
    that compute. A file that is damaged or that holds something else is told of and made anew.
    """
    key = key_of(extractor, images)
    path = cache_folder() / "references" / f"{key[:20]}.npz"
    if path.exists():
        try:
            return _read(path, key, images, classifier_of(extractor))
        except InputError as error:
            say(f"the cached features are not used, and are computed again: {error}")
    seen = embed(extractor, images)
    near, far = (balls_of(seen.features, count, images.labels) for count in (NEAR, FAR))
    drawn = (near, far) if images.labels is None else (balls_of(seen.features, count) for count in (NEAR, FAR))
    reference = Reference(seen, near, far, *drawn)
    try:
        _write(path, key, reference)
    except OSError as error:
        say(f"the features are not kept for the next time: {error}")
    return reference


def key_of(extractor: FeatureExtractor, images: ImageSet) -> str:
    """The sha256 of all that these images' features follow from."""
    looked = [extractor.name, extractor.sha256, extractor.resize, code_of(extractor)]
    looked += [precision] if (precision := precision_of(extractor)) else []
    parts = [FORMAT, images.digest(), *looked, version("elmyr"), version("torch")]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _write(path: Path, key: str, reference: Reference) -> None:
    arrays = _arrays(reference)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as beside, beside.open("wb") as file:
        np.savez(file, key=np.array(key), sha256=np.array(_digest(arrays)), **arrays)


def _read(path: Path, key: str, images: ImageSet, classify: Classifier | None) -> Reference:
    """What `_write` wrote; InputError unless it is whole and of this key."""
    arrays = read_arrays(path, (*ARRAYS, "key", "sha256"), mend="remove it")
    told_key, told_digest = (str(arrays.pop(name, "")) for name in ("key", "sha256"))
    whole = set(ARRAYS) - {"probabilities"} <= set(arrays)
    if not whole or (told_key, told_digest) != (key, _digest(arrays)):
        raise InputError(f"'{path}' is of other images, or changed: remove it")
    features = arrays["features"]
    by_label, drawn = groups_of(len(features), images.labels), groups_of(len(features))
    return Reference(
        Embedding(features, arrays.get("probabilities"), images.labels, classify),
        Balls(features, NEAR, arrays["near"], arrays["near_without"], by_label),
        Balls(features, FAR, arrays["far"], arrays["far_without"], by_label),
        Balls(features, NEAR, arrays["near"], arrays["near_without_drawn"], drawn),
        Balls(features, FAR, arrays["far"], arrays["far_without_drawn"], drawn),
    )


def _arrays(reference: Reference) -> dict[str, Any]:
    near, far = reference.near, reference.far
    values = (
        reference.embedding.features,
        reference.embedding.probabilities,
        *(near.squared_radii, near.squared_radii_without, reference.near_drawn.squared_radii_without),
        *(far.squared_radii, far.squared_radii_without, reference.far_drawn.squared_radii_without),
    )
    return {name: value for name, value in zip(ARRAYS, values, strict=True) if value is not None}


def _digest(arrays: dict[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
