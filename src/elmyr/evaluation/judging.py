"""The figures of a GAN or of a set of samples, each with its uncertainty and its yardstick."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from elmyr.errors import InputError, suggestion
from elmyr.evaluation.features import FeatureExtractor, extractor_for
from elmyr.files import write_json
from elmyr.gan import GAN
from elmyr.images import ImageSet, Splits, load_images, open_source, split_source
from elmyr.metrics import accuracy, frechet_distance, mean_interval, precision_recall, wilson_interval
from elmyr.training.plan import config_of, splits_of
from elmyr.training.rundir import RunDirectory, open_run

SAMPLING_SEEDS = (1, 2, 3)  # not 0, which the shown samples have
LARGEST_COUNT = 10_000
FEWEST_FOR_FIGURES = 16


@dataclass(frozen=True)
class Figure:
    """One figure of generated images, and the same figure of real ones: the yardstick."""

    name: str
    title: str
    value: float
    low: float | None
    high: float | None
    spread: str
    yardstick: float
    better: Literal["lower", "higher"]


@dataclass(frozen=True)
class Evaluation:
    """The figures of one subject under one set of conditions."""

    subject: str
    against: str
    count: int
    sampling_seeds: tuple[int, ...]
    extractor: dict[str, Any]
    figures: tuple[Figure, ...]

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return asdict(self)

    def __getitem__(self, name: str) -> Figure:
        """A figure by its name, such as "frechet_distance"."""
        return next(figure for figure in self.figures if figure.name == name)


def evaluate(
    subject: str | os.PathLike[str],
    *,
    against: Literal["test", "validation"] = "test",
    data: str | os.PathLike[str] | None = None,
    data_root: str | os.PathLike[str] | None = None,
    seed: int | None = None,
    device: str = "auto",
    precision: str = "auto",
    say: Callable[[str], None] = lambda line: None,
) -> Evaluation:
    """Judges a run, or samples (an `.npz` or a folder of images), against held-out real images.

    A run brings its data and split with it, and its figures are kept in its `evaluation.json`; samples need `data`
    (and `seed`, the split's, 0 where not given). The yardstick is the other held-out part in the place of the
    generated images; all figures are on equal counts, a run's with the same labels on both sides.
    """
    if against not in ("test", "validation"):
        raise InputError(f"cannot judge against '{against}': choose test or validation")
    if RunDirectory(subject).config.is_file() or os.fspath(subject) == "latest":
        if data is not None or seed is not None:
            raise InputError("a run brings its data and its split with it: leave out --data and --seed")
        return _evaluate_run(open_run(os.fspath(subject)), against, data_root, device, precision, say)
    if data is None:
        if not Path(subject).exists():
            raise InputError(f"there is no run, file or folder '{os.fspath(subject)}'")
        raise InputError(f"'{os.fspath(subject)}' is not a run: say what to judge its images against with --data")
    samples = load_images(subject, data_root=data_root)
    splits = split_source(open_source(data, data_root), seed or 0)
    return judge([samples], splits, against, subject=os.fspath(subject), device=device, say=say)


def _evaluate_run(
    run: RunDirectory,
    against: Literal["test", "validation"],
    data_root: str | os.PathLike[str] | None,
    device: str,
    precision: str,
    say: Callable[[str], None],
) -> Evaluation:
    gan = GAN.load(run.path, device=device, precision=precision)
    config = config_of(run)
    splits = splits_of(config, data_root)
    count = common_count(splits)
    # Asked for are the labels of the images beside them: else an unbalanced set would be compared with a balanced one.
    reference = _first(splits.test if against == "test" else splits.validation, count)
    labels = reference.labels if gan.config.classes else None
    say(f"sampling {len(SAMPLING_SEEDS)} times {count:,} images …")
    samples = [gan.sample(count, label=labels, seed=seed) for seed in SAMPLING_SEEDS]
    evaluation = judge(
        samples,
        splits,
        against,
        subject=str(run.path),
        sampling_seeds=SAMPLING_SEEDS,
        device=device,
        say=say,
    )
    write_json(run.evaluation, evaluation.as_json())
    return evaluation


def common_count(splits: Splits) -> int:
    """The number of images on each side of a figure: as many as both held-out parts have, at most 10,000."""
    return min(len(splits.test), len(splits.validation), LARGEST_COUNT)


def judge(
    repeats: list[ImageSet],
    splits: Splits,
    against: Literal["test", "validation"],
    *,
    subject: str,
    sampling_seeds: tuple[int, ...] = (),
    device: str = "auto",
    say: Callable[[str], None] = lambda line: None,
) -> Evaluation:
    """The figures of generated image sets, one a sampling seed, against a held-out part of the real images."""
    shape = splits.train.images.shape[1:]
    for samples in repeats:
        if samples.images.shape[1:] != shape:
            raise InputError(f"'{subject}' has images of {samples.images.shape[1:]}, the data {shape}")
    repeats = [_with_classes_of(samples, splits.train.classes, subject) for samples in repeats]
    held_out = {"test": splits.test, "validation": splits.validation}
    reference = held_out.pop(against)
    (other,) = held_out.values()
    count = min(len(reference), len(other), LARGEST_COUNT, *(len(samples) for samples in repeats))
    if count < FEWEST_FOR_FIGURES:
        raise InputError(f"{count} images a side are too few for a figure: at least {FEWEST_FOR_FIGURES} are needed")
    extractor = extractor_for(splits.train, device=device, say=say)
    real = _first(reference, count)
    say(f"looking at {count:,} images a side with the extractor '{extractor.name}' …")
    real_features = extractor.features(real)
    yardstick = _looks(extractor, real_features, _first(other, count))
    looks = [_looks(extractor, real_features, _first(samples, count)) for samples in repeats]
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
            _figure(name, title, better, [look[name] for look in looks], yardstick[name], count)
            for name, title, better in FIGURES
            if name in yardstick and name in looks[0]
        ),
    )


FIGURES: tuple[tuple[str, str, Literal["lower", "higher"]], ...] = (
    ("frechet_distance", "Fréchet distance", "lower"),
    ("precision", "precision", "higher"),
    ("recall", "recall", "higher"),
    ("label_accuracy", "asked label read back", "higher"),
)


def _with_classes_of(samples: ImageSet, classes: tuple[str, ...], subject: str) -> ImageSet:
    """The samples with their labels as numbers of the real images' classes: by name, or as they are where unnamed."""
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


def _looks(extractor: FeatureExtractor, real_features: NDArray[np.float64], images: ImageSet) -> dict[str, float]:
    features = extractor.features(images)
    precision, recall = precision_recall(real_features, features)
    looks = {
        "frechet_distance": frechet_distance(real_features, features),
        "precision": precision,
        "recall": recall,
    }
    read = extractor.read_labels(images)
    if read is not None and images.labels is not None:
        looks["label_accuracy"] = accuracy(read, images.labels)
    return looks


def _figure(
    name: str,
    title: str,
    better: Literal["lower", "higher"],
    values: list[float],
    yardstick: float,
    count: int,
) -> Figure:
    low: float | None = None
    high: float | None = None
    spread = "one set of samples: no interval"
    if len(values) > 1:
        interval = mean_interval(values)
        assert interval.low is not None and interval.high is not None
        low = max(0.0, interval.low)  # no figure is below 0, and no share above 1
        high = min(1.0, interval.high) if better == "higher" else interval.high
        spread = f"95 % over {len(values)} sampling seeds of one model"
    elif name == "label_accuracy":
        low, high = wilson_interval(round(values[0] * count), count)
        spread = "95 % over the images (Wilson)"
    return Figure(name, title, float(np.mean(values)), low, high, spread, yardstick, better)


def _first(images: ImageSet, count: int) -> ImageSet:
    """The first `count` in a fixed shuffle, so that a sorted source gives all its classes."""
    order = np.random.default_rng(0).permutation(len(images))[:count]
    return images.take(order)
