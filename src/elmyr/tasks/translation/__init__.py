"""Translation: one kind of image into another, with pairs or without, and recognizers that follow."""

from elmyr.tasks.translation.adaptation import resume_adaptation, train_adapted
from elmyr.tasks.translation.config import A_TO_B, B_TO_A, DIRECTIONS
from elmyr.tasks.translation.files import translate_files, translated
from elmyr.tasks.translation.methods import METHODS
from elmyr.tasks.translation.spec import train_translator
from elmyr.tasks.translation.translator import Translator

__all__ = [
    "A_TO_B",
    "B_TO_A",
    "DIRECTIONS",
    "METHODS",
    "Translator",
    "resume_adaptation",
    "train_adapted",
    "train_translator",
    "translate_files",
    "translated",
]
