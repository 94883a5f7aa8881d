import json
from pathlib import Path

import numpy as np
import pytest

from elmyr import study
from elmyr.errors import InputError
from elmyr.images import ImageSet, save_npz
from elmyr.studies.arms import ARMS
from elmyr.training.logbook import read_lines
from tests.conftest import small_image_set

pytestmark = pytest.mark.usefixtures("quick_extractor")
TINY = ("network.base=8", "batch=16")


def test_a_study_has_every_arm_and_seed_and_ends_in_a_verdict(tmp_path: Path) -> None:
    save_npz(small_image_set(240), tmp_path / "blobs.npz")
    options = {"seeds": 2, "images": 320, "updates": 20, "settings": TINY, "device": "cpu"}
    done = study(tmp_path / "blobs.npz", out=tmp_path / "study", **options)
    content = json.loads((done.path / "study.json").read_text())
    assert [arm["name"] for arm in content["arms"]] == [arm.name for arm in ARMS]
    assert all(len(arm["test_accuracy"]) == len(arm["share"]) == 2 for arm in content["arms"])
    lines = read_lines(done.path / "results.jsonl")
    assert {(line["arm"], line["seed"]) for line in lines} == {(arm.name, s) for arm in ARMS for s in (0, 1)}

    by_name = {arm["name"]: arm for arm in content["arms"]}
    verdict = content["verdict"]
    best = max((a for a in content["arms"] if not a["uses_gan"]), key=lambda a: np.mean(a["validation_accuracy"]))
    assert verdict["best_without"] == best["name"]
    difference = np.mean(by_name[verdict["best_with"]]["test_accuracy"]) - np.mean(best["test_accuracy"])
    assert verdict["difference"] == pytest.approx(difference)
    assert verdict["low"] <= verdict["difference"] <= verdict["high"]
    assert verdict["seeds"] == 2
    assert verdict["images"] > 60  # more than the 60 of one seed: the other has other test images
    assert by_name["generated"]["share"] == [1.0, 1.0]
    assert all(share > 0 for share in by_name["real + generated"]["share"])

    run = json.loads((done.path / "runs" / "seed-1" / "config.json").read_text())
    assert (run["seed"], run["data"]["split_seed"], run["loop"]["images"]) == (1, 1, 320)
    again = study(tmp_path / "blobs.npz", out=tmp_path / "again", **options)
    assert again.verdict == done.verdict
    assert again.content["evaluation"]["figures"] == done.content["evaluation"]["figures"]


def test_a_study_of_a_handful_of_images_ends_in_a_verdict_without_figures(tmp_path: Path) -> None:
    save_npz(small_image_set(12), tmp_path / "few.npz")
    done = study(tmp_path / "few.npz", out=tmp_path / "study", seeds=2, images=64, updates=5, settings=TINY)
    assert done.content["counts"] == {"train": 6, "validation": 3, "test": 3}
    assert done.content["evaluation"] is None
    assert done.verdict["outcome"] in ("better", "worse", "no difference shown")
    assert (done.path / "generated.png").is_file()


def test_a_study_needs_labels_and_two_classes(tmp_path: Path) -> None:
    images = small_image_set().images
    save_npz(ImageSet(images, None), tmp_path / "plain.npz")
    save_npz(ImageSet(images, np.zeros(len(images), np.int64), ("only",)), tmp_path / "one.npz")
    with pytest.raises(InputError, match="label"):
        study(tmp_path / "plain.npz", out=tmp_path / "out")
    with pytest.raises(InputError, match="one class"):
        study(tmp_path / "one.npz", out=tmp_path / "out")
    with pytest.raises(InputError, match="at least 1"):
        study("digits", out=tmp_path / "out", seeds=0)
    assert not (tmp_path / "out").exists()
