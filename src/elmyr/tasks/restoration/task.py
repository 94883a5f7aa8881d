"""The restorer's task: one update of the U-Net, and of the discriminator that judges its answers."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import nn

from elmyr.core import machine, seeds
from elmyr.engine.optimization.ema import average_decay, update_average
from elmyr.engine.optimization.optimizers import Adam
from elmyr.engine.optimization.step import step
from elmyr.engine.processes import ALONE, Processes
from elmyr.engine.task import Batch
from elmyr.images import ImageSet, image_grid
from elmyr.losses.objectives import objective_of
from elmyr.tasks.gan.model import to_pixels, to_unit
from elmyr.tasks.restoration.config import RestorerChoices
from elmyr.tasks.restoration.damage import Damage

AVERAGE_RAMP = 0.05
SHOWN = 10


class RestorerTask:
    """Trains a U-Net to undo damage; what is used afterwards is `average`, the moving average of its weights.

    The answer in the middle, without noise, is to be near the image as it was, in absolute and in squared differences:
    of the former alone a mostly black image stays black for long. At one update in `every` two answers with noise are
    drawn as well: they are to be near it and far from each other, as far as the damage leaves open (a sample of two of
    the continuous ranked probability score), and like real images to the discriminator.
    """

    remedy = "train again with a lower learning_rate"

    def __init__(
        self,
        choices: RestorerChoices,
        damage: Damage,
        *,
        shape: tuple[int, int, int],
        seed: int,
        device: torch.device,
        precision: str,
        shown: ImageSet | None = None,
        processes: Processes = ALONE,
    ) -> None:
        self.choices, self.damage, self.seed, self.device, self.precision = choices, damage, seed, device, precision
        self.objective = objective_of(choices.objective, processes.mean_of)
        self.shown, self.processes = shown, processes
        height, width, channels = shape
        with seeds.initialization(seed, "restorer"):
            net, discriminator = choices.generator(channels, min(height, width)), choices.discriminator(channels)
        for each in (net, discriminator):
            each.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # typed for tensors
        self.net, self.discriminator = net, discriminator
        self.average = deepcopy(net).requires_grad_(False).eval()
        self.modules: dict[str, nn.Module] = {"restorer": net, "average": self.average, "discriminator": discriminator}
        rates = {"restorer": choices.learning_rate, "discriminator": choices.discriminator_learning_rate}
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            name: Adam(self.modules[name].parameters(), lr=rate, betas=(choices.beta1, choices.beta2), fused=True)
            for name, rate in rates.items()
        }

    def update(self, batch: Batch, position: int) -> dict[str, torch.Tensor]:
        """The U-Net's step on newly damaged images, and the discriminator's on the answers with noise.

        Of many processes each takes its share. All images are damaged by each: what covers one may be another of them.
        """
        share = self.processes.share(len(batch))
        clean = to_unit(batch.images[share]).contiguous(memory_format=torch.channels_last)
        damaged, masks = self._damaged(batch.images, seeds.generator(self.seed, "corruption", position))
        damaged, masks = damaged[share], (masks & self._told(len(batch), position))[share]
        with machine.autocast(self.device, self.precision):
            features = self.net.encode(damaged, masks)
            answer = self.net.decode(features, damaged, masks, None)
        apart = machine.full_precision(answer) - clean
        loss = apart.abs().mean() + apart.square().mean()
        scalars = {"distance": apart.detach().abs().mean()}
        if self.choices.noise and position // self.choices.batch % self.choices.every == 0:
            random = seeds.for_part(self.seed, "noise", position, (share, len(batch)))
            answers = self._two_answers(features, damaged, masks, random)
            spread = (answers[0] - answers[1]).abs().mean()
            loss = loss + sum((each - clean).abs().mean() for each in answers) / 2 - spread / 2
            scalars["spread"] = spread.detach()
            if self.choices.adversarial:
                fooled, judged = self._play(answers, clean, torch.cat([damaged, masks.to(damaged.dtype)], 1))
                loss = loss + self.choices.adversarial * fooled
                scalars |= judged
        scalars["gradient_norm"] = step(self.optimizers["restorer"], [loss], processes=self.processes)
        decay = average_decay(position, len(batch), half_life=self.choices.average_half_life, ramp=AVERAGE_RAMP)
        update_average(self.average, self.net, decay)
        return scalars

    def _damaged(self, images: torch.Tensor, random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Images uint8 (N, C, H, W) to damaged ones in [-1, 1], and masks."""
        damaged, masks = self.damage(machine.full_precision(images) / 255, random)
        return (2 * damaged - 1).contiguous(memory_format=torch.channels_last), masks

    def _told(self, count: int, position: int) -> torch.Tensor:
        """Of which images the hidden pixels are told: bool (N, 1, 1, 1)."""
        draw = torch.rand(count, 1, 1, 1, generator=seeds.generator(self.seed, "told", position))
        return machine.to_device(draw < self.choices.told, self.device)

    def _two_answers(
        self, features: list[torch.Tensor], damaged: torch.Tensor, masks: torch.Tensor, random: seeds.Random
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Two answers (n, C, H, W) to each image, by noise of their own."""
        noise = seeds.normal((2 * len(damaged), self.choices.noise), random)
        twice = [
            torch.cat([part, part]).contiguous(memory_format=torch.channels_last)
            for part in (*features, damaged, masks)
        ]
        with machine.autocast(self.device, self.precision):
            answers = self.net.decode(twice[:-2], twice[-2], twice[-1], machine.to_device(noise, self.device))
        first, second = machine.full_precision(answers).chunk(2)
        return first, second

    def _play(
        self, answers: tuple[torch.Tensor, torch.Tensor], clean: torch.Tensor, condition: torch.Tensor
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The discriminator's step on the first answers, then what the U-Net loses to it with the second ones."""
        with machine.autocast(self.device, self.precision):
            real = self.discriminator(clean, condition)
            fake = self.discriminator(answers[0].detach(), condition)
        real, fake = (machine.full_precision(logits).flatten() for logits in (real, fake))
        loss = self.objective.discriminator(real, fake).mean()
        step(self.optimizers["discriminator"], [loss], processes=self.processes)
        self.discriminator.requires_grad_(False)
        with machine.autocast(self.device, self.precision):
            fake = self.discriminator(answers[1], condition)
        self.discriminator.requires_grad_(True)
        fooled = self.objective.generator(real.detach(), machine.full_precision(fake).flatten()).mean()
        return fooled, {"discriminator_loss": loss.detach(), "adversarial_loss": fooled.detach()}

    @torch.no_grad()
    def preview(self, position: int) -> np.ndarray[Any, np.dtype[np.uint8]] | None:
        """Ten images, damaged ones under them, repaired ones, and two answers with noise; None without images."""
        if self.shown is None:
            return None
        clean = torch.from_numpy(self.shown.images[:SHOWN]).to(self.device).permute(0, 3, 1, 2)
        damaged, masks = self._damaged(clean, seeds.generator(self.seed, "preview"))
        rows = [to_unit(clean), damaged, self.average(damaged, masks)]
        if self.choices.noise:
            noise = torch.randn(2, self.choices.noise, generator=seeds.generator(self.seed, "preview noise"))
            rows += [self.average(damaged, masks, each.expand(len(clean), -1).to(self.device)) for each in noise]
        return image_grid(to_pixels(torch.cat(rows)).permute(0, 2, 3, 1).cpu().numpy(), columns=len(clean))
