"""The best recognizer is put into `best/`, whole or not at all: the one that was kept, or trained again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from elmyr.core import machine
from elmyr.core.errors import InputError
from elmyr.core.files import read_json, write_text
from elmyr.engine.config import DataConfig
from elmyr.engine.saving.places import BEST, STUDY_SUMMARY
from elmyr.images import ImageSet
from elmyr.studies.arms import ARMS, Training, kept_recipe, train_arm
from elmyr.studies.best.card import card_of
from elmyr.studies.best.choosing import Chosen, Content, best_of_all, compared, interval_on_test
from elmyr.studies.best.keeping import for_people, place_of
from elmyr.studies.config import StudyConfig
from elmyr.studies.work.ledger import Ledger, Result
from elmyr.studies.work.pieces import Piece, Worker
from elmyr.tasks.recognition import Recognizer
from elmyr.tasks.recognition.learning.selection import fitted_temperature

Say = Callable[[str], None]


@dataclass(frozen=True)
class HandingOver:
    """A study at its end. content: what `study.json` is to hold, but for the best recognizer."""

    folder: Path
    config: StudyConfig
    content: Content
    worker: Worker
    quiet: bool = True
    say: Say = lambda line: None

    @property
    def chosen(self) -> Chosen:
        """What is handed over."""
        return best_of_all(self.config, self.content["cells"])


def hand_over(study: HandingOver) -> dict[str, Any]:
    """Puts the best recognizer into `best/`, where it is not there yet, and tells of it as JSON values."""
    told = _told(study)
    if len(told["compared"]) < len(study.content["cells"]):
        alike = "; ".join(told["compared"])
        study.say(f"the best recognizer is that of the scenarios that are judged by {told['measure']}: {alike}")
    if _is_there(study.folder, told):
        return told
    recognizer = _retrained(study) if study.config.retrain else _kept(study)
    beside = study.folder / f".{BEST}.{os.getpid()}.part"
    for left in study.folder.glob(f".{BEST}.*.part"):
        shutil.rmtree(left)
    recognizer.save(beside)
    write_text(beside / "README.md", card_of(recognizer, told, study.content))
    _put(beside, study.folder / BEST)
    return told


def _told(study: HandingOver) -> dict[str, Any]:
    chosen, config = study.chosen, study.config
    cell = study.content["cells"][chosen.cell]
    (arm,) = (each for each in cell["arms"] if each["name"] == chosen.arm)
    mean, low, high = interval_on_test(cell, arm)
    uses_run = ARMS[chosen.arm].needs_run
    place = config.seeds.index(chosen.seed)
    return {
        "folder": BEST,
        "cell": cell["name"],
        "compared": [each["name"] for each in compared(study.content["cells"])],
        "arm": chosen.arm,
        "about": ARMS[chosen.arm].about,
        "uses_gan": arm["uses_gan"],
        "seed": chosen.seed,
        "retrained": config.retrain,
        "measure": cell["measure"],
        "validation": arm["validation"][place],
        "test": mean,
        "low": low,
        "high": high,
        "accuracy": float(np.mean(arm["accuracy"])),
        "share": arm["share"][place],
        "recognizers": arm["recognizers"],
        "recipe": _recipe(study),
        "gan_run": cell["gan_runs"][place] if uses_run else None,
        "data": _learned_from(study).model_dump(mode="json"),
    }


def _recipe(study: HandingOver) -> str | None:
    """How generated images were used, where that was chosen."""
    chosen = study.chosen
    ground = study.worker.ground(Piece(chosen.cell, chosen.seed, chosen.arm))
    recipe = kept_recipe(ground, ARMS[chosen.arm])
    return None if recipe is None else recipe.told


def _learned_from(study: HandingOver) -> DataConfig:
    """The training part of the split that the handed over one was trained on, so that others know its test part."""
    chosen, config = study.chosen, study.config
    ground = study.worker.ground(Piece(chosen.cell, chosen.seed, chosen.arm))
    images = ground.labeled if ground.unlabeled is None else ground.unlabeled
    shaping = config.cells[chosen.cell].shaping
    return DataConfig.of(config.source, images, data_root=config.root, shaping=shaping, seed=chosen.seed)


def _is_there(folder: Path, told: Content) -> bool:
    """Whether `best/` holds that recognizer, by what the study wrote down when it last ended."""
    if not (folder / BEST / "recognizer.json").is_file() or not (folder / STUDY_SUMMARY).is_file():
        return False
    try:
        before = read_json(folder / STUDY_SUMMARY).get("best") or {}
    except (InputError, AttributeError):
        return False
    return all(before.get(name) == told[name] for name in ("cell", "arm", "seed", "retrained", "validation"))


def _kept(study: HandingOver) -> Recognizer:
    """The one that was kept, or trained again from its seed; its probabilities calibrated on the validation part."""
    chosen, config = study.chosen, study.config
    piece = Piece(chosen.cell, chosen.seed, chosen.arm)
    kept, ground = place_of(study.folder, piece.place(config)), study.worker.ground(piece)
    if (kept / "recognizer.json").is_file():
        recognizer = Recognizer.load(kept, device=config.device)
    else:
        study.say(f"training the best recognizer again: {chosen.arm}, seed {chosen.seed}")
        with machine.threads(config.threads):
            learned = train_arm(ARMS[chosen.arm], ground, updates=config.updates, quiet=study.quiet)
        known: Result = Ledger(study.folder).results()[piece.place(config)]
        if not np.array_equal(learned.read, known.read):
            study.say("this training of it differs a little from the one that was judged: another machine or elmyr")
        recognizer = for_people(learned.recognizer, ground.labeled, config.shaping)
    return _calibrated(recognizer, ground.validation)


def _retrained(study: HandingOver) -> Recognizer:
    """The best way to train it once more, with the validation part, too; calibrated as the one that was judged."""
    chosen, config = study.chosen, study.config
    temperature = _kept(study).temperature_
    ground = study.worker.ground(Piece(chosen.cell, chosen.seed, chosen.arm))
    whole, arm = ground.with_validation(), ARMS[chosen.arm]
    share = float(_told(study)["share"])
    study.say(f"training {chosen.arm} on the training and the validation part: {len(whole.labeled):,} labeled images")
    with machine.threads(config.threads):
        recognizer = arm.train(Training(arm, whole, share, config.updates))
    named = for_people(recognizer, whole.labeled, config.shaping)
    named.temperature_ = temperature
    return named


def _calibrated(recognizer: Recognizer, validation: ImageSet) -> Recognizer:
    """By one temperature, so that no prediction changes."""
    names = [str(each) for each in recognizer.classes_]
    places = np.array([names.index(name) for name in validation.classes], np.int64)
    images = ImageSet(validation.images, places[validation.require_labels()], tuple(names))
    recognizer.temperature_ = fitted_temperature(recognizer.net_, images)
    return recognizer


def _put(beside: Path, place: Path) -> None:
    """A folder in the place of another, which is there until the new one is whole."""
    before = place.with_name(f".{place.name}.{os.getpid()}.before.part")
    if place.exists():
        os.replace(place, before)
    os.replace(beside, place)
    shutil.rmtree(before, ignore_errors=True)
