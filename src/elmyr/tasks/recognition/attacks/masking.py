"""Signs of gradient masking: that attacks by gradients show a recognizer to be better than it is.

After Athalye, Carlini & Wagner 2018, "Obfuscated gradients give a false sense of security", and Carlini et al. 2019,
"On evaluating adversarial robustness".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from elmyr.core import seeds
from elmyr.tasks.recognition.attacks.asked import AttackAsk, farthest
from elmyr.tasks.recognition.attacks.epsilons import told_of
from elmyr.tasks.recognition.attacks.gradient import fgsm, pgd
from elmyr.tasks.recognition.attacks.outcome import ALL, Level, Sign
from elmyr.tasks.recognition.attacks.seam import Model
from elmyr.tasks.recognition.attacks.table import ATTACKS

PROBED = 100  # images
STEPS = 40
NOTABLE = 0.02  # of the images: below, what one attack finds and another does not is as it always is
LEFT_BY_ALL = 0.05  # of the images, with changes as large as an image allows


@dataclass(frozen=True)
class Probe:
    """What a search for signs came to. checks: kinds of signs that were looked for; signs: those that were seen."""

    checks: list[str] = field(default_factory=list)
    signs: list[Sign] = field(default_factory=list)


def signs_of(
    model: Model, images: torch.Tensor, labels: torch.Tensor, ask: AttackAsk, epsilon: float, left: torch.Tensor
) -> Probe:
    """Whether, of a few correctly classified images, one step of ε fools more than many, and large changes fool all.

    left: the places of the images that the attacks asked for have left at ε; whether these two fool many of them.
    """
    places = _spread(len(images)).to(images.device)
    found = Probe()
    if not len(places):
        return found
    shown, own, count = images[places], labels[places], len(places)
    random = seeds.generator(ask.seed, "masking")

    def by_pgd(size: float) -> torch.Tensor:
        changed = pgd(model, shown, own, norm=ask.norm, epsilon=size, steps=STEPS, generator=random)
        return _is_right(model, changed, own)

    if epsilon:
        by_one_step = ~_is_right(model, fgsm(model, shown, own, norm=ask.norm, epsilon=epsilon), own)
        withstood = by_pgd(epsilon)
        more, missed = int((by_one_step & withstood).sum()), torch.isin(places, left) & (by_one_step | ~withstood)
        found.checks.extend(["weak attacks", "fewer steps"])
        if int(missed.sum()) > NOTABLE * count:
            values = {"fooled": int(missed.sum()), "count": count, "steps": STEPS, "epsilon": told_of(epsilon)}
            found.signs.append(Sign("weak attacks", values))
        if more > NOTABLE * count:
            found.signs.append(Sign("fewer steps", {"fooled": more, "count": count, "steps": STEPS}))
    channels, height, width = images.shape[1:]
    share = int(by_pgd(farthest(ask.norm, (height, width, channels))).sum()) / count
    found.checks.append("no limit")
    if share > LEFT_BY_ALL:
        found.signs.append(Sign("no limit", {"share": f"{share:.0%}", "count": count}))
    return found


def found_without_gradients(levels: Sequence[Level], by_noise_alone: int) -> Probe:
    """What attacks without gradients, and noise, fooled of the images that attacks by gradients had left.

    by_noise_alone: images, each counted once whatever the number of ε.
    """
    found, count = Probe(), levels[0].attacks[0].tried
    for level in levels if count else ():
        seen_gradients = False
        for one in (each for each in level.attacks if each.knows == ALL):
            spec = ATTACKS[one.name]
            if spec.is_black_box and seen_gradients and level.epsilon and one.tried:
                found.checks.append("black box")
                if one.fooled > NOTABLE * count:
                    values = {"title": spec.title, "fooled": one.fooled, "epsilon": level.epsilon}
                    found.signs.append(Sign("black box", values))
            seen_gradients |= not spec.is_black_box
    if count and levels[-1].epsilon:
        found.checks.append("noise")
    if by_noise_alone:
        found.signs.append(Sign("noise", {"fooled": by_noise_alone}))
    return found


def _spread(count: int) -> torch.Tensor:
    """The places of at most `PROBED` of so many images, evenly, as images may be stored class by class."""
    return torch.arange(min(count, PROBED)) * count // max(1, min(count, PROBED))


@torch.no_grad()
def _is_right(model: Model, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return model(images).argmax(1) == labels
