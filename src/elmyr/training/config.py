"""From a preset, the user's settings and the data to a config: every choice made, nothing left automatic."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from elmyr.errors import InputError, suggestion
from elmyr.gan import CodeConfig, GANConfig
from elmyr.images import AS_IT_IS, ImageSet, Shaping, Splits, lasting_name, open_source, split_source
from elmyr.images.sizes import LARGEST_SIDE, SMALLEST_SIDE, makes, suitable_size
from elmyr.nets import NetworkConfig, network_choices, options_heard
from elmyr.synonyms import rows_of
from elmyr.training.adversarial import AdversarialConfig
from elmyr.training.loop import LoopConfig
from elmyr.training.presets import NARRATION, read_preset
from elmyr.training.questions import AuxiliaryConfig
from elmyr.training.regularizer import PenaltyConfig
from elmyr.training.rules import AUTO, Facts, default_budget, flattened, resolve
from elmyr.training.stabilizers import StabilizerConfig
from elmyr.training.view import ViewConfig

M = TypeVar("M", bound=BaseModel)
SECTIONS: dict[str, type[BaseModel]] = {
    "penalties": PenaltyConfig,
    "stabilizers": StabilizerConfig,
    "augmentation": ViewConfig,
    "auxiliary": AuxiliaryConfig,
}


class DataConfig(BaseModel):
    """What a run learns from: the training part of a source's split."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    source: str = Field(description="a known name, or an absolute path")
    name: str = Field(description="what the image set is called")
    root: str | None = Field(None, description="the folder that holds named data sets")
    shaping: Shaping = Field(AS_IT_IS, description="the form of the images, and which are taken")
    split_seed: int
    images: int
    digest: str = Field(description="sha256 of the training part: pixels, labels, class names")

    @classmethod
    def of(
        cls,
        source: str | os.PathLike[str],
        images: ImageSet,
        *,
        data_root: str | os.PathLike[str] | None,
        shaping: Shaping,
        seed: int,
    ) -> Self:
        """The training part `images` of a source's split by `seed`."""
        return cls(
            source=lasting_name(source),
            name=images.name,
            root=os.path.abspath(data_root) if data_root is not None else None,
            shaping=shaping,
            split_seed=seed,
            images=len(images),
            digest=images.digest(),
        )

    def opened(self, data_root: str | os.PathLike[str] | None = None, shaping: Shaping | None = None) -> Splits:
        """The split of the source, opened again, in another `shaping` where one is given.

        InputError where the source is not there any more, with the option that tells where it is.
        """
        require_there(self.source)
        shaping = shaping or self.shaping
        source = open_source(self.source, data_root if data_root is not None else self.root, shaping)
        return split_source(source, self.split_seed, shaping)

    def require_same(self, training: ImageSet) -> None:
        """InputError where these training images are not those that the run was trained on."""
        if training.digest() != self.digest:
            raise InputError(f"'{self.source}' is not what the run was trained on: restore the images, or train again")

    def at(self, source: str | os.PathLike[str], data_root: str | os.PathLike[str] | None = None) -> Self:
        """The same images in another place."""
        root = os.path.abspath(data_root) if data_root is not None else self.root
        return self.model_copy(update={"source": lasting_name(source), "root": root})


def require_there(source: str) -> None:
    """InputError where the images of a run or a study are not any more where it began with them."""
    if os.path.isabs(source) and not os.path.exists(source):
        raise InputError(
            f"the images are not at '{source}' any more: say where they are with elmyr resume RUN --data NEW, "
            "also for a finished run"
        )


class RunConfig(BaseModel):
    """All choices of one run; `config.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    preset: str
    seed: int
    minutes: float | None = Field(None, description="the asked time, where the budget in images follows from it")
    device: str
    precision: Literal["bf16", "fp32"]
    data: DataConfig
    gan: GANConfig
    adversarial: AdversarialConfig
    loop: LoopConfig
    extended_from: int | None = Field(None, description="the budget before a resume gave it another")
    start_from: str | None = Field(None, description="the run whose networks this one began with")
    deterministic: bool = Field(False, description="sums in one order, whatever the number of threads")
    rescue: bool = Field(False, description="whether the training monitor changes settings where it finds a problem")


Settings = Mapping[str, Any] | Iterable[str] | str  # {"penalties.r1": 2}, ["penalties.r1=2"] or "penalties.r1=2"
SEVERAL = re.compile(r"[,;\s]+([a-z_]\w*(?:\.\w+)?=)", re.IGNORECASE)  # a setting that follows another


def parse_settings(settings: Settings) -> dict[str, Any]:
    """Settings in any form as a mapping of dotted names to JSON values (else plain words).

    Raises InputError for what is no setting, and for several in one text.
    """
    if isinstance(settings, Mapping):
        return dict(settings)
    parsed = {}
    for setting in [settings] if isinstance(settings, str) else settings:
        if not isinstance(setting, str):
            raise InputError(f"the setting {setting!r} is not of the form NAME=VALUE, as in penalties.r1=2")
        name, equals, text = setting.partition("=")
        if not equals or not name:
            raise InputError(f"the setting '{setting}' is not of the form NAME=VALUE, as in penalties.r1=2")
        if SEVERAL.search(text):
            each = " ".join(f"--set {one}" for one in SEVERAL.sub(r"\n\1", setting).splitlines())
            raise InputError(f"'{setting}' holds several settings: give each its own, as {each}")
        try:
            parsed[name.strip()] = json.loads(text)
        except ValueError:
            parsed[name.strip()] = text.strip()
    return parsed


def choices_of(preset: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A preset's choices with the user's settings put in; an unknown name is refused with the nearest one."""
    choices = {key: value for key, value in read_preset(preset).items() if key not in NARRATION}
    network = settings.get("network.name", choices["network"]["name"])
    choices["network"] = network_choices(str(network), choices["network"])
    known = flattened(choices)
    for name, value in settings.items():
        if name not in known:
            raise InputError(f"no setting '{name}': {_meant(name, known)}")
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


def _meant(name: str, known: Mapping[str, Any]) -> str:
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


def validated(model: type[M], where: str, **values: Any) -> M:
    """A config model of these values; InputError names the first wrong one."""
    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{where}: {name} is {first['input']!r}: {first['msg']}") from None
