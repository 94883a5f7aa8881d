"""An ONNX file as an extractor, computed by onnxruntime: the extra `[onnx]`.

A TOML file of the same name beside it may say how images are made ready for it, and the sha256 of the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from elmyr.core.errors import InputError
from elmyr.core.files import sha256_of
from elmyr.evaluation.extractors import Extraction, ExtractorSpec
from elmyr.evaluation.extractors.folders import check_sha256, read_description
from elmyr.evaluation.extractors.networks import AT_ONCE, told
from elmyr.evaluation.extractors.preparing import Preparation
from elmyr.evaluation.features import FunctionExtractor, function_extractor
from elmyr.evaluation.stages import Stages
from elmyr.images import ImageSet

FLOATS = "tensor(float)"
ERRORS_ONLY = 3  # of onnxruntime's levels of logging


class OnnxDescription(Preparation):
    """What `model.toml` says of `model.onnx`: how images are made ready for it, and the sha256 that the model has."""

    name: str | None = Field(None, min_length=1)
    sha256: str | None = Field(None, pattern="[0-9a-f]{64}")


@dataclass(frozen=True, eq=False)
class OnnxFunction:
    """An ONNX model as a function from images uint8 (N, H, W, C) to features (N, D).

    batch: the number of images that it takes at a time, None for any.
    """

    path: Path
    session: Any
    preparation: Preparation
    batch: int | None

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """InputError where the model fails, or gives no row for each image."""
        starts = range(0, len(images), self.batch or AT_ONCE)
        return np.concatenate([self._of(images[start : start + (self.batch or AT_ONCE)]) for start in starts])

    def _of(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        count, wanted = len(images), self.batch or len(images)
        prepared = self.preparation.of(images[np.arange(wanted) % count]).numpy()
        shape, (taken,) = prepared.shape[1:], self.session.get_inputs()
        if any(isinstance(side, int) and side != has for side, has in zip(taken.shape[1:], shape, strict=True)):
            raise InputError(
                f"'{self.path}' takes images {_sides(taken.shape[1:])} (C, H, W), they are {_sides(shape)}: write "
                f"channels, size and a resize rule into '{self.path.with_suffix('.toml').name}' beside it"
            )
        try:
            (found,) = self.session.run(None, {taken.name: prepared})
        except Exception as error:  # onnxruntime has kinds of its own for each failure
            raise InputError(f"'{self.path}' fails on images {_sides(shape)} (C, H, W): {told(error)}") from error
        if found.ndim != 2 or len(found) != wanted:
            raise InputError(
                f"'{self.path}' makes {found.shape} of {wanted} images: an extractor gives features (N, D), a row for "
                "each image"
            )
        features: NDArray[np.float32] = found[:count]
        return features


def _sides(shape: tuple[Any, ...]) -> str:
    return "x".join("any" if not isinstance(side, int) else str(side) for side in shape)


def _session(path: Path) -> Any:
    """The model, opened; InputError unless it takes one batch of images and gives one output."""
    if not path.is_file():
        raise InputError(f"there is no file '{path}': name an .onnx file")
    try:
        import onnxruntime
    except ImportError:
        raise InputError(f"reading '{path}' needs onnxruntime: pip install 'elmyr[onnx]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = torch.get_num_threads(), ERRORS_ONLY
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has kinds of its own for each failure
        raise InputError(f"'{path}' cannot be opened as an ONNX model ({told(error)}): export it again") from error
    inputs, outputs = session.get_inputs(), session.get_outputs()
    for what, found in (("inputs", inputs), ("outputs", outputs)):
        if len(found) != 1:
            names = ", ".join(each.name for each in found)
            raise InputError(f"'{path}' has {len(found)} {what} ({names}): an extractor has one, export it so")
    if len(inputs[0].shape) != 4 or inputs[0].type != FLOATS:
        raise InputError(
            f"'{path}' takes {inputs[0].type} {inputs[0].shape}: an extractor takes images float (N, C, H, W), export "
            "it so"
        )
    return session


def _described(path: Path) -> OnnxDescription:
    beside = path.with_suffix(".toml")
    described = read_description(beside, OnnxDescription) if beside.is_file() else OnnxDescription()
    if described.sha256 is not None:
        check_sha256(path, described.sha256, f"take the model that {beside.name} was written for")
    return described


def _check(asked: Extraction) -> None:
    _session(Path(asked.name))
    _described(Path(asked.name))


def _of_onnx(training: ImageSet, asked: Extraction, stages: Stages) -> FunctionExtractor:
    path = Path(asked.name)
    session, described = _session(path), _described(path)
    batch = session.get_inputs()[0].shape[0]
    function = OnnxFunction(path, session, described, batch if isinstance(batch, int) else None)
    name = described.name or path.name
    return function_extractor(name, function, training, sha256=sha256_of(path), resize=described.told)


ONNX = ExtractorSpec("a network in an .onnx file", _of_onnx, check=_check)
