"""Recognition: classifiers of images, trained on real and generated ones, from many labels or few."""

from elmyr.recognition.choosing import chosen_samples
from elmyr.recognition.doubts import Doubts, doubting, doubts_of, with_corrections, without_suspects
from elmyr.recognition.judging import images_to_read, mistakes_grid, write_readings
from elmyr.recognition.oversampling import resampled
from elmyr.recognition.recognizer import TINY, Recognizer, default_updates
from elmyr.recognition.resampling import GanOverSampler
from elmyr.recognition.runs import open_recognizer, resume_recognizer, train_recognizer
from elmyr.recognition.scores import Reading, read_through, told_of_balance, told_of_few

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
    "told_of_balance",
    "told_of_few",
    "train_recognizer",
    "with_corrections",
    "without_suspects",
    "write_readings",
]
