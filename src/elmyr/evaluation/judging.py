"""The figures of a GAN or of a set of samples, each with its uncertainty and its real-data baseline."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from elmyr.core import seeds
from elmyr.core.calls import checked
from elmyr.core.errors import InputError
from elmyr.engine.saving.places import GAN_KIND
from elmyr.engine.saving.run_directory import RunDirectory, open_run
from elmyr.evaluation.copies import look_for_copies
from elmyr.evaluation.downstream import Lesson, check_useful, recognized
from elmyr.evaluation.evaluated import Evaluation, Figure
from elmyr.evaluation.extractors import (
    AUTO,
    EXTRACTORS,
    WIDTH,
    Extraction,
    FeatureExtractor,
    extractor_for,
    refuse_unlabeled,
)
from elmyr.evaluation.feature_map import map_of
from elmyr.evaluation.figure_specs import FIGURES
from elmyr.evaluation.figures import Evidence, averaged, class_rows, take_figures
from elmyr.evaluation.keeping import keep
from elmyr.evaluation.paired_samples import (
    LARGEST_COUNT,
    SplitPart,
    check_count,
    check_part,
    common_count,
    comparable,
    first_of,
    first_places,
    never_seen,
    parts,
    sample_beside,
    tell_missing,
)
from elmyr.evaluation.reference import embed, reference_of
from elmyr.evaluation.stages import Stages
from elmyr.evaluation.subjects import Subject, images_of, is_run, name_of
from elmyr.images import AS_IT_IS, Data, ImageSet, Shaping, Splits, open_source, source_of, split_source
from elmyr.metrics import Estimate, realism
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.gan.plan import config_of

STAGES = 3  # copies, extractor, figures; a run is sampled from before, and `use` trains recognizers after
EXTREMES = 16  # samples shown of the best and of the worst by realism
SPREAD = "95 % over the images of both sides"


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
    The extractor is one of the table, such as `domain`, `pixels` or `random`, made of the training part. `say` hears
    of each stage; progress inside of them is shown unless `quiet`.
    """
    stages = Stages(STAGES + (is_run(subject) or isinstance(subject, GAN)) + use, say, quiet=quiet)
    judging = Judging(Extraction(extractor, extractor_seed, extractor_width, device, precision), use, stages)
    judging.check(against)
    if is_run(subject):
        if seed is not None or shaping != AS_IT_IS:
            raise InputError("a run brings its data and its split with it: leave out --seed and the like")
        moved = None if data is None else source_of(data)
        return _evaluate_run(open_run(subject, GAN_KIND), against, moved, data_root, judging)
    name = name_of(subject)
    samples = None if isinstance(subject, GAN) else images_of(subject, data_root)
    if data is None:
        raise InputError(f"'{name}' is not a run: say what to judge its images against with --data")
    splits = split_source(open_source(data, data_root, shaping, choose_size=True), seed or 0, shaping)
    if samples is None:
        return _judge_gan(subject, splits, against, name, judging)[0]
    return judge([samples], splits, against, subject=name, judging=judging)


