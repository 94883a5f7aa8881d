"""One fit of a recognizer, for the loop: its method and choices, task, batches and course."""

from __future__ import annotations

from collections.abc import Mapping
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
from elmyr.images import ImageSet
from elmyr.nets import StridedClassifier
from elmyr.tasks.recognition.generated.fresh_samples import FreshData, FreshSamples
from elmyr.tasks.recognition.generated.two_stages import FeatureStartTask, TwoStageTask
from elmyr.tasks.recognition.learning.augmenting import Augmenting
from elmyr.tasks.recognition.learning.class_weights import labeled_loss, settled_weight
from elmyr.tasks.recognition.learning.lesson import Lesson
from elmyr.tasks.recognition.learning.methods import MethodConfig, chosen_method, read_method
from elmyr.tasks.recognition.learning.retrained import RetrainedTask
from elmyr.tasks.recognition.learning.selection import LOOKS, Selection
from elmyr.tasks.recognition.learning.semi import SemiData, SemiTask
from elmyr.tasks.recognition.learning.task import RecognizerTask
from elmyr.tasks.recognition.robust.config import required
from elmyr.tasks.recognition.robust.judging import Attack, RobustSelection
from elmyr.tasks.recognition.robust.training import RobustTask

if TYPE_CHECKING:
    from elmyr.tasks.recognition.recognizer import Recognizer

DECAY_FROM = 0.2
OWN = {  # parameters of a recognizer that are choices of its method, and how these are called
    **{name: name for name in ("updates", "batch", "base", "dimension", "learning_rate", "weight_decay")},
    "robust": "robust.epsilon",
}


