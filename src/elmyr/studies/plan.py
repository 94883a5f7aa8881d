"""What a study is going to do, checked before anything is written."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import ceil, comb, prod
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr.core.amounts import Amount, image_count
from elmyr.core.errors import InputError, suggestion
from elmyr.core.thread_counts import AUTO, Threads, asked_threads, cores
from elmyr.core.threads import chosen as chosen_threads
from elmyr.engine.config import Settings, parse_settings
from elmyr.engine.spec import Asked
from elmyr.evaluation import FEWEST_FOR_FIGURES, common_count
from elmyr.images import (
    AS_IT_IS,
    Data,
    ImageSet,
    Shaping,
    Source,
    Splits,
    lasting_name,
    open_source,
    source_of,
    split_source,
)
from elmyr.images.dataset.shaping import thinned_for_training, troubled
from elmyr.images.dataset.split import TEST_SHARE, VALIDATION_SHARE
from elmyr.metrics import FEWEST_SEEDS, is_unbalanced
from elmyr.studies.arms import ARMS, Case, arms_for
from elmyr.studies.arms.withstanding import refuse_beside, robust_measure, told_of_judging
from elmyr.studies.borrowed.borrowed_set import Borrowed, borrowed_from
from elmyr.studies.borrowed.shared_images import refuse_shared
from elmyr.studies.config import EFFORTS, FAIR_SEEDS, Cell, Effort, Measure, StudyConfig, told_of_seeds, troubles_of
from elmyr.studies.folds import Folds, folds_for, tell_of_test
from elmyr.studies.looks import looks_of
from elmyr.studies.work.cluster import current
from elmyr.tasks.gan.plan import GANAsk, plan_of
from elmyr.tasks.recognition import default_updates, told_of_balance, told_of_spared

NAMED = 3
MOST_SEEDS = 1000
FEWEST_TO_CHOOSE = 30  # validation images, for more arms than the quick effort has
MOST_RECOGNIZERS = 10


@dataclass(frozen=True)
class StudyAsk:
    """What may be asked of a study; see `study`, which has the same by name."""

    data: Data
    labels: Any = None
    seeds: int = FAIR_SEEDS
    seed: int = 0
    images: Amount | None = None
    updates: Amount | None = None
    preset: str = "residual"
    settings: Settings = ()
    device: str = "auto"
    precision: str = "auto"
    data_root: str | os.PathLike[str] | None = None
    shaping: Shaping = AS_IT_IS
    images_per_class: Sequence[int | None] | None = None
    imbalance: Sequence[float | None] | None = None
    label_noise: Sequence[float] | None = None
    labels_per_class: Sequence[int | None] | None = None
    folds: Folds = "auto"
    processes: int = 1
    allow_duplicates: bool = False
    seeds_at_most: int | None = None
    effort: str = "quick"
    borrow: Data | None = None
    retrain: bool = False
    recognizers: int = 1
    threads: Threads = AUTO
    robust: float | None = None

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise InputError(f"--seeds is {self.seeds}: at least 1 is needed, 5 give a fair interval")
        if self.seeds > MOST_SEEDS:
            raise InputError(f"--seeds is {self.seeds}: at most {MOST_SEEDS:,}, 5 give a fair interval")
        if self.seeds_at_most is not None and not FEWEST_SEEDS <= self.seeds < self.seeds_at_most <= MOST_SEEDS:
            raise InputError(
                f"--seeds-at-most is {self.seeds_at_most}, and --seeds {self.seeds}: give --seeds {FEWEST_SEEDS} or "
                f"more, and a larger number at most, up to {MOST_SEEDS:,}"
            )
        if self.effort not in EFFORTS:
            raise InputError(f"no effort '{self.effort}': {suggestion(self.effort, EFFORTS)}")
        if not 1 <= self.recognizers <= MOST_RECOGNIZERS:
            raise InputError(f"--recognizers is {self.recognizers}: give 1 to {MOST_RECOGNIZERS}")
        if self.processes < 0:
            raise InputError(f"--processes is {self.processes}: at least 1, or 0 for as many as there are cores")

    @property
    def numbers(self) -> tuple[int, ...]:
        """All seeds that there may be."""
        return tuple(range(self.seed, self.seed + (self.seeds_at_most or self.seeds)))

    def troubles(self, form: Shaping) -> list[Shaping]:
        """Those of the cells, of images in this form."""
        return troubles_of(
            form,
            images_per_class=self.images_per_class or (self.shaping.images_per_class,),
            imbalance=self.imbalance or (self.shaping.imbalance,),
            label_noise=self.label_noise or (self.shaping.label_noise,),
            labels_per_class=self.labels_per_class or (self.shaping.labels_per_class,),
        )

    def of_gan(self, data: str | os.PathLike[str], trouble: Shaping) -> GANAsk:
        """What is asked of the GAN of a cell with its first seed."""
        asked = Asked(self.images, None, self.seed, self.settings, self.device, self.precision, self.data_root, trouble)
        return GANAsk(data, preset=self.preset, asked=asked)


def make_study_plan(ask: StudyAsk, say: Callable[[str], None] = lambda line: None) -> StudyConfig:
    """The config of a study; InputError for whatever cannot be done. Writes nothing."""
    chosen, numbers = parse_settings(ask.settings), ask.numbers
    data = source_of(ask.data, ask.labels, ask.shaping.form())
    source = open_source(data, ask.data_root, ask.shaping.form(), choose_size=True)
    form = source.shaping.model_copy(update={"folds": folds_for(source, ask.folds, source.shaping)})
    updates = image_count(ask.updates, "updates") or default_updates(
        source.train, "robust" if ask.robust else "supervised"
    )
    if len(np.unique(source.train.require_labels())) < 2:
        raise InputError(
            f"'{source.name}' has one class, and a study compares recognizers of several: add images of another"
        )
    troubles = ask.troubles(form)
    refuse_beside(ask.robust, troubles, borrows=ask.borrow is not None, retrain=ask.retrain)
    _refuse_too_many_seeds(source, len(numbers), form.folds)
    for number in numbers:
        splits = split_source(source, number, form)
        for trouble in troubles:
            _refuse_impossible(trouble, splits)
    gan = plan_of(ask.of_gan(data, troubles[0])).config  # refuses what cannot be trained
    if not gan.gan.classes:
        raise InputError("a study needs a GAN that knows the classes: leave out --set conditional=false")
    for number in () if ask.allow_duplicates else numbers:
        _refuse_leaks(split_source(source, number, form))
    borrowed = None if ask.borrow is None else _borrowed(source, form, ask, say)
    if few := told_of_seeds(ask.seeds):
        say(few)
    tell_of_test(source, form, numbers[: ask.seeds], say)
    cells = _cells(source, form, troubles, ask, say)
    if few := _too_few_to_choose(source, split_source(source, ask.seed, form), ask.effort, cells):
        say(few)
    processes, threads = shared_out(ask.processes, gan.device, ask.seeds * len(troubles), ask.threads)
    return StudyConfig(
        source=lasting_name(data),
        name=source.name,
        root=os.path.abspath(ask.data_root) if ask.data_root is not None else None,
        shaping=form,
        digest=digest_of(split_source(source, ask.seed, form)),
        effort=cast(Effort, ask.effort),
        borrow=borrowed,
        cells=cells,
        seeds=numbers[: ask.seeds],
        looks=looks_of(ask.seeds, ask.seeds_at_most) if ask.seeds_at_most is not None else (),
        images=gan.loop.images,
        updates=updates,
        preset=ask.preset,
        settings=tuple(f"{name}={_word(value)}" for name, value in chosen.items()),
        allow_duplicates=ask.allow_duplicates,
        retrain=ask.retrain,
        recognizers=ask.recognizers,
        device=gan.device,
        precision=gan.precision,
        processes=processes,
        threads=threads,
    )


def _borrowed(source: Source, form: Shaping, ask: StudyAsk, say: Callable[[str], None]) -> Borrowed:
    assert ask.borrow is not None
    borrowed, images = borrowed_from(ask.borrow, source, ask.data_root)
    say(f"borrows from '{images.name}': {len(images):,} images of {len(images.classes)} classes")
    if not ask.allow_duplicates:
        refuse_shared(source, images, [split_source(source, number, form) for number in ask.numbers])
    return borrowed


def _cells(
    source: Source, form: Shaping, troubles: Sequence[Shaping], ask: StudyAsk, say: Callable[[str], None]
) -> tuple[Cell, ...]:
    figures = common_count(split_source(source, ask.seed, form)) >= FEWEST_FOR_FIGURES
    if ask.robust is not None:
        say(told_of_judging(ask.robust))
    return tuple(
        _cell(
            trouble,
            split_source(source, ask.seed, trouble),
            ask,
            figures and (trouble == form or len(troubles) == 1),
            say,
        )
        for trouble in troubles
    )


def _word(value: Any) -> str:
    """A setting's value as it is written behind `--set NAME=`."""
    return value if isinstance(value, str) else json.dumps(value)


