"""A pair of networks: the config that it owns, and what makes a generator and a discriminator by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import nn

from elmyr.core.calls import takes
from elmyr.core.errors import InputError, suggestion
from elmyr.core.tables import Table
from elmyr.nets.layers.parts import Discriminator
from elmyr.nets.pairs.plain import PlainDiscriminator, PlainGenerator, takes_labels

NO_PAIR = (
    "networks are a function of (shape, classes, config) that gives a generator and a discriminator, or an "
    "elmyr.nets.Pair of one"
)


class Shape(NamedTuple):
    """What an image is made of, as torch orders it."""

    channels: int
    height: int
    width: int


class PairConfig(BaseModel):
    """What every pair of networks can be told; one with more to be told derives its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    latent: int = Field(64, ge=1, description="entries of the latent vector")


class SizedConfig(PairConfig):
    """Of a pair whose size follows from the width of its first level; presets and rules state it."""

    base: int = Field(64, ge=1, description="channels of the first level; the levels below have twice as many")
    embedding: int = Field(64, ge=1, description="entries of the class embedding")


class BlocksConfig(SizedConfig):
    """Of a pair with levels of blocks."""

    blocks: int = Field(1, ge=1, description="blocks a level")


@dataclass(frozen=True)
class Pair:
    """What makes a generator and a discriminator for images of one shape.

    build: of the images' shape, the number of classes, 0 without, and the pair's config. The generator takes latents
    (N, latent) and labels int64 (N,), None without classes, to images (N, C, H, W) about [-1, 1]; the discriminator
    takes images and labels to logits (N,), high for real. InputError for a size that the networks do not take.
    has_features: whether the discriminator is a `Discriminator`, whose features can be asked for the class.
    """

    build: Callable[[Shape, int, Any], tuple[nn.Module, nn.Module]]
    config: type[PairConfig] = PairConfig
    has_features: bool = False

    def __post_init__(self) -> None:
        """InputError for what is no such function or config, and for an option without a default."""
        if isinstance(self.build, type) or not takes(self.build, 3):
            raise InputError(NO_PAIR)
        if not (isinstance(self.config, type) and issubclass(self.config, PairConfig)):
            told = getattr(self.config, "__name__", type(self.config).__name__)
            raise InputError(f"the config of networks is {told}: give a class derived from elmyr.nets.PairConfig")
        for name, field in self.config.model_fields.items():
            if field.is_required():
                raise InputError(f"the option '{name}' of networks has no default: give it one in their config")

    def networks(
        self, shape: Shape, classes: int = 0, options: Mapping[str, Any] | None = None
    ) -> tuple[nn.Module, Discriminator]:
        """New networks with random weights, by the config's options."""
        built = self.build(shape, classes, self.config(**options or {}))
        if not (isinstance(built, tuple | list) and [isinstance(net, nn.Module) for net in built] == [True, True]):
            raise TypeError("its build has to give two modules, the generator and the discriminator")
        generator, discriminator = built
        if not takes_labels(generator):
            generator = PlainGenerator(generator)
        if not isinstance(discriminator, Discriminator):
            discriminator = PlainDiscriminator(discriminator, labeled=classes > 0)
        return generator, discriminator


def _accepted(part: Any) -> Pair:
    if isinstance(part, Pair):
        return part
    if callable(part):
        return Pair(part)
    raise InputError(NO_PAIR)


PAIRS: Table[Pair] = Table(
    "network",
    lazy={
        "residual": "elmyr.nets.pairs.residual:PAIR",
        "mlp": "elmyr.nets.pairs.mlp:PAIR",
        "dcgan": "elmyr.nets.pairs.dcgan:PAIR",
        "mlp-cnn": "elmyr.nets.pairs.mlp_cnn:PAIR",
        "joined": "elmyr.nets.pairs.joined:PAIR",
        "dcgan64": "elmyr.nets.pairs.dcgan64:PAIR",
        "classic": "elmyr.nets.pairs.classic:PAIR",
        "biggan-lite": "elmyr.nets.pairs.biggan_lite:PAIR",
        "style": "elmyr.nets.pairs.style:PAIR",
        "r3gan": "elmyr.nets.pairs.r3gan:PAIR",
    },
    accept=_accepted,
)
OF_BEFORE = {"blocks": 1}  # what runs of before have for pairs without it


def options_heard(network: Mapping[str, Any]) -> dict[str, Any]:
    """A pair's name and options, less what only runs of before had; InputError for an option that it does not have."""
    known = ["name", *PAIRS.named(str(network["name"])).config.model_fields]
    for option, value in network.items():
        if option not in known and OF_BEFORE.get(option) != value:
            mend = suggestion(option, known)
            if option in OF_BEFORE:
                mend = f"leave network.{option} at {OF_BEFORE[option]}"
            raise InputError(f"network '{network['name']}' has no {option}: {mend}")
    return {option: value for option, value in network.items() if option in known}


def network_choices(name: str, stated: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a pair by its own defaults and, where its size is stated as that of elmyr's own, a preset's."""
    config = PAIRS.named(name).config
    own = config().model_dump()
    return own | (dict(stated) if issubclass(config, SizedConfig) else {}) | {"name": name}


class NetworkConfig(BaseModel):
    """The two networks: which pair, and the options of the config that the pair owns."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str = "residual"
    latent: int = 64

    @model_validator(mode="before")
    @classmethod
    def _options_of_the_pair(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        given = options_heard({"name": "residual"} | values)
        name = given.pop("name")
        return {"name": name} | PAIRS[name].config(**given).model_dump()

    @property
    def options(self) -> dict[str, Any]:
        """What the pair's config is made of."""
        return self.model_dump(exclude={"name"})
