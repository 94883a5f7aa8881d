"""Restoration: damage done and undone; noise, holes, occlusion, blur, few pixels, by one network or by a plain GAN."""

from elmyr.restoration.corruptions import KINDS
from elmyr.restoration.damage import Damaged, corrupt, damage_of
from elmyr.restoration.files import Masks, damage_files, repair_files
from elmyr.restoration.inversion import invert, require_invertible
from elmyr.restoration.noisy import restore_noisy
from elmyr.restoration.repair import Repair
from elmyr.restoration.restorer import Restorer
from elmyr.restoration.runs import train_restorer

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
