"""What each kind of model becomes when it is exported: its graphs, what is told of it, and the program that uses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from elmyr.core.errors import InputError
from elmyr.engine.saving.places import GAN_KIND, STUDY_KIND
from elmyr.exporting.graph import Graph, Port
from elmyr.nets import StyleGenerator
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.recognition import open_recognizer
from elmyr.tasks.recognition.recognizer import Recognizer
from elmyr.tasks.restoration import Restorer
from elmyr.tasks.translation import Translator

PIXELS = "uint8 pixels"
SHARES = "pixels from 0 to 1"


@dataclass(frozen=True)
class Exportable:
    """A model as it leaves: its graphs by the names of their files, what `model.json` tells, and a program's name."""

    graphs: Mapping[str, Graph]
    about: Mapping[str, Any]
    program: str


@dataclass(frozen=True)
class ExportedKind:
    """How runs of a kind are exported: opened on the CPU in fp32, and made an `Exportable`.

    within: the folder of a run of several steps that holds the run of the model.
    """

    open: Callable[[Any], Any]
    made: Callable[[Any], Exportable]
    within: str = ""


class _Reads(nn.Module):
    """Pixels uint8 (N, H, W, C) -> probabilities (N, K)."""

    def __init__(self, net: nn.Module, temperature: float) -> None:
        super().__init__()
        self.net, self.temperature = net, temperature

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.net(_units(images)) / self.temperature
        return logits.softmax(1)


class _Makes(nn.Module):
    """Latents, labels where there are classes, and a truncation -> images (N, H, W, C) from 0 to 1."""

    def __init__(self, generator: nn.Module, code: int, *, labeled: bool) -> None:
        super().__init__()
        self.generator, self.code, self.labeled = generator, code, labeled

    def forward(
        self, latents: torch.Tensor, second: torch.Tensor | None = None, third: torch.Tensor | None = None
    ) -> torch.Tensor:
        labels, truncation = (second, third) if self.labeled else (None, second)
        if truncation is not None:
            latents = torch.cat([latents[:, : self.code], truncation * latents[:, self.code :]], 1)
        return _shares(self.generator(latents, labels))


