"""One fit of a recognizer, for the loop: its method and choices, task, batches and course."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

import torch

from elmyr.core import machine, seeds
from elmyr.core.errors import InputError
from elmyr.engine.data import BalancedData, MixedData, ResidentData, StagedData
from elmyr.engine.loop import LoopConfig
from elmyr.engine.processes import ALONE, Processes
from elmyr.engine.rules import is_tiny
from elmyr.engine.task import BatchSource
from elmyr.nets import StridedClassifier
from elmyr.tasks.recognition.learning.augmenting import Augmenting
from elmyr.tasks.recognition.learning.class_weights import labeled_loss, settled_weight
from elmyr.tasks.recognition.learning.lesson import Lesson
from elmyr.tasks.recognition.learning.methods import MethodConfig, chosen_method, read_method
from elmyr.tasks.recognition.learning.retrained import RetrainedTask
from elmyr.tasks.recognition.learning.selection import LOOKS, Selection
from elmyr.tasks.recognition.learning.semi import SemiData, SemiTask
from elmyr.tasks.recognition.learning.task import RecognizerTask

if TYPE_CHECKING:
    from elmyr.tasks.recognition.recognizer import Recognizer

DECAY_FROM = 0.2


class Fitting:
    """A fit of `recognizer` to a lesson at its beginning; InputError for what cannot be trained.

    `watcher` chooses the weights, where the lesson has a validation part.
    """

    def __init__(
        self, recognizer: Recognizer, lesson: Lesson, teacher: Recognizer | None = None, processes: Processes = ALONE
    ) -> None:
        self.lesson = lesson
        self.method, self.config = method_of(recognizer, lesson)
        device = machine.choose_device(recognizer.device)
        self.task = _task_of(recognizer, self.config, lesson, teacher, processes)
        self.data = _data_of(recognizer, self.config, lesson, device)
        self.watcher = None if lesson.validation is None else Selection(self.task, lesson.validation)
        self.course = course_of(self.config.updates, self.config.batch, watched=lesson.validation is not None)


def course_of(updates: int, batch: int, *, watched: bool) -> LoopConfig:
    """The course of so many updates; `watched`: whether a validation part is looked at on the way."""
    images = updates * batch
    every = max(batch, images // 10)
    return LoopConfig(
        images=images,
        batch=batch,
        decay_from=DECAY_FROM,
        log_every=every,
        preview_every=images,
        checkpoint_every=every,
        watch_every=max(batch, images // LOOKS) if watched else 0,
    )


def method_of(recognizer: Recognizer, lesson: Lesson) -> tuple[str, MethodConfig]:
    """The method and its choices, with those that the parameters give; `updates` by the size of the images."""
    has_unlabeled, has_generated = lesson.unlabeled is not None, lesson.generated is not None
    method = chosen_method(recognizer.method, has_unlabeled=has_unlabeled, has_generated=has_generated)
    config = choices_of(recognizer, method)
    if recognizer.updates is None and "updates" not in (recognizer.settings or {}) and is_tiny(lesson.labeled):
        config = config.model_copy(update={"updates": config.updates_of_tiny})
    return method, config


def choices_of(recognizer: Recognizer, method: str) -> MethodConfig:
    """The choices of a method, with those that the parameters give."""
    names = ("updates", "batch", "base", "dimension", "learning_rate", "weight_decay")
    given = {name: getattr(recognizer, name) for name in names if getattr(recognizer, name) is not None}
    for name, value in (recognizer.settings or {}).items():
        if given.get(name, value) != value:
            raise InputError(f"{name} is given twice, as {given[name]} and as {value} in the settings: leave one out")
    return read_method(method, {**(recognizer.settings or {}), **given})


def new_net(config: MethodConfig, shape: tuple[int, int, int], classes: int, seed: int) -> StridedClassifier:
    """A network for images (H, W, C), with random weights."""
    if config.base % 4:
        raise InputError(f"base is {config.base}: it is a multiple of 4")
    with seeds.initialization(seed, "recognizer"):
        return StridedClassifier(*shape, classes, config.base, config.dimension)


def _task_of(
    recognizer: Recognizer, config: MethodConfig, lesson: Lesson, teacher: Recognizer | None, processes: Processes
) -> RecognizerTask:
    device = machine.choose_device(recognizer.device)
    weight = settled_weight(recognizer.class_weight, lesson, retrained=config.retraining > 0)
    common: dict[str, Any] = {
        "learning_rate": config.learning_rate,
        "weight_decay": config.weight_decay,
        "seed": recognizer.seed,
        "device": device,
        "precision": machine.choose_precision(recognizer.precision, device),
        "labeled_loss": labeled_loss(weight, lesson, recognizer.generated_share, device),
        "processes": processes,
    }
    net = new_net(config, lesson.shape, len(lesson.classes), recognizer.seed)
    if config.semi is None:
        common |= {
            "augment": Augmenting(config.augment, config.mixing),
            "teacher": None if teacher is None else teacher.reading(lesson.shape, device),
        }
        if not config.retraining:
            return RecognizerTask(net, **common)
        asked = weight if isinstance(weight, Mapping) else None  # the others say how uneven classes are evened out
        again = labeled_loss(asked, lesson, recognizer.generated_share, device)
        return RetrainedTask(net, start=_retrained_from(config), again=again, **common)
    if teacher is not None:
        raise InputError("a teacher takes the place of labels: choose the method supervised or augment")
    return SemiTask(net, config.semi, shape=lesson.shape, **common)


def _data_of(recognizer: Recognizer, config: MethodConfig, lesson: Lesson, device: torch.device) -> BatchSource:
    """Where the batches come from; labels of generated images are the real ones'."""
    seed, share = recognizer.seed, recognizer.generated_share
    sets = [each for each in (lesson.labeled, lesson.generated) if each is not None]
    resident = [ResidentData(each, seed=seed, device=device) for each in sets]
    labeled = _mixed(resident, share)
    if config.semi is not None:
        assert lesson.unlabeled is not None
        unlabeled = ResidentData(lesson.unlabeled, seed=seed, device=device)
        return SemiData(labeled, unlabeled, count=config.semi.labeled)
    if not config.retraining:
        return labeled
    return StagedData(labeled, _mixed([BalancedData(each) for each in resident], share), start=_retrained_from(config))


def _mixed(real_and_generated: Sequence[BatchSource], share: float) -> BatchSource:
    """The real images alone where there are no generated ones."""
    if len(real_and_generated) == 1:
        return real_and_generated[0]
    return MixedData(*real_and_generated, share=share)


def _retrained_from(config: MethodConfig) -> int:
    """The position from which the last layer alone learns."""
    return (config.updates - ceil(config.retraining * config.updates)) * config.batch
