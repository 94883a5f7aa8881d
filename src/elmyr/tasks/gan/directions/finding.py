"""Directions of a GAN's latents, found from its own samples and measured on others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr.core import seeds, threads
from elmyr.core.calls import checked
from elmyr.core.errors import InputError, suggestion
from elmyr.nets.latent_figures import LatentFigures
from elmyr.tasks.gan.directions.closed_form import discovered, principal, sefa
from elmyr.tasks.gan.directions.collection import AMOUNTS, Direction, Directions, digest_of
from elmyr.tasks.gan.directions.figures import IMAGE_FIGURES, LINES, figures_for, values_of
from elmyr.tasks.gan.directions.rated import SUFFIX, rated
from elmyr.tasks.gan.model import CHUNK, GAN

LEARNED_FROM, JUDGED = 40_000, 500  # samples
PASSES, BATCH, LEARNING_RATE, DECAY = 20, 256, 2e-3, 1e-2
LEAST_SPREAD = 1e-6  # standard deviation of a figure that varies
Say = Callable[[str], None]


class Reader(Protocol):
    """A recognizer: images uint8 (N, H, W, C) to the names of their classes."""

    classes_: Any

    def predict(self, X: Any) -> NDArray[Any]:
        """The class of each image."""


class _Samples(NamedTuple):
    latents: torch.Tensor
    labels: torch.Tensor | None
    images: NDArray[np.uint8]


@checked
def find_directions(
    gan: GAN,
    by: Sequence[str] | str = (),
    *,
    recognizer: Reader | None = None,
    count: int = LEARNED_FROM,
    judged: int = JUDGED,
    seed: int = 0,
    say: Say = lambda line: None,
) -> Directions:
    """The directions of a GAN's latents that change its images in a known way, each measured.

    by: figures of an image ("thickness", "slant", "brightness", "contrast", "saturation"), "pca" (what varies most
    within a class), "sefa" (what the first layer stretches most) and "value" (an InfoGAN's continuous factors); all
    that there are where none is named. A path that ends in `.csv` is a table with numbers for samples of this seed, as
    `rated` has it. A figure of your own is registered as an "image figure".
    recognizer: a fitted one, not trained on samples of this GAN, which says whether the class stays. count: samples to
    learn from; judged: others, to measure on, by amounts of -2, -1, 1 and 2. InputError for what is no such name, for
    a figure that these images have not or that does not vary, and for a recognizer of other classes.
    """
    named = [by] if isinstance(by, str) else list(by)
    tables = [Path(word) for word in named if word.lower().endswith(SUFFIX)]
    named = [word for word in named if not word.lower().endswith(SUFFIX)]
    asked = [] if tables and not named else _asked(gan, named)
    if count < BATCH or judged < 2:
        raise InputError(
            f"directions are found from at least {BATCH} samples and judged by 2: --count is {count}, --judged {judged}"
        )
    _require_fit(gan, recognizer)
    of_tables = {name: vector for table in tables for name, vector in rated(gan, table, seed=seed).items()}
    say(f"making {count:,} samples …")
    samples = _made(gan, count, seed, "directions")
    figures, means, spread, values = _varying(gan, samples, named)
    say(f"reading {', '.join(figures)} from latents …")
    reads = _reader(gan, samples, values, seed)
    lines = {
        "pca": lambda: principal(gan, *samples),
        "sefa": lambda: sefa(gan),
        "value": lambda: discovered(gan),
    }
    vectors = {
        f"{way}-{number + 1}": vector for way in LINES if way in asked for number, vector in enumerate(lines[way]())
    }
    vectors |= of_tables
    code = gan.config.code.entries
    kin = {name: IMAGE_FIGURES[name].kin for name in figures}
    found = Directions(reads, tuple(figures), vectors, spread=spread, kin=kin, code=code, model=digest_of(gan))
    names = [*(name for name in figures if name in asked), *vectors]
    say(f"measuring {len(names)} directions …")
    judge = _Judge(gan, found, means, spread, _made(gan, judged, seed, "directions, judged"), recognizer)
    found.all = tuple(judge.measured(name) for name in names)
    return found


class _Judge:
    """Measures directions on samples that none was found from."""

    def __init__(
        self,
        gan: GAN,
        found: Directions,
        means: NDArray[np.float64],
        spread: NDArray[np.float64],
        samples: _Samples,
        recognizer: Reader | None,
    ) -> None:
        self.gan, self.found, self.samples, self.recognizer = gan, found, samples, recognizer
        self.means, self.spread = means, spread
        self.before = self._figures(samples.images)
        self.labels = None if recognizer is None else self._true(recognizer)

    def measured(self, name: str) -> Direction:
        """What a direction does to the samples, by all amounts."""
        latents, labels, _ = self.samples
        changes, kept = [], []
        for amount in AMOUNTS:
            threads.look()
            images = _images(self.gan, self.found.moved(latents, labels, {name: amount}), labels)
            changes.append(self._figures(images) - self.before)
            if self.recognizer is not None:
                kept.append(np.mean(np.asarray(self.recognizer.predict(images)).astype(str) == self.labels))
        asked = np.repeat(AMOUNTS, len(latents))
        slopes, correlations = _lines(asked, np.concatenate(changes))
        figures = self.found.figures
        main = figures.index(name) if name in figures else int(np.abs(correlations).argmax())
        kin = IMAGE_FIGURES[figures[main]].kin
        slope_of = {figure: float(slope) for figure, slope in zip(figures, slopes, strict=True)}
        return Direction(
            name=name,
            way="figure" if name in figures else name.partition("-")[0],
            moves=figures[main],
            slope=float(slopes[main]),
            correlation=float(correlations[main]),
            others={name: slope for name, slope in slope_of.items() if name not in (figures[main], *kin)},
            kept=float(np.mean(kept)) if kept else None,
            kin={name: slope_of[name] for name in kin if name in slope_of},
            changes=tuple(float(np.nanmean(change[:, main])) for change in changes),
            kept_by=tuple(map(float, kept)),
        )

    def _figures(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        places = _places(self.samples.labels, len(images))
        return (values_of(self.found.figures, images) - self.means[places]) / self.spread[places]

    def _true(self, recognizer: Reader) -> NDArray[np.str_]:
        if self.samples.labels is None:  # nothing was asked for, so that it is what was read before
            return np.asarray(recognizer.predict(self.samples.images)).astype(str)
        names = np.array(self.gan.config.classes).astype(str)
        return np.asarray(names[self.samples.labels.numpy()])


def _asked(gan: GAN, by: list[str]) -> list[str]:
    known = figures_for(gan.config.channels)
    lines = [way for way in LINES if way != "value" or gan.config.code.values]
    for name in by:
        if name in IMAGE_FIGURES and name not in known:
            kind, these = ("gray", "in color") if gan.config.channels != 1 else ("color", "gray")
            raise InputError(f"--by {name} is a figure of {kind} images, these are {these}: "
                             f"take {', '.join([*known, *lines])}")  # fmt: skip
        if name == "value" and name not in lines:
            raise InputError("--by value is for a GAN that discovers factors (code.values): this one has none")
        if name not in (*known, *lines):
            raise InputError(f"no way '{name}' to find directions: {suggestion(name, [*known, *lines])}")
    return by or [*known, *lines]


def _require_fit(gan: GAN, recognizer: Reader | None) -> None:
    if recognizer is None or not gan.config.classes:
        return
    strange = sorted(set(gan.config.classes) - set(map(str, recognizer.classes_)))
    if strange:
        raise InputError(f"the recognizer does not know the class '{strange[0]}' of the GAN: take one of these classes")


def _made(gan: GAN, count: int, seed: int, stream: str) -> _Samples:
    """Samples, the classes in turn."""
    latents = gan.config.latents(count, seeds.generator(seed, stream))
    classes = len(gan.config.classes)
    labels = torch.arange(count) % classes if classes else None
    return _Samples(latents, labels, _images(gan, latents, labels))


def _images(gan: GAN, latents: torch.Tensor, labels: torch.Tensor | None) -> NDArray[np.uint8]:
    parts = [slice(start, start + CHUNK) for start in range(0, len(latents), CHUNK)]
    return np.concatenate([gan.make(latents[part], None if labels is None else labels[part]) for part in parts])


def _varying(
    gan: GAN, samples: _Samples, named: Sequence[str]
) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The figures that vary; their means and deviations (classes, figures), and all values in these (N, figures)."""
    known = figures_for(gan.config.channels)
    values, places = values_of(known, samples.images), _places(samples.labels, len(samples.images))
    groups = [values[places == label] for label in range(places.max() + 1)]
    with np.errstate(invalid="ignore"):
        means = np.stack([_mean(group) for group in groups])
        spread = np.stack([np.sqrt(_mean((group - _mean(group)) ** 2)) for group in groups])
    varies = (np.nan_to_num(spread) > LEAST_SPREAD).all(0)
    still = next((name for name, moves in zip(known, varies, strict=True) if name in named and not moves), None)
    if still is not None:
        raise InputError(f"the {still} of these images does not vary: leave out --by {still}")
    if not varies.any():
        raise InputError("no figure of these images varies: the generator makes the same image of each class")
    means, spread = means[:, varies], spread[:, varies]
    names = [name for name, moves in zip(known, varies, strict=True) if moves]
    return names, means, spread, (values[:, varies] - means[places]) / spread[places]


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each column those that are there; NaN for none."""
    there = ~np.isnan(values)
    return np.asarray(np.where(there, values, 0).sum(0) / np.where(there.any(0), there.sum(0), np.nan))


def _places(labels: torch.Tensor | None, count: int) -> NDArray[np.int64]:
    return np.zeros(count, np.int64) if labels is None else labels.numpy()


def _reader(gan: GAN, samples: _Samples, values: NDArray[np.float64], seed: int) -> LatentFigures:
    """A small network that learns from the samples what figures a latent will give."""
    whole = torch.from_numpy(~np.isnan(values).any(1))
    latents, targets = samples.latents[whole], torch.from_numpy(values)[whole].float()
    labels = None if samples.labels is None else samples.labels[whole]
    with seeds.initialization(seed, "directions, reader"):
        reads = LatentFigures(gan.config.network.latent, len(gan.config.classes), values.shape[1])
    optimizer = torch.optim.AdamW(reads.parameters(), LEARNING_RATE, weight_decay=DECAY)
    updates = PASSES * len(latents) // BATCH
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, max(1, updates))
    draws = seeds.generator(seed, "directions, order")
    for _ in range(updates):
        some = torch.randint(0, len(latents), (BATCH,), generator=draws)
        read = reads(latents[some], None if labels is None else labels[some])
        error = (read - targets[some]).square().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        schedule.step()
    return reads


def _lines(asked: NDArray[np.float64], changes: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each figure the slope of its changes over what was asked, and their correlation; by images that have it."""
    slopes, correlations = np.zeros(changes.shape[1]), np.zeros(changes.shape[1])
    for at, column in enumerate(changes.T):
        there = ~np.isnan(column)
        x, y = asked[there], column[there]
        if len(x) > 1 and y.std() > 0:
            slopes[at] = np.cov(x, y)[0, 1] / x.var(ddof=1)
            correlations[at] = np.corrcoef(x, y)[0, 1]
    return slopes, correlations
