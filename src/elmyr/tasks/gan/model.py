"""GAN: a trained generator, its discriminator, and how they were made. What samples come from."""

from __future__ import annotations

import html
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.functional import one_hot

from elmyr.core import machine, seeds, threads
from elmyr.core.calls import checked
from elmyr.core.errors import InputError
from elmyr.core.files import make_folder, read_json, replacing, write_json
from elmyr.core.parts import part_of
from elmyr.core.plugins import at_work
from elmyr.engine.saving.places import GAN_KIND, Run, finished_model, home_of
from elmyr.images import ImageSet
from elmyr.images.dataset.sizes import LARGEST_SIDE, SMALLEST_SIDE
from elmyr.images.pictures.showing import picture_html, picture_of
from elmyr.nets import PAIRS, Cost, Discriminator, NetworkConfig, Shape, StyleGenerator, cost_of, require_fit
from elmyr.tasks.gan.sampling.asked import asked_categories, asked_labels, class_number
from elmyr.tasks.gan.sampling.moves import Move, changes_of

FORMAT = 1
LARGEST_TRUNCATION = 2.0
SHOWN = 10  # samples of a class, in a notebook
CHUNK = 250  # Samples are made in chunks of this many, padded: each is the same in whatever company it is asked for.


class CodeConfig(BaseModel):
    """The part of the latent that the discriminator should predict (InfoGAN): its first entries."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    categories: int = Field(0, ge=0, description="kinds of images to be discovered; 0 or from 2 on")
    values: int = Field(0, ge=0, description="continuous factors to be discovered, each from -1 to 1")

    @property
    def entries(self) -> int:
        """How many of the latent's entries the code takes: one for each category and each value."""
        return self.categories + self.values

    def parts(self, latents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The categories int64 (N,), 0 without any, and the values (N, V) of latents (N, latent)."""
        none = latents.new_zeros(len(latents), dtype=torch.int64)
        categories = latents[:, : self.categories].argmax(1) if self.categories else none
        return categories, latents[:, self.categories : self.entries]


class GANConfig(BaseModel):
    """All that rebuilding a GAN's networks needs."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    height: int = Field(ge=SMALLEST_SIDE, le=LARGEST_SIDE)
    width: int = Field(ge=SMALLEST_SIDE, le=LARGEST_SIDE)
    channels: int = Field(ge=1, le=4)
    classes: tuple[str, ...] = Field((), description="class names; empty for an unconditional GAN")
    class_counts: tuple[int, ...] = Field((), description="training images of each class; empty for equally many")
    projection: bool = Field(True, description="whether the discriminator is given the class")
    code: CodeConfig = CodeConfig()
    network: NetworkConfig = NetworkConfig()

    @model_validator(mode="after")
    def _check_counts(self) -> Self:
        counts = self.class_counts
        if counts and (len(counts) != len(self.classes) or min(counts) < 0 or not any(counts)):
            raise ValueError(
                f"class_counts has {len(counts)} counts for {len(self.classes)} classes: one each, from 0 on"
            )
        return self

    def latents(self, n: int, random: torch.Generator, *, categories: NDArray[np.int64] | None = None) -> torch.Tensor:
        """Latents (n, latent) on the CPU: normal, with the code in their first entries; `categories` (n,) if asked."""
        latents, code = torch.randn(n, self.network.latent, generator=random), self.code
        if code.categories:
            drawn = torch.randint(code.categories, (n,), generator=random)
            chosen = drawn if categories is None else torch.from_numpy(categories)
            latents[:, : code.categories] = one_hot(chosen, code.categories)
        if code.values:
            latents[:, code.categories : code.entries] = 2 * torch.rand(n, code.values, generator=random) - 1
        return latents

    def build(self) -> tuple[nn.Module, Discriminator]:
        """New networks, generator and discriminator, with random weights, laid out channels-last."""
        if self.code.categories == 1 or self.code.entries >= self.network.latent:
            raise InputError(
                f"code.categories is {self.code.categories} and code.values {self.code.values}: categories are 0 or "
                f"from 2 on, and both together fewer than network.latent, {self.network.latent}"
            )
        pair, options = PAIRS.named(self.network.name), self.network.options
        shape = Shape(self.channels, self.height, self.width)
        with at_work("networks", self.network.name):
            generator, discriminator = pair.networks(shape, len(self.classes), options)
            if self.classes and not self.projection:
                _, discriminator = pair.networks(shape, 0, options)
        if self.network.name in PAIRS.origins:
            require_fit(self.network.name, generator, discriminator, shape, self.network.latent, self.classes)
        for net in (generator, discriminator):
            net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch types `to` for tensors
        return generator, discriminator

    def costs(self) -> tuple[Cost, Cost]:
        """What the generator and the discriminator cost: weights, and FLOPs a pass of one image."""
        generator, discriminator = self.build()
        labels = torch.zeros(1, dtype=torch.int64) if self.classes else None
        latents, images = torch.zeros(1, self.network.latent), torch.zeros(1, self.channels, self.height, self.width)
        return cost_of(generator, latents, labels), cost_of(discriminator, images, labels)


Portion = str | tuple[int, int] | range | None  # "2/4", (2, 4), or the numbers of samples


def places_of(part: Portion, n: int) -> range:
    """Which of `n` samples are in a part, in whole chunks; InputError for none of them, and for what is no part."""
    if isinstance(part, range):
        if part.step != 1 or not 0 <= part.start < part.stop <= n:
            raise InputError(f"the samples of {part} are asked for: give a range of numbers from 0 to {n - 1:,}")
        return part
    asked = part_of(part)
    places = asked.places(n, CHUNK)
    if not places:
        raise InputError(
            f"the part {asked} of {n:,} samples is empty: they are made {CHUNK} at a time, so give at most "
            f"{-(-n // CHUNK):,} parts"
        )
    return places


def to_unit(images: torch.Tensor) -> torch.Tensor:
    """uint8 pixels to floats in [-1, 1], the range that every network of elmyr sees; torch's default float type."""
    return images.to(torch.get_default_dtype()) / 127.5 - 1


def to_pixels(images: torch.Tensor) -> torch.Tensor:
    """Floats about [-1, 1] to uint8 pixels, rounded and clipped."""
    return ((images.float() + 1) * 127.5).round_().clamp_(0, 255).to(torch.uint8)


class GAN:
    """A trained generator with its discriminator.

    `trained` tells in JSON values how it came to be: preset, data, seed, images seen. `path` is the run, or the folder,
    that it was loaded from.
    """

    def __init__(
        self,
        config: GANConfig,
        generator: nn.Module,
        discriminator: nn.Module,
        *,
        trained: dict[str, Any] | None = None,
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        self.config = config
        self.device = machine.choose_device(device)
        self.precision = machine.choose_precision(precision, self.device)
        self.generator = generator.to(self.device).eval()
        self.discriminator = discriminator.to(self.device).eval()
        self.trained = trained or {}
        self.path: Path | None = None

    def __repr__(self) -> str:
        config, place = self.config, "" if self.path is None else f", from '{self.path}'"
        color = "gray" if config.channels == 1 else "RGB"
        labeled = f"{len(config.classes):,} classes" if config.classes else "without classes"
        seen = f", {self.trained['images']:,} images seen" if "images" in self.trained else ""
        return f"GAN({config.height}x{config.width} {color}, {labeled}{seen}{place})"

    def _repr_html_(self) -> str:
        """A notebook's view: some of what it makes, a row for each class."""
        some = self.sample(SHOWN * max(len(self.config.classes), 3), balanced=True)
        return f"<div>{html.escape(repr(self))}<br>{picture_html(picture_of(some))}</div>"

    @checked
    def sample(
        self,
        n: int,
        *,
        label: int | str | ArrayLike | None = None,
        category: int | NDArray[np.int64] | None = None,
        balanced: bool = False,
        truncation: float = 1.0,
        move: Move = None,
        seed: int = 0,
        part: Portion = None,
    ) -> ImageSet:
        """`n` generated images with the labels they were asked for.

        Sample *i* of a seed is the same image whatever `n`. `label` is a class (its name or number), or n of them,
        one for each image: an array, a tensor or a list; without it the classes have the shares that they have among
        the training images, or, if `balanced`, take turns, so that sample *i* is of class *i* mod K. A GAN without
        classes takes no label. `category`, a number or an int64 (n,), asks for a kind that the GAN discovered itself;
        without it kinds are drawn. `truncation`, above 0, at most 2: below 1 more typical, above 1 more varied images.
        `move`: amounts by the names of the run's directions, such as {"thickness": 1.5}, or what `Directions.by` gives.
        `part`, such as "2/4", makes that part of the n alone, or those whose numbers are in a range: all parts
        together are what is made at once, to the bit.
        """
        which: dict[str, Any] = {"label": label, "category": category, "balanced": balanced, "part": part}
        parts = list(self.samples(n, **which, truncation=truncation, move=move, seed=seed))
        labels = None if parts[0].labels is None else np.concatenate([part.require_labels() for part in parts])
        return ImageSet(np.concatenate([part.images for part in parts]), labels, parts[0].classes, parts[0].name)

    def samples(
        self,
        n: int,
        *,
        label: int | str | ArrayLike | None = None,
        category: int | NDArray[np.int64] | None = None,
        balanced: bool = False,
        truncation: float = 1.0,
        move: Move = None,
        seed: int = 0,
        part: Portion = None,
    ) -> Iterator[ImageSet]:
        """The same images piece by piece, each made while the one before is used: for more than memory holds."""
        if n < 1:
            raise InputError(f"cannot sample {n} images: ask for at least 1")
        if not 0 < truncation <= LARGEST_TRUNCATION:
            raise InputError(
                f"the truncation is {truncation:g}: give a number above 0 and at most 2; 1 changes nothing"
            )
        config, changes = self.config, changes_of(self, move)
        labels = asked_labels(config.classes, () if balanced else config.class_counts, n, label)
        categories = asked_categories(config.code.categories, n, category)
        places = places_of(part, n)

        def piece(number: int) -> ImageSet:
            start, stop = number * CHUNK, min((number + 1) * CHUNK, n)
            kinds = None if categories is None else np.resize(categories(start, stop), CHUNK)
            latents = config.latents(CHUNK, seeds.generator(seed, "samples", number), categories=kinds)
            asked = None if labels is None else labels(start, stop)
            chosen = None if asked is None else torch.from_numpy(np.resize(asked, CHUNK))
            images = self.make(changes(latents, chosen), chosen, truncation=truncation)
            own = slice(max(0, places.start - start), min(stop, places.stop) - start)
            return ImageSet(images[own], None if asked is None else asked[own], config.classes, name="generated")

        pieces = range(places.start // CHUNK, -(-places.stop // CHUNK))
        if len(pieces) == 1:  # previews, the watch: nothing to be made ahead, so no thread
            yield piece(pieces[0])
            return
        with ThreadPoolExecutor(1) as pool:
            made = [pool.submit(copy_context().run, piece, pieces[0])]
            for number in pieces[1:]:
                made.append(pool.submit(copy_context().run, piece, number))
                yield made.pop(0).result()
            yield made.pop().result()

    @torch.no_grad()
    def make(
        self, latents: torch.Tensor, labels: torch.Tensor | None, *, truncation: float = 1.0
    ) -> np.ndarray[Any, Any]:
        """The images uint8 (N, H, W, C) of latents (N, latent) and labels int64 (N,), None without classes.

        `truncation` other than 1 multiplies the normal entries of the latents by this factor (not a code, which is
        asked for), or, in a generator that has styles, their distances from the mean style, as the StyleGANs do.
        """
        latents, labels = latents.to(self.device), None if labels is None else labels.to(self.device)
        threads.look()
        with machine.autocast(self.device, self.precision):
            if truncation == 1:
                images = self.generator(latents, labels)
            elif isinstance(self.generator, StyleGenerator):
                images = self.generator(latents, labels, truncation=truncation)
            else:
                code = self.config.code.entries
                images = self.generator(torch.cat([latents[:, :code], truncation * latents[:, code:]], 1), labels)
        return to_pixels(images).permute(0, 2, 3, 1).cpu().numpy()

    @torch.no_grad()
    def discriminate(self, images: ImageSet) -> NDArray[np.float64]:
        """The discriminator's logits float64 (N,): high for real; with classes, for real and of its own class.

        Raises InputError for images of another shape, and for images without labels where there are classes.
        """
        config = self.config
        if images.images.shape[1:] != (config.height, config.width, config.channels):
            raise InputError(f"the images are {images.images.shape[1:]}, the GAN's are of another shape: take others")
        labels = torch.from_numpy(images.require_labels()) if config.classes else None
        pixels = torch.from_numpy(images.images).permute(0, 3, 1, 2)
        parts = []
        for start in range(0, len(images), CHUNK):
            part = slice(start, start + CHUNK)
            real = to_unit(pixels[part].to(self.device))
            with machine.autocast(self.device, self.precision):
                logits = self.discriminator(real, None if labels is None else labels[part].to(self.device))
            parts.append(logits.double().cpu().numpy())
        return np.concatenate(parts)

    def class_number(self, label: int | str) -> int:
        """The number of a class given by its name, or else by its number."""
        return class_number(self.config.classes, label)

    def save(self, folder: str | Path) -> None:
        """Writes `generator.safetensors`, `discriminator.safetensors` and `gan.json` into `folder`."""
        folder = make_folder(Path(folder))
        for name, net in (("generator", self.generator), ("discriminator", self.discriminator)):
            weights = {key: value.contiguous().cpu() for key, value in net.state_dict().items()}
            with replacing(folder / f"{name}.safetensors") as beside:
                save_file(weights, beside)
        content = {"format": FORMAT, "config": self.config.model_dump(mode="json"), "trained": self.trained}
        write_json(folder / "gan.json", content)

    @classmethod
    def load(cls, path: Run, *, device: str = "auto", precision: str = "auto") -> Self:
        """The GAN of a finished run (a path, "latest", or what `train` returns), or of a folder that `save` wrote.

        Raises InputError where there is none, or where it is not whole.
        """
        folder = finished_model(path, GAN_KIND)
        content = read_json(folder / "gan.json")
        try:
            if content["format"] != FORMAT:
                raise InputError(f"'{folder}' has format {content['format']}, this elmyr reads {FORMAT}: update elmyr")
            config = GANConfig.model_validate(content["config"])
            generator, discriminator = config.build()
            for name, net in (("generator", generator), ("discriminator", discriminator)):
                net.load_state_dict(load_file(folder / f"{name}.safetensors"))
            trained = dict(content["trained"])
        except (KeyError, TypeError, OSError, RuntimeError, ValidationError, SafetensorError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"'{folder}' is no whole GAN ({reason}): copy or train it again") from None
        gan = cls(config, generator, discriminator, trained=trained, device=device, precision=precision)
        gan.path = home_of(folder)
        return gan
