"""Images that cannot be judged by others, or by a way that needs labels: one line, before any work."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import small_image_set
from tests.e2e.test_bad_input import told


@pytest.fixture(autouse=True)
def files() -> None:
    real = small_image_set(160)
    np.savez("real.npz", images=real.images, labels=real.require_labels(), classes=np.array(real.classes))
    np.savez("unlabeled.npz", images=real.images)
    kinds: list[tuple[str, dict[str, Any]]] = [("wide", {"size": 16}), ("color", {"channels": 3}), ("few", {"n": 5})]
    for name, how in kinds:
        other = small_image_set(**{"n": 60, **how})
        np.savez(f"{name}.npz", images=other.images, labels=other.require_labels(), classes=np.array(other.classes))
    np.savez("others.npz", images=real.images, labels=real.require_labels(), classes=np.array(["x", "y", "z"]))


@pytest.mark.parametrize("command", [["evaluate"], ["compare", "real.npz"]], ids=["evaluate", "compare"])
@pytest.mark.parametrize(
    ("generated", "data", "more", "expected"),
    [
        ("wide.npz", "real.npz", [], "are 16x16 gray, the real ones 8x8 gray: .*--size 8x8"),
        ("color.npz", "real.npz", [], "are 8x8 RGB, the real ones 8x8 gray: .*--channels 1"),
        ("few.npz", "real.npz", [], "5 images are too few to compute figures: at least 16"),
        ("others.npz", "real.npz", [], "has the class 'x', the data do not: choose from: a, b, c"),
        ("unlabeled.npz", "unlabeled.npz", ["--extractor", "domain"], "learns from labels .* take --extractor pixels"),
        ("unlabeled.npz", "real.npz", ["--use"], "has no labels of several classes .* leave out --use"),
    ],
)
def test_what_cannot_be_judged_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    generated: str,
    data: str,
    more: list[str],
    expected: str,
) -> None:
    line = told(capsys, monkeypatch, *command, generated, "--data", data, "--extractor", "pixels", *more)
    assert re.search(expected, line), line


@pytest.mark.parametrize(
    "words",
    [
        ["study", "unlabeled.npz"],
        ["recognizer", "train", "unlabeled.npz"],
        ["recognizer", "doubts", "unlabeled.npz"],
        ["train", "unlabeled.npz", "--labels-per-class", "3"],
        ["train", "unlabeled.npz", "--set", "conditional=true"],
    ],
)
def test_what_needs_labels_says_so_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    assert "has no labels: sort its images into a folder for each class" in told(capsys, monkeypatch, *words)
    assert not Path("runs").exists() and not Path("studies").exists()
