"""Article 4's pair: "an MLP from 100-d noise to 28x28" against "a CNN on 28x28".

The article gives no layers. These are elmyr's choice, the ones usual where a GAN is first explained: dense 256, 512,
1024 (LeakyReLU 0.2) and the pixels (tanh); two 4x4 convolutions of stride 2 with 64 and 128 channels (LeakyReLU 0.2)
and a dense layer. Any size.
"""

from elmyr.nets.pairs.dense import DenseGenerator
from elmyr.nets.pairs.pair import Pair, Shape, SizedConfig
from elmyr.nets.pairs.strided import StridedDiscriminator

USUAL_BASE = 64
SLOPE = 0.2


def classic_pair(shape: Shape, classes: int, config: SizedConfig) -> tuple[DenseGenerator, StridedDiscriminator]:
    """The pair: `base` is the first convolution's width, 64 for the layers above; the article's latent is 100.

    The generator's layers are 4, 8 and 16 times as wide.
    """
    base = config.base
    widths = [4 * base, 8 * base, 16 * base]
    return (
        DenseGenerator(shape, classes, widths, config=config, slope=SLOPE),
        StridedDiscriminator(shape, classes, [base, 2 * base], kernel=4, slope=SLOPE),
    )


PAIR = Pair(classic_pair, SizedConfig, has_features=True)
