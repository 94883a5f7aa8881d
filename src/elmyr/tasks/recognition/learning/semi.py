"""The task of learning from few labels and many images without: consistency, a game against a generator, or both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from elmyr.core import machine, seeds
from elmyr.engine.config import validated
from elmyr.engine.data import Joined
from elmyr.engine.optimization.optimizers import Adam
from elmyr.engine.optimization.step import step
from elmyr.engine.processes import ALONE, Processes
from elmyr.engine.task import Batch, BatchSource
from elmyr.losses.textures import over_textures
from elmyr.nets import NetworkConfig, StridedClassifier
from elmyr.tasks.gan.augmented_view import within_range
from elmyr.tasks.gan.model import GANConfig, to_unit
from elmyr.tasks.recognition.learning.augmenting import Augmenting
from elmyr.tasks.recognition.learning.consistency import Consistency, ConsistencyConfig, changed_little, changed_much
from elmyr.tasks.recognition.learning.feature_matching import GameConfig, discriminator_loss, matching_loss
from elmyr.tasks.recognition.learning.labeled_loss import PLAIN, LabeledLoss
from elmyr.tasks.recognition.learning.task import RecognizerTask

LARGEST_NORM = 5.0
Change = Callable[[torch.Tensor, seeds.Random], torch.Tensor]  # of images (N, C, H, W)


@dataclass(frozen=True)
class Shared:
    """Images of one kind that this process has, (n, C, H, W): which of how many."""

    images: torch.Tensor
    place: slice
    of: int


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

    @property
    def shared(self) -> dict[str, int]:
        """The parts of an update that processes share beside the whole batch, by the settings' names."""
        return {"semi.labeled": self.labeled} | ({"semi.game.images": self.game.images} if self.game.weight else {})


class SemiData:
    """Batches of labeled images and then unlabeled ones, whose label is -1; `labeled` of them in each."""

    def __init__(self, labeled: BatchSource, unlabeled: BatchSource, *, count: int) -> None:
        self.labeled, self.unlabeled, self.count = labeled, unlabeled, count

    def batch(self, position: int, size: int) -> Batch:
        """The `size` images from `position` on, a multiple of `size`."""
        number, rest = position // size, size - self.count
        first = self.labeled.batch(number * self.count, self.count)
        second = self.unlabeled.batch(number * rest, rest)
        assert first.labels is not None
        labels = torch.cat([first.labels, first.labels.new_full((rest,), -1)])
        return Batch(Joined([first, second]), labels)


