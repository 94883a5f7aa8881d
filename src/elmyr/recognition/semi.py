"""The task of learning from few labels and many images without: consistency, a game against a generator, or both."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from elmyr import machine, seeds
from elmyr.gan import GANConfig, NetworkConfig, to_unit
from elmyr.nets import StridedClassifier
from elmyr.recognition.consistency import Consistency, ConsistencyConfig, changed_little, changed_much
from elmyr.recognition.game import GameConfig, discriminator_loss, matching_loss
from elmyr.recognition.task import RecognizerTask
from elmyr.textures import over_textures
from elmyr.training.config import validated
from elmyr.training.data import ResidentData
from elmyr.training.optimizers import Adam
from elmyr.training.step import step
from elmyr.training.task import Batch
from elmyr.training.view import within_range

LARGEST_NORM = 5.0


class SemiConfig(BaseModel):
    """What unlabeled images teach."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    labeled: int = Field(32, ge=1, description="labeled images in a batch; the others are unlabeled ones")
    gentle: bool = Field(
        False, description="whether labeled images are changed little: for where there are many of them"
    )
    another_kind: bool = Field(
        False,
        description="whether the unlabeled images are of another kind: half of the labeled ones are laid over textures "
        "of theirs",
    )
    consistency: ConsistencyConfig = ConsistencyConfig()
    game: GameConfig = GameConfig()


class SemiData:
    """Batches of labeled images and then unlabeled ones, whose label is -1; `labeled` of them in each."""

    def __init__(self, labeled: ResidentData, unlabeled: ResidentData, *, count: int) -> None:
        self.labeled, self.unlabeled, self.count = labeled, unlabeled, count

    def batch(self, position: int, size: int) -> Batch:
        """The `size` images from `position` on, a multiple of `size`."""
        number, rest = position // size, size - self.count
        first = self.labeled.batch(number * self.count, self.count)
        second = self.unlabeled.batch(number * rest, rest)
        assert first.labels is not None
        labels = torch.cat([first.labels, first.labels.new_full((rest,), -1)])
        return Batch(torch.cat([first.images, second.images]), labels)


class SemiTask(RecognizerTask):
    """Trains a classifier on batches of `SemiData`."""

    def __init__(
        self,
        net: StridedClassifier,
        config: SemiConfig,
        *,
        shape: tuple[int, int, int],
        learning_rate: float,
        weight_decay: float,
        seed: int,
        device: torch.device,
        precision: str,
        class_weights: NDArray[np.float64] | None = None,
    ) -> None:
        super().__init__(
            net,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            augment=True,
            seed=seed,
            device=device,
            precision=precision,
            class_weights=class_weights,
        )
        self.config = config
        self.consistency = Consistency(config.consistency, net.logits.out_features).to(device)
        self.modules["consistency"] = self.consistency
        self.generator: nn.Module | None = None
        if config.game.weight:
            height, width, channels = shape
            size = NetworkConfig(base=config.game.base, latent=config.game.latent)
            sides = {"height": height, "width": width, "channels": channels}
            self.gan = validated(GANConfig, "the method's generator", **sides, network=size)
            with seeds.initialization(seed, "generator"):
                self.generator = self.gan.build()[0].to(device)
            self.modules["generator"] = self.generator
            self.optimizers["generator"] = Adam(
                self.generator.parameters(), lr=config.game.learning_rate, betas=(0.5, 0.99), fused=True
            )

    def update(self, batch: Batch, position: int) -> dict[str, torch.Tensor]:
        """One step by the labeled images, by what the unlabeled ones are read as, and against the generated ones."""
        assert batch.labels is not None
        count, images = self.config.labeled, to_unit(batch.images)
        labels, labeled, unlabeled = batch.labels[:count], images[:count], images[count:]
        if self.config.another_kind:
            labeled = self._over_textures(labeled, unlabeled, position)
        fake = self._generate(position)
        others, much = [unlabeled, *([] if fake is None else [fake.detach()])], self._random("much", position)
        if self.config.gentle:
            labeled = changed_little(labeled, self._random("little, labeled", position))
            shown = torch.cat([labeled, changed_much(torch.cat(others), much)])
        else:
            shown = changed_much(torch.cat([labeled, *others]), much)
        logits, features = self._look(shown)
        loss = self._labeled_loss(logits[:count], labels, labels)
        scalars = {"loss": loss.detach()}
        real = logits[count : len(images)]
        if self.config.consistency.weight:
            with torch.no_grad(), machine.autocast(self.device, self.precision):
                seen = self.average(_laid_out(changed_little(unlabeled, self._random("little", position))))
            pseudo, sure = self.consistency.pseudo_labels(seen)
            loss = loss + self.consistency.loss(real, pseudo, sure).mean()
            scalars["sure"] = sure.float().mean()
        if fake is not None:
            game = discriminator_loss(real, logits[len(images) :])
            loss = loss + self.config.game.weight * game
            scalars["discriminator_loss"] = game.detach()
        scalars["gradient_norm"] = step(self.optimizers["recognizer"], [loss], clip=LARGEST_NORM)
        self._average(position, len(batch))
        if fake is not None:
            scalars["matching_loss"] = self._step_generator(fake, features[count : len(images)].detach(), position)
        return scalars

    def _over_textures(self, labeled: torch.Tensor, unlabeled: torch.Tensor, position: int) -> torch.Tensor:
        """The first half of them laid over textures of unlabeled images; the others stay as they are."""
        half = (len(labeled) + 1) // 2
        examples = unlabeled[torch.arange(half, device=unlabeled.device) % len(unlabeled)]
        laid = over_textures(labeled[:half], examples, self._random("textures", position))
        return torch.cat([laid, labeled[half:]])

    def _generate(self, position: int) -> torch.Tensor | None:
        if self.generator is None:
            return None
        latents = self.gan.latents(self.config.game.images, self._random("latents", position)).to(self.device)
        with machine.autocast(self.device, self.precision):
            images: torch.Tensor = self.generator(latents, None)
        return within_range(images.float())

    def _step_generator(self, fake: torch.Tensor, real_features: torch.Tensor, position: int) -> torch.Tensor:
        self.net.requires_grad_(False)
        _, features = self._look(changed_much(fake, self._random("much, generated", position)))
        loss = matching_loss(real_features, features)
        step(self.optimizers["generator"], [loss], clip=LARGEST_NORM)
        self.net.requires_grad_(True)
        return loss.detach()

    def _look(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with machine.autocast(self.device, self.precision):
            features = self.net.features(_laid_out(images))
            logits: torch.Tensor = self.net.logits(features)
        return logits.float(), features.float()

    def _random(self, stream: str, position: int) -> torch.Generator:
        return seeds.generator(self.seed, stream, position)


def _laid_out(images: torch.Tensor) -> torch.Tensor:
    return images.contiguous(memory_format=torch.channels_last)
