"""The plain GAN's task: one update of a generator and a discriminator, on one screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from elmyr.core import machine, seeds
from elmyr.core.errors import InputError
from elmyr.engine.optimization.ema import average_decay, update_average
from elmyr.engine.optimization.optimizers import Adam
from elmyr.engine.optimization.step import step
from elmyr.engine.processes import ALONE, Processes
from elmyr.engine.task import Batch, Scalars
from elmyr.images import image_grid
from elmyr.losses.objectives import Objective, Smoothed, objective_of
from elmyr.losses.penalties import Judged
from elmyr.nets import Discriminator, check_batch, class_embeddings, let_classes_count
from elmyr.tasks.gan.augmented_view import View, ViewConfig, within_range
from elmyr.tasks.gan.auxiliary_heads import AuxiliaryConfig, Questions
from elmyr.tasks.gan.microbatch import Microbatch, logits_of, parts_of, places
from elmyr.tasks.gan.model import GAN, GANConfig, to_unit
from elmyr.tasks.gan.regularizer import PenaltyConfig, Regularizer
from elmyr.tasks.gan.stabilizers import Freeze, StabilizerConfig, clip_weights

PREVIEW_ROWS = 10
PREVIEW_COLUMNS = 10


class AdversarialConfig(BaseModel):
    """How the two networks are set against each other."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    objective: str = "relativistic-pairing"
    label_smoothing: float = Field(0.0, ge=0, lt=0.5, description="how far real images' target is from certainty")
    microbatch: int = Field(0, ge=0, description="most images of a batch at once, their gradients added up; 0 for all")
    discriminator_steps: int = Field(1, ge=1, description="the discriminator's steps for one of the generator")
    conditional_after: int = Field(
        0,
        ge=0,
        description="images seen before the class begins to count; it counts in full after twice as many (Shahbazi et "
        "al. 2022, 'Collapse by conditioning')",
    )
    learning_rate: float = Field(5e-4, gt=0, description="the generator's")
    discriminator_learning_rate: float = Field(5e-4, gt=0)
    beta1: float = Field(0.0, ge=0, lt=1)
    beta2: float = Field(0.99, ge=0, lt=1)
    ema_half_life: int = Field(44_000, ge=1, description="half-life of the generator's average, in images")
    ema_ramp: float = Field(0.05, gt=0, description="the half-life is at most this share of the images seen")
    penalties: PenaltyConfig = PenaltyConfig()
    stabilizers: StabilizerConfig = StabilizerConfig()
    augmentation: ViewConfig = ViewConfig()
    auxiliary: AuxiliaryConfig = AuxiliaryConfig()

    def class_strength(self, position: int) -> float:
        """How much the class counts after so many images seen, from 0 to 1."""
        after = self.conditional_after
        return min(max(position / after - 1, 0.0), 1.0) if after else 1.0


def _objective_of(config: AdversarialConfig, processes: Processes) -> Objective:
    objective = objective_of(config.objective, processes.mean_of)
    return Smoothed(objective, config.label_smoothing) if config.label_smoothing else objective


