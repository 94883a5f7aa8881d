"""Checkpoints: all that resuming needs, safetensors and JSON, whole or absent.

A checkpoint is a folder `images-000200000` whose `manifest.json` holds the sha256 of each other file and is written
last; the folder gets its name by one rename when every byte is on the disk.
"""

from __future__ import annotations

import json
import re
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from elmyr.core.errors import ElmyrError, InputError
from elmyr.core.files import flush, read_json, sha256_of, write_json, write_text
from elmyr.engine.task import Task

FORMAT = 2
OPTIMIZER = ".optimizer"  # behind the name of one, where there are modules as well
NAME = re.compile(r"images-(\d+)")
MARGIN = 4_000_000  # bytes that stay free beside a checkpoint: logs, previews, the file system's own


class SaveError(ElmyrError):
    """A checkpoint could not be written; the ones before it are whole."""


@dataclass(frozen=True)
class Snapshot:
    """A task's state at a position, copied: training may go on while it is written. `progress` is the loop's own."""

    position: int
    tensors: Mapping[str, Mapping[str, torch.Tensor]]
    progress: Mapping[str, Any]
    figure: float | None = None  # how good the task is at the position; the lowest makes a checkpoint the best one

    @property
    def size(self) -> int:
        """Its weights and moments in bytes."""
        return sum(tensor.nbytes for part in self.tensors.values() for tensor in part.values())


def take_snapshot(task: Task, position: int, progress: Mapping[str, Any], figure: float | None = None) -> Snapshot:
    """Copies the task's state to the CPU."""
    copied = {name: _copied(part) for name, part in state_of(task).items()}
    return Snapshot(position, copied, progress, figure)


def not_finite(task: Task) -> str | None:
    """What in the task's state is not finite, None where all of it is. Waits for the device."""
    for name, part in state_of(task).items():
        for key, tensor in part.items():
            if tensor.is_floating_point() and not tensor.isfinite().all():
                return f"{name}: '{key}'"
    return None


def weights_size(task: Task) -> int:
    """The task's networks in bytes, without the optimizers' moments."""
    return sum(tensor.nbytes for module in task.modules.values() for tensor in module.state_dict().values())


def state_of(task: Task) -> Mapping[str, Mapping[str, torch.Tensor]]:
    """The tensors of each module and of each optimizer, by the names of their files."""
    modules = {name: module.state_dict() for name, module in task.modules.items()}
    return modules | {f"{name}{OPTIMIZER}": _optimizer_state(each) for name, each in task.optimizers.items()}


def save_checkpoint(folder: Path, snapshot: Snapshot) -> Path:
    """Writes a snapshot under `folder`, names it in `latest` there and the best one in `best`, and returns its path.

    Raises SaveError where the disk is full or fails; what was whole before is whole still.
    """
    final = folder / f"images-{snapshot.position:09d}"
    beside = folder / f".{final.name}.part"
    try:
        require_room(folder, snapshot.size)
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        _write(beside, snapshot)
        if final.exists():
            shutil.rmtree(final)
        beside.rename(final)
        flush(folder)
        write_text(folder / "latest", final.name + "\n")
        best = _best(folder)
        if best is not None:
            write_text(folder / "best", best.name + "\n")
    except (OSError, SafetensorError) as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise SaveError(f"the checkpoint of {snapshot.position:,} images cannot be written ({error})") from None
    return final


def require_room(folder: Path, size: int) -> None:
    """Raises OSError where `folder`'s disk has no room for `size` bytes more."""
    free = shutil.disk_usage(folder if folder.exists() else folder.parent).free
    if free < size + MARGIN:
        raise OSError(f"it takes {(size + MARGIN) / 1e6:,.0f} MB, {free / 1e6:,.0f} MB are free")


def _write(folder: Path, snapshot: Snapshot) -> None:
    for name, part in snapshot.tensors.items():
        save_file(dict(part), folder / f"{name}.safetensors")
    state = {"position": snapshot.position, "figure": snapshot.figure, "progress": dict(snapshot.progress)}
    write_json(folder / "state.json", state)
    sums = {path.name: sha256_of(path) for path in sorted(folder.iterdir())}
    for path in folder.iterdir():
        flush(path)
    write_text(folder / "manifest.json", _manifest_text(sums))
    flush(folder)


def _manifest_text(sums: Mapping[str, Any], version: int = FORMAT) -> str:
    """The manifest of files' sums, with its own sum last: no byte of it can change unseen."""
    content = {"format": version, "files": dict(sums)}
    own = sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return json.dumps(content | {"manifest": own}, indent=2) + "\n"