def digest_of(splits: Splits) -> str:
    """sha256 of all three parts."""
    parts = (splits.train, splits.validation, splits.test)
    return sha256("".join(part.digest() for part in parts).encode()).hexdigest()


def _cell(trouble: Shaping, splits: Splits, ask: StudyAsk, figures: bool, say: Callable[[str], None]) -> Cell:
    classes, *counts = splits.train.classes, *(_counts(part) for part in (splits.train, splits.test))
    asked = trouble.imbalance is not None
    case = Case(trouble, asked or is_unbalanced(counts[0]), ask.borrow is not None, ask.robust is not None)
    names, missing = arms_for(case, cast(Effort, ask.effort))
    measure: Measure = "balanced accuracy" if asked or is_unbalanced(*counts) else "accuracy"
    measure = measure if ask.robust is None else robust_measure(classes, counts)
    cell = Cell(shaping=trouble, arms=names, figures=figures, measure=measure, robust=ask.robust)
    uneven = [
        f"{told} in the {part} images"
        for part, of_part in zip(("training", "test"), counts, strict=True)
        if (told := told_of_balance(classes, of_part.tolist()))
    ]
    if measure == "balanced accuracy":
        say(f"{cell.name}: {(*uneven, 'an imbalance is asked for')[0]}, so that balanced accuracy decides")
    if any(ARMS[name].doubts for name in names) and (spared := told_of_spared(splits.train)):
        say(f"{cell.name}: {spared}")
    for arm in missing:
        say(f"{cell.name}: the arm '{arm.name}' is left out for want of a library (pip install 'elmyr[balance]')")
    return cell


