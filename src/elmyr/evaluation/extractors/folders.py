"""A folder as an extractor: `extractor.toml`, which says what is done to images, and the weights of its network."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, ValidationError
from safetensors.torch import save_file
from torch import nn

from elmyr.core.calls import checked
from elmyr.core.errors import InputError
from elmyr.core.files import make_folder, replacing, sha256_of, write_text
from elmyr.evaluation.extractors import Extraction, ExtractorSpec
from elmyr.evaluation.extractors.networks import attribute_of, load_weights, made, network_extractor, read_weights
from elmyr.evaluation.extractors.preparing import Preparation
from elmyr.evaluation.features import FunctionExtractor
from elmyr.evaluation.stages import Stages
from elmyr.images import ImageSet

DESCRIPTION, WEIGHTS = "extractor.toml", "weights.safetensors"

P = TypeVar("P", bound=Preparation)


class FolderExtractor(Preparation):
    """An `extractor.toml`: the network's class as `module:attribute`, its weights and their sha256, and how images are
    made ready for it. A module is looked for beside the file first. name: the folder's where there is none."""

    name: str | None = Field(None, min_length=1)
    network: str
    weights: str = WEIGHTS
    sha256: str = Field(pattern="[0-9a-f]{64}")


def read_description(path: Path, model: type[P]) -> P:
    """What a TOML file says of an extractor; InputError for whatever else it is."""
    try:
        return model.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        raise InputError(f"'{path}' describes no extractor: {where + ': ' if where else ''}{message}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"'{path}' cannot be read as TOML: {error}") from None


def check_sha256(path: Path, wanted: str, mend: str) -> None:
    """InputError where a file is not there or is not the one of this sha256."""
    if not path.is_file():
        raise InputError(f"there are no weights '{path}': {mend}")
    if (found := sha256_of(path)) != wanted:
        raise InputError(f"'{path}' has the sha256 {found}, not {wanted}: {mend}")


def _described(place: str) -> tuple[Path, FolderExtractor]:
    folder = Path(place)
    if not (folder / DESCRIPTION).is_file():
        raise InputError(f"the folder '{place}' has no {DESCRIPTION}: elmyr.save_extractor writes one")
    return folder, read_description(folder / DESCRIPTION, FolderExtractor)


def _class_of(described: FolderExtractor, folder: Path) -> tuple[type[nn.Module], str]:
    """A file may name code to be imported, but not to be called: a class of networks alone."""
    found, code = attribute_of(described.network, folder)
    if not isinstance(found, type) or not issubclass(found, nn.Module):
        raise InputError(f"'{folder / DESCRIPTION}': {described.network} is no class of torch.nn.Module: name one")
    return found, code


def _check(asked: Extraction) -> None:
    folder, described = _described(asked.name)
    check_sha256(folder / described.weights, described.sha256, f"take the weights that {DESCRIPTION} was written for")
    _class_of(described, folder)


def _of_folder(training: ImageSet, asked: Extraction, stages: Stages) -> FunctionExtractor:
    folder, described = _described(asked.name)
    name = described.name or folder.resolve().name
    kind, code = _class_of(described, folder)
    path = folder / described.weights
    network = load_weights(made(described.network, kind), read_weights(path), name, path)
    return network_extractor(name, network, described, training, asked, sha256=described.sha256, code=code)


FOLDER = ExtractorSpec(f"a folder with {DESCRIPTION} and weights", _of_folder, takes_precision=True, check=_check)


@checked
def save_extractor(
    folder: str | os.PathLike[str],
    network: str,
    weights: nn.Module,
    *,
    preparation: dict[str, Any] | None = None,
    name: str | None = None,
) -> Path:
    """Writes a folder that `--extractor` takes: `extractor.toml` and `weights.safetensors`; returns it.

    network: the class as `module:attribute`, which is made without arguments. weights: such a network. preparation: how
    images are made ready for it: `size`, `resize`, `channels`, `range`, `mean`, `std`, as docs/figures.md has them.
    Raises InputError for what describes no extractor.
    """
    place = make_folder(Path(folder))
    described = {"network": network, "weights": WEIGHTS, **(preparation or {})} | ({"name": name} if name else {})
    tensors = {key: tensor.detach().cpu().contiguous().clone() for key, tensor in weights.state_dict().items()}
    with replacing(place / WEIGHTS) as beside:
        save_file(tensors, beside)
    described["sha256"] = sha256_of(place / WEIGHTS)
    lines = [f"{key} = {json.dumps(value)}" for key, value in described.items()]
    write_text(place / DESCRIPTION, "\n".join(lines) + "\n")
    _class_of(read_description(place / DESCRIPTION, FolderExtractor), place)
    return place
