"""Rare classes without a GAN: logits adjusted to the classes' shares, and a last layer learned anew."""

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from elmyr import ImageSet, Recognizer
from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.engine.data import BalancedData, ResidentData, StagedData
from elmyr.metrics import balanced_accuracy
from elmyr.tasks.recognition.learning.class_weights import class_offsets, class_weights
from elmyr.tasks.recognition.learning.drawn_features import DrawnFeatures
from elmyr.tasks.recognition.learning.fitting import Fitting
from elmyr.tasks.recognition.learning.labeled_loss import LabeledLoss
from elmyr.tasks.recognition.learning.lesson import Lesson
from elmyr.tasks.recognition.learning.methods import read_method
from elmyr.tasks.recognition.learning.retrained import RetrainedTask
from tests.conftest import small_image_set

QUICK: dict[str, Any] = {"updates": 60, "batch": 32, "base": 8, "dimension": 16, "device": "cpu"}
CPU = torch.device("cpu")


def overlapping() -> tuple[np.ndarray, np.ndarray]:
    """Images of class 1 look like half of those of class 0, which are more."""
    blobs = small_image_set(200, classes=2)
    return blobs.images, (blobs.require_labels() == 1) * (np.random.default_rng(0).random(200) < 0.3)


def test_the_loss_of_adjusted_logits_is_that_of_balanced_softmax() -> None:
    """Balanced softmax weighs the exponential of each logit by how many images its class has."""
    logits, counts = torch.tensor([[0.3, -1.0, 2.0], [1.0, 0.0, -0.5]]), torch.tensor([70.0, 20.0, 10.0])
    labels = torch.tensor([2, 0])
    loss = LabeledLoss.of(None, np.log(counts.numpy() / 100), CPU)(logits, labels, labels)
    weighted = counts * logits.exp()
    expected = -(weighted[torch.arange(2), labels] / weighted.sum(1)).log().mean()
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)
    assert float(loss) != pytest.approx(float(F.cross_entropy(logits, labels)))


def test_logits_are_adjusted_by_what_is_shown_generated_images_among_it() -> None:
    X, y = overlapping()
    rare = y.mean()
    assert class_offsets("logit-adjusted", Lesson.of(X, y), 0.4) == pytest.approx(np.log([1 - rare, rare]))
    filled = Lesson.of(X, y, generated=(X[y == 1], y[y == 1]))
    assert class_offsets("logit-adjusted", filled, 0.4) == pytest.approx(np.log([0.6 * (1 - rare), 0.6 * rare + 0.4]))
    assert class_weights("logit-adjusted", filled, 0.4) is None is class_offsets("balanced", filled, 0.4)


def test_a_class_without_an_image_has_an_offset_all_the_same() -> None:
    X, y = overlapping()
    offsets = class_offsets("logit-adjusted", Lesson.of(X, y, classes=np.arange(3)), 0.5)
    assert offsets is not None and offsets[2] == pytest.approx(np.log(1 / 200))


def test_adjusted_logits_let_the_rare_class_be_read_more_often() -> None:
    X, y = overlapping()
    plain, adjusted = (Recognizer(**QUICK, class_weight=each).fit(X, y).predict(X) for each in (None, "logit-adjusted"))
    assert balanced_accuracy(plain, y) < 0.6 and balanced_accuracy(adjusted, y) > 0.7


def test_of_mixed_images_each_label_counts_by_its_own_weight() -> None:
    logits = torch.tensor([[0.3, -1.0], [1.0, 0.0]])
    labels = torch.tensor([[0.25, 0.75], [1.0, 0.0]])
    loss = LabeledLoss.of(np.array([2.0, 4.0]), None, CPU)(logits, labels, labels)
    surprise = -logits.log_softmax(1)
    expected = (0.25 * 2 * surprise[0, 0] + 0.75 * 4 * surprise[0, 1] + 2 * surprise[1, 0]) / 2
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)


def rare() -> ResidentData:
    """90 images of the first class, 9 of the second, one of the third."""
    blobs = small_image_set(300)
    labels = blobs.require_labels()
    places = [np.flatnonzero(labels == label)[:count] for label, count in enumerate((90, 9, 1))]
    return ResidentData(blobs.take(np.concatenate(places)), seed=0, device=CPU)


@pytest.mark.parametrize(("balance", "shares"), [(1.0, [1, 1, 1]), (0.5, [9.49, 3, 1]), (0.0, [90, 9, 1])])
def test_balanced_batches_even_the_classes_out(balance: float, shares: list[float]) -> None:
    labels = BalancedData(rare(), balance=balance).batch(64, 30_000).labels
    assert labels is not None
    assert torch.bincount(labels) / 30_000 == pytest.approx(np.array(shares) / sum(shares), abs=0.012)


def test_balanced_batches_are_a_function_of_the_position_and_show_every_image() -> None:
    data = rare()
    once, again, other = (BalancedData(data).batch(position, 200).images for position in (0, 0, 200))
    assert torch.equal(once, again) and not torch.equal(once, other)
    shown = {image.numpy().tobytes() for image in BalancedData(data).batch(0, 3000).images}
    assert len(shown) == 100


def test_images_without_labels_have_no_classes_to_balance() -> None:
    blobs = small_image_set(30)
    with pytest.raises(InputError, match="where images have labels"):
        BalancedData(ResidentData(type(blobs)(blobs.images, None), seed=0, device=CPU))


def retraining(updates: int = 40, method: str = "decoupled") -> tuple[RetrainedTask, StagedData]:
    X, y = overlapping()
    fitting = Fitting(Recognizer(**QUICK | {"updates": updates}, method=method), Lesson.of(X, y))
    assert isinstance(fitting.task, RetrainedTask) and isinstance(fitting.data, StagedData)
    return fitting.task, fitting.data


