"""Recognition: classifiers of images, trained on real and generated ones, from many labels or few."""

from elmyr.recognition.choosing import chosen_samples
from elmyr.recognition.doubts import Doubts, doubting, doubts_of, with_corrections, without_suspects
from elmyr.recognition.judging import Reading, images_to_read, mistakes_grid, read_through, write_readings
from elmyr.recognition.oversampling import resampled
from elmyr.recognition.recognizer import TINY, Recognizer, default_updates
from elmyr.recognition.resampling import GanOverSampler
from elmyr.recognition.runs import open_recognizer, resume_recognizer, train_recognizer

__all__ = [
    "TINY",
    "Doubts",
    "GanOverSampler",
    "Reading",
    "Recognizer",
    "chosen_samples",
    "default_updates",
    "doubting",
    "doubts_of",
    "images_to_read",
    "mistakes_grid",
    "open_recognizer",
    "read_through",
    "resampled",
    "resume_recognizer",
    "train_recognizer",
    "with_corrections",
    "without_suspects",
    "write_readings",
]
