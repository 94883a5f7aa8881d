"""GANs: a generator trained against a discriminator."""

from typing import TYPE_CHECKING

from elmyr.core.lazy import lazily

if TYPE_CHECKING:
    from elmyr.tasks.gan.checkpoints import open_gan as open_gan
    from elmyr.tasks.gan.model import GAN as GAN
    from elmyr.tasks.gan.train import train as train

__all__ = ["GAN", "open_gan", "train"]

# At their first use: who only reads a run must not wait for torch.
__getattr__ = lazily(
    __name__,
    {"GAN": "elmyr.tasks.gan.model", "open_gan": "elmyr.tasks.gan.checkpoints", "train": "elmyr.tasks.gan.train"},
)