def trained(task: RetrainedTask, data: StagedData, first: int, last: int) -> None:
    for position in range(32 * first, 32 * last, 32):
        task.update(data.batch(position, 32), position)


def test_in_the_last_quarter_the_last_layer_alone_learns_anew_from_balanced_classes() -> None:
    task, data = retraining()
    trained(task, data, 0, 30)
    features, last = deepcopy(task.average.dense.weight), deepcopy(task.net.logits.weight)
    trained(task, data, 30, 31)
    assert not torch.allclose(task.net.logits.weight, last, atol=0.02)  # random ones again, and one step
    trained(task, data, 31, 40)
    assert torch.equal(task.net.dense.weight, features) and torch.equal(task.average.dense.weight, features)
    early, late = (data.batch(position, 3200).labels for position in (0, 32 * 30))
    assert early is not None and float(early.float().mean()) < 0.25
    assert late is not None and float(late.float().mean()) == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize("method", ["decoupled", "feature-oversampling"])
@pytest.mark.parametrize("stopped", [30, 33])
def test_retraining_goes_on_from_where_it_was_stopped_to_the_bit(stopped: int, method: str) -> None:
    whole, data = retraining(method=method)
    trained(whole, data, 0, 36)
    before, after = retraining(method=method)[0], retraining(method=method)[0]
    trained(before, data, 0, stopped)
    for name, module in after.modules.items():
        module.load_state_dict(before.modules[name].state_dict())
    for name, optimizer in after.optimizers.items():
        optimizer.load_state_dict(before.optimizers[name].state_dict())
    trained(after, data, stopped, 36)
    for one, other in zip(whole.average.parameters(), after.average.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_last_layer_learned_anew_lets_the_rare_class_be_read_more_often() -> None:
    X, y = overlapping()
    asked = QUICK | {"updates": 100, "learning_rate": 0.01}
    plain, anew = (
        Recognizer(**asked, method=method, settings=settings).fit(X, y).predict(X)
        for method, settings in (("augment", None), ("decoupled", {"retraining": 0.4}))
    )
    assert balanced_accuracy(plain, y) < 0.6 and balanced_accuracy(anew, y) > 0.7


def test_classes_that_retraining_evens_out_are_not_weighted_as_well() -> None:
    X, y = overlapping()
    lesson = Lesson.of(X, y)
    settled = [
        Recognizer(**QUICK, method=method, class_weight="auto").settled(lesson).class_weight
        for method in ("augment", "decoupled")
    ]
    assert settled == ["balanced", None]


def test_a_method_that_would_not_hear_of_retraining_refuses_it() -> None:
    with pytest.raises(InputError, match="'consistency' does not retrain its last layer: .* take decoupled"):
        read_method("consistency", {"retraining": 0.5})


class Flat(torch.nn.Module):
    """A network whose features are its pixels."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.logits = torch.nn.Linear(pixels, 3)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)


def test_features_of_a_small_class_are_drawn_around_its_mean_by_the_spread_of_large_ones() -> None:
    """Two large classes with known spreads, and five images of a third; all in 8x8 pixels of mean gray."""
    rng = np.random.default_rng(0)
    spread, labels = np.linspace(5, 20, 64), np.repeat([0, 1, 2], [400, 400, 5])
    pixels = (
        128
        + 40 * (labels == 2)[:, None]
        + rng.normal(0, 1, (805, 64)) * spread * np.where(labels == 1, 0.5, 1)[:, None]
    )
    images = ImageSet(pixels.clip(0, 255).astype(np.uint8).reshape(-1, 8, 8, 1), labels, ("a", "b", "c"))
    net: Any = Flat(64)
    drawn = DrawnFeatures.of(net, images, 3)
    assert drawn.small.tolist() == [False, False, True]
    shown, of_small = torch.zeros(20_000, 64), torch.full((20_000,), 2)
    made = drawn.among(shown, of_small, 1.0, seeds.generator(0, "draws"))
    mean = pixels[labels == 2].mean(0) / 127.5 - 1
    assert made.mean(0).numpy() == pytest.approx(mean, abs=0.01)
    expected = np.sqrt(0.5 * (1 + 0.25)) * spread / 127.5
    assert made.std(0).numpy() == pytest.approx(expected, rel=0.1)

    half = drawn.among(shown, of_small, 0.5, seeds.generator(0, "draws"))
    assert float((half != 0).any(1).float().mean()) == pytest.approx(0.5, abs=0.02)
    large = torch.tensor([0, 1] * 10_000)
    assert torch.equal(drawn.among(shown, large, 1.0, seeds.generator(0, "draws")), shown)
    mixed = torch.tensor([[0.0, 0.3, 0.7], [0.0, 0.0, 1.0]])
    assert (drawn.among(shown[:2], mixed, 1.0, seeds.generator(0, "draws")) != 0).any(1).tolist() == [False, True]


def test_drawn_features_change_the_last_layer_and_nothing_before_it() -> None:
    layers = []
    for method in ("decoupled", "feature-oversampling"):
        task, data = retraining(method=method)
        trained(task, data, 0, 40)
        layers.append(task.average)
    one, other = layers
    assert torch.equal(one.dense.weight, other.dense.weight) and not torch.equal(one.logits.weight, other.logits.weight)


def test_features_are_drawn_where_the_last_layer_is_learned_anew_alone() -> None:
    with pytest.raises(InputError, match="'augment' draws no features: .* take feature-oversampling"):
        read_method("augment", {"drawn_features": 0.5})
