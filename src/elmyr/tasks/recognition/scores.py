"""How well a recognizer reads: accuracy, balanced accuracy, recall class by class, and its mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from elmyr.core.errors import InputError
from elmyr.images import ImageSet
from elmyr.metrics import (
    FEWEST_TESTED,
    Proportion,
    Recall,
    accuracy,
    calibration_error,
    chance_of,
    half_width,
    is_unbalanced,
    mean_recall,
    ratio_of,
    recalls_of,
    wilson_interval,
)
from elmyr.tasks.recognition.recognizer import Recognizer
from elmyr.tasks.recognition.robust.judging import Withstood, withstood_by

NAMED = 3


@dataclass(frozen=True)
class Reading:
    """What a recognizer read in labeled images. confusion: [class][prediction], counts of images.

    labels, predicted int64 (N,): places in `classes`; probability float64 (N,): of the prediction.
    unbalanced: whether classes differ by 3:1 or more, in these images or in those that it learned from. views: over how
    many views of each image its probabilities are the mean. withstood: how it read images that were attacked, of one
    that is trained to withstand that.
    """

    count: int
    classes: tuple[str, ...]
    accuracy: float
    interval: tuple[float, float]
    calibration_error: float
    confusion: NDArray[np.int64]
    mistakes: NDArray[np.int64]  # places of the images that were read wrong, the surest first
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probability: NDArray[np.float64]
    unbalanced: bool
    views: int = 1
    withstood: Withstood | None = None

    @property
    def recalls(self) -> NDArray[np.float64]:
        """The share of each class that was classified correctly; NaN for a class without images."""
        counts = self.confusion.sum(1)
        return np.where(counts > 0, self.confusion.diagonal() / np.maximum(counts, 1), np.nan)

    @property
    def worst_first(self) -> list[Recall]:
        """The recall of each class that has images, with its interval, the lowest first."""
        return recalls_of(self.confusion)

    @property
    def balanced(self) -> Proportion:
        """The balanced accuracy, the mean of the recalls, with its interval."""
        return mean_recall(self.confusion)

    def taken_for(self, place: int) -> tuple[str, int] | None:
        """As what the images of a class were most often misread, and how many; None where none was."""
        row = self.confusion[place].copy()
        row[place] = 0
        return (self.classes[row.argmax()], int(row.max())) if row.any() else None

    def lines(self, part: str, name: str) -> list[str]:
        """The result in one line, in a second the lowest recalls where classes are unbalanced, and what is unsure.

        The last line says where the recognizer is no better than guessing.

        part: what the images are, such as "test images"; name: of which set.
        """
        plain = Proportion(self.accuracy, *self.interval)
        figures = {"balanced accuracy": self.balanced, "accuracy": plain} if self.unbalanced else {"accuracy": plain}
        told = ", ".join(f"{name} {told_share(share)}" for name, share in figures.items())
        seen = f" (the mean of {self.views} views of each)" if self.views > 1 else ""
        lines = [f"{self.count:,} {part} of {name}{seen}: {told}"]
        if self.unbalanced:
            lowest = self.worst_first[:NAMED]
            told = ", ".join(f"{self.classes[each.label]} {told_recall(each)}" for each in lowest)
            lines.append(f"lowest recalls: {told}")
        if self.withstood is not None and self.views == 1:
            lines.append(told_of_robust(self.withstood, part))
        elif self.withstood is not None:  # of a mean of views an attack has to know
            lines.append(
                f"robust accuracy is not measured over {self.views} views: leave out --average, or attack the mean of "
                f"them by elmyr recognizer attack RUN --average {self.views}"
            )
        if warning := told_of_few(self.classes, self.confusion.sum(1).tolist(), part):
            lines.append(warning)
        if (chance := chance_of(self.confusion)) is not None:
            lines.append(
                f"not significantly better than guessing, which has a balanced accuracy of {chance:.1%}: try more "
                "--updates, more images, or a larger --size"
            )
        return lines

    def as_json(self) -> dict[str, Any]:
        """All of it in JSON values; recalls and their intervals in the order of the classes."""
        intervals: list[list[float] | None] = [None] * len(self.classes)
        for recall in self.worst_first:
            intervals[recall.label] = [recall.share.low, recall.share.high]
        balanced = self.balanced
        return {
            "count": self.count,
            "views": self.views,
            "unbalanced": self.unbalanced,
            "balanced_accuracy": balanced.value,
            "balanced_interval": [balanced.low, balanced.high],
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "calibration_error": self.calibration_error,
            "classes": list(self.classes),
            "counts": self.confusion.sum(1).tolist(),
            "recalls": [None if np.isnan(share) else float(share) for share in self.recalls],
            "recall_intervals": intervals,
            "confusion": self.confusion.tolist(),
            "mistakes": self.mistakes.tolist(),
            **({} if self.withstood is None else {"robust": self.withstood.as_json()}),
        }


def told_of_robust(withstood: Withstood, part: str) -> str:
    """The robust accuracy in one line, and by what attack it was measured."""
    share = withstood.share
    told = "not measured" if share is None else f"{told_share(share)} of {withstood.images:,} {part}"
    return f"robust accuracy {told}, attacked by {withstood.attack}"


def told_share(share: Proportion) -> str:
    """A share in percent with its interval."""
    return f"{share.value:.1%} (95 % interval {share.low:.1%} to {share.high:.1%})"


def told_recall(recall: Recall) -> str:
    """The recall of a class in percent, of how many images, and its interval."""
    share = recall.share
    return f"{share.value:.1%} of {recall.count:,} images ({share.low:.1%} to {share.high:.1%})"


def told_of_few(classes: Sequence[str], counts: Sequence[int], part: str = "test images") -> str | None:
    """One line about classes with fewer than ten images to be judged by, and what that means; None without one."""
    few = sorted((count, name) for name, count in zip(classes, counts, strict=True) if count < FEWEST_TESTED)
    if not few:
        return None
    told = ", ".join(f"'{name}' has {count:,}" for count, name in few[:NAMED]) + (" …" if len(few) > NAMED else "")
    if len(few) > 1:
        which = f"{len(few)} classes have fewer than {FEWEST_TESTED} {part} ({told})"
    else:
        which = f"class {told} {part}"
    known = next((count for count, _ in few if count), None)
    if known is None:
        return f"{which}: nothing is known of its recall; add some"
    unsure = f"a recall over {known} is known to \u00b1{100 * half_width(known):.0f} percentage points"
    return f"{which}: {unsure}; more of them narrow that"


def told_of_balance(classes: Sequence[str], counts: Sequence[int]) -> str | None:
    """One line about classes that differ by 3:1 or more; None where none do."""
    if not is_unbalanced(counts):
        return None
    present = [(count, name) for name, count in zip(classes, counts, strict=True) if count]
    (most, largest), (least, smallest) = max(present, key=lambda one: one[0]), min(present, key=lambda one: one[0])
    return f"classes differ by {ratio_of(counts):.0f}:1 ({most:,} '{largest}', {least:,} '{smallest}')"


def read_through(recognizer: Recognizer, images: ImageSet, *, average: int = 1) -> Reading:
    """Reads labeled images and counts; InputError where a class is none of the recognizer's.

    average: over how many views of each image its probabilities are the mean, as in `Recognizer.predict_proba`.
    """
    names, labels = [str(each) for each in recognizer.classes_], labels_for(recognizer, images)
    views = {} if average == 1 else {"average": average}  # as in `Recognizer.predict`
    probabilities = recognizer.predict_proba(images.images, **views)
    read, surest = probabilities.argmax(1), probabilities.max(1)
    wrong = np.flatnonzero(read != labels)
    confusion = confusion_matrix(labels, read, labels=np.arange(len(names))).astype(np.int64)
    known = replace(images, labels=labels, classes=tuple(names))
    return Reading(
        count=len(images),
        classes=tuple(names),
        accuracy=accuracy(read, labels),
        interval=wilson_interval(len(images) - len(wrong), len(images)),
        calibration_error=calibration_error(probabilities, labels),
        confusion=confusion,
        mistakes=wrong[np.argsort(-surest[wrong], kind="stable")],
        labels=labels,
        predicted=read,
        probability=surest,
        unbalanced=is_unbalanced(confusion.sum(1), recognizer.class_counts_),
        views=average,
        withstood=_withstood(recognizer, known, average),
    )


def _withstood(recognizer: Recognizer, images: ImageSet, average: int) -> Withstood | None:
    """What it withstands, of one that is trained for that; over several views that is left unmeasured."""
    robust = recognizer.robust_
    if robust is None:
        return None
    return withstood_by(recognizer, images) if average == 1 else Withstood(robust.epsilon, robust.steps)


def labels_for(recognizer: Recognizer, images: ImageSet) -> NDArray[np.int64]:
    """The labels of images (N,) as places in the recognizer's classes; InputError where a class is none of these."""
    labels = images.require_labels()
    names = [str(each) for each in recognizer.classes_]
    unknown = [name for name in images.classes if name not in names]
    if unknown:
        raise InputError(f"the recognizer knows no class '{unknown[0]}' of '{images.name}', only {', '.join(names)}")
    return np.array([names.index(name) for name in images.classes], np.int64)[labels]
