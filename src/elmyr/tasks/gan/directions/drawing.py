"""Directions as one picture: a row each, from two units against it to two along it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.images import image_grid, save_png
from elmyr.tasks.gan.directions.collection import MEASURED, PICTURE, Direction, Directions
from elmyr.tasks.gan.model import GAN

COLUMNS = 9


def draw_directions(gan: GAN, directions: Directions, path: Path, *, seed: int = 0) -> None:
    """Writes a PNG: row by row the directions in their order, of a sample of the classes in turn, amounts -2 to 2."""
    classes, rows = len(gan.config.classes), []
    latents = gan.config.latents(len(directions.names), seeds.generator(seed, "directions, drawn"))
    for number, name in enumerate(directions.names):
        labels = torch.tensor([number % classes]) if classes else None
        ways = [
            directions.moved(latents[number : number + 1], labels, {name: amount})
            for amount in np.linspace(-MEASURED, MEASURED, COLUMNS).tolist()
        ]
        rows.append(gan.make(torch.cat(ways), None if labels is None else labels.repeat(COLUMNS)))
    save_png(image_grid(np.concatenate(rows), COLUMNS), path)


def keep_directions(gan: GAN, directions: Directions, *, seed: int = 0) -> Path:
    """Writes directions and their picture into the run that a GAN was loaded from; the path of the picture."""
    if gan.path is None:
        raise InputError("only a finished run keeps directions: of a GAN in memory, Directions.save writes them")
    draw_directions(gan, directions, gan.path / PICTURE, seed=seed)
    directions.save(gan.path)
    return gan.path / PICTURE


def told_of_directions(directions: Directions) -> Iterator[str]:
    """A table of what each was measured to do, in standard deviations within the class for each unit."""
    yield f"{'direction':<12} {'moves':<24} {'correlation':>11}   {'others, at most':<20} {'class stays':>11}"
    for each in directions.all:
        yield f"{each.name:<12} {_moves(each):<24} {each.correlation:>11.2f}   {_others(each):<20} {_kept(each):>11}"


def _moves(direction: Direction) -> str:
    return f"{direction.moves} {direction.slope:+.2f} sd"


def _others(direction: Direction) -> str:
    if not direction.others:
        return "-"
    name = max(direction.others, key=lambda other: abs(direction.others[other]))
    return f"{name} {direction.others[name]:+.2f} sd"


def _kept(direction: Direction) -> str:
    return "not asked" if direction.kept is None else f"{direction.kept:.1%}"
