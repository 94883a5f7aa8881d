"""What varies the images of a study's cell: one generator for each seed, which its arms share.

It learns from the borrowed set where there is one, else from the large classes of the cell's own labeled images.
"""

from __future__ import annotations

import numpy as np

from elmyr.core import seeds
from elmyr.images import ImageSet
from elmyr.images.storage.lock import alone_in
from elmyr.images.writers.folder import replacing_folder
from elmyr.studies.borrowed.borrowed_set import opened_again
from elmyr.studies.cell_data import FEWEST_GENERATED, CellData
from elmyr.tasks.recognition.learning.drawn_features import large_classes
from elmyr.tasks.variation import Variator, learn_variations


def borrowed_images(ground: CellData) -> ImageSet:
    """The labeled images that a cell borrows from: the borrowed set, or its own images of the large classes."""
    config = ground.config
    if config.borrow is not None:
        return opened_again(config.borrow, config.root)
    labels = ground.labeled.require_labels()
    large = large_classes(np.bincount(labels, minlength=len(ground.labeled.classes)))
    return ground.labeled.take(np.flatnonzero(large[labels]))


def variator_of(ground: CellData) -> Variator:
    """The cell's and seed's, of the budget of a GAN; kept in the study until its end, made by the first that asks."""
    of = "borrowed" if ground.config.borrow is not None else ground.samples.stem
    kept = ground.samples.parent / f"variator-{of}-{ground.seed}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    with alone_in(kept.parent, lambda: None):
        if not kept.is_dir():
            learned = learn_variations(
                borrowed_images(ground),
                budget=ground.config.images,
                seed=ground.seed,
                device=ground.device,
                precision=ground.precision,
            )
            with replacing_folder(kept) as beside:
                learned.save(beside)
    return Variator.load(kept, device=ground.device)


def variations(ground: CellData) -> ImageSet:
    """Of the labeled images, the classes in equal numbers; as many as there are images of the study's GAN."""
    count = max(len(ground.labeled), FEWEST_GENERATED)
    return variator_of(ground).vary(ground.labeled, count, seed=seeds.LEARNED_FROM)


def seconds_of_variator(ground: CellData) -> float:
    """How long the training of the cell's and seed's took, which is done now where it was not yet."""
    return float(variator_of(ground).trained["seconds"])
