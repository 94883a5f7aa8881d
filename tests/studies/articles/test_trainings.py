"""Which trainings a system has: each can be planned, and the steps lead from written to cured and leave nothing out."""

import pytest

from elmyr.engine.rules import Facts, flattened, resolve
from elmyr.studies.articles.systems import EFFORTS, SYSTEMS, System
from elmyr.studies.articles.trainings import CURED, WRITTEN, Training, trainings_of
from elmyr.tasks.gan.config import adversarial_config, choices_of, loop_config
from elmyr.tasks.gan.presets import NARRATION, read_preset

OF_CLASSES = {"conditional", "projection", "auxiliary.classification"}  # what the last step changes
FACTS = Facts(side=28, labeled=True, budget=200_000)
each_system = pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.preset)


def by_slug(system: System) -> dict[str, Training]:
    found = {training.slug: training for training in trainings_of(system, remedies=True)}
    assert len(found) == len(trainings_of(system, remedies=True))  # no two share a directory
    return found


@each_system
def test_every_training_can_be_planned(system: System) -> None:
    for training in by_slug(system).values():
        choices, _ = resolve(choices_of(training.preset, training.settings), FACTS)
        adversarial_config(choices), loop_config(choices, 200_000)


@each_system
def test_the_articles_know_no_labels_and_the_cured_do(system: System) -> None:
    trainings = by_slug(system)
    conditional = {slug for slug, each in trainings.items() if each.settings.get("conditional", True)}
    assert conditional == {CURED}
    assert trainings[WRITTEN].settings == {"conditional": False}


@each_system
def test_the_steps_lead_from_written_to_cured(system: System) -> None:
    written, cured = ({**flattened(read_preset(name))} for name in (system.preset, system.cured))
    steps = [each for slug, each in by_slug(system).items() if slug.startswith("remedy-") and slug[7].isdigit()]
    assert len(steps) >= 4
    assert "+ averaged weights and falling learning rates" in [each.name for each in steps]  # it has both:
    changed = {name: value for one in steps for name, value in one.settings.items()}
    assert changed["loop.decay_from"] == cured["loop.decay_from"] < 1
    before: dict[str, object] = {"conditional": False}
    for step in steps:
        assert before.items() < dict(step.settings).items()  # each on top of those before
        before = dict(step.settings)
    last = written | before
    assert {name for name in cured if name not in NARRATION and last[name] != cured[name]} <= OF_CLASSES


def test_advice_that_a_system_has_already_is_not_tried() -> None:
    advice = {
        system.preset: {each.slug for each in trainings_of(system, remedies=True) if each.kind == "remedy"}
        for system in SYSTEMS
    }
    assert "remedy-discriminator-frozen" in advice["mlp"] and "remedy-discriminator-frozen" not in advice["dcgan64"]
    slower = by_slug(SYSTEMS[0])["remedy-a-quarter-of-the-learning-rates"]
    assert slower.settings["adversarial.learning_rate"] == pytest.approx(2.5e-5)


def test_budgets_are_those_that_the_articles_imply() -> None:
    full = {system.number: by_slug(system)[WRITTEN].images(system, "full", 50_000) for system in SYSTEMS}
    assert full == {0: 1_280_000, 1: 50 * 50_000, 2: 1_280_000, 3: 1_280_000, 4: 100 * 50_000}
    texts = [by_slug(SYSTEMS[0])["text"].images(SYSTEMS[0], effort, 50_000) for effort in EFFORTS]
    assert texts[0] < 100_000 and texts[1] == 1_280_000  # convolutions cost more: a quick one sees fewer images
    for system in SYSTEMS:
        for effort in EFFORTS:
            budgets, trainings = system.budgets[effort], by_slug(system)
            assert trainings["rescued"].images(system, effort, 50_000) == budgets.written.seen(50_000)
            assert trainings["remedy-1-objective"].images(system, effort, 50_000) == budgets.cured.seen(50_000)


def test_without_remedies_a_system_has_its_variants_alone() -> None:
    kinds = [[training.kind for training in trainings_of(system, remedies=False)] for system in SYSTEMS]
    assert kinds == [
        ["written", "text", "cured"],
        ["written", "cured"],
        ["written", "text", "cured"],
        ["written", "cured"],
        ["written", "cured"],
    ]
