"""The trainings of a system: as written, as its text says, cured, rescued, and with one remedy at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from elmyr.engine.rules import flattened
from elmyr.studies.articles.systems import Effort, System
from elmyr.tasks.gan.presets import read_preset

Kind = Literal["written", "text", "cured", "rescued", "remedy"]
WRITTEN, CURED = "written", "cured"  # the slugs of the two that every system has
AS_WRITTEN: Mapping[str, Any] = {"conditional": False}  # the articles' networks know no labels

# From written to cured, each on top of those before: the settings, by the beginnings of their names, in which the cured
# preset differs. What is left, the classes above all, is the step to the cured training itself.
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("objective", ("adversarial.objective", "stabilizers.freeze")),
    ("gradient penalties", ("penalties.",)),
    ("learning rates and batch", ("batch", "adversarial.learning", "adversarial.discriminator", "adversarial.beta")),
    ("clipped gradients", ("stabilizers.",)),
    ("averaged weights and falling learning rates", ("adversarial.ema", "loop.")),
    ("values to predict", ("code.", "auxiliary.information")),
)
# What the articles themselves advise against collapse, each alone. Rates follow from the preset's.
ADVICE: Mapping[str, Mapping[str, Any]] = {
    "noise on the inputs": {"stabilizers.instance_noise": 0.1},
    "clipped gradients alone": {"stabilizers.clip_gradients": 1.0},
    "L1 and L2 penalties": {"penalties.weight_l1": 1e-5, "penalties.weight_l2": 1e-4},
    "discriminator frozen": {"stabilizers.freeze_above": 0.8},
    "larger batches": {"batch": 256},
}
RATES = ("adversarial.learning_rate", "adversarial.discriminator_learning_rate")
SLOWER = 4  # times


@dataclass(frozen=True)
class Training:
    """One training of a system. slug: what its directory is called."""

    name: str
    kind: Kind
    slug: str
    preset: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    rescue: bool = False

    def images(self, system: System, effort: Effort, epoch: int) -> int:
        """Its budget in images seen, for a training part of `epoch` images."""
        budgets = system.budgets[effort]
        if self.kind == "text":
            return (budgets.text or budgets.written).seen(epoch)
        return (budgets.cured if self.slug == CURED or self.slug in _steps(system) else budgets.written).seen(epoch)


def trainings_of(system: System, *, remedies: bool) -> tuple[Training, ...]:
    """The trainings of a system in their order; with `remedies` also the rescue, the advice and the steps between."""
    found = [Training("as written", "written", WRITTEN, system.preset, AS_WRITTEN)]
    if system.text is not None:
        found.append(Training("as its text says", "text", "text", system.text, AS_WRITTEN))
    found.append(Training("cured", "cured", CURED, system.cured))
    if remedies:
        found.append(Training("as written, with --rescue", "rescued", "rescued", system.preset, AS_WRITTEN, True))
        found += _advised(system)
        found += _steps(system).values()
    return tuple(found)


def _advised(system: System) -> Iterator[Training]:
    """The articles' own remedies, but for one that the preset has."""
    preset = flattened(read_preset(system.preset))
    slower = {name: preset[name] / SLOWER for name in RATES}
    for name, settings in {**ADVICE, "a quarter of the learning rates": slower}.items():
        if any(preset[each] != value for each, value in settings.items()):
            yield Training(name, "remedy", _slug(name), system.preset, {**AS_WRITTEN, **settings})


def _steps(system: System) -> dict[str, Training]:
    """The steps from written to cured, by their slugs."""
    written, cured = (flattened(read_preset(name)) for name in (system.preset, system.cured))
    left = {name: value for name, value in cured.items() if "." in name or name == "batch" if value != written[name]}
    settings, found = dict(AS_WRITTEN), dict[str, Training]()
    for title, beginnings in STEPS:
        step = {name: value for name, value in left.items() if name.startswith(beginnings)}
        if step:
            left = {name: value for name, value in left.items() if name not in step}
            settings |= step
            name = f"{'+ ' if found else ''}{title}"
            training = Training(name, "remedy", _slug(f"{len(found) + 1} {title}"), system.preset, dict(settings))
            found[training.slug] = training
    return found


def _slug(name: str) -> str:
    return "remedy-" + name.replace(" ", "-").lower()
