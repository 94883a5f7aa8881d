"""The figures of a GAN or of a set of samples, each with its uncertainty and its real-data baseline."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from elmyr import seeds
from elmyr.calls import checked
from elmyr.errors import InputError
from elmyr.evaluation.copies import Copies, look_for_copies
from elmyr.evaluation.features import (
    WIDTH,
    FeatureExtractor,
    auto_extractor,
    check_extractor,
    extractor_for,
    refuse_unlabeled,
)
from elmyr.evaluation.figures import ClassRow, averaged, class_rows, take_figures
from elmyr.evaluation.plane import FeatureMap, map_of
from elmyr.evaluation.reference import Look, Reference, look, reference_of
from elmyr.evaluation.sides import (
    LARGEST_COUNT,
    Part,
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
from elmyr.evaluation.stages import Stages
from elmyr.evaluation.subjects import Subject, images_of, is_run, name_of
from elmyr.evaluation.titles import TITLES, Better, named
from elmyr.evaluation.use import check_useful, use_figures
from elmyr.files import write_json
from elmyr.gan import GAN
from elmyr.images import AS_IT_IS, Data, ImageSet, Shaping, Splits, open_source, save_npz, source_of, split_source
from elmyr.images.showing import table_html
from elmyr.metrics import Estimate, realism, told_apart
from elmyr.runs import GAN_KIND
from elmyr.training.plan import config_of, opened_again
from elmyr.training.rundir import RunDirectory, beside_evaluation, open_run

STAGES = 3  # copies, extractor, figures; a run is sampled from before, and `use` trains recognizers after
SHOWN_SHORTLY = 3  # figures
EXTREMES = 16  # samples shown of the best and of the worst by realism
SPREAD = "95 % over the images of both sides"


@dataclass(frozen=True)
class Figure:
    """One figure of generated images, and the same figure of real ones: the real-data baseline."""

    name: str
    title: str
    value: float
    low: float
    high: float
    spread: str
    yardstick: float
    better: Better


@dataclass(frozen=True, repr=False)
class Evaluation:
    """The figures of one subject under one set of conditions.

    best, worst: the places, in the first set of samples, of the images that look most and least real to the extractor;
    copies: whether they are copies of training images; map: where they lie among real ones, None for a single feature.
    """

    subject: str
    data: str
    split_seed: int
    against: str
    count: int
    sampling_seeds: tuple[int, ...]
    extractor: dict[str, Any]
    figures: tuple[Figure, ...]
    classes: tuple[ClassRow, ...]
    best: tuple[int, ...]
    worst: tuple[int, ...]
    copies: Copies
    map: FeatureMap | None

    def __repr__(self) -> str:
        told = ", ".join(f"{figure.title} {figure.value:.4g}" for figure in self.figures[:SHOWN_SHORTLY])
        return f"Evaluation('{self.subject}' beside '{self.data}': {told} …)"

    def _repr_html_(self) -> str:
        """A notebook's view: a table of the figures, with those of real images."""
        rows = [("", "value", "95 % interval", "real-data baseline")]
        for figure in self.figures:
            numbers = f"{figure.value:.4g}", f"{figure.low:.4g} to {figure.high:.4g}", f"{figure.yardstick:.4g}"
            rows.append((figure.title, *numbers))
        return table_html(rows)

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return asdict(self)

    def __getitem__(self, name: str) -> Figure:
        """A figure by its name, such as "frechet_distance", or its title; KeyError where it was not taken."""
        return named(self.figures, name)

    def keys(self) -> tuple[str, ...]:
        """The names of the figures, so that `dict(evaluation)` has them all."""
        return tuple(figure.name for figure in self.figures)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())


