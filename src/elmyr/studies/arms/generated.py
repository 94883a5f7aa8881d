"""Arms that learn from images of the study's GAN, alone or beside the real ones."""

from __future__ import annotations

from elmyr.studies.arms.arm import Arm
from elmyr.studies.config import Effort

MIXED_SHARES = (0.25, 0.5)


def _mixed(
    real: str, method: str, about: str, efforts: tuple[Effort, Effort] = ("standard", "quick")
) -> tuple[Arm, ...]:
    """An arm for each of MIXED_SHARES, with the effort from which on it is tried."""
    return tuple(
        Arm(
            f"{real} + {100 * share:g} % generated",
            method,
            about.format(share=f"{100 * share:g} %"),
            effort=effort,
            needs_run=True,
            shares=(share,),
        )
        for share, effort in zip(MIXED_SHARES, efforts, strict=True)
    )


GENERATED = (
    Arm("generated", "supervised", "images of the GAN only", needs_run=True, shares=(1.0,)),
    *_mixed("real", "supervised", "the real training images; {share} of each batch is generated"),
    *_mixed(
        "real + classical", "augment", "real and generated images, both augmented; {share} of each batch is generated"
    ),
    *_mixed(
        "real + strong",
        "strong",
        "real and generated images, both with strong changes; {share} of each batch is generated",
    ),
    *_mixed(
        "real + mixup",
        "mixup",
        "real and generated images, in weighted means of two; {share} of each batch is generated",
        ("thorough", "thorough"),
    ),
    *_mixed(
        "real + cutmix",
        "cutmix",
        "real and generated images, with windows of another; {share} of each batch is generated",
        ("thorough", "thorough"),
    ),
)
OLDER = tuple(  # of studies from before an arm was one training
    Arm(
        name,
        method,
        "the real training images, and the share of generated ones that is best on validation",
        needs_run=True,
        shares=MIXED_SHARES,
        where=lambda case: False,
    )
    for name, method in (("real + generated", "supervised"), ("real + classical + generated", "augment"))
)
