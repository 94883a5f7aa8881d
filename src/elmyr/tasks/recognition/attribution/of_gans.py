"""A GAN explained: what decides which pixels of its images, and what its discriminator sees in those it calls false."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.core.calls import checked
from elmyr.images import ImageSet, captioned_grid
from elmyr.images.storage.atomic import writing
from elmyr.tasks.gan.editing.variance import PAIRS, Effects, effects_of
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.recognition.attribution.drawing import as_rgb, colored, draw_explanation
from elmyr.tasks.recognition.attribution.explaining import METHOD, Explanation, explanation

SAMPLED, SHOWN = 1_000, 8  # samples, and how many that the discriminator finds least real
COLUMNS = 4


@dataclass(frozen=True, eq=False)
class ExplainedGAN:
    """The effects on a GAN's pixels, and maps of the samples that its discriminator finds least real.

    samples: their numbers, as `elmyr sample` counts them; logits: what the discriminator says of them.
    """

    effects: Effects
    false: Explanation
    samples: list[int]
    logits: list[float]

    @property
    def files(self) -> list[str]:
        """What the samples are called."""
        return [f"sample {number}" for number in self.samples]

    def lines(self) -> Iterator[str]:
        """A table of the effects, and the samples that are found least real."""
        yield from self.effects.lines()
        told = ", ".join(f"{number} ({logit:+.2f})" for number, logit in zip(self.samples, self.logits, strict=True))
        yield f"\nof {SAMPLED:,} samples least real for their class, by the discriminator's logit: {told}"

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"effects": self.effects.as_json(), "least_real": self.false.rows(self.files)}

    def picture(self) -> tuple[NDArray[np.uint8], list[str]]:
        """The mean image and a map for each source; below, the least real samples, their maps, and both.

        uint8 (H', W', 3), and lines on classes whose names no font here has.
        """
        most = max(float(each.deviation.max()) for each in self.effects.all)
        cells, captions = [as_rgb(self.effects.mean)], ["the mean image\n"]
        for each in self.effects.all:
            cells.append(colored(each.deviation / most))
            captions.append(f"{each.source}\n{each.share:.1%} of variance")
        above = captioned_grid(np.stack(cells), captions, COLUMNS)
        below, legend = draw_explanation(self.false, self.files)
        return _below(above, below), legend

    def save(self, path: Path) -> None:
        """Writes an .npz: `sources` and `deviations` (S, H, W) of effects, `samples`, their `images` and `maps`."""
        with writing(path) as file:
            np.savez_compressed(
                file,
                sources=np.array([each.source for each in self.effects.all]),
                deviations=np.stack([each.deviation for each in self.effects.all]).astype(np.float32),
                samples=np.array(self.samples),
                images=self.false.images,
                maps=self.false.maps.astype(np.float32),
            )


@checked
def explain_gan(
    gan: GAN, *, method: str = METHOD, target: int | str | None = None, count: int = PAIRS, seed: int = 0
) -> ExplainedGAN:
    """What decides which pixels of a GAN's images, and maps of the samples that its discriminator finds least real.

    method: as `elmyr.explain` takes it. target: only images of this class. count: samples, of which every source is
    drawn again. seed: of samples. Raises InputError as `elmyr.explain`.
    """
    effects = effects_of(gan, label=target, count=count, seed=seed)
    made = gan.sample(SAMPLED, label=target, seed=seed)
    logits = gan.discriminate(made)
    least = np.argsort(_in_its_class(logits, made), kind="stable")[:SHOWN]
    some = made.take(least)
    asked = some.require_labels() if gan.config.classes and gan.config.projection else None
    false = explanation(gan, some.in_memory(), method=method, target=asked)
    return ExplainedGAN(effects, false, least.tolist(), logits[least].tolist())


def _in_its_class(logits: NDArray[np.float64], made: ImageSet) -> NDArray[np.float64]:
    """Logits (N,) less the mean of their class: a discriminator that is given the class compares within it alone."""
    if made.labels is None:
        return logits
    counts = np.bincount(made.labels, minlength=len(made.classes))
    return np.asarray(
        logits - (np.bincount(made.labels, logits, len(made.classes)) / np.maximum(counts, 1))[made.labels]
    )


def _below(above: NDArray[np.uint8], below: NDArray[np.uint8]) -> NDArray[np.uint8]:
    width = max(above.shape[1], below.shape[1])
    room = [((0, 0), (0, width - each.shape[1]), (0, 0)) for each in (above, below)]
    return np.concatenate([np.pad(above, room[0], constant_values=255), np.pad(below, room[1], constant_values=255)])