def put_part(task: Task, name: str, tensors: Mapping[str, torch.Tensor]) -> None:
    """Puts the tensors of one part of a state, by its name in `state_of`, into the task, in place."""
    if name in task.modules:
        task.modules[name].load_state_dict(tensors)
    else:
        _restore_optimizer(task.optimizers[name.removesuffix(OPTIMIZER)], tensors)


def load_checkpoint(path: Path, task: Task) -> tuple[int, dict[str, Any]]:
    """Puts a checkpoint's state into the task, in place; returns its position and the loop's progress."""
    load_modules(path, task.modules)
    with _fitting(path):
        for name, optimizer in task.optimizers.items():
            _restore_optimizer(optimizer, load_file(path / f"{name}{OPTIMIZER}.safetensors"))
    state = read_json(path / "state.json")
    return int(state["position"]), dict(state["progress"])


def load_modules(path: Path, modules: Mapping[str, nn.Module]) -> None:
    """Puts a checkpoint's weights into modules of these names; InputError if it is damaged or they do not fit."""
    verify_checkpoint(path)
    with _fitting(path):
        for name, module in modules.items():
            module.load_state_dict(load_file(path / f"{name}.safetensors"))


@contextmanager
def _fitting(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError, KeyError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"the checkpoint '{path}' does not fit this run ({reason})") from None


class ForeignFormatError(InputError):
    """A checkpoint of another version of elmyr: whole, but not to be read by this one."""


def verify_checkpoint(path: Path) -> None:
    """InputError unless every file of the checkpoint is as its manifest says, the manifest as it was written."""
    manifest = read_json(path / "manifest.json")
    files, version = (manifest.get(key) if isinstance(manifest, dict) else None for key in ("files", "format"))
    if (
        not isinstance(files, dict)
        or not isinstance(version, int)
        or (path / "manifest.json").read_bytes() != _manifest_text(files, version).encode()
    ):
        raise InputError(f"the checkpoint '{path}' is damaged: 'manifest.json' is not what was saved")
    if version != FORMAT:
        raise ForeignFormatError(
            f"the checkpoint '{path}' has the format {version}, this elmyr reads {FORMAT}: "
            "use the elmyr that wrote it, or train again"
        )
    present = {entry.name for entry in path.iterdir()} - {"manifest.json"}
    for name in sorted(present ^ set(files)):
        raise InputError(f"the checkpoint '{path}' is damaged: '{name}' is {'foreign' if name in present else 'gone'}")
    for name, expected in files.items():
        if (path / name).is_symlink() or not (path / name).is_file() or sha256_of(path / name) != expected:
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


def find_checkpoint(folder: Path, name: str) -> Path:
    """The checkpoint `latest`, `best`, or of so many images (`200000` or `200k`); InputError if there is none."""
    if name == "latest":
        path = latest_checkpoint(folder)
    elif name == "best":
        path = _best(folder)
    else:
        match = re.fullmatch(r"(\d+)(k?)", name)
        number = int(match[1]) * (1000 if match[2] else 1) if match else -1
        path = _by_position(folder).get(number)
    if path is None or not path.is_dir():
        known = ", ".join(["latest", *(["best"] if _best(folder) else []), *map(str, sorted(_by_position(folder)))])
        raise InputError(f"'{folder}' has no checkpoint '{name}': choose from: {known}")
    return path


def _best(folder: Path) -> Path | None:
    """The checkpoint with the lowest figure, the first of those; None where none has one."""
    figures = {path: _figure(path) for path in _by_position(folder).values()}
    known = [(figure, path) for path, figure in figures.items() if figure is not None]
    return min(known)[1] if known else None


def _figure(path: Path) -> float | None:
    """A checkpoint's own figure; None where it has none, or where its state is damaged."""
    try:
        figure = read_json(path / "state.json")["figure"]
    except (InputError, KeyError, TypeError):
        return None
    return float(figure) if isinstance(figure, int | float) else None


def prune_checkpoints(folder: Path, position: int, keep: int) -> None:
    """Keeps the best and the newest `keep` up to `position`; those past it are damaged ones that were passed over."""
    checkpoints, best = _by_position(folder), _best(folder)
    kept = {checkpoints[number] for number in sorted(number for number in checkpoints if number <= position)[-keep:]}
    for path in set(checkpoints.values()) - kept - {best}:
        shutil.rmtree(path)
    for path in folder.glob(".images-*.part"):  # of a save that was killed
        shutil.rmtree(path)


def _by_position(folder: Path) -> dict[int, Path]:
    names = ((NAME.fullmatch(path.name), path) for path in folder.glob("images-*"))
    return {int(match[1]): path for match, path in names if match}


def _copied(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }


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
