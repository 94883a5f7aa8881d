"""The directions of a GAN: their names, what each was measured to do, and latents moved along them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from elmyr.core.errors import InputError, suggestion
from elmyr.core.files import replacing
from elmyr.core.notes import note
from elmyr.engine.saving.places import DIRECTIONS, GAN_KIND, Run
from elmyr.engine.saving.run_directory import open_run
from elmyr.nets.latent_figures import LatentFigures
from elmyr.tasks.gan.directions.moving import FigureMove, LineMove, Move, moved
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.gan.sampling.moves import Changes

FILE, PICTURE = DIRECTIONS, "directions.png"
FORMAT = "2"
MEASURED = 2.0  # the largest amount that directions are measured by
AMOUNTS = (-MEASURED, -1.0, 1.0, MEASURED)


@dataclass(frozen=True)
class Direction:
    """A direction, and what it was measured to do.

    moves: the figure that it changes most; by so many standard deviations (within the class) a unit, `slope`, where
    `correlation` is that of what was asked and what was measured, and `changes` those by each of AMOUNTS. others: by
    how many the other figures change a unit; kin: those that belong to it by their nature, and are not held. kept: the
    share of images that a recognizer still reads as their class, and `kept_by` that by each of AMOUNTS; None and empty
    where none was asked.
    """

    name: str
    way: str
    moves: str
    slope: float
    correlation: float
    others: Mapping[str, float]
    kept: float | None
    kin: Mapping[str, float] = field(default_factory=dict)
    changes: tuple[float, ...] = ()
    kept_by: tuple[float, ...] = ()


class Directions:
    """What moves the latents of a GAN.

    figures: the names of those that `reads` reads from latents; vectors: unit vectors (latent,) of the other
    directions; spread: float64 (K, figures), the standard deviation of each figure within each class (K is 1 without
    classes); kin: of each figure those that are not held while it is moved; model: the digest of the generator; all:
    every direction, measured.
    """

    def __init__(
        self,
        reads: LatentFigures,
        figures: tuple[str, ...],
        vectors: Mapping[str, torch.Tensor],
        *,
        spread: NDArray[np.float64],
        kin: Mapping[str, Sequence[str]],
        code: int,
        model: str,
        all: tuple[Direction, ...] = (),
    ) -> None:
        self.reads, self.figures, self.vectors = reads.eval().requires_grad_(False), figures, dict(vectors)
        self.spread, self.kin = spread, {name: tuple(others) for name, others in kin.items()}
        self.code, self.model, self.all = code, model, all

    @property
    def names(self) -> list[str]:
        """Of all directions."""
        return [*self.figures, *self.vectors] if not self.all else [each.name for each in self.all]

    def moved(self, latents: torch.Tensor, labels: torch.Tensor | None, amounts: Mapping[str, float]) -> torch.Tensor:
        """Latents float (N, latent) of labels int64 (N,), None without classes, moved by amounts of some directions.

        A unit of a figure's direction is a standard deviation of the figure among generated images of the class; of
        another direction it is one of the latents. InputError for an unknown name, and an amount that is not finite.
        """
        moves = [(self.move_of(name), _finite(name, amount)) for name, amount in amounts.items()]
        return moved(latents, labels, moves, self.reads, code=self.code)

    def by(self, amounts: Mapping[str, float]) -> Changes:
        """What `GAN.sample` takes as `move`; notes amounts beyond those that were measured. InputError as `moved`."""
        for name, amount in amounts.items():
            self.move_of(name)
            if abs(_finite(name, amount)) > MEASURED:
                note(f"{name}={amount:+g} is beyond the measured range of ±{MEASURED:g}: look whether the classes stay")
        return lambda latents, labels: self.moved(latents, labels, amounts)

    def as_json(self) -> list[dict[str, Any]]:
        """What each was measured to do, as JSON values."""
        return [asdict(each) for each in self.all]

    def save(self, folder: Path) -> None:
        """Writes `directions.safetensors` into a folder, whole or not at all."""
        told = {
            "format": FORMAT,
            "figures": list(self.figures),
            "kin": self.kin,
            "code": self.code,
            "classes": self.reads.classes,
            "model": self.model,
            "all": self.as_json(),
        }
        tensors = {f"reads.{name}": value.contiguous() for name, value in self.reads.state_dict().items()}
        tensors["spread"] = torch.from_numpy(np.ascontiguousarray(self.spread))
        tensors |= {f"vector.{name}": value.contiguous() for name, value in self.vectors.items()}
        with replacing(folder / FILE) as beside:
            save_file(tensors, beside, metadata={"directions": json.dumps(told)})

    @classmethod
    def load(cls, run: Run, *, gan: GAN | None = None) -> Directions:
        """Those that `elmyr directions` has found for a run; InputError where there are none, or of another model.

        gan: the run's, where it is open already.
        """
        known = None if gan is None else gan.path
        return _opened(known or open_run(run, GAN_KIND).path, gan)

    def move_of(self, name: str) -> Move:
        """How latents go along a direction; InputError, with the nearest name, for an unknown one."""
        if name in self.figures and name in self.names:
            kin = (name, *self.kin[name])
            held = tuple(place for place, other in enumerate(self.figures) if other not in kin)
            return FigureMove(self.figures.index(name), held)
        if name in self.vectors:
            return LineMove(self.vectors[name])
        raise InputError(f"no direction '{name}': {suggestion(name, self.names)}")


def digest_of(gan: GAN) -> str:
    """The sha256 of a generator's weights: its directions are no other's."""
    digest = sha256()
    for name, value in sorted(gan.generator.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _opened(path: Path, gan: GAN | None) -> Directions:
    place = path / FILE
    if not place.is_file():
        raise InputError(f"'{path}' has no directions yet: elmyr directions {path}")
    try:
        with safe_open(place, framework="pt") as file:
            told = json.loads(file.metadata()["directions"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no dict
        if told["format"] != FORMAT:
            raise InputError(f"'{place}' is of another version of elmyr: elmyr directions {path} finds them again")
        read = {name.removeprefix("reads."): value for name, value in tensors.items() if name.startswith("reads.")}
        figures, classes = tuple(map(str, told["figures"])), int(told["classes"])
        reads = LatentFigures(read["layers.0.weight"].shape[1] - classes, classes, len(figures))
        reads.load_state_dict(read)
        vectors = {name.removeprefix("vector."): each for name, each in tensors.items() if name.startswith("vector.")}
        found = tuple(Direction(**_tuples(each)) for each in told["all"])
        directions = Directions(
            reads,
            figures,
            vectors,
            spread=tensors["spread"].numpy(),
            kin=told["kin"],
            code=int(told["code"]),
            model=told["model"],
            all=found,
        )
    except (KeyError, TypeError, ValueError, OSError, RuntimeError, SafetensorError) as error:
        raise InputError(f"'{place}' is damaged ({str(error).splitlines()[0]}): elmyr directions {path}") from None
    if directions.model != digest_of(gan or GAN.load(path, device="cpu")):
        raise InputError(f"the directions of '{path}' are those of another model of it: elmyr directions {path}")
    return directions


def _tuples(told: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in told.items()}


def _finite(name: str, amount: float) -> float:
    if not abs(amount) < float("inf"):
        raise InputError(f"--move {name}={amount}: give a number, such as {name}=1.5")
    return float(amount)
