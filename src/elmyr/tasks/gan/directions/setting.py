"""Samples whose figures have a value that is asked for: moved, measured, and moved again by what is lacking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr.core.errors import InputError, suggestion
from elmyr.tasks.gan.directions.collection import Directions
from elmyr.tasks.gan.directions.figures import values_of
from elmyr.tasks.gan.directions.moving import moved
from elmyr.tasks.gan.model import CHUNK, GAN
from elmyr.tasks.gan.sampling.moves import Changes, changes_of

ROUNDS = 6  # of moving and measuring
FARTHEST = 5.0  # standard deviations within the class


class Setting:
    """What `GAN.sample` takes as `move`, so that figures of the samples come as near to stated values as they can.

    wanted: a value for each figure, in its own unit (thickness in pixels; brightness and contrast from 0 to 1). What
    came of it is kept: of the samples made so far, those that fill up a piece of 250 included. InputError for a
    figure that the run has no direction of.
    """

    def __init__(self, gan: GAN, directions: Directions, wanted: Mapping[str, float]) -> None:
        known = [name for name in directions.figures if name in directions.names]
        for name in wanted:
            if name not in known:
                hint = suggestion(name, known) if known else "elmyr directions RUN finds them"
                raise InputError(f"no direction of the figure '{name}', which could be set: {hint}")
        self.gan, self.directions, self.wanted = gan, directions, dict(wanted)
        self._found: list[NDArray[np.float64]] = []

    def __call__(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """Latents (N, latent) of labels int64 (N,), None without classes, moved to where the figures are."""
        names, spread = list(self.wanted), self._spread(labels, len(latents))
        moves = [self.directions.move_of(name) for name in names]
        target = np.array([self.wanted[name] for name in names])
        amounts = np.zeros((len(latents), len(names)))
        best, nearest = latents, np.full(len(latents), np.inf)
        values = np.full(amounts.shape, np.nan)
        for _ in range(ROUNDS):
            asked = [(move, torch.from_numpy(amounts[:, at])) for at, move in enumerate(moves)]
            there = moved(latents, labels, asked, self.directions.reads, code=self.directions.code)
            now = self._measured(names, there, labels)
            lacks = np.nan_to_num((target - now) / spread)
            off = np.where(np.isnan(now).any(1), np.inf, abs(lacks).max(1))
            better = off < nearest
            best = torch.where(torch.from_numpy(better)[:, None], there, best)
            values[better], nearest[better] = now[better], off[better]
            amounts = np.clip(amounts + lacks, -FARTHEST, FARTHEST)
        self._found.append(values)
        return best

    def _measured(
        self, names: Sequence[str], latents: torch.Tensor, labels: torch.Tensor | None
    ) -> NDArray[np.float64]:
        parts = [slice(start, start + CHUNK) for start in range(0, len(latents), CHUNK)]
        images = [self.gan.make(latents[part], None if labels is None else labels[part]) for part in parts]
        return values_of(names, np.concatenate(images))

    def _spread(self, labels: torch.Tensor | None, count: int) -> NDArray[np.float64]:
        places = np.zeros(count, np.int64) if labels is None else labels.numpy()
        columns = [self.directions.figures.index(name) for name in self.wanted]
        return np.asarray(self.directions.spread[places][:, columns])

    def lines(self) -> Iterator[str]:
        """What came of it, a line a figure."""
        found = np.concatenate(self._found)
        for at, (name, value) in enumerate(self.wanted.items()):
            column = found[:, at][~np.isnan(found[:, at])]
            off = abs(column - value)
            yield (
                f"{name} {value:g} was asked for: {column.mean():.3f} ± {column.std():.3f} came, half of the images "
                f"within {np.median(off):.2g}, nine of ten within {np.quantile(off, 0.9):.2g}"
            )


def changes_for(
    gan: GAN, moves: Mapping[str, float], wanted: Mapping[str, float]
) -> tuple[Changes | None, Setting | None]:
    """What moves samples by amounts of a run's directions, and then until figures have values; the latter alone, too.

    None for what is not asked for. InputError where the run has not these directions.
    """
    moved_by = changes_of(gan, moves) if moves else None
    if not wanted:
        return moved_by, None
    if gan.path is None:
        raise InputError("a checkpoint keeps no directions, by which figures could be set: take the finished run")
    setting = Setting(gan, Directions.load(gan.path, gan=gan), wanted)
    if moved_by is None:
        return setting, setting
    return (lambda latents, labels: setting(moved_by(latents, labels), labels)), setting
