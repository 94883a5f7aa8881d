"""A recognizer's run from end to end: its directory, trained, resumed, finished."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from elmyr import seeds
from elmyr.calls import checked
from elmyr.errors import InputError
from elmyr.files import sha256_of, write_json, write_text
from elmyr.images import (
    AS_IT_IS,
    Data,
    ImageSet,
    Pixels,
    Shaping,
    Splits,
    lasting_name,
    load_images,
    open_source,
    source_of,
    split_source,
)
from elmyr.images.shaping import TROUBLES, labeled_places
from elmyr.recognition.choosing import chosen_samples
from elmyr.recognition.keeping import keep_reading
from elmyr.recognition.lesson import Lesson
from elmyr.recognition.modelcard import model_card
from elmyr.recognition.recognizer import Recognizer
from elmyr.recognition.scores import read_through, told_of_balance
from elmyr.recognition.trained import KIND
from elmyr.recognition.weights import AUTO, told_of_weight
from elmyr.runs import GAN_KIND, RUNS, Run
from elmyr.training.config import DataConfig
from elmyr.training.opening import open_gan
from elmyr.training.plan import config_of as gan_config_of
from elmyr.training.rundir import RunDirectory, config_as, new_directory, open_run
from elmyr.training.session import at_work, moved, refuse_groups, shown_progress, write_beginning

OF_THE_SPLIT = ("classes", "limit", "folds")  # what else than the seed decides which images the parts of a split have


class RecognizerConfig(BaseModel):
    """All choices of one run; `config.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["recognizer"] = KIND
    data: DataConfig
    unlabeled: str | None = Field(None, description="another source, of images without labels")
    instead: str | None = Field(None, description="another source, whose labeled images it learns from instead")
    gan: str | None = Field(None, description="the run whose generated images it learns from as well")
    realism: float = Field(1.0, description="the share of them that its discriminator finds most real")
    agreeing: str | None = Field(None, description="the run of a recognizer that classifies them as requested")
    teacher: str | None = Field(None, description="the run of a recognizer whose predictions replace labels")
    validate_on_split: bool = Field(True, description="whether the validation part chooses weights and calibrates")
    digests: dict[str, str] = Field({}, description="sha256 of each thing that it learns from")
    parameters: dict[str, Any] = Field({}, description="of the recognizer, none left open")


@checked
def train_recognizer(
    data: Data,
    recognizer: Recognizer | None = None,
    *,
    labels: Any = None,
    out: str | os.PathLike[str] | None = None,
    unlabeled: Data | None = None,
    instead: Data | None = None,
    gan: Run | None = None,
    realism: float = 1.0,
    agreeing: Run | None = None,
    teacher: Run | None = None,
    validate: bool = True,
    data_root: str | os.PathLike[str] | None = None,
    shaping: Shaping = AS_IT_IS,
    quiet: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> RunDirectory:
    """Trains a recognizer on the training part of an image set and returns its finished run directory.

    data: as `train` has it, with labels. recognizer: one that is not fitted yet (method and class weight "auto" where
    None); its seed is the split's, too. With `shaping.labels_per_class` the other training images are unlabeled ones;
    `unlabeled` names more of them, `instead` another source of the same classes, whose labeled images (all but its test
    part) take the place of the data's own, `gan` a run that makes labeled images to learn from; of these `realism` and
    `agreeing`, the run of a recognizer, choose as `chosen_samples` does. `teacher` names a recognizer's run whose
    reading of all training images takes the place of their labels. validate: whether the validation part chooses the
    weights and calibrates; then no figures should be taken on it. Raises InputError before anything is written.
    """
    refuse_groups(KIND)
    if recognizer is not None and not isinstance(recognizer, Recognizer):
        raise InputError("labels are given by their name, or beside the images: labels=y, or (images, y)")
    if teacher is not None and (unlabeled is not None or gan is not None):
        raise InputError("a teacher takes the place of labels and of generated images: leave out --unlabeled and --gan")
    if gan is None and (realism != 1 or agreeing is not None):
        raise InputError(
            "--realism and --agreeing choose among generated images: name a GAN with --gan, or leave them out"
        )
    data, unlabeled, instead = (
        each if each is None else source_of(each, own, shaping)
        for each, own in ((data, labels), (unlabeled, None), (instead, None))
    )
    if unlabeled is not None and lasting_name(unlabeled) == lasting_name(data):
        raise InputError(
            f"--unlabeled is '{os.fspath(unlabeled)}', the data itself, which holds the test images: leave it out; "
            "with --labels-per-class N the other training images are unlabeled"
        )
    recognizer = recognizer or Recognizer(method="auto", class_weight=AUTO)
    shaping, splits = _opened(data, recognizer.seed, data_root, shaping)
    images = splits.train
    config = RecognizerConfig(
        data=DataConfig.of(data, images, data_root=data_root, shaping=shaping, seed=recognizer.seed),
        unlabeled=None if unlabeled is None else lasting_name(unlabeled),
        instead=None if instead is None else lasting_name(instead),
        gan=None if gan is None else os.path.abspath(open_run(gan, GAN_KIND).path),
        realism=realism,
        agreeing=None if agreeing is None else os.path.abspath(open_run(agreeing, KIND).path),
        teacher=None if teacher is None else os.path.abspath(open_run(teacher, KIND).path),
        validate_on_split=validate,
    )
    learned_from = _learned_from(config, splits, recognizer.device)
    lesson = _lesson_of(learned_from)
    settled = recognizer.settled(lesson, learned_from.get("teacher"))  # refuses what cannot be trained
    if told := told_of_balance(tuple(map(str, lesson.classes)), lesson.class_counts.tolist()):
        say(f"{told} in the training images: {told_of_weight(settled.class_weight)}")
    settings = {"digests": _digests(config, lesson), "parameters": settled.get_params()}
    config = config.model_copy(update=settings)
    run = RunDirectory(new_directory(out, parent=RUNS, name=f"{images.name}-recognizer"))
    write_beginning(run, config, device=settled.device, precision=settled.precision)
    _run_to_end(run, config, learned_from, splits.test, quiet, run.noting(say))
    return run


def resume_recognizer(
    name: Run,
    *,
    data: str | os.PathLike[str] | None = None,
    data_root: str | os.PathLike[str] | None = None,
    quiet: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> RunDirectory:
    """Resumes an interrupted run as if nothing had happened, and returns it finished.

    `data`: where its images lie by now, which the run keeps. Raises InputError where what it learned from is not the
    same any more.
    """
    refuse_groups(KIND)
    run = open_run(name, KIND)
    config = config_of(run)
    if data is not None:
        config = moved(run, config, {"data": config.data.at(data, data_root)}, _require_same_images)
    if run.finished:
        say(f"'{run.path}' is finished already: nothing to do")
        return run
    splits = splits_of(config, data_root)
    learned_from = _learned_from(config, splits, config.parameters["device"], data_root)
    digests = _digests(config, _lesson_of(learned_from))
    changed = [what for what, digest in config.digests.items() if digests.get(what) != digest]
    if changed:
        raise InputError(f"'{run.path}' was trained on other {changed[0]} images: restore them, or train again")
    _run_to_end(run, config, learned_from, splits.test, quiet, run.noting(say))
    return run


def config_of(run: RunDirectory) -> RecognizerConfig:
    """The config that a recognizer's run directory holds; InputError if it is not whole."""
    return config_as(run, RecognizerConfig)


def splits_of(config: RecognizerConfig, data_root: str | os.PathLike[str] | None = None) -> Splits:
    """The split of a run, opened again; its training part has all images, also those whose labels were not seen."""
    splits = config.data.opened(data_root, _whole(config.data.shaping))
    splits.train.require_labels()
    return splits


def _require_same_images(config: RecognizerConfig) -> None:
    config.data.require_same(splits_of(config).train)


def open_recognizer(name: Run, *, device: str = "auto") -> Recognizer:
    """The recognizer of a finished run (a path, or "latest"), or of a folder that `Recognizer.save` wrote."""
    return Recognizer.load(name, device=device)


def _opened(
    data: str | os.PathLike[str], seed: int, data_root: str | os.PathLike[str] | None, shaping: Shaping
) -> tuple[Shaping, Splits]:
    """The shaping as it is settled, and the split, its training part with all images, also those without labels."""
    source = open_source(data, data_root, _whole(shaping), choose_size=True)
    splits = split_source(source, seed, source.shaping)
    splits.train.require_labels()
    return source.shaping.model_copy(update={"labels_per_class": shaping.labels_per_class}), splits


def _whole(shaping: Shaping) -> Shaping:
    """The form of a split whose training part has all images, also those whose labels are not to be seen."""
    return shaping.model_copy(update={"labels_per_class": None})


def _learned_from(
    config: RecognizerConfig, splits: Splits, device: str, data_root: str | os.PathLike[str] | None = None
) -> dict[str, Any]:
    """What `Recognizer.fit` is given; labels are names of classes."""
    images, shaping, given = splits.train, config.data.shaping, dict[str, Any]()
    if config.teacher is not None:
        _refuse_other_eyes(config, config_of(open_run(config.teacher)).data, "--teacher")
        teacher = open_recognizer(config.teacher, device=device)
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
        _refuse_other_eyes(config, gan_config_of(open_run(config.gan)).data, "--gan")
        gan = open_gan(config.gan, device=device)
        if gan.config.classes != images.classes:
            raise InputError(
                f"'{config.gan}' makes the classes {', '.join(gan.config.classes) or '(none)'}, the images are of "
                f"{', '.join(images.classes)}: train it on these"
            )
        reader = None
        if config.agreeing is not None:
            _refuse_other_eyes(config, config_of(open_run(config.agreeing)).data, "--agreeing")
            reader = open_recognizer(config.agreeing, device=device)
        made = chosen_samples(gan, len(images), realism=config.realism, reader=reader, seed=seeds.LEARNED_FROM)
        given["generated"] = _named(made)
    if config.validate_on_split:
        given["validation"] = _named(splits.validation)
    return given


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
    sets = {
        "labeled": lesson.labeled,
        "unlabeled": lesson.unlabeled,
        "generated": lesson.generated,
        "validation": lesson.validation,
    }
    digests = {what: images.digest() for what, images in sets.items() if images is not None}
    if config.teacher is not None:
        digests["teacher's"] = sha256_of(open_run(config.teacher).model / "recognizer.safetensors")
    return digests


def _run_to_end(
    run: RunDirectory,
    config: RecognizerConfig,
    learned_from: Mapping[str, Any],
    test: ImageSet,
    quiet: bool,
    say: Callable[[str], None],
) -> None:
    recognizer = Recognizer(**config.parameters)
    total = recognizer.budget(_lesson_of(learned_from))
    with at_work(run, say, previews=False):
        with shown_progress(run, total, quiet=quiet) as listener:
            recognizer.fit(**learned_from, run=run, listener=listener, say=say)
        recognizer.preparation_ = config.data.shaping.preparation(recognizer.image_shape_)
        recognizer.save(run.model)
        reading, seconds = read_through(recognizer, test), round(recognizer.seconds_, 3)
        keep_reading(run, reading, test)
        write_text(run.path / "README.md", model_card(test.name, recognizer, reading))
        found = {name: value for name, value in reading.as_json().items() if name != "mistakes"}
        write_json(run.summary, {"images": total, "seconds": seconds, "method": recognizer.method_, "test": found})
    say(f"trained by the method {recognizer.method_}, {total:,} images in {seconds:,.0f} s: {run.path}")
    for line in reading.lines("test images", test.name):
        say(line)
