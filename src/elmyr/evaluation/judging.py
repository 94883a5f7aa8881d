"""The figures of a GAN or of a set of samples, each with its uncertainty and its yardstick."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from elmyr.errors import InputError, suggestion
from elmyr.evaluation.features import WIDTH, FeatureExtractor, extractor_for
from elmyr.evaluation.figures import TITLES, Better, averaged, class_rows, look, take_figures
from elmyr.files import write_json
from elmyr.gan import GAN
from elmyr.images import ImageSet, Splits, load_images, open_source, split_source
from elmyr.metrics import Estimate, told_apart
from elmyr.training.plan import config_of, splits_of
from elmyr.training.rundir import RunDirectory, open_run

SAMPLING_SEEDS = (1, 2, 3)  # not 0, which the shown samples have
LARGEST_COUNT = 10_000
FEWEST_FOR_FIGURES = 16
SPREAD = "95 % over the images of both sides"
Part = Literal["test", "validation", "train"]


@dataclass(frozen=True)
class Figure:
    """One figure of generated images, and the same figure of real ones: the yardstick."""

    name: str
    title: str
    value: float
    low: float
    high: float
    spread: str
    yardstick: float
    better: Better


@dataclass(frozen=True)
class Evaluation:
    """The figures of one subject under one set of conditions."""

    subject: str
    against: str
    count: int
    sampling_seeds: tuple[int, ...]
    extractor: dict[str, Any]
    figures: tuple[Figure, ...]
    classes: tuple[dict[str, Any], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return asdict(self)

    def __getitem__(self, name: str) -> Figure:
        """A figure by its name, such as "frechet_distance"."""
        return next(figure for figure in self.figures if figure.name == name)


def evaluate(
    subject: str | os.PathLike[str],
    *,
    against: Part = "test",
    data: str | os.PathLike[str] | None = None,
    data_root: str | os.PathLike[str] | None = None,
    seed: int | None = None,
    extractor: str = "auto",
    extractor_seed: int = 0,
    extractor_width: int = WIDTH,
    device: str = "auto",
    precision: str = "auto",
    say: Callable[[str], None] = lambda line: None,
) -> Evaluation:
    """Judges a run, or samples (an `.npz` or a folder of images), against real images of one part of the split.

    A run brings its data and split with it, and its figures are kept in its `evaluation.json`; samples need `data`
    (and `seed`, the split's, 0 where not given). The yardstick is the other held-out part in the place of the
    generated images; all figures are on equal counts, a run's with the same labels on both sides. The extractor is
    `domain`, `random` or `pixels`, as `extractor_for` makes it of the training part.
    """
    if against not in get_args(Part):
        raise InputError(f"cannot judge against '{against}': choose {', '.join(get_args(Part))}")
    options: dict[str, Any] = {"seed": extractor_seed, "width": extractor_width, "device": device, "say": say}
    choose = partial(extractor_for, name=extractor, **options)
    if RunDirectory(subject).config.is_file() or os.fspath(subject) == "latest":
        if data is not None or seed is not None:
            raise InputError("a run brings its data and its split with it: leave out --data and --seed")
        return _evaluate_run(open_run(os.fspath(subject)), against, data_root, device, precision, choose, say)
    if data is None:
        if not Path(subject).exists():
            raise InputError(f"there is no run, file or folder '{os.fspath(subject)}'")
        raise InputError(f"'{os.fspath(subject)}' is not a run: say what to judge its images against with --data")
    samples = load_images(subject, data_root=data_root)
    splits = split_source(open_source(data, data_root), seed or 0)
    return judge([samples], splits, against, subject=os.fspath(subject), choose=choose, say=say)


def _evaluate_run(
    run: RunDirectory,
    against: Part,
    data_root: str | os.PathLike[str] | None,
    device: str,
    precision: str,
    choose: Callable[[ImageSet], FeatureExtractor],
    say: Callable[[str], None],
) -> Evaluation:
    gan = GAN.load(run.path, device=device, precision=precision)
    config = config_of(run)
    splits = splits_of(config, data_root)
    count = common_count(splits, against)
    reference = first_of(parts(splits, against)[0], count)
    say(f"sampling {len(SAMPLING_SEEDS)} times {count:,} images …")
    samples = [sample_beside(gan, reference, seed) for seed in SAMPLING_SEEDS]
    evaluation = judge(
        samples,
        splits,
        against,
        subject=str(run.path),
        sampling_seeds=SAMPLING_SEEDS,
        choose=choose,
        gan=gan,
        say=say,
    )
    write_json(run.evaluation, evaluation.as_json())
    return evaluation


def sample_beside(gan: GAN, reference: ImageSet, seed: int) -> ImageSet:
    """As many images as the reference has, with its labels: else a balanced set would stand beside an unbalanced."""
    return gan.sample(len(reference), label=reference.labels if gan.config.classes else None, seed=seed)


def parts(splits: Splits, against: Part) -> tuple[ImageSet, ImageSet]:
    """The real images to compare with, and those that take the place of generated ones for the yardstick."""
    if against == "test":
        return splits.test, splits.validation
    return (splits.validation, splits.test) if against == "validation" else (splits.train, splits.validation)


def common_count(splits: Splits, against: Part = "test") -> int:
    """The number of images on each side of a figure: as many as both parts have, at most 10,000."""
    return min(*map(len, parts(splits, against)), LARGEST_COUNT)


def judge(
    repeats: list[ImageSet],
    splits: Splits,
    against: Part,
    *,
    subject: str,
    sampling_seeds: tuple[int, ...] = (),
    choose: Callable[[ImageSet], FeatureExtractor] = extractor_for,
    gan: GAN | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Evaluation:
    """The figures of generated image sets, one a sampling seed, against a part of the real images.

    choose: gives the extractor for the training part. gan: its discriminator judges too.
    """
    repeats = [comparable(samples, splits.train, subject) for samples in repeats]
    reference, other = parts(splits, against)
    count = min(len(reference), len(other), LARGEST_COUNT, *(len(samples) for samples in repeats))
    if count < FEWEST_FOR_FIGURES:
        raise InputError(f"{count} images a side are too few for a figure: at least {FEWEST_FOR_FIGURES} are needed")
    extractor = choose(splits.train)
    say(f"looking at {count:,} images a side with the extractor '{extractor.name}' …")
    reference, other = first_of(reference, count), first_of(other, count)
    repeats = [first_of(samples, count) for samples in repeats]
    real, looks = look(extractor, reference), [look(extractor, samples) for samples in repeats]
    yardstick = take_figures(real, look(extractor, other))
    taken = [take_figures(real, generated) for generated in looks]
    if gan is not None:
        of_real = gan.discriminate(reference)
        for figures, images in zip([yardstick, *taken], [other, *repeats], strict=True):
            figures["told_apart"] = told_apart(of_real, gan.discriminate(images))
    return Evaluation(
        subject=subject,
        against=against,
        count=count,
        sampling_seeds=sampling_seeds,
        extractor={
            "name": extractor.name,
            "dimension": extractor.dimension,
            "sha256": extractor.sha256,
        },
        figures=tuple(
            _figure(name, [figures[name] for figures in taken], yardstick[name])
            for name in TITLES
            if name in taken[0] and name in yardstick
        ),
        classes=tuple(class_rows(real, looks[0], splits.train.classes)),
    )


def comparable(samples: ImageSet, real: ImageSet, subject: str) -> ImageSet:
    """The samples with their labels as numbers of the real images' classes: by name, or as they are where unnamed.

    Raises InputError for images of another shape and for classes that the real images do not have.
    """
    classes = real.classes
    if samples.images.shape[1:] != real.images.shape[1:]:
        raise InputError(f"'{subject}' has images of {samples.images.shape[1:]}, the data {real.images.shape[1:]}")
    if samples.labels is None or not classes or samples.classes == classes:
        return samples
    named = not all(name == str(number) for number, name in enumerate(samples.classes))
    unknown = [name for name in samples.classes if name not in classes]
    if named and not unknown:
        places = np.array([classes.index(name) for name in samples.classes], np.int64)
        return ImageSet(samples.images, places[samples.labels], classes, samples.name)
    if named or len(samples.classes) > len(classes):
        odd = unknown[0] if unknown else samples.classes[-1]
        raise InputError(f"'{subject}' has the class '{odd}', the data do not: {suggestion(odd, classes)}")
    return ImageSet(samples.images, samples.labels, classes, samples.name)


def _figure(name: str, estimates: Sequence[Estimate], yardstick: Estimate) -> Figure:
    title, better = TITLES[name]
    value, low, high = averaged(estimates)
    return Figure(name, title, value, low, high, SPREAD, yardstick.value, better)


def first_of(images: ImageSet, count: int) -> ImageSet:
    """The first `count` in a fixed shuffle, so that a sorted source gives all its classes."""
    order = np.random.default_rng(0).permutation(len(images))[:count]
    return images.take(order)
