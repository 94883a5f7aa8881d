"""The rows of benchmarks/robustness.py: which are alike, of now and of before."""

import argparse
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elmyr import Recognizer
from elmyr.tasks.recognition import attacks
from elmyr.tasks.recognition.learning.methods import read_method
from tests.conftest import small_image_set

PLACE = Path(__file__).parents[3] / "benchmarks" / "robustness.py"
OLD: dict[str, Any] = {
    "what": "fit", "per_class": 100, "seed": 0, "share": 0.0, "updates": None, "settings": {}, "minutes": 10.0,
    "epsilon": 0.3, "clean": 0.9, "validation": 0.6, "robust": 0.5, "autoattack": None, "attacked": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def script() -> Any:
    found = importlib.util.spec_from_file_location("robustness", PLACE)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_rows_are_alike_only_where_all_that_was_asked_is(
    script: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    updates = read_method("robust").updates
    new = {**OLD, "data": "mnist", "gan_images": None, "updates": updates, "minutes_are": script.CORES, "seed": 1}
    others = [
        {**new, "epsilon": 0.1},
        {**new, "data": "cifar10"},
        {**new, "share": 0.5, "gan_images": 60_000, "robust": 0.6},
        {**new, "share": 0.5, "gan_images": 1_000_000, "robust": 0.4},
        {**new, "seed": 2, "minutes": 2.0, "minutes_are": script.CLOCK},
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, (OLD, new, *others))), encoding="utf-8")
    kinds = script.grouped(script.lines(tmp_path / "rows.jsonl"))
    assert sorted(map(sorted, kinds.values())) == [[0, 1, 2], [1], [1], [1], [1]]
    script.table(script.lines(tmp_path / "rows.jsonl"))
    printed = capsys.readouterr().out
    assert "50 %: +10.00 (one seed), seeds [1]" in printed and "50 %: -10.00 (one seed), seeds [1]" in printed
    assert "| 10.0, 2.0 by the clock, 10.0 of cores |" in printed  # never a mean of them


def test_a_gan_of_another_budget_has_a_folder_of_its_own(script: Any) -> None:
    asked = {"runs": Path("runs"), "data": "/data/mnist.npz", "per_class": None, "seed": 3}
    places = [script.place(argparse.Namespace(**asked, images=images)) for images in ("60k", "1m")]
    assert places == [Path("runs/gan-mnist-all-60000-3"), Path("runs/gan-mnist-all-1000000-3")]


@pytest.mark.slow
def test_the_standard_attack_is_that_of_the_command(script: Any, capsys: pytest.CaptureFixture[str]) -> None:
    blobs = small_image_set(60)
    reader = Recognizer(updates=10, batch=16, base=4, dimension=8, device="cpu")
    reader.fit(blobs.images, np.array(blobs.classes)[blobs.require_labels()])
    left = script.standard(reader, blobs, 1e-4, 6)
    found = attacks.measuring.attack(reader, blobs, attacks.asked.AttackAsk(epsilons=(1e-4,), count=6))
    assert left == found.robust_accuracy(found.levels[0]).value and "6 of 6 images attacked" in capsys.readouterr().out
    assert script.standard(reader, blobs, 1e-4, 0) is None
