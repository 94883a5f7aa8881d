"""The recognizers of a study while it works: a folder each, until the best is known."""

from __future__ import annotations

import shutil
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch

from elmyr.images import ImageSet, Shaping
from elmyr.studies.cell_data import CellData
from elmyr.studies.work.ledger import Place, file_name
from elmyr.tasks.recognition import Recognizer

KEPT = "recognizers"


def place_of(study: Path, place: Place) -> Path:
    """Where a training's recognizer is kept."""
    return study / KEPT / file_name(place)


def keep(recognizer: Recognizer, place: Place, ground: CellData) -> None:
    """Writes a recognizer down as people use it: its classes by name, and images of any form prepared for it."""
    for_people(recognizer, ground.labeled, ground.config.shaping).save(place_of(ground.study, place))


def for_people(recognizer: Recognizer, real: ImageSet, form: Shaping) -> Recognizer:
    """A copy whose labels are the names of the classes, sorted as a recognizer has them, with the images' preparation.

    It reads what it read: only the outputs change their order. real: the labeled images that there are. Where it was
    shown more, repeated or generated ones among them, or generated ones alone, its `class_counts_` are those of these.
    """
    named = np.array(real.classes)[recognizer.classes_]
    order = np.argsort(named)
    copy: Recognizer = deepcopy(recognizer)
    shown = recognizer.class_counts_
    alone = recognizer.generated_share == 1
    if alone or shown.sum() > len(real):
        shown = np.bincount(real.require_labels(), minlength=len(real.classes))[recognizer.classes_]
    copy.classes_, copy.class_counts_ = named[order], shown[order]
    copy.preparation_ = form.preparation(recognizer.image_shape_)
    last = copy.net_.logits
    with torch.no_grad():
        for each in (last.weight, last.bias):
            each.copy_(each[torch.from_numpy(order).to(each.device)])
    return copy


def remove_others(study: Path) -> None:
    """Removes all recognizers but the one that was handed over."""
    shutil.rmtree(study / KEPT, ignore_errors=True)
