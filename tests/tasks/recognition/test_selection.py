"""What a validation part is good for: the best weights, and probabilities that mean what they say."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError

from elmyr import Recognizer
from elmyr.core.errors import InputError
from elmyr.engine.data import ResidentData
from elmyr.images import ImageSet
from elmyr.metrics import calibration_error
from elmyr.nets import StridedClassifier
from elmyr.tasks.gan.model import to_unit
from elmyr.tasks.recognition.learning.augmenting import Augmenting
from elmyr.tasks.recognition.learning.selection import Selection, fitted_temperature
from elmyr.tasks.recognition.learning.task import RecognizerTask, Teacher
from elmyr.tasks.recognition.predicting.inference import logits_of
from tests.conftest import small_image_set

QUICK = {"updates": 40, "batch": 32, "base": 8, "dimension": 16, "device": "cpu"}


def test_the_weights_with_the_fewest_errors_are_kept() -> None:
    """Untrained, trained, untrained: the trained ones, whose figures a resumed run knows, too."""
    blobs, fresh = small_image_set(), small_image_set(90, seed=3)
    trained = Recognizer(**QUICK).fit(blobs.images, blobs.labels).net_
    task = new_task(deepcopy(trained))
    untrained = StridedClassifier(8, 8, 1, 3, base=8, dimension=16)
    selection = Selection(task, fresh)
    figures = []
    for net in (untrained, trained, untrained):
        task.average.load_state_dict(net.state_dict())
        figures.append(selection.look(0)["validation_error"])
    assert figures[0] == figures[2] == selection.figure and figures[0] > 0.3 and figures[1] < 0.05
    again = Selection(task, fresh)
    again.restore(selection.state())
    again.look(0)
    read = logits_of(selection.best, fresh.images).argmax(1)
    assert (read == fresh.require_labels()).mean() == 1 - figures[1]
    assert again.state() == selection.state()


def test_a_checkpoint_from_before_small_classes_counted_as_much_keeps_its_error() -> None:
    blobs = small_image_set(90)
    uneven = blobs.take(np.r_[np.flatnonzero(blobs.labels != 2), np.flatnonzero(blobs.labels == 2)[:5]])
    selection = Selection(new_task(StridedClassifier(8, 8, 1, 3, base=8, dimension=16)), uneven)
    assert selection.state() == {"error": None, "lowest": None, "balanced": True}
    selection.restore({"error": 0.5, "lowest": 0.25})
    assert selection.state() == {"error": 0.5, "lowest": 0.25, "balanced": False}


def new_task(net: StridedClassifier, teacher: Teacher | None = None) -> RecognizerTask:
    options = {"learning_rate": 1e-3, "weight_decay": 0.0, "augment": Augmenting(), "seed": 0, "precision": "fp32"}
    return RecognizerTask(net.requires_grad_(True), teacher=teacher, device=torch.device("cpu"), **options)


def test_a_temperature_divides_logits_that_are_too_sure() -> None:
    """By reference: logits three times as large need a temperature three times as high."""
    torch.manual_seed(0)
    net = StridedClassifier(8, 8, 1, 3, base=8, dimension=16).requires_grad_(False)
    blobs = small_image_set(300)
    drawn = np.random.default_rng(0)
    probabilities = torch.from_numpy(logits_of(net, blobs.images) * 4).softmax(1).numpy()
    labels = np.array([drawn.choice(3, p=row) for row in probabilities])
    images = ImageSet(blobs.images, labels, blobs.classes)
    first = fitted_temperature(net, images)
    net.logits.weight.mul_(3)
    net.logits.bias.mul_(3)
    assert fitted_temperature(net, images) == pytest.approx(3 * first, rel=1e-2)


def test_calibration_error_by_hand() -> None:
    """Two images at .8, one right: .3 apart; two at .6, both right: .4 apart."""
    rows = [[0.8, 0.2], [0.8, 0.2], [0.6, 0.4], [0.6, 0.4]]
    assert calibration_error(rows, [0, 1, 0, 0]) == pytest.approx((0.3 + 0.4) / 2)
    assert calibration_error([[1.0, 0.0]], [0]) == 0


def test_calibrated_probabilities_are_kept_when_saved(tmp_path: object) -> None:
    blobs, fresh = small_image_set(), small_image_set(60, seed=3)
    recognizer = Recognizer(**QUICK).fit(blobs.images, blobs.labels, validation=(fresh.images, fresh.labels))
    assert recognizer.temperature_ != 1
    recognizer.save(str(tmp_path))
    again = Recognizer.load(str(tmp_path))
    assert np.array_equal(again.predict_proba(fresh.images), recognizer.predict_proba(fresh.images))
    by_features = again.proba_of_features(again.features(fresh.images))
    assert by_features == pytest.approx(again.predict_proba(fresh.images), abs=1e-5)


def test_a_tiny_recognizer_learns_what_its_teacher_reads_and_not_y() -> None:
    blobs, fresh = small_image_set(240), small_image_set(90, seed=7)
    teacher = Recognizer(**QUICK | {"updates": 80}).fit(blobs.images, blobs.labels)
    tiny = Recognizer(**QUICK | {"method": "augment", "base": 4, "dimension": 8, "updates": 120})
    tiny.fit(blobs.images, np.roll(blobs.require_labels(), 1), teacher=teacher)
    weights = [sum(p.numel() for p in each.net_.parameters()) for each in (tiny, teacher)]
    assert weights[0] < weights[1] / 2
    assert (tiny.predict(fresh.images) == teacher.predict(fresh.images)).mean() > 0.95


def test_a_teacher_teaches_the_probabilities_that_it_gives() -> None:
    blobs = small_image_set(30)
    teacher = Recognizer(**QUICK).fit(blobs.images, blobs.labels)
    teacher.temperature_ = 3.0
    images = to_unit(torch.from_numpy(blobs.images).permute(0, 3, 1, 2))
    taught = teacher.reading((8, 8, 1), torch.device("cpu"))(images)
    assert taught.numpy() == pytest.approx(teacher.predict_proba(blobs.images), abs=1e-5)


def test_a_validation_part_without_a_mistake_does_not_promise_that_there_will_be_none() -> None:
    """Of 60 images that are all read right, the 61st is thought to be a third of each class."""
    blobs, fresh = small_image_set(), small_image_set(60, seed=3)
    recognizer = Recognizer(**QUICK | {"updates": 80})
    recognizer.fit(blobs.images, blobs.labels, validation=(fresh.images, fresh.labels))
    assert recognizer.score(fresh.images, fresh.labels) == 1
    doubt = 1 - recognizer.predict_proba(fresh.images).max(1).mean()
    assert 1 / 300 < doubt < 1 / 30


def test_soft_targets_are_the_teacher_s_probabilities() -> None:
    """Taught by itself a network at its own probabilities has no gradient in the last layer's bias."""
    torch.manual_seed(0)
    net = StridedClassifier(8, 8, 1, 3, base=8, dimension=16)
    task = new_task(net, teacher=lambda images: net(images).softmax(1))
    task.update(ResidentData(small_image_set(), seed=0, device=torch.device("cpu")).batch(0, 32), 0)
    bias = net.logits.bias.grad
    assert bias is not None and bias.abs().max() < 1e-6


def test_a_teacher_of_other_images_or_classes_is_refused() -> None:
    blobs = small_image_set()
    teacher = Recognizer(**QUICK | {"updates": 1}).fit(blobs.images, blobs.labels)
    wide = small_image_set(60, size=12)
    with pytest.raises(InputError, match="the teacher takes images"):
        Recognizer(**QUICK).fit(wide.images, wide.labels, teacher=teacher)
    with pytest.raises(InputError, match="of the classes 0, 1, 2"):
        Recognizer(**QUICK).fit(blobs.images, np.array(["x", "y", "z"])[blobs.labels], teacher=teacher)
    with pytest.raises(NotFittedError):
        Recognizer(**QUICK).fit(blobs.images, blobs.labels, teacher=Recognizer())


def test_a_fit_that_fails_leaves_no_recognizer_behind() -> None:
    blobs = small_image_set()
    recognizer = Recognizer(**QUICK | {"updates": 1}).fit(blobs.images, blobs.labels)
    with pytest.raises(InputError):
        recognizer.fit(blobs.images, np.full(len(blobs), 7))
    with pytest.raises(NotFittedError):
        recognizer.predict(blobs.images)
