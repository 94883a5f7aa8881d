"""What keeps a 3 a 3: a recognizer that reads what comes out of a translator."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import nn
from torch.nn import functional as F

from elmyr.core import machine
from elmyr.nets import StridedClassifier
from elmyr.tasks.recognition.learning.task import Teacher


class Keeper(Protocol):
    """How far translated images are from being read as they were."""

    def loss(
        self, direction: str, images: torch.Tensor, labels: torch.Tensor | None, made: torch.Tensor
    ) -> torch.Tensor:
        """Images (N, C, H, W), their labels, and what was made of them -> a loss, 0-d."""
        ...


class GivenReader:
    """A recognizer that reads both kinds of image: what is made is to be read as the image was."""

    def __init__(self, teacher: Teacher) -> None:
        self.teacher = teacher

    def loss(
        self, direction: str, images: torch.Tensor, labels: torch.Tensor | None, made: torch.Tensor
    ) -> torch.Tensor:
        """The cross-entropy with what was read before."""
        with torch.no_grad():
            before = self.teacher(images)
        after = self.teacher(made).clamp_min(1e-8)
        return -(before * after.log()).sum(1).mean()


class LearningReader(nn.Module):
    """A recognizer that learns beside the translator, from labeled images of A and what is made of them.

    The task classifier of PixelDA (Bousmalis et al. 2017): it and the translator minimize the same cross-entropy.
    """

    def __init__(self, net: StridedClassifier) -> None:
        super().__init__()
        self.net = net

    def loss(
        self, direction: str, images: torch.Tensor, labels: torch.Tensor | None, made: torch.Tensor
    ) -> torch.Tensor:
        """The cross-entropy with the labels, of both; 0 for the way back, whose images have none."""
        if direction != "a-to-b" or labels is None:
            return images.new_zeros(())
        logits = self.net(torch.cat([images, made]).contiguous(memory_format=torch.channels_last))
        return F.cross_entropy(machine.full_precision(logits), torch.cat([labels, labels]))
