"""Signs of gradient masking: that attacks by gradients show a recognizer to be better than it is.

After Athalye, Carlini & Wagner 2018, "Obfuscated gradients give a false sense of security", and Carlini et al. 2019,
"On evaluating adversarial robustness".
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from elmyr.core import seeds
from elmyr.tasks.recognition.attacks.asked import AttackAsk, farthest
from elmyr.tasks.recognition.attacks.gradient import fgsm, pgd
from elmyr.tasks.recognition.attacks.outcome import ALL, Level, Sign, telling
from elmyr.tasks.recognition.attacks.seam import Model
from elmyr.tasks.recognition.attacks.table import ATTACKS

PROBED = 100  # images
STEPS = 40
NOTABLE = 0.02  # of the images: below, what one attack finds and another does not is as it always is
LEFT_BY_ALL = 0.05  # of the images, with changes as large as an image allows


def signs_of(
    model: Model, images: torch.Tensor, labels: torch.Tensor, ask: AttackAsk, levels: Sequence[Level]
) -> list[Sign]:
    """Whether, of a few correctly classified images, one step fools more than many, and large changes fool all."""
    images, labels = images[:PROBED], labels[:PROBED]
    count = len(images)
    if not count:
        return []
    random = seeds.generator(ask.seed, "masking")

    def by_pgd(epsilon: float) -> torch.Tensor:
        changed = pgd(model, images, labels, norm=ask.norm, epsilon=epsilon, steps=STEPS, generator=random)
        return _is_right(model, changed, labels)

    signs = []
    epsilon = telling(levels, levels[0].attacks[0].tried).epsilon
    if epsilon:
        by_one_step = ~_is_right(model, fgsm(model, images, labels, norm=ask.norm, epsilon=epsilon), labels)
        more = int((by_one_step & by_pgd(epsilon)).sum())
        if more > NOTABLE * count:
            signs.append(Sign("fewer steps", {"fooled": more, "count": count, "steps": STEPS}))
    channels, height, width = images.shape[1:]
    left = int(by_pgd(farthest(ask.norm, (height, width, channels))).sum()) / count
    if left > LEFT_BY_ALL:
        signs.append(Sign("no limit", {"share": f"{left:.0%}", "count": count}))
    return signs


def found_without_gradients(levels: Sequence[Level], by_noise_alone: int) -> list[Sign]:
    """What attacks without gradients, and noise, fooled of the images that attacks by gradients had left."""
    signs = []
    for level in levels:
        seen_gradients = False
        for one in (each for each in level.attacks if each.knows == ALL):
            spec = ATTACKS[one.name]
            if spec.is_black_box and seen_gradients and one.fooled > NOTABLE * max(1, one.tried):
                signs.append(Sign("black box", {"title": spec.title, "fooled": one.fooled, "epsilon": level.epsilon}))
            seen_gradients |= not spec.is_black_box
    if by_noise_alone:
        signs.append(Sign("noise", {"fooled": by_noise_alone}))
    return signs


@torch.no_grad()
def _is_right(model: Model, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return model(images).argmax(1) == labels
