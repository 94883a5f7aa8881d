"""Auto-PGD: gradient ascent with momentum that chooses its own step sizes (Croce & Hein 2020)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import torch

from elmyr.tasks.recognition.attacks.balls import BALLS, TINY, Ball, Norm
from elmyr.tasks.recognition.attacks.losses import Loss, towards
from elmyr.tasks.recognition.attacks.seam import Model

MOMENTUM = 0.75
FIRST_CHECK, LEAST_CHECK, CHECK_SHORTENED = 0.22, 0.06, 0.03  # between two looks at the step size, shares of the steps
RISING = 0.75  # the share of steps that should gain; where fewer do, the steps are too long
TARGETS = 9


def apgd(
    model: Model,
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    norm: Norm,
    epsilon: float,
    steps: int,
    loss: Callable[[torch.Tensor], Loss],
    generator: torch.Generator,
) -> torch.Tensor:
    """Images (N, C, H, W) within ε that are misread, where some are found; else those with the greatest loss.

    loss: by the places (M,) of the images at hand what is made larger, as some have their own targets. An image that is
    misread is left alone from then on. The other parameters as those of `pgd`.
    """
    images, attacked = images.detach(), images.detach().clone()
    if not len(images):
        return attacked
    ball = BALLS.named(norm)
    start = _start(ball, norm, images, epsilon, generator)
    state = _without_fooled(_State.begun(model, start, images, labels, loss, 2 * epsilon), attacked)
    for is_check, checked in _checks(steps):
        if not len(state.places):
            return attacked
        state.move(ball, epsilon)
        state.look(model, loss)
        state = _without_fooled(state, attacked)  # before any goes back: a greater loss need not be a mistake
        if is_check:
            state.halve_steps(checked)
    attacked[state.places] = state.best
    return attacked


def targeted(
    model: Model,
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    norm: Norm,
    epsilon: float,
    steps: int,
    generator: torch.Generator,
) -> torch.Tensor:
    """APGD towards each of up to nine other classes, the most likely ones first, on the images that are left each time.

    With fewer than ten classes all others are targets. The parameters as those of `apgd`.
    """

    def one(left: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return apgd(
            model,
            images[left],
            labels[left],
            norm=norm,
            epsilon=epsilon,
            steps=steps,
            loss=lambda places: towards(targets[places]),
            generator=generator,
        )

    return over_targets(model, images, labels, one)


def over_targets(
    model: Model,
    images: torch.Tensor,
    labels: torch.Tensor,
    attack: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """Images attacked towards one class after the other: `attack` gets places (M,) that are left, and targets (M,)."""
    attacked, left = images.detach().clone(), torch.arange(len(images), device=images.device)
    for targets in targets_of(model, images, labels):
        if not len(left):
            break
        changed = attack(left, targets[left])
        with torch.no_grad():
            fooled = model(changed).argmax(1) != labels[left]
        attacked[left] = changed
        left = left[~fooled]
    return attacked


def targets_of(model: Model, images: torch.Tensor, labels: torch.Tensor) -> list[torch.Tensor]:
    """Up to nine classes an image that are not its label, the most likely first: of each rank (N,)."""
    if not len(images):
        return []
    with torch.no_grad():
        others = model(images).scatter(1, labels[:, None], -torch.inf)
    ranked = others.argsort(1, descending=True)[:, :-1]
    return list(ranked[:, :TARGETS].unbind(1))


@dataclass
class _State:
    """Where the search stands for M images that are not misread yet."""

    places: torch.Tensor
    images: torch.Tensor
    labels: torch.Tensor
    changed: torch.Tensor
    before: torch.Tensor
    gradient: torch.Tensor
    losses: torch.Tensor
    fooled: torch.Tensor
    best: torch.Tensor
    best_gradient: torch.Tensor
    highest: torch.Tensor
    length: torch.Tensor  # of a step, (M, 1, 1, 1)
    gains: torch.Tensor  # steps since the last check that gained
    highest_at_check: torch.Tensor
    was_halved: torch.Tensor
    weight: float = 1.0  # of the new step, against the one before

    @classmethod
    def begun(
        cls,
        model: Model,
        changed: torch.Tensor,
        images: torch.Tensor,
        labels: torch.Tensor,
        loss: Callable[[torch.Tensor], Loss],
        length: float,
    ) -> _State:
        places = torch.arange(len(images), device=images.device)
        gradient, losses, fooled = _looked(model, changed, labels, loss(places))
        count = torch.zeros(len(images), dtype=torch.int64, device=images.device)
        return cls(
            places=places,
            images=images,
            labels=labels,
            changed=changed,
            before=changed,
            gradient=gradient,
            losses=losses,
            fooled=fooled,
            best=changed,
            best_gradient=gradient,
            highest=losses,
            length=torch.full_like(images[:, :1, :1, :1], length),
            gains=count,
            highest_at_check=losses,
            was_halved=count == 0,  # as if: the first look only asks whether steps gain often enough
        )

    def keep(self, kept: torch.Tensor) -> _State:
        """The state of some of the images, bool (M,)."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return _State(**{name: value if name == "weight" else value[kept] for name, value in values.items()})

    def move(self, ball: Ball, epsilon: float) -> None:
        """One step along the gradient, and some of the last one."""
        stepped = ball.project(self.changed + self.length * ball.step(self.gradient), self.images, epsilon)
        with_momentum = (
            self.changed + self.weight * (stepped - self.changed) + (1 - self.weight) * (self.changed - self.before)
        )
        self.before, self.changed = self.changed, ball.project(with_momentum, self.images, epsilon)
        self.weight = MOMENTUM

    def look(self, model: Model, loss: Callable[[torch.Tensor], Loss]) -> None:
        """Takes in what the last step came to."""
        gradient, losses, fooled = _looked(model, self.changed, self.labels, loss(self.places))
        self.gains = self.gains + (losses > self.losses)
        better = losses > self.highest
        self.best = torch.where(_as_mask(better), self.changed, self.best)
        self.best_gradient = torch.where(_as_mask(better), gradient, self.best_gradient)
        self.highest = torch.where(better, losses, self.highest)
        self.gradient, self.losses, self.fooled = gradient, losses, fooled

    def halve_steps(self, checked: int) -> None:
        """Halves the steps of images that gain too seldom, or not at all, and takes these back to their best place."""
        seldom = self.gains <= RISING * checked
        in_vain = ~self.was_halved & (self.highest <= self.highest_at_check)
        halved = seldom | in_vain
        self.length = torch.where(_as_mask(halved), self.length / 2, self.length)
        self.changed = torch.where(_as_mask(halved), self.best, self.changed)
        self.gradient = torch.where(_as_mask(halved), self.best_gradient, self.gradient)
        self.was_halved, self.highest_at_check = halved, self.highest
        self.gains = torch.zeros_like(self.gains)


