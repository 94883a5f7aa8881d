"""Recognition: classifiers of images, trained on real and generated ones, from many labels or few."""

from elmyr.recognition.judging import Reading, images_to_read, mistakes_grid, read_through, write_readings
from elmyr.recognition.recognizer import TINY, Recognizer, default_updates
from elmyr.recognition.runs import open_recognizer, resume_recognizer, train_recognizer

__all__ = [
    "TINY",
    "Reading",
    "Recognizer",
    "default_updates",
    "images_to_read",
    "mistakes_grid",
    "open_recognizer",
    "read_through",
    "resume_recognizer",
    "train_recognizer",
    "write_readings",
]
