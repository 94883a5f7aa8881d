"""Every option of every command changes what it says it changes: each command is run with it and without.

What is compared follows from the command: the config that a training or a study writes before it begins, the JSON
that a judgment prints, or the files that come of it. A command or an option without a line in `COMMANDS` fails.
"""

import gzip
import hashlib
import json
import re
import shutil
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import typer
from PIL import Image

from elmyr import GAN, Recognizer, Shaping, train
from elmyr.cli import main
from elmyr.cli.app import app
from elmyr.core import machine
from elmyr.core.errors import ElmyrError
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.images import ImageSet, save_images
from elmyr.tasks.gan.directions import find_directions, keep_directions
from elmyr.tasks.recognition import train_recognizer
from elmyr.tasks.restoration import train_restorer
from elmyr.tasks.translation import train_translator
from tests.conftest import small_image_set

TINY = ("--set", "network.base=8", "--set", "batch=16")
WIDE = ("--data", "{wide}", "--size", "8")
PIXELS = ("--extractor", "pixels", "--json")
ATTACK = ("--attack", "pgd", "--epsilon", "0.2", "--count", "30", "--steps", "3")
BRIEF = ("--images", "32", *TINY)


class Outcome(NamedTuple):
    """What can be seen of a command: its end, what it printed, the files it wrote, and the configs among them."""

    status: int
    out: str
    error: str
    files: dict[str, str]
    configs: dict[str, Any]

    @property
    def refusal(self) -> str:
        """What was said of a command that could not be carried out."""
        return self.error if self.status else ""


def config(seen: Outcome) -> Any:
    return seen.configs, seen.refusal


def printed(seen: Outcome) -> Any:
    return seen.out or seen.refusal


def written(seen: Outcome) -> Any:
    return seen.files or seen.refusal


def places(seen: Outcome) -> Any:
    return sorted(seen.files) or seen.refusal


def said(seen: Outcome) -> Any:
    return re.sub(r"[\d.,]+", "", seen.error)


def ended(seen: Outcome) -> Any:
    return seen.status


def needed(seen: Outcome) -> Any:
    """What a plan says of the seeds that are needed; its times may differ as they like."""
    return seen.out.partition("seeds needed")[2] or seen.refusal


def is_json(seen: Outcome) -> Any:
    """Whether what it printed is JSON, a line or more: figures and times may differ as they like."""
    try:
        return bool(seen.out) and all(isinstance(json.loads(line), dict | list) for line in seen.out.splitlines())
    except ValueError:
        return False


Aspect = Callable[[Outcome], Any]


@dataclass(frozen=True)
class Heard:
    """An option's words, those of both runs beside them, and what is seen of it where that is not the command's.

    base: the command in other words. on: other images than {blobs}. works: whether it is carried out where the command
    is otherwise stopped.
    """

    words: tuple[str, ...]
    given: tuple[str, ...] = ()
    base: tuple[str, ...] = ()
    on: str = "{blobs}"
    aspect: Aspect | None = None
    works: bool = False


@dataclass(frozen=True)
class Command:
    """Words that make a command run, what is seen of it, and how each of its options is heard.

    begins: whether it is stopped as soon as its config is written.
    """

    words: tuple[str, ...]
    aspect: Aspect
    options: dict[str, Heard | str]  # or the test that shows it
    begins: bool = False


def heard(*words: str, **how: Any) -> Heard:
    return Heard(words, **how)


SHAPING: dict[str, Heard | str] = {
    "--size": heard("--size", "12"),
    "--fit": heard("--fit", "pad", given=("--size", "16x8")),
    "--channels": heard("--channels", "3"),
    "--label-column": heard("--label-column", "kind", on="{table}"),
    "--range": heard("--range", "0:100"),
    "--classes": heard("--classes", "a,b"),
    "--limit": heard("--limit", "150"),
    "--folds": heard("--folds", "4"),
    "--images-per-class": heard("--images-per-class", "9"),
    "--imbalance": heard("--imbalance", "3"),
    "--label-noise": heard("--label-noise", "0.25"),
    "--labels-per-class": heard("--labels-per-class", "8"),
}
FORM = {
    name: SHAPING[name]
    for name in ("--size", "--fit", "--channels", "--label-column", "--range", "--classes", "--limit")
}
DEVICE = {"--device": heard("--device", "cuda:99"), "--threads": heard("--threads", "0")}
MACHINE = DEVICE | {"--precision": heard("--precision", "{precision}")}
JSON = {"--json": heard("--json", aspect=is_json)}
QUIET = {"--quiet": heard("--quiet", aspect=said)}
BRIGHTER = ("directions", "{gan}", "--by", "brightness", "--count", "512", "--judged", "4")
EDITED = ("edit", "{moving}", "{folder}", "--move", "brightness=1")
CHANGED = ("counterfactual", "{skilled}", "{folder}", "--gan", "{moving}")
PORT = {
    "--port": heard("--port", "{taken}"),
    "--next-port": heard("--next-port", given=("--port", "{taken}")),
}


