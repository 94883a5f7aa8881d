"""A trained recognizer as its files hold it, opened without scikit-learn: what a prediction waits for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from elmyr.core import machine
from elmyr.core.errors import InputError
from elmyr.engine.saving.model_files import ModelFiles
from elmyr.engine.saving.places import Run, read_config
from elmyr.images import AS_IT_IS, Pixels, Shaping
from elmyr.images.dataset.ranges import Range
from elmyr.images.dataset.sizes import Size
from elmyr.nets import StridedClassifier
from elmyr.tasks.recognition.predicting.inference import probabilities_of

KIND: Literal["recognizer"] = "recognizer"
FILES = ModelFiles(KIND, format=2)


@dataclass(frozen=True, eq=False)
class Trained:
    """A network that reads images uint8 `image_shape` (H, W, C), and how images of any form are brought into it.

    classes: the labels, in the order of the network's outputs; class_counts int64 (K,): the labeled images of each that
    it learned from, 0 where that is not known. temperature: divides the logits. parameters: of the `Recognizer` that it
    was trained as. ground: the mean level of the outermost pixels of the training images; augment: the policy that they
    were changed by; None where it is not known. views: over how many views of an image its probabilities are the mean.
    robust: what attacks it was trained to withstand, and how many it does, as JSON values.
    """

    net: StridedClassifier
    classes: NDArray[Any]
    class_counts: NDArray[np.int64]
    image_shape: tuple[int, int, int]
    temperature: float
    preparation: Shaping
    method: str
    parameters: Mapping[str, Any]
    ground: float | None = None
    augment: str | None = None
    views: int = 1
    robust: Mapping[str, Any] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return tuple(map(str, self.classes.tolist()))

    def preparing(
        self,
        *,
        fit: Literal["crop", "pad", "stretch"] | None,
        values: Range | None,
        size: Size | None,
        channels: int | None,
    ) -> Trained:
        """The same with another `fit` or range of `values`; InputError for a size or channels that it does not take."""
        height, width, own_channels = self.image_shape
        if size not in (None, (height, width)):
            raise InputError(f"this recognizer takes images of {height}x{width}: leave out --size, they are made so")
        if channels not in (None, own_channels):
            raise InputError(f"this recognizer takes {own_channels} channels: leave out --channels, they are made so")
        asked = {name: value for name, value in (("fit", fit), ("range", values)) if value is not None}
        return replace(self, preparation=self.preparation.model_copy(update=asked))

    def probabilities(self, images: Pixels) -> NDArray[np.float64]:
        """Probabilities float64 (N, classes) of images uint8 (N, H, W, C) in the form that it takes."""
        return probabilities_of(self.net, images, self.temperature, self.views)


def open_trained(name: Run, *, device: str = "auto") -> Trained:
    """The recognizer of a finished run (a path, "latest", what training returns), or of what `Recognizer.save` wrote.

    InputError where there is none, or where it is not whole.
    """
    chosen = machine.choose_device(device)
    with FILES.reading(name) as (folder, content, weights):
        classes, shape = np.asarray(content["classes"]), tuple(map(int, content["image_shape"]))
        height, width, channels = shape
        base, dimension = len(weights["convolutions.0.weight"]), len(weights["dense.weight"])
        net = StridedClassifier(height, width, channels, len(classes), base, dimension)
        net.load_state_dict(weights)
        return Trained(
            net.to(chosen).requires_grad_(False).eval(),
            classes,
            np.asarray(content.get("class_counts", [0] * len(classes)), np.int64),
            (height, width, channels),
            float(content["temperature"]),
            preparation_of(content, folder, (height, width, channels)),
            str(content["method"]),
            dict(content["parameters"]),
            content.get("ground"),
            content.get("augment"),
            robust=content.get("robust"),
        )


def preparation_of(content: Mapping[str, Any], folder: Path, shape: tuple[int, int, int]) -> Shaping:
    """As it was saved; recognizers of before it was saved have it in their run's config, if they are of a run."""
    if "preparation" in content:
        return Shaping.model_validate(content["preparation"])
    asked = AS_IT_IS
    with suppress(InputError, KeyError, TypeError, ValidationError):
        asked = Shaping.model_validate(read_config(folder.parent)["data"]["shaping"])
    return asked.preparation(shape)
