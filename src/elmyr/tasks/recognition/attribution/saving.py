"""Maps as a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from elmyr.images.storage.atomic import writing
from elmyr.tasks.recognition.attribution.explaining import Explanation


def save_explanation(found: Explanation, files: list[str], path: Path) -> None:
    """Writes an .npz: `maps` float32 (N, H, W), `images` uint8 (N, H, W, C), `files`, `classes`, `targets`, `read`."""
    with writing(path) as file:
        np.savez_compressed(
            file,
            maps=found.maps.astype(np.float32),
            images=found.images,
            files=np.array(files),
            classes=np.array(found.names),
            targets=found.targets,
            read=found.read,
        )
