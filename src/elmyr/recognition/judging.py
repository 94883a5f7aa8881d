"""How well a recognizer reads: its share of right answers, what it takes for what, and its worst mistakes."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from elmyr.errors import InputError
from elmyr.images import ImageSet, image_grid, load_images, open_source, split_source
from elmyr.metrics import accuracy, calibration_error, wilson_interval
from elmyr.recognition.recognizer import Recognizer
from elmyr.recognition.runs import config_of
from elmyr.training.rundir import open_run

SHOWN = 40
COLUMNS = 10


@dataclass(frozen=True)
class Reading:
    """What a recognizer read in labeled images. confusion: [class][read as], counts of images."""

    count: int
    classes: tuple[str, ...]
    accuracy: float
    interval: tuple[float, float]
    calibration_error: float
    confusion: NDArray[np.int64]
    mistakes: NDArray[np.int64]  # places of the images that were read wrong, the surest first

    @property
    def recalls(self) -> NDArray[np.float64]:
        """The share of each class that was read right; NaN for a class without images."""
        counts = self.confusion.sum(1)
        return np.where(counts > 0, self.confusion.diagonal() / np.maximum(counts, 1), np.nan)

    def as_json(self) -> dict[str, Any]:
        """All of it in JSON values."""
        return {
            "count": self.count,
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "calibration_error": self.calibration_error,
            "classes": list(self.classes),
            "confusion": self.confusion.tolist(),
            "recalls": [None if np.isnan(share) else float(share) for share in self.recalls],
            "mistakes": self.mistakes.tolist(),
        }


def read_through(recognizer: Recognizer, images: ImageSet) -> Reading:
    """Reads labeled images and counts; InputError where a class is none of the recognizer's."""
    names = [str(each) for each in recognizer.classes_]
    unknown = [name for name in images.classes if name not in names]
    if unknown:
        raise InputError(f"the recognizer knows no class '{unknown[0]}' of '{images.name}': leave it out by --classes")
    place_of = np.array([names.index(name) for name in images.classes])
    labels = place_of[images.require_labels()]
    probabilities = recognizer.predict_proba(images.images)
    read, surest = probabilities.argmax(1), probabilities.max(1)
    wrong = np.flatnonzero(read != labels)
    right = accuracy(read, labels)
    return Reading(
        count=len(images),
        classes=tuple(names),
        accuracy=right,
        interval=wilson_interval(len(images) - len(wrong), len(images)),
        calibration_error=calibration_error(probabilities, labels),
        confusion=confusion_matrix(labels, read, labels=np.arange(len(names))).astype(np.int64),
        mistakes=wrong[np.argsort(-surest[wrong], kind="stable")],
    )


def mistakes_grid(reading: Reading, images: ImageSet) -> NDArray[np.uint8] | None:
    """A picture of the surest mistakes, row by row; None where there is none."""
    if not len(reading.mistakes):
        return None
    return image_grid(np.asarray(images.take(reading.mistakes[:SHOWN]).in_memory()), COLUMNS)


def write_readings(recognizer: Recognizer, probabilities: NDArray[np.float64], file: TextIO) -> None:
    """A CSV table of what was read: a line an image, with its number, its class, its probability, and those of all."""
    names = [str(each) for each in recognizer.classes_]
    writer = csv.writer(file)
    writer.writerow(["image", "class", "probability", *names])
    for number, row in enumerate(probabilities):
        writer.writerow([number, names[row.argmax()], f"{row.max():.4f}", *(f"{value:.4f}" for value in row)])


def images_to_read(
    name: str | os.PathLike[str],
    *,
    data: str | os.PathLike[str] | None = None,
    part: str = "test",
    data_root: str | os.PathLike[str] | None = None,
) -> ImageSet:
    """The labeled images that a recognizer's run is judged by: a part of its own split, or all of another source.

    Another source's images are brought into the run's size and channels.
    """
    run = open_run(name)
    config = config_of(run)
    shaping = config.data.shaping.model_copy(update={"labels_per_class": None})
    root = data_root if data_root is not None else config.data.root
    if data is None:
        splits = split_source(open_source(config.data.source, root, shaping), config.data.split_seed, shaping)
        chosen: ImageSet = {"train": splits.train, "validation": splits.validation, "test": splits.test}[part]
        return chosen
    return load_images(data, data_root=root, shaping=shaping)
