"""What a study hands over: the best recognizer by validation, with its card, opened like any other."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elmyr
from elmyr import Recognizer, study
from elmyr.core.errors import InputError
from elmyr.core.files import read_json, write_json
from elmyr.core.notes import Note, kept_notes
from elmyr.images import ImageSet, save_images, save_npz, split_source
from elmyr.studies import Study, resume_study
from elmyr.studies.best.card import card_of
from elmyr.studies.best.choosing import best_of_all, compared, interval_on_test
from elmyr.studies.best.keeping import for_people
from elmyr.studies.cell_data import opened
from elmyr.studies.config import StudyConfig
from elmyr.tasks.recognition import images_to_read
from elmyr.tasks.recognition.generated.generated_choice import Recipe
from tests.conftest import small_image_set

QUICK: dict[str, Any] = {"images": 64, "settings": ("network.base=8", "batch=16"), "device": "cpu"}
NAMES = ("owl", "cat", "dog")  # not in the order of the alphabet


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study whose recognizers learn something."""
    folder = tmp_path_factory.mktemp("handed")
    blobs = small_image_set(48)  # so few that no figures are taken of the GAN
    save_npz(ImageSet(blobs.images, blobs.labels, NAMES), folder / "blobs.npz")
    return study(folder / "blobs.npz", out=folder / "study", seeds=2, updates=10, **QUICK)


def config_of(done: Study) -> StudyConfig:
    return StudyConfig.model_validate(read_json(done.path / "config.json"))


def test_the_best_is_chosen_on_validation_whatever_it_is_made_of(done: Study) -> None:
    (cell,), best = done.content["cells"], done.content["best"]
    means = {arm["name"]: np.mean(arm["validation"]) for arm in cell["arms"]}
    assert means[best["arm"]] == max(means.values()) and best["arm"] == max(means, key=lambda name: means[name])
    (arm,) = (arm for arm in cell["arms"] if arm["name"] == best["arm"])
    assert best["validation"] == max(arm["validation"]) == arm["validation"][best["seed"]]
    assert best["low"] < best["test"] < best["high"] or best["test"] == best["high"] == 1
    assert best["test"] == pytest.approx(np.mean(arm["test"]))


def test_what_is_handed_over_reads_what_was_judged_and_knows_the_classes(done: Study) -> None:
    best, config = done.content["best"], config_of(done)
    recognizer = Recognizer.load(done.path / "best")
    splits = split_source(opened(config), best["seed"], config.shaping)
    assert recognizer.classes_.tolist() == sorted(NAMES)
    counted = dict(zip(NAMES, np.bincount(splits.train.require_labels()).tolist(), strict=True))
    assert dict(zip(recognizer.classes_.tolist(), recognizer.class_counts_.tolist(), strict=True)) == counted
    truth = np.array(splits.validation.classes)[splits.validation.require_labels()]
    assert np.mean(recognizer.predict(splits.validation.images) == truth) == pytest.approx(best["validation"])
    (readings,) = (done.path / "readings").glob(f"*seed-{best['seed']}-{_slug(best['arm'])}.npz")
    read = np.array(splits.test.classes)[np.load(readings)["read"]]
    assert (recognizer.predict(splits.test.images) == read).all()
    assert recognizer.temperature_ != 1  # calibrated on the validation part


def _slug(arm: str) -> str:
    return arm.replace(" ", "-").replace("+", "and").replace("%", "percent")


def test_a_study_opens_as_a_recognizer_and_images_of_any_size_are_read(done: Study, tmp_path: Path) -> None:
    large = np.repeat(np.repeat(small_image_set(3).images, 5, axis=1), 5, axis=2)
    save_images(ImageSet(large, None), tmp_path / "large")
    for name in (done, done.path, str(done.path), done.path / "best"):
        recognizer = Recognizer.load(name)
        assert [each.class_name for each in recognizer.predict_files(tmp_path / "large")] == list(NAMES)


def test_the_card_says_how_it_was_made_how_good_it_is_and_how_it_is_used(done: Study) -> None:
    card, best = (done.path / "best" / "README.md").read_text(encoding="utf-8"), done.content["best"]
    assert f"**{best['arm']}**" in card and f"seed {best['seed']}" in card
    assert f"{100 * best['test']:.2f} % (mean of 2 trainings, 95 % interval {100 * best['low']:.2f}" in card
    assert "elmyr predict STUDY IMAGES" in card and done.content["commands"][0] in card
    assert done.verdicts[0]["sentence"] in card and "retrained" not in card


