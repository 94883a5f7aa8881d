"""FAB: the nearest image that is misread, by steps onto the linearized border of another class (Croce & Hein 2020)."""

from __future__ import annotations

from collections.abc import Callable

import torch

from elmyr.tasks.recognition.attacks.apgd import over_targets
from elmyr.tasks.recognition.attacks.balls import BALLS, TINY, Norm
from elmyr.tasks.recognition.attacks.seam import Model

BACK_MOST = 0.1  # the largest share of a step that goes to the border by the image itself
BEYOND = 1.05  # how far a step goes past the border
BACK = 0.9  # how far from the image the search goes on, once an image is misread

# Slopes and room (N, C, H, W) and a wanted gain (N, 1, 1, 1) to the smallest change, each value within its room, that
# gains so much.
ChangeOf = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def fab(
    model: Model,
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    norm: Norm,
    epsilon: float,
    steps: int,
    generator: torch.Generator,
) -> torch.Tensor:
    """FAB towards each of up to nine other classes on the images that are left each time; images (N, C, H, W) within ε.

    Where the nearest misread image that is found is farther away than ε, the image itself comes back. It begins at the
    images and draws nothing. The parameters as those of `pgd`.
    """
    ball, images = BALLS.named(norm), images.detach()

    def one(left: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        found = nearest_misread(model, images[left], labels[left], targets, norm=norm, steps=steps)
        inside = ball.size(found - images[left]) <= epsilon
        return torch.where(inside, found, images[left])

    return over_targets(model, images, labels, one)


def nearest_misread(
    model: Model, images: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor, *, norm: Norm, steps: int
) -> torch.Tensor:
    """The nearest images to these (N, C, H, W) that are misread, looked for towards targets (N,); NaN without any.

    A step goes onto the border of the two classes as it would be if the model were linear, a little beyond it and a
    little back towards the image, within [0, 1].
    """
    ball, change_of = BALLS.named(norm), CHANGES[norm]
    changed, best = images, torch.full_like(images, torch.nan)
    smallest = torch.full_like(images[:, :1, :1, :1], torch.inf)
    for _ in range(steps):
        gap, gradient = _gap(model, changed, labels, targets)
        border = gap + _dot(gradient, changed)  # the values where gradient · x is that are on the border
        from_changed = _onto_border(changed, gradient, border, change_of)
        from_image = _onto_border(images, gradient, border, change_of)
        ahead, back = ball.size(from_changed), ball.size(from_image)
        share = (ahead / (ahead + back + TINY)).clamp(max=BACK_MOST)
        changed = ((changed + BEYOND * from_changed) * (1 - share) + (images + BEYOND * from_image) * share).clamp(0, 1)
        with torch.no_grad():
            misread = (model(changed).argmax(1) != labels).view(-1, 1, 1, 1)
        size = ball.size(changed - images)
        better = misread & (size < smallest)
        best, smallest = torch.where(better, changed, best), torch.where(better, size, smallest)
        changed = torch.where(misread, images + BACK * (changed - images), changed)
    return best


def _gap(
    model: Model, changed: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """How much the label's logit is above the target's (N, 1, 1, 1), and the gradient of the reverse (N, C, H, W)."""
    with torch.enable_grad():
        asked = changed.detach().requires_grad_()
        logits = model(asked).float()
        gain = (logits.gather(1, targets[:, None]) - logits.gather(1, labels[:, None])).squeeze(1)
        (gradient,) = torch.autograd.grad(gain.sum(), asked)
    return -gain.detach().view(-1, 1, 1, 1), gradient


def _dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a * b).flatten(1).sum(1).view(-1, 1, 1, 1)


def _onto_border(
    images: torch.Tensor, gradient: torch.Tensor, border: torch.Tensor, change_of: ChangeOf
) -> torch.Tensor:
    """The smallest change of images, within [0, 1], after which gradient · x is `border`; the nearest there is else."""
    wanted = border - _dot(gradient, images)
    direction = gradient.sign() * wanted.sign()
    room = torch.where(direction > 0, 1 - images, images) * (direction != 0)
    return direction * change_of(gradient.abs(), room.clamp(min=0), wanted.abs())


def _evenly(slopes: torch.Tensor, room: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """All values change alike, up to their room: the least by the largest change."""
    return torch.minimum(_level(slopes, room, wanted), room)


def _by_slope(slopes: torch.Tensor, room: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Values change in proportion to their slope, up to their room: the least by the root of squares."""
    level = _level(slopes.square(), room / slopes.clamp(min=TINY), wanted)
    return torch.minimum(level * slopes, room)


CHANGES: dict[str, ChangeOf] = {"Linf": _evenly, "L2": _by_slope}


def _level(slopes: torch.Tensor, ends: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """The level at which the sum of slope · min(level, end) is what is wanted (N, 1, 1, 1); the highest end else.

    The sum grows with the level, straight between the ends in their order, so that the piece that holds the level is
    found by sums over the ends before.
    """
    ends, order = ends.flatten(1).double().sort(1)
    slopes, sought = slopes.flatten(1).double().gather(1, order), wanted.flatten(1).double()
    ended = (slopes * ends).cumsum(1)
    rest = (slopes.sum(1, keepdim=True) - slopes.cumsum(1)).clamp(min=0)
    piece = torch.searchsorted(ended + ends * rest, sought).clamp(max=ends.shape[1] - 1)
    before = (ended - slopes * ends).gather(1, piece)
    slope = (rest + slopes).gather(1, piece)
    level = ((sought - before) / slope.clamp(min=TINY)).clamp(min=0)
    level = torch.minimum(level, ends[:, -1:])
    return level.to(wanted.dtype).view(-1, 1, 1, 1)
