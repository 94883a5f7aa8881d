"""What a served restorer answers: a damaged image repaired, in one way or several."""

from __future__ import annotations

import numpy as np

from elmyr.core.errors import InputError
from elmyr.serving.catalog import ServedModel, WorkerOptions
from elmyr.serving.http.answers import Answer, in_base64, json_answer
from elmyr.serving.http.limits import MOST_REPAIRED
from elmyr.serving.http.uploads import decoded_one, in_channels
from elmyr.serving.worker.models import KindWork, Opened
from elmyr.serving.worker.operations import Query, one_by_one
from elmyr.tasks.restoration import Restorer, corrupt, restore_noisy

SPREAD = 2  # levels of gray for one level of deviation


def _open(served: ServedModel, options: WorkerOptions) -> Opened:
    restorer = Restorer.load(served.path, device=options.device, precision=options.precision)
    return Opened(served, restorer, [restorer.net_])


def _repair(opened: Opened, query: Query, body: bytes) -> Answer:
    restorer: Restorer = opened.model
    picture, answers, noise = decoded_one(body, opened.range_of()), int(query["answers"]), float(query["noise"])
    if picture.clear.size * (answers + 1) > MOST_REPAIRED:
        height, width = picture.clear.shape
        raise InputError(
            f"{answers} answers of {height}x{width} are too much at once: together at most {MOST_REPAIRED:,} pixels"
        )
    hidden = picture.clear[None] if picture.clear.any() else None
    seen = in_channels(picture, restorer.channels_)[None]
    asked: dict[str, int] = {"answers": answers, "seed": query["seed"]}
    if noise:
        seen = corrupt(seen, f"noise:{noise:.6f}", seed=query["seed"]).images
        repair = restore_noisy(restorer, seen, hidden, **asked)
    else:
        repair = restorer.restore(seen, hidden, **asked)
    shown = np.where(picture.clear[..., None], 0, seen[0]).astype(np.uint8)
    several = repair.answers[:, 0] if answers > 1 else repair.images
    content = {"seen": in_base64(shown), "answers": [in_base64(image) for image in several], "spread": None}
    if answers > 1:
        levels = np.rint(np.minimum(SPREAD * repair.uncertainty[0], 255)).astype(np.uint8)
        content["spread"] = in_base64(levels[..., None])
    return json_answer(content)


WORK = KindWork(_open, {"repair": one_by_one(_repair)})
