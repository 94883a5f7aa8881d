"""The arms of a study: the ways to train the recognizer that are held against each other.

A file an idea: what an arm is, the arms of each, the table of all, and how one is trained. A new arm is a row in the
file of its idea; its name and what it is about are in the table of the report's Chinese words.
"""

from elmyr.studies.arms.arm import Arm as Arm
from elmyr.studies.arms.arm import Case as Case
from elmyr.studies.arms.arm import Training as Training
from elmyr.studies.arms.fresh_generated import kept_recipe as kept_recipe
from elmyr.studies.arms.generated import OLDER as OLDER
from elmyr.studies.arms.table import ARMS as ARMS
from elmyr.studies.arms.table import added_by_larger as added_by_larger
from elmyr.studies.arms.table import arms_for as arms_for
from elmyr.studies.arms.table import repetitions_of as repetitions_of
from elmyr.studies.arms.table import with_less_effort as with_less_effort
from elmyr.studies.arms.training import MEASURES as MEASURES
from elmyr.studies.arms.training import ArmResult as ArmResult
from elmyr.studies.arms.training import train_arm as train_arm

__all__ = [
    "ARMS",
    "MEASURES",
    "OLDER",
    "Arm",
    "ArmResult",
    "Case",
    "Training",
    "added_by_larger",
    "arms_for",
    "kept_recipe",
    "repetitions_of",
    "train_arm",
    "with_less_effort",
]