def of_task(run: str, setting: str, small: tuple[str, ...]) -> dict[str, Heard | str]:
    """The lines of a training's life. run: one of its kind; small: words that make it quick."""
    return {
        "--images": heard("--images", "64"),
        "--minutes": heard("--minutes", "0.001", given=small),
        "--set": heard("--set", setting),
        "--from": heard("--from", run, given=small),
        "--deterministic": heard("--deterministic"),
        "--threads": heard("--threads", "1"),
        "--keep-going": "tests/e2e/test_life_of_a_run.py",
        "--track": heard("--track", "nowhere"),
        "--dry-run": heard("--dry-run", given=small),
    }


def of_training(*words: str, brief: tuple[str, ...], named: tuple[str, ...]) -> dict[str, Heard | str]:
    """The lines that every training has; `named` asks for it on images that lie under --data-root."""
    return {
        "--out": heard("--out", "there", aspect=places),
        "--seed": heard("--seed", "1"),
        **MACHINE,
        "--data-root": heard("--data-root", "{root}", base=(*words, *named)),
        **SHAPING,
        "--quiet": heard("--quiet", given=brief, aspect=said, works=True),
        "--json": heard("--json", given=brief, aspect=is_json, works=True),
    }


def of_prediction(*words: str) -> Command:
    """The command that reads images, under either of its names."""
    reads = (*words, "{reader}")
    return Command(
        (*reads, "{more}"),
        printed,
        {
            "--out": heard("--out", "there.csv", aspect=places),
            "--least": heard("--least", "1"),
            "--top": heard("--top", "1"),
            "--average": heard("--average", "3"),
            "--prepare": heard("--prepare", "digit"),
            "--bom": heard("--bom", given=("--out", "there.csv"), aspect=written),
            **DEVICE,
            "--data-root": heard("--data-root", "{root}", base=(*reads, "mnist")),
            **{name: line for name, line in FORM.items() if name != "--label-column"},
            "--fit": heard("--fit", "pad", base=(*reads, "{wide}")),
            **QUIET,
            **JSON,
        },
    )