class _Judges(nn.Module):
    """Pixels uint8 (N, H, W, C), and labels where there are classes -> the discriminator's logits (N,)."""

    def __init__(self, discriminator: nn.Module) -> None:
        super().__init__()
        self.discriminator = discriminator

    def forward(self, images: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        logits: torch.Tensor = self.discriminator(_units(images), labels)
        return logits


class _Repairs(nn.Module):
    """Pixels uint8 (N, H, W, C) and what is hidden, bool (N, H, W) -> images (N, H, W, C) from 0 to 1."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        return _shares(self.net(_units(images), hidden.unsqueeze(1)))


class _Translates(nn.Module):
    """Pixels uint8 (N, H, W, C) -> images (N, H, W, C) from 0 to 1."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return _shares(self.net(_units(images)))


def _units(images: torch.Tensor) -> torch.Tensor:
    return images.permute(0, 3, 1, 2).float() / 127.5 - 1


def _shares(images: torch.Tensor) -> torch.Tensor:
    return ((images.clamp(-1, 1) + 1) / 2).permute(0, 2, 3, 1)


def _pixels(shape: tuple[int, int, int]) -> Callable[[int, torch.Generator], torch.Tensor]:
    return lambda count, random: torch.randint(0, 256, (count, *shape), generator=random).to(torch.uint8)


def _of_recognizer(recognizer: Recognizer) -> Exportable:
    trained = recognizer.trained()
    drawn = _pixels(trained.image_shape)
    reads = Graph(
        _Reads(trained.net, trained.temperature),
        {"images": Port("uint8", (None, *trained.image_shape), PIXELS)},
        ("probabilities", Port("float32", (None, len(trained.names)), "of each class, in the order of `classes`")),
        lambda count, random: (drawn(count, random),),
    )
    return Exportable({"model": reads}, _about(trained.image_shape, trained.names), "recognizer")


def _of_gan(gan: GAN) -> Exportable:
    config, styled = gan.config, isinstance(gan.generator, StyleGenerator)
    shape, count_of_classes = (config.height, config.width, config.channels), len(config.classes)
    labels = {"labels": Port("int64", (None,), "the class, by its place in `classes`")} if count_of_classes else {}
    inputs = {"latents": Port("float32", (None, config.network.latent), "normal random numbers"), **labels}
    if not styled:  # which truncates styles, not latents
        inputs["truncation"] = Port("float32", (), "1; less for more typical images, more for more varied ones")

    def classes(count: int, random: torch.Generator) -> tuple[torch.Tensor, ...]:
        return (torch.randint(0, count_of_classes, (count,), generator=random),) if count_of_classes else ()

    def latents(count: int, random: torch.Generator) -> tuple[torch.Tensor, ...]:
        truncation = () if styled else (torch.tensor(0.8),)
        return (config.latents(count, random), *classes(count, random), *truncation)

    makes = Graph(
        _Makes(gan.generator, config.code.entries, labeled=bool(labels)),
        inputs,
        ("images", Port("float32", (None, *shape), SHARES)),
        latents,
    )
    drawn = _pixels(shape)
    judges = Graph(
        _Judges(gan.discriminator),
        {"images": Port("uint8", (None, *shape), PIXELS), **(labels if config.projection else {})},
        ("logits", Port("float32", (None,), "high for what is found real")),
        lambda count, random: (drawn(count, random), *(classes(count, random) if config.projection else ())),
    )
    about = {**_about(shape, config.classes), "latent": config.network.latent, "code": config.code.model_dump()}
    return Exportable({"model": makes, "discriminator": judges}, about, "generator")


def _of_restorer(restorer: Restorer) -> Exportable:
    shape = (restorer.side_, restorer.side_, restorer.channels_)
    drawn = _pixels(shape)
    repairs = Graph(
        _Repairs(restorer.net_),
        {
            "images": Port("uint8", (None, *shape), PIXELS),
            "hidden": Port("bool", (None, *shape[:2]), "true where a pixel is hidden; false everywhere: not known"),
        },
        ("repaired", Port("float32", (None, *shape), f"{SHARES}; without hidden pixels every one may change")),
        lambda count, random: (drawn(count, random), torch.rand(count, *shape[:2], generator=random) < 0.3),
    )
    return Exportable({"model": repairs}, _about(shape, ()), "restorer")


def _of_translator(translator: Translator) -> Exportable:
    if translator.choices.styled:
        raise InputError("a styled translator draws from examples that no graph holds: export one that is not styled")
    if translator.image_shape_ is None:
        raise InputError("this translator does not say the size of its images: train it again")
    height, width = translator.image_shape_[:2]
    shape = (height, width, translator.channels_)
    drawn = _pixels(shape)
    names = {"a-to-b": "model", "b-to-a": "back"}
    graphs = {
        names[way]: Graph(
            _Translates(net),
            {"images": Port("uint8", (None, *shape), PIXELS)},
            ("translated", Port("float32", (None, *shape), SHARES)),
            lambda count, random: (drawn(count, random),),
        )
        for way, net in translator.nets_.items()
    }
    return Exportable(graphs, _about(shape, ()), "translator")


def _about(shape: tuple[int, int, int], classes: tuple[str, ...]) -> dict[str, Any]:
    return {"image_shape": list(shape), "classes": list(classes)}


RECOGNIZER = ExportedKind(lambda run: open_recognizer(run, device="cpu"), _of_recognizer)
EXPORTED: dict[str, ExportedKind] = {
    GAN_KIND: ExportedKind(lambda run: GAN.load(run, device="cpu", precision="fp32"), _of_gan),
    "recognizer": RECOGNIZER,
    "adaptation": replace(RECOGNIZER, within="recognizer"),
    STUDY_KIND: RECOGNIZER,
    "restorer": ExportedKind(lambda run: Restorer.load(run, device="cpu", precision="fp32"), _of_restorer),
    "translator": ExportedKind(lambda run: Translator.load(run, device="cpu", precision="fp32"), _of_translator),
}
