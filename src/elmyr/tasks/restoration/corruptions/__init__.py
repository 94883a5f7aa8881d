"""Damage: seeded, composable, of whole batches on their device. A family is a file, a kind a line in its table."""

from elmyr.tasks.restoration.corruptions.blur import BLUR
from elmyr.tasks.restoration.corruptions.covering import COVERING
from elmyr.tasks.restoration.corruptions.holes import HOLES
from elmyr.tasks.restoration.corruptions.kinds import CorruptionKind
from elmyr.tasks.restoration.corruptions.noise import NOISE
from elmyr.tasks.restoration.corruptions.tone import TONE

KINDS: dict[str, CorruptionKind] = NOISE | HOLES | COVERING | BLUR | TONE

__all__ = ["KINDS", "CorruptionKind"]
