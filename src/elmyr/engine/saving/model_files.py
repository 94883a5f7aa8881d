"""The files of a trained model: its weights, and a description in JSON that knows their sha256."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from elmyr.core.errors import InputError
from elmyr.core.files import make_folder, read_json, replacing, sha256_of, write_json
from elmyr.engine.saving.places import Run, finished_model

DAMAGED = (KeyError, TypeError, ValueError, OSError, RuntimeError, ValidationError, SafetensorError)


@dataclass(frozen=True)
class ModelFiles:
    """The files of the models of a kind, such as `restorer.safetensors` and `restorer.json`, in one `format`."""

    kind: str
    format: int = 1

    @property
    def weights(self) -> str:
        """The file of the weights."""
        return f"{self.kind}.safetensors"

    @property
    def description(self) -> str:
        """The file of the description."""
        return f"{self.kind}.json"

    def write(self, folder: Path, tensors: Mapping[str, torch.Tensor], content: Mapping[str, Any]) -> None:
        """Writes both, each whole or not at all."""
        with replacing(make_folder(folder) / self.weights) as beside:
            save_file({name: tensor.contiguous().cpu() for name, tensor in tensors.items()}, beside)
        digest = sha256_of(folder / self.weights)
        write_json(folder / self.description, {"format": self.format, **content, "sha256": digest})

    @contextmanager
    def reading(self, run: Run) -> Iterator[tuple[Path, dict[str, Any], dict[str, torch.Tensor]]]:
        """The folder, the description and the weights of a finished run's model, or of a folder where one was saved.

        InputError where there is none, where it is not whole, and for what does not fit into the networks inside.
        """
        folder = finished_model(run, self.kind)
        content = read_json(folder / self.description)
        try:
            if content["format"] != self.format or content["sha256"] != sha256_of(folder / self.weights):
                raise InputError(f"'{folder}' is no whole {self.kind} of this elmyr: train it again")
            yield folder, content, load_file(folder / self.weights)
        except DAMAGED as error:
            if isinstance(error, InputError):
                raise
            reason = str(error).splitlines()[0]
            raise InputError(f"'{folder}' is no whole {self.kind} ({reason}): train it again") from None
