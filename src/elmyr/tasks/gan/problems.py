"""Three problems of adversarial training: their signs, their names, and what to try against each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from elmyr.tasks.gan.cheap_figures import CheapFigures, effective_number
from elmyr.tasks.gan.task import AdversarialConfig

# Where healthy and troubled runs part, with room on both sides: benchmarks/watch.py, docs/watch.md.
COLLAPSED_DIVERSITY = 0.15
COLLAPSED_MODES = 0.25
NOTHING_REAL = 0.05
ONE_IMAGE = 0.1
TOLD_APART = 0.999
FEW_MODES = 0.35
MODES_IN_TURN = 1.8

# Of the default preset: R1 and R2, clipping, the average's half-life. Below: momentum and rates of a steady game.
DEFAULT_PENALTY, DEFAULT_CLIP, DEFAULT_HALF_LIFE = 3.0, 5.0, 44_000
STEADY_BETA1 = 0.5
STEADY_RATES = {"learning_rate": 2e-4, "discriminator_learning_rate": 4e-4}

QUIET_IMAGES = 10_000  # seen before anything is called: at first every generator draws one image
LOOKS = 2  # in a row, so that one odd look calls nothing
LOOKS_IN_TURN = 4


class Problem(StrEnum):
    """What can be wrong, by the field's words."""

    COLLAPSE = "mode collapse"
    DISCRIMINATOR_WON = "the discriminator has won"
    OSCILLATION = "oscillation"


@dataclass(frozen=True)
class Look:
    """One look of the training monitor: what was seen, and the discriminator accuracy."""

    images: int
    sight: CheapFigures
    told_apart: float


def trouble_in(looks: Sequence[Look]) -> Problem | None:
    """The problem that the looks at one training show, the latest last; None where they show none.

    Collapse: two looks in a row with little diversity inside classes, or few modes. The discriminator has won: two with
    hardly any precision and full discriminator accuracy. Oscillation: over four looks the generator made nearly twice
    as many modes as at one look, and few at each: it goes from mode to mode.
    """
    last, turn = looks[-LOOKS:], looks[-LOOKS_IN_TURN:]
    if len(turn) == LOOKS_IN_TURN and _goes_from_mode_to_mode(turn):
        return Problem.OSCILLATION
    if len(last) < LOOKS:
        return None
    if all(look.sight.precision < NOTHING_REAL and look.told_apart > TOLD_APART for look in last):
        return Problem.DISCRIMINATOR_WON
    if all(look.sight.diversity < COLLAPSED_DIVERSITY or look.sight.modes < COLLAPSED_MODES for look in last):
        return Problem.COLLAPSE
    return None


def _goes_from_mode_to_mode(looks: Sequence[Look]) -> bool:
    counts = [np.asarray(look.sight.mode_counts) for look in looks]
    at_once = float(np.mean([effective_number(each) for each in counts]))
    few = all(look.sight.modes < FEW_MODES for look in looks)
    return few and effective_number(np.sum(counts, axis=0)) > MODES_IN_TURN * at_once


def draws_one_image(looks: Sequence[Look]) -> bool:
    """Whether the generator draws almost the same image for every latent, at the latest looks."""
    last = looks[-LOOKS:]
    return len(last) == LOOKS and all(look.sight.diversity < ONE_IMAGE for look in last)


def remedy(trouble: Problem, config: AdversarialConfig) -> dict[str, Any]:
    """What to try next, as settings: those of the default preset's game first; with these, lower learning rates."""
    if settings := steadier(config):
        return settings
    if trouble is Problem.DISCRIMINATOR_WON:
        return {"adversarial.discriminator_learning_rate": config.discriminator_learning_rate / 4}
    return {
        "adversarial.learning_rate": config.learning_rate / 2,
        "adversarial.discriminator_learning_rate": config.discriminator_learning_rate / 2,
    }


def steadier(config: AdversarialConfig) -> dict[str, Any]:
    """What the default preset's game has otherwise; where Adam has much momentum, less of it and rates that fit it."""
    penalties, stabilizers = config.penalties, config.stabilizers
    settings: dict[str, Any] = {}
    if config.objective != "relativistic-pairing":
        settings["adversarial.objective"] = "relativistic-pairing"
    settings |= {f"penalties.{name}": DEFAULT_PENALTY for name in ("r1", "r2") if not getattr(penalties, name)}
    if not stabilizers.clip_gradients:
        settings["stabilizers.clip_gradients"] = DEFAULT_CLIP
    if stabilizers.freeze_above < 1:
        settings["stabilizers.freeze_above"] = 1.0
    if stabilizers.freeze_after:
        settings["stabilizers.freeze_after"] = 0
    if config.beta1 > STEADY_BETA1:
        settings["adversarial.beta1"] = STEADY_BETA1
    if settings and config.beta1 >= STEADY_BETA1:
        settings |= {f"adversarial.{key}": rate for key, rate in STEADY_RATES.items() if getattr(config, key) != rate}
    if settings and config.ema_half_life < DEFAULT_HALF_LIFE:
        settings["adversarial.ema_half_life"] = DEFAULT_HALF_LIFE
    return settings
