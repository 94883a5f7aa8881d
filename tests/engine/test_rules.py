from pathlib import Path

import pytest

from elmyr.engine.loop import LoopConfig
from elmyr.engine.pace import Pace
from elmyr.engine.rules import AUTO, RULES, Facts, flattened, resolve
from elmyr.tasks.gan.config import choices_of
from elmyr.tasks.gan.presets import preset_names

DOCS = Path(__file__).parent.parent.parent / "docs" / "train.md"
FACTS = Facts(side=28, labeled=True, budget=200_000)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_docs_state_each_rule(rule) -> None:  # type: ignore[no-untyped-def]
    assert f"| `{rule.name}` | {rule.words} |" in DOCS.read_text()


@pytest.mark.parametrize("preset", preset_names())
def test_nothing_stays_automatic_and_what_was_is_told(preset: str) -> None:
    choices = choices_of(preset, {})
    automatic = {name for name, value in flattened(choices).items() if value == AUTO}
    resolved, told = resolve(choices, FACTS)
    assert AUTO not in flattened(resolved).values()
    assert {choice.name for choice in told} == automatic
    assert flattened(resolved).keys() == flattened(choices).keys()


def test_what_is_stated_is_left_alone() -> None:
    settings = {"network.base": 16, "adversarial.learning_rate": 3e-4, "conditional": False}
    resolved, told = resolve(choices_of("residual", settings), FACTS)
    assert settings.items() <= flattened(resolved).items()
    assert resolved["adversarial"]["discriminator_learning_rate"] == 6e-4
    assert settings.keys().isdisjoint(choice.name for choice in told)


def test_resolving_changes_no_preset() -> None:
    choices = choices_of("residual", {})
    resolve(choices, FACTS)
    assert choices == choices_of("residual", {})


def test_a_budget_in_time_counts_the_pauses_and_leaves_half_for_updates() -> None:
    """By hand: 100 s less 2 for the end and 10 pauses of 1 s; an image takes 10 ms and a thousandth of a pause."""
    pace, config = Pace(100.0, 1.0), LoopConfig.of_budget(1, batch=16, decay_from=0.4)
    assert pace.reached(100, config.model_copy(update={"watch_every": 1_000})) == int(88 / 0.011)
    assert pace.reached(100, config) == 8_800  # without a watch
    assert pace.reached(4, config) == 200
    assert pace.reached(-1, config) == 16
