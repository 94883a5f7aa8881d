"""The study: does a GAN make a recognizer of these images better, by how much, and how sure is that?"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.errors import InputError, InterruptedRun
from elmyr.evaluation import FEWEST_FOR_FIGURES, common_count, evaluate
from elmyr.files import read_json, write_json
from elmyr.gan import GAN
from elmyr.images import (
    AS_IT_IS,
    Shaping,
    Source,
    Splits,
    class_rows,
    load_images,
    open_source,
    save_png,
    split_source,
)
from elmyr.metrics import PairedDifference, paired_difference
from elmyr.recognition import default_updates
from elmyr.studies.arms import ARMS, Arm, ArmResult, train_arm
from elmyr.training import RunDirectory, train
from elmyr.training.plan import make_plan
from elmyr.training.rundir import new_directory

STUDIES = Path("studies")
FEWEST_GENERATED = 10_000
GENERATED_SEED = 4  # none of those that the figures are taken with
SHOWN_PER_CLASS, SHOWN_SCALE = 10, 4


@dataclass(frozen=True)
class Study:
    """A finished study: its directory and what `study.json` holds."""

    path: Path
    content: dict[str, Any]

    @property
    def verdict(self) -> dict[str, Any]:
        """Outcome, sentence, difference with its 95 % interval, and the two arms that it compares."""
        return dict(self.content["verdict"])


@dataclass(frozen=True)
class _Trial:
    """An arm's results, a list entry a seed."""

    arm: Arm
    shares: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    correct: list[NDArray[np.bool_]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def study(
    data: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    seeds: int = 5,
    seed: int = 0,
    images: int | None = None,
    updates: int | None = None,
    preset: str = "residual",
    settings: tuple[str, ...] = (),
    device: str = "auto",
    precision: str = "auto",
    data_root: str | os.PathLike[str] | None = None,
    shaping: Shaping = AS_IT_IS,
    quiet: bool = True,
    say: Callable[[str], None] = lambda line: None,
) -> Study:
    """Trains a GAN and the recognizers of five arms for each seed, and compares the best arm with and without the GAN.

    A seed is a new split, a new GAN and new recognizers; `seed` is the first of `seeds`. `images` is each GAN's budget,
    `updates` each recognizer's; both follow from the image size where not given. The arms with a GAN share the seed's
    GAN, which has seen the training part only; its images have the classes in equal numbers. Shares and best arms are
    chosen on validation; the test part only measures. Raises InputError before anything is written.
    """
    started = time.monotonic()
    source = open_source(data, data_root, shaping)
    updates = updates if updates is not None else default_updates(source.train)
    _check(source, seeds, updates)
    options: dict[str, Any] = {
        "preset": preset,
        "images": images,
        "settings": settings,
        "device": device,
        "precision": precision,
        "data_root": data_root,
        "shaping": shaping,
    }
    config = make_plan(data, seed=seed, **options).config  # refuses what cannot be trained
    if not config.gan.classes:
        raise InputError("a study needs a GAN that knows the classes: leave out --set conditional=false")
    images, numbers = config.loop.images, list(range(seed, seed + seeds))
    folder = new_directory(out, parent=STUDIES, name=source.name)
    say(f"study of {source.name}: {seeds} seeds, {len(ARMS)} arms, in {folder}")

    runs: list[RunDirectory] = []
    gan_seconds: list[float] = []
    tested: list[NDArray[np.int64]] = []
    trials = [_Trial(arm) for arm in ARMS]
    for number in numbers:
        splits = split_source(source, number, shaping)
        tested.append(splits.test_indices)
        say(f"seed {number}: training a GAN on {len(splits.train):,} images, {images:,} seen")
        gan_started = time.monotonic()
        try:
            runs.append(train(data, out=folder / "runs" / f"seed-{number}", seed=number, quiet=quiet, **options))
        except InterruptedRun as stopped:
            raise _interruption(stopped, folder) from None
        gan = GAN.load(runs[-1].path, device=device, precision=precision)
        generated = gan.sample(max(len(splits.train), FEWEST_GENERATED), balanced=True, seed=GENERATED_SEED)
        gan_seconds.append(time.monotonic() - gan_started)
        for trial in trials:
            try:
                result = train_arm(
                    trial.arm, splits, generated, updates=updates, seed=number, device=device, precision=precision
                )
            except InterruptedRun as stopped:
                raise _interruption(stopped, folder) from None
            seconds = result.seconds + (gan_seconds[-1] if trial.arm.uses_gan else 0)
            _note(folder, trial, result, splits, number, seconds)
            say(f"seed {number}: {trial.arm.name}: {100 * result.validation_accuracy:.2f} % on validation")

    first = split_source(source, seed, shaping)
    evaluation = None
    if common_count(first) >= FEWEST_FOR_FIGURES:
        judged = evaluate(runs[0].path, data_root=data_root, device=device, precision=precision, say=say)
        evaluation = judged.as_json()
    else:
        say("too few held-out images for figures of the generated ones: they are left out")
    _show_pictures(folder, runs[0])
    content = {
        "name": source.name,
        "source": os.fspath(data),
        "classes": list(source.train.classes),
        "counts": {"train": len(first.train), "validation": len(first.validation), "test": len(first.test)},
        "seeds": numbers,
        "images": images,
        "recognizer_updates": updates,
        "preset": preset,
        "arms": [_arm_summary(trial) for trial in trials],
        "verdict": _verdict(trials, tested, len(first.train)),
        "evaluation": evaluation,
        "environment": read_json(runs[0].environment),
        "commands": [_command(data, seeds, seed, updates, options | {"images": images})],
        "gan_seconds": [round(seconds, 1) for seconds in gan_seconds],
        "gan_runs": [str(run.path.relative_to(folder)) for run in runs],
        "seconds": round(time.monotonic() - started, 1),
    }
    write_json(folder / "study.json", content)
    return Study(folder, content)


def _interruption(stopped: InterruptedRun, folder: Path) -> InterruptedRun:
    message = f"the study stopped; what it has is in '{folder}', begin it again to get a verdict"
    return InterruptedRun(message, signal_number=stopped.exit_code - 128)


def _check(source: Source, seeds: int, updates: int) -> None:
    if seeds < 1:
        raise InputError(f"--seeds is {seeds}: at least 1 is needed, 5 give a fair interval")
    if updates < 1:
        raise InputError(f"--updates is {updates}: it is at least 1")
    labels = source.train.require_labels()
    if len(np.unique(labels)) < 2:
        raise InputError(
            f"'{source.name}' has one class, and a study compares recognizers of several: add images of another"
        )


def _note(folder: Path, trial: _Trial, result: ArmResult, splits: Splits, seed: int, seconds: float) -> None:
    """Keeps an arm's result with one seed, and writes its line into `results.jsonl`."""
    correct = result.correct_on(splits.test)
    trial.shares.append(result.share)
    trial.validation.append(result.validation_accuracy)
    trial.correct.append(correct)
    trial.seconds.append(round(seconds, 1))
    line = {
        "arm": trial.arm.name,
        "seed": seed,
        "share": result.share,
        "validation_by_share": result.validation_by_share,
        "validation_accuracy": result.validation_accuracy,
        "test_accuracy": float(correct.mean()),
        "seconds": round(seconds, 1),
    }
    with (folder / "results.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _verdict(trials: list[_Trial], tested: list[NDArray[np.int64]], training_images: int) -> dict[str, Any]:
    """The best arm with a GAN minus the best without, both chosen by mean validation accuracy, on the test part."""
    with_gan = max((t for t in trials if t.arm.uses_gan), key=lambda t: np.mean(t.validation))
    without = max((t for t in trials if not t.arm.uses_gan), key=lambda t: np.mean(t.validation))
    difference = paired_difference(with_gan.correct, without.correct, tested)
    return {
        "outcome": difference.outcome,
        "sentence": _sentence(difference, with_gan, without, training_images),
        "difference": difference.difference,
        "low": difference.low,
        "high": difference.high,
        "best_with": with_gan.arm.name,
        "best_without": without.arm.name,
        "seeds": difference.seeds,
        "images": difference.images,
    }


def _sentence(difference: PairedDifference, with_gan: _Trial, without: _Trial, training_images: int) -> str:
    count = f"With {training_images:,} labeled training images"
    before, after = (f"{100 * _test_mean(trial):.2f} %" for trial in (without, with_gan))
    sides = f"from {before} ('{without.arm.name}') to {after} ('{with_gan.arm.name}') of the test images"
    low, high = (f"{100 * end:+.2f}".replace("-", "\u2212") for end in (difference.low, difference.high))
    interval = f"{low} to {high} percentage points at 95 %"
    if difference.seeds == 1:
        interval += " (one seed: what another training would change is not in it)"
    words = {
        "better": f"{count}, the GAN makes the recognizer better: {sides}; {interval}.",
        "worse": f"{count}, the GAN makes the recognizer worse: {sides}; {interval}.",
        "no difference shown": f"{count}, no difference by the GAN is shown: {sides}; {interval}.",
    }
    return words[difference.outcome]


def _test_mean(trial: _Trial) -> float:
    return float(np.mean([correct.mean() for correct in trial.correct]))


def _show_pictures(folder: Path, run: RunDirectory) -> None:
    """The first seed's real and generated images, for the report and to look at."""
    for path in (run.real, run.generated, run.best, run.worst, run.pairs):
        if path.exists():  # the last three only where the held-out images are enough for figures
            shutil.copyfile(path, folder / path.name)
    generated = load_images(run.generated)
    save_png(class_rows(generated, SHOWN_PER_CLASS), folder / "generated.png", scale=SHOWN_SCALE)


def _arm_summary(trial: _Trial) -> dict[str, Any]:
    return {
        "name": trial.arm.name,
        "uses_gan": trial.arm.uses_gan,
        "share": trial.shares,
        "validation_accuracy": trial.validation,
        "test_accuracy": [float(correct.mean()) for correct in trial.correct],
        "seconds": trial.seconds,
    }


def _command(data: str | os.PathLike[str], seeds: int, seed: int, updates: int, options: Mapping[str, Any]) -> str:
    """The command that does this study again, with nothing left to defaults."""
    words = ["elmyr", "study", os.fspath(data), "--seeds", str(seeds), "--seed", str(seed), "--updates", str(updates)]
    for name in ("images", "preset", "device", "precision", "data_root"):
        if options[name] is not None:
            words += [f"--{name.replace('_', '-')}", str(options[name])]
    words += options["shaping"].as_words()
    for setting in options["settings"]:
        words += ["--set", setting]
    return shlex.join(words)