@checked
def evaluate(
    subject: Subject,
    *,
    against: Part = "test",
    data: Data | None = None,
    data_root: str | os.PathLike[str] | None = None,
    seed: int | None = None,
    shaping: Shaping = AS_IT_IS,
    use: bool = False,
    extractor: str = "auto",
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
    The extractor is `domain`, `random` or `pixels`, as `extractor_for` makes it of the training part. `say` hears of
    each stage; progress inside of them is shown unless `quiet`.
    """
    stages = Stages(STAGES + (is_run(subject) or isinstance(subject, GAN)) + use, say, quiet=quiet)
    judging = Judging(extractor, extractor_seed, extractor_width, use, device, precision, say, quiet, stages)
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
    """How images are judged: the feature extractor, whether recognizers are trained on them, where that is computed."""

    extractor: str = "auto"
    extractor_seed: int = 0
    extractor_width: int = WIDTH
    use: bool = False
    device: str = "auto"
    precision: str = "auto"
    say: Callable[[str], None] = lambda line: None
    quiet: bool = True
    stages: Stages = field(default_factory=Stages)

    def check(self, against: Part) -> None:
        """InputError, before any work, for what cannot be done."""
        check_part(against)
        check_extractor(self.extractor, self.extractor_width)
        if self.use and against == "train":
            raise InputError("--use asks about images that no recognizer has learned from: leave out --against train")

    def extractor_of(self, training: ImageSet) -> FeatureExtractor:
        """The feature extractor, made of the training part."""
        self.stages.begin("feature extractor")
        return extractor_for(
            training,
            self.extractor,
            seed=self.extractor_seed,
            width=self.extractor_width,
            device=self.device,
            precision=self.precision,
            say=self.say,
            quiet=self.quiet,
        )

    def taken(
        self, extractor: FeatureExtractor, reference: ImageSet, others: Sequence[ImageSet]
    ) -> tuple[Reference, list[Look], list[dict[str, Estimate]]]:
        """What the extractor sees in the real images and in the others, and the figures of these."""
        real = reference_of(extractor, reference, self.say)
        looks, figures = list[Look](), list[dict[str, Estimate]]()
        with self.stages.progress("figures", total=len(others), unit="sets of images") as listener:
            for place, images in enumerate(others):
                listener.advance(place)
                looks.append(look(extractor, images))
                figures.append(take_figures(real, looks[-1]))
        return real, looks, figures

    def told(self, extractor: FeatureExtractor, images: ImageSet) -> dict[str, Any]:
        """What is said of the extractor beside the figures, and of the size of the images that it was given."""
        about = {
            "name": extractor.name,
            "dimension": extractor.dimension,
            "sha256": extractor.sha256,
            "input": "x".join(map(str, images.images.shape[1:])),
            "resize": extractor.resize,
        }
        if extractor.name == "pixels":
            return about
        return about | {"seed": self.extractor_seed, "width": self.extractor_width}


def _evaluate_run(
    run: RunDirectory,
    against: Part,
    data: str | os.PathLike[str] | None,
    data_root: str | os.PathLike[str] | None,
    judging: Judging,
) -> Evaluation:
    gan = GAN.load(run.path, device=judging.device, precision=judging.precision)
    of_run = config_of(run).data
    splits = opened_again(of_run if data is None else of_run.at(data, data_root), data_root)
    evaluation, samples = _judge_gan(gan, splits, against, str(run.path), judging)
    _keep(run, evaluation, samples, splits.train)
    return evaluation


def _judge_gan(gan: GAN, splits: Splits, against: Part, subject: str, judging: Judging) -> tuple[Evaluation, ImageSet]:
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


def _keep(run: RunDirectory, evaluation: Evaluation, samples: ImageSet, training: ImageSet) -> None:
    """Writes an evaluation beside those under other conditions, which figures do not compare with."""
    extractor, usual = evaluation.extractor, auto_extractor(training)
    other = [extractor["name"]] if extractor["name"] != usual else []
    other += [
        f"{name}{extractor[name]}"
        for name, value in (("seed", 0), ("width", WIDTH))
        if extractor.get(name, value) != value
    ]
    other += [evaluation.against] if evaluation.against != "test" else []
    path = run.evaluation.with_stem("-".join(["evaluation", *other]))
    write_json(path, evaluation.as_json())
    for name, places in (("best", evaluation.best), ("worst", evaluation.worst)):
        save_npz(samples.take(places), beside_evaluation(path, name))
    save_npz(_pairs(samples, training, evaluation.copies), beside_evaluation(path, "pairs"))


def _pairs(generated: ImageSet, training: ImageSet, copies: Copies) -> ImageSet:
    """The most suspicious pairs, each generated image followed by the training image that is nearest to it."""
    places, known = np.array(copies.pairs, np.int64).T
    sides = generated.take(places).in_memory(), training.take(known).in_memory()
    return ImageSet(np.stack(sides, axis=1).reshape(-1, *sides[0].shape[1:]), None)


def judge(
    repeats: list[ImageSet],
    splits: Splits,
    against: Part,
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
    refuse_unlabeled(splits.train, judging.extractor)
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
    tell_missing(repeats[0], reference, subject, judging.say)

    judging.stages.begin("looking for copies of training images")
    held_out, others = never_seen(splits, against)
    copies = look_for_copies(repeats[0], splits.train, held_out, others, gan=gan)
    pairs = tuple((int(of_first[place]), known) for place, known in copies.pairs)
    extractor = judging.extractor_of(splits.train)
    judging.stages.begin(f"comparing {count:,} generated with {count:,} real images, extractor '{extractor.name}'")
    real, looks, taken = judging.taken(extractor, reference, [other, *repeats])
    if gan is not None:
        of_real = gan.discriminate(reference)
        for figures, images in zip(taken, (other, *repeats), strict=True):
            figures["told_apart"] = told_apart(of_real, gan.discriminate(images))
    if judging.use:
        lessons = [(splits.train, other), (training, repeats[0])]
        device, precision, stages = judging.device, judging.precision, judging.stages
        useful = use_figures(lessons, real=reference, device=device, precision=precision, stages=stages)
        for figures, more in zip(taken, useful, strict=False):  # of the first repeat alone
            figures |= more
    yardstick, *of_repeats = taken
    by_realism = of_first[np.argsort(realism(real.near, looks[1].features), kind="stable")].tolist()
    return Evaluation(
        subject=subject,
        data=splits.train.name,
        split_seed=splits.seed,
        against=against,
        count=count,
        sampling_seeds=sampling_seeds,
        extractor=judging.told(extractor, reference),
        figures=tuple(
            _figure(name, [figures[name] for figures in of_repeats if name in figures], yardstick[name])
            for name in TITLES
            if name in of_repeats[0] and name in yardstick
        ),
        classes=class_rows(real, looks[1], splits.train.classes),
        best=tuple(by_realism[: -EXTREMES - 1 : -1]),
        worst=tuple(by_realism[:EXTREMES]),
        copies=replace(copies, pairs=pairs),
        map=map_of(real.look, looks[1]),
    )


def _figure(name: str, estimates: Sequence[Estimate], yardstick: Estimate) -> Figure:
    title, better = TITLES[name]
    value, low, high = averaged(estimates)
    return Figure(name, title, value, low, high, SPREAD, yardstick.value, better)
