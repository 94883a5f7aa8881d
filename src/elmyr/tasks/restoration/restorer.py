"""Restorer: learns to undo damage from images that have none, and undoes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from elmyr.core import machine, seeds, threads
from elmyr.core.amounts import Amount, image_count
from elmyr.core.errors import InputError
from elmyr.engine.data import ResidentData
from elmyr.engine.loop import LoopConfig, run_loop
from elmyr.engine.processes import ALONE, Processes
from elmyr.engine.progress import Listener
from elmyr.engine.rules import is_tiny
from elmyr.engine.saving.model_files import ModelFiles
from elmyr.engine.saving.places import Run, home_of
from elmyr.images import Data, ImageSet, image_set_of
from elmyr.nets import UNet
from elmyr.tasks.gan.model import to_pixels, to_unit
from elmyr.tasks.restoration.config import choices_of
from elmyr.tasks.restoration.damage import ANY, Corruption, damage_of
from elmyr.tasks.restoration.repair import Repair, checked, deviation, require_channels
from elmyr.tasks.restoration.task import SHOWN, RestorerTask
from elmyr.tasks.restoration.tiles import tiles

FILES = ModelFiles("restorer")
IMAGES, IMAGES_OF_TINY = 160_000, 60_000
SMALLEST_SIDE = 8
AT_ONCE = 1 << 18  # pixels that the network sees at a time


class Restorer:
    """Repairs images: noise, holes, occlusion, blur, few pixels. Blind to the kind of damage unless it is told one.

    corruption: the damage that it learns to undo: "any", kinds and severities as `block:14,noise:0.2`, or a function of
    images float (N, C, H, W) in [0, 1] and a torch.Generator to damaged images, or to these and masks bool
    (N, 1, H, W). images: the budget in images seen; without it 160,000, 60,000 below 16 pixels a side. settings:
    choices of `RestorerChoices` by their names. After `fit` or `load`: `channels_`, `seconds_`.
    """

    def __init__(
        self,
        *,
        corruption: Corruption = ANY,
        images: Amount | None = None,
        settings: Mapping[str, Any] | None = None,
        seed: int = 0,
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        self.corruption, self.images, self.seed = corruption, image_count(images), seed
        self.damage = damage_of(corruption)
        self.choices = choices_of(settings or {})
        self.path: Path | None = None
        self.device = machine.choose_device(device)
        self.precision = machine.choose_precision(precision, self.device)

    def __repr__(self) -> str:
        learned = "trained" if hasattr(self, "channels_") else "not trained yet"
        place = "" if self.path is None else f", from '{self.path}'"
        return f"Restorer({self.corruption!r}, {learned}{place})"

    def fit(
        self,
        X: Data,
        *,
        listener: Listener | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> Self:
        """Learns from undamaged images, at least 8x8: an image set, or what `ImageSet.of` takes; labels are ignored."""
        images = image_set_of(X)
        images = ImageSet(images.images, None, name=images.name)
        task, course = self.task(images), self.course(images)
        data = ResidentData(images, seed=self.seed, device=self.device)
        return self.learned(task, images, run_loop(task, data, course, listener=listener, say=say).seconds)

    def learned(self, task: RestorerTask, images: ImageSet, seconds: float) -> Self:
        """Takes what a training on images has learned in so many seconds."""
        self.net_: UNet = task.average
        self.channels_, self.side_ = images.channels, min(images.height, images.width)
        self.seconds_ = seconds
        return self

    def task(self, images: ImageSet, processes: Processes = ALONE) -> RestorerTask:
        """The training of it at its beginning; InputError for images that it cannot learn from."""
        side = min(images.height, images.width)
        if side < SMALLEST_SIDE:
            raise InputError(
                f"the images are {images.height}x{images.width}: a restorer needs {SMALLEST_SIDE} pixels a side"
            )
        shown = images.take(np.arange(min(SHOWN, len(images))))
        task = RestorerTask(
            self.choices,
            self.damage,
            shape=(images.height, images.width, images.channels),
            seed=self.seed,
            device=self.device,
            precision=self.precision,
            shown=shown,
            processes=processes,
        )
        if len(images):
            task.preview(0)  # a damage that these images cannot take is refused before work starts
        return task

    def budget(self, images: ImageSet) -> int:
        """The images that a fit to these sees."""
        return self.images or (IMAGES_OF_TINY if is_tiny(images) else IMAGES)

    def course(self, images: ImageSet) -> LoopConfig:
        """The course of a fit to these images."""
        return LoopConfig.of_budget(self.budget(images), batch=self.choices.batch, decay_from=self.choices.decay_from)

    @torch.inference_mode()
    def restore(
        self,
        images: ArrayLike,
        masks: ArrayLike | None = None,
        *,
        answers: int = 1,
        seed: int = 0,
        first: int = 0,
    ) -> Repair:
        """Repairs images uint8 (N, H, W, C) of any size; with `answers` of 2 or more also draws so many answers each.

        masks: bool (N, H, W), true where a pixel is hidden; all others stay as they are, to the bit. Without masks
        every pixel may change. The answers to image *i* of a seed are the same whatever N; `first`
        is the number of the first, where these are some of many. Large images are taken in
        tiles, which is not seen in them: memory beside the images' own stays the same. Raises InputError for
        images of other channels, masks of another size, and an image that is wholly hidden.
        """
        pixels, hidden = checked(images, masks, channels=self._net().channels, answers=answers)
        self.require_fit(pixels.shape[1:], answers)
        repair = Repair.room_for(pixels, answers)
        noise = self._noise(range(first, first + len(pixels)), answers, seed)
        for tile in tiles(*pixels.shape[1:3], reach=self._net().reach, multiple=self._net().multiple):
            rows, columns = tile.outer
            height, width = rows.stop - rows.start, columns.stop - columns.start
            count = max(1, AT_ONCE // (height * width))
            for start in range(0, len(pixels), count):
                some = slice(start, start + count)
                seen = pixels[some, rows, columns]
                mask = None if hidden is None else hidden[some, rows, columns]
                inner, place = (slice(None), *tile.inner), (some, *tile.place)
                middle, *drawn = self._answers(seen, mask, [None, *(each[some] for each in noise)])
                repair.images[place] = middle[inner]
                if drawn:
                    several = np.stack([each[inner] for each in drawn])
                    repair.answers[(slice(None), *place)] = several
                    repair.uncertainty[place] = deviation(several)
        return repair

    def require_fit(self, shape: tuple[int, ...], answers: int, what: str = "the images are") -> None:
        """InputError where `restore` does not take images (H, W, C), or does not give so many answers."""
        require_channels(shape[2], self._net().channels, what)
        if answers > 1 and not self._net().noise:
            raise InputError("this restorer was trained without noise and has one answer: ask for 1")

    def _answers(
        self, pixels: NDArray[np.uint8], mask: NDArray[np.bool_] | None, noises: list[torch.Tensor | None]
    ) -> Iterator[NDArray[np.uint8]]:
        """An answer uint8 (n, h, w, C) for each noise; what is known stays."""
        net = self._net()
        seen = to_unit(torch.from_numpy(np.ascontiguousarray(pixels)).to(self.device).permute(0, 3, 1, 2))
        hidden = torch.zeros_like(seen[:, :1], dtype=torch.bool)
        if mask is not None:
            hidden = torch.from_numpy(np.ascontiguousarray(mask)).to(self.device).unsqueeze(1)
        threads.look()
        with machine.autocast(self.device, self.precision):
            features = net.encode(seen, hidden)
            for noise in noises:
                answer = net.decode(features, seen, hidden, None if noise is None else noise.to(self.device))
                made = to_pixels(answer).permute(0, 2, 3, 1).cpu().numpy()
                yield made if mask is None else np.where(mask[..., None], made, pixels)

    def _noise(self, numbers: range, answers: int, seed: int) -> list[torch.Tensor]:
        """The noise (N, noise) of each answer where there are several; each image has that of its number."""
        if answers == 1:
            return []
        own = [
            torch.randn(answers, self._net().noise, generator=seeds.generator(seed, "answers", number))
            for number in numbers
        ]
        return list(torch.stack(own, 1))

    def save(self, folder: str | Path) -> None:
        """Writes `restorer.safetensors` and `restorer.json`."""
        content = {
            "corruption": self.corruption if isinstance(self.corruption, str) else None,
            "choices": self.choices.model_dump(mode="json"),
            "channels": self.channels_,
            "side": self.side_,
            "seconds": self.seconds_,
        }
        FILES.write(Path(folder), self._net().state_dict(), content)

    @classmethod
    def load(cls, run: Run, *, device: str = "auto", precision: str = "auto") -> Self:
        """The restorer of a finished run (a path, "latest", what its training returned), or of a saved folder.

        Raises InputError where there is none, or where it is not whole.
        """
        with FILES.reading(run) as (folder, content, weights):
            corruption = content["corruption"] or ANY
            restorer = cls(corruption=corruption, settings=content["choices"], device=device, precision=precision)
            restorer.channels_, restorer.side_ = int(content["channels"]), int(content["side"])
            restorer.seconds_ = float(content["seconds"])
            net = restorer.choices.generator(restorer.channels_, restorer.side_)
            net.load_state_dict(weights)
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch types `to` for tensors
        restorer.net_ = net.to(restorer.device).requires_grad_(False).eval()
        restorer.path = home_of(folder)
        return restorer

    def _net(self) -> UNet:
        if not hasattr(self, "net_"):
            raise InputError("this restorer has learned nothing yet: fit it, or load one")
        return self.net_
