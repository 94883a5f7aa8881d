"""Networks: plain modules, no files, no training. A new pair of networks is one file and one line in `PAIRS`."""

from elmyr.nets.biggan_lite import biggan_lite_pair
from elmyr.nets.classic import classic_pair
from elmyr.nets.classifier import StridedClassifier
from elmyr.nets.cost import Cost, cost_of
from elmyr.nets.dcgan import dcgan_pair
from elmyr.nets.dcgan64 import dcgan64_pair
from elmyr.nets.mlp import mlp_pair
from elmyr.nets.mlp_cnn import mlp_cnn_pair
from elmyr.nets.parts import Discriminator, PairBuilder, check_batch
from elmyr.nets.patch import NormalizedPatchDiscriminator, PatchDiscriminator
from elmyr.nets.r3gan import r3gan_pair
from elmyr.nets.residual import residual_pair
from elmyr.nets.style import style_pair
from elmyr.nets.style_generator import StyleGenerator
from elmyr.nets.translator import TranslatorNet
from elmyr.nets.unet import UNet

PAIRS: dict[str, PairBuilder] = {
    "residual": residual_pair,
    "mlp": mlp_pair,
    "dcgan": dcgan_pair,
    "mlp-cnn": mlp_cnn_pair,
    "dcgan64": dcgan64_pair,
    "classic": classic_pair,
    "biggan-lite": biggan_lite_pair,
    "style": style_pair,
    "r3gan": r3gan_pair,
}

__all__ = [
    "PAIRS",
    "Cost",
    "Discriminator",
    "NormalizedPatchDiscriminator",
    "PairBuilder",
    "PatchDiscriminator",
    "StridedClassifier",
    "StyleGenerator",
    "TranslatorNet",
    "UNet",
    "check_batch",
    "cost_of",
]
