"""Recognition: classifiers of images, trained on real and generated ones, from many labels or few."""

from typing import TYPE_CHECKING

from elmyr.core.lazy import lazily

if TYPE_CHECKING:
    from elmyr.tasks.recognition.generated.fresh_samples import FreshSamples as FreshSamples
    from elmyr.tasks.recognition.generated.fresh_samples import Origin as Origin
    from elmyr.tasks.recognition.judging import images_to_read as images_to_read
    from elmyr.tasks.recognition.judging import mistakes_grid as mistakes_grid
    from elmyr.tasks.recognition.judging import unlabeled_images as unlabeled_images
    from elmyr.tasks.recognition.kept_scores import keep_reading as keep_reading
    from elmyr.tasks.recognition.label_errors.estimate import Doubts as Doubts
    from elmyr.tasks.recognition.label_errors.estimate import doubting as doubting
    from elmyr.tasks.recognition.label_errors.estimate import doubts_of as doubts_of
    from elmyr.tasks.recognition.label_errors.estimate import told_of_spared as told_of_spared
    from elmyr.tasks.recognition.label_errors.estimate import with_corrections as with_corrections
    from elmyr.tasks.recognition.label_errors.estimate import without_suspects as without_suspects
    from elmyr.tasks.recognition.learning.chosen_samples import chosen_samples as chosen_samples
    from elmyr.tasks.recognition.learning.gan_oversampler import GanOverSampler as GanOverSampler
    from elmyr.tasks.recognition.learning.resampled import resampled as resampled
    from elmyr.tasks.recognition.learning.unlabeled import UnlabeledScore as UnlabeledScore
    from elmyr.tasks.recognition.learning.unlabeled import best_without_labels as best_without_labels
    from elmyr.tasks.recognition.learning.unlabeled import pseudo_labeled as pseudo_labeled
    from elmyr.tasks.recognition.learning.unlabeled import unlabeled_score as unlabeled_score
    from elmyr.tasks.recognition.predicting.predictions import Prediction as Prediction
    from elmyr.tasks.recognition.recognizer import TINY as TINY
    from elmyr.tasks.recognition.recognizer import Recognizer as Recognizer
    from elmyr.tasks.recognition.recognizer import default_updates as default_updates
    from elmyr.tasks.recognition.scores import Reading as Reading
    from elmyr.tasks.recognition.scores import read_through as read_through
    from elmyr.tasks.recognition.scores import told_of_balance as told_of_balance
    from elmyr.tasks.recognition.scores import told_of_few as told_of_few
    from elmyr.tasks.recognition.sources import open_recognizer as open_recognizer
    from elmyr.tasks.recognition.spec import train_recognizer as train_recognizer

__all__ = [
    "TINY",
    "Doubts",
    "FreshSamples",
    "GanOverSampler",
    "Origin",
    "Prediction",
    "Reading",
    "Recognizer",
    "UnlabeledScore",
    "best_without_labels",
    "chosen_samples",
    "default_updates",
    "doubting",
    "doubts_of",
    "images_to_read",
    "keep_reading",
    "mistakes_grid",
    "open_recognizer",
    "pseudo_labeled",
    "read_through",
    "resampled",
    "told_of_balance",
    "told_of_few",
    "train_recognizer",
    "unlabeled_images",
    "unlabeled_score",
    "with_corrections",
    "without_suspects",
]

# At their first use: a prediction must not wait for scikit-learn.
_HOMES = {
    "TINY": "elmyr.tasks.recognition.recognizer",
    "Doubts": "elmyr.tasks.recognition.label_errors.estimate",
    "FreshSamples": "elmyr.tasks.recognition.generated.fresh_samples",
    "GanOverSampler": "elmyr.tasks.recognition.learning.gan_oversampler",
    "Origin": "elmyr.tasks.recognition.generated.fresh_samples",
    "Prediction": "elmyr.tasks.recognition.predicting.predictions",
    "Reading": "elmyr.tasks.recognition.scores",
    "Recognizer": "elmyr.tasks.recognition.recognizer",
    "UnlabeledScore": "elmyr.tasks.recognition.learning.unlabeled",
    "best_without_labels": "elmyr.tasks.recognition.learning.unlabeled",
    "pseudo_labeled": "elmyr.tasks.recognition.learning.unlabeled",
    "unlabeled_score": "elmyr.tasks.recognition.learning.unlabeled",
    "chosen_samples": "elmyr.tasks.recognition.learning.chosen_samples",
    "default_updates": "elmyr.tasks.recognition.recognizer",
    "doubting": "elmyr.tasks.recognition.label_errors.estimate",
    "doubts_of": "elmyr.tasks.recognition.label_errors.estimate",
    "told_of_spared": "elmyr.tasks.recognition.label_errors.estimate",
    "images_to_read": "elmyr.tasks.recognition.judging",
    "keep_reading": "elmyr.tasks.recognition.kept_scores",
    "unlabeled_images": "elmyr.tasks.recognition.judging",
    "mistakes_grid": "elmyr.tasks.recognition.judging",
    "open_recognizer": "elmyr.tasks.recognition.sources",
    "read_through": "elmyr.tasks.recognition.scores",
    "resampled": "elmyr.tasks.recognition.learning.resampled",
    "told_of_balance": "elmyr.tasks.recognition.scores",
    "told_of_few": "elmyr.tasks.recognition.scores",
    "train_recognizer": "elmyr.tasks.recognition.spec",
    "with_corrections": "elmyr.tasks.recognition.label_errors.estimate",
    "without_suspects": "elmyr.tasks.recognition.label_errors.estimate",
}
__getattr__ = lazily(__name__, _HOMES)
