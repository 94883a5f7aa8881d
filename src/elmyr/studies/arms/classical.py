"""Arms that learn from the real images alone: as they are, and by the policies of classical augmentation."""

from __future__ import annotations

from elmyr.studies.arms.arm import Arm

CLASSICAL = (
    Arm("real", "supervised", "the real training images"),
    Arm("real + classical", "augment", "these, with small turns, scalings, shears and shifts (no flips)"),
)
