"""A recognizer's graph in whole numbers of eight bits, and what that costs in accuracy."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.core import threads
from elmyr.exporting.graph import quiet, session_of
from elmyr.images import ImageSet
from elmyr.metrics import wilson_interval

CALIBRATED = 1_000  # training images that tell which values occur
AT_ONCE = 250
TIMED, TURNS = 250, 5  # images at a time, and how often: the quickest counts
WHOLE = ["Conv", "Gemm", "MatMul"]  # what is computed in whole numbers; the rest gains nothing by it


@dataclass(frozen=True)
class Quantized:
    """Accuracy of a graph in floats and in whole numbers on the same images, intervals (Wilson's, 95 %), and speed.

    accuracies, intervals: before and after; differ: the share of images that are read otherwise; rates: images a second
    on one thread, before and after; sizes: of the files, in bytes.
    """

    images: int
    accuracies: tuple[float, float]
    intervals: tuple[tuple[float, float], tuple[float, float]]
    differ: float
    rates: tuple[float, float]
    sizes: tuple[int, int]

    def line(self) -> str:
        """What people are told."""
        (before, after), (low, high) = self.accuracies, self.intervals[1]
        size, speed = self.sizes[1] / self.sizes[0], self.rates[1] / self.rates[0]
        return (
            f"int8: accuracy {after:.2%} ({low:.2%} to {high:.2%}) on {self.images:,} test images, {before:.2%} "
            f"before; {size:.2f} of the size, {speed:.2f} times as fast on one core"
        )

    def as_json(self) -> Mapping[str, Any]:
        """For `model.json`."""
        return {
            "test_images": self.images,
            "accuracy_before": self.accuracies[0],
            "accuracy": self.accuracies[1],
            "interval": list(self.intervals[1]),
            "read_otherwise": self.differ,
        }


def write_int8(model: Path, path: Path, train: ImageSet, test: ImageSet, classes: tuple[str, ...]) -> Quantized:
    """Writes a recognizer's graph with weights and activations of eight bits (static quantization, by onnxruntime).

    train: images that the ranges are measured on; test: those that both are judged by, labeled with the same classes.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    chosen = np.linspace(0, len(train) - 1, min(CALIBRATED, len(train))).astype(np.int64)
    with quiet(logging.getLogger()), tempfile.TemporaryDirectory() as folder:
        quant_pre_process(model, Path(folder) / "prepared.onnx")
        quantize_static(
            Path(folder) / "prepared.onnx",
            path,
            _calibration(np.asarray(train.images[chosen])),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=WHOLE,
        )
    names = np.array(classes)
    labels = np.array(test.classes)[test.require_labels()]
    read, rates = [], []
    for each in (model, path):
        session = session_of(each, threads=1)
        read.append(names[_read(session, test)])
        rates.append(_rate(session, np.asarray(test.images[:TIMED])))
    right = [int((each == labels).sum()) for each in read]
    before, after = (wilson_interval(count, len(test)) for count in right)
    return Quantized(
        images=len(test),
        accuracies=(right[0] / len(test), right[1] / len(test)),
        intervals=(before, after),
        differ=float(np.mean(read[0] != read[1])),
        rates=(rates[0], rates[1]),
        sizes=(model.stat().st_size, path.stat().st_size),
    )


def _calibration(images: NDArray[np.uint8]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # it ships no types
        """Gives the images a few at a time, as onnxruntime asks for them."""

        def __init__(self) -> None:
            self.left: Iterator[dict[str, Any]] = iter(
                [{"images": images[start : start + AT_ONCE]} for start in range(0, len(images), AT_ONCE)]
            )

        def get_next(self) -> dict[str, Any] | None:
            return next(self.left, None)

    return Reader()


def _read(session: Any, images: ImageSet) -> NDArray[np.int64]:
    parts = []
    for start in range(0, len(images), AT_ONCE):
        threads.look()
        (probabilities,) = session.run(None, {"images": np.asarray(images.images[start : start + AT_ONCE])})
        parts.append(probabilities.argmax(1))
    return np.concatenate(parts)


def _rate(session: Any, images: NDArray[np.uint8]) -> float:
    quickest = np.inf
    for _ in range(TURNS):
        started = time.process_time()
        session.run(None, {"images": images})
        quickest = min(quickest, time.process_time() - started)
    return len(images) / max(quickest, 1e-9)
