"""Recognizer: an image classifier with scikit-learn's contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from elmyr import machine, seeds
from elmyr.errors import InputError
from elmyr.files import read_json, sha256_of, write_json
from elmyr.gan import to_unit
from elmyr.images import ImageSet, Pixels, StoredPixels
from elmyr.nets import StridedClassifier
from elmyr.recognition.task import RecognizerTask
from elmyr.training.data import MixedData, ResidentData
from elmyr.training.loop import LoopConfig, run_loop
from elmyr.training.progress import Listener
from elmyr.training.rules import is_tiny

FORMAT = 1
CHUNK = 1000
DECAY_FROM = 0.2
UPDATES, UPDATES_OF_TINY = 2000, 200  # those of images below 16 pixels learn no more from 300


class Recognizer(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A small convolutional classifier of images.

    X is uint8, (N, H, W, C) or (N, H, W), at least 8x8; y holds any labels. After `fit`: `classes_` (sorted labels),
    `image_shape_` (H, W, C). Trained in bf16 where the machine has it, always used in fp32.

    augment: classical augmentation (small turns, scalings, shears and shifts; no flips).
    generated_share: share of each batch that comes from the `generated` image set, where `fit` is given one.
    """

    def __init__(
        self,
        *,
        updates: int = UPDATES,
        batch: int = 128,
        base: int = 32,
        dimension: int = 96,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.02,
        augment: bool = False,
        generated_share: float = 0.5,
        seed: int = 0,
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        self.updates = updates
        self.batch = batch
        self.base = base
        self.dimension = dimension
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.augment = augment
        self.generated_share = generated_share
        self.seed = seed
        self.device = device
        self.precision = precision

    def fit(
        self,
        X: ArrayLike | StoredPixels,
        y: ArrayLike,
        *,
        generated: tuple[ArrayLike, ArrayLike] | None = None,
        listener: Listener | None = None,
    ) -> Self:
        """Trains on images and labels, and on generated ones (images, labels) beside them where given.

        The number of updates is the same whatever the number of images.
        """
        images = _checked_images(X)
        labels = np.asarray(y)
        if labels.shape != (len(images),):
            raise InputError(f"y has the shape {labels.shape}, X has {len(images)} images: one label an image")
        self.classes_, encoded = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError("a recognizer needs at least two classes, y has one: add images of another class")
        self.image_shape_ = images.shape[1:]
        device = machine.choose_device(self.device)
        data = self._resident(images, encoded, device)
        source: ResidentData | MixedData = data
        if generated is not None:
            source = MixedData(data, self._generated_data(generated, device), share=self.generated_share)
        with seeds.initialization(self.seed, "recognizer"):
            net = self._new_net()
        task = RecognizerTask(
            net,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            augment=self.augment,
            seed=self.seed,
            device=device,
            precision=machine.choose_precision(self.precision, device),
        )
        run_loop(task, source, self._course(), listener=listener)
        self.net_ = task.average
        return self

    def initialize(self, image_shape: tuple[int, ...]) -> Self:
        """Takes the random weights that training would begin with, for images (H, W, C) of one class named 0."""
        self.classes_, self.image_shape_ = np.zeros(1, np.int64), image_shape
        with seeds.initialization(self.seed, "recognizer"):
            net = self._new_net()
        self.net_ = net.to(machine.choose_device(self.device)).requires_grad_(False).eval()
        return self

    def predict(self, X: ArrayLike | StoredPixels) -> NDArray[Any]:
        """The most likely label of each image (N,)."""
        most_likely = self.predict_proba(X).argmax(1)
        return np.asarray(self.classes_[most_likely])

    def predict_proba(self, X: ArrayLike | StoredPixels) -> NDArray[np.float64]:
        """Probabilities float64 (N, classes), columns as in `classes_`."""
        return self._in_chunks(X, lambda net, images: net(images).double().softmax(1))

    def features(self, X: ArrayLike | StoredPixels) -> NDArray[np.float64]:
        """Features float64 (N, dimension): the vector before the last layer."""
        return self._in_chunks(X, lambda net, images: net.features(images).double())

    def proba_of_features(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities float64 (N, classes) from features (N, dimension): the last layer alone, in float64."""
        check_is_fitted(self)
        last = self.net_.logits
        weight, bias = (tensor.detach().cpu().double().numpy() for tensor in (last.weight, last.bias))
        return np.asarray(softmax(features @ weight.T + bias, axis=1))

    def save(self, folder: str | Path) -> None:
        """Writes `recognizer.safetensors` and `recognizer.json`. Labels must be numbers or strings."""
        check_is_fitted(self)
        folder = Path(folder)
        RecognizerTask.export_weights(self.net_, folder)
        content = {
            "format": FORMAT,
            "parameters": {name: value for name, value in self.get_params().items() if name != "device"},
            "classes": self.classes_.tolist(),
            "image_shape": list(self.image_shape_),
            "sha256": sha256_of(folder / "recognizer.safetensors"),
        }
        write_json(folder / "recognizer.json", content)

    @classmethod
    def load(cls, folder: str | Path, *, device: str = "auto") -> Self:
        """Opens what `save` wrote; InputError if it is not whole."""
        chosen = machine.choose_device(device)
        folder = Path(folder)
        content = read_json(folder / "recognizer.json")
        try:
            if content["format"] != FORMAT or content["sha256"] != sha256_of(folder / "recognizer.safetensors"):
                raise InputError(f"'{folder}' is no whole recognizer of this elmyr: train it again")
            recognizer = cls(**content["parameters"], device=device)
            recognizer.classes_ = np.asarray(content["classes"])
            recognizer.image_shape_ = tuple(content["image_shape"])
            net = recognizer._new_net()
            net.load_state_dict(load_file(folder / "recognizer.safetensors"))
        except (KeyError, TypeError, OSError, RuntimeError, SafetensorError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"'{folder}' is no whole recognizer ({reason}): train it again") from None
        recognizer.net_ = net.to(chosen).requires_grad_(False).eval()
        return recognizer

    def __sklearn_tags__(self) -> Tags:
        """Images in, not rows of a table."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.non_deterministic = False
        return tags

    def _new_net(self) -> StridedClassifier:
        height, width, channels = self.image_shape_
        return StridedClassifier(height, width, channels, len(self.classes_), self.base, self.dimension)

    def _course(self) -> LoopConfig:
        images = self.updates * self.batch
        return LoopConfig(
            images=images,
            batch=self.batch,
            decay_from=DECAY_FROM,
            log_every=max(self.batch, images // 10),
            preview_every=images,
            checkpoint_every=images,
        )

    def _resident(self, images: Pixels, labels: NDArray[Any], device: torch.device) -> ResidentData:
        names = tuple(str(label) for label in self.classes_)
        return ResidentData(ImageSet(images, labels.astype(np.int64), names), seed=self.seed, device=device)

    def _generated_data(self, generated: tuple[ArrayLike, ArrayLike], device: torch.device) -> ResidentData:
        images, labels = _checked_images(generated[0]), np.asarray(generated[1])
        if images.shape[1:] != self.image_shape_:
            raise InputError(f"generated images are {images.shape[1:]}, the real ones {self.image_shape_}")
        if labels.shape != (len(images),) or not np.isin(labels, self.classes_).all():
            raise InputError("generated images need one label each, of the real ones' labels")
        return self._resident(images, np.searchsorted(self.classes_, labels), device)

    @torch.no_grad()
    def _in_chunks(self, X: ArrayLike | StoredPixels, look: Any) -> NDArray[np.float64]:
        check_is_fitted(self)
        images = _checked_images(X)
        if images.shape[1:] != self.image_shape_:
            raise InputError(f"images are {images.shape[1:]}, this recognizer was trained on {self.image_shape_}")
        device = next(self.net_.parameters()).device
        parts = []
        for start in range(0, len(images), CHUNK):
            chunk = torch.from_numpy(images[start : start + CHUNK]).to(device).permute(0, 3, 1, 2)
            parts.append(look(self.net_, to_unit(chunk)).cpu().numpy())
        return np.concatenate(parts)


def default_updates(images: ImageSet) -> int:
    """The updates of a recognizer where no number is given."""
    return UPDATES_OF_TINY if is_tiny(images) else UPDATES


def _checked_images(X: ArrayLike | StoredPixels) -> Pixels:
    images = X if isinstance(X, StoredPixels) else np.asarray(X)
    if images.dtype != np.uint8 or images.ndim not in (3, 4):
        raise InputError(f"X is {images.dtype} of shape {images.shape}: give images as uint8 (N, H, W, C) or (N, H, W)")
    if not len(images):
        raise InputError("X holds no image")
    images = images[..., None] if images.ndim == 3 else images
    if min(images.shape[1:3]) < 8:
        raise InputError(f"images are {images.shape[1]}x{images.shape[2]}: at least 8x8 is needed")
    return images if isinstance(images, StoredPixels) else np.ascontiguousarray(images)
