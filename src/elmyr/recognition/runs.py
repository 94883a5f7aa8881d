"""A recognizer's run from end to end: its directory, trained, resumed, finished."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from elmyr import machine
from elmyr.errors import InputError, InterruptedRun
from elmyr.files import write_json
from elmyr.gan import GAN
from elmyr.images import (
    AS_IT_IS,
    ImageSet,
    Pixels,
    Shaping,
    Splits,
    lasting_name,
    load_images,
    open_source,
    split_source,
)
from elmyr.images.shaping import training_places
from elmyr.recognition.lesson import Lesson
from elmyr.recognition.recognizer import Recognizer
from elmyr.training.config import DataConfig
from elmyr.training.progress import Listener, ProgressBar
from elmyr.training.rundir import RUNS, RunDirectory, new_directory, open_run

KIND: Literal["recognizer"] = "recognizer"
GENERATED_SEED = 4  # none of those that figures are taken with


class RecognizerConfig(BaseModel):
    """All choices of one run; `config.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["recognizer"] = KIND
    data: DataConfig
    unlabeled: str | None = Field(None, description="another source, of images without labels")
    gan: str | None = Field(None, description="the run whose generated images it learns from as well")
    teacher: str | None = Field(None, description="the run of a recognizer whose reading takes the place of labels")
    validate_on_split: bool = Field(True, description="whether the validation part chooses weights and calibrates")
    parameters: dict[str, Any] = Field(description="of the recognizer")


def train_recognizer(
    data: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    unlabeled: str | os.PathLike[str] | None = None,
    gan: str | os.PathLike[str] | None = None,
    teacher: str | os.PathLike[str] | None = None,
    validate: bool = True,
    data_root: str | os.PathLike[str] | None = None,
    shaping: Shaping = AS_IT_IS,
    quiet: bool = True,
    say: Callable[[str], None] = lambda line: None,
    **parameters: Any,
) -> RunDirectory:
    """Trains a recognizer on the training part of an image set and returns its finished run directory.

    With `shaping.labels_per_class` the other training images are unlabeled ones; `unlabeled` names more of them, `gan`
    a run that makes labeled images to learn from, `teacher` a recognizer's run whose reading of all training images
    takes the place of their labels. `parameters` are the `Recognizer`'s; its seed is the split's, too.
    validate: whether the validation part chooses the weights and calibrates; then it is no part of what figures should
    be taken on. Raises InputError before anything is written.
    """
    recognizer = Recognizer(**({"method": "auto"} | parameters))
    splits, images = _opened(data, recognizer.seed, data_root, shaping)
    config = RecognizerConfig(
        data=DataConfig(
            source=lasting_name(data),
            name=images.name,
            root=os.path.abspath(data_root) if data_root is not None else None,
            shaping=shaping,
            split_seed=recognizer.seed,
            images=len(images),
            digest=images.digest(),
        ),
        unlabeled=None if unlabeled is None else lasting_name(unlabeled),
        gan=None if gan is None else os.path.abspath(open_run(gan).path),
        teacher=None if teacher is None else os.path.abspath(open_run(teacher).path),
        validate_on_split=validate,
        parameters=recognizer.get_params(),
    )
    learned_from = _learned_from(config, splits, images)
    lesson = _lesson_of(learned_from)  # refuses what cannot be learned from
    recognizer.budget(lesson)
    run = RunDirectory(new_directory(out, parent=RUNS, name=f"{images.name}-recognizer"))
    surroundings = {"device": str(machine.choose_device(recognizer.device)), "started": _now()}
    write_json(run.environment, machine.environment() | surroundings)
    write_json(run.config, config.model_dump(mode="json"))
    _run_to_end(run, config, learned_from, quiet, run.noting(say))
    return run


def resume_recognizer(
    name: str | os.PathLike[str], *, quiet: bool = True, say: Callable[[str], None] = lambda line: None
) -> RunDirectory:
    """Goes on with an interrupted run as if nothing had happened, and returns it finished."""
    run = open_run(name)
    if run.finished:
        say(f"'{run.path}' is finished already: nothing to do")
        return run
    config = config_of(run)
    splits, images = _opened(config.data.source, config.data.split_seed, config.data.root, config.data.shaping)
    if images.digest() != config.data.digest:
        raise InputError(f"'{config.data.source}' is not what the run was trained on: restore it, or train anew")
    _run_to_end(run, config, _learned_from(config, splits, images), quiet, run.noting(say))
    return run


def config_of(run: RunDirectory) -> RecognizerConfig:
    """The config that a recognizer's run directory holds; InputError if it holds another, or none."""
    if run.kind != KIND:
        raise InputError(f"'{run.path}' holds no recognizer: train one with 'elmyr recognizer train DATA'")
    try:
        return RecognizerConfig.model_validate(run.read_config())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"'{run.config}' is no config of this elmyr ({where}: {first['msg']}): train again") from None


def open_recognizer(name: str | os.PathLike[str], *, device: str = "auto") -> Recognizer:
    """The recognizer of a finished run (a path, or "latest"), or of a folder that `Recognizer.save` wrote."""
    if os.path.isfile(os.path.join(name, "recognizer.json")):
        return Recognizer.load(os.fspath(name), device=device)
    run = open_run(name)
    config_of(run)
    if not run.finished:
        raise InputError(f"'{run.path}' is not finished: elmyr resume {run.path}")
    return Recognizer.load(run.model, device=device)


def _opened(
    data: str | os.PathLike[str], seed: int, data_root: str | os.PathLike[str] | None, shaping: Shaping
) -> tuple[Splits, ImageSet]:
    """The split, and its training part with all images, also those whose labels are not to be seen."""
    all_labels = shaping.model_copy(update={"labels_per_class": None})
    splits = split_source(open_source(data, data_root, all_labels), seed, all_labels)
    splits.train.require_labels()
    return splits, splits.train


def _learned_from(config: RecognizerConfig, splits: Splits, images: ImageSet) -> Mapping[str, Any]:
    """What `Recognizer.fit` is given; labels are names of classes."""
    given: dict[str, Any] = dict(zip("Xy", _named(images), strict=True))
    if config.data.shaping.labels_per_class is not None:
        seen = images.take(training_places(images, config.data.shaping, config.data.split_seed))
        given |= dict(zip("Xy", _named(seen), strict=True)) | {"unlabeled": images.images}
    if config.unlabeled is not None:
        form = Shaping(size=(images.height, images.width), channels=1 if images.channels == 1 else 3)
        more = load_images(config.unlabeled, data_root=config.data.root, shaping=form)
        parts = [given["unlabeled"]] if "unlabeled" in given else []
        given["unlabeled"] = np.concatenate([*(np.asarray(part[:]) for part in parts), more.in_memory()])
    if config.teacher is not None:
        teacher = open_recognizer(config.teacher)
        given = {"X": images.images, "y": teacher.predict(images.images), "teacher": teacher}
    if config.gan is not None:
        gan = GAN.load(config.gan)
        if gan.config.classes != images.classes:
            raise InputError(
                f"'{config.gan}' makes the classes {', '.join(gan.config.classes) or '(none)'}, the images are of "
                f"{', '.join(images.classes)}: train it on these"
            )
        given["generated"] = _named(gan.sample(len(images), seed=GENERATED_SEED))
    if config.validate_on_split:
        given["validation"] = _named(splits.validation)
    return given


def _named(images: ImageSet) -> tuple[Pixels, NDArray[np.str_]]:
    """Images and the names of their classes."""
    return images.images, np.array(images.classes)[images.require_labels()]


def _run_to_end(
    run: RunDirectory,
    config: RecognizerConfig,
    learned_from: Mapping[str, Any],
    quiet: bool,
    say: Callable[[str], None],
) -> None:
    recognizer = Recognizer(**config.parameters)
    started = time.monotonic()
    total = recognizer.budget(_lesson_of(learned_from))
    bar: AbstractContextManager[Listener | None] = nullcontext() if quiet else ProgressBar(run.path.name, total=total)
    try:
        with run.locked(), bar as listener:
            recognizer.fit(**learned_from, run=run, listener=listener)
    except KeyboardInterrupt:
        message = f"stopped; go on with: elmyr resume {run.path}"
        raise InterruptedRun(message, signal_number=signal.SIGINT) from None
    recognizer.save(run.model)
    seconds = time.monotonic() - started
    summary = {"images": total, "seconds": round(seconds, 3), "method": recognizer.method_}
    write_json(run.summary, summary)
    say(f"trained by the method {recognizer.method_}, {total:,} images in {seconds:,.0f} s: {run.path}")


def _lesson_of(learned_from: Mapping[str, Any]) -> Lesson:
    return Lesson.of(**{name: value for name, value in learned_from.items() if name != "teacher"})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
