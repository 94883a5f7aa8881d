"""Edited images as people see them: a picture with a row for each, and lines that say how near the GAN came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from elmyr.images import ImageSet, captioned_grid, check_writable, drawable_names, save_images, save_png
from elmyr.tasks.gan.editing.latents import Latents
from elmyr.tasks.gan.model import GAN

MOST_ROWS = 40
PICTURE = ".png"


class Reader(Protocol):
    """A recognizer: images uint8 (N, H, W, C) to the names of their classes."""

    def predict(self, X: Any) -> NDArray[Any]:
        """The class of each image."""


@dataclass(frozen=True)
class Edits:
    """Images uint8 (N, H, W, C), their latents, and what these became: uint8 (N, E, H, W, C).

    what: for each of the E what was done, such as "slant -1"; labels: the class that each of the E was made as, None
    where it is that of the image. read: what a recognizer reads the nearest images as, str (N,), and the edited ones,
    str (N, E); None without one.
    """

    images: NDArray[np.uint8]
    latents: Latents
    edited: NDArray[np.uint8]
    what: tuple[str, ...]
    labels: tuple[str | None, ...]
    read: tuple[NDArray[np.str_], NDArray[np.str_]] | None = None

    @property
    def shown(self) -> list[str | None]:
        """The class that each image shows; None without classes."""
        labels, classes = self.latents.labels, self.latents.gan.config.classes
        return [None] * len(self.images) if labels is None else [classes[label] for label in labels.tolist()]

    @property
    def kept(self) -> tuple[float, float] | None:
        """The shares of the nearest, and of the edited images that are read as the class they were made as."""
        if self.read is None or self.latents.labels is None:
            return None
        near, edited = self.read
        meant = np.array([[label or own for label in self.labels] for own in self.shown])
        return float(np.mean(near == np.array(self.shown))), float(np.mean(edited == meant))

    def picture(self, files: Sequence[str]) -> tuple[NDArray[np.uint8], list[str]]:
        """uint8 (H', W', 3) of at most 40 rows: image, the nearest that the GAN makes, edited; and a legend."""
        names, legend = drawable_names(self.latents.gan.config.classes)
        drawn = dict(zip(self.latents.gan.config.classes, names, strict=True))
        cells, captions = [], []
        for row, (file, own) in enumerate(zip(files[:MOST_ROWS], self.shown, strict=False)):
            cells += [self.images[row], self.latents.images[row], *self.edited[row]]
            captions += [
                file.replace("\\", "/").rpartition("/")[2],
                "nearest" + ("" if own is None else f", {drawn[own]}"),
            ]
            captions += [self._caption(row, column, drawn) for column in range(len(self.what))]
        return captioned_grid(np.stack(cells), captions, 2 + len(self.what)), legend

    def _caption(self, row: int, column: int, drawn: dict[str, str]) -> str:
        label = self.labels[column]
        done = self.what[column].replace(f"as {label}", f"as {drawn[label]}") if label else self.what[column]
        if self.read is None:
            return done
        read = str(self.read[1][row, column])
        return f"{done}\nread as {drawn.get(read, read)}"

    def lines(self) -> Iterator[str]:
        """What people are told of the images together."""
        errors = self.latents.errors
        yield (
            f"{len(errors):,} images: the nearest that the GAN makes are off by a mean squared error of "
            f"{errors.mean():.4f} (pixels from 0 to 1; the worst {errors.max():.4f})"
        )
        if self.kept is not None:
            near, edited = self.kept
            yield f"read as their class: {near:.1%} of the nearest, {edited:.1%} of the edited images"

    def as_json(self, files: Sequence[str]) -> list[dict[str, Any]]:
        """An entry for each image, by its file."""
        entries = self.latents.as_json(files)
        if self.read is not None:
            near, edited = self.read
            for row, entry in enumerate(entries):
                entry["nearest_read_as"] = str(near[row])
                entry["edited_read_as"] = dict(zip(self.what, map(str, edited[row]), strict=True))
        return entries


def edits_of(
    images: NDArray[np.uint8],
    latents: Latents,
    *,
    move: dict[str, float] | None = None,
    label: int | str | None = None,
    recognizer: Reader | None = None,
) -> Edits:
    """Images edited by way of their latents; `label` as `Latents.edited` takes it, or "all" for every class.

    InputError for directions and classes that the GAN has not.
    """
    classes = latents.gan.config.classes
    moved = ", ".join(f"{name} {amount:+g}" for name, amount in (move or {}).items())
    if label == "all" and "all" not in classes:
        edited, labels = latents.every_class(move=move), tuple[str | None, ...](classes)
    else:
        edited = latents.edited(move=move, label=label)[:, None]
        labels = (None if label is None else classes[latents.gan.class_number(label)],)
    what = tuple(", ".join(filter(None, (moved, f"as {name}" if name else ""))) or "nearest" for name in labels)
    read = None
    if recognizer is not None:
        flat = edited.reshape(-1, *edited.shape[2:])
        both = np.asarray(recognizer.predict(np.concatenate([latents.images, flat]))).astype(str)
        read = both[: len(images)], both[len(images) :].reshape(edited.shape[:2])
    return Edits(images, latents, edited, what, labels, read)


def classes_shown(
    gan: GAN, images: NDArray[np.uint8], labeled: Sequence[str] | None, recognizer: Reader | None
) -> list[str] | None:
    """What images show: as they are labeled, else as a recognizer reads them; None where all classes must be tried."""
    known = set(gan.config.classes)
    if labeled is not None and known.issuperset(labeled):
        return list(labeled)
    if recognizer is None or not known:
        return None
    read = np.asarray(recognizer.predict(images)).astype(str).tolist()
    return read if known.issuperset(read) else None


def check_edits(out: Path) -> None:
    """InputError, before work starts, where neither a picture nor images could be written."""
    check_writable(out)


def save_edits(edits: Edits, files: Sequence[str], out: Path) -> list[str]:
    """Writes a `.png` as the picture with all steps, anything else as the edited images alone; the picture's legend."""
    if out.suffix.lower() == PICTURE:
        picture, legend = edits.picture(files)
        save_png(picture, out)
        return legend
    classes = edits.latents.gan.config.classes
    flat = edits.edited.reshape(-1, *edits.edited.shape[2:])
    meant = [label or own for own in edits.shown for label in edits.labels]
    labels = np.array([classes.index(str(name)) for name in meant], np.int64) if classes else None
    save_images(ImageSet(flat, labels, classes, name="edited"), out)
    return []
