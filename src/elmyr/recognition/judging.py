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
from elmyr.images import ImageSet, Shaping, captioned_grid, drawable_names, open_source
from elmyr.metrics import accuracy, calibration_error, wilson_interval
from elmyr.recognition.recognizer import Recognizer
from elmyr.recognition.runs import KIND, config_of, splits_of
from elmyr.training.rundir import open_run

SHOWN = 40
COLUMNS = 8


@dataclass(frozen=True)
class Reading:
    """What a recognizer read in labeled images. confusion: [class][read as], counts of images.

    labels, predicted int64 (N,): places in `classes`; probability float64 (N,): of the prediction.
    """

    count: int
    classes: tuple[str, ...]
    accuracy: float
    interval: tuple[float, float]
    calibration_error: float
    confusion: NDArray[np.int64]
    mistakes: NDArray[np.int64]  # places of the images that were read wrong, the surest first
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probability: NDArray[np.float64]

    @property
    def recalls(self) -> NDArray[np.float64]:
        """The share of each class that was read right; NaN for a class without images."""
        counts = self.confusion.sum(1)
        return np.where(counts > 0, self.confusion.diagonal() / np.maximum(counts, 1), np.nan)

    def taken_for(self, place: int) -> tuple[str, int] | None:
        """As what the images of a class were most often misread, and how many; None where none was."""
        row = self.confusion[place].copy()
        row[place] = 0
        return (self.classes[row.argmax()], int(row.max())) if row.any() else None

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
        raise InputError(f"the recognizer knows no class '{unknown[0]}' of '{images.name}', only {', '.join(names)}")
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
        labels=labels,
        predicted=read,
        probability=surest,
    )


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
