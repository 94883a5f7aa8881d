"""The images that a recognizer is judged by, its worst mistakes as a picture, and a table of what it read."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.core.files import read_json
from elmyr.core.notes import kept_notes, note
from elmyr.engine.config import DataConfig, validated
from elmyr.engine.saving.places import STUDY_SUMMARY, Run, finished_model, is_study
from elmyr.engine.saving.run_directory import RunDirectory, open_run
from elmyr.images import ImageSet, Splits, captioned_grid, drawable_names, open_source
from elmyr.images.decode.encoded import shown
from elmyr.tasks.recognition.judged_images import mark
from elmyr.tasks.recognition.predicting.trained import KIND, open_trained
from elmyr.tasks.recognition.scores import Reading
from elmyr.tasks.recognition.sources import config_of, split_again, splits_of

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

    Of a source with test images of its own it is these, else all; of the set that it was trained on, its test part.
    Images that it, or a study whose best recognizer it is, was trained on are told. They are brought into the form that
    the recognizer takes, as for a prediction. With `data` the recognizer may also be of a folder that `Recognizer.save`
    wrote.
    """
    if data is None:
        return splits_of(config_of(open_run(name, KIND)), data_root).part(part)
    folder = finished_model(name, KIND)
    of_study = is_study(folder.parent)
    learned_from = _of_study(folder.parent) if of_study else _of_run(folder.parent)
    if data_root is None and learned_from is not None:
        data_root = learned_from.root
    other = open_source(data, data_root, open_trained(folder).preparation)
    images = other.train if other.test is None else other.test
    if learned_from is not None:
        return _not_learned_from(images, learned_from, "study" if of_study else "run", data, data_root)
    if of_study:
        note(
            f"'{shown(os.fspath(data))}' may hold images that the study was trained on: elmyr resume {folder.parent} "
            "writes down which these are"
        )
    return images


def unlabeled_images(
    name: Run, *, data: str | os.PathLike[str] | None = None, data_root: str | os.PathLike[str] | None = None
) -> ImageSet:
    """Images to read whose labels are not asked for: all training images of a recognizer's run, or another source's.

    The latter are brought into the form that the recognizer takes.
    """
    if data is None:
        return splits_of(config_of(open_run(name, KIND)), data_root).train
    return open_source(data, data_root, open_trained(finished_model(name, KIND)).preparation).train


def _of_run(path: Path) -> DataConfig | None:
    """What the run in a directory was trained on; None where there is no run of a recognizer."""
    run = RunDirectory(path)
    return config_of(run).data if run.config.is_file() and run.kind == KIND else None


def _of_study(path: Path) -> DataConfig | None:
    """What the best recognizer of a study was trained on and chosen by; None where an older elmyr did not write it."""
    summary = path / STUDY_SUMMARY
    data = (read_json(summary).get("best") or {}).get("data") if summary.is_file() else None
    return None if data is None else validated(DataConfig, f"'{summary}'", **data)


def _not_learned_from(
    images: ImageSet,
    theirs: DataConfig,
    kind: str,
    data: str | os.PathLike[str],
    data_root: str | os.PathLike[str] | None,
) -> ImageSet:
    """The images to judge by; where `data` is the set that was trained on, its test part. Either is told."""
    where = shown(os.fspath(data))
    same = _split_of(theirs.at(data, data_root), data_root)
    if same is not None and same.train.digest() == theirs.digest:
        note(f"'{where}' is the set that the {kind} was trained on: its {len(same.test):,} test images are taken")
        return same.test
    if (splits := _split_of(theirs, data_root)) is None:
        gone = shown(theirs.source)
        note(f"the images of the {kind} are not at '{gone}' any more: '{where}' may hold some that it was trained on")
        return images
    seen = {mark(image) for part in (splits.train, splits.validation) for image in part.images}
    known = sum(mark(image) in seen for image in images.images)
    if known:
        note(
            f"{known:,} of the {len(images):,} images of '{where}' are images that the {kind} was trained on: the "
            "figures are too good"
        )
    return images


def _split_of(data: DataConfig, data_root: str | os.PathLike[str] | None) -> Splits | None:
    """The split of a run or a study; None where the images are not there, or cannot be split so."""
    with suppress(InputError), kept_notes():
        return split_again(data, data_root)
    return None
