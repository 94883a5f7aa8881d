"""The images that a recognizer is judged by, its worst mistakes as a picture, and a table of what it read."""

from __future__ import annotations

import csv
import os
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from elmyr.images import ImageSet, Shaping, captioned_grid, drawable_names, open_source
from elmyr.recognition.recognizer import Recognizer
from elmyr.recognition.runs import KIND, config_of, splits_of
from elmyr.recognition.scores import Reading
from elmyr.training.rundir import open_run

SHOWN = 40
COLUMNS = 8


def mistakes_grid(reading: Reading, images: ImageSet) -> tuple[NDArray[np.uint8], list[str]] | None:
    """A picture of the surest mistakes, label and prediction under each; None where there is none.

    Beside it lines that explain the classes which are named by number, as no font here has their glyphs.
    """
    if not len(reading.mistakes):
        return None
    shown, (names, legend) = reading.mistakes[:SHOWN], drawable_names(reading.classes)
    captions = [
        f"label {names[reading.labels[place]]}\npredicted {names[reading.predicted[place]]}\n"
        f"with {reading.probability[place]:.0%}"
        for place in shown
    ]
    return captioned_grid(images.take(shown).in_memory(), captions, COLUMNS), legend


def write_readings(recognizer: Recognizer, probabilities: NDArray[np.float64], file: TextIO) -> None:
    """A CSV table of what was read: a line an image, with its number, its class, its probability, and those of all."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["image", "class", "probability", *map(str, recognizer.classes_)])
    read = recognizer.classes_[probabilities.argmax(1)]
    for number, (name, row) in enumerate(zip(read, probabilities, strict=True)):
        writer.writerow([number, name, f"{row.max():.4f}", *(f"{value:.4f}" for value in row)])


def images_to_read(
    name: str | os.PathLike[str],
    *,
    data: str | os.PathLike[str] | None = None,
    part: str = "test",
    data_root: str | os.PathLike[str] | None = None,
) -> ImageSet:
    """The labeled images that a recognizer's run is judged by: a part of its own split, or those of another source.

    Of a source with test images of its own it is these, else all. They are brought into the run's size and channels.
    """
    config = config_of(open_run(name, KIND))
    splits = splits_of(config, data_root)
    if data is None:
        return splits.part(part)
    channels = 1 if splits.train.channels == 1 else 3
    root = data_root if data_root is not None else config.data.root
    other = open_source(data, root, Shaping(size=(splits.train.height, splits.train.width), channels=channels))
    return other.train if other.test is None else other.test
