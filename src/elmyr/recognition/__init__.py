"""Recognition: classifiers of images, trained on real and generated ones, from many labels or few."""

from typing import TYPE_CHECKING

from elmyr.lazy import lazily

if TYPE_CHECKING:
    from elmyr.recognition.choosing import chosen_samples as chosen_samples
    from elmyr.recognition.doubts import Doubts as Doubts
    from elmyr.recognition.doubts import doubting as doubting
    from elmyr.recognition.doubts import doubts_of as doubts_of
    from elmyr.recognition.doubts import told_of_spared as told_of_spared
    from elmyr.recognition.doubts import with_corrections as with_corrections
    from elmyr.recognition.doubts import without_suspects as without_suspects
    from elmyr.recognition.judging import images_to_read as images_to_read
    from elmyr.recognition.judging import mistakes_grid as mistakes_grid
    from elmyr.recognition.keeping import keep_reading as keep_reading
    from elmyr.recognition.oversampling import resampled as resampled
    from elmyr.recognition.predictions import Prediction as Prediction
    from elmyr.recognition.recognizer import TINY as TINY
    from elmyr.recognition.recognizer import Recognizer as Recognizer
    from elmyr.recognition.recognizer import default_updates as default_updates
    from elmyr.recognition.resampling import GanOverSampler as GanOverSampler
    from elmyr.recognition.runs import train_recognizer as train_recognizer
    from elmyr.recognition.scores import Reading as Reading
    from elmyr.recognition.scores import read_through as read_through
    from elmyr.recognition.scores import told_of_balance as told_of_balance
    from elmyr.recognition.scores import told_of_few as told_of_few
    from elmyr.recognition.sources import open_recognizer as open_recognizer

__all__ = [
    "TINY",
    "Doubts",
    "GanOverSampler",
    "Prediction",
    "Reading",
    "Recognizer",
    "chosen_samples",
    "default_updates",
    "doubting",
    "doubts_of",
    "images_to_read",
    "keep_reading",
    "mistakes_grid",
    "open_recognizer",
    "read_through",
    "resampled",
    "told_of_balance",
    "told_of_few",
    "train_recognizer",
    "with_corrections",
    "without_suspects",
]

# At their first use: a prediction must not wait for scikit-learn.
_HOMES = {
    "TINY": "elmyr.recognition.recognizer",
    "Doubts": "elmyr.recognition.doubts",
    "GanOverSampler": "elmyr.recognition.resampling",
    "Prediction": "elmyr.recognition.predictions",
    "Reading": "elmyr.recognition.scores",
    "Recognizer": "elmyr.recognition.recognizer",
    "chosen_samples": "elmyr.recognition.choosing",
    "default_updates": "elmyr.recognition.recognizer",
    "doubting": "elmyr.recognition.doubts",
    "doubts_of": "elmyr.recognition.doubts",
    "told_of_spared": "elmyr.recognition.doubts",
    "images_to_read": "elmyr.recognition.judging",
    "keep_reading": "elmyr.recognition.keeping",
    "mistakes_grid": "elmyr.recognition.judging",
    "open_recognizer": "elmyr.recognition.sources",
    "read_through": "elmyr.recognition.scores",
    "resampled": "elmyr.recognition.oversampling",
    "told_of_balance": "elmyr.recognition.scores",
    "told_of_few": "elmyr.recognition.scores",
    "train_recognizer": "elmyr.recognition.runs",
    "with_corrections": "elmyr.recognition.doubts",
    "without_suspects": "elmyr.recognition.doubts",
}
__getattr__ = lazily(__name__, _HOMES)
