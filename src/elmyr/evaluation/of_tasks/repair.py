"""How well damage is undone: PSNR, SSIM, and what one fixed recognizer reads, by damage and severity."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.engine.progress import shown
from elmyr.engine.saving.run_directory import open_run
from elmyr.images import ImageSet
from elmyr.metrics import psnr, squared_error, ssim, wilson_interval
from elmyr.tasks.recognition import Recognizer
from elmyr.tasks.restoration import Restorer, corrupt, damage_of
from elmyr.tasks.restoration.corruptions import KINDS
from elmyr.tasks.restoration.spec import KIND, config_of, splits_of

SHOWN = 10
CLEAN, DAMAGED, REPAIRED = "clean", "damaged", "repaired"

# Damaged images uint8 (N, H, W, C) and masks bool (N, H, W), None where nothing is hidden -> repaired images.
RepairMethod = Callable[[NDArray[np.uint8], "NDArray[np.bool_] | None"], NDArray[np.uint8]]


@dataclass(frozen=True)
class MethodResult:
    """One method on one damage: PSNR in dB over all pixels, mean SSIM, and the share read wrong with its interval."""

    method: str
    psnr: float
    ssim: float
    error: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class DamageRow:
    """One damage: what each method makes of it, and pictures uint8 (n, H, W, C) of the first images, by method."""

    damage: str
    count: int
    methods: tuple[MethodResult, ...]
    pictures: Mapping[str, NDArray[np.uint8]]


@dataclass(frozen=True)
class RepairJudgment:
    """What was judged: the share of the clean images that is read wrong, and a row for each damage."""

    data: str
    count: int
    clean_error: float | None
    rows: tuple[DamageRow, ...]

    def as_json(self) -> dict[str, Any]:
        """All of it but the pictures, as JSON values; an infinite PSNR (nothing changed) is null."""
        rows = [
            {"damage": row.damage, "count": row.count, "methods": [_as_json(each) for each in row.methods]}
            for row in self.rows
        ]
        return {"data": self.data, "count": self.count, "clean_error": self.clean_error, "rows": rows}


def _as_json(result: MethodResult) -> dict[str, Any]:
    return asdict(result) | {"psnr": result.psnr if np.isfinite(result.psnr) else None}


def judge_repair(
    images: ImageSet,
    methods: Mapping[str, RepairMethod],
    *,
    damages: Sequence[str] | None = None,
    recognizer: Recognizer | None = None,
    quiet: bool = True,
) -> RepairJudgment:
    """Damages images, repairs them by each method, and compares with what they were, damage by damage.

    damages: corruptions; without them each kind at some severities. The recognizer reads clean, damaged and repaired
    images, where there are labels. Progress is shown unless `quiet`. Raises InputError for an unknown damage, and for a
    recognizer of other images.
    """
    chosen = damages if damages is not None else usual_damages(min(images.height, images.width))
    for damage in chosen:
        damage_of(damage)
    clean = images.in_memory()
    clean_error, _ = _misread(recognizer, clean, images)
    rows = list[DamageRow]()
    with shown("repair", total=len(chosen), unit="kinds of damage", quiet=quiet) as listener:
        for damage in chosen:
            if listener is not None:
                listener.advance(len(rows))
            damaged, masks = corrupt(clean, damage, seed=seeds.DAMAGED)
            made = {DAMAGED: damaged} | {name: method(damaged, masks) for name, method in methods.items()}
            results = tuple(_judged(name, each, clean, images, recognizer) for name, each in made.items())
            pictures = {name: each[:SHOWN].copy() for name, each in ({CLEAN: clean} | made).items()}
            rows.append(DamageRow(damage, len(clean), results, pictures))
    return RepairJudgment(images.name, len(clean), clean_error, tuple(rows))


def images_to_repair(
    model: str | os.PathLike[str], *, part: str = "test", data_root: str | os.PathLike[str] | None = None
) -> ImageSet:
    """A part of the split that a restorer's run learned from: "test", "validation" or "train"."""
    return splits_of(config_of(open_run(model, KIND)), data_root).part(part)


def restoring(model: str | os.PathLike[str], *, device: str = "auto", precision: str = "auto") -> RepairMethod:
    """A restorer's run as a method: masks are told where there are any."""
    restorer = Restorer.load(model, device=device, precision=precision)
    return lambda damaged, masks: restorer.restore(damaged, masks).images


def usual_damages(side: int) -> list[str]:
    """Each kind at two severities of those that training saw, for images whose smaller side this is."""
    chosen = []
    for name, kind in KINDS.items():
        low, high = kind.trained_range(side)
        severities = [low + share * (high - low) for share in (0.4, 0.85)]
        written = [f"{round(each) if kind.whole else round(each, 2):g}" for each in severities]
        chosen += [f"{name}:{each}" for each in dict.fromkeys(written)]
    return chosen


def _judged(
    name: str, made: NDArray[np.uint8], clean: NDArray[np.uint8], images: ImageSet, recognizer: Recognizer | None
) -> MethodResult:
    error, interval = _misread(recognizer, made, images)
    return MethodResult(name, psnr(squared_error(made, clean)), float(ssim(made, clean).mean()), error, interval)


def _misread(
    recognizer: Recognizer | None, made: NDArray[np.uint8], images: ImageSet
) -> tuple[float | None, tuple[float, float] | None]:
    """The share of images that is read as another class than theirs, and its 95 % interval."""
    if recognizer is None:
        return None, None
    names = np.array(images.classes)[images.require_labels()]
    unknown = sorted(set(images.classes) - {str(name) for name in recognizer.classes_})
    if unknown:
        raise InputError(f"the recognizer knows no class '{unknown[0]}' of '{images.name}': take one of these images")
    wrong = int((recognizer.predict(made).astype(str) != names).sum())
    return wrong / len(names), wilson_interval(wrong, len(names))
