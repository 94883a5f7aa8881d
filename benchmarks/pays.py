"""Do generated images pay, and beside which rivals? A regime a command; a row of JSON a fit, a process of its own each.

Rows that stand in --out already are not trained again, so that what was stopped goes on. All rivals of a seed learn
from the same images; the test images are read once, at the end, and nothing is chosen by them.

python benchmarks/pays.py rivals --data fashion-mnist --images-per-class 100 --seeds 0 1 --out rivals.jsonl \\
    affine strong mixup strong/cutmix photometric+flips auto
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from elmyr import Recognizer
from elmyr.core import machine
from elmyr.images import ImageSet, Shaping, Splits, open_source, parse_size, split_source
from elmyr.losses.policies.mixing import MIXINGS
from elmyr.tasks.recognition.learning.lesson import Lesson
from elmyr.tasks.recognition.learning.policy_choice import chosen_policy, with_policy

Row = dict[str, Any]
T = TypeVar("T")
ASKED = ("data", "size", "images_per_class", "seed", "rival", "updates", "base", "dimension")  # what a row answers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    regimes = parser.add_subparsers(dest="regime", required=True)
    rivals = regimes.add_parser("rivals", help="recognizers without a GAN: error and minutes of each policy")
    rivals.add_argument("rivals", nargs="+", metavar="POLICY[/MIXING]", help="as --set augment, and mixing, have them")
    rivals.add_argument("--data", default="fashion-mnist")
    rivals.add_argument("--data-root")
    rivals.add_argument("--size")
    rivals.add_argument("--images-per-class", type=int)
    rivals.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    rivals.add_argument("--updates", type=int, default=2000)
    rivals.add_argument("--base", type=int, default=32, help="channels of the first convolution")
    rivals.add_argument("--dimension", type=int, default=96, help="entries of the features")
    rivals.add_argument("--views", type=int, default=5, help="the test images also by the mean over so many views")
    rivals.add_argument("--processes", type=int, default=1)
    rivals.add_argument("--out", type=Path, required=True, help="a file of rows, which those that lack are added to")
    options = parser.parse_args()
    asked = [vars(options) | {"seed": seed, "rival": rival} for seed in options.seeds for rival in options.rivals]
    rows = answered(options.out, asked, _splits_of, rival_row, options.processes)
    tell(rows, options.rivals)


def answered(
    out: Path, asked: list[Row], opened: Callable[[Row], T], train: Callable[[Row, T], Row], processes: int
) -> list[Row]:
    """The row of each fit that is asked for: those that stand in the file, and the others, trained and added to it.

    opened: what a fit learns from and is judged by, which this process opens for it.
    """
    there = {_key(row): row for row in map(json.loads, out.read_text().splitlines())} if out.exists() else {}
    lacking = [fit for fit in asked if _key(fit) not in there]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn, max_tasks_per_child=1) as pool, out.open("a") as file:
        for row in pool.map(train, lacking, map(opened, lacking)):
            print(json.dumps(row), file=file, flush=True)
            there[_key(row)] = row
    return [there[_key(fit)] for fit in asked]


def _splits_of(asked: Row) -> Splits:
    return _opened(asked["data"], asked["data_root"], asked["size"], asked["images_per_class"], asked["seed"])


@lru_cache(maxsize=1)
def _opened(data: str, data_root: str | None, size: str | None, images_per_class: int | None, seed: int) -> Splits:
    shaping = Shaping(size=None if size is None else parse_size(size), images_per_class=images_per_class)
    return split_source(open_source(data, data_root, shaping), seed, shaping)


def rival_row(asked: Row, splits: Splits) -> Row:
    """One fit, its errors on the validation and on the test images, and the minutes of one core that it took."""
    torch.set_num_threads(1)
    started = time.process_time()
    recognizer = recognizer_of(asked)
    validation = splits.validation.images, splits.validation.require_labels()
    lesson = Lesson.of(splits.train.images, splits.train.require_labels(), validation=validation)
    choice = chosen_policy(recognizer, lesson)
    chosen = time.process_time()
    if choice is not None:
        recognizer = with_policy(recognizer, choice.policy)
    recognizer.fit(splits.train.images, splits.train.require_labels())
    trained = time.process_time()
    return {name: asked[name] for name in ASKED} | {
        "policy": recognizer.augment_,
        "reached": None if choice is None else dict(choice.reached) | {"mirrored": choice.mirrored},
        "training_images": len(splits.train),
        "validation_error": error(recognizer, splits.validation, 1),
        "test_images": len(splits.test),
        "error": error(recognizer, splits.test, 1),
        "views": asked["views"],
        "error_of_views": error(recognizer, splits.test, asked["views"]),
        "minutes": round((trained - started) / 60, 2),
        "minutes_of_choice": round((chosen - started) / 60, 2),
        "machine": platform.processor() or platform.machine(),
        "precision": machine.choose_precision("auto", machine.choose_device("auto")),
        "torch": torch.__version__,
    }


def recognizer_of(asked: Row) -> Recognizer:
    """Not fitted yet; a mixing alone is beside the policy affine."""
    policy, _, mixing = asked["rival"].partition("/")
    if policy in MIXINGS:
        policy, mixing = "affine", policy
    size = {name: asked[name] for name in ("updates", "base", "dimension")}
    settings = {"augment": policy, "mixing": mixing or "none"}
    return Recognizer(method="supervised", settings=settings, seed=asked["seed"], **size)


def error(recognizer: Recognizer, images: ImageSet, views: int) -> float:
    """The share of images that are read wrong."""
    return float(np.mean(recognizer.predict(images.images, average=views) != images.require_labels()))


def tell(rows: list[Row], rivals: list[str]) -> None:
    """A table: means over the seeds, and of each rival the paired difference to the first."""
    print("| rival | error on the test images | of several views | to the first, points | minutes | seeds |")
    print("| --- | --- | --- | --- | --- | --- |")
    first = _figures(rows, rivals[0], "error")
    for rival in rivals:
        errors, of_views = (_figures(rows, rival, name) for name in ("error", "error_of_views"))
        apart, minutes = 100 * (errors - first), _figures(rows, rival, "minutes").mean()
        told = " | ".join([_told(100 * errors), _told(100 * of_views), f"{apart.mean():+.2f} ± {_spread(apart):.2f}"])
        print(f"| {rival} | {told} | {minutes:.1f} | {len(errors)} |")


def _key(row: Row) -> str:
    return json.dumps([row[name] for name in ASKED])


def _figures(rows: list[Row], rival: str, name: str) -> Any:
    return np.array([row[name] for row in rows if row["rival"] == rival])


def _told(values: Any) -> str:
    return f"{values.mean():.2f} ± {_spread(values):.2f} %"


def _spread(values: Any) -> float:
    """The standard deviation over the seeds; 0 of a single one."""
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


if __name__ == "__main__":
    main()
