"""Which of several is better: the same reference, count and extractor, and an interval for every difference."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from elmyr.core import seeds
from elmyr.core.calls import checked
from elmyr.core.errors import InputError
from elmyr.engine.saving.places import GAN_KIND
from elmyr.engine.saving.run_directory import open_run
from elmyr.evaluation.conditions import Judging, Sides
from elmyr.evaluation.downstream import check_useful
from elmyr.evaluation.extractors import AUTO, WIDTH, asked_for, refuse_unlabeled
from elmyr.evaluation.figure_spec import Better
from elmyr.evaluation.figure_specs import FIGURES, named
from elmyr.evaluation.paired_samples import (
    SplitPart,
    check_exists,
    comparable,
    first_of,
    parts,
    sample_beside,
    tell_missing,
)
from elmyr.evaluation.stages import Stages
from elmyr.evaluation.subjects import Subject, images_of, is_run, name_of
from elmyr.images import AS_IT_IS, Data, ImageSet, Shaping, Splits, open_source, split_source
from elmyr.images.dataset.given import is_path
from elmyr.images.pictures.showing import table_html
from elmyr.metrics import Estimate, difference
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.gan.plan import config_of, splits_of

STAGES = 3  # extractor, samples, figures; `use` trains recognizers after


@dataclass(frozen=True)
class ComparedSubject:
    """One subject's figure, and how it differs from the first subject's: None for the first itself."""

    subject: str
    value: float
    low: float
    high: float
    difference: tuple[float, float, float] | None
    outcome: str | None


@dataclass(frozen=True)
class ComparedFigure:
    """A figure of all subjects, and of real images, where they have it: the real-data baseline."""

    name: str
    title: str
    better: Better
    yardstick: float | None
    sides: tuple[ComparedSubject, ...]


@dataclass(frozen=True, repr=False)
class Comparison:
    """Figures of several subjects under the same conditions; the first is what the others are compared with."""

    subjects: tuple[str, ...]
    data: str
    split_seed: int
    against: str
    count: int
    extractor: dict[str, Any]
    rows: tuple[ComparedFigure, ...]
    convention: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"Comparison(of {' and '.join(self.subjects)} on '{self.data}': {len(self.rows)} figures)"

    def _repr_html_(self) -> str:
        """A notebook's view: a row for each figure, a column for each subject."""
        rows = [("", *self.subjects, "real-data baseline")]
        for row in self.rows:
            told = (f"{side.value:.4g}" + (f" ({side.outcome})" if side.outcome else "") for side in row.sides)
            rows.append((row.title, *told, "" if row.yardstick is None else f"{row.yardstick:.4g}"))
        return table_html(rows)

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return asdict(self)

    def __getitem__(self, name: str) -> ComparedFigure:
        """A figure by its name, such as "frechet_distance", or its title; KeyError where it was not taken."""
        return named(self.rows, name)

    def keys(self) -> tuple[str, ...]:
        """The names of the figures, so that `dict(comparison)` has them all."""
        return tuple(row.name for row in self.rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())


@checked
def compare(
    subjects: Sequence[Subject],
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
    device: str = "auto",
    precision: str = "auto",
    say: Callable[[str], None] = lambda line: None,
    quiet: bool = False,
) -> Comparison:
    """Compares runs, GANs and sets of samples (as `load_images` takes them) with the first of them.

    The real images are those of `data` and its split by `seed`, or else the split of the first run; a run that was
    trained on another training part is refused. All figures are on equal counts. A difference's interval knows that
    both sides stand beside the same real images. The baseline, `use`, `convention`, `figures` and the
    extractor are those of `evaluate`, as are `say` and `quiet`.
    """
    if not isinstance(subjects, list | tuple) or len(subjects) < 2:
        raise InputError("there is nothing to compare with: name two or more runs or sets of samples")
    stages = Stages(STAGES + use, say, quiet=quiet)
    by, extraction = asked_for(
        convention, extractor, extractor_seed, extractor_width, extractor_weights, device, precision
    )
    judging = Judging(extraction, use, stages, convention=by, requested=tuple(figures))
    judging.check(against)
    for subject in subjects:
        if is_path(subject) and not is_run(subject):
            check_exists(os.fspath(subject))
    splits = _splits(subjects, data, data_root, seed, shaping)
    refuse_unlabeled(splits.train, extraction.name)
    loaded = [_load(subject, splits, data_root, device, precision) for subject in subjects]
    return _compared([name_of(subject) for subject in subjects], loaded, splits, against, judging)


