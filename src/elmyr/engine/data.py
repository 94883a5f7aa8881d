"""Batches by indexing: the image set stays resident on the device as uint8, or on the disk where it is large."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import one_hot

from elmyr.core import machine, seeds
from elmyr.core.errors import InputError
from elmyr.engine.task import Batch, BatchSource
from elmyr.images import ImageSet, StoredPixels


class ResidentData:
    """An image set on the device (or on the disk, where it is large) in an endless order: a function of the seed.

    A GPU that has room for it has a large one, too. Each pass over the set is a permutation of its own; batches run
    over the border between two passes. What is asked of a batch is read when it is asked for, and from the disk the
    same of the next batch, on a thread while this one is learned from.
    """

    def __init__(self, image_set: ImageSet, *, seed: int, device: torch.device) -> None:
        if not len(image_set):
            raise InputError(f"the image set '{image_set.name}' is empty: nothing to train on")
        self.seed = seed
        self.device, self._count = device, len(image_set)
        pixels = image_set.images
        if isinstance(pixels, StoredPixels) and machine.keeps_resident(pixels.size, device):
            self.images: StoredPixels | torch.Tensor = _moved(pixels, device)
        else:
            self.images = pixels if isinstance(pixels, StoredPixels) else torch.from_numpy(pixels).to(device)
        self.labels = None if image_set.labels is None else torch.from_numpy(image_set.labels).to(device)
        self._pass = -1
        self._permutation = torch.empty(0, dtype=torch.int64)
        self._ahead = ReadAhead(self.images) if isinstance(self.images, StoredPixels) else None

    def batch(self, position: int, size: int) -> Batch:
        """The `size` images from `position` (images seen) on."""
        return self.at(self.order(position, size), (position + size, size))

    def at(self, indices: torch.Tensor, following: tuple[int, int] | None = None) -> Batch:
        """The images at these places, int64 (n,) on the CPU; following: position and size of the batch after it."""
        labels = None if self.labels is None else self.labels.index_select(0, machine.to_device(indices, self.device))
        return Batch(_Indexed(self, indices, following), labels)

    def read(self, indices: torch.Tensor) -> torch.Tensor:
        """The images at these places, int64 (n,) on the CPU: uint8 (n, C, H, W)."""
        if isinstance(self.images, torch.Tensor):
            images = self.images.index_select(0, machine.to_device(indices, self.device))
        else:
            assert self._ahead is not None
            images = machine.to_device(torch.from_numpy(self._ahead.read(indices)), self.device)
        return images.permute(0, 3, 1, 2)

    def expect(self, position: int, size: int, places: torch.Tensor) -> None:
        """Begins to read some places of the batch from a position on, where the set stays on the disk."""
        if self._ahead is not None:
            self._ahead.expect(self.order(position, size)[places])

    def order(self, position: int, size: int) -> torch.Tensor:
        """Which images stand at the places from `position` on: int64 (size,)."""
        parts = []
        while size > 0:
            number, offset = divmod(position, self._count)
            part = self._permutation_of(number)[offset : offset + size]
            parts.append(part)
            position, size = position + len(part), size - len(part)
        return torch.cat(parts)

    def _permutation_of(self, number: int) -> torch.Tensor:
        if number != self._pass:
            generator = seeds.generator(self.seed, "order", number)
            self._pass, self._permutation = number, torch.randperm(self._count, generator=generator)
        return self._permutation


def _moved(pixels: StoredPixels, device: torch.device) -> torch.Tensor:
    """All images of the disk on a device, uint8 (N, H, W, C), through little memory."""
    images = torch.empty(pixels.shape, dtype=torch.uint8, device=device)
    start = 0
    for block in pixels.blocks():
        images[start : start + len(block)] = torch.from_numpy(block).to(device)
        start += len(block)
    return images


class _Indexed:
    """The images of a batch, by their places in the set; the first to be read have those of the next batch read."""

    def __init__(self, data: ResidentData, indices: torch.Tensor, following: tuple[int, int] | None) -> None:
        self._data, self._indices, self._following = data, indices, following

    def __len__(self) -> int:
        return len(self._indices)

    def read(self, places: torch.Tensor) -> torch.Tensor:
        images = self._data.read(self._indices[places])
        if self._following is not None:
            self._data.expect(*self._following, places)
            self._following = None
        return images


class Joined:
    """The images of several batches, one after the other."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return sum(map(len, self._batches))

    def read(self, places: torch.Tensor) -> torch.Tensor:
        """Those at some places, in whatever order."""
        begin, found, where = 0, [], []
        for batch in self._batches:
            inside = torch.nonzero((places >= begin) & (places < begin + len(batch))).flatten()
            if len(inside):
                found.append(batch.images_at(places[inside] - begin))
                where.append(inside)
            begin += len(batch)
        images, order = found[0] if len(self._batches) == 1 else torch.cat(found), torch.cat(where)
        if torch.equal(order, torch.arange(len(order))):
            return images
        return images.index_select(0, machine.to_device(order.argsort(), images.device))


