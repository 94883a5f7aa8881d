"""Cross-validation in a study: into how many folds the images are dealt, so that small classes are tested on all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from elmyr.core.errors import InputError
from elmyr.images import Shaping, Source, split_source
from elmyr.images.dataset.split import FEWEST, TEST_SHARE
from elmyr.metrics import FEWEST_TESTED
from elmyr.studies.config import FAIR_SEEDS
from elmyr.tasks.recognition import told_of_few

Folds = int | Literal["auto"] | None


def parse_folds(text: str) -> Folds:
    """`auto`, `none` or a number of folds; InputError for what is none of these."""
    if text in ("auto", "none"):
        return "auto" if text == "auto" else None
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) > 1):
        raise InputError(f"--folds is '{text[:40]}': give auto, none, or a number of at least 2, such as {FAIR_SEEDS}")
    return int(text)


def folds_for(source: Source, asked: Folds, shaping: Shaping) -> int | None:
    """The folds of a study: those that are asked for; "auto": 5 where the rarest class would have fewer than ten test
    images in one test part (as many as it has images, where that is fewer), and none where a source has a test part."""
    if asked != "auto":
        return asked
    if shaping.folds is not None or source.test is not None:
        return shaping.folds
    counts = np.bincount(source.train.require_labels(), minlength=len(source.train.classes))
    rarest = int(counts.min())
    if rarest < FEWEST or rarest * TEST_SHARE >= FEWEST_TESTED:
        return None
    return min(FAIR_SEEDS, rarest)


def tell_of_test(source: Source, shaping: Shaping, seeds: Sequence[int], say: Callable[[str], None]) -> None:
    """Says how the images are tested, where by folds, and which classes have fewer than ten test images."""
    folds = shaping.folds
    parts = [split_source(source, seed, shaping) for seed in (seeds if folds is not None else seeds[:1])]
    tested = np.concatenate([part.test_indices for part in parts])
    places = np.unique(tested)
    if folds is not None:
        once = len(places) == len(tested) == len(source.train)
        part = f"{len(places):,} of {len(source.train):,} images are tested, with --seed 0 --seeds {folds} each once"
        how = "each image is tested once" if once else part
        say(f"cross-validation: {folds} folds, one per seed; {how} (--folds none: a quarter of each class per seed)")
    images = source.train if source.test is None else source.test
    counts = np.bincount(images.require_labels()[places], minlength=len(images.classes)).tolist()
    if few := told_of_few(images.classes, counts):
        say(few)
