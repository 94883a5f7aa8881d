"""Attacks on a recognizer, batch by batch: each on the images that the ones before it have left, until time is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr.core import machine, seeds, threads
from elmyr.core.errors import InputError
from elmyr.images import ImageSet
from elmyr.tasks.recognition.attacks.asked import AttackAsk
from elmyr.tasks.recognition.attacks.balls import BALLS
from elmyr.tasks.recognition.attacks.epsilons import told_of
from elmyr.tasks.recognition.attacks.losses import told_of_few_classes
from elmyr.tasks.recognition.attacks.masking import Probe, found_without_gradients, signs_of
from elmyr.tasks.recognition.attacks.outcome import (
    ALL,
    ANSWERS,
    NOTHING,
    AttackOutcome,
    Example,
    Level,
    Robustness,
    telling,
)
from elmyr.tasks.recognition.attacks.pace import Pace
from elmyr.tasks.recognition.attacks.purified import as_if_unchanged, purified
from elmyr.tasks.recognition.attacks.seam import Model, logits_of
from elmyr.tasks.recognition.attacks.table import ATTACKS
from elmyr.tasks.recognition.recognizer import Recognizer
from elmyr.tasks.recognition.scores import labels_for
from elmyr.tasks.restoration.corruptions import KINDS
from elmyr.tasks.restoration.damage import corrupt
from elmyr.tasks.restoration.restorer import Restorer

SHOWN = 24  # examples that are kept: those fooled by the smallest changes, the surest of them first
BY_RATIO = {"apgd-dlr", "apgd-t"}  # attacks on the difference of logits ratio
SLACK = 1e-5  # of rounding


@machine.without_tf32()  # predictions are made so, and gradients are to be of these
def attack(
    recognizer: Recognizer,
    images: ImageSet,
    ask: AttackAsk | None = None,
    *,
    restorer: Restorer | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Robustness:
    """How easily a fitted recognizer is fooled on labeled images of its form: accuracy without and under attack.

    The images are drawn by the seed, and attacked in an order that it gives, so that those that a time limit leaves are
    as good a sample as all. InputError for images of another form, without labels or of a class that it does not know,
    and for a limit that is too short for a few images.

    restorer: repairs what the recognizer is shown. Then it is attacked by attacks that know nothing of it, and by those
    that know all: through both, and by PGD that takes the repair for the identity on its way back.
    """
    ask = AttackAsk() if ask is None else ask
    shape = recognizer.image_shape_
    if not len(images):
        raise InputError(f"there is no image to attack in {images.name}: give labeled images with --data")
    labels = labels_for(recognizer, images)
    if images.images.shape[1:] != shape:
        raise InputError(
            f"the images are {images.images.shape[1:]}, this recognizer takes {shape}: recognizer.prepared(images) "
            "makes them so"
        )
    robust = recognizer.robust_
    levels = ask.levels(shape, None if robust is None else robust.epsilon)
    order = torch.randperm(len(images), generator=seeds.generator(ask.seed, "attacked")).numpy()[: ask.count]
    sides = _sides(logits_of(recognizer, average=ask.average), recognizer, restorer)
    model = sides[ALL]
    device = next(recognizer.trained().net.parameters()).device
    pace = Pace.measured(
        model, ask, shape, classes=len(recognizer.classes_), levels=len(levels) * len(sides), device=device
    )
    if BY_RATIO.intersection(ask.order) and (told := told_of_few_classes(len(recognizer.classes_))):
        say(told)
    if ask.count > len(images):
        say(f"{images.name} has {len(images):,} images, fewer than the {ask.count:,} asked for: all are attacked")
    tally = _Tally(levels, ask, [str(each) for each in recognizer.classes_], sides)
    for start in pace.starts(len(order)):
        places = np.sort(order[start : start + pace.batch])
        shown = torch.from_numpy(images.take(places).in_memory()).to(device).permute(0, 3, 1, 2) / 255
        tally.take(shown, torch.from_numpy(labels[places]).to(device))
        say(f"{tally.count:,} of {len(order):,} images attacked: {tally.told()}")
    done = order[: tally.count]
    seconds = pace.seconds
    damaged = _under_damage(recognizer, images.take(done), labels[done], ask) if restorer is None else {}
    found = tally.robustness(images.name, len(order), damaged, seconds)
    return found if restorer is None else replace(found, through=str(restorer.path or "a restorer"))


def _sides(bare: Model, recognizer: Recognizer, restorer: Restorer | None) -> dict[str, Model]:
    """What is attacked, by what the attack knows of a restorer; without one there is nothing to know."""
    if restorer is None:
        return {ALL: bare}
    restorer.require_fit(recognizer.image_shape_, 1)
    restorer.net_.to(recognizer.trained().net.dense.weight.device)
    return {NOTHING: bare, ALL: purified(bare, restorer), ANSWERS: as_if_unchanged(bare, restorer)}


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
    """What is counted, batch by batch. sides: the models that are attacked, by what an attack knows of a restorer."""

    def __init__(self, levels: tuple[float, ...], ask: AttackAsk, classes: list[str], sides: dict[str, Model]) -> None:
        self.ask, self.classes, self.sides, self.count = ask, classes, sides, 0
        empty = np.zeros(len(classes), np.int64)
        self.counts, self.clean = empty.copy(), empty.copy()
        outcomes = tuple(
            AttackOutcome(name, ask.steps_of(name), ask.restarts_of(ATTACKS[name]), 0, 0, 0.0, knows)
            for knows in sides
            for name in (("pgd",) if knows == ANSWERS else ask.order)
        )
        unaware = 0 if NOTHING in sides else None
        self.levels = [Level(epsilon, outcomes, empty.copy(), 0, unaware) for epsilon in levels]
        self.examples: list[Example] = []
        self.probe = Probe()
        self.by_noise_alone = 0

    def take(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        """Attacks a batch, at every ε from the smallest on; what is fooled within less is fooled within more."""
        model = self.sides[ALL]
        with torch.no_grad():
            right = model(images).argmax(1) == labels
        self.counts += self._by_class(labels)
        self.clean += self._by_class(labels[right])
        kept, kept_labels = images[right], labels[right]
        unaware = left = torch.arange(len(kept), device=images.device)
        lefts = {}
        for place, level in enumerate(self.levels):
            outcomes = []
            for outcome in level.attacks:
                if outcome.knows == NOTHING:
                    taken, unaware = self._attacked(kept, kept_labels, unaware, outcome, level.epsilon)
                    left = left[torch.isin(left, unaware)]
                else:
                    taken, left = self._attacked(kept, kept_labels, left, outcome, level.epsilon)
                outcomes.append(taken)
            under_noise = self._right_under_noise(model, kept, kept_labels, level.epsilon)
            self.by_noise_alone += int((~under_noise[left]).sum())
            left = left[under_noise[left]]
            lefts[level.epsilon] = left
            self.levels[place] = replace(
                level,
                attacks=tuple(outcomes),
                robust=level.robust + self._by_class(kept_labels[left]),
                noise=level.noise + int(under_noise.sum()),
                unaware=None if level.unaware is None else level.unaware + len(unaware),
            )
        if not self.probe.checks:  # in one batch: what it finds is no more than a sign, as the others are spared it
            epsilon = telling(self.levels, int(self.clean.sum())).epsilon
            self.probe = signs_of(model, kept, kept_labels, self.ask, epsilon, lefts[epsilon])
        self.count += len(images)

    def told(self) -> str:
        """The robust accuracy so far."""
        return ", ".join(
            f"{level.robust.sum() / self.count:.1%} classified correctly at \u03b5 = {told_of(level.epsilon)}"
            for level in self.levels
        )

    def robustness(self, data: str, asked: int, corruptions: dict[str, int], seconds: float) -> Robustness:
        """All that was counted, of images of this name, of which so many were asked for."""
        without = found_without_gradients(self.levels, self.by_noise_alone)
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
            checks=tuple(dict.fromkeys([*without.checks, *self.probe.checks])),
            signs=[*self.probe.signs, *without.signs],
            seconds=seconds,
            seed=ask.seed,
            average=ask.average,
            minutes=ask.minutes,
            examples=self.examples,
        )

    def _attacked(
        self,
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
                self.sides[outcome.knows],
                shown,
                own,
                norm=self.ask.norm,
                epsilon=epsilon,
                steps=outcome.steps,
                generator=self._random(f"{outcome.name} {epsilon:g} {restart}{_told_apart(outcome)}"),
            )
            with torch.no_grad():
                read = self.sides[ALL](changed).softmax(1)
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


def _told_apart(outcome: AttackOutcome) -> str:
    """The rest of a stream's name: attacks that know of a restorer draw other numbers than those that do not."""
    return "" if outcome.knows == ALL else f" {outcome.knows}"
