"""The translator's task: one update of the networks of each direction, and of the discriminators that judge them."""

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
from elmyr.losses.textures import over_textures
from elmyr.nets import TranslatorNet
from elmyr.tasks.gan.augmented_view import within_range
from elmyr.tasks.gan.model import to_pixels, to_unit
from elmyr.tasks.translation.batches import TwoKinds
from elmyr.tasks.translation.config import A_TO_B, B_TO_A, TranslatorChoices
from elmyr.tasks.translation.labels import Keeper
from elmyr.tasks.translation.methods import method_of
from elmyr.tasks.translation.methods.terms import Way

AVERAGE_RAMP = 0.05
LARGEST_NORM = 5.0
SHOWN = 10
OTHER = {A_TO_B: B_TO_A, B_TO_A: A_TO_B}


class TranslatorTask:
    """Trains the networks of one direction or of both; what is used afterwards are moving averages of their weights.

    An update makes images each way, lets the discriminator of each kind tell them from real ones, and then holds the
    networks to what the method asks, to the game, and to the label that a recognizer reads.
    """

    remedy = "train again with a lower learning_rate"

    def __init__(
        self,
        choices: TranslatorChoices,
        *,
        channels: int,
        seed: int,
        device: torch.device,
        precision: str,
        keeper: Keeper | None = None,
        shown: tuple[ImageSet, ImageSet] | None = None,
        processes: Processes = ALONE,
    ) -> None:
        self.choices, self.seed, self.device, self.precision = choices, seed, device, precision
        self.objective = objective_of(choices.objective, processes.mean_of)
        self.keeper, self.shown, self.processes = keeper, shown, processes
        method = method_of(choices.method)
        directions = [A_TO_B, B_TO_A] if choices.back or method.needs_back else [A_TO_B]
        with seeds.initialization(seed, "translator"):
            self.nets = {way: choices.translator(channels) for way in directions}
            self.judges = {way: choices.discriminator(channels, channels if method.paired else 0) for way in directions}
            self.method = method(choices, channels)
        for each in (*self.nets.values(), *self.judges.values(), self.method):
            each.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # typed for tensors
        self.averages = {way: deepcopy(net).requires_grad_(False).eval() for way, net in self.nets.items()}
        learning = [*self.nets.values(), self.method, *([keeper.to(device)] if isinstance(keeper, nn.Module) else [])]
        self.modules: dict[str, nn.Module] = {
            **self.nets,
            **{f"average-{way}": net for way, net in self.averages.items()},
            **{f"discriminator-{way}": judge for way, judge in self.judges.items()},
        }
        for name, extra in zip(("method", "recognizer"), learning[len(self.nets) :], strict=False):
            if list(extra.parameters()):
                self.modules[name] = extra
        betas = choices.beta1, choices.beta2
        judging = [weight for judge in self.judges.values() for weight in judge.parameters()]
        weights = [weight for each in learning for weight in each.parameters()]
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "translators": Adam(weights, lr=choices.learning_rate, betas=betas, fused=True),
            "discriminators": Adam(judging, lr=choices.discriminator_learning_rate, betas=betas, fused=True),
        }

    def update(self, batch: Batch, position: int) -> dict[str, torch.Tensor]:
        """A step of the discriminators on what is made, and one of the networks that made it.

        Of many processes each takes its share of both kinds.
        """
        assert isinstance(batch, TwoKinds)
        share = self.processes.share(len(batch))
        own = batch.part(share)
        labels = own.labels
        kinds = [to_unit(each).contiguous(memory_format=torch.channels_last) for each in (own.images, own.others)]
        ways = []
        for name in self.nets:
            given, wanted = kinds if name == A_TO_B else kinds[::-1]
            if self.choices.styled:
                random = seeds.for_part(self.seed, f"textures {name}", position, (share, len(batch)))
                given = over_textures(given, wanted, random)
            ways.append(Way(name, OTHER[name], given, wanted, self._translate(name, given)))
        scalars, terms, real = {}, dict[str, torch.Tensor](), dict[str, torch.Tensor]()
        if self.choices.adversarial:
            scalars["discriminator_loss"], real = self._judge(ways)
        for way in ways:
            for name, term in self._terms(way, real.get(way.name), labels, position).items():
                terms[name] = terms[name] + term if name in terms else term
        scalars |= {f"{name}_loss": term.detach() for name, term in terms.items()}
        loss = torch.stack(list(terms.values())).sum()
        scalars["gradient_norm"] = step(
            self.optimizers["translators"], [loss], clip=LARGEST_NORM, processes=self.processes
        )
        half_life = self.choices.average_half_life
        decay = average_decay(position, len(batch), half_life=half_life, ramp=AVERAGE_RAMP)
        for name, net in self.nets.items():
            update_average(self.averages[name], net, decay)
        return scalars

    def _translate(self, name: str, images: torch.Tensor) -> torch.Tensor:
        with machine.autocast(self.device, self.precision):
            made = self.nets[name](images)
        return within_range(machine.full_precision(made))

    def _judge(self, ways: list[Way]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The discriminators' step; their loss, and what they made of real images of each way."""
        losses, seen = [], {}
        for way in ways:
            real, fake = self._logits(way, way.wanted), self._logits(way, way.made.detach())
            losses.append(self.objective.discriminator(real, fake).mean())
            seen[way.name] = real.detach()
        loss = torch.stack(losses).sum()
        step(self.optimizers["discriminators"], [loss], processes=self.processes)
        return loss.detach(), seen

    def _logits(self, way: Way, images: torch.Tensor) -> torch.Tensor:
        """What the discriminator of a way makes of images, beside what they belong to where there are pairs."""
        condition = way.given if self.method.paired else images[:, :0]
        with machine.autocast(self.device, self.precision):
            logits: torch.Tensor = self.judges[way.name](images, condition)
        return machine.full_precision(logits).flatten()

    def _terms(
        self, way: Way, real: torch.Tensor | None, labels: torch.Tensor | None, position: int
    ) -> dict[str, torch.Tensor]:
        """All that a way is held to, weighted; labels are those of the images of A."""
        random = seeds.generator(self.seed, f"places {way.name}", position)
        with machine.autocast(self.device, self.precision):
            terms = self.method.terms(way, self.nets, self._translate, random)
        if real is not None:
            terms["adversarial"] = self.choices.adversarial * self._fooled(way, real)
        if self.keeper is not None:
            known = labels if way.name == A_TO_B else None
            terms["label"] = self.choices.label * self.keeper.loss(way.name, way.given, known, way.made)
        return terms

    def _fooled(self, way: Way, real: torch.Tensor) -> torch.Tensor:
        judge = self.judges[way.name]
        judge.requires_grad_(False)
        fake = self._logits(way, way.made)
        judge.requires_grad_(True)
        return self.objective.generator(real, fake).mean()

    @torch.no_grad()
    def preview(self, position: int) -> np.ndarray[Any, np.dtype[np.uint8]] | None:
        """Ten images of each kind, and under them what is made of them, there and back; None without images."""
        if self.shown is None:
            return None
        rows, columns = [], min(len(images) for images in self.shown)
        for name, images in zip((A_TO_B, B_TO_A), self.shown, strict=True):
            seen = self._unit(images.images[:columns])
            rows.append(seen)
            for way in (name, OTHER[name]):
                if way not in self.averages:
                    break
                examples = self.shown[way == A_TO_B].images[: len(seen)]
                seen = self._shown_by(self.averages[way], seen, self._unit(examples))
                rows.append(seen)
        return image_grid(to_pixels(torch.cat(rows)).permute(0, 2, 3, 1).cpu().numpy(), columns=columns)

    def _unit(self, pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> torch.Tensor:
        return to_unit(torch.from_numpy(pixels).to(self.device).permute(0, 3, 1, 2))

    def _shown_by(self, net: TranslatorNet, images: torch.Tensor, examples: torch.Tensor) -> torch.Tensor:
        if self.choices.styled:
            images = over_textures(images, examples, seeds.generator(self.seed, "textures, shown"))
        shown: torch.Tensor = net(images).clamp(-1, 1)
        return shown
