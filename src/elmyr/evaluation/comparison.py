"""Which of several is better: the same reference, count and extractor, and an interval for every difference."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from elmyr.errors import InputError
from elmyr.evaluation.features import WIDTH, extractor_for
from elmyr.evaluation.figures import TITLES, Better, look, take_figures
from elmyr.evaluation.judging import FEWEST_FOR_FIGURES, Part, common_count, comparable, first_of, parts, sample_beside
from elmyr.gan import GAN
from elmyr.images import ImageSet, Splits, load_images, open_source, split_source
from elmyr.metrics import Estimate, difference
from elmyr.training.plan import config_of, splits_of
from elmyr.training.rundir import RunDirectory, open_run

SAMPLING_SEED = 1


@dataclass(frozen=True)
class Side:
    """One subject's figure, and how it differs from the first subject's: None for the first itself."""

    subject: str
    value: float
    low: float
    high: float
    difference: tuple[float, float, float] | None
    outcome: str | None


@dataclass(frozen=True)
class Row:
    """A figure of all subjects."""

    name: str
    title: str
    better: Better
    sides: tuple[Side, ...]


@dataclass(frozen=True)
class Comparison:
    """Figures of several subjects under the same conditions; the first is what the others are compared with."""

    subjects: tuple[str, ...]
    against: str
    count: int
    extractor: dict[str, Any]
    rows: tuple[Row, ...]

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return asdict(self)

    def __getitem__(self, name: str) -> Row:
        """A figure by its name, such as "frechet_distance"."""
        return next(row for row in self.rows if row.name == name)


def compare(
    subjects: Sequence[str | os.PathLike[str]],
    *,
    against: Part = "test",
    data: str | os.PathLike[str] | None = None,
    data_root: str | os.PathLike[str] | None = None,
    seed: int = 0,
    extractor: str = "auto",
    extractor_seed: int = 0,
    extractor_width: int = WIDTH,
    device: str = "auto",
    precision: str = "auto",
    say: Callable[[str], None] = lambda line: None,
) -> Comparison:
    """Compares runs and sets of samples (an `.npz` or a folder) with the first of them.

    The real images are those of `data` and its split by `seed`, or else the split of the first run; a run that was
    trained on another training part is refused. All figures are on equal counts. A difference's interval knows that
    both sides stand beside the same real images.
    """
    if len(subjects) < 2:
        raise InputError("there is nothing to compare with: name two or more runs or sets of samples")
    names = [os.fspath(subject) for subject in subjects]
    splits = _splits(names, data, data_root, seed)
    loaded = {name: _load(name, splits, data_root, device, precision) for name in names}
    known = [len(images) for images in loaded.values() if isinstance(images, ImageSet)]
    count = min(common_count(splits, against), *known)
    if count < FEWEST_FOR_FIGURES:
        raise InputError(f"{count} images a side are too few for a figure: at least {FEWEST_FOR_FIGURES} are needed")
    reference = first_of(parts(splits, against)[0], count)
    eyes = extractor_for(splits.train, extractor, seed=extractor_seed, width=extractor_width, device=device, say=say)
    real = look(eyes, reference)
    taken: dict[str, dict[str, Estimate]] = {}
    for name, images in loaded.items():
        say(f"looking at {count:,} images of {name} …")
        samples = (
            sample_beside(images, reference, SAMPLING_SEED) if isinstance(images, GAN) else first_of(images, count)
        )
        taken[name] = take_figures(real, look(eyes, comparable(samples, splits.train, name)))
    common = [figure for figure in TITLES if all(figure in figures for figures in taken.values())]
    return Comparison(
        subjects=tuple(names),
        against=against,
        count=count,
        extractor={"name": eyes.name, "dimension": eyes.dimension, "sha256": eyes.sha256},
        rows=tuple(_row(figure, [(name, taken[name][figure]) for name in names]) for figure in common),
    )


def _splits(
    names: list[str], data: str | os.PathLike[str] | None, data_root: str | os.PathLike[str] | None, seed: int
) -> Splits:
    if data is not None:
        return split_source(open_source(data, data_root), seed)
    runs = [name for name in names if _is_run(name)]
    if not runs:
        raise InputError("none of these is a run that brings its data: say what to compare against with --data")
    return splits_of(config_of(open_run(runs[0])), data_root)


def _is_run(name: str) -> bool:
    return name == "latest" or RunDirectory(name).config.is_file()


def _load(
    name: str, splits: Splits, data_root: str | os.PathLike[str] | None, device: str, precision: str
) -> GAN | ImageSet:
    if not _is_run(name):
        return load_images(name, data_root=data_root)
    run = open_run(name)
    if config_of(run).data.digest != splits.train.digest():
        raise InputError(f"'{name}' was trained on another training part: compare runs of one data set and one seed")
    return GAN.load(run.path, device=device, precision=precision)


def _row(figure: str, estimates: list[tuple[str, Estimate]]) -> Row:
    title, better = TITLES[figure]
    first = estimates[0][1]
    sides = [Side(estimates[0][0], *first.interval, difference=None, outcome=None)]
    for name, estimate in estimates[1:]:
        apart = difference(estimate, first)
        sides.append(Side(name, *estimate.interval, difference=apart.interval, outcome=_outcome(apart, better)))
    return Row(figure, title, better, tuple(sides))


def _outcome(apart: Estimate, better: Better) -> str:
    if apart.low <= 0 <= apart.high:
        return "no difference shown"
    return "better" if (apart.value < 0) == (better == "lower") else "worse"
