"""The images that a recognizer is judged by, its worst mistakes as a picture, and a table of what it read."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from elmyr.images import ImageSet, captioned_grid, drawable_names, open_source
from elmyr.recognition.runs import config_of, splits_of
from elmyr.recognition.scores import Reading
from elmyr.recognition.trained import KIND, open_trained
from elmyr.runs import Run, finished_model
from elmyr.training.rundir import RunDirectory, open_run

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


def images_to_read(
    name: Run,
    *,
    data: str | os.PathLike[str] | None = None,
    part: str = "test",
    data_root: str | os.PathLike[str] | None = None,
) -> ImageSet:
    """The labeled images that a recognizer's run is judged by: a part of its own split, or those of another source.

    Of a source with test images of its own it is these, else all. They are brought into the form that the recognizer
    takes, as for a prediction. With `data` the recognizer may also be of a folder that `Recognizer.save` wrote.
    """
    if data is None:
        return splits_of(config_of(open_run(name, KIND)), data_root).part(part)
    folder = finished_model(name, KIND)
    run = RunDirectory(folder.parent)
    if data_root is None and run.config.is_file() and run.kind == KIND:
        data_root = config_of(run).data.root
    other = open_source(data, data_root, open_trained(folder).preparation)
    return other.train if other.test is None else other.test
