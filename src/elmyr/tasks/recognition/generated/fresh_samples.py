"""Generated images without an end: made a block at a time while a recognizer learns, so that none is shown twice.

What is held in memory is one block, however many are shown. Several checkpoints of a GAN, or truncations, take turns,
as the pools of GaFi do (Lampis et al. 2023, "Bridging the Gap: Enhancing the Utility of Synthetic Data via
Post-Processing Techniques").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from elmyr.core import machine, seeds
from elmyr.core.errors import InputError
from elmyr.core.notes import kept_notes, note
from elmyr.engine.task import Batch
from elmyr.images import ImageSet
from elmyr.tasks.gan.model import CHUNK, GAN, LARGEST_TRUNCATION
from elmyr.tasks.gan.sampling.asked import in_shares
from elmyr.tasks.recognition.learning.chosen_samples import ALL, Choice, joined, parts_of_choice, require_classes

if TYPE_CHECKING:
    from elmyr.tasks.recognition.recognizer import Recognizer

BLOCK = 4 * CHUNK
ROW = 100 * BLOCK  # labels, after which their order begins again


@dataclass(frozen=True)
class Origin:
    """A GAN, or a checkpoint of one, and the truncation of what is taken from it."""

    gan: GAN
    truncation: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.truncation <= LARGEST_TRUNCATION:
            raise InputError(f"a truncation of generated images is {self.truncation:g}: it is above 0 and at most 2")


class FreshSamples:
    """An endless row of generated images; image *i* is the same whatever is asked for before it.

    origins: of equal shape and classes, in turn, a thousand images each. choice: which images are good enough; where
    they are demanded and too few in the first thousand, InputError is raised, in a later one the good ones come again.
    soft: a recognizer of these classes, whose probabilities take the place of labels (after cGAN-KD, Ding et al. 2021).
    balanced: whether classes come equally often, instead of in their shares of the training images.
    names: what the classes are called as labels, (K,) in the GAN's order; None: by their names.
    Raises InputError for a GAN without classes, and for origins or recognizers of others.
    """

    def __init__(
        self,
        origins: Sequence[Origin],
        *,
        choice: Choice = ALL,
        soft: Recognizer | None = None,
        balanced: bool = False,
        names: ArrayLike | None = None,
        seed: int = seeds.LEARNED_FROM,
    ) -> None:
        if not origins:
            raise InputError("generated images come from at least one GAN: give one")
        config = origins[0].gan.config
        for origin in origins:
            require_classes(origin.gan, choice)
            if origin.gan.config.classes != config.classes or shape_of(origin.gan) != shape_of(origins[0].gan):
                raise InputError("the GANs make images of several shapes or classes: take some that are alike")
        if soft is not None:
            require_classes(origins[0].gan, Choice(reader=soft))
        self.origins, self.choice, self.soft, self.seed = tuple(origins), choice, soft, seed
        self.classes = config.classes
        self.names = np.array(config.classes) if names is None else np.asarray(names)
        self.shape = shape_of(origins[0].gan)
        self.counts = np.array((config.class_counts if not balanced else ()) or [1] * len(config.classes), np.int64)
        self._row = in_shares(self.counts.tolist(), ROW)
        self._number, self._block = -1, ImageSet(np.empty((0, *self.shape), np.uint8), None)
        self._targets: NDArray[np.float64] | None = None
        self._told = False  # whether a block had too few good images

    def images(self, begin: int, count: int) -> ImageSet:
        """The `count` images from place `begin` on, with the labels that they were asked for."""
        return self.read(begin, count)[0]

    def read(self, begin: int, count: int) -> tuple[ImageSet, NDArray[np.float64] | None]:
        """These images, and what `soft` reads in them, float64 (count, K) in the order of `classes`; None without it.

        Of both at once, as each block is made but once.
        """
        parts = [self._of_block(number, part) for number, part in _blocks(begin, count)]
        targets = [read for _, read in parts if read is not None]
        return joined([images for images, _ in parts]), np.concatenate(targets) if targets else None

    def evened_out(self) -> FreshSamples:
        """The same with all classes equally often."""
        return FreshSamples(
            self.origins, choice=self.choice, soft=self.soft, balanced=True, names=self.names, seed=self.seed
        )

    def digest(self) -> str:
        """sha256 of all that decides what they are."""
        digest = sha256(repr((self.seed, BLOCK, ROW, self.counts.tolist(), self.names.tolist())).encode())
        digest.update(repr((self.choice.realism, self.choice.hardest, self.choice.demanding)).encode())
        for origin in self.origins:
            digest.update(f"{origin.truncation}/{_weights_of(origin.gan.generator)}".encode())
            if self.choice.realism < 1:
                digest.update(_weights_of(origin.gan.discriminator).encode())
        for reader in (self.choice.reader, self.soft):
            digest.update(b"none" if reader is None else _weights_of(reader.trained().net).encode())
        return digest.hexdigest()

    def _of_block(self, number: int, part: slice) -> tuple[ImageSet, NDArray[np.float64] | None]:
        if number != self._number:
            self._block, self._targets = self._made(number)
            self._number = number
        return self._block.take(range(part.start, part.stop)), None if self._targets is None else self._targets[part]

    def _made(self, number: int) -> tuple[ImageSet, NDArray[np.float64] | None]:
        origin, seed = self.origins[number % len(self.origins)], seeds.derive(self.seed, "fresh", number)
        first = number * BLOCK % ROW
        labels = self._row[first : first + BLOCK]
        if self.choice.takes_all:
            made = origin.gan.sample(BLOCK, label=labels, truncation=origin.truncation, seed=seed)
        else:
            tried, missing = (
                np.resize(labels, self.choice.tried(BLOCK)),
                np.bincount(labels, minlength=len(self.counts)),
            )
            made = _in_order(joined(self._chosen(origin, tried, missing, number, seed)), labels)
        if self.soft is None:
            return made, None
        read = self.soft.classes_.astype(str).tolist()
        return made, self.soft.predict_proba(made.images)[:, [read.index(name) for name in self.classes]]

    def _chosen(
        self, origin: Origin, tried: NDArray[np.int64], missing: NDArray[np.int64], number: int, seed: int
    ) -> list[ImageSet]:
        """The good ones of a block. Too few are refused in the first, before anything is trained: in no later one."""
        how: dict[str, Any] = {"truncation": origin.truncation, "seed": seed}
        if number == 0 or not self.choice.demanding:
            return parts_of_choice(origin.gan, tried, missing, self.choice, **how)
        with kept_notes() as told:
            parts = parts_of_choice(origin.gan, tried, missing, self.choice, **how, repeat=True)
        if told and not self._told:
            note(told[0])
            self._told = True
        return parts


class FreshData:
    """Batches of fresh samples on the device; labels by the numbers (K,) that the recognizer has for them.

    classes: how many the recognizer has, which may be more.
    """

    def __init__(
        self, samples: FreshSamples, numbers: NDArray[np.int64], *, classes: int, device: torch.device
    ) -> None:
        self.samples, self.device = samples, device
        self._numbers, self._classes = numbers, classes

    def batch(self, position: int, size: int) -> Batch:
        """The `size` images from `position` on."""
        made, targets = self.samples.read(position, size)
        labels = machine.to_device(torch.from_numpy(self._numbers[made.require_labels()]), self.device)
        images = machine.to_device(torch.from_numpy(made.in_memory()), self.device)
        if targets is None:
            return Batch(images.permute(0, 3, 1, 2), labels)
        ordered = np.zeros((len(targets), self._classes))
        ordered[:, self._numbers] = targets
        asked = machine.to_device(torch.from_numpy(ordered).float(), self.device)
        return Batch(images.permute(0, 3, 1, 2), labels, targets=asked)


def shape_of(gan: GAN) -> tuple[int, int, int]:
    """Height, width and channels of what it makes."""
    return gan.config.height, gan.config.width, gan.config.channels


def _blocks(begin: int, count: int) -> list[tuple[int, slice]]:
    """The parts of blocks that hold the places from `begin` on."""
    numbers = range(begin // BLOCK, (begin + count - 1) // BLOCK + 1)
    return [(each, slice(max(begin - each * BLOCK, 0), min(begin + count - each * BLOCK, BLOCK))) for each in numbers]


def _in_order(images: ImageSet, labels: NDArray[np.int64]) -> ImageSet:
    """The same images in the order of `labels`, of which they have as many each."""
    places = np.empty(len(labels), np.int64)
    places[np.argsort(labels, kind="stable")] = np.argsort(images.require_labels(), kind="stable")
    return images.take(places)


def _weights_of(net: Any) -> str:
    digest = sha256()
    for name, tensor in sorted(net.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
