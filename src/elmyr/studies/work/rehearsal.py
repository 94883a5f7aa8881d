"""What of a study fits a budget of time: first a smaller effort, then fewer seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from elmyr.core.errors import InputError
from elmyr.images import open_source
from elmyr.studies.arms import with_less_effort
from elmyr.studies.config import EFFORTS, Effort, StudyConfig, told_of_seeds
from elmyr.studies.work.estimate import TimeEstimate, Timing, estimate, told


def rehearse_study(
    config: StudyConfig, budget: float | None = None, say: Callable[[str], None] = lambda line: None
) -> tuple[StudyConfig, TimeEstimate]:
    """What of a study would run, within a budget in seconds where there is one, and how long; writes nothing.

    `say` hears which arms are left out for want of time, how many seeds fit, and which are left out.
    """
    timing = Timing(config, open_source(config.source, config.root, config.shaping))
    if budget is None:
        return config, estimate(config, timing)
    whole = config
    config, estimated = _with_what_fits(config, budget, timing)
    if config.effort != whole.effort:
        named = ", ".join(arms_left_out(whole, config))
        say(f"--effort {whole.effort} does not fit into {told(budget)}: {config.effort} is taken, without {named}")
    fitting, estimated = within(budget, config, estimated)
    count, first = fitting.most, config.seeds[0]
    say(f"within {told(budget)}: {count} of {config.most} seeds, about {told(estimated.seconds())}")
    if left_out := range(first + count, first + config.most):
        many = f"s {left_out[0]} to {left_out[-1]}" if len(left_out) > 1 else f" {left_out[0]}"
        say(f"left out: seed{many}")
        if few := told_of_seeds(count):
            say(few)
    return fitting, estimated


def at_effort(config: StudyConfig, effort: Effort) -> StudyConfig:
    """The same study with the arms that a smaller effort tries."""
    cells = tuple(
        cell.model_copy(update={"arms": with_less_effort(cell.arms, effort)}) for cell in config.cells
    )  # fmt: skip
    return config.model_copy(update={"effort": effort, "cells": cells})


def arms_left_out(larger: StudyConfig, smaller: StudyConfig) -> list[str]:
    """The names of the arms that only the larger of two studies trains, each once."""
    kept = {name for cell in smaller.cells for name in cell.arms}
    names = dict.fromkeys(name for cell in larger.cells for name in cell.arms if name not in kept)
    return [name for name in names if ", again" not in name]


def within(budget: float, config: StudyConfig, whole: TimeEstimate) -> tuple[StudyConfig, TimeEstimate]:
    """The study with as many of its seeds as fit into so many seconds; InputError where not even one does."""
    smallest = whole.seconds(1)
    fitting = min(whole.seeds, int(budget / smallest))
    if not fitting:
        raise InputError(
            f"--budget {told(budget)} is too small: one seed takes about {told(smallest)} here, the smallest budget; "
            "give that, or fewer --images or values"
        )
    return config.up_to(fitting), replace(whole, seeds=fitting)


def _with_what_fits(config: StudyConfig, budget: float, timing: Timing) -> tuple[StudyConfig, TimeEstimate]:
    """By the largest effort that fits with all seeds that a first verdict takes, or by the smallest."""
    estimated = estimate(config, timing)
    while estimated.seconds(len(config.seeds)) > budget and config.effort != EFFORTS[0]:
        left_out = {**config.left_out, config.effort: estimated.seconds(len(config.seeds))}
        smaller = at_effort(config, EFFORTS[EFFORTS.index(config.effort) - 1])
        config = smaller.model_copy(update={"left_out": left_out})
        estimated = estimate(config, timing)
    return config, estimated