COMMANDS: dict[str, Command] = {
    "train": Command(
        ("train", "{blobs}"),
        config,
        of_training("train", brief=BRIEF, named=("mnist",))
        | of_task("{gan}", "batch=8", TINY)
        | {"--preset": heard("--preset", "mlp"), "--rescue": heard("--rescue"), "--keep": heard("--keep", "7")},
        begins=True,
    ),
    "study": Command(
        ("study", "{blobs}"),
        config,
        of_training("study", brief=("--plan", "--budget", "1h", *BRIEF, "--updates", "2"), named=("mnist",))
        | {
            "--images": heard("--images", "64"),
            "--seeds": heard("--seeds", "2"),
            "--effort": heard("--effort", "standard"),
            "--borrow": heard("--borrow", "{more}"),
            "--retrain": heard("--retrain"),
            "--recognizers": heard("--recognizers", "2"),
            "--robust": heard("--robust", "8/255"),
            "--updates": heard("--updates", "3"),
            "--budget": heard("--budget", "1s", given=("--plan", *TINY), aspect=ended),
            "--plan": heard("--plan", given=BRIEF),
            "--detect": heard("--detect", "3", given=("--plan", "--updates", "2", *BRIEF), aspect=needed),
            "--seeds-at-most": heard("--seeds-at-most", "8"),
            "--processes": heard("--processes", "2", given=("--processes", "1")),
            "--cluster": heard("--cluster", "ray://127.0.0.1:{free}"),
            "--allow-duplicates": heard("--allow-duplicates"),
            "--preset": heard("--preset", "style"),
            "--set": heard("--set", "batch=8"),
        },
        begins=True,
    ),
    "sweep": Command(
        ("sweep", "{blobs}", "--set", "penalties.r1=1,2"),
        config,
        of_training("sweep", brief=("--plan", *BRIEF), named=("mnist", "--set", "penalties.r1=1,2"))
        | {
            "--set": heard("--set", "batch=8,16"),
            "--seeds": heard("--seeds", "2"),
            "--images": heard("--images", "64"),
            "--preset": heard("--preset", "mlp"),
            "--extractor": heard("--extractor", "pixels"),
            "--plan": heard("--plan", given=BRIEF),
            "--processes": heard("--processes", "2", given=("--processes", "1")),
            "--cluster": heard("--cluster", "ray://127.0.0.1:{free}"),
        },
        begins=True,
    ),
    "articles": Command(
        ("articles", "{blobs}", "--size", "28", "--only", "4"),
        config,
        {
            "--color": heard("--color", "{more}", base=("articles", "--only", "3", "--color", "{blobs}")),
            "--only": heard("--only", "0"),
            "--effort": heard("--effort", "full"),
            "--images": heard("--images", "64"),
            "--remedies": heard("--remedies"),
            "--seed": heard("--seed", "1"),
            "--out": heard("--out", "there", aspect=places),
            "--processes": heard("--processes", "2", given=("--processes", "1")),
            "--cluster": heard("--cluster", "ray://127.0.0.1:{free}"),
            "--data-root": heard("--data-root", "{root}", base=("articles", "mnist", "--size", "28", "--only", "4")),
            **FORM,
            "--fit": heard("--fit", "pad", base=("articles", "{wide}", "--size", "28", "--only", "4")),
            "--folds": SHAPING["--folds"],
            **MACHINE,
            "--quiet": "tests/studies/articles/test_articles.py",
            "--json": "tests/studies/articles/test_articles.py",
        },
        begins=True,
    ),
    "recognizer train": Command(
        ("recognizer", "train", "{blobs}"),
        config,
        of_training("recognizer", "train", brief=("--updates", "2"), named=("mnist",))
        | of_task("{reader}", "batch=64", ("--tiny",))
        | {
            "--method": heard("--method", "supervised"),
            "--unlabeled": heard("--unlabeled", "{more}", given=("--method", "consistency", "--set", "semi.labeled=8")),
            "--gan": heard("--gan", "{gan}"),
            "--realism": heard("--realism", "0.5", given=("--gan", "{gan}")),
            "--agreeing": heard("--agreeing", "{reader}", given=("--gan", "{gan}")),
            "--hardest": heard("--hardest", "0.5", given=("--gan", "{gan}")),
            "--generated": heard("--generated", "fresh", given=("--gan", "{gan}")),
            "--generated-share": heard("--generated-share", "0.8", given=("--gan", "{gan}")),
            "--truncation": heard("--truncation", "0.8,1.2", given=("--gan", "{gan}")),
            "--checkpoint": heard("--checkpoint", "16", given=("--gan", "{gan}")),
            "--soft-labels": heard("--soft-labels", "{reader}", given=("--gan", "{gan}")),
            "--target": heard("--target", "{more}"),
            "--translation": heard("--translation", "64", given=("--target", "{more}")),
            "--self-training": heard("--no-self-training", given=("--target", "{more}", "--translation", "64")),
            "--teacher": heard("--teacher", "{reader}"),
            "--class-weight": heard("--class-weight", "balanced"),
            "--robust": heard("--robust", "8/255"),
            "--tiny": heard("--tiny"),
            "--updates": heard("--updates", "3"),
            "--no-validation": heard("--no-validation"),
        },
        begins=True,
    ),
    "restorer train": Command(
        ("restorer", "train", "{blobs}"),
        config,
        of_training("restorer", "train", brief=("--images", "32"), named=("mnist",))
        | of_task("{restorer}", "noise=0", ("--set", "widths=[8,8]"))
        | {"--corruption": heard("--corruption", "noise:0.2")},
        begins=True,
    ),
    "translator train": Command(
        ("translator", "train", "{blobs}", "{more}"),
        config,
        of_training("translator", "train", brief=("--images", "32"), named=("mnist", "mnist"))
        | of_task("{translator}", "cycle=5", ("--set", "widths=[8,8]"))
        | {
            "--method": heard("--method", "contrastive"),
            "--paired": heard("--paired"),
            "--recognizer": heard("--recognizer", "{reader}"),
        },
        begins=True,
    ),
    "resume": Command(
        ("resume", "run"),
        config,
        {
            "--images": heard("--images", "48"),
            "--set": heard("--set", "batch=8"),
            "--data": heard("--data", "{others}"),
            "--data-root": heard("--data-root", "{root}", base=("resume", "named", "--images", "48")),
            "--keep-going": "tests/engine/test_survival.py",
            "--track": heard("--track", "nowhere"),
            "--threads": heard("--threads", "1", given=("--images", "48")),
            "--device": heard("--device", "cuda:99"),
            "--processes": heard("--processes", "2"),
            "--cluster": heard("--cluster", "ray://127.0.0.1:{free}"),
            **QUIET,
            **JSON,
        },
    ),
    "repeat": Command(
        ("repeat", "run"),
        places,
        {
            "--out": heard("--out", "there"),
            "--data": heard("--data", "{others}"),
            "--data-root": heard("--data-root", "{root}", base=("repeat", "named")),
            **QUIET,
            **JSON,
        },
    ),
    "sample": Command(
        ("sample", "{gan}", "-n", "6"),
        written,
        {
            "--count": heard("--count", "7"),
            "--out": heard("--out", "there.npz"),
            "--label": heard("--label", "b"),
            "--category": heard("--category", "0"),
            "--balanced": heard("--balanced", base=("sample", "{tail}", "-n", "6")),
            "--truncation": heard("--truncation", "1.5"),
            "--move": heard("--move", "brightness=2", base=("sample", "{moving}", "-n", "6")),
            "--set-figure": heard("--set-figure", "brightness=0.9", base=("sample", "{moving}", "-n", "6")),
            "--part": heard("--part", "2/2", base=("sample", "{gan}", "-n", "260")),
            "--checkpoint": heard("--checkpoint", "16"),
            "--seed": heard("--seed", "1"),
            **MACHINE,
            **QUIET,
            **JSON,
        },
    ),
    "interpolate": Command(
        ("interpolate", "{gan}", "--from", "a", "--to", "b", "--rows", "2"),
        written,
        {
            "--from": heard("--from", "c"),
            "--to": heard("--to", "c"),
            "--from-seed": heard("--from-seed", "1"),
            "--to-seed": heard("--to-seed", "1"),
            "--steps": heard("--steps", "3"),
            "--rows": heard("--rows", "3"),
            "--out": heard("--out", "there.gif"),
            "--checkpoint": heard("--checkpoint", "16"),
            **MACHINE,
            **QUIET,
            **JSON,
        },
    ),
    "directions": Command(
        (*BRIGHTER, "--json"),
        printed,
        {
            "--by": heard("--by", "contrast"),
            "--recognizer": heard("--recognizer", "{reader}"),
            "--count": heard("--count", "600"),
            "--judged": heard("--judged", "6"),
            "--seed": heard("--seed", "1"),
            **MACHINE,
            "--quiet": heard("--quiet", aspect=said, base=BRIGHTER),
            "--json": heard("--json", aspect=is_json, base=BRIGHTER),
        },
    ),
    "plot": Command(
        ("plot", "run"),
        written,
        {"--out": heard("--out", "there.svg"), "--all": heard("--all"), **QUIET, **JSON},
    ),
    "evaluate": Command(
        ("evaluate", "{samples}", "--data", "{blobs}", *PIXELS),
        printed,
        {
            "--against": heard("--against", "train"),
            "--data": heard("--data", "{more}"),
            "--stats": heard("--stats", "none.npz"),
            "--save-stats": heard("--save-stats", "there.npz", aspect=places),
            "--as": heard("--as", "pytorch-fid"),
            "--figures": heard("--figures", "vendi_score"),
            "--seed": heard("--seed", "1"),
            "--use": heard("--use"),
            "--extractor": heard("--extractor", "random"),
            "--extractor-seed": heard("--extractor-seed", "1", given=("--extractor", "random")),
            "--extractor-width": heard("--extractor-width", "8", given=("--extractor", "random")),
            "--extractor-weights": "tests/evaluation/test_own_extractors.py",
            **DEVICE,
            "--precision": heard("--precision", "{precision}", base=("evaluate", "run", *PIXELS)),
            "--data-root": heard("--data-root", "{root}", given=("--data", "mnist")),
            **SHAPING,
            "--fit": heard(
                "--fit", "pad", base=("evaluate", "{samples}", "--data", "{wide}", *PIXELS), given=("--size", "8")
            ),
            "--quiet": heard("--quiet", aspect=said, base=("evaluate", "{unlabeled}", "--data", "{blobs}", *PIXELS)),
            "--json": heard(
                "--json", aspect=is_json, base=("evaluate", "{samples}", "--data", "{blobs}", *PIXELS[:-1])
            ),
        },
    ),
    "compare": Command(
        ("compare", "{samples}", "{others}", "--data", "{blobs}", *PIXELS),
        printed,
        {
            "--against": heard("--against", "train"),
            "--data": heard("--data", "{more}"),
            "--seed": heard("--seed", "1"),
            "--use": heard("--use"),
            "--out": heard("--out", "there.html", aspect=places),
            "--as": heard("--as", "pytorch-fid"),
            "--figures": heard("--figures", "vendi_score"),
            "--extractor": heard("--extractor", "random"),
            "--extractor-seed": heard("--extractor-seed", "1", given=("--extractor", "random")),
            "--extractor-width": heard("--extractor-width", "8", given=("--extractor", "random")),
            "--extractor-weights": "tests/evaluation/test_own_extractors.py",
            **DEVICE,
            "--precision": heard("--precision", "{precision}", base=("compare", "{gan}", "{samples}", *PIXELS)),
            "--data-root": heard("--data-root", "{root}", given=("--data", "mnist")),
            **FORM,
            "--folds": SHAPING["--folds"],
            "--fit": heard(
                "--fit",
                "pad",
                base=("compare", "{samples}", "{others}", "--data", "{wide}", *PIXELS),
                given=("--size", "8"),
            ),
            "--quiet": heard("--quiet", aspect=said, given=("--out", "there.html")),
            "--json": heard(
                "--json", aspect=is_json, base=("compare", "{samples}", "{others}", "--data", "{blobs}", *PIXELS[:-1])
            ),
        },
    ),
    "survey": Command(
        ("survey", "run", "--port", "{free}"),
        printed,
        {
            "--results": heard("--results"),
            "--questions": heard("--questions", "6"),
            "--pairs": heard("--pairs"),
            "--show": heard("--show", "0.5"),
            "--seats": heard("--seats", "2"),
            "--seed": heard("--seed", "1"),
            **PORT,
            "--lang": heard("--lang", "zh"),
            **MACHINE,
            "--data-root": heard("--data-root", "{root}", base=("survey", "named", "--port", "{free}")),
            **QUIET,
            "--json": heard("--json", aspect=is_json, base=("survey", "run", "--results")),
        },
    ),
    "report": Command(
        ("report", "run"),
        written,
        {"--out": heard("--out", "there.html"), "--lang": heard("--lang", "zh"), **QUIET, **JSON},
    ),
    "serve": Command(
        ("serve", "{gan}", "--port", "{free}"),
        printed,
        {
            "--runs": heard("--runs", "elsewhere"),
            "--host": heard("--host", "0.0.0.0"),
            **PORT,
            "--token": heard("--token", "sixteen-signs-and-more"),
            "--memory": heard("--memory", "100"),
            **MACHINE,
            "--data-root": heard("--data-root", "{root}"),
            **QUIET,
        },
    ),
    "presets": Command(("presets",), printed, JSON),
    "doctor": Command(
        ("doctor",),
        printed,
        {"--bench": heard("--bench"), **MACHINE, **JSON},
    ),
    "predict": of_prediction("predict"),
    "recognizer apply": of_prediction("recognizer", "apply"),
    "explain": Command(
        ("explain", "{skilled}", "{folder}"),
        written,
        {
            "--target": heard("--target", "b"),
            "--method": heard("--method", "occlusion"),
            "--out": heard("--out", "there.png"),
            "--save-maps": heard("--save-maps", "there.npz"),
            "--check": heard("--check", aspect=printed),
            "--prepare": heard("--prepare", "digit"),
            "--limit": heard("--limit", "3", base=("explain", "{skilled}", "{blobs}")),
            **DEVICE,
            "--data-root": heard("--data-root", "{root}", base=("explain", "{skilled}", "mnist")),
            **QUIET,
            **JSON,
        },
    ),
    "edit": Command(
        EDITED,
        written,
        {
            "--move": heard("--move", "brightness=2"),
            "--label": heard("--label", "b"),
            "--from": heard("--from", "b"),
            "--recognizer": heard("--recognizer", "{reader}", aspect=printed),
            "--out": heard("--out", "there.npz"),
            "--prepare": heard("--prepare", "digit"),
            "--limit": heard("--limit", "2", base=("edit", "{moving}", "{blobs}")),
            "--seed": heard("--seed", "1"),
            **MACHINE,
            "--data-root": heard("--data-root", "{root}", base=("edit", "{moving}", "mnist", "--limit", "2")),
            **QUIET,
            **JSON,
        },
    ),
    "counterfactual": Command(
        CHANGED,
        written,
        {
            "--gan": heard("--gan", "{tail}"),
            "--target": heard("--target", "b"),
            "--judge": heard("--judge", "{reader}", aspect=printed),
            "--out": heard("--out", "there.png"),
            "--prepare": heard("--prepare", "digit"),
            "--limit": heard("--limit", "2", base=("counterfactual", "{skilled}", "{blobs}", "--gan", "{moving}")),
            "--seed": heard("--seed", "1"),
            **MACHINE,
            "--data-root": heard(
                "--data-root", "{root}", base=("counterfactual", "{skilled}", "mnist", "--gan", "{moving}")
            ),
            **QUIET,
            **JSON,
        },
    ),
    "export": Command(
        ("export", "{reader}", "--out", "left"),
        written,
        {
            "--out": heard("--out", "there", aspect=places),
            "--int8": heard("--int8"),
            "--opset": heard("--opset", "18"),
            "--data-root": heard("--data-root", "{root}", base=("export", "{named-reader}", "--out", "left", "--int8")),
            **QUIET,
            **JSON,
        },
    ),
    "recognizer evaluate": Command(
        ("recognizer", "evaluate", "{reader}", "--json"),
        printed,
        {
            "--data": heard("--data", "{more}"),
            "--against": heard("--against", "train"),
            "--average": heard("--average", "3"),
            "--gan": heard("--gan", "{restorer}"),
            "--mistakes": heard("--mistakes", "there.png", given=("--data", "{few}"), aspect=places),
            **DEVICE,
            "--data-root": heard("--data-root", "{root}", base=("recognizer", "evaluate", "{named-reader}", "--json")),
            "--json": heard("--json", aspect=is_json, base=("recognizer", "evaluate", "{reader}")),
        },
    ),
    "recognizer attack": Command(
        ("recognizer", "attack", "{skilled}", *ATTACK),
        printed,
        {
            "--data": heard("--data", "{more}"),
            "--attack": heard("--attack", "noise"),
            "--epsilon": heard("--epsilon", "0.1,0.3"),
            "--norm": heard("--norm", "L2"),
            "--count": heard("--count", "20"),
            "--minutes": heard("--minutes", "0.00000001"),
            "--steps": heard("--steps", "4"),
            "--restarts": heard("--restarts", "2"),
            "--average": heard("--average", "3"),
            "--seed": heard("--seed", "1"),
            "--through": heard("--through", "{restorer}"),
            "--out": heard("--out", "there", aspect=places),
            "--lang": heard("--lang", "zh", given=("--out", "there"), aspect=places),
            **DEVICE,
            "--data-root": heard("--data-root", "{root}", base=("recognizer", "attack", "{named-skilled}", *ATTACK)),
            **QUIET,
            **JSON,
        },
    ),
    "recognizer doubts": Command(
        ("recognizer", "doubts", "{few}", "--json", "--updates", "15"),
        printed,
        {
            "--out": heard("--out", "there.csv", aspect=places),
            "--picture": heard("--picture", "there.png", given=("--sure", "0.01"), aspect=places),
            "--dropped": heard("--dropped", "there.npz", aspect=places),
            "--corrected": heard("--corrected", "there.npz", aspect=places),
            "--sure": heard("--sure", "0.01"),
            "--gan": heard("--gan", "{gan}"),
            "--updates": heard("--updates", "3"),
            "--seed": heard("--seed", "1"),
            **MACHINE,
            "--data-root": heard("--data-root", "{root}", base=("recognizer", "doubts", "mnist", "--updates", "3")),
            **SHAPING,
            "--folds": heard("--folds", "2"),
            "--limit": heard("--limit", "30"),
            **QUIET,
            "--json": heard("--json", aspect=is_json, base=("recognizer", "doubts", "{few}", "--updates", "3")),
        },
    ),
    "recognizer label": Command(
        ("recognizer", "label", "{skilled}", "--out", "out.npz"),
        written,
        {
            "--out": heard("--out", "there.npz"),
            "--data": heard("--data", "{more}"),
            "--share": heard("--share", "0.3"),
            **DEVICE,
            "--data-root": heard(
                "--data-root", "{root}", base=("recognizer", "label", "{named-skilled}", "--out", "out.npz")
            ),
            **QUIET,
            **JSON,
        },
    ),
    "recognizer choose": Command(
        ("recognizer", "choose", "{reader}", "{skilled}"),
        printed,
        {
            "--data": heard("--data", "{more}"),
            **DEVICE,
            "--data-root": heard(
                "--data-root", "{root}", base=("recognizer", "choose", "{named-reader}", "{named-reader}")
            ),
            **JSON,
        },
    ),
    "recognizer methods": Command(("recognizer", "methods"), printed, JSON),
    "restorer apply": Command(
        ("restorer", "apply", "{restorer}", "{folder}", "--out", "out"),
        written,
        {
            "--out": heard("--out", "there"),
            "--mask": heard("--mask", "{masks}"),
            "--answers": heard("--answers", "2"),
            "--enlarge": heard("--enlarge", "2"),
            "--method": heard("--method", "inversion"),
            "--channels": heard("--channels", "3"),
            "--limit": heard("--limit", "2"),
            "--seed": heard("--seed", "1", given=("--answers", "2")),
            **MACHINE,
            "--data-root": heard(
                "--data-root", "{root}", base=("restorer", "apply", "{restorer}", "mnist", "--out", "out")
            ),
            **QUIET,
            **JSON,
        },
    ),
    "restorer evaluate": Command(
        ("restorer", "evaluate", "{restorer}", "--json", "--corruption", "noise:0.2"),
        printed,
        {
            "--recognizer": heard("--recognizer", "{reader}"),
            "--corruption": heard("--corruption", "noise:0.4"),
            "--against": heard("--against", "train"),
            "--limit": heard("--limit", "3"),
            "--out": heard("--out", "there.html", aspect=places),
            **MACHINE,
            "--data-root": heard("--data-root", "{root}", base=("restorer", "evaluate", "{named-restorer}")),
            "--json": heard(
                "--json", aspect=is_json, base=("restorer", "evaluate", "{restorer}", "--corruption", "noise:0.2")
            ),
        },
    ),
    "restorer damage": Command(
        ("restorer", "damage", "{folder}", "--corruption", "noise:0.2", "--out", "out"),
        written,
        {
            "--out": heard("--out", "there"),
            "--corruption": heard("--corruption", "noise:0.4"),
            "--channels": heard("--channels", "3"),
            "--limit": heard("--limit", "2"),
            "--seed": heard("--seed", "1"),
            "--data-root": heard(
                "--data-root", "{root}", base=("restorer", "damage", "mnist", "--corruption", "noise:0.2", "--out", "o")
            ),
            **QUIET,
            **JSON,
        },
    ),
    "restorer corruptions": Command(("restorer", "corruptions"), printed, JSON),
    "translator apply": Command(
        ("translator", "apply", "{translator}", "{folder}", "--out", "out"),
        written,
        {
            "--out": heard("--out", "there"),
            "--back": heard("--back"),
            "--channels": heard("--channels", "3"),
            "--limit": heard("--limit", "2"),
            "--seed": heard("--seed", "1", base=("translator", "apply", "{styled}", "{folder}", "--out", "out")),
            **MACHINE,
            "--data-root": heard(
                "--data-root", "{root}", base=("translator", "apply", "{translator}", "mnist", "--out", "out")
            ),
            **QUIET,
            **JSON,
        },
    ),
    "translator evaluate": Command(
        ("translator", "evaluate", "{translator}", "--json"),
        printed,
        {
            "--recognizer": heard("--recognizer", "{reader}"),
            "--against": heard("--against", "train"),
            "--limit": heard("--limit", "3"),
            "--out": heard("--out", "there.html", aspect=places),
            **MACHINE,
            "--data-root": heard("--data-root", "{root}", base=("translator", "evaluate", "{named-translator}")),
            "--json": heard("--json", aspect=is_json, base=("translator", "evaluate", "{translator}")),
        },
    ),
    "translator methods": Command(("translator", "methods"), printed, JSON),
    "data info": Command(
        ("data", "info", "{blobs}"),
        printed,
        {
            "--grid": heard("--grid", "there.png", aspect=places),
            "--label-column": SHAPING["--label-column"],
            "--data-root": heard("--data-root", "{root}", base=("data", "info", "mnist")),
            **JSON,
        },
    ),
    "data convert": Command(
        ("data", "convert", "{blobs}", "out.npz"),
        written,
        {
            "--data-root": heard("--data-root", "{root}", base=("data", "convert", "mnist", "out.npz")),
            **SHAPING,
            **QUIET,
            **JSON,
        },
    ),
}
SLOW = {("doctor", "--bench"), ("study", "--budget"), ("study", "--quiet")}
LINES = [
    pytest.param(name, option, marks=[pytest.mark.slow] if (name, option) in SLOW else [])
    for name, command in COMMANDS.items()
    for option in command.options
]


