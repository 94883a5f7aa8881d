"""What a validation part is good for: the best weights of a training, and probabilities that mean what they say."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from elmyr.images import ImageSet
from elmyr.metrics import accuracy, balanced_accuracy, is_unbalanced
from elmyr.nets import StridedClassifier
from elmyr.tasks.recognition.learning.task import RecognizerTask
from elmyr.tasks.recognition.predicting.inference import logits_of

LOOKS = 20  # over the budget
COLDEST, HOTTEST = 0.05, 20.0


class Selection:
    """Looks at the averaged weights now and then, and keeps those with the fewest errors on the validation part.

    Where its classes differ by 3:1 or more, the error is the mean of the classes', so that small ones count as much.
    The best weights are a module of the task, so that checkpoints carry them; of equals the latest.
    """

    def __init__(self, task: RecognizerTask, validation: ImageSet) -> None:
        self.task, self.validation = task, validation
        self.best = deepcopy(task.average)
        task.modules["best"] = self.best
        self.balanced = is_unbalanced(np.bincount(validation.require_labels()))
        self._error: float | None = None
        self._lowest = float("inf")

    @property
    def figure(self) -> float | None:
        """The share of errors at the last look."""
        return self._error

    def look(self, position: int) -> Mapping[str, Any]:
        """Counts the errors, and keeps the weights if there were never fewer."""
        processes = self.task.processes  # one looks, all act on what it finds
        self._error = processes.of_first(self._error_at(position) if processes.writes else 0.0)
        if self._error <= self._lowest:
            self._lowest = self._error
            self.best.load_state_dict(self.task.average.state_dict())
        return {"validation_error": self._error}

    def _error_at(self, position: int) -> float:
        labels = self.validation.require_labels()
        return 1 - (balanced_accuracy if self.balanced else accuracy)(self._read(self.task.average), labels)

    def _read(self, net: StridedClassifier) -> NDArray[np.int64]:
        return np.asarray(logits_of(net, self.validation.images).argmax(1))

    def state(self) -> dict[str, Any]:
        """The errors of the last look and of the best, and what kind of error they are."""
        lowest = self._lowest if self._error is not None else None
        return {"error": self._error, "lowest": lowest, "balanced": self.balanced}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes back to such a state."""
        self.balanced = state.get("balanced", False)  # in checkpoints from before, all images counted the same
        self._error = state["error"]
        self._lowest = float("inf") if state["lowest"] is None else state["lowest"]


def fitted_temperature(net: StridedClassifier, validation: ImageSet) -> float:
    """By what the logits are divided so that the validation labels are most likely (Guo et al. 2017).

    One more image counts as being of every class alike, so that a validation part without a mistake does not promise
    that there will be none.
    """
    logits, labels = logits_of(net, validation.images), validation.require_labels()

    def surprise(log_temperature: float) -> float:
        return _surprise(logits / np.exp(log_temperature), labels)

    found = minimize_scalar(surprise, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded")
    return float(np.exp(found.x))


def _surprise(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    log_probabilities = log_softmax(logits, axis=1)
    told = log_probabilities[np.arange(len(labels)), labels].sum()
    return float(-(told + log_probabilities.mean()) / (len(labels) + 1))
