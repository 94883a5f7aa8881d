"""The training monitor: checks generated images during training, reports each problem once, and fixes it if asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from math import inf
from typing import Any

import torch

from elmyr.core import seeds
from elmyr.images import Splits
from elmyr.metrics import discriminator_accuracy
from elmyr.tasks.gan.cheap_figures import CheapEvaluator, CheapFigures
from elmyr.tasks.gan.collapse import Collapse, written
from elmyr.tasks.gan.config import changed_config
from elmyr.tasks.gan.problems import (
    LOOKS_IN_TURN,
    QUIET_IMAGES,
    Look,
    Problem,
    draws_one_image,
    remedy,
    steadier,
    trouble_in,
)
from elmyr.tasks.gan.task import AdversarialTask

LOOKED_AT = 250  # generated images, and as many real ones
LEAST_LOOKED_AT = 20  # below, shares of them say nothing
JUDGED_EVERY = 4_000  # images at least between two looks that are judged: more of them would call more by chance
MOST_RESCUES = 3
QUIET_UPDATES = 750  # after a rescue, where that is longer: what begins anew is to show something first


class Watch:
    """A Watcher of a plain GAN: beside validation images, or training images where those are few; none for tiny sets.

    With `rescue` it begins the discriminator anew, with other settings, at most three times; a generator that draws one
    image, or that was not mended so, with it. Its state is what it saw last, what it told and what it changed, so that
    a resumed run keeps the changed settings; the new networks are in the checkpoint beside it.
    """

    def __init__(
        self,
        task: AdversarialTask,
        splits: Splits,
        *,
        say: Callable[[str], None],
        rescue: bool = False,
        budget: float = inf,
    ) -> None:
        """`budget`: the images that the training will have seen at its end; too near to it nothing begins anew."""
        self.task, self.say, self.rescue, self.budget = task, say, rescue, budget
        self.troubles: list[dict[str, Any]] = []
        self._looks: list[Look] = []  # those that troubles are judged by
        self._last: Look | None = None
        self._quiet_until = QUIET_IMAGES
        self._began = task.config
        known = splits.validation if len(splits.validation) >= LOOKED_AT else splits.train
        half = min(LOOKED_AT, len(known) // 2)
        order = torch.randperm(len(known), generator=seeds.generator(task.seed, "watch")).numpy()
        self._real = known.take(order[:half])
        self._sights = None
        if half >= LEAST_LOOKED_AT:
            others = known.take(order[half : 2 * half])
            self._sights = CheapEvaluator(self._real, others, by_class=bool(task.gan.classes), seed=task.seed)

    @property
    def figure(self) -> float | None:
        """The FID of the last look, by the training monitor's cheap features."""
        return self._last.sight.frechet_distance if self._last else None

    @property
    def collapse(self) -> Collapse | None:
        """What the latest looks show, whatever was tried before; None where they show no trouble.

        The last look counts beside those that are judged, so that a training is judged by what it ends with.
        """
        if self._last is None:
            return None
        judged = [look for look in self._looks if look.images < self._last.images]
        found = trouble_in([look for look in (*judged, self._last) if look.images >= QUIET_IMAGES])
        if found is None:
            return None
        sight = self._last.sight
        return Collapse(
            trouble=str(found),
            images=self._last.images,
            modes=sight.modes,
            diversity=sight.diversity,
            precision=sight.precision,
            told_apart=self._last.told_apart,
            settings=remedy(found, self.task.config),
        )

    def look(self, position: int) -> dict[str, Any]:
        """Looks at as many generated images as real ones, of the same classes; returns figures for the log."""
        if self._sights is None:
            return {}
        found = None
        if self.task.processes.writes:  # one process looks, all act on what it finds
            self._last = self._see(position)
            if not self._looks or position - self._looks[-1].images >= JUDGED_EVERY:
                self._looks = [*self._looks[1 - LOOKS_IN_TURN :], self._last]
                found = trouble_in([look for look in self._looks if look.images >= self._quiet_until])
        number, one_image = self.task.processes.most(
            0 if found is None else 1 + list(Problem).index(found), int(draws_one_image(self._looks))
        )
        if number:
            self._tell(list(Problem)[number - 1], position, one_image=bool(one_image))
        return _figures(self._last) if self._last else {}

    def _see(self, position: int) -> Look:
        assert self._sights is not None
        gan = self.task.result(position)
        labels = self._real.labels if gan.config.classes else None
        generated = gan.sample(len(self._real), label=labels, seed=self.task.seed)
        apart = discriminator_accuracy(gan.discriminate(self._real), gan.discriminate(generated)).value
        return Look(position, self._sights.of(generated), apart)

    def _tell(self, trouble: Problem, position: int, *, one_image: bool) -> None:
        """Each trouble once; with `rescue` also when the remedy before did not help.

        A generator that draws one image, or that a new discriminator did not mend, begins anew as well.
        """
        rescues = sum("rescued_with" in told for told in self.troubles)
        mends = self.rescue and rescues < MOST_RESCUES and position + QUIET_IMAGES <= self.budget
        if not mends and any(told["trouble"] == trouble for told in self.troubles):
            return
        seen = f"at {position:,} images: {trouble}{_seen(trouble, self._looks)}"
        told: dict[str, Any] = {"images": position, "trouble": str(trouble)}
        if mends:
            anew = one_image or rescues > 0
            renewed = ["generator", "discriminator"] if anew else ["discriminator"]
            first = anew and not any("generator" in told.get("renewed", ()) for told in self.troubles)
            settings = steadier(self.task.config) if first and rescues else remedy(trouble, self.task.config)
            self.say(f"{seen}; continuing with {_listed(renewed, settings)}")
            told |= {"rescued_with": settings, "renewed": renewed}
            self.task.adopt(changed_config(self.task.config, settings), average_since=position)
            self.task.renew(position, generator=anew)
            self._quiet_until = position + max(QUIET_IMAGES, QUIET_UPDATES * self.task.batch)
        else:
            settings = remedy(trouble, self.task.config)
            otherwise = "" if self.rescue else ", or --rescue"
            self.say(f"{seen}; try {' '.join(f'--set {setting}' for setting in written(settings))}{otherwise}")
            told["try"] = settings
        self.troubles.append(told)

    def state(self) -> dict[str, Any]:
        """What it saw last, told and changed."""
        looks = [asdict(look) for look in self._looks]
        last = asdict(self._last) if self._last else None
        return {"last": last, "looks": looks, "troubles": list(self.troubles), "quiet_until": self._quiet_until}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes back to such a state, the changed settings with it."""
        self._looks = [_look(saved) for saved in state["looks"]]
        self._last = _look(state["last"]) if state["last"] else None
        self.troubles, self._quiet_until = list(state["troubles"]), state["quiet_until"]
        config, average_since = self._began, 0
        for told in self.troubles:
            config = changed_config(config, told.get("rescued_with", {}))
            average_since = told["images"] if "renewed" in told else average_since
        self.task.adopt(config, average_since=average_since)


def _look(saved: Mapping[str, Any]) -> Look:
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in saved["sight"].items()
    }
    return Look(saved["images"], CheapFigures(**values), saved["told_apart"])


def _seen(trouble: Problem, looks: Sequence[Look]) -> str:
    if not looks:
        return ""  # another process looks
    look, sight = looks[-1], looks[-1].sight
    if trouble is Problem.DISCRIMINATOR_WON:
        return (
            f": discriminator accuracy {look.told_apart:.1%}, and {sight.precision:.0%} of the generated images "
            "look real (precision)"
        )
    return f": generated images show {sight.modes:.0%} of the modes and {sight.diversity:.0%} of the real diversity"


def _listed(renewed: Sequence[str], settings: Mapping[str, Any]) -> str:
    new = " and ".join(f"a new {name}" for name in renewed)
    return f"{new}, with {' '.join(written(settings))}" if settings else new


def _figures(look: Look) -> dict[str, Any]:
    sight = look.sight
    shares = {name: getattr(sight, name) for name in ("frechet_distance", "precision", "recall", "diversity", "modes")}
    figures: dict[str, Any] = {f"watch_{name}": round(value, 4) for name, value in shares.items()}
    figures["watch_told_apart"] = round(look.told_apart, 4)
    if sight.class_counts is not None:
        figures["watch_classes"] = list(sight.class_counts)
    return figures
