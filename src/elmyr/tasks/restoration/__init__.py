"""Restoration: damage done and undone; noise, holes, occlusion, blur, few pixels, by one network or by a plain GAN."""

from elmyr.tasks.restoration.corruptions import KINDS
from elmyr.tasks.restoration.damage import Damaged, corrupt, damage_of
from elmyr.tasks.restoration.files import Masks, damage_files, repair_files
from elmyr.tasks.restoration.inversion import invert, require_invertible
from elmyr.tasks.restoration.noisy import restore_noisy
from elmyr.tasks.restoration.repair import Repair
from elmyr.tasks.restoration.restorer import Restorer
from elmyr.tasks.restoration.spec import train_restorer

__all__ = [
    "KINDS",
    "Damaged",
    "Masks",
    "Repair",
    "Restorer",
    "corrupt",
    "damage_files",
    "damage_of",
    "invert",
    "repair_files",
    "require_invertible",
    "restore_noisy",
    "train_restorer",
]
