"""Article 4's pair: "an MLP from 100-d noise to 28x28" against "a CNN on 28x28".

The article gives no layers. These are elmyr's choice, the ones usual where a GAN is first explained: dense 256, 512,
1024 (LeakyReLU 0.2) and the pixels (tanh); two 4x4 convolutions of stride 2 with 64 and 128 channels (LeakyReLU 0.2)
and a dense layer. Any size.
"""

from elmyr.nets.dense import DenseGenerator
from elmyr.nets.parts import require_one_block
from elmyr.nets.strided import StridedDiscriminator

USUAL_BASE = 64
SLOPE = 0.2


def classic_pair(
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

    `base` is the first convolution's width, 64 for the layers above: the generator's are 4, 8 and 16 times as wide.
    The article's latent is 100. `blocks` is 1.
    """
    require_one_block("classic", blocks)
    shape = channels, height, width
    widths = [4 * base, 8 * base, 16 * base]
    return (
        DenseGenerator(shape, classes, widths, latent=latent, embedding=embedding, slope=SLOPE),
        StridedDiscriminator(shape, classes, [base, 2 * base], kernel=4, slope=SLOPE),
    )
