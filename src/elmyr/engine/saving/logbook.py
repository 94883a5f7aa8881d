"""The run's figures: means over a stretch of updates, one JSON line a stretch in `metrics.jsonl`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import pad

from elmyr.core.errors import DivergedError
from elmyr.core.files import read_lines, write_text
from elmyr.core.machine import to_device
from elmyr.engine.processes import ALONE, Processes


class Logbook:
    """Gathers scalars on the device and drains them, seldom, into the file: their means over all processes.

    After a resume, lines past the checkpoint are cut and the unfinished stretch goes on where the checkpoint left it.
    """

    def __init__(self, path: Path | None, processes: Processes = ALONE) -> None:
        self.path, self.processes = path, processes
        self._sums = torch.zeros(0, dtype=torch.float64)  # of each name in `_counts`
        self._counts: dict[str, int] = {}
        self.bad: tuple[int, dict[str, float]] | None = None  # where this process first saw what is not finite

    def add(self, scalars: Mapping[str, torch.Tensor], position: int) -> None:
        """Takes one update's scalars; does not wait for the device, nor for another process.

        What is not finite is noted on a CPU, at the next drain elsewhere; DivergedError where this process is alone.
        """
        names = list(dict.fromkeys([*self._counts, *scalars]))
        values = _vector(names, scalars)
        if self.bad is None and values.device.type == "cpu" and not bool(values.isfinite().all()):
            self.bad = position, dict(zip(names, values.tolist(), strict=True))
            if self.processes.count == 1:
                self.refuse_bad(position)
        self._sums = values + pad(to_device(self._sums, values.device), (0, len(names) - len(self._sums)))
        self._counts = {name: self._counts.get(name, 0) + (name in scalars) for name in names}

    def refuse_bad(self, position: int) -> None:
        """DivergedError for what is not finite: at the position, if another process alone saw it."""
        if self.bad is not None:
            at, values = self.bad
            _refuse_infinite(values, at)
        told = f"training diverged: numbers of another process not finite at {position:,} images"
        raise DivergedError(told, images=position)

    def drain(self, position: int, extra: Mapping[str, float]) -> dict[str, float]:
        """Writes the means since the last drain as one line and returns them; DivergedError if one is not finite."""
        means = {name: total / self._counts[name] for name, total in self._means_of_all().items()}
        self._sums, self._counts = self._sums[:0], {}
        _refuse_infinite(means, position)
        figures = {**extra, **{name: float(f"{mean:.6g}") for name, mean in means.items()}}
        self.write(position, figures)
        return {"images": position, **figures}

    def write(self, position: int, figures: Mapping[str, Any]) -> None:
        """Writes a line of JSON values of its own; none without any."""
        if self.path is not None and figures and self.processes.writes:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"images": position, **figures}) + "\n")

    def state(self, position: int) -> dict[str, Any]:
        """The unfinished stretch, as JSON values; DivergedError if one is not finite."""
        sums = self._means_of_all()
        _refuse_infinite(sums, position)
        return {"sums": sums, "counts": dict(self._counts)}

    def _means_of_all(self) -> dict[str, float]:
        """The sums, each the mean over all processes."""
        return dict(zip(self._counts, self.processes.mean(self._sums.cpu()).tolist(), strict=True))

    def restore(self, state: Mapping[str, Any], position: int) -> None:
        """Goes back to where a checkpoint at `position` was taken."""
        self._counts, self.bad = dict(state["counts"]), None
        self._sums = torch.tensor([state["sums"][name] for name in self._counts], dtype=torch.float64)
        if self.path is None or not self.path.exists() or not self.processes.writes:
            return
        kept = [line for line in read_lines(self.path) if line.get("images", position + 1) <= position]
        write_text(self.path, "".join(json.dumps(line) + "\n" for line in kept))


def _vector(names: Sequence[str], scalars: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """The scalars of these names, float64 (names,), on the device that they are on; 0 for one that is not there."""
    home = next((value.device for value in scalars.values() if value.device.type != "cpu"), torch.device("cpu"))
    none = torch.zeros(1, device=home)
    values = [to_device(scalars[name].detach(), home).reshape(1) if name in scalars else none for name in names]
    return torch.cat([none, *values])[1:].double()


def _refuse_infinite(values: Mapping[str, float], position: int) -> None:
    bad = [name for name, value in values.items() if not math.isfinite(value)]
    if bad:
        raise DivergedError(f"training diverged: {', '.join(bad)} not finite at {position:,} images", images=position)
