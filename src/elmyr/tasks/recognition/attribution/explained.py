"""What is explained: a network, the score that its maps divide among the pixels, and the classes that it knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from elmyr.core import machine, threads
from elmyr.core.errors import InputError
from elmyr.images import Pixels
from elmyr.tasks.gan.model import GAN, to_unit
from elmyr.tasks.gan.sampling.asked import class_number
from elmyr.tasks.recognition.predicting.trained import Trained
from elmyr.tasks.recognition.recognizer import Recognizer

CHUNK = 200  # images at a time
Score = Callable[[nn.Module, torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True, eq=False)
class Explained:
    """A network that judges images uint8 `shape` (H, W, C), and what of its judgment is explained.

    score, belief: of the network, images (N, C, H, W) in [-1, 1] and classes int64 (N,), each a number an image (N,).
    The score is what a map explains; the belief is what people read: a recognizer's probability of the class, a
    discriminator's logit. ground: the level in [-1, 1] that stands for nothing: a map explains what differs from it.
    classes: their names; of a discriminator without classes empty. believes, reads: what the belief is called, and the
    class that is believed most. answers: the classes' logits (N, K), of a network that gives all at a time.
    """

    net: nn.Module
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    score: Score
    belief: Score
    ground: float
    believes: str
    reads: str
    answers: Callable[[nn.Module, torch.Tensor], torch.Tensor] | None = None

    def with_net(self, net: nn.Module) -> Explained:
        """The same of another network of this form."""
        return replace(self, net=net)

    def scores(self, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """What a map explains, (N,), as attribution methods ask for it."""
        return self.score(self.net, images, targets)

    def units(self, images: Pixels) -> torch.Tensor:
        """Pixels uint8 (N, H, W, C) as the network takes them: (N, C, H, W) in [-1, 1]."""
        pixels = torch.from_numpy(np.require(images, requirements="W"))
        return to_unit(pixels.permute(0, 3, 1, 2)).to(next(self.net.parameters()).device)

    @torch.no_grad()
    def beliefs(self, images: torch.Tensor, targets: torch.Tensor) -> NDArray[np.float64]:
        """The belief float64 (N,) of each image in its class."""
        parts = []
        with machine.without_tf32():
            for some, classes in zip(torch.split(images, CHUNK), torch.split(targets, CHUNK), strict=True):
                threads.look()
                parts.append(self.belief(self.net, some, classes.to(some.device)).double().cpu().numpy())
        return np.concatenate(parts)

    @torch.no_grad()
    def read(self, images: torch.Tensor) -> NDArray[np.int64]:
        """The class (N,) that is believed most of each image; 0 without classes."""
        answers = self.answers
        if answers is not None:
            most = [answers(self.net, some).argmax(1).cpu() for some in torch.split(images, CHUNK)]
            return np.asarray(torch.cat(most).numpy(), np.int64)
        numbers = range(max(1, len(self.classes)))
        each = [self.beliefs(images, torch.full((len(images),), number)) for number in numbers]
        return np.asarray(np.argmax(each, 0), np.int64)

    def target(self, name: int | str) -> int:
        """The number of a class; InputError, with the nearest name, where there is none."""
        if not self.classes:
            raise InputError("this GAN has no classes: leave the target out")
        return class_number(self.classes, str(name))

    def required(self, images: Pixels) -> Pixels:
        """Images of the form that it takes; InputError for others."""
        if images.shape[1:] != self.shape:
            raise InputError(
                f"images are {images.shape[1:]}, what explains them takes {self.shape}: bring them to that"
            )
        return images


def explained(model: Any) -> Explained:
    """What is explained of a recognizer, or of the discriminator of a GAN; InputError for other models."""
    if isinstance(model, Recognizer):
        return _of_trained(model.trained())
    if isinstance(model, Trained):
        return _of_trained(model)
    if isinstance(model, GAN):
        return _of_gan(model)
    raise InputError(f"a {type(model).__name__} cannot be explained: give a recognizer, or a GAN for its discriminator")


def _of_trained(trained: Trained) -> Explained:
    temperature = trained.temperature

    def score(net: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        logits = net(images)  # of all classes a constant more changes no probability: only the difference is explained
        centered: torch.Tensor = _of_target(logits, targets) - logits.mean(1)
        return centered

    def belief(net: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return _of_target((net(images).double() / temperature).softmax(1), targets)

    ground = -1.0 if trained.ground is None else round(trained.ground) / 127.5 - 1  # a level that pixels have
    judged = (trained.net, trained.names, trained.image_shape, score, belief, ground)
    return Explained(*judged, "probability", "read as", lambda net, images: net(images))


def _of_target(rows: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return rows.gather(1, targets[:, None])[:, 0]


def _of_gan(gan: GAN) -> Explained:
    config = gan.config
    classes = config.classes if config.projection else ()

    def score(net: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = net(images, targets if classes else None)
        return logits

    shape = (config.height, config.width, config.channels)
    return Explained(gan.discriminator, classes, shape, score, score, -1.0, "logit", "most real as")
