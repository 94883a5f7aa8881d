"""What a study advises, by its figures: each rule speaks where it should, and is silent elsewhere."""

from typing import Any

import pytest

from elmyr.core.amounts import seconds_of
from elmyr.studies import next_steps as rules
from elmyr.studies.next_steps import next_steps


def arm(test: float, recalls: tuple[float, ...] = (0.9, 0.9, 0.9)) -> dict[str, Any]:
    return {
        "name": "real",
        "test": [test, test],
        "validation": [test, test],
        "recalls": list(recalls),
    }


def cell(trained: dict[str, Any], per_class: int = 1000, **more: Any) -> dict[str, Any]:
    shown = {
        "name": f"{per_class} images a class",
        "measure": "accuracy",
        "trouble": {"images_per_class": None, "imbalance": None},
        "counts": {"train": 3 * per_class, "validation": 300},
        "tested": [100, 100, 100],
        "larger_efforts": {},
        "folds": None,
        "shares_test": False,
        "pool": 6000,
        "repair": "",
        "arms": [trained],
        "gan_progress": [0.95, 1.0],
        "collapsed": [],
        "verdict": {"outcome": "better", "difference": 0.02, "low": 0.01, "high": 0.03},
    }
    return shown | more


def study(*cells: dict[str, Any], **more: Any) -> dict[str, Any]:
    best = cells[-1]
    test = best["arms"][0]["test"][0]
    content = {
        "classes": ["cat", "dog", "owl"],
        "seeds": [0, 1],
        "images": 100_000,
        "left_out": {},
        "limit": None,
        "recognizer_updates": 500,
        "cells": list(cells),
        "best": {"cell": best["name"], "arm": "real", "test": test, "low": test - 0.02, "high": test + 0.02},
    }
    return content | more


def told(content: dict[str, Any]) -> list[str]:
    return [step["told"] for step in next_steps(content)]


def sentence(content: dict[str, Any]) -> str:
    return str(next_steps(content)[0]["sentence"])


def test_a_study_without_anything_to_mend_advises_nothing() -> None:
    assert told(study(cell(arm(0.9)))) == []


def test_a_study_under_attack_advises_stronger_attacks() -> None:
    attacked = study(cell(arm(0.9), measure="robust accuracy", attack="PGD-40, \u03b5 0.3"))
    assert told(attacked) == [rules.HARDER] and "stronger attacks than PGD-40, \u03b5 0.3 find more" in sentence(
        attacked
    )


def test_one_seed_is_advised_to_become_five() -> None:
    verdict = {"outcome": "not decided", "difference": 0.02, "low": 0.01, "high": 0.03}
    content = study(cell(arm(0.9), verdict=verdict, gan_progress=[1.0]), seeds=[0])
    assert sentence(content).startswith("Use more seeds: one training each decides nothing. --seeds 5 takes about 5")


def undecided(difference: float, over_seeds: float, of_images: float, tested: int = 300) -> dict[str, Any]:
    """A verdict by two seeds, of standard errors over seeds and of test images."""
    terms = [[over_seeds**2, 1], [of_images**2, tested - 1]]
    told = {"outcome": "no significant effect", "difference": difference, "terms": terms, "images": tested}
    return told | {"low": difference - 0.03, "high": difference + 0.03}


@pytest.mark.parametrize(
    ("difference", "more", "seeds"),
    [
        (0.02, {}, 5),
        (0.008, {}, 18),
        (0.015, {}, 7),
        (0.003, {}, None),
        (-0.02, {}, None),
        (0.008, {"shares_test": True}, None),  # the test images stay the same, and few
        (0.015, {"shares_test": True}, 10),
        (0.02, {"folds": 5}, 6),  # training parts overlap, however many there are
        (0.008, {"folds": 5}, None),
        (0.008, {"pool": 300}, None),  # all images are tested already
    ],
)
def test_seeds_are_advised_where_a_few_more_would_decide(
    difference: float, more: dict[str, Any], seeds: int | None
) -> None:
    content = study(cell(arm(0.9), verdict=undecided(difference, 0.01, 0.006), **more))
    assert [step["values"]["seeds"] for step in next_steps(content)] == ([] if seeds is None else [seeds])


def test_a_gan_is_to_be_trained_longer_while_it_learns_and_no_longer() -> None:
    (step,) = next_steps(study(cell(arm(0.9), gan_progress=[0.5, None, 0.6])))
    assert step["told"] == rules.LONGER and step["values"] == {"images": "100,000", "fall": "40", "more": 200_000}
    assert "at 100,000 images seen (its distance to real images fell by 40 % in the second half)" in step["sentence"]
    assert told(study(cell(arm(0.9), gan_progress=[0.9, 0.95]))) == []
    assert told(study(cell(arm(0.9), gan_progress=[None, None]))) == []  # too few images to be looked at


def test_a_collapse_comes_before_all_else_about_the_gan() -> None:
    content = study(
        cell(
            arm(0.9),
            gan_progress=[0.5, 0.6],
            collapsed=[1],
            repair="--set a=1 --set b=2",
            larger_efforts={"standard": 7},
        )
    )
    assert told(content) == [rules.COLLAPSED, rules.LONGER, rules.EFFORT]
    assert sentence(content) == "Repair the GAN first: it collapsed with seed 1. Try --set a=1 --set b=2."


