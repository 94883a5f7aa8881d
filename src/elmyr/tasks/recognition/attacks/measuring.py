"""Attacks on a recognizer, batch by batch: each on the images that the ones before it have left, until time is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr.core import seeds, threads
from elmyr.core.errors import InputError
from elmyr.images import ImageSet
from elmyr.tasks.recognition.attacks.asked import AttackAsk
from elmyr.tasks.recognition.attacks.balls import BALLS
from elmyr.tasks.recognition.attacks.masking import found_without_gradients, signs_of
from elmyr.tasks.recognition.attacks.outcome import AttackOutcome, Example, Level, Robustness, Sign
from elmyr.tasks.recognition.attacks.pace import Pace
from elmyr.tasks.recognition.attacks.seam import Model, logits_of
from elmyr.tasks.recognition.attacks.table import ATTACKS
from elmyr.tasks.recognition.recognizer import Recognizer
from elmyr.tasks.recognition.scores import labels_for
from elmyr.tasks.restoration.corruptions import KINDS
from elmyr.tasks.restoration.damage import corrupt

SHOWN = 24  # examples that are kept: those fooled by the smallest changes, the surest of them first
SLACK = 1e-5  # of rounding


def attack(
    recognizer: Recognizer,
    images: ImageSet,
    ask: AttackAsk | None = None,
    *,
    say: Callable[[str], None] = lambda line: None,
) -> Robustness:
    """How easily a fitted recognizer is fooled on labeled images of its form: accuracy without and under attack.

    The images are drawn by the seed, and attacked in an order that it gives, so that those that a time limit leaves are
    as good a sample as all. InputError for images of another form, without labels or of a class that it does not know,
    and for a limit that is too short for a few images.
    """
    ask = AttackAsk() if ask is None else ask
    shape = recognizer.image_shape_
    labels = labels_for(recognizer, images)
    if images.images.shape[1:] != shape:
        raise InputError(
            f"the images are {images.images.shape[1:]}, this recognizer takes {shape}: recognizer.prepared(images) "
            "makes them so"
        )
    levels = ask.levels(shape)
    order = torch.randperm(len(images), generator=seeds.generator(ask.seed, "attacked")).numpy()[: ask.count]
    model = logits_of(recognizer, average=ask.average)
    device = next(recognizer.trained().net.parameters()).device
    pace = Pace.measured(model, ask, shape, classes=len(recognizer.classes_), levels=len(levels), device=device)
    tally = _Tally(levels, ask, [str(each) for each in recognizer.classes_])
    for start in pace.starts(len(order)):
        places = np.sort(order[start : start + pace.batch])
        shown = torch.from_numpy(images.take(places).in_memory()).to(device).permute(0, 3, 1, 2) / 255
        tally.take(model, shown, torch.from_numpy(labels[places]).to(device))
        say(f"{tally.count:,} of {len(order):,} images attacked: {tally.told()}")
    done = order[: tally.count]
    damaged = _under_damage(recognizer, images.take(done), labels[done], ask)
    return tally.robustness(images.name, len(order), damaged, pace.seconds)


def _under_damage(
    recognizer: Recognizer, images: ImageSet, labels: NDArray[np.int64], ask: AttackAsk
) -> dict[str, int]:
    """How many images are still classified correctly under each kind of damage, of its usual severity."""
    right = {}
    for name in KINDS:
        try:
            damaged = corrupt(images.in_memory(), name, seed=seeds.DAMAGED).images
        except InputError:  # of more pixels than these images have
            continue
        predicted = recognizer.predict_proba(damaged, average=ask.average).argmax(1)
        right[name] = int((predicted == labels).sum())
    return right


class _Tally:
    """What is counted, batch by batch."""

    def __init__(self, levels: tuple[float, ...], ask: AttackAsk, classes: list[str]) -> None:
        self.ask, self.classes, self.count = ask, classes, 0
        empty = np.zeros(len(classes), np.int64)
        self.counts, self.clean = empty.copy(), empty.copy()
        outcomes = tuple(
            AttackOutcome(name, ask.steps_of(name), ask.restarts_of(ATTACKS[name]), 0, 0, 0.0) for name in ask.order
        )
        self.levels = [Level(epsilon, outcomes, empty.copy(), 0) for epsilon in levels]
        self.examples: list[Example] = []
        self.signs: list[Sign] = []
        self.by_noise_alone = 0

    def take(self, model: Model, images: torch.Tensor, labels: torch.Tensor) -> None:
        """Attacks a batch, at every ε from the smallest on; what is fooled within less is fooled within more."""
        with torch.no_grad():
            right = model(images).argmax(1) == labels
        self.counts += self._by_class(labels)
        self.clean += self._by_class(labels[right])
        kept, kept_labels = images[right], labels[right]
        left = torch.arange(len(kept), device=images.device)
        for place, level in enumerate(self.levels):
            outcomes = []
            for outcome in level.attacks:
                taken, left = self._attacked(model, kept, kept_labels, left, outcome, level.epsilon)
                outcomes.append(taken)
            under_noise = self._right_under_noise(model, kept, kept_labels, level.epsilon)
            self.by_noise_alone += int((~under_noise[left]).sum())
            self.levels[place] = replace(
                level,
                attacks=tuple(outcomes),
                robust=level.robust + self._by_class(kept_labels[left]),
                noise=level.noise + int(under_noise.sum()),
            )
        if not self.count:
            self.signs += signs_of(model, kept, kept_labels, self.ask, self.levels)
        self.count += len(images)

    def told(self) -> str:
        """The robust accuracy so far."""
        return ", ".join(
            f"{level.robust.sum() / self.count:.1%} classified correctly at \u03b5 = {level.epsilon:.4g}"
            for level in self.levels
        )

    def robustness(self, data: str, asked: int, corruptions: dict[str, int], seconds: float) -> Robustness:
        """All that was counted, of images of this name, of which so many were asked for."""
        signs = [*self.signs, *found_without_gradients(self.levels, self.by_noise_alone)]
        ask = self.ask
        return Robustness(
            data=data,
            attack=ask.attack,
            norm=ask.norm,
            classes=tuple(self.classes),
            count=self.count,
            asked=asked,
            counts=self.counts,
            clean=self.clean,
            levels=tuple(self.levels),
            corruptions=corruptions,
            signs=signs,
            seconds=seconds,
            seed=ask.seed,
            average=ask.average,
            examples=self.examples,
        )

    def _attacked(
        self,
        model: Model,
        images: torch.Tensor,
        labels: torch.Tensor,
        left: torch.Tensor,
        outcome: AttackOutcome,
        epsilon: float,
    ) -> tuple[AttackOutcome, torch.Tensor]:
        """One attack on the images that are left: what it did, and what it leaves. Nothing outside the ball counts."""
        started, tried = time.monotonic(), len(left)
        for restart in range(outcome.restarts if epsilon else 0):
            if not len(left):
                break
            threads.look()
            shown, own = images[left], labels[left]
            changed = ATTACKS[outcome.name].run(
                model,
                shown,
                own,
                norm=self.ask.norm,
                epsilon=epsilon,
                steps=outcome.steps,
                generator=self._random(f"{outcome.name} {epsilon:g} {restart}"),
            )
            with torch.no_grad():
                read = model(changed).softmax(1)
            inside = BALLS[self.ask.norm].size(changed - shown).flatten() <= epsilon + SLACK
            fooled = inside & (read.argmax(1) != own)
            self._show(shown[fooled], changed[fooled], own[fooled], read[fooled], epsilon, outcome.name)
            left = left[~fooled]
        seconds = outcome.seconds + time.monotonic() - started
        fooled_now = outcome.fooled + tried - len(left)
        return replace(outcome, tried=outcome.tried + tried, fooled=fooled_now, seconds=seconds), left

    def _right_under_noise(
        self, model: Model, images: torch.Tensor, labels: torch.Tensor, epsilon: float
    ) -> torch.Tensor:
        """Which images stay right whatever noise of this size is drawn, bool (N,)."""
        spec = ATTACKS["noise"]
        noisy = spec.run(
            model,
            images,
            labels,
            norm=self.ask.norm,
            epsilon=epsilon,
            steps=spec.steps,
            generator=self._random(f"noise {epsilon:g}"),
        )
        with torch.no_grad():
            return model(noisy).argmax(1) == labels

    def _show(
        self,
        images: torch.Tensor,
        changed: torch.Tensor,
        labels: torch.Tensor,
        read: torch.Tensor,
        epsilon: float,
        name: str,
    ) -> None:
        """Keeps the examples to be shown."""
        surest = read.amax(1).argsort(descending=True)[:SHOWN]
        for place in surest.tolist():
            probability, predicted = read[place].max(0)
            original, other = (each[place].permute(1, 2, 0).cpu().numpy() for each in (images, changed))
            own = int(labels[place])
            self.examples.append(Example(original, other, own, int(predicted), float(probability), epsilon, name))
        self.examples.sort(key=lambda one: (one.epsilon, -one.probability))
        del self.examples[SHOWN:]

    def _random(self, stream: str) -> torch.Generator:
        return seeds.generator(self.ask.seed, f"attack {self.ask.norm} {stream}", self.count)

    def _by_class(self, labels: torch.Tensor) -> NDArray[np.int64]:
        return np.bincount(labels.cpu().numpy(), minlength=len(self.classes)).astype(np.int64)
