"""Recognizers, for the life of a run; and one trained from Python, in one call."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from sklearn.base import clone

from elmyr.core.amounts import Amount
from elmyr.core.calls import checked
from elmyr.core.errors import InputError
from elmyr.core.files import write_text
from elmyr.core.thread_counts import AUTO as CHOOSE_THREADS
from elmyr.core.thread_counts import Threads
from elmyr.engine.config import DataConfig, Settings
from elmyr.engine.loop import LoopConfig, Outcome
from elmyr.engine.processes import Processes
from elmyr.engine.rules import Resolved, flattened
from elmyr.engine.run import train
from elmyr.engine.saving.places import GAN_KIND, Run
from elmyr.engine.saving.run_directory import RunDirectory, open_run
from elmyr.engine.spec import Asked, Finished, Plan, RunOptions, Say, TaskSpec, hush
from elmyr.images import AS_IT_IS, Data, Shaping, lasting_name, open_source, source_of, split_source
from elmyr.tasks.recognition.generated.generated_ask import Factors, GeneratedAsk, Names
from elmyr.tasks.recognition.kept_scores import keep_reading
from elmyr.tasks.recognition.learning.class_weights import AUTO, told_of_weight
from elmyr.tasks.recognition.learning.fitting import OWN, Fitting, course_of, method_of
from elmyr.tasks.recognition.learning.methods import MethodConfig, read_method
from elmyr.tasks.recognition.learning.policy_choice import chosen_policy, with_policy, within_seconds
from elmyr.tasks.recognition.model_card import model_card
from elmyr.tasks.recognition.predicting.trained import KIND
from elmyr.tasks.recognition.recognizer import Recognizer
from elmyr.tasks.recognition.scores import read_through, told_of_balance
from elmyr.tasks.recognition.sources import RecognizerConfig, Sources, splits_of, without_thinned_labels

NOT_DECIDED = LoopConfig.of_budget(1, batch=1, decay_from=0)  # the course, until it is known what is learned from


@dataclass(frozen=True)
class LearnsFrom:
    """What else than the data a recognizer learns from, as `train_recognizer` has it."""

    unlabeled: Data | None = None
    instead: Data | None = None
    gan: Run | None = None
    teacher: Run | None = None
    validate: bool = True
    generated: GeneratedAsk = field(default_factory=GeneratedAsk)

    def __post_init__(self) -> None:
        if self.teacher is not None and (self.unlabeled is not None or self.gan is not None):
            raise InputError(
                "a teacher takes the place of labels and of generated images: leave out --unlabeled and --gan"
            )
        if self.gan is None and self.generated.asks:
            raise InputError(
                "--generated, --realism, --agreeing, --hardest, --truncation, --checkpoint and --soft-labels choose "
                "among generated images: name a GAN with --gan, or leave them out"
            )

    def as_config(self, data: str | os.PathLike[str], shaping: Shaping) -> dict[str, Any]:
        """The fields of a config: lasting names of sources, absolute paths of runs."""
        unlabeled, instead = (
            None if each is None else lasting_name(source_of(each, None, shaping))
            for each in (self.unlabeled, self.instead)
        )
        if unlabeled is not None and unlabeled == lasting_name(data):
            raise InputError(
                f"--unlabeled is '{os.fspath(data)}', the data itself, which holds the test images: leave it out; "
                "with --labels-per-class N the other training images are unlabeled"
            )
        return {
            "unlabeled": unlabeled,
            "instead": instead,
            "gan": _place(self.gan, GAN_KIND),
            "agreeing": _place(self.generated.agreeing, KIND),
            "soft_labels": _place(self.generated.soft_labels, KIND),
            **self.generated.as_config(),
            "teacher": _place(self.teacher, KIND),
            "validate_on_split": self.validate,
        }


@dataclass(frozen=True)
class RecognizerAsk:
    """What may be asked of a recognizer's training. recognizer: not fitted yet; its seed is the split's, too."""

    data: Data
    labels: Any = None
    recognizer: Recognizer = field(default_factory=lambda: Recognizer(method="auto", class_weight=AUTO))
    learns_from: LearnsFrom = field(default_factory=LearnsFrom)
    asked: Asked = field(default_factory=Asked)


class RecognizerTraining:
    """A recognizer's training; and the model, how accurate it is, and its model card at its end."""

    def __init__(self, config: RecognizerConfig, sources: Sources, processes: Processes) -> None:
        self.config, self.recognizer, self.test = config, config.recognizer, sources.splits.test
        self.fitting = Fitting(self.recognizer, sources.lesson, sources.given.get("teacher"), processes)
        self.task, self.data, self.watcher = self.fitting.task, self.fitting.data, self.fitting.watcher

    def finish(self, run: RunDirectory, outcome: Outcome) -> Finished:
        """Writes the model, what it predicts for the test images, and the model card."""
        recognizer = self.recognizer.learned(self.fitting, outcome.seconds)
        recognizer.preparation_ = self.config.data.shaping.preparation(recognizer.image_shape_)
        recognizer.save(run.model)
        reading = read_through(recognizer, self.test)
        keep_reading(run, recognizer, reading, self.test)
        write_text(run.path / "README.md", model_card(self.test.name, recognizer, reading))
        found = {name: value for name, value in reading.as_json().items() if name != "mistakes"}
        lines = list(reading.lines("test images", self.test.name))
        told = {"method": recognizer.method_, "augment": recognizer.augment_, "test": found}
        if recognizer.robust_ is not None:
            told["robust"] = recognizer.robust_.as_json()
        return Finished(told, lines, f"by the method {recognizer.method_}")


