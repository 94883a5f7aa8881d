"""What a recognizer's run keeps of how well it reads: `evaluation.json`, and the images of its surest mistakes."""

from __future__ import annotations

from typing import Any

from elmyr.files import write_json
from elmyr.images import ImageSet, save_npz
from elmyr.recognition.scores import Reading
from elmyr.training.rundir import RunDirectory, beside_evaluation

KEPT = 24  # mistakes


def keep_reading(run: RunDirectory, reading: Reading, images: ImageSet) -> None:
    """Writes how well the test images of a run were read, and `mistakes.npz` beside it, the surest first."""
    shown = reading.mistakes[:KEPT]
    mistaken = [
        {
            "label": reading.classes[reading.labels[place]],
            "predicted": reading.classes[reading.predicted[place]],
            "probability": round(float(reading.probability[place]), 4),
        }
        for place in shown
    ]
    pictures = beside_evaluation(run.evaluation, "mistakes")
    pictures.unlink(missing_ok=True)
    if len(shown):
        save_npz(images.take(shown), pictures)
    told = {"data": images.name, "part": "test", "against": "test", "mistaken": mistaken, "figures": _figures(reading)}
    write_json(run.evaluation, reading.as_json() | told)


def _figures(reading: Reading) -> list[dict[str, Any]]:
    """As lists of runs show them: the figure that counts, where classes are unbalanced the balanced one first."""
    balanced = reading.balanced
    plain = {"name": "accuracy", "value": reading.accuracy, "low": reading.interval[0], "high": reading.interval[1]}
    other = {"name": "balanced_accuracy", "value": balanced.value, "low": balanced.low, "high": balanced.high}
    shown = [other, plain] if reading.unbalanced else [plain]
    return [one | {"title": str(one["name"]).replace("_", " "), "better": "higher"} for one in shown]