def _counts(images: ImageSet) -> NDArray[np.int64]:
    """How many images each class has."""
    return np.bincount(images.require_labels(), minlength=len(images.classes))


def shared_out(processes: int, device: str, groups: int, threads: Threads = AUTO) -> tuple[int, int]:
    """How many processes, and the threads of each: as many as there are cores for, one process on a GPU.

    Where no threads are asked for, one process on a CPU has the quicker number, those of a cluster have one each.
    """
    each, most, on_cpu = asked_threads(threads), torch.get_num_threads(), torch.device(device).type == "cpu"
    if (cluster := current()) is not None:
        return processes or min(cluster.slots(each or 1, device), groups), each or 1
    if processes == 0:
        processes = max(1, min((cores() if each else most) // (each or 1), groups)) if on_cpu else 1
    if each is not None:
        if processes > 1 and processes * each > cores():
            told = (
                f"--processes {processes} with --threads {each} takes {processes * each} cores, and there are {cores()}"
            )
            raise InputError(f"{told}: leave out --threads, or take fewer processes")
        return processes, each
    if processes > 1:
        return processes, max(1, most // processes)
    return 1, chosen_threads(most) if on_cpu else most


def _refuse_too_many_seeds(source: Source, seeds: int, folds: int | None) -> None:
    share = 1 / folds if folds is not None else TEST_SHARE if source.test is None else VALIDATION_SHARE
    ways = prod(comb(count, max(1, round(count * share))) for count in Counter(source.train.require_labels()).values())
    if seeds > ways:
        raise InputError(f"'{source.name}' can be split in {ways} ways: {seeds} seeds would repeat some, give fewer")


def _too_few_to_choose(source: Source, splits: Splits, effort: str, cells: Sequence[Cell]) -> str | None:
    """One line about a validation part that chooses hardly better than chance; InputError where many arms are tried."""
    there = len(splits.validation)
    if there >= FEWEST_TO_CHOOSE:
        return None
    enough = ceil(FEWEST_TO_CHOOSE * len(source.train) / there)
    told = f"the validation part has {there} image{'s' if there != 1 else ''}, too few to choose"
    if effort != EFFORTS[0]:
        ways = max(len(cell.arms) for cell in cells)
        raise InputError(
            f"{told} among {ways} ways to train: --effort {effort} takes about {enough:,} labeled images, of which "
            f"{FEWEST_TO_CHOOSE} choose, and there are {len(source.train):,}: add some, or take --effort {EFFORTS[0]}"
        )
    return f"{told} well: about {enough:,} labeled images would give it {FEWEST_TO_CHOOSE}"


def _refuse_leaks(splits: Splits) -> None:
    """InputError where an image that is tested on is learned from, too, to the last pixel."""
    seen = {
        image.tobytes(): f"{part} image {place}"
        for part, images in (("training", splits.train), ("validation", splits.validation))
        for place, image in enumerate(images.images)
    }
    leaked = [
        f"test image {place} is {seen[key]}"
        for place, image in enumerate(splits.test.images)
        if (key := image.tobytes()) in seen
    ]
    if leaked:
        raise InputError(
            f"{len(leaked)} test images are learned from, too, with seed {splits.seed} ({'; '.join(leaked[:NAMED])}"
            f"{' …' if len(leaked) > NAMED else ''}): remove them, or pass --allow-duplicates"
        )


def _refuse_impossible(trouble: Shaping, splits: Splits) -> None:
    """InputError for a trouble that these training parts cannot have."""
    labels, classes = splits.train.require_labels(), splits.train.classes
    largest = max(Counter(labels.tolist()).values())
    if trouble.images_per_class is not None:
        if trouble.images_per_class >= largest:
            raise InputError(
                f"--images-per-class is {trouble.images_per_class}, and the largest class has {largest} training "
                "images: give fewer, or all"
            )
        largest = trouble.images_per_class
    if trouble.imbalance is not None and trouble.imbalance > largest:
        raise InputError(
            f"an imbalance of {trouble.imbalance:g} leaves less than one of {largest} training images: give at "
            f"most {largest}"
        )
    left = thinned_for_training(splits.train, trouble, splits.seed)
    if trouble.label_noise and not round(trouble.label_noise * len(left)):
        raise InputError(f"--label-noise is {trouble.label_noise}, and no label of {len(left)} is wrong: give more")
    counts = np.bincount(left.require_labels(), minlength=len(classes))
    if trouble.labels_per_class is not None and trouble.labels_per_class >= counts.max():
        present = troubled(splits.train, trouble, splits.seed)
        if len(left) == len(present):
            raise InputError(
                f"--labels-per-class is {trouble.labels_per_class}, and no class has more training images: give "
                "fewer, or all"
            )
    gone = [name for name, count in zip(classes, counts, strict=True) if not count]
    if gone:
        raise InputError(
            f"with seed {splits.seed} no training image is labeled '{gone[0]}': choose a milder data-scarcity scenario"
        )
    lonely = [name for name, count in zip(classes, counts, strict=True) if count == 1]
    if trouble.label_noise and lonely:
        raise InputError(
            f"with seed {splits.seed} only one training image is labeled '{lonely[0]}', so that nothing can tell "
            "whether it is wrong: choose a milder data-scarcity scenario"
        )
