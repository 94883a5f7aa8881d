"""What an evaluation leaves in its run directory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from elmyr.core.files import write_json
from elmyr.engine.saving.run_directory import RunDirectory, beside_evaluation
from elmyr.evaluation.copies import Copies
from elmyr.evaluation.extractors import WIDTH, auto_extractor, called
from elmyr.images import ImageSet, save_npz

if TYPE_CHECKING:
    from elmyr.evaluation.evaluated import Evaluation


def keep(run: RunDirectory, evaluation: Evaluation, samples: ImageSet, training: ImageSet) -> None:
    """Writes an evaluation beside those under other conditions, which figures do not compare with."""
    extractor, usual = evaluation.extractor, auto_extractor(training)
    other = [re.sub(r"[^A-Za-z0-9_.]+", "-", called(extractor)).strip("-")] if extractor["name"] != usual else []
    other += [
        f"{name}{extractor[name]}"
        for name, value in (("seed", 0), ("width", WIDTH))
        if extractor.get(name, value) != value
    ]
    other += [evaluation.against] if evaluation.against != "test" else []
    other += [evaluation.convention["name"]] if evaluation.convention else []
    other += ["statistics"] if evaluation.statistics else []
    path = run.evaluation.with_stem("-".join(["evaluation", *other]))
    write_json(path, evaluation.as_json())
    for name, places in (("best", evaluation.best), ("worst", evaluation.worst)):
        save_npz(samples.take(places), beside_evaluation(path, name))
    if evaluation.copies is not None:
        save_npz(_pairs(samples, training, evaluation.copies), beside_evaluation(path, "pairs"))


def _pairs(generated: ImageSet, training: ImageSet, copies: Copies) -> ImageSet:
    """The most suspicious pairs, each generated image followed by the training image that is nearest to it."""
    places, known = np.array(copies.pairs, np.int64).T
    sides = generated.take(places).in_memory(), training.take(known).in_memory()
    return ImageSet(np.stack(sides, axis=1).reshape(-1, *sides[0].shape[1:]), None)
