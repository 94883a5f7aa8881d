"""How much a recognizer withstands: its accuracy where each image is changed, within bounds, so that it is misread.

The attack is PGD (Madry et al. 2018), which is quick and optimistic: stronger ones find more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr.core import machine, seeds, threads
from elmyr.core.errors import InputError
from elmyr.images import ImageSet, Pixels
from elmyr.metrics import Proportion, wilson_interval
from elmyr.nets import StridedClassifier
from elmyr.tasks.recognition.attacks.epsilons import told_of
from elmyr.tasks.recognition.attacks.gradient import pgd
from elmyr.tasks.recognition.attacks.seam import Model
from elmyr.tasks.recognition.learning.selection import Selection
from elmyr.tasks.recognition.learning.task import RecognizerTask
from elmyr.tasks.recognition.robust.config import RobustConfig

if TYPE_CHECKING:
    from elmyr.tasks.recognition.recognizer import Recognizer

CHUNK = 250
MOST = 1000  # images that are attacked, spread over all that there are
CHOOSING, MEASURING = "judged by an attack", "measured under an attack"  # the draws: measured is by others than chose


class Attack(NamedTuple):
    """PGD from a random place, no pixel changed by more than epsilon of its range; restarts on what is left."""

    epsilon: float
    steps: int
    restarts: int = 1

    @classmethod
    def of_config(cls, config: RobustConfig) -> Self:
        """What weights are chosen by."""
        return cls(config.most, config.judged_steps)

    @property
    def told(self) -> str:
        """Its name and its length, as "PGD-20, \u03b5 0.3"."""
        times = f" with {self.restarts} restarts" if self.restarts > 1 else ""
        return f"PGD-{self.steps}{times}, \u03b5 {told_of(self.epsilon)}"

    def read(
        self, net: StridedClassifier, images: Pixels, labels: NDArray[np.int64], draws: str = MEASURING
    ) -> NDArray[np.int64]:
        """The classes int64 (N,) that a network reads in attacked images uint8 (N, H, W, C).

        An image keeps its class where no restart is misread, nor the image as it is; else it has what is read first
        instead. In fp32, the same for the same arguments. draws: the name of the random numbers that it begins with.
        """

        def model(values: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = net(2 * values - 1)
            return logits

        device, parts = next(net.parameters()).device, []
        for begin in range(0, len(images), CHUNK):
            threads.look()
            part = np.require(images[begin : begin + CHUNK], requirements="W")
            plain = torch.from_numpy(part).to(device).permute(0, 3, 1, 2).to(torch.get_default_dtype()) / 255
            known = torch.from_numpy(labels[begin : begin + CHUNK]).to(device)
            with machine.without_tf32():
                parts.append(self._read(model, plain, known, seeds.generator(0, draws, begin)).cpu().numpy())
        return np.concatenate(parts)

    def _read(self, model: Model, plain: torch.Tensor, known: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        with torch.no_grad():
            read = model(plain).argmax(1)
        tried = torch.arange(len(plain), device=plain.device)  # at first all, so that what is drawn hangs on no weight
        for _ in range(self.restarts):
            how: dict[str, Any] = {"norm": "Linf", "epsilon": self.epsilon, "steps": self.steps}
            changed = pgd(model, plain[tried], known[tried], **how, generator=random)
            with torch.no_grad():
                misled = model(changed).argmax(1)
            read[tried] = torch.where(read[tried] == known[tried], misled, read[tried])
            tried = (read == known).nonzero().flatten()
            if not len(tried):
                break
        return read


@dataclass(frozen=True)
class Withstood:
    """How many of so many attacked images were classified correctly; 0 of 0 where nothing was measured."""

    epsilon: float
    steps: int
    images: int = 0
    right: int = 0

    @property
    def share(self) -> Proportion | None:
        """The robust accuracy with its 95 % interval (Wilson)."""
        if not self.images:
            return None
        return Proportion(self.right / self.images, *wilson_interval(self.right, self.images))

    @property
    def attack(self) -> str:
        """What it withstood."""
        return Attack(self.epsilon, self.steps).told

    def as_json(self) -> dict[str, Any]:
        """All of it in JSON values."""
        share = self.share
        found = {} if share is None else {"accuracy": share.value, "interval": [share.low, share.high]}
        how = {"attack": self.attack, "epsilon": self.epsilon, "steps": self.steps}
        return {**how, "images": self.images, "right": self.right, **found}

    @classmethod
    def of_json(cls, content: Mapping[str, Any] | None) -> Self | None:
        """What `as_json` wrote."""
        names = ("epsilon", "steps", "images", "right")
        return None if content is None else cls(**{name: content[name] for name in names})


def withstood(net: StridedClassifier, images: ImageSet, attack: Attack) -> Withstood:
    """How many labeled images a network classifies correctly where they are attacked, at most `MOST` of them."""
    judged = spread(images)
    labels = judged.require_labels()
    right = int((attack.read(net, judged.images, labels) == labels).sum())
    return Withstood(attack.epsilon, attack.steps, len(judged), right)


def withstood_by(recognizer: Recognizer, images: ImageSet) -> Withstood:
    """What one that was trained for it withstands of images whose labels are numbers of its classes.

    By the attack that its weights were chosen by. InputError for a recognizer that was not.
    """
    trained, robust = recognizer.trained(), recognizer.robust_
    if robust is None:
        raise InputError("the recognizer was not trained to withstand attacks: train one with --robust")
    return withstood(trained.net, images, Attack(robust.epsilon, robust.steps))


def withstood_after(
    net: StridedClassifier, config: RobustConfig | None, validation: ImageSet | None
) -> Withstood | None:
    """What a network has learned to withstand, by the validation part where there is one; None where nothing was."""
    if config is None:
        return None
    attack = Attack.of_config(config)
    return Withstood(attack.epsilon, attack.steps) if validation is None else withstood(net, validation, attack)


def spread(images: ImageSet) -> ImageSet:
    """At most `MOST` of them, evenly."""
    if len(images) <= MOST:
        return images
    return images.take(np.linspace(0, len(images) - 1, MOST).astype(np.int64))


class RobustSelection(Selection):
    """Chooses weights by how they read the validation part, or a thousand images of it, where it is attacked."""

    def __init__(self, task: RecognizerTask, validation: ImageSet, attack: Attack) -> None:
        super().__init__(task, spread(validation))
        self.attack = attack

    def _read(self, net: StridedClassifier) -> NDArray[np.int64]:
        return self.attack.read(net, self.validation.images, self.validation.require_labels(), CHOOSING)
