"""Article 2's pair: a dense generator against a convolutional discriminator.

The generator's layers are 128, 128 (LeakyReLU) and the pixels, the discriminator's two 5x5 convolutions of stride 2
with 64 and 128 channels (LeakyReLU) and a dense layer. The article's text speaks of transposed convolutions and of low
and high features joined (`joined`); its code, followed here, has neither. Put right: the pixels get the tanh that keeps
them in [-1, 1]. Any size.
"""

from elmyr.nets.pairs.dense import DenseGenerator
from elmyr.nets.pairs.pair import Pair, Shape, SizedConfig
from elmyr.nets.pairs.strided import StridedDiscriminator

ARTICLE_BASE = 64
SLOPE = 0.2


def mlp_cnn_pair(shape: Shape, classes: int, config: SizedConfig) -> tuple[DenseGenerator, StridedDiscriminator]:
    """The pair: `base` is the first convolution's width, the article's 64; all other layers are twice as wide.

    The article's latent is 100.
    """
    base = config.base
    return (
        DenseGenerator(shape, classes, [2 * base, 2 * base], config=config, slope=SLOPE),
        StridedDiscriminator(shape, classes, [base, 2 * base], kernel=5, slope=SLOPE),
    )


PAIR = Pair(mlp_cnn_pair, SizedConfig, has_features=True)
