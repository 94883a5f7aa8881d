"""Article 2's pair: a dense generator against a convolutional discriminator.

The generator's layers are 128, 128 (LeakyReLU) and the pixels, the discriminator's two 5x5 convolutions of stride 2
with 64 and 128 channels (LeakyReLU) and a dense layer. The article's text speaks of transposed convolutions and of low
and high features joined; its code, followed here, has neither. Put right: the pixels get the tanh that keeps them in
[-1, 1]. Any size.
"""

from elmyr.nets.dense import DenseGenerator
from elmyr.nets.parts import require_one_block
from elmyr.nets.strided import StridedDiscriminator

ARTICLE_BASE = 64
SLOPE = 0.2


def mlp_cnn_pair(
    height: int,
    width: int,
    channels: int,
    classes: int,
    *,
    base: int,
    blocks: int,
    latent: int,
    embedding: int,
) -> tuple[DenseGenerator, StridedDiscriminator]:
    """The pair for images of one shape; `classes` 0 for an unconditional one.

    `base` is the first convolution's width, the article's 64; all other layers are twice as wide. The article's latent
    is 100. `blocks` is 1.
    """
    require_one_block("mlp-cnn", blocks)
    shape = channels, height, width
    return (
        DenseGenerator(shape, classes, [2 * base, 2 * base], latent=latent, embedding=embedding, slope=SLOPE),
        StridedDiscriminator(shape, classes, [base, 2 * base], kernel=5, slope=SLOPE),
    )
