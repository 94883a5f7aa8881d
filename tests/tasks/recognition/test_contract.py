"""scikit-learn's contract, by its own checks and its own tools."""

from typing import Any, Self

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import Tags
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from elmyr import Recognizer
from tests.conftest import small_image_set

QUICK = {"updates": 20, "batch": 32, "base": 8, "dimension": 16, "device": "cpu"}


NOT_KEPT = {
    "check_classifiers_classes": "it names classes -1 and 1; here -1 marks an image without a label",
    "check_methods_subset_invariance": "1e-7 is asked for; convolutions of other batch sizes round otherwise",
}


class OfTables(Recognizer):
    """A recognizer of tables of floats, which is what scikit-learn's checks feed: a row becomes a gray image."""

    def fit(self, X: Any, y: Any) -> Self:
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        return super().fit(pictures(X), y)

    def predict_proba(self, X: Any) -> Any:
        check_is_fitted(self)
        return super().predict_proba(pictures(validate_data(self, X, reset=False, dtype=np.float64)))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.three_d_array = True, False
        return tags


def pictures(rows: np.ndarray) -> np.ndarray:
    cells = np.clip(rows[:, np.arange(64) % rows.shape[1]] * 40 + 128, 0, 255)
    return cells.astype(np.uint8).reshape(-1, 8, 8)


def test_scikit_learn_s_checks_pass() -> None:
    recognizer = OfTables(**QUICK | {"updates": 30})
    results = check_estimator(recognizer, expected_failed_checks=NOT_KEPT, on_skip=None, on_fail=None)
    failed = [f"{result['check_name']}: {result['exception']}" for result in results if result["status"] == "failed"]
    assert failed == [] and len(results) > 40
    assert {result["check_name"] for result in results if result["status"] == "xfail"} == NOT_KEPT.keys()


def test_a_grid_search_chooses_a_method() -> None:
    blobs = small_image_set(120)
    search = GridSearchCV(
        Recognizer(**QUICK), {"method": ["supervised", "augment"], "learning_rate": [1e-6, 2e-3]}, cv=2
    )
    search.fit(blobs.images, blobs.labels)
    assert search.best_params_["learning_rate"] == 2e-3 and search.best_score_ > 0.95


def test_it_goes_into_a_pipeline() -> None:
    blobs = small_image_set(120)
    rows = blobs.images.reshape(len(blobs), -1)
    pipeline = make_pipeline(FunctionTransformer(lambda table: table.reshape(-1, 8, 8)), Recognizer(**QUICK))
    assert cross_val_score(pipeline, rows, blobs.labels, cv=2).mean() > 0.95


def test_parameters_survive_clone_whatever_they_are() -> None:
    asked = Recognizer(method="consistency", settings={"semi.consistency.threshold": 0.9}, updates=3, device="cpu")
    again = clone(asked)
    assert again.get_params() == asked.get_params() and again is not asked
    images, labels = small_image_set(60).images, np.r_[np.arange(30) % 3, np.full(30, -1)]
    assert again.set_params(batch=48, base=8, dimension=16).fit(images, labels).method_ == "consistency"