@dataclass(frozen=True)
class Judging:
    """How images are judged: the feature extractor, and whether recognizers are trained on them."""

    extraction: Extraction = field(default_factory=Extraction)
    use: bool = False
    stages: Stages = field(default_factory=Stages)

    def check(self, against: SplitPart) -> None:
        """InputError, before any work, for what cannot be done."""
        check_part(against)
        if self.use and against == "train":
            raise InputError("--use asks about images that no recognizer has learned from: leave out --against train")

    def extractor_of(self, training: ImageSet) -> FeatureExtractor:
        """The feature extractor, made of the training part."""
        self.stages.begin("feature extractor")
        return extractor_for(training, self.extraction, self.stages)

    def taken(
        self,
        extractor: FeatureExtractor,
        reference: ImageSet,
        others: Sequence[ImageSet],
        *,
        gan: GAN | None = None,
        lessons: Sequence[Lesson] = (),
    ) -> tuple[list[Evidence], list[dict[str, Estimate]]]:
        """What is known of each of some image sets beside the real ones, and its figures.

        gan: whose discriminator is asked. lessons: of the first of the sets, what recognizers learn from and read.
        """
        answers = recognized(lessons, reference, self.extraction, self.stages)
        self.stages.begin(f"comparing {len(reference):,} images of each, extractor '{extractor.name}'")
        real = reference_of(extractor, reference, self.stages.say)
        of_real = None if gan is None else gan.discriminate(reference)
        known, figures = list[Evidence](), list[dict[str, Estimate]]()
        with self.stages.progress("figures", total=len(others), unit="sets of images") as listener:
            for place, images in enumerate(others):
                listener.advance(place)
                logits = None if gan is None or of_real is None else (of_real, gan.discriminate(images))
                known.append(Evidence(real, embed(extractor, images), logits, next(iter(answers[place:]), None)))
                figures.append(take_figures(known[-1]))
        return known, figures

    def told(self, extractor: FeatureExtractor, images: ImageSet) -> dict[str, Any]:
        """What is said of the extractor beside the figures, and of the size of the images that it was given."""
        about = {
            "name": extractor.name,
            "dimension": extractor.dimension,
            "sha256": extractor.sha256,
            "input": "x".join(map(str, images.images.shape[1:])),
            "resize": extractor.resize,
        }
        weights = {"seed": self.extraction.seed, "width": self.extraction.width}
        return about | (weights if EXTRACTORS[extractor.name].seeded else {})


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
    reference = first_of(parts(splits, against)[0], common_count(splits, against))
    judging.stages.begin(f"sampling {len(seeds.EVALUATED)} times {len(reference):,} images")
    samples = list[ImageSet]()
    with judging.stages.progress("sampling", total=len(seeds.EVALUATED) * len(reference)) as listener:
        for seed in seeds.EVALUATED:
            listener.advance(len(samples) * len(reference))
            samples.append(sample_beside(gan, reference, seed))
    training = sample_beside(gan, splits.train, seeds.LEARNED_FROM_FOR_USE) if judging.use else None
    evaluation = judge(
        samples,
        splits,
        against,
        subject=subject,
        sampling_seeds=seeds.EVALUATED,
        judging=judging,
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
    judging: Judging = Judging(),  # frozen
    gan: GAN | None = None,
    training: ImageSet | None = None,
) -> Evaluation:
    """The figures of generated image sets, one a sampling seed, against a part of the real images.

    gan: its discriminator judges too. training: the generated images that a recognizer learns from where `judging` asks
    for use; else all of the first repeat.
    """
    refuse_unlabeled(splits.train, judging.extraction.name)
    repeats = [comparable(samples, splits.train, subject) for samples in repeats]
    training = training or repeats[0]
    if judging.use:
        check_useful(splits.train, splits.train.name)
        check_useful(training, subject)
    reference, other = parts(splits, against)
    count = min(len(reference), len(other), LARGEST_COUNT, *(len(samples) for samples in repeats))
    check_count(count)
    of_first = first_places(len(repeats[0]), count)
    reference, other, *repeats = (first_of(images, count) for images in (reference, other, *repeats))
    tell_missing(repeats[0], reference, subject, judging.stages.say)

    judging.stages.begin("looking for copies of training images")
    held_out, others = never_seen(splits, against)
    copies = look_for_copies(repeats[0], splits.train, held_out, others, gan=gan)
    pairs = tuple((int(of_first[place]), known) for place, known in copies.pairs)
    extractor = judging.extractor_of(splits.train)
    lessons = [(splits.train, other), (training, repeats[0])] if judging.use else []  # of the first repeat alone
    (_, first, *_), (baseline, *of_repeats) = judging.taken(
        extractor, reference, [other, *repeats], gan=gan, lessons=lessons
    )
    by_realism = of_first[np.argsort(realism(first.real.near, first.features[1]), kind="stable")].tolist()
    return Evaluation(
        subject=subject,
        data=splits.train.name,
        split_seed=splits.seed,
        against=against,
        count=count,
        sampling_seeds=sampling_seeds,
        extractor=judging.told(extractor, reference),
        figures=tuple(
            _figure(name, [figures[name] for figures in of_repeats if name in figures], baseline[name].value)
            for name in of_repeats[0]
            if name in baseline
        ),
        classes=class_rows(first, splits.train.classes),
        best=tuple(by_realism[: -EXTREMES - 1 : -1]),
        worst=tuple(by_realism[:EXTREMES]),
        copies=replace(copies, pairs=pairs),
        map=map_of(first.real.embedding, first.generated),
    )


def _figure(name: str, estimates: Sequence[Estimate], baseline: float) -> Figure:
    spec, (value, low, high) = FIGURES[name], averaged(estimates)
    return Figure(name, spec.title, value, low, high, SPREAD, baseline, spec.better)