def test_every_option_has_a_line() -> None:
    assert {name: sorted(command.options) for name, command in COMMANDS.items()} == {
        name: sorted(max(one.opts, key=len) for one in known.params if one.param_type_name == "option")
        for name, known in _commands("", typer.main.get_command(app))
    }


def test_whatever_computes_takes_a_number_of_threads() -> None:
    assert all(("--device" not in command.options) or "--threads" in command.options for command in COMMANDS.values())


def _commands(name: str, known: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(known, "commands"):
        yield name, known
    for word, one in getattr(known, "commands", {}).items():
        yield from _commands(f"{name} {word}".strip(), one)


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What the commands are given, by its name in their words."""
    folder = tmp_path_factory.mktemp("things")
    blobs, more = small_image_set(180), small_image_set(160, seed=1)
    save_images(blobs, folder / "blobs.npz")
    save_images(more, folder / "more.npz")
    few, wrong = blobs.take(range(60)), np.arange(60) % 6 == 0  # a sixth of its labels
    save_images(replace(few, labels=np.where(wrong, (few.require_labels() + 1) % 3, few.labels)), folder / "few.npz")
    save_images(replace(blobs, images=np.concatenate([blobs.images, blobs.images], axis=2)), folder / "wide.npz")
    save_images(more.take(range(5)), folder / "folder")
    _write_table(blobs, folder / "table")
    save_images(small_image_set(5, seed=2), folder / "masks")
    _write_mnist(folder / "before" / "mnist")
    tiny: dict[str, Any] = {"network.base": 8, "batch": 16}
    reader, skilled = Recognizer(method="augment", updates=1), Recognizer(updates=30, base=8, dimension=16)
    for name, data, root in (("", folder / "blobs.npz", None), ("named-", "mnist", folder / "before")):
        at: dict[str, Any] = {"data_root": root}
        train(data, out=folder / f"{name}gan", images=32, settings=tiny, **at)
        train_recognizer(data, reader, out=folder / f"{name}reader", **at)
        train_recognizer(data, skilled, out=folder / f"{name}skilled", **at)
        train_restorer(data, out=folder / f"{name}restorer", images=16, **at)
        other = folder / "more.npz" if root is None else data
        train_translator(data, other, out=folder / f"{name}translator", images=16, **at)
    tail = Shaping(imbalance=8)
    train(folder / "blobs.npz", out=folder / "tail", images=16, settings=tiny, shaping=tail)
    styled = {"method": "contrastive", "settings": {"styled": True}, "images": 16}
    train_translator(folder / "blobs.npz", folder / "more.npz", out=folder / "styled", **styled)
    (folder / "before").rename(folder / "root")
    gan = GAN.load(folder / "gan")
    save_images(gan.sample(40, seed=7), folder / "samples.npz")
    save_images(gan.sample(40, seed=8), folder / "others.npz")
    shutil.copytree(folder / "gan", folder / "moving")
    moving = GAN.load(folder / "moving")
    keep_directions(moving, find_directions(moving, "brightness", count=512, judged=2))
    np.savez(folder / "unlabeled.npz", images=gan.sample(40, seed=7).images)
    names = ["blobs.npz", "more.npz", "few.npz", "wide.npz", "samples.npz", "others.npz", "unlabeled.npz"]
    paths = {path.removesuffix(".npz"): str(folder / path) for path in names}
    paths |= {path.name: str(path) for path in folder.iterdir() if path.is_dir()}
    usual = machine.choose_precision("auto", machine.choose_device())
    paths["precision"] = {"bf16": "fp32", "fp32": "bf16"}[usual]
    with socket.socket() as taken, socket.socket() as free:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        free.bind(("127.0.0.1", 0))
        ports = {"taken": str(taken.getsockname()[1]), "free": str(free.getsockname()[1])}
        free.close()
        yield paths | ports


def _write_table(images: ImageSet, folder: Path) -> None:
    """Image files beside a table with two columns of labels; by the second a third of the first class is of another."""
    folder.mkdir()
    rows = ["file,label,kind"]
    for number, (image, label) in enumerate(zip(images.images, images.require_labels(), strict=True)):
        Image.fromarray(image[..., 0]).save(folder / f"{number}.png")
        kind = 1 if number % 9 == 0 else label
        rows.append(f"{number}.png,{images.classes[label]},{images.classes[kind]}")
    (folder / "labels.csv").write_text("\n".join(rows))


def _write_mnist(folder: Path) -> None:
    """IDX files under the names of MNIST's."""
    folder.mkdir(parents=True)
    images = small_image_set(60)
    for part in ("train", "t10k"):
        for kind, array in (("images-idx3", images.images[..., 0]), ("labels-idx1", images.require_labels())):
            head = struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape)
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(head + array.astype(np.uint8).tobytes()))


