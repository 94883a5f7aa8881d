"""Weights that others have published in PyTorch's own format: the one place in which such a file is opened.

Only one whose sha256 is known is, and as tensors alone: nothing in it is run. What it held is kept as safetensors.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from elmyr.core.errors import InputError
from elmyr.core.files import cache_folder, replacing
from elmyr.evaluation.extractors.folders import check_sha256
from elmyr.evaluation.extractors.networks import digest_of


def weights_folder() -> Path:
    """Where a user may put the files of published weights, and what was made of them is kept."""
    return cache_folder() / "extractors" / "weights"


def converted(file: str) -> Path:
    """Where the tensors of a published file are kept."""
    return weights_folder() / f"{Path(file).stem}.safetensors"


def published_weights(path: Path, sha256: str, mend: str) -> dict[str, Tensor]:
    """The tensors of the published file that has this sha256; InputError, which ends in `mend`, for any other."""
    check_sha256(path, sha256, mend)
    found = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(found, dict) or not all(isinstance(each, Tensor) for each in found.values()):
        raise InputError(f"'{path}' holds more than weights: {mend}")
    return {str(name): tensor.detach().contiguous() for name, tensor in found.items()}


def keep(weights: dict[str, Tensor], file: str, sha256: str) -> None:
    """Keeps the tensors of a published file as safetensors, with its sha256; OSError where that cannot be done."""
    weights_folder().mkdir(parents=True, exist_ok=True)
    told = {"published_sha256": sha256, "digest": digest_of(weights)}
    with replacing(converted(file)) as beside:
        save_file({name: tensor.clone() for name, tensor in weights.items()}, beside, metadata=told)


def kept(file: str, sha256: str) -> dict[str, Tensor] | None:
    """The tensors that were kept of the published file of this sha256; None where they are not there, or damaged."""
    if not converted(file).is_file():
        return None
    try:
        with safe_open(converted(file), "pt") as opened:
            told = opened.metadata() or {}
            weights = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118  # it is no mapping
    except (SafetensorError, OSError):
        return None
    whole = told.get("published_sha256") == sha256 and told.get("digest") == digest_of(weights)
    return weights if whole else None
