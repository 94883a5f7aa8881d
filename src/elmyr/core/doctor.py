"""What this machine gives elmyr: versions, devices, room, and what is not installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import torch

from elmyr.core import machine
from elmyr.core.files import cache_folder

# The modules and the extras that bring them.
OPTIONAL = {"pyarrow": "data", "datasets": "data", "pillow_heif": "heic", "ray": "cluster"}


def examine(*, device: str = "auto", precision: str = "auto") -> dict[str, str]:
    """What was found, by name, each in a few words. Changes nothing; InputError for what this machine has not."""
    found = machine.environment()
    chosen = machine.choose_device(device)
    computed = machine.choose_precision(precision, chosen)
    native = machine.choose_precision("auto", chosen)
    return {
        "elmyr": found["elmyr"],
        "python": found["python"],
        "torch": found["torch"],
        "cpu": f"{found['cpu']}, {found['threads']} threads",
        "cuda": ", ".join(map(_cuda_name, range(torch.cuda.device_count()))) or "none",
        "device": str(chosen),
        "precision": computed if native == "bf16" else f"{computed} (bf16 is not native here)",
        "memory kept": "yes" if machine.keeps_freed_memory() else "no (not glibc, or its options are set)",
        "data root": _data_root(os.environ.get("ELMYR_DATA")),
        "cache": f"{cache_folder()}, {_free(cache_folder())}",
        "here": f"{Path.cwd()}, {_free(Path.cwd())}",
    } | {module: _installed(module, extra) for module, extra in OPTIONAL.items()}


def _data_root(named: str | None) -> str:
    if not named:
        return "none (set ELMYR_DATA, or pass --data-root)"
    return named if Path(named).is_dir() else f"{named} (ELMYR_DATA; there is no such folder)"


def _cuda_name(number: int) -> str:
    return f"cuda:{number} {torch.cuda.get_device_name(number)}"


def _free(folder: Path) -> str:
    """The room on the disk of a folder, which need not exist yet."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    return f"{shutil.disk_usage(there).free / 1e9:,.1f} GB free"


def _installed(module: str, extra: str) -> str:
    return "yes" if importlib.util.find_spec(module) else f"no (pip install 'elmyr[{extra}]')"
