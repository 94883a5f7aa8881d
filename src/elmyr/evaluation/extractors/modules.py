"""A network of one's own as an extractor, by its import path: `module:attribute`."""

from __future__ import annotations

from pathlib import Path

from elmyr.evaluation.extractors import Extraction, ExtractorSpec
from elmyr.evaluation.extractors.networks import attribute_of, load_weights, made, network_extractor, read_weights
from elmyr.evaluation.extractors.preparing import Preparation
from elmyr.evaluation.features import FunctionExtractor
from elmyr.evaluation.stages import Stages
from elmyr.images import ImageSet


def _check(asked: Extraction) -> None:
    attribute_of(asked.name)
    if asked.weights is not None:
        read_weights(Path(asked.weights))


def _of_module(training: ImageSet, asked: Extraction, stages: Stages) -> FunctionExtractor:
    found, code = attribute_of(asked.name)
    network = made(asked.name, found)
    if asked.weights is not None:
        load_weights(network, read_weights(Path(asked.weights)), asked.name, Path(asked.weights))
    return network_extractor(asked.name, network, Preparation(), training, asked, code=code)


MODULE = ExtractorSpec(
    "a torch.nn.Module, or a class or function that makes one, by its import path. It is given the images as floats "
    "(N, C, H, W) from 0 to 1, and gives features (N, D)",
    _of_module,
    takes_weights=True,
    takes_precision=True,
    check=_check,
)
