"""Damage: seeded, composable, of whole batches on their device. A family is a file, a kind a line in its table."""

from elmyr.restoration.corruptions.blur import BLUR
from elmyr.restoration.corruptions.covering import COVERING
from elmyr.restoration.corruptions.holes import HOLES
from elmyr.restoration.corruptions.kinds import Kind
from elmyr.restoration.corruptions.noise import NOISE
from elmyr.restoration.corruptions.tone import TONE

KINDS: dict[str, Kind] = NOISE | HOLES | COVERING | BLUR | TONE

__all__ = ["KINDS", "Kind"]
