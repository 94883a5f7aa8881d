"""The GAN of a run, finished or as it stands at a checkpoint."""

from __future__ import annotations

import os

from elmyr.gan import GAN
from elmyr.training.checkpoint import find_checkpoint, load_modules
from elmyr.training.plan import config_of
from elmyr.training.rundir import GAN_KIND, open_run, position_of


def open_gan(
    name: str | os.PathLike[str], *, checkpoint: str | None = None, device: str = "auto", precision: str = "auto"
) -> GAN:
    """The trained GAN of a run (a path, or "latest"), or that of a checkpoint: `latest`, `best`, `200000` or `200k`."""
    run = open_run(name, GAN_KIND)
    if checkpoint is None:
        return GAN.load(run.path, device=device, precision=precision)
    config, path = config_of(run), find_checkpoint(run.checkpoints, checkpoint)
    generator, discriminator = config.gan.build()
    load_modules(path, {"average": generator, "discriminator": discriminator})
    trained = {"preset": config.preset, "data": config.data.name, "seed": config.seed, "images": position_of(path)}
    return GAN(config.gan, generator, discriminator, trained=trained, device=device, precision=precision)
