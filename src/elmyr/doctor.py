"""What this machine gives elmyr: versions, devices, room, and what is not installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import torch

from elmyr import machine
from elmyr.files import cache_folder

OPTIONAL = {"pyarrow": "data", "datasets": "data"}  # the module and the extra that brings it


def examine() -> dict[str, str]:
    """What was found, by name, each in a few words. Changes nothing."""
    found = machine.environment()
    device = machine.choose_device()
    precision = machine.choose_precision("auto", device)
    return {
        "elmyr": found["elmyr"],
        "python": found["python"],
        "torch": found["torch"],
        "cpu": f"{found['cpu']}, {found['threads']} threads",
        "cuda": ", ".join(map(_cuda_name, range(torch.cuda.device_count()))) or "none",
        "device": str(device),
        "precision": precision if precision == "bf16" else "fp32 (bf16 is not native here)",
        "memory kept": "yes" if machine.keeps_freed_memory() else "no (not glibc, or MALLOC_ is set)",
        "data root": os.environ.get("ELMYR_DATA") or "none (set ELMYR_DATA, or pass --data-root)",
        "cache": f"{cache_folder()}, {_free(cache_folder())}",
        "here": f"{Path.cwd()}, {_free(Path.cwd())}",
    } | {module: _installed(module, extra) for module, extra in OPTIONAL.items()}


def _cuda_name(number: int) -> str:
    return f"cuda:{number} {torch.cuda.get_device_name(number)}"


def _free(folder: Path) -> str:
    """The room on the disk of a folder, which need not exist yet."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    return f"{shutil.disk_usage(there).free / 1e9:,.1f} GB free"


def _installed(module: str, extra: str) -> str:
    return "yes" if importlib.util.find_spec(module) else f"no (pip install 'elmyr[{extra}]')"
