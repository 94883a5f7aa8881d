"""Which files or folders hold training images and which test images: told by their names."""

import re
from collections.abc import Sequence
from pathlib import Path

PART = re.compile(r"(train|training|val|valid|validation|test|testing)(?![a-z])", re.IGNORECASE)
TESTING = {"test", "testing"}


def training_and_test(paths: Sequence[Path]) -> tuple[list[Path], list[Path]] | None:
    """The paths of training and of test images; None unless every name begins with its part and one is for training.

    Validation images count as training images: elmyr splits these itself.
    """
    parts = [found[1].lower() if (found := PART.match(path.name)) else "" for path in paths]
    if not all(parts) or not set(parts) - TESTING:
        return None
    testing = [path for path, part in zip(paths, parts, strict=True) if part in TESTING]
    return [path for path in paths if path not in testing], testing
