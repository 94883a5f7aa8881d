"""Samples judged by statistics alone, where there are no real images."""

from __future__ import annotations

from elmyr.core.errors import InputError
from elmyr.evaluation.conditions import Judging
from elmyr.evaluation.evaluated import Evaluation
from elmyr.evaluation.extractors import EXTRACTORS
from elmyr.evaluation.paired_samples import check_count
from elmyr.evaluation.published.statistics import Statistics
from elmyr.images import ImageSet


def judge_by_statistics(samples: ImageSet, known: Statistics, judging: Judging, *, subject: str) -> Evaluation:
    """The Fréchet distance of all samples from statistics; without real images there is no baseline to stand beside it.

    Raises InputError for an extractor that would have to learn from real images.
    """
    check_count(len(samples))
    name = judging.extraction.name
    if name in EXTRACTORS and EXTRACTORS[name].learns_labels:
        raise InputError(f"the extractor '{name}' is trained on real images: say with --data where they are")
    extractor = judging.extractor_of(samples)
    judging.stages.begin(f"comparing {len(samples):,} images with the statistics '{known.file}'")
    figures = known.figures(extractor.features(samples))
    return Evaluation(
        subject=subject,
        data="",
        split_seed=0,
        against="",
        count=len(samples),
        sampling_seeds=(),
        extractor=judging.told(extractor, samples),
        figures=tuple(judging.figure(name, extractor.name, [found], None) for name, found in figures.items()),
        classes=(),
        best=(),
        worst=(),
        copies=None,
        map=None,
        statistics=known.told(),
        convention=None if judging.convention is None else judging.convention.told(None),
    )
