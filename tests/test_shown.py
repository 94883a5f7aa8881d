"""What a notebook or an interpreter shows of each thing: one short line, and a picture or a table."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elmyr import GAN, Recognizer, Restorer, Translator, evaluate
from elmyr.core.files import write_json
from elmyr.engine import RunDirectory
from elmyr.images import save_png
from elmyr.nets import NetworkConfig
from elmyr.studies import Study
from elmyr.tasks.gan.model import GANConfig
from tests.conftest import small_image_set


def gan() -> GAN:
    network = NetworkConfig(base=4, latent=4, embedding=4)
    config = GANConfig(height=8, width=8, channels=1, classes=("a", "b"), network=network)
    return GAN(config, *config.build(), trained={"images": 200_000}, device="cpu")


def run() -> RunDirectory:
    made = RunDirectory(Path("runs/<one>"))
    made.previews.mkdir(parents=True)
    save_png(np.zeros((8, 8, 1), np.uint8), made.preview(320))
    write_json(made.config, {})
    return made


def study() -> Study:
    verdict = {"outcome": "better", "sentence": "With <all> images it went up."}
    return Study(Path("studies/one"), {"cells": [{"name": "all images", "verdict": verdict}]})


def evaluation() -> Any:
    blobs = small_image_set(180)
    return evaluate(blobs, data=blobs, extractor="pixels")


THINGS: dict[str, tuple[Callable[[], Any], str]] = {
    "image set": (lambda: small_image_set(9), "ImageSet('blobs': 9 images, 8x8 gray, 3 classes)"),
    "GAN": (gan, "GAN(8x8 gray, 2 classes, 200,000 images seen)"),
    "run": (run, "RunDirectory('runs/<one>': GAN, unfinished)"),
    "study": (study, "Study('studies/one': all images: better)"),
    "evaluation": (evaluation, "Evaluation('blobs' beside 'blobs': "),
    "restorer": (Restorer, "Restorer('any', not trained yet)"),
    "translator": (Translator, "Translator('cycle', not trained yet)"),
    "recognizer": (Recognizer, "Recognizer()"),
}
DRAWN = {"image set": "<img", "GAN": "<img", "run": "<img", "study": "<table>", "evaluation": "<table>"}


@pytest.mark.parametrize("thing", THINGS)
def test_it_says_what_it_is_in_one_short_line(thing: str) -> None:
    make, told = THINGS[thing]
    line = repr(make())
    assert line.startswith(told) and "\n" not in line and len(line) <= 160


@pytest.mark.parametrize("thing", DRAWN)
def test_a_notebook_shows_a_picture_or_a_table(thing: str) -> None:
    shown = THINGS[thing][0]()._repr_html_()
    assert DRAWN[thing] in shown
    assert "<one>" not in shown and "<all>" not in shown  # what a user named is no HTML