class Begun(ElmyrError):
    """A command has written its config and would work from here on."""


@contextmanager
def _begun(run: RunDirectory) -> Iterator[None]:
    raise Begun("begun")
    yield


def _shown_survey(asked: Any, pictures: Mapping[str, ImageSet], **how: Any) -> None:
    """In place of a survey's page: what it is made of."""
    of_survey = {name: value for name, value in vars(asked).items() if isinstance(value, int | str)}
    print(of_survey, {side: images.digest() for side, images in pictures.items()}, how)


def _shown_workbench(service: Any, **how: Any) -> None:
    """In place of the workbench: what it is made of."""
    print(service.runs.folder, service.supervisor._command, how)


Run = Callable[[tuple[str, ...], bool], Outcome]
_KNOWN: dict[tuple[tuple[str, ...], bool], Outcome] = {}


@pytest.fixture
def run(
    things: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs a command in an empty folder with copies of two runs in it."""

    def outcome(words: tuple[str, ...], begins: bool) -> Outcome:
        place = tmp_path / hashlib.sha256(repr((words, begins)).encode()).hexdigest()[:8]
        place.mkdir()
        brought = {name: things[of] for name, of in (("run", "gan"), ("named", "named-gan")) if name in words}
        for name, path in brought.items():
            shutil.copytree(path, place / name)
        with monkeypatch.context() as inside:
            inside.chdir(place)
            inside.setattr("sys.argv", ["elmyr", *(word.format_map(things) for word in words)])
            inside.setattr("elmyr.evaluation.downstream.default_updates", lambda images: 5)
            inside.setattr("elmyr.serving.http.survey_app.survey_app", _shown_survey)
            inside.setattr("elmyr.serving.http.workbench_app.workbench_app", _shown_workbench)
            inside.setattr("elmyr.serving.http.start.serve_until_stopped", lambda app, listener, **how: None)
            if begins:
                inside.setattr(RunDirectory, "locked", _begun)
            capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                main()
        out, error = capsys.readouterr()
        assert "defect" not in error, error
        status = 0 if error.endswith("elmyr: begun\n") else int(ended.value.code or 0)
        made = {str(path.relative_to(place)): path for path in place.rglob("*") if path.is_file()}
        configs = {name: json.loads(path.read_text()) for name, path in made.items() if path.name == "config.json"}
        files = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in made.items()}
        return Outcome(status, out, error, files, configs)

    return outcome


def _known(run: Run, words: tuple[str, ...], begins: bool) -> Outcome:
    if (words, begins) not in _KNOWN:
        _KNOWN[words, begins] = run(words, begins)
    return _KNOWN[words, begins]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("name", "option"), LINES)
def test_an_option_is_heard(run: Run, name: str, option: str) -> None:
    command = COMMANDS[name]
    line = command.options[option]
    if isinstance(line, str):
        root = Path(__file__).parents[2]
        assert option in (root / line).read_text() or option[2:].replace("-", "_") in (root / line).read_text()
        return
    begins = command.begins and not line.works
    base = tuple(line.on if word == "{blobs}" else word for word in (*(line.base or command.words), *line.given))
    aspect = line.aspect or command.aspect
    without, with_it = _known(run, base, begins), run((*base, *line.words), begins)
    assert aspect(without) != aspect(with_it), without
