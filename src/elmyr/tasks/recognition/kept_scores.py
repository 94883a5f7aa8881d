"""What a recognizer's run keeps of how well it reads: `evaluation.json`, and the images of its surest mistakes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from elmyr.core.files import write_json
from elmyr.engine.saving.run_directory import RunDirectory, beside_evaluation
from elmyr.images import ImageSet, save_npz
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.recognition.attribution.mistaken import drawn_mistakes
from elmyr.tasks.recognition.counterfactuals import find_counterfactuals, require_pair
from elmyr.tasks.recognition.recognizer import Recognizer
from elmyr.tasks.recognition.scores import Reading

KEPT = 24  # mistakes
PLAIN = re.compile(r"[^\w.-]+")


def keep_reading(
    run: RunDirectory,
    recognizer: Recognizer,
    reading: Reading,
    images: ImageSet,
    *,
    part: str = "test",
    gan: GAN | None = None,
) -> None:
    """Writes how well images were read, and beside it `mistakes.npz`, the surest first, and `reasons.npz`, why.

    part: that of the run's own images; "" for images of another source. What is not about the test part stands under
    a name of its own, beside the usual one. gan: makes `changes.npz`, of each mistake the nearest image that is read as
    its label; InputError, before anything is written, for a GAN of other images or classes.
    """
    if gan is not None:
        require_pair(recognizer, gan)
    path = run.evaluation if part == "test" else run.evaluation.with_stem(f"evaluation-{part or plain(images.name)}")
    shown = reading.mistakes[:KEPT]
    mistaken = [
        {
            "label": reading.classes[reading.labels[place]],
            "predicted": reading.classes[reading.predicted[place]],
            "probability": round(float(reading.probability[place]), 4),
        }
        for place in shown
    ]
    pictures, reasons, changes = (beside_evaluation(path, name) for name in ("mistakes", "reasons", "changes"))
    for kept in (pictures, reasons, changes):
        kept.unlink(missing_ok=True)
    if len(shown):
        wrong = images.take(shown)
        save_npz(wrong, pictures)
        drawn = drawn_mistakes(recognizer, wrong.in_memory(), reading.predicted[shown], reading.labels[shown])
        save_npz(ImageSet(drawn, None), reasons)
        if gan is not None:
            target = [reading.classes[label] for label in reading.labels[shown]]
            found = find_counterfactuals(recognizer, gan, wrong.in_memory(), target=target)
            save_npz(ImageSet(np.asarray(found.found), None), changes)
    told = {"data": images.name, "part": part, "against": part or images.name, "mistaken": mistaken}
    write_json(path, reading.as_json() | told | {"figures": _figures(reading)})


def plain(name: str) -> str:
    """A name as part of a file's."""
    return PLAIN.sub("-", name).strip("-")[:60] or "other"


def _figures(reading: Reading) -> list[dict[str, Any]]:
    """As lists of runs show them: the figure that counts, where classes are unbalanced the balanced one first."""
    balanced = reading.balanced
    plain = {"name": "accuracy", "value": reading.accuracy, "low": reading.interval[0], "high": reading.interval[1]}
    other = {"name": "balanced_accuracy", "value": balanced.value, "low": balanced.low, "high": balanced.high}
    shown = [other, plain] if reading.unbalanced else [plain]
    if reading.withstood is not None and (share := reading.withstood.share) is not None:
        shown.append({"name": "robust_accuracy", "value": share.value, "low": share.low, "high": share.high})
    return [one | {"title": str(one["name"]).replace("_", " "), "better": "higher"} for one in shown]