def _compared(
    names: Sequence[str], loaded: Sequence[GAN | ImageSet], splits: Splits, against: SplitPart, judging: Judging
) -> Comparison:
    given = [images for images in loaded if isinstance(images, ImageSet)]
    reference, other, sets = judging.counted(*parts(splits, against), given)
    for name, images in zip(names, loaded, strict=True):
        if isinstance(images, ImageSet):
            labeled = comparable(images, splits.train, name)  # refused before work starts
            if judging.use:
                check_useful(labeled, name)

    def drawn(real: ImageSet, seed: int, sets: Sequence[ImageSet]) -> list[ImageSet]:
        left = iter(sets)
        made = [sample_beside(each, real, seed) if isinstance(each, GAN) else next(left) for each in loaded]
        return [comparable(images, splits.train, name) for name, images in zip(names, made, strict=True)]

    extractor = judging.extractor_of(splits.train, sampled=len(given) < len(loaded))
    beside = judging.beside(reference)
    judging.stages.begin(f"{len(beside):,} images of each")
    samples = drawn(beside, seeds.COMPARED, sets)
    lent = [first_of(images, len(splits.train)) for images in given] if judging.use else []
    training = drawn(splits.train, seeds.LEARNED_FROM_FOR_USE, lent) if judging.use else []
    for name, images in zip(names, training, strict=False):
        check_useful(images, name)
    for name, images in zip(names, samples, strict=True):
        tell_missing(images, reference, name, judging.stages.say)
    lessons = [(splits.train, other), *zip(training, samples, strict=True)] if judging.use else []
    taken = judging.taken(
        extractor,
        Sides(reference, other, samples),
        training=judging.seen(splits, against),
        makers=[each if isinstance(each, GAN) else None for each in loaded],
        lessons=lessons,
    )
    return Comparison(
        subjects=tuple(names),
        data=splits.train.name,
        split_seed=splits.seed,
        against=against,
        count=min(map(len, samples)),
        extractor=judging.told(extractor, reference),
        rows=tuple(
            _row(figure, extractor.name, taken.baseline.get(figure), names, [each[figure] for each in taken.figures])
            for figure in taken.names
            if all(figure in figures for figures in taken.figures)
        ),
        convention=None if judging.convention is None else judging.convention.told(len(reference)),
    )


def _splits(
    subjects: Sequence[Subject],
    data: Data | None,
    data_root: str | os.PathLike[str] | None,
    seed: int | None,
    shaping: Shaping,
) -> Splits:
    if data is not None:
        return split_source(open_source(data, data_root, shaping, choose_size=True), seed or 0, shaping)
    runs = [subject for subject in subjects if is_run(subject)]
    if not runs:
        raise InputError("none of these is a run that brings its data: say what to compare against with --data")
    if seed is not None or shaping != AS_IT_IS:
        raise InputError(f"'{name_of(runs[0])}' brings its data and its split with it: leave out --seed and the like")
    return splits_of(config_of(open_run(runs[0], GAN_KIND)), data_root)


def _load(
    subject: Subject, splits: Splits, data_root: str | os.PathLike[str] | None, device: str, precision: str
) -> GAN | ImageSet:
    if not is_run(subject):
        return subject if isinstance(subject, GAN) else images_of(subject, data_root)
    run = open_run(subject, GAN_KIND)
    if config_of(run).data.digest != splits.train.digest():
        raise InputError(f"'{run.path}' has another training part: compare runs of one data set and one seed")
    return GAN.load(run.path, device=device, precision=precision)


def _row(
    figure: str, extractor: str, yardstick: float | None, names: Sequence[str], estimates: Sequence[Estimate]
) -> ComparedFigure:
    spec = FIGURES[figure]
    sides = [ComparedSubject(names[0], *estimates[0].interval, difference=None, outcome=None)]
    for name, estimate in zip(names[1:], estimates[1:], strict=True):
        apart = difference(estimate, estimates[0])
        outcome = _outcome(apart, spec.better, yardstick, estimates[0].value, estimate.value)
        sides.append(ComparedSubject(name, *estimate.interval, difference=apart.interval, outcome=outcome))
    return ComparedFigure(figure, spec.title_by(extractor), spec.better, yardstick, tuple(sides))


def _outcome(apart: Estimate, better: Better, yardstick: float | None, first: float, this: float) -> str:
    """Where the best is near the baseline, only two on the same side of it can be compared by it."""
    if better == "near the baseline" and yardstick is not None:
        if (first - yardstick) * (this - yardstick) <= 0:
            return "no significant effect"
        better = "lower" if this > yardstick else "higher"
    if apart.low <= 0 <= apart.high:
        return "no significant effect"
    return "better" if (apart.value < 0) == (better == "lower") else "worse"
