"""Arms that learn from images without labels, too."""

from __future__ import annotations

from elmyr.studies.arms.arm import Arm, Case


def _unlabeled(case: Case) -> bool:
    return case.trouble.labels_per_class is not None


FEW_LABELS = (
    Arm(
        "consistency",
        "consistency",
        "unlabeled images, too: a strongly altered one is to be read as its original is",
        paper="Sohn et al. 2020",
        where=_unlabeled,
    ),
    Arm(
        "gan-semi",
        "gan-semi",
        "unlabeled images, too: the recognizer is the discriminator of a GAN",
        paper="Salimans et al. 2016",
        plays=True,
        where=_unlabeled,
    ),
    Arm(
        "gan-consistency",
        "gan-consistency",
        "unlabeled images, too: both of these in one",
        plays=True,
        where=_unlabeled,
    ),
)
