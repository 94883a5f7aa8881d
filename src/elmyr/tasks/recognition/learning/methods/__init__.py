"""How a recognizer may learn: each method a TOML file, the same for every draw and number of labels."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from elmyr.core.errors import InputError, suggestion
from elmyr.engine.config import validated
from elmyr.losses.policies import CHANGES, NONE, policy_of
from elmyr.losses.policies.mixing import MIXINGS
from elmyr.tasks.recognition.generated.two_stages import StagesConfig
from elmyr.tasks.recognition.learning.semi import SemiConfig
from elmyr.tasks.recognition.robust.config import RobustConfig

AUTO = "auto"


class MethodConfig(BaseModel):
    """All that a method does, whatever it learns from."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    about: str
    needs: Literal["labels", "unlabeled", "generated"] = Field("labels", description="what it cannot do without")
    updates: int = Field(ge=1)
    updates_of_tiny: int = Field(ge=1, description="of images below 16 pixels a side")
    batch: int = Field(ge=1, description="images an update")
    base: int = Field(32, ge=4, description="channels of the first convolution")
    dimension: int = Field(96, ge=1, description="entries of the features")
    learning_rate: float = Field(2e-3, gt=0)
    weight_decay: float = Field(0.02, ge=0)
    augment: str = Field(
        NONE,
        description=f"how labeled images are changed: {NONE}, or {', '.join(CHANGES)}, several joined by +, or {AUTO}: "
        "chosen on the validation part",
    )
    mixing: str = Field(NONE, description=f"whether pairs of labeled images are mixed: {NONE}, {', '.join(MIXINGS)}")
    retraining: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="the share of the updates, the last ones, that learn the last layer anew, with all classes alike",
    )
    drawn_features: float = Field(
        0.0,
        ge=0,
        le=1,
        description="in the updates of retraining, the share of the features of small classes that are drawn",
    )
    semi: SemiConfig | None = Field(None, description="what unlabeled images teach")
    stages: StagesConfig | None = Field(None, description="what generated images teach first")
    robust: RobustConfig | None = Field(None, description="what attacks it is to withstand")

    @property
    def hears_unlabeled(self) -> bool:
        """Whether images without labels change what is learned."""
        return self.semi is not None or (self.stages is not None and self.stages.teaches == "features")

    @property
    def policy(self) -> str | None:
        """How labeled images are changed; None for a method that has its own ways."""
        return self.augment if self.semi is None else None

    @field_validator("augment", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """As settings were before there was more than one policy: whether images are moved a little."""
        return {True: "affine", False: NONE}[value] if isinstance(value, bool) else value


SECTIONS = ("semi", "stages", "robust")
SETTINGS = tuple(name for name in MethodConfig.model_fields if name not in ("about", "needs", *SECTIONS))


def method_names() -> list[str]:
    """The names of all methods."""
    return sorted(entry.name[:-5] for entry in files(__name__).iterdir() if entry.name.endswith(".toml"))


def read_method(name: str, changes: Mapping[str, Any] | None = None) -> MethodConfig:
    """A method's choices, with `changes` by dotted names, such as `semi.consistency.threshold`."""
    if name not in method_names():
        raise InputError(f"no method '{name}': {suggestion(name, [*method_names(), AUTO])}")
    content = tomllib.loads((files(__name__) / f"{name}.toml").read_text(encoding="utf-8"))
    for dotted, value in (changes or {}).items():
        *sections, last = dotted.split(".")
        if not sections and last not in SETTINGS:
            raise InputError(f"a recognizer has no setting '{dotted}': {suggestion(dotted, SETTINGS)}")
        if sections and sections[0] not in content:
            raise InputError(f"method '{name}' has no choice '{dotted}': leave it out, or take another method")
        within = content
        for section in sections:
            within = within.setdefault(section, {})
            if not isinstance(within, dict):
                raise InputError(f"method '{name}' has no choice '{dotted}': '{section}' is no section")
        within[last] = value
    config = validated(MethodConfig, f"method '{name}'", **content)
    if config.retraining and any(getattr(config, section) is not None for section in SECTIONS):
        raise InputError(f"method '{name}' does not retrain its last layer: leave retraining out, or take decoupled")
    if config.drawn_features and not config.retraining:
        raise InputError(f"method '{name}' draws no features: leave drawn_features out, or take feature-oversampling")
    _require_policy(name, config)
    if config.semi is not None and config.batch <= config.semi.labeled:
        raise InputError(
            f"a batch of {config.batch} has no room for unlabeled images beside {config.semi.labeled} labeled ones: "
            "make it larger, or semi.labeled smaller"
        )
    return config


def _require_policy(name: str, config: MethodConfig) -> None:
    """InputError for a policy or a mixing that is none, or that the method would not hear."""
    if config.augment != AUTO:
        policy_of(config.augment)
    if config.mixing != NONE:
        MIXINGS.require(config.mixing)
    if config.semi is not None and (config.augment not in (NONE, "affine") or config.mixing != NONE):
        raise InputError(f"method '{name}' changes images in its own ways: leave out augment and mixing")


def chosen_method(name: str, *, has_unlabeled: bool, has_generated: bool, robust: bool = False) -> str:
    """The method itself, or what `auto` becomes: generated images where given, else unlabeled ones, else labels alone.

    robust: whether it is to withstand attacks.

    InputError where the method lacks what it needs.
    """
    if name == AUTO and robust and has_unlabeled:
        raise InputError(
            "no method withstands attacks and learns from unlabeled images, too: leave out --robust or --unlabeled, or "
            "take the method robust, which learns from labels alone"
        )
    if name == AUTO and robust:
        return "gan-robust" if has_generated else "robust"
    if name == AUTO:
        return "gan-augment" if has_generated else "consistency" if has_unlabeled else "augment"
    needs = read_method(name).needs
    if robust and read_method(name).robust is None:
        raise InputError(f"method '{name}' has no defense against attacks: leave out --robust, or take robust")
    if needs == "unlabeled" and not has_unlabeled:
        raise InputError(f"method '{name}' learns from unlabeled images, too: give some, or mark them in y by -1")
    if needs == "generated" and not has_generated:
        raise InputError(f"method '{name}' learns from generated images, too: give them as generated=(images, labels)")
    return name
