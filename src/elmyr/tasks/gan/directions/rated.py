"""Directions of what people, or a program of theirs, said of samples: a table with a number for each."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.core.notes import note
from elmyr.tasks.gan.model import CHUNK, GAN
from elmyr.tasks.gan.sampling.asked import asked_labels

SUFFIX, PREFIX = ".csv", "rated-"
FILES = ("file", "filename", "image", "name", "path", "number")  # columns that tell which sample a row is of
FEWEST = 20  # rows
FOLDS = 5
HARDLY = 0.2  # correlation of what is foretold and what was said, below which a direction tells little


def rated(gan: GAN, path: Path, *, seed: int) -> dict[str, torch.Tensor]:
    """A unit vector (latent,) for each column of numbers of a CSV file whose rows are samples of the GAN.

    Row by row those of `elmyr sample RUN --seed SEED --out samples.npz` (or a folder), or, where a column `file` or
    `number` has their numbers (as `000012.png`), these. A vector is that of a ridge regression within the classes.
    InputError for a file that is no such table, and for a column that does not vary.
    """
    header, rows = _read(path)
    files = next((at for at, name in enumerate(header) if name.strip().lower() in FILES), None)
    numbers = _numbers(path, rows, files)
    latents, labels = _samples(gan, numbers, seed)
    columns = _columns(path, header, rows, without=files)
    if len(rows) < FEWEST:
        raise InputError(f"'{path}' has {len(rows)} rows, at least {FEWEST} are needed: tell of more samples")
    places = np.zeros(len(rows), np.int64) if labels is None else labels
    found = {}
    for name, values in columns.items():
        if values.std() == 0:
            raise InputError(f"the column '{name}' of '{path}' does not vary: leave it out")
        within = _less_means(values, places)
        foretold = _foretold(latents, within)
        if foretold < HARDLY:
            note(
                f"'{name}' is hardly told by the latents (correlation {foretold:.2f} with rows left out): tell of more"
            )
        vector = torch.from_numpy(_ridge(latents, within))
        found[f"{PREFIX}{name}"] = (vector / vector.norm()).float()
    return found


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise InputError(f"'{path}' cannot be read as a table ({error or 'it is empty'})") from None
    odd = next((number for number, row in enumerate(rows, 2) if len(row) != len(header)), None)
    if odd is not None:
        raise InputError(f"row {odd} of '{path}' has not {len(header)} cells, as the line of names has: mend that row")
    return header, rows


def _numbers(path: Path, rows: Sequence[Sequence[str]], files: int | None) -> NDArray[np.int64]:
    if files is None:
        return np.arange(len(rows))
    stems = [PurePath(row[files].strip()).stem for row in rows]
    strange = next((stem for stem in stems if not stem.isdecimal()), None)
    if strange is not None:
        raise InputError(
            f"'{path}' tells of '{strange}', which is no sample of the GAN: make them by elmyr sample, and keep the "
            "names of the files"
        )
    return np.array([int(stem) for stem in stems])


def _columns(
    path: Path, header: Sequence[str], rows: Sequence[Sequence[str]], without: int | None
) -> Mapping[str, NDArray[np.float64]]:
    found = {}
    for at, name in enumerate(header):
        try:
            values = np.array([float(row[at]) for row in rows])
        except ValueError:
            continue
        if at != without and np.isfinite(values).all():
            found["-".join(name.strip().lower().split()) or f"column-{at + 1}"] = values
    if not found:
        raise InputError(f"'{path}' has no column with a number in every row: give one, under a line of names")
    return found


def _samples(gan: GAN, numbers: NDArray[np.int64], seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64] | None]:
    """The latents and the labels of some samples of a seed, as `GAN.sample` draws them."""
    config, most = gan.config, int(numbers.max(initial=0)) + 1
    pieces = {piece: config.latents(CHUNK, seeds.generator(seed, "samples", piece)) for piece in set(numbers // CHUNK)}
    latents = torch.stack([pieces[number // CHUNK][number % CHUNK] for number in numbers.tolist()])
    asked = asked_labels(config.classes, config.class_counts, most, None)
    return latents.double().numpy(), None if asked is None else asked(0, most)[numbers]


def _less_means(values: NDArray[np.float64], places: NDArray[np.int64]) -> NDArray[np.float64]:
    means = np.bincount(places, values) / np.maximum(np.bincount(places), 1)
    return np.asarray(values - means[places])


def _ridge(latents: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Latents are normal: as much is taken off as if a row more for each entry had said nothing."""
    entries = latents.shape[1]
    return np.asarray(np.linalg.solve(latents.T @ latents + entries * np.eye(entries), latents.T @ values))


def _foretold(latents: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """The correlation of what was said and what a regression on the other rows foretells."""
    folds = np.arange(len(values)) % FOLDS
    said = np.concatenate([values[folds == fold] for fold in range(FOLDS)])
    told = np.concatenate(
        [latents[folds == fold] @ _ridge(latents[folds != fold], values[folds != fold]) for fold in range(FOLDS)]
    )
    return float(np.corrcoef(said, told)[0, 1]) if told.std() > 0 else 0.0
