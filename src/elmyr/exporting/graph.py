"""A network with all that belongs to its use, as one ONNX graph, and how near onnxruntime comes to torch."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from elmyr.core.errors import ElmyrError, InputError

OPSETS = range(18, 24)  # that torch's exporter writes and onnxruntime reads
OPSET = 20
PARITY = 1e-4  # the largest difference of any output
COMPARED, AT_ONCE = 1_000, 250  # inputs
MISSING = "exporting needs onnx, onnxscript and onnxruntime: pip install 'elmyr[export]'"


@dataclass(frozen=True)
class Port:
    """An input or output: its type (of numpy), its shape, in which None is the number of images, and what it holds."""

    dtype: str
    shape: tuple[int | None, ...]
    about: str

    def as_json(self) -> dict[str, Any]:
        """For `model.json`."""
        shape = ["N" if side is None else side for side in self.shape]
        return {"dtype": self.dtype, "shape": shape, "about": self.about}


@dataclass(frozen=True)
class Graph:
    """A module that takes tensors in the order of `inputs` and gives one, `output`.

    drawn: so many inputs, one of each kind, by a generator: what the export is traced with and compared by.
    """

    module: nn.Module
    inputs: Mapping[str, Port]
    output: tuple[str, Port]
    drawn: Callable[[int, torch.Generator], tuple[torch.Tensor, ...]]


def require_exporter(opset: int) -> None:
    """InputError for an opset that cannot be written, and without the extra."""
    if opset not in OPSETS:
        raise InputError(f"--opset {opset} cannot hold the networks: give one from {OPSETS[0]} to {OPSETS[-1]}")
    try:
        import onnx  # noqa: F401  # what torch writes with
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError:
        raise InputError(MISSING) from None


def write_onnx(graph: Graph, path: Path, *, opset: int = OPSET) -> float:
    """Writes a graph as one ONNX file; the largest difference of onnxruntime's outputs and torch's on 1,000 inputs.

    InputError for an opset that cannot be written, and without the extra; ElmyrError where the difference is above
    1e-4, or torch cannot export the network.
    """
    require_exporter(opset)
    module, count = graph.module.eval().requires_grad_(False), torch.export.Dim("N", min=1)
    with quiet(logging.getLogger("torch.onnx")):
        try:
            torch.onnx.export(
                module,
                graph.drawn(2, torch.Generator().manual_seed(0)),
                path,
                input_names=list(graph.inputs),
                output_names=[graph.output[0]],
                opset_version=opset,
                dynamo=True,
                dynamic_shapes=tuple({0: count} if None in port.shape else None for port in graph.inputs.values()),
                external_data=False,
                verbose=False,
            )
        except Exception as error:  # torch has kinds of its own for each failure
            raise ElmyrError(f"torch cannot export this network: {_first_line(error)}") from error
    return _difference(graph, path)


def _difference(graph: Graph, path: Path) -> float:
    session, random, largest = session_of(path), torch.Generator().manual_seed(1), 0.0
    for _ in range(COMPARED // AT_ONCE):
        given = graph.drawn(AT_ONCE, random)
        with torch.no_grad():
            expected = graph.module(*given).numpy()
        named = {name: tensor.numpy() for name, tensor in zip(graph.inputs, given, strict=True)}
        try:
            (found,) = session.run(None, named)
        except Exception as error:  # of another number of images than it was traced with, say
            raise ElmyrError(f"onnxruntime cannot run the exported network: {_first_line(error)}") from error
        largest = float(np.maximum(largest, np.abs(found - expected).max()))  # stays NaN once it is
    if not largest <= PARITY:
        raise ElmyrError(
            f"what onnxruntime computes differs from torch by {largest:.2g}, more than {PARITY:g}: try another --opset"
        )
    return largest


def session_of(path: Path, *, threads: int = 0) -> Any:
    """An ONNX file in onnxruntime, on the CPU; threads: 0 for as many as it takes by itself."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@contextmanager
def quiet(logger: logging.Logger) -> Iterator[None]:
    """Without what libraries say of packages that are not installed, and of their own future."""
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _first_line(error: Exception) -> str:
    told = str(error.__cause__ or error)
    return next((line.strip() for line in told.splitlines() if line.strip()), type(error).__name__)[:200]
