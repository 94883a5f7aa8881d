"""Arms against wrong labels: those that recognizers which have not seen them do not believe."""

from __future__ import annotations

from elmyr.images import ImageSet
from elmyr.studies.arms.arm import Arm, Case
from elmyr.studies.cell_data import CellData
from elmyr.tasks.recognition import with_corrections, without_suspects


def _noisy(case: Case) -> bool:
    return case.trouble.label_noise > 0


def _suspects_dropped(ground: CellData) -> ImageSet:
    return without_suspects(ground.labeled, ground.doubts)


def _suspects_corrected(ground: CellData) -> ImageSet:
    return with_corrections(ground.labeled, ground.doubts)


WRONG_LABELS = (
    Arm(
        "suspects dropped",
        "augment",
        "augmented; images whose label is likely wrong are left out",
        paper="Northcutt et al. 2021",
        images=_suspects_dropped,
        where=_noisy,
        doubts=True,
    ),
    Arm(
        "suspects corrected",
        "augment",
        "augmented; labels that are likely wrong are replaced by the likeliest",
        paper="Northcutt et al. 2021",
        images=_suspects_corrected,
        where=_noisy,
        doubts=True,
    ),
)