class ReadAhead:
    """Images that stay on the disk, of which those that are expected next are read on a thread."""

    def __init__(self, images: StoredPixels) -> None:
        self._images = images
        self._pool = ThreadPoolExecutor(1, "read ahead")
        self._expected: tuple[torch.Tensor, Future[NDArray[np.uint8]]] | None = None

    def read(self, indices: torch.Tensor) -> NDArray[np.uint8]:
        """The images uint8 (n, H, W, C) at these places, int64 (n,): what was read ahead, where these were expected."""
        if self._expected is not None and torch.equal(self._expected[0], indices):
            (_, expected), self._expected = self._expected, None
            return expected.result()
        return self._images[indices.numpy()]

    def expect(self, indices: torch.Tensor) -> None:
        """Begins to read the images at these places."""
        self._expected = indices, self._pool.submit(self._images.__getitem__, indices.numpy())


class BalancedData:
    """Images drawn with their classes' shares evened out: a class comes as often as its images to 1 - `balance`.

    1 is all classes alike, 0 as the images are; a class without images does not come. Which are drawn is a function of
    the seed and the position. Raises InputError for images without labels.
    """

    def __init__(self, data: ResidentData, *, balance: float = 1.0) -> None:
        if data.labels is None:
            raise InputError("classes can be balanced where images have labels: give some, or leave it out")
        labels = data.labels.cpu()
        chances = torch.bincount(labels).double().pow(-balance)[labels].cumsum(0)
        self.data, self._chances = data, chances / chances[-1]

    def batch(self, position: int, size: int) -> Batch:
        """The `size` images from `position` on."""
        random = seeds.generator(self.data.seed, "balanced classes", position)
        drawn = torch.rand(size, generator=random, dtype=torch.float64)
        return self.data.at(torch.searchsorted(self._chances, drawn, right=True).clamp_(max=len(self._chances) - 1))


class StagedData:
    """Batches of one source up to the position `start`, and from there on of another."""

    def __init__(self, first: BatchSource, second: BatchSource, *, start: int) -> None:
        self.first, self.second, self.start = first, second, start

    def batch(self, position: int, size: int) -> Batch:
        """The `size` images from `position` on."""
        return (self.second if position >= self.start else self.first).batch(position, size)


class MixedData:
    """Batches of two sets in a fixed proportion: `share` of each batch from the second, at least as near as it goes."""

    def __init__(self, first: BatchSource, second: BatchSource, *, share: float) -> None:
        if not 0 <= share <= 1:
            raise InputError(f"the share of generated images is {share}: it lies between 0 and 1")
        self.first, self.second, self.share = first, second, share

    def batch(self, position: int, size: int) -> Batch:
        """The `size` images from `position` on, those of the first set before those of the second."""
        # Places counted from the start, so that every batch continues where the one before it ended in both sets.
        begin, end = round(position * self.share), round((position + size) * self.share)
        if begin == end:
            return self.first.batch(position - begin, size)
        if end - begin == size:
            return self.second.batch(begin, size)
        real, generated = (
            self.first.batch(position - begin, size - (end - begin)),
            self.second.batch(begin, end - begin),
        )
        labels, targets = None, None
        if real.labels is not None and generated.labels is not None:
            labels = torch.cat([real.labels, generated.labels])
        if real.labels is not None and generated.targets is not None:
            sure = one_hot(real.labels, generated.targets.shape[1]).to(generated.targets.dtype)
            targets = torch.cat([sure, generated.targets])
        return Batch(Joined([real, generated]), labels, targets=targets)
