"""Checkpoints: all that resuming needs, safetensors and JSON, whole or absent.

A checkpoint is a folder `images-000200000` whose `manifest.json` holds the sha256 of each other file and is written
last; the folder gets its name by one rename when every byte is on the disk.
"""

from __future__ import annotations

import re
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from elmyr.errors import InputError
from elmyr.files import flush, read_json, sha256_of, write_json, write_text
from elmyr.training.task import Task

FORMAT = 1


def save_checkpoint(folder: Path, task: Task, position: int, progress: Mapping[str, Any]) -> Path:
    """Saves the task at `position` under `folder`, names it in `folder/latest`, and returns its path.

    `progress` is what the loop itself must remember, as JSON values.
    """
    folder.mkdir(exist_ok=True)
    final = folder / f"images-{position:09d}"
    beside = folder / f".{final.name}.part"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    for name, module in task.modules.items():
        save_file(_portable(module.state_dict()), beside / f"{name}.safetensors")
    for name, optimizer in task.optimizers.items():
        save_file(_portable(_optimizer_state(optimizer)), beside / f"{name}.optimizer.safetensors")
    write_json(beside / "state.json", {"format": FORMAT, "position": position, "progress": dict(progress)})
    sums = {path.name: sha256_of(path) for path in sorted(beside.iterdir())}
    for path in beside.iterdir():
        flush(path)
    write_json(beside / "manifest.json", {"format": FORMAT, "files": sums})
    flush(beside)
    if final.exists():
        shutil.rmtree(final)
    beside.rename(final)
    flush(folder)
    write_text(folder / "latest", final.name + "\n")
    return final


def load_checkpoint(path: Path, task: Task) -> tuple[int, dict[str, Any]]:
    """Puts a checkpoint's state into the task, in place; returns its position and the loop's progress."""
    verify_checkpoint(path)
    state = read_json(path / "state.json")
    try:
        for name, module in task.modules.items():
            module.load_state_dict(load_file(path / f"{name}.safetensors"))
        for name, optimizer in task.optimizers.items():
            _restore_optimizer(optimizer, load_file(path / f"{name}.optimizer.safetensors"))
    except (OSError, RuntimeError, KeyError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"the checkpoint '{path}' does not fit this run ({reason})") from None
    return int(state["position"]), dict(state["progress"])


class ForeignFormatError(InputError):
    """A checkpoint of another version of elmyr: whole, but not to be read by this one."""


def verify_checkpoint(path: Path) -> None:
    """InputError unless every file of the checkpoint is as its manifest says."""
    manifest = read_json(path / "manifest.json")
    if not isinstance(manifest, dict):
        raise InputError(f"the checkpoint '{path}' has no manifest that can be read")
    if manifest.get("format") != FORMAT:
        raise ForeignFormatError(
            f"the checkpoint '{path}' has the format {manifest.get('format')}, this elmyr reads {FORMAT}: "
            "use the elmyr that wrote it, or train again"
        )
    files = manifest.get("files")
    present = {entry.name for entry in path.iterdir()} - {"manifest.json"}
    if not isinstance(files, dict) or present != set(files):
        raise InputError(f"the checkpoint '{path}' lacks files or has foreign ones")
    for name, expected in files.items():
        if sha256_of(path / name) != expected:
            raise InputError(f"the checkpoint '{path}' is damaged: '{name}' is not what was saved")


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint under `folder`, None if there is none.

    Damaged ones are passed over with a warning; one of another format raises InputError.
    """
    checkpoints = _by_position(folder)
    for position in sorted(checkpoints, reverse=True):
        try:
            verify_checkpoint(checkpoints[position])
        except ForeignFormatError:
            raise
        except (InputError, OSError) as error:
            warnings.warn(f"{error}: the one before it is taken", stacklevel=2)
            continue
        return checkpoints[position]
    return None


def prune_checkpoints(folder: Path, position: int, keep: int) -> None:
    """Keeps the newest `keep` checkpoints up to `position`; those past it are damaged ones that were passed over."""
    checkpoints = _by_position(folder)
    kept = sorted(number for number in checkpoints if number <= position)[-keep:]
    for number in checkpoints.keys() - set(kept):
        shutil.rmtree(checkpoints[number])


def _by_position(folder: Path) -> dict[int, Path]:
    names = ((re.fullmatch(r"images-(\d+)", path.name), path) for path in folder.glob("images-*"))
    return {int(match[1]): path for match, path in names if match}


def _portable(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def _optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    return {
        f"{number}.{key}": value
        for number, parameter in enumerate(_parameters(optimizer))
        for key, value in optimizer.state[parameter].items()
    }


def _restore_optimizer(optimizer: torch.optim.Optimizer, saved: Mapping[str, torch.Tensor]) -> None:
    for number, parameter in enumerate(_parameters(optimizer)):
        prefix = f"{number}."
        own = {key.removeprefix(prefix): value for key, value in saved.items() if key.startswith(prefix)}
        # The fused update walks through memory: the moments must lie as their parameter does (channels-last), which
        # the file does not tell.
        optimizer.state[parameter] = {
            key: torch.empty_like(parameter).copy_(value)
            if value.shape == parameter.shape
            else value.to(parameter.device, copy=True)
            for key, value in own.items()
        }


def _parameters(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
