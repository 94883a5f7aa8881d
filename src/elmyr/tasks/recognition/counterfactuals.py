"""Counterfactuals: what would have to change in an image for a recognizer to read it as another class.

The nearest image that a GAN makes and that is read so, clearly (after Wachter et al. 2018 and Samangouei et al. 2018,
"ExplainGAN"): a change within images as they are, where an attack finds one that no eye sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch.nn import functional as F

from elmyr.core import machine
from elmyr.core.calls import checked
from elmyr.core.errors import InputError
from elmyr.core.notes import note
from elmyr.images import ImageSet, Pixels, captioned_grid, drawable_names, save_images, save_png
from elmyr.tasks.gan.editing.latents import OF_KNOWN_CLASS, as_pixels
from elmyr.tasks.gan.editing.search import PICTURES, PRIOR, Aim, Bank, bank_of, search
from elmyr.tasks.gan.model import GAN, to_unit
from elmyr.tasks.gan.sampling.asked import asked_labels
from elmyr.tasks.recognition.attacks.seam import Model, logits_of
from elmyr.tasks.recognition.attribution.drawing import as_rgb, colored
from elmyr.tasks.recognition.recognizer import Recognizer

MOST_ROWS = 40
TRIED = 3  # classes, where none is asked for: the most likely of the others
MARGIN = 6.0  # of the class's logit over all others: a probability of 99.7 % of the two
WEIGHT = 0.05  # of what the margin lacks, against the mean square error of values in [-1, 1]


@dataclass(frozen=True)
class Counterfactuals:
    """Images uint8 (N, H, W, C), and to each the nearest that a GAN makes and that is read as another class.

    found: uint8 (N, H, W, C). read, targets, becomes: int64 (N,), what the image is read as, what was asked for or
    chosen, and what the found one is read as, the same as the target but where none was found. probabilities: float64
    (N,), of the target, for the found image. distances: float64 (N,), L2 of pixels from 0 to 1. names: of the classes.
    judged: str (N,), what another recognizer reads the found images as; None without one.
    """

    images: Pixels
    found: Pixels
    read: NDArray[np.int64]
    targets: NDArray[np.int64]
    becomes: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    distances: NDArray[np.float64]
    names: tuple[str, ...]
    judged: NDArray[np.str_] | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def flipped(self) -> NDArray[np.bool_]:
        """Whether each is read as its target: bool (N,)."""
        return np.asarray(self.becomes == self.targets)

    def as_json(self, files: Sequence[str]) -> list[dict[str, Any]]:
        """An entry for each image, by its file."""
        return [
            {
                "image": file,
                "read": self.names[self.read[place]],
                "target": self.names[self.targets[place]],
                "becomes": self.names[self.becomes[place]],
                "probability": float(self.probabilities[place]),
                "distance": float(self.distances[place]),
            }
            | ({} if self.judged is None else {"judged": str(self.judged[place])})
            for place, file in enumerate(files)
        ]

    def lines(self) -> Iterator[str]:
        """What people are told of the images together."""
        yield (
            f"{int(self.flipped.sum()):,} of {len(self):,} images: found, at a distance of "
            f"{np.median(self.distances):.2f} (L2 of pixels from 0 to 1, the median)"
        )
        if self.judged is not None:
            agreed = self.judged == np.array(self.names)[self.targets]
            yield f"another recognizer agrees for {int(agreed.sum()):,} of {len(self):,}"

    def picture(self, files: Sequence[str]) -> tuple[NDArray[np.uint8], list[str]]:
        """uint8 (H', W', 3) of at most 40 rows: image, what was found, the difference; and a legend."""
        names, legend = drawable_names(self.names)
        cells, captions = [], []
        for place, file in enumerate(files[:MOST_ROWS]):
            image, found = self.images[place], self.found[place]
            added = (found.astype(np.float64) - image).mean(-1) / 255
            cells += [as_rgb(image), as_rgb(found), colored(added)]
            other = "" if self.judged is None else f"\nanother reads {self.judged[place]}"
            captions += [
                f"{file.replace(chr(92), '/').rpartition('/')[2]}\nread as {names[self.read[place]]}",
                f"read as {names[self.becomes[place]]}, {self.probabilities[place]:.1%}{other}",
                f"L2 {self.distances[place]:.2f}\nred: added, blue: away",
            ]
        return captioned_grid(np.stack(cells), captions, 3), legend


@checked
def find_counterfactuals(
    recognizer: Recognizer,
    gan: GAN,
    images: ArrayLike,
    *,
    target: int | str | ArrayLike | None = None,
    seed: int = 0,
) -> Counterfactuals:
    """To each of the images uint8 (N, H, W, C) the nearest that the GAN makes and the recognizer reads as `target`.

    target: a class, or one for each image, by names or numbers of the recognizer's classes; without it the nearest of
    the three that the recognizer finds the most likely of the others. What is found need not convince another
    recognizer: ask one (`elmyr counterfactual --judge`). seed: of the samples that the search begins at. InputError for
    a GAN of other images or without such a class, and where all images are read as the target already.
    """
    names = recognizer.trained().names
    require_pair(recognizer, gan)
    pixels = as_pixels(gan, images)
    probabilities = np.asarray(recognizer.predict_proba(pixels))
    read = probabilities.argmax(1)
    aims = _aims(probabilities, read, names, target)
    model, bank = logits_of(recognizer), bank_of(gan, seed)
    best = np.zeros_like(pixels)
    chosen, nearest = aims[:, 0].copy(), np.full(len(pixels), np.inf)
    for targets in aims.T:
        made = np.concatenate(
            [
                _searched(gan, bank, model, pixels[some], targets[some], names)
                for some in (slice(start, start + PICTURES) for start in range(0, len(pixels), PICTURES))
            ]
        )
        apart = np.sqrt(np.square((made.astype(np.float64) - pixels) / 255).sum((1, 2, 3)))
        apart += 1e6 * (np.asarray(recognizer.predict_proba(made)).argmax(1) != targets)  # found none: only if all do
        better = apart < nearest
        best[better], chosen[better], nearest[better] = made[better], targets[better], apart[better]
    already = chosen == read
    best[already] = pixels[already]
    after = np.asarray(recognizer.predict_proba(best))
    return Counterfactuals(
        images=pixels,
        found=best,
        read=read,
        targets=chosen,
        becomes=after.argmax(1),
        probabilities=after[np.arange(len(best)), chosen],
        distances=np.sqrt(np.square((best.astype(np.float64) - pixels) / 255).sum((1, 2, 3))),
        names=names,
    )


def judged(found: Counterfactuals, recognizer: Recognizer) -> Counterfactuals:
    """The same, with what another recognizer reads; InputError for one of other images."""
    return replace(found, judged=np.asarray(recognizer.predict(found.found)).astype(str))


def save_counterfactuals(found: Counterfactuals, files: Sequence[str], out: Path) -> list[str]:
    """Writes a `.png` as the picture, anything else as the images that were found, labeled as targets; the legend."""
    if out.suffix.lower() == ".png":
        picture, legend = found.picture(files)
        save_png(picture, out)
        return legend
    save_images(ImageSet(np.asarray(found.found), found.targets, found.names, name="counterfactuals"), out)
    return []


def require_pair(recognizer: Recognizer, gan: GAN) -> None:
    """InputError where a recognizer and a GAN are not of the same images and classes."""
    trained, config = recognizer.trained(), gan.config
    if trained.image_shape != (config.height, config.width, config.channels):
        height, width, channels = trained.image_shape
        raise InputError(
            f"the recognizer takes {height}x{width} with {channels} channels, the GAN makes "
            f"{config.height}x{config.width} with {config.channels}: take a GAN of the recognizer's images"
        )
    strange = sorted(set(trained.names) - set(config.classes)) if config.classes else []
    if strange:
        raise InputError(f"the GAN does not know the class '{strange[0]}' of the recognizer: take one of these classes")


def _aims(
    probabilities: NDArray[np.float64], read: NDArray[np.int64], names: tuple[str, ...], target: Any
) -> NDArray[np.int64]:
    """The classes to be tried for each image: int64 (N, tried)."""
    if target is None:
        if len(names) < 2:
            raise InputError("the recognizer knows one class alone: there is no other to be read as")
        others = probabilities.copy()
        others[np.arange(len(read)), read] = -1
        return np.argsort(-others, axis=1, kind="stable")[:, : min(TRIED, len(names) - 1)]
    asked = asked_labels(names, (), len(read), target)
    assert asked is not None  # since there are classes
    targets = np.asarray(asked(0, len(read)))
    same = int(np.sum(targets == read))
    if same == len(read):
        raise InputError(
            f"all images are read as {names[read[0]]} already: ask for another class, or leave out the target"
        )
    if same:
        note(f"{same:,} of {len(read):,} images are read as what is asked for already: they stay as they are")
    return targets[:, None]


def _searched(
    gan: GAN, bank: Bank, model: Model, pixels: Pixels, targets: NDArray[np.int64], names: tuple[str, ...]
) -> Pixels:
    aimed = torch.from_numpy(targets).to(gan.device)
    classes = gan.config.classes
    labels = torch.tensor([classes.index(names[each]) for each in targets], device=gan.device) if classes else None

    def lacks(made: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        with machine.autocast(gan.device, gan.precision):
            logits = model((made.clamp(-1, 1) + 1) / 2).float()
        own = logits.gather(1, aimed[places, None])
        others = logits.scatter(1, aimed[places, None], -torch.inf).max(1, keepdim=True).values
        return WEIGHT * F.relu(MARGIN - (own - others)).squeeze(1)

    seen = to_unit(torch.from_numpy(pixels).to(gan.device).permute(0, 3, 1, 2))
    found = search(gan, bank, Aim(seen, torch.ones_like(seen[:, :1]), labels, PRIOR, lacks), OF_KNOWN_CLASS)
    return np.asarray(gan.make(found.latents[:, 0], None if found.labels is None else found.labels[:, 0]))