class AdversarialTask:
    """Trains a generator against a discriminator; what is exported is the generator's moving average."""

    remedy = "train again with a lower --set adversarial.learning_rate, or larger penalties.r1 and penalties.r2"

    def __init__(
        self,
        gan: GANConfig,
        config: AdversarialConfig,
        *,
        batch: int,
        seed: int,
        device: torch.device,
        precision: str,
        trained: dict[str, Any] | None = None,
        processes: Processes = ALONE,
    ) -> None:
        self.gan, self.config, self.batch, self.seed = gan, config, batch, seed
        self.device, self.precision, self.trained = device, precision, trained or {}
        self.processes, self._images, self._place = processes, batch, slice(0, batch)  # of the present pass
        self.objective = _objective_of(config, processes)
        self.regularizer = Regularizer(config.penalties, batch=batch).to(device)
        self.freeze = Freeze(config.stabilizers).to(device)
        self.view = View(config.augmentation, config.stabilizers, random=self._random).to(device)
        self.generator, self.discriminator, self.questions = self._new_networks()
        self._microbatch = min(config.microbatch or batch, batch)
        sizes = [place.stop - place.start for place in places(slice(0, batch // processes.count), self._microbatch)]
        self._at_once = max(sizes)
        for size in set(sizes):
            for net in (self.generator, self.discriminator):
                check_batch(net, size)
        if config.conditional_after:
            self._require_turning()
        self.average, self._average_since = deepcopy(self.generator).requires_grad_(False), 0
        self.modules = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "average": self.average,
            "questions": self.questions,
            "balance": nn.ModuleDict({"regularizer": self.regularizer, "freeze": self.freeze, "view": self.view}),
        }
        self._balance_at_first = deepcopy(self.modules["balance"].state_dict())
        self.optimizers = {
            "generator": self._optimizer(config.learning_rate, self.generator),
            "discriminator": self._optimizer(config.discriminator_learning_rate, self.discriminator, self.questions),
        }

    def _new_networks(self, position: int = 0) -> tuple[nn.Module, Discriminator, Questions]:
        with seeds.initialization(self.seed, "networks", position):
            generator, discriminator = self.gan.build()
            questions = Questions(self.config.auxiliary, self.gan, width=discriminator.width)
        return generator.to(self.device), discriminator.to(self.device), questions.to(self.device)

    def _require_turning(self) -> None:
        """InputError for networks that cannot begin without classes."""
        if not self.gan.classes:
            raise InputError("adversarial.conditional_after needs classes: train with labels, or leave it at 0")
        seeing = [self.generator, *([self.discriminator] if self.gan.projection else [])]
        if not all(map(class_embeddings, seeing)):
            raise InputError(
                f"network '{self.gan.network.name}' is given the class in a way that cannot fade in: leave "
                "adversarial.conditional_after at 0"
            )

    def _turned(self, position: int) -> float:
        """How much the class counts after so many images seen, 0 to 1; the networks are told."""
        strength = self.config.class_strength(position)
        for net in (self.generator, self.discriminator, self.average):
            let_classes_count(net, strength)
        return strength

    def _optimizer(self, learning_rate: float, *nets: nn.Module) -> torch.optim.Optimizer:
        betas = self.config.beta1, self.config.beta2
        return Adam(nn.ModuleList(nets).parameters(), lr=learning_rate, betas=betas, fused=True)

    def adopt(self, config: AdversarialConfig, *, average_since: int = 0) -> None:
        """Plays on by another objective, other penalties of gradients, stabilizers, learning rates or betas.

        average_since: the position from which the generator's average counts.
        """
        self.config, self.regularizer.config, self._average_since = config, config.penalties, average_since
        self.freeze.config = self.view.stabilizers = config.stabilizers
        self.objective = _objective_of(config, self.processes)
        rates = {"generator": config.learning_rate, "discriminator": config.discriminator_learning_rate}
        for name, rate in rates.items():
            self.optimizers[name].defaults["lr"] = rate
            for group in self.optimizers[name].param_groups:
                group["betas"] = config.beta1, config.beta2

    def renew(self, position: int, *, generator: bool) -> None:
        """Begins anew after so many images seen: the discriminator, all moments, the average; the generator if asked.

        The new weights are those of the seed at this position.
        """
        new_generator, discriminator, questions = self._new_networks(position)
        if generator:
            self.generator.load_state_dict(new_generator.state_dict())
        self.discriminator.load_state_dict(discriminator.state_dict())
        self.questions.load_state_dict(questions.state_dict())
        self.average.load_state_dict(self.generator.state_dict())
        self.modules["balance"].load_state_dict(self._balance_at_first)
        for optimizer in self.optimizers.values():
            optimizer.state.clear()

    def update(self, batch: Batch, position: int) -> Scalars:
        """One update of both networks; ElmyrError where torch finds no memory for it."""
        mend = "pass fewer (--set adversarial.microbatch=N), or make the networks smaller (--set network.base=N)"
        with machine.room_for(f"{self._at_once:,} images at once", mend=mend):
            return self._update(batch, position)

    def _update(self, batch: Batch, position: int) -> Scalars:
        """The discriminator's step and then, where it is due, the generator's on the same latents, and the average.

        Of many processes each takes its share of the batch; a share larger than a microbatch, in parts.
        """
        self._images, share = len(batch), self.processes.share(len(batch))
        self._strength = self._turned(position)
        rests = self.freeze.rests(position)
        due = rests or (position // self.batch) % self.config.discriminator_steps == 0
        latents = self.gan.latents(self.batch, seeds.generator(self.seed, "latents", position))
        latents, labeled = machine.to_device(latents, self.device), bool(self.gan.classes)
        parts = parts_of(batch, latents, share=share, most=self._microbatch, labeled=labeled)
        if len(parts) == 1:  # the images serve both steps: of several parts the graphs would not find room
            with torch.set_grad_enabled(due):
                parts[0].fake = self._generate(parts[0])
        scalars = {} if rests else self._step_discriminator(parts, position)
        if due:
            scalars |= self._step_generator(parts, position)
            update_average(self.average, self.generator, self._average_decay(position, len(batch), rests))
        return scalars

    def _step_discriminator(self, parts: list[Microbatch], position: int) -> Scalars:
        scalars = self._step("discriminator", parts, self._discriminator_loss, position)
        if self.view.adaptive is not None:
            self.view.adapt(self._of_all(self._judged(*logits_of(parts))[0]))
        return self.view.scalars() | scalars

    def _discriminator_loss(self, part: Microbatch, position: int) -> tuple[torch.Tensor, Scalars]:
        with torch.no_grad():
            real, fake, labels = to_unit(part.images), self._fake(part).detach(), part.labels
        images = torch.cat([real, fake]).requires_grad_(self.regularizer.needs_gradient(position))
        logits, features = self._look(self.view(images, position), None if labels is None else labels.repeat(2))
        real_logits, fake_logits = logits.chunk(2)
        part.real_logits, part.fake_logits = real_logits.detach(), fake_logits.detach()
        loss = self.objective.discriminator(real_logits, fake_logits).mean()
        judged = Judged(
            self.discriminator,
            lambda images: self._discriminate(images, labels),
            real,
            fake,
            images,
            logits,
            random=self._random("penalties", position),
            augmented=lambda images: self.view.changed(images, position),
            of_all=self._of_all,
        )
        penalty = self.regularizer(judged, position)
        answers, told = self.questions.loss(features, labels, part.latents[: len(part)])
        scalars = (
            judged.scalars
            | told
            | {
                "discriminator_loss": loss.detach(),
                "real_logits": part.real_logits.mean(),
                "fake_logits": part.fake_logits.mean(),
            }
        )
        return loss + penalty + answers, scalars

    def _step_generator(self, parts: list[Microbatch], position: int) -> Scalars:
        for net in (self.discriminator, self.questions):
            net.requires_grad_(False)
        scalars = self._step("generator", parts, self._generator_loss, position)
        for net in (self.discriminator, self.questions):
            net.requires_grad_(True)
        if self.freeze.watches:
            self.freeze.note(*map(self._of_all, self._judged(*logits_of(parts))))
        return scalars

    def _generator_loss(self, part: Microbatch, position: int) -> tuple[torch.Tensor, Scalars]:
        """Against the real images' logits of the discriminator's step, where it took one: a pass less."""
        fake_logits, features = self._look(self.view(self._fake(part), position, of="generator"), part.labels)
        if part.real_logits is None:
            with torch.no_grad():
                real = self.view(to_unit(part.images), position, of="real")
                part.real_logits = self._discriminate(real, part.labels)
        part.fake_logits = fake_logits.detach()
        loss = self.objective.generator(part.real_logits, fake_logits).mean()
        answers, _ = self.questions.loss(features, part.labels, part.latents[: len(part)], of_class=self._strength)
        return loss + answers, {"generator_loss": loss.detach()}

    def _step(
        self,
        name: str,
        parts: list[Microbatch],
        loss_of: Callable[[Microbatch, int], tuple[torch.Tensor, Scalars]],
        position: int,
    ) -> Scalars:
        """A network's step by the mean loss of all parts; returns the means of their scalars."""
        scalars, stabilizers = Scalars(), self.config.stabilizers

        def losses() -> Iterator[torch.Tensor]:
            for part in parts:
                self._place = part.place
                loss, told = loss_of(part, position)
                for key, value in told.items():
                    scalars[key] = scalars.get(key, 0) + part.weight * value
                yield part.weight * loss

        norm = step(self.optimizers[name], losses(), clip=stabilizers.clip_gradients, processes=self.processes)
        if stabilizers.clip_weights and name == "discriminator":
            clip_weights(self.discriminator, stabilizers.clip_weights)
        return scalars | {f"{name}_gradient_norm": norm}

    def _judged(self, real_logits: torch.Tensor, fake_logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits less the objective's border, so that their sign says real or generated; differences without one."""
        border = getattr(self.objective, "border", None)  # a plug-in's may say nothing of it
        if border is None:
            return real_logits - fake_logits, fake_logits - real_logits
        return real_logits - border, fake_logits - border

    def _fake(self, part: Microbatch) -> torch.Tensor:
        return self._generate(part) if part.fake is None else part.fake

    def _generate(self, part: Microbatch) -> torch.Tensor:
        with machine.autocast(self.device, self.precision):
            images: torch.Tensor = self.generator(part.latents, part.asked)
        return within_range(images[: len(part)].to(torch.get_default_dtype()))

    def _look(self, images: torch.Tensor, labels: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
        """The discriminator's logits, and the features that it gives them by."""
        with machine.autocast(self.device, self.precision):
            logits, features = self.discriminator.look(images, labels)
        return logits.to(torch.get_default_dtype()), features.to(torch.get_default_dtype())

    def _discriminate(self, images: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        return self._look(images, labels)[0]

    def _random(self, stream: str, position: int) -> seeds.Random:
        return seeds.for_part(self.seed, stream, position, (self._place, self._images))

    def _of_all(self, logits: torch.Tensor) -> torch.Tensor:
        return self.processes.of_all(logits, self._images)

    def _average_decay(self, position: int, images: int, rests: bool) -> float:
        """By the images seen since the generator's last step, of those since the average began."""
        position -= self._average_since
        images += 0 if rests else min(position, (self.config.discriminator_steps - 1) * self.batch)
        return average_decay(position, images, half_life=self.config.ema_half_life, ramp=self.config.ema_ramp)

    def result(self, position: int) -> GAN:
        """The GAN as it stands after `position` images seen, on copies of the networks."""
        return GAN(
            self.gan,
            deepcopy(self.average),
            deepcopy(self.discriminator),
            trained=self.trained | {"images": position},
            device=str(self.device),
            precision=self.precision,
        )

    def preview(self, position: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Samples of fixed latents: one row per class or discovered kind (the first ten), or ten rows."""
        kinds = len(self.gan.classes) or self.gan.code.categories or 1
        stride = kinds * -(-PREVIEW_ROWS // kinds)  # a whole number of turns, so that a row stays with its kind
        turns = np.arange(PREVIEW_COLUMNS * stride) % self.gan.code.categories if self.gan.code.categories else None
        samples = self.result(position).sample(PREVIEW_COLUMNS * stride, category=turns, balanced=True, seed=self.seed)
        order = [row + stride * column for row in range(PREVIEW_ROWS) for column in range(PREVIEW_COLUMNS)]
        return image_grid(samples.images[order], columns=PREVIEW_COLUMNS)

    def export(self, folder: Path, position: int) -> None:
        """The model folder that `GAN.load` opens."""
        self.result(position).save(folder)