class RecognizerSpec(TaskSpec[RecognizerAsk, RecognizerConfig, Sources]):
    """Trains a classifier of images."""

    kind = KIND
    title = "recognizer"
    config = RecognizerConfig
    draws = False
    starts_with = ("recognizer", "average")

    def plan(self, ask: RecognizerAsk) -> Plan[RecognizerConfig, Sources]:
        """By the recognizer's parameters, and all that it learns from."""
        asked, recognizer = ask.asked, _as_asked(ask)
        _refuse_two_budgets(asked, recognizer)
        data = source_of(ask.data, ask.labels, asked.shaping)
        others = ask.learns_from.as_config(data, asked.shaping)
        whole = without_thinned_labels(asked.shaping)
        source = open_source(data, asked.data_root, whole, choose_size=True)
        splits = split_source(source, asked.seed, source.shaping)
        splits.train.require_labels()
        shaping = source.shaping.model_copy(update={"labels_per_class": asked.shaping.labels_per_class})
        config = RecognizerConfig(
            **asked.common(KIND),
            data=DataConfig.of(data, splits.train, data_root=asked.data_root, shaping=shaping, seed=asked.seed),
            loop=NOT_DECIDED,
            **others,
        )
        sources = Sources.of(config, splits)
        lesson = sources.lesson
        _refuse_unheard(config, *method_of(recognizer, lesson))
        if asked.budget is not None:
            batch = method_of(recognizer, lesson)[1].batch
            recognizer.set_params(updates=ceil(asked.budget / batch))
        teacher = sources.given.get("teacher")
        choosing = recognizer
        if config.minutes is not None:
            choosing = within_seconds(recognizer, lesson, 60 * config.minutes, teacher)
        choice = chosen_policy(choosing, lesson, teacher)
        recognizer = recognizer if choice is None else with_policy(recognizer, choice.policy)
        settled = recognizer.settled(lesson, teacher)  # refuses what cannot be trained
        _, choices = method_of(settled, lesson)
        decided = {
            "loop": course_of(choices.updates, choices.batch, watched=lesson.validation is not None),
            "digests": sources.digests(config),
            "parameters": settled.get_params(),
        }
        told = told_of_balance(tuple(map(str, lesson.classes)), lesson.class_counts.tolist())
        weighed = told_of_weight(settled.class_weight, retrained=choices.retraining > 0)
        balance = [f"{told} in the training images: {weighed}"] if told else []
        chosen = [] if choice is None else [Resolved("augment", choice.policy, choice.rule)]
        more = [] if choice is None else [choice.told]
        return Plan(config.model_copy(update=decided), sources, balance + more, chosen)

    def reopen(self, config: RecognizerConfig, data_root: str | os.PathLike[str] | None = None) -> Sources:
        """All that it learned from; InputError for what is not the same any more."""
        splits = splits_of(config, data_root)
        config.data.require_same(splits.train)
        sources = Sources.of(config, splits, data_root)
        digests = sources.digests(config)
        changed = [what for what, digest in config.digests.items() if digests.get(what) != digest]
        if changed:
            raise InputError(f"the run was trained on other {changed[0]} images: restore them, or train again")
        return sources

    def open(self, run: Run, *, device: str = "auto", precision: str = "auto") -> Recognizer:
        """The recognizer, which is always used in fp32."""
        return Recognizer.load(run, device=device)

    def begin(self, config: RecognizerConfig, inputs: Sources, processes: Processes, say: Say) -> RecognizerTraining:
        """With random weights."""
        return RecognizerTraining(config, inputs, processes)

    def following(self, run: RunDirectory) -> Sequence[str]:
        """Figures and predictions."""
        return f"elmyr recognizer evaluate {run.path}", f"elmyr predict {run.path} IMAGES"

    def networks(self, config: RecognizerConfig) -> Mapping[str, Any]:
        """The parameters that make them."""
        return {name: config.parameters[name] for name in ("base", "dimension")}

    def shared(self, config: RecognizerConfig) -> Mapping[str, int]:
        """The batch, and the parts of a method that learns from unlabeled images."""
        semi = _method_of(config).semi
        return {**super().shared(config), **({} if semi is None else semi.shared)}

    def settings(self, config: RecognizerConfig) -> Mapping[str, Any]:
        """The method's choices, by their dotted names."""
        return flattened(_method_of(config).model_dump(exclude={"about", "needs"}))


