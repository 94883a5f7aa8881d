"""What a recognizer's run learns from: labeled, unlabeled and generated images, another recognizer's predictions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.core.files import sha256_of
from elmyr.engine.config import DataConfig, RunConfig
from elmyr.engine.saving.places import Run
from elmyr.engine.saving.run_directory import RunDirectory, config_as, open_run
from elmyr.images import ImageSet, Pixels, Shaping, Splits, load_images
from elmyr.images.dataset.shaping import TROUBLES, labeled_places
from elmyr.tasks.gan.checkpoints import open_gan
from elmyr.tasks.gan.plan import config_of as gan_config_of
from elmyr.tasks.recognition.generated.fresh_samples import FreshSamples, Origin
from elmyr.tasks.recognition.generated.generated_ask import FRESH
from elmyr.tasks.recognition.judged_images import refuse_known
from elmyr.tasks.recognition.learning.chosen_samples import Choice, samples_of_choice
from elmyr.tasks.recognition.learning.fitting import course_of
from elmyr.tasks.recognition.learning.lesson import Generated, Lesson
from elmyr.tasks.recognition.predicting.trained import KIND
from elmyr.tasks.recognition.recognizer import Recognizer

OF_THE_SPLIT = ("classes", "limit", "folds")  # what else than the seed decides which images the parts of a split have


class RecognizerConfig(RunConfig):
    """All choices of a recognizer's run."""

    kind: Literal["recognizer"] = KIND
    data: DataConfig
    unlabeled: str | None = Field(None, description="another source, of images without labels")
    instead: str | None = Field(None, description="another source, whose labeled images it learns from instead")
    gan: str | None = Field(None, description="the run whose generated images it learns from as well")
    realism: float = Field(1.0, description="the share of them that its discriminator finds most real")
    agreeing: str | None = Field(None, description="the run of a recognizer that classifies them as requested")
    hardest: float = Field(1.0, description="the share of what is left of them that this one is least sure of")
    generated: int | Literal["fresh"] | None = Field(
        None, description="how many they are; fresh: none is shown twice; None: as many as training images"
    )
    truncations: tuple[float, ...] = Field((1.0,), description="factors of the GAN's latents, in turn")
    checkpoints: tuple[str, ...] = Field((), description="of the GAN, in turn; none: the finished model")
    soft_labels: str | None = Field(None, description="the run of a recognizer whose probabilities are their labels")
    teacher: str | None = Field(None, description="the run of a recognizer whose predictions replace labels")
    validate_on_split: bool = Field(True, description="whether the validation part chooses weights and calibrates")
    digests: dict[str, str] = Field({}, description="sha256 of each thing that it learns from")
    parameters: dict[str, Any] = Field({}, description="of the recognizer, none left open")

    @property
    def recognizer(self) -> Recognizer:
        """The recognizer, not trained yet."""
        return Recognizer(**self.parameters)

    def on(self, device: str) -> Self:
        """The same run on another device."""
        return self.model_copy(update={"device": device, "parameters": self.parameters | {"device": device}})

    def with_budget(self, images: int) -> Self:
        """With another budget, in whole batches, and the course that follows from it."""
        updates = ceil(images / self.loop.batch)
        loop = course_of(updates, self.loop.batch, watched=self.validate_on_split)
        return self.model_copy(update={"loop": loop, "parameters": self._parameters_for(updates)})

    def extended(self, images: int) -> Self:
        """With another budget on the way, in whole batches."""
        updates = ceil(images / self.loop.batch)
        longer = super().extended(updates * self.loop.batch)
        return longer.model_copy(update={"parameters": self._parameters_for(updates)})

    def _parameters_for(self, updates: int) -> dict[str, Any]:
        settings = {name: value for name, value in (self.parameters.get("settings") or {}).items() if name != "updates"}
        return self.parameters | {"updates": updates, "settings": settings or None}


