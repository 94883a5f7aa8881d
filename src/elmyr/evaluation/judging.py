"""The figures of a GAN or of a set of samples, each with its uncertainty and its real-data baseline."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from elmyr.core import seeds
from elmyr.core.calls import checked
from elmyr.core.errors import InputError
from elmyr.engine.saving.places import GAN_KIND
from elmyr.engine.saving.run_directory import RunDirectory, open_run
from elmyr.evaluation.conditions import Judging, Sides
from elmyr.evaluation.copies import look_for_copies
from elmyr.evaluation.downstream import check_useful
from elmyr.evaluation.evaluated import Evaluation
from elmyr.evaluation.extractors import AUTO, WIDTH, FeatureExtractor, asked_for, refuse_unlabeled
from elmyr.evaluation.feature_map import map_of
from elmyr.evaluation.figures import class_rows
from elmyr.evaluation.keeping import keep
from elmyr.evaluation.paired_samples import (
    SplitPart,
    comparable,
    never_seen,
    parts,
    sample_beside,
    tell_missing,
)
from elmyr.evaluation.published.by_statistics import judge_by_statistics
from elmyr.evaluation.published.statistics import read_statistics
from elmyr.evaluation.stages import Stages
from elmyr.evaluation.subjects import Subject, images_of, is_run, name_of
from elmyr.images import AS_IT_IS, Data, ImageSet, Shaping, Splits, open_source, source_of, split_source
from elmyr.metrics import realism
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.gan.plan import config_of

STAGES = 3  # extractor, copies, figures; a run is sampled from after the first, and `use` trains recognizers after
EXTREMES = 16  # samples shown of the best and of the worst by realism


@checked
def evaluate(
    subject: Subject,
    *,
    against: SplitPart = "test",
    data: Data | None = None,
    data_root: str | os.PathLike[str] | None = None,
    seed: int | None = None,
    shaping: Shaping = AS_IT_IS,
    use: bool = False,
    extractor: str = AUTO,
    extractor_seed: int = 0,
    extractor_width: int = WIDTH,
    extractor_weights: str | os.PathLike[str] | None = None,
    convention: str | None = None,
    figures: Sequence[str] = (),
    statistics: str | os.PathLike[str] | None = None,
    save_statistics: str | os.PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "auto",
    say: Callable[[str], None] = lambda line: None,
    quiet: bool = False,
) -> Evaluation:
    """Judges a run, a GAN, or samples (as `load_images` takes them), against real images of one part of the split.

    A run brings its data and split with it (`data` says where its images lie by now), and its figures are kept in its
    `evaluation.json`, those by another extractor, seed, width or part beside it, as `evaluation-random.json`; samples
    and a GAN without a run need `data` (and its `shaping`, and `seed`, the split's, 0 where not given). The baseline is
    the other held-out part in the place of the generated images; all figures are on equal counts, a run's with the same
    labels on both sides. `use` adds downstream classification: a recognizer is trained on them and one on real images.
    The extractor is one of the table, such as `domain`, `pixels` or `random`, made of the training part; or a network
    of one's own: `module:attribute`, an `.onnx` file, a folder with an `extractor.toml`. `extractor_weights` is the
    file of its weights, where it takes one. `say` hears of each stage; progress inside is shown unless `quiet`.
    `figures`: further ones to take, such as "vendi_score". `convention`: the package by whose conventions to take them.
    `statistics`: an .npz file with `mu` and `sigma` that stands for the real images, by which there is the Fréchet
    distance alone, of samples also without `data`. `save_statistics`: where to write those of the real images.
    """
    stages = Stages(STAGES + (is_run(subject) or isinstance(subject, GAN)) + use, say, quiet=quiet)
    known = None if statistics is None else read_statistics(Path(statistics))
    extractor = extractor if known is None else known.extractor_for(extractor)
    by, extraction = asked_for(
        convention, extractor, extractor_seed, extractor_width, extractor_weights, device, precision
    )
    kept = None if save_statistics is None else Path(save_statistics)
    judging = Judging(extraction, use, stages, known, kept, by, tuple(figures))
    judging.check(against)
    if is_run(subject):
        if seed is not None or shaping != AS_IT_IS:
            raise InputError("a run brings its data and its split with it: leave out --seed and the like")
        moved = None if data is None else source_of(data)
        return _evaluate_run(open_run(subject, GAN_KIND), against, moved, data_root, judging)
    name = name_of(subject)
    samples = None if isinstance(subject, GAN) else images_of(subject, data_root)
    if data is None and known is not None and samples is not None:
        return judge_by_statistics(samples, known, judging, subject=name)
    if data is None:
        raise InputError(f"'{name}' is not a run: say what to judge its images against with --data")
    splits = split_source(open_source(data, data_root, shaping, choose_size=True), seed or 0, shaping)
    if samples is None:
        return _judge_gan(subject, splits, against, name, judging)[0]
    return judge([samples], splits, against, subject=name, judging=judging)


def _evaluate_run(
    run: RunDirectory,
    against: SplitPart,
    data: str | os.PathLike[str] | None,
    data_root: str | os.PathLike[str] | None,
    judging: Judging,
) -> Evaluation:
    gan = GAN.load(run.path, device=judging.extraction.device, precision=judging.extraction.precision)
    of_run = config_of(run).data
    splits = (of_run if data is None else of_run.at(data, data_root)).reopened(data_root)
    evaluation, samples = _judge_gan(gan, splits, against, str(run.path), judging)
    keep(run, evaluation, samples, splits.train)
    return evaluation


def _judge_gan(
    gan: GAN, splits: Splits, against: SplitPart, subject: str, judging: Judging
) -> tuple[Evaluation, ImageSet]:
    """The evaluation of what a GAN makes, and the first of the sets that it made."""
    if judging.use:
        check_useful(splits.train, splits.train.name)
    reference, sampling_seeds = judging.sampled_beside(splits, against)
    extractor = judging.extractor_of(splits.train, sampled=True)
    judging.stages.begin(f"sampling {len(sampling_seeds)} times {len(reference):,} images")
    samples = list[ImageSet]()
    with judging.stages.progress("sampling", total=len(sampling_seeds) * len(reference)) as listener:
        for seed in sampling_seeds:
            listener.advance(len(samples) * len(reference))
            samples.append(sample_beside(gan, reference, seed))
    training = sample_beside(gan, splits.train, seeds.LEARNED_FROM_FOR_USE) if judging.use else None
    evaluation = judge(
        samples,
        splits,
        against,
        subject=subject,
        sampling_seeds=sampling_seeds,
        judging=judging,
        extractor=extractor,
        gan=gan,
        training=training,
    )
    return evaluation, samples[0]


def judge(
    repeats: list[ImageSet],
    splits: Splits,
    against: SplitPart,
    *,
    subject: str,
    sampling_seeds: tuple[int, ...] = (),
    judging: Judging | None = None,
    extractor: FeatureExtractor | None = None,
    gan: GAN | None = None,
    training: ImageSet | None = None,
) -> Evaluation:
    """The figures of generated image sets, one a sampling seed, against a part of the real images.

    extractor: made already; else as `judging` has it. gan: its discriminator judges too. training: the generated images
    that a recognizer learns from where `judging` asks for use; else all of the first repeat.
    """
    judging = judging or Judging()
    refuse_unlabeled(splits.train, judging.extraction.name)
    repeats = [comparable(samples, splits.train, subject) for samples in repeats]
    training = training or repeats[0]
    if judging.use:
        check_useful(splits.train, splits.train.name)
        check_useful(training, subject)
    drawn = len(repeats[0])
    reference, other, repeats = judging.counted(*parts(splits, against), repeats)
    of_first = judging.places(drawn, len(repeats[0]))
    tell_missing(repeats[0], reference, subject, judging.stages.say)

    extractor = extractor or judging.extractor_of(splits.train, sampled=gan is not None)
    judging.stages.begin("looking for copies of training images")
    held_out, others = never_seen(splits, against)
    copies = look_for_copies(repeats[0], splits.train, held_out, others, gan=gan)
    pairs = tuple((int(of_first[place]), known) for place, known in copies.pairs)
    lessons = [(splits.train, other), (training, repeats[0])] if judging.use else []  # of the first repeat alone
    seen = judging.seen(splits, against)
    taken = judging.taken(extractor, Sides(reference, other, repeats), training=seen, gan=gan, lessons=lessons)
    first = taken.evidence[0]
    by_realism = of_first[np.argsort(realism(first.real.near, first.features[1]), kind="stable")].tolist()
    return Evaluation(
        subject=subject,
        data=splits.train.name,
        split_seed=splits.seed,
        against=against,
        count=len(of_first),
        sampling_seeds=sampling_seeds,
        extractor=judging.told(extractor, reference),
        figures=judging.figures(extractor.name, taken),
        classes=class_rows(first, splits.train.classes) if judging.is_own else (),
        best=tuple(by_realism[: -EXTREMES - 1 : -1]),
        worst=tuple(by_realism[:EXTREMES]),
        copies=replace(copies, pairs=pairs),
        map=map_of(first.real.embedding, first.generated),
        statistics=None if judging.statistics is None else judging.statistics.told(),
        convention=None if judging.convention is None else judging.convention.told(len(reference)),
    )