def test_nothing_else_is_left_and_a_finished_study_stays_as_it_is(done: Study) -> None:
    assert sorted(path.name for path in (done.path / "best").iterdir()) == [
        "README.md", "recognizer.json", "recognizer.safetensors"
    ]  # fmt: skip
    assert not (done.path / "recognizers").exists() and not list(done.path.glob(".*"))
    before = (done.path / "best" / "recognizer.json").stat().st_mtime_ns
    assert resume_study(done.path).content["best"] == done.content["best"]
    assert (done.path / "best" / "recognizer.json").stat().st_mtime_ns == before


def test_a_study_of_before_gets_its_best_recognizer_by_resume_and_it_is_the_same(done: Study, tmp_path: Path) -> None:
    shutil.copytree(done.path, tmp_path / "older")
    shutil.rmtree(tmp_path / "older" / "best")
    with pytest.raises(InputError, match=f"has no best recognizer yet: make it with elmyr resume {tmp_path / 'older'}"):
        Recognizer.load(tmp_path / "older")
    said: list[str] = []
    again = resume_study(tmp_path / "older", say=said.append)
    assert any(line.startswith("training the best recognizer again: ") for line in said)
    assert not any("differs" in line for line in said)
    assert again.content["best"] == done.content["best"]
    weights = [(each / "best" / "recognizer.safetensors").read_bytes() for each in (done.path, again.path)]
    assert weights[0] == weights[1]


def test_the_best_is_trained_once_more_on_both_parts_where_asked(done: Study, tmp_path: Path) -> None:
    shutil.copytree(done.path, tmp_path / "study")
    source = config_of(done).source
    again = study(source, out=tmp_path / "study", seeds=2, updates=10, retrain=True, **QUICK)
    assert (done.path / "results.jsonl").read_bytes() == (again.path / "results.jsonl").read_bytes()
    first, second = (Recognizer.load(each.path) for each in (done, again))
    counts = done.content["cells"][0]["counts"]
    assert first.class_counts_.sum() == counts["train"]
    assert second.class_counts_.sum() == counts["train"] + counts["validation"]
    assert first.temperature_ == second.temperature_
    card = (again.path / "best" / "README.md").read_text(encoding="utf-8")
    assert "once more on the training and the validation part" in card and "--retrain" in card
    assert again.content["best"]["retrained"] and again.content["best"]["test"] == done.content["best"]["test"]


def test_renaming_the_classes_changes_no_prediction() -> None:
    blobs = small_image_set(60)
    recognizer = Recognizer(updates=3, base=8, dimension=8, device="cpu").fit(blobs.images, blobs.labels)
    named = for_people(recognizer, ImageSet(blobs.images, blobs.labels, NAMES), elmyr.Shaping(fit="pad"))
    assert (named.predict(blobs.images) == np.array(NAMES)[recognizer.predict(blobs.images)]).all()
    order = [NAMES.index(name) for name in named.classes_]
    assert named.predict_proba(blobs.images) == pytest.approx(recognizer.predict_proba(blobs.images)[:, order])
    assert named.preparation_.fit == "pad" and recognizer.classes_.tolist() == [0, 1, 2]


def made_up(*validation: tuple[float, ...], measure: str = "accuracy", images: int = 100) -> dict[str, Any]:
    arms = [{"name": f"arm {place}", "validation": list(each)} for place, each in enumerate(validation)]
    return {"arms": arms, "measure": measure, "counts": {"train": images}}


def test_the_best_of_all_cells_and_its_best_seed_win_and_of_equals_the_first(done: Study) -> None:
    config = config_of(done)
    chosen = best_of_all(config, [made_up((0.8, 0.9), (0.5, 1.0)), made_up((0.7, 0.9), (0.85, 0.95), (0.95, 0.85))])
    assert (chosen.cell, chosen.arm, chosen.seed) == (1, "arm 1", 1)


def test_only_what_is_judged_alike_is_compared_by_the_measure_of_most_images(done: Study) -> None:
    balanced = made_up((0.9, 0.9), measure="balanced accuracy", images=50)
    cells = [balanced, made_up((0.7, 0.8), images=200), made_up((0.8, 0.8), images=30)]
    chosen = best_of_all(config_of(done), cells)
    assert (chosen.cell, chosen.arm, chosen.seed) == (2, "arm 0", 0)
    assert compared(cells) == cells[1:]
    assert best_of_all(config_of(done), [balanced | {"counts": {"train": 300}}, *cells[1:]]).cell == 0