@dataclass(frozen=True)
class Sources:
    """What a run learns from, opened: the split, its training part with all images, also those without labels."""

    splits: Splits
    given: Mapping[str, Any]  # what `Recognizer.fit` is given; labels are names of classes
    lesson: Lesson

    @classmethod
    def of(cls, config: RecognizerConfig, splits: Splits, data_root: str | os.PathLike[str] | None = None) -> Self:
        """What a config names, opened beside its split; InputError for what does not go together."""
        given = _given(config, splits, data_root)
        _refuse_what_knows_the_test(config, splits.test)
        return cls(splits, given, _lesson_of(given))

    def digests(self, config: RecognizerConfig) -> dict[str, str]:
        """The sha256 of each thing that is learned from."""
        return _digests(config, self.lesson)


def config_of(run: RunDirectory) -> RecognizerConfig:
    """The config that a recognizer's run directory holds; InputError if it is not whole."""
    return config_as(run, RecognizerConfig)


def splits_of(config: RecognizerConfig, data_root: str | os.PathLike[str] | None = None) -> Splits:
    """The split of a run, opened again; its training part has all images, also those whose labels were not seen."""
    return split_again(config.data, data_root)


def split_again(data: DataConfig, data_root: str | os.PathLike[str] | None = None) -> Splits:
    """The split of labeled images that a config names; its training part has all images."""
    splits = data.opened(data_root, without_thinned_labels(data.shaping))
    splits.train.require_labels()
    return splits


def open_recognizer(name: Run, *, device: str = "auto") -> Recognizer:
    """The recognizer of a finished run (a path, or "latest"), or of a folder that `Recognizer.save` wrote."""
    return Recognizer.load(name, device=device)


def without_thinned_labels(shaping: Shaping) -> Shaping:
    """The form of a split whose training part has all images, also those whose labels are not to be seen."""
    return shaping.model_copy(update={"labels_per_class": None})


def _given(config: RecognizerConfig, splits: Splits, data_root: str | os.PathLike[str] | None = None) -> dict[str, Any]:
    """What `Recognizer.fit` is given; labels are names of classes."""
    images, shaping, given = splits.train, config.data.shaping, dict[str, Any]()
    if config.teacher is not None:
        _refuse_other_eyes(config, config_of(open_run(config.teacher)).data, "--teacher")
        teacher = open_recognizer(config.teacher, device=config.device)
        given |= {"X": images.images, "y": teacher.predict(images.images), "teacher": teacher}
    else:
        seen = images
        if shaping.labels_per_class is not None:
            seen = images.take(labeled_places(images, shaping, config.data.split_seed))
        given["X"], given["y"] = _named(seen)
        if shaping.labels_per_class is not None:
            given["unlabeled"] = images.images
    if config.instead is not None:
        given["X"], given["y"] = _of_classes(images, _same_form(config.instead, images, data_root or config.data.root))
    if config.unlabeled is not None:
        more = _same_form(config.unlabeled, images, data_root or config.data.root)
        parts = [given["unlabeled"]] if "unlabeled" in given else []
        given["unlabeled"] = np.concatenate([*(np.asarray(part[:]) for part in parts), more.in_memory()])
    if config.gan is not None:
        given["generated"] = _generated(config, config.gan, images)
    if config.validate_on_split:
        given["validation"] = _named(splits.validation)
    return given


def _generated(config: RecognizerConfig, run: str, images: ImageSet) -> Generated:
    """What the GAN of a run makes to learn from; InputError for one of other classes."""
    _refuse_other_eyes(config, gan_config_of(open_run(run)).data, "--gan")
    gans = [open_gan(run, checkpoint=name, device=config.device) for name in config.checkpoints or (None,)]
    if gans[0].config.classes != images.classes:
        raise InputError(
            f"'{run}' makes the classes {', '.join(gans[0].config.classes) or '(none)'}, the images are of "
            f"{', '.join(images.classes)}: train it on these"
        )
    choice = Choice(config.realism, _judge(config, config.agreeing, "--agreeing"), config.hardest)
    soft = _judge(config, config.soft_labels, "--soft-labels")
    if config.generated is None and soft is None and len(gans) == 1 and config.truncations == (1.0,):
        return _named(samples_of_choice(gans[0], len(images), choice, seed=seeds.LEARNED_FROM))
    origins = [Origin(gan, truncation) for gan in gans for truncation in config.truncations]
    fresh = FreshSamples(origins, choice=choice, soft=soft)
    fresh.images(0, 1)  # tells at once where too few are good enough
    if config.generated == FRESH or soft is not None:
        return fresh
    return _named(fresh.images(0, config.generated or len(images)))


