"""Randomness as a function: every draw depends on (seed, stream, position) and on nothing else.

A *stream* says what the draw is for ("order", "latents" …), a *position* where in the work it stands (images seen, or a
chunk's number). So an interrupted run that resumes draws what it would have drawn, with no generator state to save.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    import torch

# The seeds that images are made with for elmyr's own ends: what is shown, judged, learned from and asked about are
# different images. 0 is the default of `GAN.sample`, and of the samples that a run shows.
EVALUATED = (1, 2, 3)  # one set of samples a seed
COMPARED = 1
LEARNED_FROM = 4  # by a recognizer, in a study too
LEARNED_FROM_FOR_USE = 5  # by the recognizers of `evaluate --use`
SURVEYED = 6
DAMAGED = 7  # the damage that restorers are judged by; none that one is trained with by default
TRANSLATED = 1  # the styles of translated images that a recognizer learns from


def derive(seed: int, stream: str, position: int = 0) -> int:
    """A well-mixed integer in [0, 2^63) for a place in a stream."""
    digest = blake2b(f"{seed}/{stream}/{position}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def generator(seed: int, stream: str, position: int = 0) -> torch.Generator:
    """A CPU generator for a place in a stream; what it draws is moved to the device afterwards."""
    import torch

    return torch.Generator().manual_seed(derive(seed, stream, position))


@contextmanager
def initialization(seed: int, stream: str, position: int = 0) -> Iterator[None]:
    """Inside, torch's global generator is that of the place in the stream; for the weights of new networks."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, stream, position))
        yield


Side = tuple[slice, int]  # which of so many images


class Share:
    """A generator that draws for a batch, of which a part is needed: of each of its sides, as real and generated."""

    def __init__(self, generator: torch.Generator, *sides: Side) -> None:
        self.generator, self.sides = generator, sides


def for_part(seed: int, stream: str, position: int, *sides: Side) -> Random:
    """What draws for a part of a batch, the part of each of its sides, as if for the whole."""
    whole = generator(seed, stream, position)
    return whole if all(part == slice(0, images) for part, images in sides) else Share(whole, *sides)


class Each:
    """A generator for each image of a batch: what is drawn for an image is the same in whatever company it comes."""

    def __init__(self, generators: Sequence[torch.Generator]) -> None:
        self.generators = generators


Random = Union["torch.Generator", Share, Each]
RandomOf = Callable[[str, int], Random]  # what draws for the images at hand, by stream and position


def uniform(shape: Sequence[int], random: Random, *, axis: int = 0) -> torch.Tensor:
    """Uniform in [0, 1): float (shape), where `axis` counts the images at hand, or a multiple of them."""
    import torch

    return _drawn(torch.rand, shape, random, axis)


def normal(shape: Sequence[int], random: Random, *, axis: int = 0) -> torch.Tensor:
    """Standard normal: float (shape), where `axis` counts the images at hand, or a multiple of them."""
    import torch

    return _drawn(torch.randn, shape, random, axis)


def _drawn(draw: Callable[..., torch.Tensor], shape: Sequence[int], random: Random, axis: int) -> torch.Tensor:
    """Each side is drawn whole, and its part taken; twice as many images as the sides' parts are those sides twice."""
    import torch

    if isinstance(random, Each):
        one = (*shape[:axis], 1, *shape[axis + 1 :])
        return torch.cat([draw(one, generator=each) for each in random.generators], axis)
    if not isinstance(random, Share):
        return draw(tuple(shape), generator=random, device=random.device)
    sides = random.sides * (shape[axis] // sum(part.stop - part.start for part, _ in random.sides))
    sizes = [images for _, images in sides]
    whole = draw((*shape[:axis], sum(sizes), *shape[axis + 1 :]), generator=random.generator)
    parts = zip(torch.split(whole, sizes, axis), sides, strict=True)
    return torch.cat([side.narrow(axis, part.start, part.stop - part.start) for side, (part, _) in parts], axis)
