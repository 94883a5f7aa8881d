"""What a run begins with or goes on by: another run's weights, and its own settings."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from elmyr.core.errors import InputError
from elmyr.engine.config import RunConfig, Settings, parse_settings
from elmyr.engine.processes import ALONE
from elmyr.engine.saving.checkpoint import latest_checkpoint, load_modules, verify_checkpoint
from elmyr.engine.saving.run_directory import config_as, open_run
from elmyr.engine.spec import Plan, TaskSpec
from elmyr.engine.task import Task
from elmyr.nets.layers.parts import ClassEmbedding

Spec = TaskSpec[Any, Any, Any]
NAMED = 4  # weights that are named, of those that begin anew


def refuse_other_networks(spec: Spec, plan: Plan[Any, Any]) -> str | None:
    """What `take_weights` says; InputError where the run to start from has other networks, or no checkpoint."""
    begun = spec.begin(plan.config, plan.inputs, ALONE, lambda line: None)
    return take_weights(spec, begun.task, plan.config)


def take_weights(spec: Spec, task: Task, config: RunConfig) -> str | None:
    """Puts the weights of a run's latest checkpoint into a task; says what begins anew, where not all of them fit.

    Of a run with other classes, or of other images, what has the same shape is taken, where the kind allows that
    (`TaskSpec.adapts`); a class has the vector of the class of its name, else the mean of all. InputError where its
    networks are others, and where nothing fits.
    """
    run = open_run(config.start_from, spec.kind)
    theirs, ours = spec.networks(config_as(run, spec.config)), spec.networks(config)
    fixed, own = ({k: v for k, v in each.items() if k not in spec.adapts} for each in (theirs, ours))
    differing = differences(fixed, own)
    if differing:
        raise InputError(
            f"'{run.path}' has other networks ({'; '.join(differing)}): make these the same to start from it"
        )
    path = latest_checkpoint(run.checkpoints)
    if path is None:
        raise InputError(f"'{run.path}' has no checkpoint to start from: train it first")
    modules = {name: task.modules[name] for name in spec.starts_with or task.modules}
    if differences(theirs, ours):  # in what is adapted
        return _take_what_fits(path, modules, theirs.get("classes", ()), ours.get("classes", ()), str(run.path))
    if told := _other_shape(path, modules):
        raise InputError(f"'{run.path}' was trained on images of another form or other classes ({told}): train it anew")
    load_modules(path, modules)
    return None


def _take_what_fits(
    path: Path, modules: Mapping[str, nn.Module], theirs: Sequence[str], ours: Sequence[str], run: str
) -> str:
    verify_checkpoint(path)
    taken, anew = 0, []
    for name, module in modules.items():
        saved, state = load_file(path / f"{name}.safetensors"), module.state_dict()
        of_classes = {f"{place}.weight" for place, each in module.named_modules() if isinstance(each, ClassEmbedding)}
        for key, tensor in state.items():
            before = saved.get(key)
            if before is not None and key in of_classes and before.shape[1:] == tensor.shape[1:]:
                rows = {label: before[place] for place, label in enumerate(theirs)}
                before = torch.stack([rows.get(label, before.mean(0)) for label in ours])
            if before is not None and before.shape == tensor.shape:
                state[key] = before
                taken += 1
            else:
                anew.append(f"{name}.{key}")
        module.load_state_dict(state)
    if not taken:
        raise InputError(f"nothing of '{run}' fits these images and classes: leave out --from")
    rest = f", and {len(anew) - NAMED} more" if len(anew) > NAMED else ""
    begins = f"; anew: {', '.join(anew[:NAMED])}{rest}" if anew else ""
    known = sum(label in theirs for label in ours)
    classes = f"; {known} of {len(ours)} classes are known by name, the others begin as their mean" if ours else ""
    return f"begins with {taken} of {taken + len(anew)} weights of '{run}'{begins}{classes}"


def _other_shape(path: Path, modules: Mapping[str, nn.Module]) -> str | None:
    """The first weights that a checkpoint has in another shape; None where there are none, or it is damaged."""
    for name, module in modules.items():
        file = path / f"{name}.safetensors"
        saved = load_file(file) if file.is_file() else {}
        for key, tensor in module.state_dict().items():
            if key in saved and saved[key].shape != tensor.shape:
                return f"{name}.{key} is {tuple(saved[key].shape)} there, {tuple(tensor.shape)} here"
    return None


def differences(theirs: Mapping[str, Any], ours: Mapping[str, Any], prefix: str = "") -> list[str]:
    """What differs between the JSON values of two configs, a line each."""
    lines = []
    for key in theirs.keys() | ours.keys():
        one, other = theirs.get(key), ours.get(key)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            lines += differences(one, other, f"{prefix}{key}.")
        elif one != other:
            lines.append(f"{prefix}{key} is {one}, not {other}")
    return sorted(lines)


def refuse_other_settings(spec: Spec, config: RunConfig, settings: Settings, path: str | os.PathLike[str]) -> None:
    """InputError, with the list of them, for settings other than those that the run in `path` has."""
    parsed = parse_settings(settings)
    spec.require_settings(config, list(parsed))
    has = spec.settings(config)
    listed = {name: list(value) if isinstance(value, tuple) else value for name, value in parsed.items()}
    asked = {name: value for name, value in listed.items() if value != "auto"}
    differing = [f"{name} is {has.get(name)}, not {value}" for name, value in asked.items() if has.get(name) != value]
    if differing:
        raise InputError(
            f"'{path}' resumes with its own settings ({'; '.join(differing)}): leave --set out, or start a new "
            f"run with its weights: {spec.start(config)} --from {path} --set …"
        )