def _judge(config: RecognizerConfig, run: str | None, option: str) -> Recognizer | None:
    """The recognizer of a run that an option names; InputError where it knows what this run must not."""
    if run is None:
        return None
    _refuse_other_eyes(config, config_of(open_run(run)).data, option)
    return open_recognizer(run, device=config.device)


def _refuse_other_eyes(config: RecognizerConfig, theirs: DataConfig, option: str) -> None:
    """InputError for a GAN or a teacher that knows images or labels of the same source that this run must not know."""
    ours = config.data
    if theirs.source != ours.source:
        return
    if theirs.split_seed != ours.split_seed:
        raise InputError(
            f"{option} was trained on another split of '{ours.source}', and may know the images to be judged by: "
            f"give the --seed of its split, {theirs.split_seed}"
        )
    for name in (*OF_THE_SPLIT, *TROUBLES):
        here, there = (" ".join(data.shaping.only(name).as_words()) for data in (ours, theirs))
        if here and here != there:
            raise InputError(
                f"{option} was trained {f'with {there}' if there else f'without {here}'}, and may know images or "
                f"labels that {here} keeps from this run: train it with {here}"
            )
        if there and not here and name in OF_THE_SPLIT:
            raise InputError(
                f"{option} was trained with {there}, and may know the images to be judged by: give {there} here as well"
            )


def _refuse_what_knows_the_test(config: RecognizerConfig, test: ImageSet) -> None:
    """InputError for a GAN or a recognizer of other images than these, among which are some of the test part."""
    named = {
        "--gan": config.gan,
        "--teacher": config.teacher,
        "--agreeing": config.agreeing,
        "--soft-labels": config.soft_labels,
    }
    for option, run in named.items():
        if run is not None:
            directory = open_run(run)
            theirs = (config_of if directory.kind == KIND else gan_config_of)(directory).data
            if theirs.source != config.data.source:  # of the same source the splits are compared
                refuse_known(test, theirs, option)


def _same_form(source: str, images: ImageSet, data_root: str | os.PathLike[str] | None) -> ImageSet:
    """The training images of another source, in the size and the channels of these."""
    form = Shaping(size=(images.height, images.width), channels=1 if images.channels == 1 else 3)
    return load_images(source, data_root=data_root, shaping=form)


def _of_classes(images: ImageSet, others: ImageSet) -> tuple[Pixels, NDArray[np.str_]]:
    """Other images and the names of their classes; InputError for a class that these have not."""
    strange = next((name for name in others.classes if name not in images.classes), None)
    if strange is not None:
        raise InputError(f"'{others.name}' has the class '{strange}', '{images.name}' has not: leave it out")
    return _named(others)


def _named(images: ImageSet) -> tuple[Pixels, NDArray[np.str_]]:
    """Images and the names of their classes."""
    return images.images, np.array(images.classes)[images.require_labels()]


def _lesson_of(learned_from: Mapping[str, Any]) -> Lesson:
    given, teacher = dict(learned_from), learned_from.get("teacher")
    given.pop("teacher", None)
    return Lesson.of(**given, classes=None if teacher is None else teacher.classes_)


def _digests(config: RecognizerConfig, lesson: Lesson) -> dict[str, str]:
    sets: dict[str, ImageSet | FreshSamples | None] = {
        "labeled": lesson.labeled,
        "unlabeled": lesson.unlabeled,
        "generated": lesson.generated,
        "validation": lesson.validation,
    }
    digests = {what: images.digest() for what, images in sets.items() if images is not None}
    if config.teacher is not None:
        digests["teacher's"] = sha256_of(open_run(config.teacher).model / "recognizer.safetensors")
    return digests