def test_the_card_tells_of_the_gan_what_is_so() -> None:
    blobs = small_image_set(60)
    recognizer = Recognizer(updates=3, base=8, dimension=8, device="cpu").fit(blobs.images, blobs.labels)
    verdict = {"sentence": "The GAN helps."}
    content = {
        "name": "blobs", "cells": [{"name": "all", "arms": [1, 2], "verdict": verdict}, {"name": "tail"}], "seeds": [0],
        "preset": "residual", "images": 9000, "recognizer_updates": 7, "commands": ["elmyr study blobs"],
    }  # fmt: skip
    best = {
        "cell": "all", "compared": ["all"], "arm": "real + 25 % generated", "about": "both", "seed": 0, "recipe": None,
        "measure": "accuracy", "validation": 1.0, "test": 0.9, "low": 0.8, "high": 1.0, "recognizers": 3,
        "retrained": False, "gan_run": "runs/all-seed-0", "share": 0.25,
    }  # fmt: skip

    def card(**changes: Any) -> str:
        return card_of(recognizer, best | changes, content)

    assert "which learned from the same labeled images; 25 % of each batch" in card()
    assert "in the 1 of 2 data-scarcity scenarios judged by accuracy" in card() and "mean of 3 trainings" in card()
    assert "which learned from the training part of them alone; 25 %" in card(retrained=True)
    chosen = Recipe(0.1, 1.2, "600").told
    assert "; 10 % generated, truncation 1.2, the checkpoint of 600 images" in card(recipe=chosen, share=0.1)
    assert "each batch" not in card(arm="generated first, then real", share=0.5)
    assert "generated images alone, of a GAN that learned from 60 labeled" in card(arm="generated", share=1.0)
    own = {"gan_run": None, "share": 0.0}
    assert "of a GAN that was trained for this recognizer (" in card(arm="dual pseudo training", **own)
    assert "of a generator that the recognizer was trained with" in card(arm="gan-semi", **own)
    assert "generated images: none" in card(arm="real", **own)


def test_repeated_and_generated_images_do_not_count_as_real_ones() -> None:
    real = small_image_set(60)
    filled = real + small_image_set(90, seed=1)
    quick: dict[str, Any] = {"updates": 3, "base": 8, "dimension": 8, "device": "cpu"}
    for shown, share, counts in ((filled, 0.0, [20] * 3), (filled, 1.0, [20] * 3), (real.take(range(50)), 0.0, None)):
        recognizer = Recognizer(**quick, generated_share=share).fit(shown.images, shown.labels)
        handed = for_people(recognizer, real, elmyr.Shaping())
        assert handed.class_counts_.tolist() == (counts or recognizer.class_counts_.tolist())


def test_the_interval_of_the_best_covers_seeds_and_test_images() -> None:
    cell = {"measure": "accuracy", "tested": [50, 50]}
    one = interval_on_test(cell, {"test": [0.9]})
    assert one == pytest.approx((0.9, 0.8256, 0.9448), abs=1e-3)  # Wilson's, of 90 of 100
    several = interval_on_test(cell, {"test": [0.88, 0.92, 0.9]})
    assert several[1] < one[1] and several[2] > one[2]
    balanced = {"recalls": [0.9, 0.9, None], "recall_intervals": [(0.8, 0.95), (0.8, 0.95), None], "test": [0.9]}
    mean, low, high = interval_on_test(cell | {"measure": "balanced accuracy"}, balanced)
    assert (mean, low, high) == pytest.approx((0.9, 0.9 - 0.1 / 2**0.5, 0.9 + 0.05 / 2**0.5))


@pytest.mark.parametrize("place", ["", "best"])
def test_figures_on_other_images_say_which_of_them_the_best_was_trained_on(
    done: Study, tmp_path: Path, place: str
) -> None:
    best, config = done.content["best"], config_of(done)
    splits = split_source(opened(config), best["seed"], config.shaping)
    with pytest.warns(Note, match="is the set that the study was trained on: its .* test images are taken"):
        own = images_to_read(done.path / place, data=config.source)
    assert (own.images == splits.test.images).all()
    save_npz(splits.train + splits.test, tmp_path / "both.npz")
    with pytest.warns(Note, match=f"{len(splits.train)} of the .* images of .* that the study was trained on: the fig"):
        images_to_read(done.path / place, data=tmp_path / "both.npz")
    save_npz(splits.test, tmp_path / "tested.npz")
    with kept_notes() as told:
        assert len(images_to_read(done.path / place, data=tmp_path / "tested.npz")) == len(splits.test)
    assert not told


def test_a_study_that_does_not_say_what_it_was_trained_on_is_told_of(done: Study, tmp_path: Path) -> None:
    shutil.copytree(done.path, tmp_path / "older")
    content = read_json(tmp_path / "older" / "study.json")
    del content["best"]["data"]
    write_json(tmp_path / "older" / "study.json", content)
    with pytest.warns(Note, match="may hold images that the study was trained on: elmyr resume .*older writes"):
        images_to_read(tmp_path / "older", data=config_of(done).source)
