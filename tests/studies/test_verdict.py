from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from elmyr.images import AS_IT_IS, Shaping
from elmyr.studies.arms import ARMS
from elmyr.studies.config import Cell, troubles_of
from elmyr.studies.verdict import Changed, Judged, Trial, best_of, changed_by, verdict_of
from elmyr.studies.work.ledger import Result

LABELS = np.array([0, 1, 2, 0, 1, 2])
NO_TROUBLE = {"images_per_class": (None,), "imbalance": (None,), "label_noise": (0.0,), "labels_per_class": (None,)}


def trial(name: str, *read: list[int], validation: float = 0.9) -> Trial:
    return Trial(ARMS[name], [result(name, seed, np.array(each), validation) for seed, each in enumerate(read)])


def result(name: str, seed: int, read: NDArray[np.int64], validation: float) -> Result:
    recalls = [(read[label == LABELS] == label).mean() for label in range(3)]
    test = {"accuracy": float((read == LABELS).mean()), "balanced accuracy": float(np.mean(recalls)), "macro F1": 0.0}
    return Result("all images", seed, name, 0.0, {"0": validation}, validation, test, read)


TESTED = [Judged(np.array([5, 6, 7, 8, 9, 10]), LABELS), Judged(np.array([5, 6, 7, 18, 19, 20]), LABELS)]


def test_arms_are_chosen_by_validation_and_the_first_of_equals() -> None:
    trials = [trial("real", [0] * 6), trial("real + classical", [1] * 6), trial("generated", [2] * 6, validation=0.99)]
    assert best_of(trials, uses_gan=False).arm.name == "real"
    assert best_of(trials, uses_gan=True).arm.name == "generated"


def test_the_images_that_were_rescued_and_broken_are_those_told_apart_in_most_seeds() -> None:
    without = trial("real", [1, 1, 2, 0, 1, 0], [1, 1, 2, 0, 1, 2])
    with_gan = trial("generated", [0, 2, 2, 0, 1, 2], [0, 1, 2, 0, 0, 2])
    rescued, broken = changed_by(with_gan, without, TESTED, most=5)
    # Image 5 in both seeds; image 10 in the only one that tested it.
    assert rescued == [
        Changed(5, 0, without=1, with_gan=0, share=1.0),
        Changed(10, 2, without=0, with_gan=2, share=1.0),
    ]
    assert broken == [Changed(19, 1, without=1, with_gan=0, share=1.0), Changed(6, 1, without=1, with_gan=2, share=0.5)]
    assert changed_by(with_gan, without, TESTED, most=1) == (rescued[:1], broken[:1])
    assert changed_by(without, without, TESTED, most=5) == ([], [])


def test_a_verdict_names_what_it_compares_and_in_which_measure() -> None:
    trials = [trial("real", [0, 1, 2, 0, 1, 0], [0, 1, 2, 0, 1, 2]), trial("generated", [0, 1, 2, 0, 1, 2], [0] * 6)]
    cell = Cell(shaping=AS_IT_IS, arms=("real", "generated"), figures=False)
    plain = verdict_of(cell, trials, TESTED, 1234)
    assert plain["difference"] == pytest.approx((1 + 1 / 3) / 2 - (5 / 6 + 1) / 2)
    assert plain["sentence"].startswith(
        "With 1,234 labeled training images, the GAN has no significant effect: from 91.67 %"
    )
    assert (plain["trainings_with"], plain["trainings_without"]) == (1, 1)
    mixed = Trial(ARMS["real + generated"], [replace(each, validation_by_share={"0.25": 0.8, "0.5": 0.9})
                                             for each in trials[1].results])  # fmt: skip
    more = verdict_of(cell, [*trials, mixed], TESTED, 1234)
    assert (more["trainings_with"], more["trainings_without"]) == (3, 1)
    changes = {"shaping": Shaping(imbalance=4), "measure": "balanced accuracy"}
    tail = verdict_of(cell.model_copy(update=changes), trials, TESTED, 1234)
    assert tail["difference"] == pytest.approx(plain["difference"])  # as many of each class
    assert "(imbalance 4)" in tail["sentence"] and "balanced accuracy" in tail["sentence"]
    assert "(accuracy: 91.67 % to 66.67 %)" in tail["sentence"]


def test_a_better_says_of_how_many_trainings_it_is_the_best() -> None:
    tested = [Judged(np.arange(6) + 6 * seed, LABELS) for seed in range(8)]
    real, generated = trial("real", *[[2, 0, 1, 2, 0, 1]] * 8), trial("generated", *[LABELS.tolist()] * 8)
    cell = Cell(shaping=AS_IT_IS, arms=("real", "generated"), figures=False)
    alike = verdict_of(cell, [real, generated], tested, 12)
    assert alike["outcome"] == "better" and "trainings a seed" not in alike["sentence"]
    mixed = Trial(ARMS["real + generated"], [replace(each, validation_by_share={"0.25": 0.8, "0.5": 0.9})
                                             for each in generated.results])  # fmt: skip
    more = verdict_of(cell, [real, generated, mixed], tested, 12)
    assert more["sentence"].endswith(" It had the best of 3 trainings a seed, the other side of 1.")


def test_one_training_each_decides_nothing_however_clear_it_looks() -> None:
    trials = [trial("real", [1, 2, 0, 1, 2, 0]), trial("generated", LABELS.tolist())]
    found = verdict_of(Cell(shaping=AS_IT_IS, arms=("real", "generated"), figures=False), trials, TESTED[:1], 12)
    assert (found["outcome"], found["difference"]) == ("not decided", 1.0) and found["low"] > 0
    assert "one training each: not decided" in found["sentence"] and "--seeds 5" in found["sentence"]


def test_a_cell_is_named_by_its_trouble_in_words_and_in_files() -> None:
    shaping = Shaping(images_per_class=5000, imbalance=100, label_noise=0.2, labels_per_class=10)
    cell = Cell(shaping=shaping, arms=(), figures=False)
    assert cell.name == "5,000 images a class, imbalance 100, 20 % wrong labels, 10 labels a class"
    assert cell.folder == "images-per-class-5000-imbalance-100.0-label-noise-0.2-labels-per-class-10"
    assert Cell(shaping=AS_IT_IS, arms=(), figures=False).folder == "all"


def test_troubles_are_every_combination_of_the_values() -> None:
    found = troubles_of(Shaping(size=(8, 8)), **NO_TROUBLE | {"images_per_class": (5, None), "label_noise": (0.1, 0.2)})
    assert [(each.images_per_class, each.label_noise) for each in found] == [
        (5, 0.1),
        (5, 0.2),
        (None, 0.1),
        (None, 0.2),
    ]
    assert {each.size for each in found} == {(8, 8)}
