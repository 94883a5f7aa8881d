"""The labels of a source that are doubted, for people to look at: which images they are of, a table, a picture."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.engine.saving.places import GAN_KIND
from elmyr.engine.saving.run_directory import open_run
from elmyr.images import (
    AS_IT_IS,
    Data,
    ImageSet,
    Shaping,
    captioned_grid,
    drawable_names,
    image_names,
    lasting_name,
    open_source,
    source_of,
    split_source,
)
from elmyr.tasks.gan.plan import config_of
from elmyr.tasks.recognition.label_errors.estimate import Doubts

SHOWN, COLUMNS = 60, 8


@dataclass(frozen=True)
class Labels:
    """Images whose labels are to be doubted; what each is called; the true labels where the wrong ones were made."""

    images: ImageSet
    names: list[str]
    truth: NDArray[np.int64] | None = None

    def found(self, doubts: Doubts, suspects: NDArray[np.int64]) -> tuple[float, float] | None:
        """Which share of the suspects is wrong, and which share of the wrong labels is suspected, where it is known."""
        if self.truth is None:
            return None
        wrong = doubts.given != self.truth
        hits = wrong[suspects].sum()
        return float(hits / max(len(suspects), 1)), float(hits / max(wrong.sum(), 1))


def labels_to_doubt(
    data: Data,
    *,
    gan: str | os.PathLike[str] | None = None,
    seed: int = 0,
    data_root: str | os.PathLike[str] | None = None,
    shaping: Shaping = AS_IT_IS,
) -> Labels:
    """All images of a source but its own test split; where `shaping` makes trouble, the training part that it makes.

    Raises InputError for a GAN that has learned other labels of the same source: it may know the true ones.
    """
    data = source_of(data, shaping=shaping)
    source = open_source(data, data_root, shaping, choose_size=True)
    shaping = source.shaping
    if gan is not None:
        _refuse_other_labels(gan, data, seed, shaping)
    if not shaping.for_training():
        return Labels(source.train, image_names(data, data_root, shaping))
    images = split_source(source, seed, shaping).train
    truth = None
    if shaping.label_noise and shaping.labels_per_class is None:  # which keep their label depends on what it is
        without = shaping.model_copy(update={"label_noise": 0.0})
        truth = split_source(source, seed, without).train.require_labels()
    return Labels(images, [str(number) for number in range(len(images))], truth)


def _refuse_other_labels(
    gan: str | os.PathLike[str], data: str | os.PathLike[str], seed: int, shaping: Shaping
) -> None:
    theirs = config_of(open_run(gan, GAN_KIND)).data
    if theirs.source != lasting_name(data):
        return
    if theirs.shaping != shaping or (shaping.for_training() and theirs.split_seed != seed):
        asked = " ".join(theirs.shaping.as_words()) or "neither --label-noise nor the like"
        raise InputError(f"'{gan}' has learned other labels of '{data}': give {asked}, --seed {theirs.split_seed}")


def write_suspects(labels: Labels, doubts: Doubts, suspects: NDArray[np.int64], file: TextIO) -> None:
    """A CSV table, the most doubtful first: the image, its label, the proposed one, and how likely it is wrong."""
    classes, writer = labels.images.classes, csv.writer(file, lineterminator="\n")
    writer.writerow(["image", "given", "proposed", "chance"])
    for place in suspects:
        given, proposed = classes[doubts.given[place]], classes[doubts.proposed[place]]
        writer.writerow([labels.names[place], given, proposed, f"{doubts.chance[place]:.4f}"])


def suspects_picture(
    labels: Labels, doubts: Doubts, suspects: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], list[str]] | None:
    """The most doubtful images, given and proposed label under each; None where there is none.

    Beside it lines that explain the classes which are named by number, as no font here has their glyphs.
    """
    if not len(suspects):
        return None
    shown, (names, legend) = suspects[:SHOWN], drawable_names(labels.images.classes)
    captions = [
        f"label {names[doubts.given[place]]}\nproposed {names[doubts.proposed[place]]}\n"
        f"wrong with {doubts.chance[place]:.0%}"
        for place in shown
    ]
    return captioned_grid(labels.images.take(shown).in_memory(), captions, COLUMNS), legend
