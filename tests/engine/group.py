"""The updates of one game by as many processes as `torchrun` started; the first writes what came of them.

`torchrun --nproc-per-node 2 -m tests.engine.group FOLDER float64`; with `parts` after it each process takes parts.
"""

import os
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from elmyr.engine.data import ResidentData
from elmyr.engine.processes import Processes, joined
from elmyr.nets import NetworkConfig
from elmyr.tasks.gan.augmented_view import ViewConfig
from elmyr.tasks.gan.model import GANConfig
from elmyr.tasks.gan.regularizer import PenaltyConfig
from elmyr.tasks.gan.stabilizers import StabilizerConfig
from elmyr.tasks.gan.task import AdversarialConfig, AdversarialTask
from tests.conftest import small_image_set

UPDATES, BATCH, MICROBATCH = 20, 16, 3
GAME = AdversarialConfig(
    learning_rate=1e-3,
    penalties=PenaltyConfig(r1=0.5, r2=0.5, wgan_gp=1, consistency=1, lecam=0.1, every=2),
    stabilizers=StabilizerConfig(instance_noise=0.1, noise_images=400),
    augmentation=ViewConfig(adaptive=True, probability=0.5, target=0.1, ramp=2_000, noise=0.2),
)


def updates(
    processes: Processes,
    dtype: torch.dtype,
    *,
    count: int = UPDATES,
    last: int = BATCH,
    microbatch: int = 0,
    lecam: float = GAME.penalties.lecam,
) -> dict[str, torch.Tensor]:
    """The gradients of the first update and the state after the last."""
    penalties = GAME.penalties.model_copy(update={"lecam": lecam})
    game = GAME.model_copy(update={"microbatch": microbatch, "penalties": penalties})
    torch.set_default_dtype(dtype)
    try:
        images = small_image_set()
        gan = GANConfig(
            height=8, width=8, channels=1, classes=images.classes, network=NetworkConfig(base=8, latent=8, embedding=4)
        )
        device = torch.device("cpu")
        task = AdversarialTask(gan, game, batch=BATCH, seed=3, device=device, precision="fp32", processes=processes)
        for module in task.modules.values():
            module.to(dtype)
        data, found = ResidentData(images, seed=3, device=device), {}
        for number in range(count):
            size = last if number == count - 1 else BATCH
            task.update(data.batch(number * BATCH, size), number * BATCH)
            if number == 0:
                nets = {"generator": task.generator, "discriminator": task.discriminator}
                found = {
                    f"gradient/{name}.{key}": value.grad.clone()
                    for name, net in nets.items()
                    for key, value in net.named_parameters()
                    if value.grad is not None
                }
        after = {f"{name}.{key}": v for name, net in task.modules.items() for key, v in net.state_dict().items()}
        return {key: value.contiguous() for key, value in (found | after).items()}
    finally:
        torch.set_default_dtype(torch.float32)


def main() -> None:
    folder, dtype, parts = Path(sys.argv[1]), getattr(torch, sys.argv[2]), sys.argv[3:] == ["parts"]
    with joined() as processes:
        found = updates(processes, dtype, microbatch=MICROBATCH, lecam=0.0) if parts else updates(processes, dtype)
        if processes.writes:
            save_file(found, folder / f"{processes.count}-{sys.argv[2]}.safetensors")


if __name__ == "__main__":
    main()
    os._exit(0)  # as elmyr's own program ends: see cli/app.py