def test_labels_are_advised_for_the_class_that_is_certainly_missed_most() -> None:
    content = study(cell(arm(0.9, (0.95, 0.95, 0.8))))
    assert sentence(content).startswith(
        "Label more images of 'owl': 80.0 % of its test images are classified correctly"
    )
    assert "(average 90.0 %)" in sentence(content)
    assert told(study(cell(arm(0.9, (0.95, 0.95, 0.8)), tested=[20, 20, 20]))) == []  # by chance


def test_images_are_advised_while_the_error_falls_with_their_number() -> None:
    few, many = cell(arm(0.8), 100), cell(arm(0.9), 1000)
    content = study(few, many)
    assert sentence(content) == (
        "Collect more images: from 100 to 1,000 images per class the error fell from 20.0 to 10.0 %, and it has not "
        "leveled off."
    )
    assert told(study(cell(arm(0.89), 100), many)) == []
    assert told(study(cell(arm(0.9), 20))) == [rules.FEW]
    tail = cell(arm(0.5), 100, trouble={"images_per_class": 100, "imbalance": 10.0})
    assert told(study(tail, many)) == []  # of another kind


def test_what_is_judged_otherwise_is_no_amount_beside_it() -> None:
    few, many = cell(arm(0.8), 100), cell(arm(0.9), 1000)
    balanced = {"measure": "balanced accuracy"}
    assert told(study(few | balanced, many)) == []
    assert told(study(few | balanced, many | balanced)) == [rules.IMAGES_BY_CLASS]


def test_images_that_were_left_out_on_purpose_are_not_to_be_collected() -> None:
    thinned = {"images_per_class": 20, "imbalance": None}
    content = study(cell(arm(0.9, (0.95, 0.95, 0.8)), 20, trouble=thinned))
    assert told(content) == [rules.CLASS_KEPT_BACK, rules.KEPT_BACK]
    assert sentence(content).startswith("Use more images of 'owl' of those that --images-per-class 20 leaves out: 80.0")
    several = study(cell(arm(0.8), 10, trouble={"images_per_class": 10}), cell(arm(0.9), 20, trouble=thinned))
    assert sentence(several).startswith("Use more of your images: --images-per-class 20 leaves some out, and with 20 ")
    assert "--limit 60 leaves some out" in sentence(study(cell(arm(0.9), 20), limit=60))


def test_recognizers_that_guess_are_to_be_trained_longer() -> None:
    guessing = study(cell(arm(0.34, (0.34, 0.33, 0.35))))
    assert told(guessing) == [rules.UPDATES] and "Try --updates 2000" in sentence(guessing)


def test_hardly_any_errors_leave_one_step() -> None:
    content = study(cell(arm(0.998, (1.0, 1.0, 0.99)), 20, gan_progress=[0.5], larger_efforts={"standard": 7}))
    assert told(content) == [rules.DONE]
    assert "1 of 300 test images are classified wrongly, too few to tell better" in sentence(content)


def test_figures_of_attacked_images_are_called_so() -> None:
    """Each sentence that has a figure of test images says that they were attacked, and no other is changed."""
    attack = {"attack": "PGD-40, \u03b5 0.3", "measure": "robust accuracy"}
    errors = study(cell(arm(0.998, (1.0, 1.0, 0.99)), 20, **attack))
    assert sentence(errors).startswith("Test on more") and "1 of 300 attacked test images" in sentence(errors)
    missed = study(cell(arm(0.9, (0.95, 0.95, 0.8)), **attack))
    assert told(missed) == [rules.HARDER, rules.UNDER_ATTACK[rules.CLASS]]
    assert any("80.0 % of its attacked test images" in step["sentence"] for step in next_steps(missed))
    few = study(cell(arm(0.9), 20, **attack))
    assert told(few) == [rules.HARDER, rules.UNDER_ATTACK[rules.FEW]]
    assert "10.0 % errors under attack, each" in next_steps(few)[1]["sentence"]
    assert all(plain != attacked and "attack" in attacked for plain, attacked in rules.UNDER_ATTACK.items())


def test_a_larger_effort_is_advised_where_it_tries_more() -> None:
    content = study(cell(arm(0.9), larger_efforts={"thorough": 4}))
    assert sentence(content) == "Try more ways to train the recognizer: --effort thorough adds 4 to these."


def test_an_effort_that_a_budget_had_no_room_for_is_advised_with_the_budget_that_has() -> None:
    content = study(cell(arm(0.9), larger_efforts={"standard": 4, "thorough": 9}), left_out={"standard": 4000.0})
    assert sentence(content).endswith("--effort standard adds 4 to these, and takes about --budget 1h07m.")
    assert seconds_of("1h07m") >= 4000


def test_no_more_than_three_are_told_the_most_urgent_first() -> None:
    verdict = undecided(0.02, 0.01, 0.006)
    everything = cell(
        arm(0.9, (0.95, 0.95, 0.8)), 20, verdict=verdict, gan_progress=[0.5], larger_efforts={"standard": 7}
    )
    assert told(study(everything)) == [rules.LONGER, rules.POWER, rules.CLASS]


def test_every_sentence_has_a_rule_that_says_it() -> None:
    assert len(set(rules.STEPS)) == len(rules.STEPS) == 15 + len(rules.UNDER_ATTACK)
