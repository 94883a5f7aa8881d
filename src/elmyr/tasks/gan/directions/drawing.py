"""Directions as one picture: a row each, from two units against it to two along it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.images import image_grid, save_png
from elmyr.tasks.gan.directions.collection import AMOUNTS, MEASURED, PICTURE, Direction, Directions
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
    """A table of what each was measured to do, in standard deviations within the class."""
    amounts = "  ".join(f"{amount:+.0f}" for amount in AMOUNTS)
    head = f"{'direction':<11} {'moves':<11} {f'by {amounts}':<27}"
    yield f"{head} {'correlation':<12} {'kin, others a unit':<51} class stays"
    for each in directions.all:
        yield (
            f"{each.name:<11} {each.moves:<11} {_changes(each):<27} {each.correlation:<12.2f} {_beside(each):<51} "
            f"{_kept(each)}"
        )


def _changes(direction: Direction) -> str:
    return "  ".join(f"{change:+.2f}" for change in direction.changes) or f"{direction.slope:+.2f} a unit"


def _beside(direction: Direction) -> str:
    """The figures that move along, kin first, then that of the others which moves most."""
    others = sorted(direction.others.items(), key=lambda other: -abs(other[1]))[:1]
    return ", ".join(f"{name} {slope:+.2f}" for name, slope in [*direction.kin.items(), *others]) or "-"


def _kept(direction: Direction) -> str:
    """The mean share, and the least of any amount."""
    if direction.kept is None:
        return "not asked"
    least = f", {min(direction.kept_by):.1%} at the least" if direction.kept_by else ""
    return f"{direction.kept:.1%}{least}"
