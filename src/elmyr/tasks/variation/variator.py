"""Variator: what has learned how images of a class differ, and varies images of classes that it never saw."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from elmyr.core import machine, seeds
from elmyr.core.errors import InputError
from elmyr.engine.saving.model_files import ModelFiles
from elmyr.engine.saving.places import Run
from elmyr.images import ImageSet
from elmyr.nets import BlocksConfig, Shape, VariationGenerator
from elmyr.tasks.gan.model import CHUNK, to_pixels, to_unit

FILES = ModelFiles("variator")


class VariatorConfig(BaseModel):
    """All that rebuilding its network needs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    height: int = Field(ge=1)
    width: int = Field(ge=1)
    channels: int = Field(ge=1)
    network: BlocksConfig = BlocksConfig()

    @property
    def shape(self) -> Shape:
        """Of its images."""
        return Shape(self.channels, self.height, self.width)


class Variator:
    """A trained generator of variations.

    `trained` tells in JSON values how it came to be: data, classes, seed, images seen, seconds.
    """

    def __init__(
        self,
        config: VariatorConfig,
        generator: VariationGenerator,
        *,
        trained: dict[str, Any] | None = None,
        device: str = "auto",
    ) -> None:
        self.config, self.trained = config, trained or {}
        self.device = machine.choose_device(device)
        self.generator = generator.to(self.device).requires_grad_(False).eval()

    def vary(self, images: ImageSet, count: int, *, truncation: float = 1.0, seed: int = 0) -> ImageSet:
        """`count` variations of labeled images, classes in equal numbers, each labeled as what it is varied from.

        The images of a class take turns; a class without any is left out. Other parameters, and errors, as `each_of`.
        """
        if count < 1 or not len(images):
            raise InputError(f"{count} variations of {len(images)} images: at least one of one")
        labels = images.require_labels()
        present, counts = np.unique(labels, return_counts=True)
        numbers = np.arange(count) % len(present)
        turns = np.arange(count) // len(present) % counts[numbers]
        members, starts = np.argsort(labels, kind="stable"), np.cumsum(counts) - counts
        return self.each_of(images.take(members[starts[numbers] + turns]), truncation=truncation, seed=seed)

    def each_of(self, images: ImageSet, *, truncation: float = 1.0, seed: int = 0) -> ImageSet:
        """A variation of each image, with its label where it has one.

        truncation: the factor of the latents. Raises InputError for images of another form than those that it learned
        from.
        """
        shape = self.config.height, self.config.width, self.config.channels
        if not len(images):
            raise InputError("there are no images to vary")
        if images.images.shape[1:] != shape:
            raise InputError(f"variations are of images {shape}, these are {images.images.shape[1:]}: make them alike")
        made = [
            self._varied(
                images.take(range(begin, min(begin + CHUNK, len(images)))).in_memory(), truncation, seed, begin
            )
            for begin in range(0, len(images), CHUNK)
        ]
        return ImageSet(np.concatenate(made), images.labels, images.classes, name=f"{images.name}, varied")

    @torch.no_grad()
    def _varied(self, images: NDArray[np.uint8], truncation: float, seed: int, place: int) -> NDArray[np.uint8]:
        random = seeds.generator(seed, "variations", place)
        latents = truncation * torch.randn(CHUNK, self.config.network.latent, generator=random)[: len(images)]
        pixels = to_unit(torch.from_numpy(images).to(self.device).permute(0, 3, 1, 2))
        made = self.generator(pixels.contiguous(memory_format=torch.channels_last), latents.to(self.device))
        return to_pixels(made).permute(0, 2, 3, 1).cpu().contiguous().numpy()

    def save(self, folder: str | Path) -> None:
        """Writes `variator.safetensors` and `variator.json`."""
        content = {"config": self.config.model_dump(mode="json"), "trained": self.trained}
        FILES.write(Path(folder), deepcopy(self.generator).state_dict(), content)

    @classmethod
    def load(cls, path: Run, *, device: str = "auto") -> Self:
        """What `save` wrote; InputError where there is none, or where it is not whole."""
        with FILES.reading(path) as (_, content, weights):
            config = VariatorConfig.model_validate(content["config"])
            generator = VariationGenerator(config.shape, config.network)
            generator.load_state_dict(weights)
            return cls(config, generator, trained=dict(content["trained"]), device=device)
