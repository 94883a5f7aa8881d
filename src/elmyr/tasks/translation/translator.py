"""Translator: learns to turn images of one kind into images of another, and turns them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch.nn import functional as F

from elmyr.core import machine, seeds, threads
from elmyr.core.amounts import Amount, image_count
from elmyr.core.errors import InputError, suggestion
from elmyr.engine.loop import LoopConfig, run_loop
from elmyr.engine.processes import ALONE, Processes
from elmyr.engine.progress import Listener
from elmyr.engine.rules import is_tiny
from elmyr.engine.saving.model_files import ModelFiles
from elmyr.engine.saving.places import Run, home_of
from elmyr.images import Data, ImageSet, StoredPixels, image_set_of
from elmyr.losses.textures import over_textures
from elmyr.nets import StridedClassifier, TranslatorNet
from elmyr.tasks.gan.model import to_pixels, to_unit
from elmyr.tasks.recognition import Recognizer
from elmyr.tasks.restoration.repair import require_channels, require_pixels
from elmyr.tasks.translation.batches import DomainData
from elmyr.tasks.translation.config import A_TO_B, B_TO_A, DIRECTIONS, choices_of
from elmyr.tasks.translation.labels import GivenReader, Keeper, LearningReader
from elmyr.tasks.translation.methods import method_of
from elmyr.tasks.translation.task import SHOWN, TranslatorTask

FILES = ModelFiles("translator")
IMAGES, IMAGES_OF_TINY = 60_000, 30_000
SMALLEST_SIDE = 8
AT_ONCE = 1 << 18  # pixels that the network sees at a time
READER_BASE, READER_DIMENSION = 16, 64  # of the recognizer that learns along
EXAMPLES = 200  # of the wanted kind, that a styled translator keeps


class Translator:
    """Turns images of one kind, A, into images of another, B, and back.

    method: "cycle" or "contrastive" from two piles of images, "paired" from pairs. images: the budget in images of A
    seen; without it 60,000, 30,000 below 16 pixels a side. settings: other choices of `TranslatorChoices` by their
    names. After `fit` or `load`: `directions_`, `channels_`, `image_shape_`, `seconds_`.
    """

    def __init__(
        self,
        *,
        method: str = "cycle",
        images: Amount | None = None,
        settings: Mapping[str, Any] | None = None,
        seed: int = 0,
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        method_of(method)
        self.choices = choices_of({**(settings or {}), "method": method})
        self.images, self.seed = image_count(images), seed
        self.path: Path | None = None
        self.device = machine.choose_device(device)
        self.precision = machine.choose_precision(precision, self.device)

    def __repr__(self) -> str:
        learned = "trained" if hasattr(self, "channels_") else "not trained yet"
        place = "" if self.path is None else f", from '{self.path}'"
        return f"Translator({self.choices.method!r}, {learned}{place})"

    def fit(
        self,
        A: Data,
        B: Data,
        *,
        recognizer: Recognizer | None = None,
        listener: Listener | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> Self:
        """Learns from images of both kinds, at least 8x8: image sets, or what `ImageSet.of` takes.

        Of the method "paired", image *i* of A belongs to image *i* of B. What is made is to be read as the image was:
        by `recognizer`, a fitted one that reads both kinds, or else, where A has labels and there are no pairs, by a
        small one that learns along. Labels of B are not looked at. Raises InputError for kinds of unequal shape, and
        for an empty one.
        """
        a, b = image_set_of(A), image_set_of(B)
        task, data = self.task(a, b, recognizer), self.data(a, b)
        return self.learned(task, a, b, run_loop(task, data, self.course(a), listener=listener, say=say).seconds)

    def learned(self, task: TranslatorTask, a: ImageSet, b: ImageSet, seconds: float) -> Self:
        """Takes what a training on images of both kinds has learned in so many seconds."""
        self.nets_: dict[str, TranslatorNet] = task.averages
        self.directions_, self.channels_ = tuple(task.averages), a.channels
        self.image_shape_: tuple[int, ...] | None = (a.height, a.width, a.channels)
        self.examples_: dict[str, NDArray[np.uint8]] = {}
        if self.choices.styled:
            self.examples_ = {way: _some(b if way == A_TO_B else a) for way in self.directions_}
        self.seconds_ = seconds
        return self

    def task(
        self, a: ImageSet, b: ImageSet, recognizer: Recognizer | None = None, processes: Processes = ALONE
    ) -> TranslatorTask:
        """The training of it at its beginning; InputError for what it cannot learn from."""
        require_alike(a, b)
        if min(a.height, a.width) < SMALLEST_SIDE:
            raise InputError(f"the images are {a.height}x{a.width}: a translator needs {SMALLEST_SIDE} pixels a side")
        if self._paired and len(a) != len(b):
            raise InputError(f"A has {len(a):,} images and B {len(b):,}: pairs are as many of each")
        return TranslatorTask(
            self.choices,
            channels=a.channels,
            seed=self.seed,
            device=self.device,
            precision=self.precision,
            keeper=self._keeper(a, recognizer) if self.choices.label else None,
            shown=(a.take(np.arange(min(SHOWN, len(a)))), b.take(np.arange(min(SHOWN, len(b))))),
            processes=processes,
        )

    @property
    def _paired(self) -> bool:
        return method_of(self.choices.method).paired

    def data(self, a: ImageSet, b: ImageSet) -> DomainData:
        """The batches of a fit to these."""
        return DomainData(a, b, paired=self._paired, seed=self.seed, device=self.device)

    def _keeper(self, a: ImageSet, recognizer: Recognizer | None) -> Keeper | None:
        shape = a.height, a.width, a.channels
        if recognizer is not None:
            if tuple(recognizer.image_shape_) != shape:
                raise InputError(f"the recognizer takes images {tuple(recognizer.image_shape_)}, these are {shape}")
            return GivenReader(recognizer.reading(shape, self.device))
        if a.labels is None or self._paired or len(a.classes) < 2:
            return None
        with seeds.initialization(self.seed, "reader"):
            return LearningReader(StridedClassifier(*shape, len(a.classes), READER_BASE, READER_DIMENSION))

    def budget(self, images: ImageSet) -> int:
        """The images of A that a fit to these sees."""
        return self.images or (IMAGES_OF_TINY if is_tiny(images) else IMAGES)

    def course(self, images: ImageSet) -> LoopConfig:
        """The course of a fit to these images of A."""
        return LoopConfig.of_budget(self.budget(images), batch=self.choices.batch, decay_from=self.choices.decay_from)

    def translate(
        self,
        images: ArrayLike,
        direction: str = A_TO_B,
        *,
        examples: ArrayLike | StoredPixels | None = None,
        seed: int = 0,
        first: int = 0,
    ) -> NDArray[np.uint8]:
        """Images uint8 (N, H, W, C) or (N, H, W) of any size -> the other kind, uint8 (N, H, W, C).

        direction: "a-to-b", or "b-to-a" of a translator that learned the way back. A styled translator takes the style
        of each from one of the `examples`, uint8 (M, H, W, C), or of some that it has seen where none are given: which
        one is drawn by `seed` and the number of the image; `first` is the number of the first, where these are some of
        many. Raises InputError for images of other channels.
        """
        net = self._net(direction)
        pixels = np.asarray(images)
        pixels = pixels[..., None] if pixels.ndim == 3 else pixels
        require_pixels(pixels)
        require_channels(pixels.shape[3], net.channels)
        bank = self._bank(direction, examples)
        made = np.empty_like(pixels)
        count = max(1, AT_ONCE // (pixels.shape[1] * pixels.shape[2]))
        for start in range(0, len(pixels), count):
            some = pixels[start : start + count]
            seen = self._unit(some)
            if bank is not None:
                seen = self._styled(seen, bank, seed, range(first + start, first + start + len(some)))
            made[start : start + count] = self._made(net, seen)
        return made

    def _bank(
        self, direction: str, examples: ArrayLike | StoredPixels | None
    ) -> NDArray[np.uint8] | StoredPixels | None:
        """What the style is taken from; None where none is."""
        if not self.choices.styled:
            if examples is not None:
                raise InputError("this translator takes no style from examples: train it with --set styled=true")
            return None
        if examples is None:
            return self.examples_[direction]
        bank = examples if isinstance(examples, StoredPixels) else np.asarray(examples)
        require_pixels(bank)
        require_channels(bank.shape[3], self.channels_, "the examples are")
        return bank

    def _styled(
        self, images: torch.Tensor, bank: NDArray[np.uint8] | StoredPixels, seed: int, numbers: range
    ) -> torch.Tensor:
        """Images over textures of the bank: which, and how, is drawn for the number of each."""
        examples = self._unit(bank[np.array([seeds.derive(seed, "example", number) % len(bank) for number in numbers])])
        if examples.shape != images.shape:
            examples = F.interpolate(examples, images.shape[2:], mode="bilinear", antialias=True)
        random = seeds.Each([seeds.generator(seed, "textures", number) for number in numbers])
        return over_textures(images, examples, random)

    @torch.inference_mode()
    def _made(self, net: TranslatorNet, images: torch.Tensor) -> NDArray[np.uint8]:
        threads.look()
        with machine.autocast(self.device, self.precision):
            return to_pixels(net(images)).permute(0, 2, 3, 1).cpu().numpy()

    def _unit(self, pixels: NDArray[np.uint8]) -> torch.Tensor:
        return to_unit(torch.from_numpy(np.ascontiguousarray(pixels)).to(self.device).permute(0, 3, 1, 2))

    def save(self, folder: str | Path) -> None:
        """Writes `translator.safetensors` and `translator.json`."""
        self._net(A_TO_B)
        content = {
            "choices": self.choices.model_dump(mode="json"),
            "directions": list(self.directions_),
            "channels": self.channels_,
            "image_shape": self.image_shape_,
            "seconds": self.seconds_,
        }
        weights = {f"{way}.{name}": each for way, net in self.nets_.items() for name, each in net.state_dict().items()}
        weights |= {f"{way}.examples": torch.from_numpy(images) for way, images in self.examples_.items()}
        FILES.write(Path(folder), weights, content)

    @classmethod
    def load(cls, run: Run, *, device: str = "auto", precision: str = "auto") -> Self:
        """The translator of a finished run (a path, "latest", what its training returned), or of a saved folder.

        Raises InputError where there is none, or where it is not whole.
        """
        with FILES.reading(run) as (folder, content, weights):
            settings = dict(content["choices"])
            translator = cls(method=settings.pop("method"), settings=settings, device=device, precision=precision)
            translator.directions_, translator.channels_ = tuple(content["directions"]), int(content["channels"])
            translator.seconds_, shape = float(content["seconds"]), content.get("image_shape")
            translator.image_shape_ = shape and tuple(shape)  # which translators of before do not tell
            translator.nets_, translator.examples_ = {}, {}
            for way in translator.directions_:
                net = translator.choices.translator(translator.channels_)
                own = {name[len(way) + 1 :]: each for name, each in weights.items() if name.startswith(f"{way}.")}
                if translator.choices.styled:
                    translator.examples_[way] = own.pop("examples").numpy()
                net.load_state_dict(own)
                net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch types `to` for tensors
                translator.nets_[way] = net.to(translator.device).requires_grad_(False).eval()
        translator.path = home_of(folder)
        return translator

    def require_direction(self, direction: str) -> None:
        """InputError for a way that it has not learned."""
        self._net(direction)

    def _net(self, direction: str) -> TranslatorNet:
        if not hasattr(self, "nets_"):
            raise InputError("this translator has learned nothing yet: fit it, or load one")
        if direction not in DIRECTIONS:
            raise InputError(f"no direction '{direction}': {suggestion(direction, DIRECTIONS)}")
        if direction not in self.nets_:
            assert direction == B_TO_A
            raise InputError("this translator has learned one way alone: train it with --set back=true")
        return self.nets_[direction]


def _some(images: ImageSet) -> NDArray[np.uint8]:
    """Some images of a set, of every kind that it has: the first ones may be all alike."""
    places = np.random.default_rng(0).permutation(len(images))[:EXAMPLES]
    return images.take(np.sort(places)).in_memory()


def require_alike(a: ImageSet, b: ImageSet) -> None:
    """InputError where one of the two has no images, or they are not of one shape."""
    for each, side in ((a, "A"), (b, "B")):
        if not len(each):
            raise InputError(f"{side}, '{each.name}', is empty: add images")
    for one, other, option, words in (
        (f"{a.height}x{a.width}", f"{b.height}x{b.width}", f"--size {a.height}x{a.width}", "images of"),
        (a.channels, b.channels, f"--channels {max(a.channels, b.channels)}", "images with channels:"),
    ):
        if one != other:
            raise InputError(f"'{a.name}' has {words} {one}, '{b.name}' {words} {other}: pass {option}")
