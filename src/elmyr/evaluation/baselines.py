"""The real-data baseline: the figures of real images in the place of generated ones, kept once they are taken."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from elmyr.core.errors import InputError
from elmyr.core.files import cache_folder, read_json, write_json
from elmyr.evaluation.extractors import FeatureExtractor
from elmyr.evaluation.figure_specs import FIGURES
from elmyr.evaluation.reference import key_of
from elmyr.images import ImageSet

FORMAT = 1
OF_OTHERS = {"logits", "recognizers", "paths", "training features"}  # of other networks or images: never kept
OF_LABELS = {"labels", "labels of full classes", "design"}


def place_of_baseline(extractor: FeatureExtractor, reference: ImageSet, other: ImageSet, convention: str) -> Path:
    """Where the figures of other real images beside these are kept, as a convention takes them."""
    parts = [FORMAT, key_of(extractor, reference), other.digest(), convention]
    return cache_folder() / "baselines" / f"{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:20]}.json"


def of_features(names: Sequence[str]) -> bool:
    """Whether any of these figures looks at the images themselves, and not at labels and other networks alone."""
    return any(set(FIGURES[name].needs) - OF_OTHERS - OF_LABELS for name in names)


def kept_baseline(
    path: Path,
    names: Sequence[str],
    take: Callable[[Sequence[str]], Mapping[str, float]],
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, float]:
    """The values of figures by name, in this order: what is kept of them, and the others taken, and kept from then on.

    Figures of a plug-in, whose code may change, and those that look at other networks or images are taken each time.
    """
    known = _read(path)
    passing = [name for name in names if name in FIGURES.origins or OF_OTHERS & set(FIGURES[name].needs)]
    new = [name for name in names if name in passing or name not in known]
    taken = dict(take(new)) if new else {}
    if set(new) - set(passing):
        known |= {name: taken.get(name) for name in new if name not in passing}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, known)
        except OSError as error:
            say(f"the real-data baseline is not kept for the next time: {error}")
    values = {**known, **taken}
    return {name: value for name in names if (value := values.get(name)) is not None}


def _read(path: Path) -> dict[str, float | None]:
    """None of a figure that these images do not allow; nothing of a file that is damaged."""
    try:
        content = read_json(path)
    except InputError:
        return {}
    whole = isinstance(content, dict) and all(isinstance(value, float | None) for value in content.values())
    return content if whole else {}
