"""Networks as extractors: found by import path, given weights, and asked for features of prepared images."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from elmyr.core import machine, threads
from elmyr.core.errors import InputError, suggestion
from elmyr.core.files import sha256_of
from elmyr.evaluation.extractors import AUTO, Classifier, Extraction
from elmyr.evaluation.extractors.preparing import Preparation
from elmyr.evaluation.features import FunctionExtractor, function_extractor
from elmyr.images import ImageSet

AT_ONCE = 64  # images that a network looks at at a time
SINGLE = "fp32"
COUNTERS = "num_batches_tracked"  # of batch norms, which have no part in features; older files are without


@dataclass(frozen=True, eq=False)
class NetworkFunction:
    """A network as a function from images uint8 (N, H, W, C) to features float32 (N, D).

    precision: "fp32" or "bf16".
    """

    name: str
    network: nn.Module
    preparation: Preparation
    device: torch.device
    precision: str = SINGLE

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """InputError where the network fails, or gives no row for each image."""
        starts = range(0, len(images), AT_ONCE)
        return np.concatenate([self._of(images[start : start + AT_ONCE]) for start in starts])

    def _of(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        prepared = self.preparation.of(images, self.device)
        threads.look()
        try:
            with torch.inference_mode(), machine.without_tf32(), machine.autocast(self.device, self.precision):
                found = self.network(prepared)
        except Exception as error:  # whatever a user's network raises
            shape = "x".join(map(str, prepared.shape[1:]))
            raise InputError(
                f"the extractor '{self.name}' fails on images of {shape} (CxHxW): {told(error)}"
            ) from error
        return as_features(self.name, found, len(images))


def as_features(name: str, found: Any, count: int) -> NDArray[np.float32]:
    """What a network gave for so many images, as an array; InputError unless it is (N, D)."""
    if not isinstance(found, Tensor):
        raise InputError(
            f"the extractor '{name}' gives {type(found).__name__}, not a tensor: it is to give features (N, D), a row "
            "for each image"
        )
    if found.ndim != 2 or len(found) != count:
        raise InputError(
            f"the extractor '{name}' makes {tuple(found.shape)} of {count} images: it is to give features (N, D), a "
            "row for each image"
        )
    return found.float().cpu().numpy()


def network_extractor(
    name: str,
    network: nn.Module,
    preparation: Preparation,
    training: ImageSet,
    asked: Extraction,
    *,
    sha256: str | None = None,
    code: str = "",
    classify: Classifier | None = None,
) -> FunctionExtractor:
    """A network as an extractor, which is tried on some training images. sha256: of its weights, where it is known.

    It computes in single precision, as published figures are taken, unless another is asked for by its name.
    """
    device = machine.choose_device(asked.device)
    precision = SINGLE if asked.precision == AUTO else machine.choose_precision(asked.precision, device)
    network = network.eval().requires_grad_(False).to(device)
    function = NetworkFunction(name, network, preparation, device, precision)
    sha256 = sha256 or digest_of(network.state_dict())
    other = "" if precision == SINGLE else precision
    return function_extractor(
        name, function, training, sha256=sha256, resize=preparation.told, code=code, precision=other, classify=classify
    )


def digest_of(weights: Mapping[str, Tensor]) -> str:
    """The sha256 of named weights, in hex."""
    digest = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def attribute_of(place: str, folder: Path | None = None) -> tuple[Any, str]:
    """What `module:attribute` names, and the sha256 of the module's file; InputError where there is none.

    A module is looked for in `folder` first, then where Python looks, then in the current folder.
    """
    named, _, attribute = place.partition(":")
    if not named or not attribute:
        raise InputError(f"'{place}' is no module:attribute: give a module and a name in it, such as my_nets:Embed")
    module = _module_of(named, place, folder)
    found = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            known = [name for name in vars(module) if not name.startswith("_")]
            raise InputError(f"the module '{named}' has no '{attribute}': {suggestion(attribute, known)}")
        found = getattr(found, part)
    file = Path(getattr(module, "__file__", None) or "")
    return found, sha256_of(file) if file.is_file() else ""


def _module_of(named: str, place: str, folder: Path | None) -> Any:
    file = folder / f"{named}.py" if folder else None
    try:
        if file and file.is_file():
            return _of_file(file)
        if str(Path.cwd()) not in sys.path and "" not in sys.path:
            sys.path.append(str(Path.cwd()))
        importlib.invalidate_caches()
        return importlib.import_module(named)
    except ModuleNotFoundError as error:
        if error.name and (named == error.name or named.startswith(f"{error.name}.")):
            raise InputError(
                f"no module '{named}' for the extractor '{place}': go to the folder of {named.split('.')[0]}.py, or "
                "install it"
            ) from None
        raise InputError(f"the module '{named}' of the extractor cannot be imported: {told(error)}") from error
    except Exception as error:  # whatever a user's module raises
        raise InputError(f"the module '{named}' of the extractor cannot be imported: {told(error)}") from error


def _of_file(file: Path) -> Any:
    """A module beside an extractor's description, under a name of its own: two folders may have one `network.py`."""
    name = f"elmyr_extractor_{hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:12]}_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None  # it ends in .py
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def made(place: str, found: Any) -> nn.Module:
    """A network, or what a class or a function of no arguments makes; with the same initial weights each time."""
    network = found
    if not isinstance(found, nn.Module) and callable(found):
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                network = found()
        except Exception as error:  # whatever a user's class raises
            what = "a class or function of no arguments" if inspect.isroutine(found) or inspect.isclass(found) else "it"
            raise InputError(f"'{place}' cannot be made ({told(error)}): {what} is called as it stands") from error
    if not isinstance(network, nn.Module):
        raise InputError(
            f"'{place}' gives {type(network).__name__}, not a torch.nn.Module: name a network, or a class or function "
            "of no arguments that makes one"
        )
    return network


def load_weights(network: nn.Module, weights: Mapping[str, Tensor], name: str, path: Path) -> nn.Module:
    """The network with these weights; InputError where they are not its own."""
    known = network.state_dict()
    counters = {key: torch.tensor(0) for key in known if key.endswith(COUNTERS) and key not in weights}
    given = {**weights, **counters}
    if odd := sorted(known.keys() ^ given.keys()):
        which = "lacks" if odd[0] in known else "has, beyond the network's,"
        raise InputError(f"'{path}' {which} '{odd[0]}': it holds the weights of another network than '{name}'")
    for key, tensor in known.items():
        if tensor.shape != given[key].shape:
            raise InputError(
                f"'{path}': '{key}' is {tuple(given[key].shape)}, the network '{name}' has {tuple(tensor.shape)}: it "
                "holds the weights of another network"
            )
    network.load_state_dict({key: given[key].to(tensor.dtype) for key, tensor in known.items()}, assign=True)
    return network


def read_weights(path: Path) -> dict[str, Tensor]:
    """The weights of a `.safetensors` file by their names; InputError where it is none."""
    if not path.is_file():
        raise InputError(f"there are no weights '{path}': name a .safetensors file")
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"'{path}' is no whole .safetensors file ({told(error)}): write it again") from None


def told(error: BaseException) -> str:
    """An error's kind and the first line of what it says."""
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
