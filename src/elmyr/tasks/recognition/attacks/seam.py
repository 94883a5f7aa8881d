"""A recognizer as an attack sees it: a function of images in [0, 1], in torch, that can be differentiated."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from elmyr.core import machine
from elmyr.core.errors import InputError
from elmyr.tasks.recognition.predicting.inference import look_of_view

if TYPE_CHECKING:
    from elmyr.tasks.recognition.recognizer import Recognizer

Model = Callable[[torch.Tensor], torch.Tensor]  # images float (N, C, H, W) in [0, 1] to logits (N, K)


def logits_of(recognizer: Recognizer, *, average: int = 1) -> Model:
    """What a fitted recognizer predicts by, as a function of images float (N, C, H, W) in [0, 1] to logits (N, K).

    All that a prediction does is inside: the range of its network, the temperature, and with `average` the mean over so
    many views of each image, whose logarithm then are the logits. It computes on the recognizer's device in fp32, its
    weights ask for no gradient, and its most likely class is that of `Recognizer.predict`. InputError where `average`
    is less than 1.
    On a GPU, gradients are of fp32, too, where they are taken inside `machine.without_tf32()`.
    """
    if average < 1:
        raise InputError(f"the mean is taken over {average} views: at least 1 is needed")
    trained = recognizer.trained()
    net, temperature = trained.net, trained.temperature
    if average == 1:
        return _in_fp32(lambda images: net(2 * images - 1) / temperature)
    looks = [look_of_view(net, number) for number in range(average)]

    def mean_of_views(images: torch.Tensor) -> torch.Tensor:
        seen = torch.stack([(look(2 * images - 1) / temperature).log_softmax(1) for look in looks])
        return seen.logsumexp(0)

    return _in_fp32(mean_of_views)


def _in_fp32(model: Model) -> Model:
    """The same without a GPU's TF32, as predictions are made; on its way back that is for who takes the gradient."""

    def within(images: torch.Tensor) -> torch.Tensor:
        with machine.without_tf32():
            return model(images)

    return within
