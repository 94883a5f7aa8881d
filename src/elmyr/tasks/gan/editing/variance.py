"""What decides which pixels of generated images: the class, the latent, and what each level of a generator hears of it.

One source is drawn again and all others stay: half the mean squared change of a pixel is the source's total effect on
its variance (Jansen 1999, "Analysis of variance designs for model output"; Sobol 2001).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.metrics import mean_interval
from elmyr.nets import StyleGenerator
from elmyr.nets.pairs.biggan_lite import BigGANLiteGenerator
from elmyr.tasks.gan.model import CHUNK, GAN

PAIRS = 512  # samples, and as many drawn again
FEWEST = 2
WHOLE = "everything"

Entrance = tuple[nn.Module, int]  # a module, and which of its arguments is heard
Drawn = tuple[torch.Tensor, torch.Tensor | None]  # latents (N, latent), and labels (N,), None without classes


@dataclass(frozen=True)
class Effect:
    """What one source does to the pixels of a generated image.

    deviation: float64 (H, W), the standard deviation in levels of 255 that a pixel would have by this source alone
    drawn again. share, low, high: of the variance of all pixels that is by everything together, with its 95 % interval
    over the pairs of samples. Shares of sources add up to more than 1 where they act together.
    """

    source: str
    deviation: NDArray[np.float64]
    share: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Effects:
    """The effects of all sources, the first of everything together, and the mean image uint8 (H, W, C)."""

    all: tuple[Effect, ...]
    mean: NDArray[np.uint8]

    def lines(self) -> Iterator[str]:
        """A table of them."""
        yield f"{'drawn again':<24} {'share of the variance (95 %)':>32}   {'sd of a pixel, mean and most':>28}"
        for each in self.all:
            share = f"{each.share:.1%} ({each.low:.1%} to {each.high:.1%})"
            sd = f"{each.deviation.mean():.1f}, {each.deviation.max():.1f} of 255"
            yield f"{each.source:<24} {share:>32}   {sd:>28}"

    def as_json(self) -> list[dict[str, Any]]:
        """As JSON values."""
        return [
            {
                "source": each.source,
                "share": each.share,
                "low": each.low,
                "high": each.high,
                "mean_deviation": float(each.deviation.mean()),
                "largest_deviation": float(each.deviation.max()),
            }
            for each in self.all
        ]


def effects_of(gan: GAN, *, label: int | str | None = None, count: int = PAIRS, seed: int = 0) -> Effects:
    """What the sources of a GAN's images do, by `count` samples of which each source is drawn again.

    Sources are the class, the latent, the parts of a code, and of networks whose levels hear the latent (`style`,
    `biggan-lite`) that of each level. label: only images of this class. InputError for an unknown one, and for fewer
    than 2 samples.
    """
    if count < FEWEST:
        raise InputError(f"effects by {count} sample are none: ask for at least {FEWEST}, better {PAIRS}")
    classes = len(gan.config.classes)
    if label is not None and not classes:
        raise InputError("this GAN has no classes: leave the target out")
    number = None if label is None else gan.class_number(label)
    sources = _sources(gan, by_class=bool(classes) and number is None)
    totals = {name: list[NDArray[np.float64]]() for name in sources}
    maps = {name: np.zeros((gan.config.height, gan.config.width)) for name in sources}
    mean = np.zeros((gan.config.height, gan.config.width, gan.config.channels))
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        drawn, again = (_drawn(gan, size, number, seeds.generator(seed, "effects", 2 * start + k)) for k in (0, 1))
        images = gan.make(*drawn).astype(np.float64)
        mean += images.sum(0) / count
        for name, made in sources.items():
            squared = (made(drawn, again).astype(np.float64) - images) ** 2 / 2
            totals[name].append(squared.mean((1, 2, 3)))
            maps[name] += squared.mean(3).sum(0) / count
    return Effects(_effects(totals, maps), mean.round().astype(np.uint8))


def _effects(totals: dict[str, list[NDArray[np.float64]]], maps: dict[str, NDArray[np.float64]]) -> tuple[Effect, ...]:
    whole = float(np.concatenate(next(iter(totals.values()))).mean())
    if not whole:
        raise InputError("all images of this GAN are the same: train it longer, or again")
    effects = []
    for name, parts in totals.items():
        found = mean_interval(np.concatenate(parts) / whole)
        assert found.low is not None and found.high is not None
        effects.append(Effect(name, np.sqrt(maps[name]), found.mean, max(0.0, found.low), found.high))
    return tuple(effects)


def _drawn(gan: GAN, size: int, number: int | None, random: torch.Generator) -> Drawn:
    latents, classes = gan.config.latents(size, random), len(gan.config.classes)
    if not classes:
        return latents, None
    return latents, torch.randint(classes, (size,), generator=random) if number is None else torch.full((size,), number)


Made = Callable[[Drawn, Drawn], NDArray[np.uint8]]  # the images of what was drawn, the source as it was drawn again


def _sources(gan: GAN, *, by_class: bool) -> dict[str, Made]:
    """The sources by name, everything together first."""
    code, sources = gan.config.code, dict[str, Made]()
    if by_class:
        sources[WHOLE] = lambda drawn, again: gan.make(*again)
        sources["class"] = lambda drawn, again: gan.make(drawn[0], again[1])
    sources["latent"] = lambda drawn, again: gan.make(again[0], drawn[1])
    if code.categories:
        sources["category"] = _of_entries(gan, slice(code.categories))
    for value in range(code.values):
        place = code.categories + value
        sources[f"value {value + 1}"] = _of_entries(gan, slice(place, place + 1))
    for name, entrances in entrances_of(gan.generator).items():
        sources[name] = _heard_again(gan, entrances)
    return sources


def _of_entries(gan: GAN, entries: slice) -> Made:
    def made(drawn: Drawn, again: Drawn) -> NDArray[np.uint8]:
        latents = drawn[0].clone()
        latents[:, entries] = again[0][:, entries]
        return gan.make(latents, drawn[1])

    return made


def _heard_again(gan: GAN, entrances: list[Entrance]) -> Made:
    """The images where these modules alone hear the latent that was drawn again."""

    def made(drawn: Drawn, again: Drawn) -> NDArray[np.uint8]:
        with _overheard(entrances) as heard:
            gan.make(again[0], drawn[1])
        with _replaced(entrances, heard):
            return gan.make(*drawn)

    return made


def entrances_of(generator: nn.Module) -> dict[str, list[Entrance]]:
    """Where the levels of a generator hear of the latent, by name; none where only its first layer does."""
    if isinstance(generator, StyleGenerator):
        return _of_style(generator)
    if isinstance(generator, BigGANLiteGenerator):
        return _of_biggan(generator)
    return {}


def _of_style(generator: StyleGenerator) -> dict[str, list[Entrance]]:
    styles, noises = dict[str, list[Entrance]](), dict[str, list[Entrance]]()
    for layers, to_image in zip(generator.levels, generator.to_image, strict=True):
        assert isinstance(layers, nn.ModuleList)
        size = "x".join(map(str, next(layers.buffers()).shape[1:]))  # that of its patterns of noise
        styles[f"style at {size}"] = [*((layer, 1) for layer in layers), (to_image, 1)]
        noises[f"noise at {size}"] = [(layer, 2) for layer in layers]
    return styles | noises


def _of_biggan(generator: BigGANLiteGenerator) -> dict[str, list[Entrance]]:
    height, width = generator.start[1:]
    found: dict[str, list[Entrance]] = {f"latent at {height}x{width}": [(generator.root, 0)]}
    for number, blocks in enumerate(generator.levels, 1):
        assert isinstance(blocks, nn.ModuleList)
        found[f"latent at {height << number}x{width << number}"] = [(block, 1) for block in blocks]
    return found


@contextmanager
def _overheard(entrances: list[Entrance]) -> Iterator[list[torch.Tensor]]:
    """Inside, what the modules are told is kept, in the order of the entrances."""
    heard: list[torch.Tensor] = [torch.empty(0)] * len(entrances)

    def keep(place: int, argument: int) -> Callable[[nn.Module, Any], None]:
        def hook(module: nn.Module, given: Any) -> None:
            heard[place] = given[argument]

        return hook

    with _hooked([(module, keep(place, argument)) for place, (module, argument) in enumerate(entrances)]):
        yield heard


@contextmanager
def _replaced(entrances: list[Entrance], heard: list[torch.Tensor]) -> Iterator[None]:
    """Inside, the modules are told what others were told."""

    def tell(argument: int, instead: torch.Tensor) -> Callable[[nn.Module, Any], Any]:
        return lambda module, given: (*given[:argument], instead, *given[argument + 1 :])

    with _hooked([(module, tell(argument, each)) for (module, argument), each in zip(entrances, heard, strict=True)]):
        yield


@contextmanager
def _hooked(hooks: list[tuple[nn.Module, Callable[[nn.Module, Any], Any]]]) -> Iterator[None]:
    handles = [module.register_forward_pre_hook(hook) for module, hook in hooks]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
