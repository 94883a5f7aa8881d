"""Arms that learn from images without labels, too."""

from __future__ import annotations

from elmyr.studies.arms.arm import Arm, Case
from elmyr.studies.arms.dual_pseudo import best_of_seeds, dual_pseudo_training


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
        "consistency, rising thresholds",
        "consistency",
        "consistency, with a threshold for pseudo-labels that rises with how sure the recognizer is, class by class",
        paper="Wang et al. 2023",
        effort="standard",
        parameters={"settings": {"semi.consistency.rising": True}},
        where=_unlabeled,
    ),
    Arm(
        "consistency, soft labels",
        "consistency",
        "consistency, with all predicted probabilities as a pseudo-label",
        effort="thorough",
        parameters={"settings": {"semi.consistency.soft": True}},
        where=_unlabeled,
    ),
    Arm(
        "consistency, best of 3 seeds",
        "consistency",
        "consistency, with three seeds; the one whose predictions tell most of unlabeled images is taken",
        paper="Krause et al. 2010",
        effort="standard",
        train=best_of_seeds,
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
        "unlabeled images, too: as 'consistency', and the recognizer is the discriminator of a GAN",
        plays=True,
        where=_unlabeled,
    ),
    Arm(
        "dual pseudo training",
        "consistency",
        "consistency, a GAN that learns from all images by predicted labels, and consistency again with its images",
        paper="You et al. 2023",
        effort="standard",
        trains_gan=True,
        shares=(0.5,),
        train=dual_pseudo_training,
        where=_unlabeled,
    ),
)
