"""The config of a run: what every kind has in it, its data among that, and how settings are written."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from elmyr.core.errors import InputError
from elmyr.engine.loop import LoopConfig
from elmyr.engine.saving.migration import FORMAT
from elmyr.images import AS_IT_IS, ImageSet, Shaping, Splits, lasting_name, open_source, split_source

M = TypeVar("M", bound=BaseModel)


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

    def reopened(self, data_root: str | os.PathLike[str] | None = None) -> Splits:
        """The split, opened again; InputError where its training images are not the same any more."""
        splits = self.opened(data_root)
        self.require_same(splits.train)
        return splits

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
    """What the `config.json` of every run has, all choices made; a kind adds its own, its data among them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: int = Field(FORMAT, description="of the file, by which a later elmyr reads it")
    kind: str = Field(description="what is trained")
    seed: int = Field(ge=0)
    device: str
    precision: Literal["bf16", "fp32"]
    loop: LoopConfig
    minutes: float | None = Field(None, description="the asked time, where the budget in images follows from it")
    extended_from: int | None = Field(None, description="the budget before a resume gave it another")
    start_from: str | None = Field(None, description="the run whose networks this one began with")
    deterministic: bool = Field(False, description="sums in one order, whatever the number of threads")
    threads: int | None = Field(None, ge=1, description="that compute; null where they are chosen on the way")

    @property
    def sources(self) -> dict[str, DataConfig]:
        """What the run learns from, by its names here."""
        return {name: value for name, value in self if isinstance(value, DataConfig)}

    def on(self, device: str) -> Self:
        """The same run on another device: where it computes is no part of what it is."""
        return self.model_copy(update={"device": device})

    def with_budget(self, images: int) -> Self:
        """With another budget, and the course that follows from it."""
        course = LoopConfig.of_budget(images, batch=self.loop.batch, decay_from=self.loop.decay_from)
        return self.model_copy(update={"loop": course})

    def extended(self, images: int) -> Self:
        """With another budget on the way: the learning rates fall by it, all else stays. Itself where it has that."""
        if images == self.loop.images:
            return self
        loop = self.loop.model_copy(update={"images": images})
        return self.model_copy(update={"loop": loop, "minutes": None, "extended_from": self.loop.images})


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


def validated(model: type[M], where: str, **values: Any) -> M:
    """A config model of these values; InputError names the first wrong one."""
    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{where}: {name} is {first['input']!r}: {first['msg']}") from None
