"""Networks: plain modules, no files, no training. A new pair of networks is one file and one line in `PAIRS`."""

from elmyr.nets.classifier import StridedClassifier
from elmyr.nets.cost import Cost, cost_of
from elmyr.nets.layers.parts import Discriminator, check_batch, class_embeddings, let_classes_count
from elmyr.nets.pairs.pair import (
    PAIRS,
    BlocksConfig,
    NetworkConfig,
    Pair,
    PairConfig,
    Shape,
    SizedConfig,
    network_choices,
    options_heard,
)
from elmyr.nets.pairs.plain import require_fit
from elmyr.nets.pairs.style_generator import StyleGenerator
from elmyr.nets.patch import NormalizedPatchDiscriminator, PatchDiscriminator
from elmyr.nets.translator import TranslatorNet
from elmyr.nets.unet import UNet
from elmyr.nets.variation import VariationGenerator

__all__ = [
    "PAIRS",
    "BlocksConfig",
    "Cost",
    "Discriminator",
    "NetworkConfig",
    "NormalizedPatchDiscriminator",
    "Pair",
    "PairConfig",
    "PatchDiscriminator",
    "Shape",
    "SizedConfig",
    "StridedClassifier",
    "StyleGenerator",
    "TranslatorNet",
    "UNet",
    "VariationGenerator",
    "check_batch",
    "class_embeddings",
    "cost_of",
    "let_classes_count",
    "network_choices",
    "options_heard",
    "require_fit",
]