def _checks(steps: int) -> Iterator[tuple[bool, int]]:
    """For each step whether the step size is looked at after it, and how many steps that look is over."""
    every, least, shorter = (max(1, int(share * steps)) for share in (FIRST_CHECK, LEAST_CHECK, CHECK_SHORTENED))
    since = 0
    for _ in range(steps):
        since += 1
        yield since == every, since
        if since == every:
            since, every = 0, max(every - shorter, least)


def _start(ball: Ball, norm: Norm, images: torch.Tensor, epsilon: float, generator: torch.Generator) -> torch.Tensor:
    """A random place at the edge of the ball."""
    drawn = ball.within(images, generator)
    return ball.project(images + epsilon * drawn / (ball.size(drawn) + TINY), images, epsilon)


def _looked(
    model: Model, changed: torch.Tensor, labels: torch.Tensor, loss: Loss
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The gradient of the loss, the loss of each image, and which are misread."""
    with torch.enable_grad():
        asked = changed.detach().requires_grad_()
        logits = model(asked).float()
        losses = loss(logits, labels)
        (gradient,) = torch.autograd.grad(losses.sum(), asked)
    return gradient, losses.detach(), logits.detach().argmax(1) != labels


def _without_fooled(state: _State, attacked: torch.Tensor) -> _State:
    """The state of the images that are not misread yet; the others are done."""
    if not state.fooled.any():
        return state
    attacked[state.places[state.fooled]] = state.changed[state.fooled]
    return state.keep(~state.fooled)


def _as_mask(values: torch.Tensor) -> torch.Tensor:
    return values.view(-1, 1, 1, 1)