def _method_of(config: RecognizerConfig) -> MethodConfig:
    parameters = config.parameters
    own = {setting: parameters.get(name) for name, setting in OWN.items()}  # of older runs some are not there
    changes = (parameters["settings"] or {}) | {name: value for name, value in own.items() if value is not None}
    return read_method(parameters["method"], changes)


RECOGNIZER = RecognizerSpec()


@checked
def train_recognizer(
    data: Data,
    recognizer: Recognizer | None = None,
    *,
    labels: Any = None,
    out: str | os.PathLike[str] | None = None,
    images: Amount | None = None,
    minutes: Amount | None = None,
    unlabeled: Data | None = None,
    instead: Data | None = None,
    gan: Run | None = None,
    realism: float = 1.0,
    agreeing: Run | None = None,
    hardest: float = 1.0,
    generated: Amount | None = None,
    truncation: Factors = 1.0,
    checkpoint: Names = None,
    soft_labels: Run | None = None,
    teacher: Run | None = None,
    validate: bool = True,
    settings: Settings = (),
    data_root: str | os.PathLike[str] | None = None,
    shaping: Shaping = AS_IT_IS,
    deterministic: bool = False,
    threads: Threads = CHOOSE_THREADS,
    start_from: Run | None = None,
    keep_going: bool = False,
    track: str | None = None,
    quiet: bool = False,
    say: Say = hush,
) -> RunDirectory:
    """Trains a recognizer on the training part of an image set and returns its finished run directory.

    data: as `train` has it, with labels. recognizer: one that is not fitted yet (method and class weight "auto" where
    None); its seed is the split's, too. The budget is its method's, or `images` seen, in whole batches, or `minutes`.
    With `shaping.labels_per_class` the other training images are unlabeled ones; `unlabeled` names more of them,
    `instead` another source of the same classes, whose labeled images (all but its test part) take the place of the
    data's own, `gan` a run that makes labeled images to learn from; of these `realism`, `agreeing`, the run of a
    recognizer, and `hardest` choose as `chosen_samples` does. generated: how many there are (as many as training
    images where None), or "fresh": each is shown once; truncation, checkpoint: factors of the latents, and checkpoints
    in place of the finished model, one or several that take turns; soft_labels: a recognizer's run whose probabilities
    are the labels of fresh generated images. `teacher` names a recognizer's run whose reading of all training images
    takes the place of their labels. validate: whether the validation part chooses the weights and calibrates; then no
    figures should be taken on it. settings: over the method's choices, by their dotted names. All that follows: as
    `train` has it. Raises InputError before anything is written.
    """
    if recognizer is not None and not isinstance(recognizer, Recognizer):
        raise InputError("labels are given by their name, or beside the images: labels=y, or (images, y)")
    reader = recognizer or Recognizer(method="auto", class_weight=AUTO)
    of_reader = (reader.seed, settings, reader.device, reader.precision)
    asked = Asked(images, minutes, *of_reader, data_root, shaping, deterministic, start_from, threads)
    of_gan = GeneratedAsk(realism, agreeing, hardest, generated, truncation, checkpoint, soft_labels)
    learns_from = LearnsFrom(unlabeled, instead, gan, teacher, validate, of_gan)
    ask = RecognizerAsk(data, labels, reader, learns_from, asked)
    return train(RECOGNIZER, ask, RunOptions(out, keep_going, track, quiet, say))


def _as_asked(ask: RecognizerAsk) -> Recognizer:
    """A copy of the recognizer with what is asked of every training: seed, machine, and settings over its own."""
    copy: Recognizer = clone(ask.recognizer)
    asked, settings = ask.asked, {**(ask.recognizer.settings or {}), **ask.asked.parsed}
    copy.set_params(seed=asked.seed, device=asked.device, precision=asked.precision, settings=settings or None)
    return copy


def _refuse_two_budgets(asked: Asked, recognizer: Recognizer) -> None:
    budgets = {
        "--images": asked.budget,
        "--minutes": asked.minutes,
        "--updates": recognizer.updates,
        "--set updates": (recognizer.settings or {}).get("updates"),
    }
    given = [option for option, value in budgets.items() if value is not None]
    if len(given) > 1:
        raise InputError(f"both {given[0]} and {given[1]} are given: choose one")


def _refuse_unheard(config: RecognizerConfig, method: str, choices: MethodConfig) -> None:
    """InputError for images without labels that were asked for by name, where the method does not learn from them."""
    if config.unlabeled is not None and not choices.hears_unlabeled:
        other = "consistency" if config.gan is None else "gan-consistency"
        raise InputError(
            f"method '{method}' does not learn from images without labels: leave out --unlabeled, or take {other}"
        )


def _place(run: Run | None, kind: str) -> str | None:
    return None if run is None else os.path.abspath(open_run(run, kind).path)