class Fitting:
    """A fit of `recognizer` to a lesson at its beginning; InputError for what cannot be trained.

    `watcher` chooses the weights, where the lesson has a validation part. start: a recognizer, maybe of other classes,
    whose network it begins with, but for the last layer.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        lesson: Lesson,
        teacher: Recognizer | None = None,
        processes: Processes = ALONE,
        *,
        start: Recognizer | None = None,
    ) -> None:
        self.lesson = lesson
        self.method, self.config = method_of(recognizer, lesson)
        device = machine.choose_device(recognizer.device)
        net = new_net(self.config, lesson.shape, len(lesson.classes), recognizer.seed)
        if start is not None:
            _take_features(net, start)
        self.task = _task_of(net, recognizer, self.config, lesson, teacher, processes)
        self.data = _data_of(recognizer, self.config, lesson, device)
        self.watcher = None if lesson.validation is None else _selection(self.task, self.config, lesson.validation)
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
    robust = recognizer.robust is not None
    method = chosen_method(recognizer.method, has_unlabeled=has_unlabeled, has_generated=has_generated, robust=robust)
    config = choices_of(recognizer, method)
    if config.robust is not None:
        config = config.model_copy(update={"robust": config.robust.of_images(lesson.shape)})
    if recognizer.updates is None and "updates" not in (recognizer.settings or {}) and is_tiny(lesson.labeled):
        config = config.model_copy(update={"updates": config.updates_of_tiny})
    return method, config


def choices_of(recognizer: Recognizer, method: str) -> MethodConfig:
    """The choices of a method, with those that the parameters give."""
    if recognizer.robust is not None:
        required(recognizer.robust)
    given = {setting: value for name, setting in OWN.items() if (value := getattr(recognizer, name)) is not None}
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


def _take_features(net: StridedClassifier, start: Recognizer) -> None:
    """Puts a recognizer's weights into a network, all but the last layer's; InputError where they do not fit."""
    own, theirs = net.state_dict(), start.trained().net.state_dict()
    taken = {name: tensor for name, tensor in theirs.items() if not name.startswith("logits.")}
    if other := [name for name, tensor in taken.items() if tensor.shape != own[name].shape]:
        raise InputError(
            f"the recognizer to start from has another network, or images of another form ({other[0]} is "
            f"{tuple(taken[other[0]].shape)}, not {tuple(own[other[0]].shape)}): take one with the same base, "
            "dimension and image size"
        )
    net.load_state_dict(own | taken)


def _task_of(
    net: StridedClassifier,
    recognizer: Recognizer,
    config: MethodConfig,
    lesson: Lesson,
    teacher: Recognizer | None,
    processes: Processes,
) -> RecognizerTask:
    device = machine.choose_device(recognizer.device)
    weight = settled_weight(recognizer.class_weight, lesson, retrained=config.retraining > 0)
    share = recognizer.generated_share if config.stages is None else 0.0  # two stages end with the real images alone
    common: dict[str, Any] = {
        "learning_rate": config.learning_rate,
        "weight_decay": config.weight_decay,
        "seed": recognizer.seed,
        "device": device,
        "precision": machine.choose_precision(recognizer.precision, device),
        "labeled_loss": labeled_loss(weight, lesson, share, device),
        "processes": processes,
    }
    if config.semi is None:
        common |= {
            "augment": Augmenting(config.augment, config.mixing),
            "teacher": None if teacher is None else teacher.reading(lesson.shape, device),
        }
        if config.stages is not None:
            common["first"] = labeled_loss(weight, lesson, 1.0, device)
            return _of_stages(net, config, lesson, common)
        if config.robust is not None:
            return RobustTask(net, robust=config.robust, updates=config.updates, batch=config.batch, **common)
        if not config.retraining:
            return RecognizerTask(net, **common)
        asked = weight if isinstance(weight, Mapping) else None  # the others say how uneven classes are evened out
        again = labeled_loss(asked, lesson, recognizer.generated_share, device)
        start, drawn = _retrained_from(config), config.drawn_features
        return RetrainedTask(net, start=start, again=again, labeled=lesson.labeled, drawn=drawn, **common)
    if teacher is not None:
        raise InputError("a teacher takes the place of labels: choose the method supervised or augment")
    return SemiTask(net, config.semi, shape=lesson.shape, **common)


def _of_stages(net: StridedClassifier, config: MethodConfig, lesson: Lesson, common: dict[str, Any]) -> RecognizerTask:
    """The task of a method with two stages; InputError where the first has nothing to teach."""
    assert config.stages is not None
    common |= {"start": config.stages.start(config.updates, config.batch), "rate": config.stages.rate}
    if config.stages.teaches == "labels":
        return TwoStageTask(net, **common)
    if not isinstance(lesson.generated, FreshSamples):
        raise InputError(
            "the method begins with what a GAN's discriminator sees, and generated images alone bring none: give "
            "fresh ones (--generated fresh)"
        )
    return FeatureStartTask(net, gan=lesson.generated.origins[0].gan, **common)


def _selection(task: RecognizerTask, config: MethodConfig, validation: ImageSet) -> Selection:
    """By the images as they are, or attacked where attacks are to be withstood."""
    if config.robust is None:
        return Selection(task, validation)
    return RobustSelection(task, validation, Attack.of_config(config.robust))


def _data_of(recognizer: Recognizer, config: MethodConfig, lesson: Lesson, device: torch.device) -> BatchSource:
    """Where the batches come from; labels of generated images are the real ones'."""
    seed, share = recognizer.seed, recognizer.generated_share
    real = ResidentData(lesson.labeled, seed=seed, device=device)
    generated = _generated_data(lesson, seed, device)
    labeled = real if generated is None else MixedData(real, generated, share=share)
    if config.semi is not None:
        assert lesson.unlabeled is not None
        if isinstance(lesson.generated, FreshSamples) and lesson.generated.soft is not None:
            raise InputError(
                "soft labels of generated images are for methods that learn from labels alone: leave out one"
            )
        unlabeled = ResidentData(lesson.unlabeled, seed=seed, device=device)
        return SemiData(labeled, unlabeled, count=config.semi.labeled)
    if config.stages is not None and generated is not None:
        first: BatchSource = generated
        if config.stages.teaches == "features":
            whole = ResidentData(lesson.real, seed=seed, device=device)
            first = MixedData(whole, generated, share=share)
        return StagedData(first, real, start=config.stages.start(config.updates, config.batch))
    if not config.retraining:
        return labeled
    balanced = _generated_data(lesson, seed, device, balanced=True)
    again = BalancedData(real) if balanced is None else MixedData(BalancedData(real), balanced, share=share)
    return StagedData(labeled, again, start=_retrained_from(config))


def _generated_data(lesson: Lesson, seed: int, device: torch.device, *, balanced: bool = False) -> BatchSource | None:
    """The generated images of a lesson, or None; `balanced`: all classes equally often."""
    generated = lesson.generated
    if generated is None:
        return None
    if isinstance(generated, FreshSamples):
        fresh = generated.evened_out() if balanced else generated
        return FreshData(fresh, lesson.numbers_of(fresh), classes=len(lesson.classes), device=device)
    resident = ResidentData(generated, seed=seed, device=device)
    return BalancedData(resident) if balanced else resident


def _retrained_from(config: MethodConfig) -> int:
    """The position from which the last layer alone learns."""
    return (config.updates - ceil(config.retraining * config.updates)) * config.batch
