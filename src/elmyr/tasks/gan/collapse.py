"""A training that ended collapsed: what its last looks measured, and what to try instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from elmyr.core.errors import InputError
from elmyr.core.files import read_json
from elmyr.engine.saving.run_directory import RunDirectory

COVERED = (
    "Collapsed ({trouble}): at {images} images seen, the generated images cover {modes} of the modes and {diversity} "
    "of the diversity of real images. Train again with: {settings}"
)
WON = (
    "Collapsed ({trouble}): at {images} images seen, discriminator accuracy is {told_apart} and {precision} of the "
    "generated images lie where real ones do. Train again with: {settings}"
)
SENTENCES = {"mode collapse": COVERED, "oscillation": COVERED, "the discriminator has won": WON}


class Collapse(BaseModel):
    """What the training monitor measured at the end; shares of one; `settings` are those to try."""

    model_config = ConfigDict(frozen=True)

    trouble: str
    images: int
    modes: float
    diversity: float
    precision: float
    told_apart: float
    settings: dict[str, Any]

    @property
    def sentence(self) -> str:
        """In English: what was seen, when, and what to try."""
        template, values = self.message
        return template.format(**values)

    @property
    def message(self) -> tuple[str, dict[str, str]]:
        """The sentence before its places are filled, and what fills them: a page translates the first."""
        shares = {name: f"{getattr(self, name):.0%}" for name in ("modes", "diversity", "precision")}
        values = {
            "trouble": self.trouble,
            "images": f"{self.images:,}",
            "told_apart": f"{self.told_apart:.1%}",
            "settings": " ".join(f"--set {setting}" for setting in written(self.settings)),
            **shares,
        }
        return SENTENCES.get(self.trouble, COVERED), values


def collapse_in(summary: Mapping[str, Any]) -> Collapse | None:
    """What a run's `summary.json` says of its end; None for a training that did not collapse."""
    try:
        return Collapse.model_validate(summary["collapse"]) if summary.get("collapse") else None
    except ValidationError:
        return None  # of another version, or damaged


def collapse_of(run: RunDirectory) -> Collapse | None:
    """What a run's training ended in, where it collapsed; None for every other run."""
    try:
        summary = read_json(run.summary) if run.finished else None
    except InputError:
        return None
    return collapse_in(summary) if isinstance(summary, dict) else None


def written(settings: Mapping[str, Any]) -> list[str]:
    """Settings as `--set` takes them."""
    return [f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in settings.items()]
