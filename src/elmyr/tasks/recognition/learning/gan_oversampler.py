"""GanOverSampler: small classes filled with repeated and generated images, with imbalanced-learn's contract."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets

from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.images import ImageSet
from elmyr.tasks.gan import open_gan
from elmyr.tasks.gan.in_memory import train_on
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.recognition.learning.lesson import Lesson, require_gan_of
from elmyr.tasks.recognition.learning.resampled import imbalanced_learn

LARGEST_SEED = 2**31 - 1


class GanOverSampler(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Fills small classes with repeated images and generated ones, of a GAN that has learned from all classes.

    Repeating alone is hard to beat, and a GAN that has seen few images of a class makes that class badly: so generated
    images come beside repeated ones, not in their place. X is uint8, (N, H, W, C) or (N, H, W); y holds any labels.
    `fit_resample` gives X and y, after them the repeated images, and after these the generated ones. After it:
    `sampling_strategy_` (how many were added, by label) and, if any were generated, `gan_`. Goes into a `Pipeline` of
    imbalanced-learn, which it needs.

    sampling_strategy: as in imbalanced-learn: "auto" (all classes as large as the largest), "minority", "not minority",
    "all", a share (two classes), a mapping of labels to counts, or a function of y that gives one.
    generated_share: of what a class is filled with; 1 repeats none, 0 needs no GAN. random_state: seeds the choice of
    images, the GAN and its samples. gan: one that is trained already, or the path of its run; it should have seen no
    other images than X. preset, images (budget), settings, device, precision: of the training otherwise, as in
    `elmyr.train`, but with batches that have all classes alike (`class_balance=1`) where settings say nothing else.
    """

    _sampling_type = "over-sampling"

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        generated_share: float = 0.25,
        random_state: int | np.random.RandomState | None = None,
        gan: GAN | str | os.PathLike[str] | None = None,
        preset: str = "small",
        images: int | None = None,
        settings: Mapping[str, Any] | None = None,
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        self.sampling_strategy = sampling_strategy
        self.generated_share = generated_share
        self.random_state = random_state
        self.gan = gan
        self.preset = preset
        self.images = images
        self.settings = settings
        self.device = device
        self.precision = precision

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Finds out how many images are missing, and trains nothing: `fit_resample` is what does the work."""
        self.__dict__.pop("gan_", None)
        self._counted(np.asarray(y))
        return self

    def fit_resample(self, X: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """X and y, after them the repeated images and their labels, and after these the generated ones and theirs.

        Raises InputError for what cannot be learned from, and for a GAN of other images or without these classes.
        """
        self.__dict__.pop("gan_", None)  # of another fit
        check_classification_targets(y)
        labels = np.asarray(y)
        lesson = Lesson.of(X, labels)
        if lesson.unlabeled is not None:
            raise InputError("y holds -1, which marks images without a label: leave these out")
        if not 0 <= self.generated_share <= 1:
            raise InputError(f"generated_share is {self.generated_share:g}: it is a share, from 0 to 1")
        given, seed = np.asarray(X), self._seed()
        missing = self._counted(labels)
        making = {label: round(self.generated_share * count) for label, count in missing.items()}
        repeated = self._repeated(labels, {label: count - making[label] for label, count in missing.items()}, seed)
        images, names = [given, given[repeated]], [labels, labels[repeated]]
        wanted = np.repeat(list(making), list(making.values())).astype(labels.dtype)
        if len(wanted):
            self.gan_ = self._gan(lesson.labeled, seed)
            numbers = [self.gan_.config.classes.index(str(label)) for label in wanted]
            made = self.gan_.sample(len(wanted), label=np.array(numbers, np.int64), seed=seed).in_memory()
            images, names = [*images, made.reshape(-1, *given.shape[1:])], [*names, wanted]
        return np.concatenate(images), np.concatenate(names)

    def __sklearn_tags__(self) -> Any:
        """Those of a sampler, of images instead of rows of a table."""
        kinds = imbalanced_learn("utils._tags")
        plain = super().__sklearn_tags__()
        return kinds.Tags(
            estimator_type="sampler",
            target_tags=plain.target_tags,
            transformer_tags=None,
            regressor_tags=None,
            classifier_tags=None,
            sampler_tags=kinds.SamplerTags(),
            input_tags=kinds.InputTags(two_d_array=False, three_d_array=True),
        )

    def _counted(self, y: NDArray[Any]) -> dict[Any, int]:
        library = imbalanced_learn("utils")
        self.sampling_strategy_ = library.check_sampling_strategy(self.sampling_strategy, y, self._sampling_type)
        return dict(self.sampling_strategy_)

    def _repeated(self, labels: NDArray[Any], counts: dict[Any, int], seed: int) -> NDArray[np.int64]:
        """The places of so many images of each class, none of them more than once oftener than another."""
        parts = [np.empty(0, np.int64)]
        for number, (label, count) in enumerate(counts.items()):
            random = np.random.default_rng(seeds.derive(seed, "repeated", number))
            places = random.permutation(np.flatnonzero(labels == label))
            parts.append(np.resize(places, count))
        return np.concatenate(parts)

    def _seed(self) -> int:
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(LARGEST_SEED))

    def _gan(self, images: ImageSet, seed: int) -> GAN:
        if self.gan is None:
            return train_on(
                images,
                preset=self.preset,
                budget=self.images,
                seed=seed,
                settings={"class_balance": 1.0, **(self.settings or {}), "conditional": True},
                device=self.device,
                precision=self.precision,
            )
        gan = (
            self.gan if isinstance(self.gan, GAN) else open_gan(self.gan, device=self.device, precision=self.precision)
        )
        require_gan_of(gan, images)
        return gan
