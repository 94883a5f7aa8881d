from pathlib import Path

import pytest

from elmyr.training.config import choices_of
from elmyr.training.presets import preset_names
from elmyr.training.rules import AUTO, RULES, Facts, flattened, resolve

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
