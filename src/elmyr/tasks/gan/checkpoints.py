"""The GAN of a run, finished or as it stands at a checkpoint; what its discriminator reads in images."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr.core import machine
from elmyr.core.errors import InputError
from elmyr.engine.saving.checkpoint import find_checkpoint, load_modules
from elmyr.engine.saving.places import GAN_KIND, Run
from elmyr.engine.saving.run_directory import open_run, position_of
from elmyr.images import ImageSet
from elmyr.nets import let_classes_count
from elmyr.tasks.gan.auxiliary_heads import Questions
from elmyr.tasks.gan.model import CHUNK, GAN, to_unit
from elmyr.tasks.gan.plan import config_of


def open_gan(name: Run, *, checkpoint: str | None = None, device: str = "auto", precision: str = "auto") -> GAN:
    """The trained GAN of a run (a path, or "latest"), or that of a checkpoint: `latest`, `best`, `200000` or `200k`."""
    run = open_run(name, GAN_KIND)
    if checkpoint is None:
        return GAN.load(run.path, device=device, precision=precision)
    config, path = config_of(run), find_checkpoint(run.checkpoints, checkpoint)
    generator, discriminator = config.gan.build()
    load_modules(path, {"average": generator, "discriminator": discriminator})
    for net in (generator, discriminator):
        let_classes_count(net, config.adversarial.class_strength(position_of(path)))
    trained = {"preset": config.preset, "data": config.data.name, "seed": config.seed, "images": position_of(path)}
    return GAN(config.gan, generator, discriminator, trained=trained, device=device, precision=precision)


@torch.no_grad()
def class_logits_by(name: Run, images: ImageSet, *, device: str = "auto") -> NDArray[np.float64]:
    """What the discriminator of a run reads as the class of each image, float64 (N, classes of the GAN).

    By its additional layer for that (`auxiliary.classification`), which the run's latest checkpoint holds and the model
    does not. Raises InputError for a run without one, and for images of another shape.
    """
    run = open_run(name, GAN_KIND)
    config, path = config_of(run), find_checkpoint(run.checkpoints, "latest")
    shape = config.gan.height, config.gan.width, config.gan.channels
    if images.images.shape[1:] != shape:
        raise InputError(f"'{run.path}' knows images {shape}, these are {images.images.shape[1:]}: train it on these")
    _, discriminator = config.gan.build()
    questions = Questions(config.adversarial.auxiliary, config.gan, width=discriminator.width)
    if questions.classes is None:
        raise InputError(
            f"the discriminator of '{run.path}' does not classify: train one with labels and "
            "auxiliary.classification=0.3"
        )
    load_modules(path, {"discriminator": discriminator, "questions": questions})
    chosen = machine.choose_device(device)
    discriminator.to(chosen).eval()
    questions.to(chosen)
    parts = []
    for start in range(0, len(images), CHUNK):
        pixels = torch.from_numpy(images.images[start : start + CHUNK]).to(chosen).permute(0, 3, 1, 2)
        parts.append(questions.classes(discriminator.features(to_unit(pixels))).double().cpu().numpy())
    return np.concatenate(parts)