class SemiTask(RecognizerTask):
    """Trains a classifier on batches of `SemiData`, of whose two parts, and of generated images, each has its share."""

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
        labeled_loss: LabeledLoss = PLAIN,
        processes: Processes = ALONE,
    ) -> None:
        super().__init__(
            net,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            augment=Augmenting(),  # images are changed in other ways here
            seed=seed,
            device=device,
            precision=precision,
            labeled_loss=labeled_loss,
            processes=processes,
        )
        self.config = config
        self.consistency = Consistency(config.consistency, net.logits.out_features, processes).to(device)
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
        first = self.config.labeled
        labeled, unlabeled = self._read(batch, 0, first), self._read(batch, first, len(batch))
        labels = batch.labels[:first][labeled.place]
        if self.config.another_kind:
            labeled = self._over_textures(labeled, unlabeled, batch, position)
        fake = self._generate(position)
        logits, features = self._look(self._shown(labeled, unlabeled, fake, position))
        count, known = len(labels), len(labels) + len(unlabeled.images)
        loss = self.labeled_loss(logits[:count], labels, labels)
        scalars = {"loss": loss.detach()}
        real = logits[count:known]
        if self.config.consistency.weight:
            with torch.no_grad(), machine.autocast(self.device, self.precision):
                seen = self.average(_laid_out(self._changed(changed_little, "little", position, unlabeled)))
            pseudo, sure = self.consistency.pseudo_labels(seen)
            loss = loss + self.consistency.loss(real, pseudo, sure).mean()
            scalars["sure"] = machine.full_precision(sure).mean()
        if fake is not None:
            game = discriminator_loss(real, logits[known:])
            loss = loss + self.config.game.weight * game
            scalars["discriminator_loss"] = game.detach()
        scalars["gradient_norm"] = step(
            self.optimizers["recognizer"], [loss], clip=LARGEST_NORM, processes=self.processes
        )
        self._average(position, len(batch))
        if fake is not None:
            scalars["matching_loss"] = self._step_generator(fake, features[count:known].detach(), position)
        return scalars

    def _read(self, batch: Batch, begin: int, end: int) -> Shared:
        """This process's share of the images from a place on up to another, in [-1, 1]."""
        place = self.processes.share(end - begin)
        images = batch.part(slice(begin + place.start, begin + place.stop)).images
        return Shared(to_unit(images), place, end - begin)

    def _share(self, images: torch.Tensor) -> Shared:
        place = self.processes.share(len(images))
        return Shared(images[place], place, len(images))

    def _over_textures(self, labeled: Shared, unlabeled: Shared, batch: Batch, position: int) -> Shared:
        """The first half of all of them laid over textures of unlabeled images; the others stay as they are."""
        half = (labeled.of + 1) // 2
        begin, end = labeled.place.start, min(labeled.place.stop, half)
        if begin >= end:
            return labeled
        places = torch.arange(begin, end) % unlabeled.of
        if len(unlabeled.images) == unlabeled.of:
            examples = unlabeled.images[places.to(self.device)]
        else:  # which may lie in another process's share
            examples = to_unit(batch.images_at(labeled.of + places))
        random = seeds.for_part(self.seed, "textures", position, (slice(begin, end), half))
        laid = over_textures(labeled.images[: end - begin], examples, random)
        return replace(labeled, images=torch.cat([laid, labeled.images[end - begin :]]))

    def _generate(self, position: int) -> Shared | None:
        if self.generator is None:
            return None
        random = seeds.generator(self.seed, "latents", position)
        latents = self._share(self.gan.latents(self.config.game.images, random))
        with machine.autocast(self.device, self.precision):
            images: torch.Tensor = self.generator(machine.to_device(latents.images, self.device), None)
        return replace(latents, images=within_range(machine.full_precision(images)))

    def _shown(self, labeled: Shared, unlabeled: Shared, fake: Shared | None, position: int) -> torch.Tensor:
        """What the network learns from: labeled, unlabeled and generated images, in that order."""
        others = [unlabeled, *([] if fake is None else [replace(fake, images=fake.images.detach())])]
        if not self.config.gentle:
            return self._changed(changed_much, "much", position, labeled, *others)
        little = self._changed(changed_little, "little, labeled", position, labeled)
        return torch.cat([little, self._changed(changed_much, "much", position, *others)])

    def _step_generator(self, fake: Shared, real_features: torch.Tensor, position: int) -> torch.Tensor:
        self.net.requires_grad_(False)
        _, features = self._look(self._changed(changed_much, "much, generated", position, fake))
        loss = matching_loss(real_features, features, self.processes)
        step(self.optimizers["generator"], [loss], clip=LARGEST_NORM, processes=self.processes)
        self.net.requires_grad_(True)
        return loss.detach()

    def _look(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with machine.autocast(self.device, self.precision):
            features = self.net.features(_laid_out(images))
            logits: torch.Tensor = self.net.logits(features)
        return machine.full_precision(logits), machine.full_precision(features)

    def _changed(self, change: Change, stream: str, position: int, *shared: Shared) -> torch.Tensor:
        random = seeds.for_part(self.seed, stream, position, *((each.place, each.of) for each in shared))
        return change(torch.cat([each.images for each in shared]), random)


def _laid_out(images: torch.Tensor) -> torch.Tensor:
    return images.contiguous(memory_format=torch.channels_last)
