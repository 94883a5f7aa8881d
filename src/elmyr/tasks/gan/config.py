"""A GAN's config: from a preset, the user's settings and the data; every choice made, nothing left automatic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, Field

from elmyr.core.errors import InputError, suggestion
from elmyr.core.synonyms import rows_of
from elmyr.engine.config import DataConfig, RunConfig, validated
from elmyr.engine.loop import LoopConfig
from elmyr.engine.rules import AUTO, Facts, default_budget, flattened, resolve
from elmyr.engine.saving.places import GAN_KIND
from elmyr.images import ImageSet
from elmyr.images.dataset.sizes import LARGEST_SIDE, SMALLEST_SIDE, makes, suitable_size
from elmyr.nets import NetworkConfig, network_choices, options_heard
from elmyr.tasks.gan.augmented_view import ViewConfig
from elmyr.tasks.gan.auxiliary_heads import AuxiliaryConfig
from elmyr.tasks.gan.model import CodeConfig, GANConfig
from elmyr.tasks.gan.presets import NARRATION, read_preset
from elmyr.tasks.gan.regularizer import PenaltyConfig
from elmyr.tasks.gan.stabilizers import StabilizerConfig
from elmyr.tasks.gan.task import AdversarialConfig

SECTIONS: dict[str, type[BaseModel]] = {
    "penalties": PenaltyConfig,
    "stabilizers": StabilizerConfig,
    "augmentation": ViewConfig,
    "auxiliary": AuxiliaryConfig,
}


class GANRunConfig(RunConfig):
    """All choices of a GAN's run."""

    kind: Literal["gan"] = GAN_KIND
    preset: str
    data: DataConfig
    gan: GANConfig
    adversarial: AdversarialConfig
    class_balance: float = Field(
        0.0,
        ge=0,
        le=1,
        description="how far real images are drawn with their classes evened out: 0 as they are, 1 all classes alike",
    )
    rescue: bool = Field(
        False,
        description="whether the training monitor begins a network anew, with other settings, where it finds a problem",
    )


def choices_of(preset: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A preset's choices with the user's settings put in; an unknown name is refused with the nearest one."""
    choices = {key: value for key, value in read_preset(preset).items() if key not in NARRATION}
    of_preset = choices["network"]
    network = settings.get("network.name", of_preset["name"])
    choices["network"] = network_choices(str(network), of_preset)
    known = flattened({"network": of_preset}) | flattened(choices)  # `options_heard` answers for the first
    for name, value in settings.items():
        if name not in known:
            raise InputError(f"no setting '{name}': {meant(name, known)}")
        if not isinstance(value, bool | int | float | str):
            raise InputError(f"the setting {name} is {value!r}: it is a number, a word, true or false")
        section, _, inner = name.rpartition(".")
        (choices[section] if section else choices)[inner] = value
    choices["network"] = options_heard(choices["network"])
    batch = choices["batch"]
    if batch != AUTO and (not isinstance(batch, int) or isinstance(batch, bool) or batch < 1):
        raise InputError(f"batch is {batch!r}: it is a whole number of at least 1")
    rate = choices["adversarial"]["learning_rate"]
    if rate != AUTO and (not isinstance(rate, int | float) or isinstance(rate, bool)):
        raise InputError(f"adversarial.learning_rate is {rate!r}: it is a number, such as 5e-4, or auto")
    return choices


def meant(name: str, known: Mapping[str, Any]) -> str:
    """The end of a message about an unknown setting: the one that is meant."""
    if inner := [each for each in known if each.startswith(f"{name}.")]:
        return f"it is a group of settings, each has its own name, as '{inner[0]}': elmyr presets residual lists them"
    tail = name.rpartition(".")[2]
    likely = [row.text.removeprefix("--set ").partition("=")[0] for row in rows_of(tail)]
    likely += [each for each in known if each.endswith(f".{tail}")]
    meant = next((each for each in likely if each in known), None)
    return suggestion(name, known) if meant is None else f"did you mean '{meant}'?"


def settled_choices(preset: str, settings: Mapping[str, Any], images: ImageSet) -> dict[str, Any]:
    """As `choices_of`, with nothing left automatic: for an image set and the default budget."""
    choices, _ = resolve(choices_of(preset, settings), Facts.of(images, default_budget(images)))
    return choices


def gan_config(choices: Mapping[str, Any], images: ImageSet) -> GANConfig:
    """The networks for an image set, of choices with nothing automatic."""
    conditional = choices["conditional"]
    if conditional not in (True, False):
        raise InputError(f"conditional is {conditional!r}: it is true, false or auto")
    if conditional:
        images.require_labels()
    _check_size(images)
    return validated(
        GANConfig,
        "the networks",
        height=images.height,
        width=images.width,
        channels=images.channels,
        classes=images.classes if conditional else (),
        class_counts=_counts(images) if conditional else (),
        projection=choices["projection"],
        code=validated(CodeConfig, "code", **choices["code"]),
        network=validated(NetworkConfig, "network", **choices["network"]),
    )


def class_balance(choices: Mapping[str, Any], images: ImageSet) -> float:
    """How far the classes of an image set are evened out in its batches, from 0 to 1."""
    balance = choices["class_balance"]
    if isinstance(balance, bool) or not isinstance(balance, int | float) or not 0 <= balance <= 1:
        raise InputError(f"class_balance is {balance!r}: it is a number from 0, as the images are, to 1, all alike")
    if balance:
        images.require_labels()
    return float(balance)


def _counts(images: ImageSet) -> tuple[int, ...]:
    return tuple(np.bincount(images.require_labels(), minlength=len(images.classes)).tolist())


def example_config(preset: str, channels: int) -> GANConfig:
    """A preset's networks for images of 32x32 pixels in ten classes, a size that all networks take."""
    images = ImageSet(np.zeros((10, 32, 32, channels), np.uint8), np.arange(10))
    return gan_config(settled_choices(preset, {}, images), images)


def _check_size(images: ImageSet) -> None:
    size = images.height, images.width
    if not makes(size):
        raise InputError(
            f"the images of '{images.name}' are {size[0]}x{size[1]}, a GAN makes {SMALLEST_SIDE} to {LARGEST_SIDE} "
            f"pixels a side: pass --size {suitable_size(Counter([size]))[0]}"
        )


def adversarial_config(choices: Mapping[str, Any]) -> AdversarialConfig:
    """The game, of choices with nothing automatic."""
    sections: dict[str, Any] = {name: validated(kind, name, **choices[name]) for name, kind in SECTIONS.items()}
    return validated(AdversarialConfig, "adversarial", **choices["adversarial"], **sections)


def changed_config(config: AdversarialConfig, settings: Mapping[str, Any]) -> AdversarialConfig:
    """The game with settings changed by their dotted names, such as `penalties.r1`."""
    changes = config.model_dump()
    for name, value in settings.items():
        section, _, inner = name.partition(".")
        (changes if section == "adversarial" else changes[section])[inner] = value
    return validated(AdversarialConfig, "adversarial", **changes)


def loop_config(choices: Mapping[str, Any], images: int) -> LoopConfig:
    """The course of a budget, of choices with nothing automatic."""
    return validated(LoopConfig, "loop", images=images, batch=choices["batch"], **choices["loop"])
