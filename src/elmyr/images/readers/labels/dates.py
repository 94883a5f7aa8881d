"""Folders named by dates, as cameras and people have them: they are no classes where there are better ones in them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from elmyr.core.notes import note
from elmyr.images.dataset.passed_over import examples

DATE = re.compile(  # of a folder as 2026-10-01, 20261001, 2026_10, 01.10.2026, 2026年10月1日
    r"(19|20)\d\d([-_. ]?)(0[1-9]|1[0-2])(\2(0[1-9]|[12]\d|3[01]))?"
    r"|(0?[1-9]|[12]\d|3[01])([-_. ])(0?[1-9]|1[0-2])\7(19|20)\d\d"
    r"|(19|20)\d\d年\d\d?月(\d\d?日)?"
)


def step_of_classes(steps: Sequence[Sequence[str]], where: str) -> int:
    """Which folder around each image names its class: the first (0), or the second below dates (1). Dates are told.

    steps: of each image the names of the folders around it, at least one, the outermost first.
    """
    dates = sorted({step[0] for step in steps})
    if not all(map(DATE.fullmatch, dates)):
        return 0
    inner = {step[1] if len(step) > 1 else "" for step in steps}
    if "" in inner or len(inner) < 2 or all(map(DATE.fullmatch, inner)):
        note(f"'{where}': the classes are dates ({examples(dates)}): if they should not be, sort the images by class")
        return 0
    note(f"the folders of '{where}' are dates ({examples(dates)}): the folders in them are the classes")
    return 1
