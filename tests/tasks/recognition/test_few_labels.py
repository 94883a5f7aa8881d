"""Learning from few labels and many images without: the terms by hand, and that each method learns."""

from typing import Any

import numpy as np
import pytest
import torch

from elmyr import Recognizer
from elmyr.core.errors import InputError
from elmyr.engine.data import ResidentData
from elmyr.tasks.recognition.learning.consistency import Consistency, ConsistencyConfig
from elmyr.tasks.recognition.learning.feature_matching import discriminator_loss, matching_loss, realness
from elmyr.tasks.recognition.learning.fitting import Fitting, choices_of, new_net
from elmyr.tasks.recognition.learning.lesson import Lesson
from elmyr.tasks.recognition.learning.methods import method_names, read_method
from elmyr.tasks.recognition.learning.semi import SemiConfig, SemiData, SemiTask
from tests.conftest import small_image_set

QUICK = {"updates": 60, "batch": 48, "base": 8, "dimension": 16, "device": "cpu"}
SETTINGS = {"semi.labeled": 12, "semi.game.images": 16, "semi.game.base": 4, "semi.game.latent": 8}
SEMI = ["consistency", "gan-semi", "gan-consistency"]


def with_few_labels(per_class: int = 2) -> tuple[np.ndarray, np.ndarray]:
    blobs = small_image_set(240)
    labels = np.full(len(blobs), -1)
    labels[: 3 * per_class] = blobs.require_labels()[: 3 * per_class]
    return blobs.images, labels


def test_realness_is_the_log_of_the_summed_exponentials() -> None:
    logits = torch.tensor([[0.0, 0.0, 0.0], [np.log(2), np.log(5), -50.0]], dtype=torch.float64)
    assert realness(logits).tolist() == pytest.approx([np.log(3), np.log(7)])


def test_the_discriminator_s_loss_is_that_of_one_more_outcome_whose_logit_is_0() -> None:
    """Of logits all 0 over three classes, real has three chances of four, generated one."""
    zeros = torch.zeros(5, 3, dtype=torch.float64)
    assert float(discriminator_loss(zeros, zeros)) == pytest.approx(-np.log(3 / 4) - np.log(1 / 4))


def test_features_are_matched_in_their_means() -> None:
    real, fake = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[2.0, 0.0]])
    assert float(matching_loss(real, fake)) == 9.0  # means (2, 3) and (2, 0)


def test_a_pseudo_label_is_what_is_sure() -> None:
    consistency = Consistency(ConsistencyConfig(weight=1, threshold=0.9, alignment=False), 2)
    logits = torch.tensor([[0.0, np.log(19)], [0.0, np.log(3)]])  # 95 % and 75 % of the second class
    labels, sure = consistency.pseudo_labels(logits)
    assert labels.tolist() == [1, 1] and sure.tolist() == [True, False]
    loss = consistency.loss(torch.zeros(2, 2), labels, sure)
    assert loss.tolist() == pytest.approx([np.log(2), 0])


def test_alignment_favors_the_class_that_is_read_too_seldom() -> None:
    consistency = Consistency(ConsistencyConfig(weight=1, threshold=0.5), 2)
    consistency.frequencies.copy_(torch.tensor([0.8, 0.2]))
    labels, _ = consistency.pseudo_labels(torch.tensor([[np.log(0.6), np.log(0.4)]]))
    assert labels.tolist() == [1]  # .6 / .8 is less than .4 / .2
    assert consistency.frequencies.tolist() == pytest.approx([0.798, 0.202])


def rising(**changes: Any) -> Consistency:
    config = ConsistencyConfig(weight=1, threshold=0.9, rising=True, **{"alignment": False} | changes)
    return Consistency(config, 2)


def test_a_rising_threshold_begins_at_chance_and_ends_where_it_is_told() -> None:
    consistency, sure = rising(), torch.tensor([[0.0, 9.0], [9.0, 0.0]])
    assert consistency.thresholds().tolist() == [0.5, 0.5]
    after = []
    for _ in range(400):
        consistency.pseudo_labels(sure)
        after.append(float(consistency.thresholds()[0]))
    assert after == sorted(after) and after[0] == pytest.approx(0.505, abs=1e-3) and after[-1] == pytest.approx(0.9)


def test_a_class_that_is_predicted_less_often_has_a_lower_threshold() -> None:
    consistency = rising()
    consistency.frequencies.copy_(torch.tensor([0.75, 0.25]))
    consistency.sureness.fill_(0.84)
    assert consistency.thresholds().tolist() == pytest.approx([0.84, 0.28])
    _, sure = consistency.pseudo_labels(torch.tensor([[np.log(0.7), np.log(0.3)], [np.log(0.4), np.log(0.6)]]))
    assert sure.tolist() == [False, True]


def test_soft_labels_are_the_probabilities_themselves() -> None:
    consistency = rising(soft=True)
    labels, sure = consistency.pseudo_labels(torch.tensor([[np.log(0.7), np.log(0.3)]]))
    assert labels.tolist() == [pytest.approx([0.7, 0.3])] and sure.tolist() == [True]
    loss = consistency.loss(torch.tensor([[np.log(0.9), np.log(0.1)]]), labels, sure)
    assert loss.tolist() == pytest.approx([-0.7 * np.log(0.9) - 0.3 * np.log(0.1)])


@pytest.mark.parametrize("option", ["rising", "soft"])
def test_unlabeled_images_teach_by_rising_thresholds_and_by_soft_labels(option: str) -> None:
    images, labels = with_few_labels()
    settings = SETTINGS | {f"semi.consistency.{option}": True}
    recognizer = Recognizer(method="consistency", settings=settings, **QUICK).fit(images, labels)
    fresh = small_image_set(90, seed=7)
    assert recognizer.score(fresh.images, fresh.labels) > 0.95


def test_generated_images_count_as_labeled_ones_beside_unlabeled_ones() -> None:
    """The real labels know two of the three classes alone; the third has generated images."""
    images, labels = with_few_labels()
    taught = small_image_set(60, seed=5)
    of_third = taught.images[taught.labels == 2]
    generated = (of_third, np.full(len(of_third), 2))
    labels[2] = -1  # one of the third class stays, which tells its name
    recognizer = Recognizer(method="consistency", settings=SETTINGS, **QUICK)
    recognizer.fit(images, labels, generated=generated)
    data = Fitting(recognizer, Lesson.of(images, labels, generated=generated)).data
    batch = data.batch(0, 48)
    assert batch.labels is not None and batch.labels[6:12].tolist() == [2] * 6 and (batch.labels[12:] == -1).all()
    fresh = small_image_set(90, seed=7)
    assert recognizer.score(fresh.images, fresh.labels) > 0.95


def test_a_batch_holds_so_many_labeled_images_first_and_unlabeled_ones_without_a_label() -> None:
    blobs = small_image_set(30)
    data = ResidentData(blobs, seed=0, device=torch.device("cpu"))
    batch = SemiData(data, data, count=4).batch(20, 10)
    assert batch.labels is not None and len(batch) == 10
    assert (batch.labels[:4] >= 0).all() and (batch.labels[4:] == -1).all()
    expected = [*data.order(8, 4).tolist(), *data.order(12, 6).tolist()]  # the third batch
    assert torch.equal(batch.images, torch.from_numpy(blobs.images[expected]).permute(0, 3, 1, 2))


@pytest.mark.parametrize("method", SEMI)
def test_unlabeled_images_teach(method: str) -> None:
    images, labels = with_few_labels()
    recognizer = Recognizer(method=method, settings=SETTINGS, **QUICK).fit(images, labels)
    fresh = small_image_set(90, seed=7)
    assert recognizer.method_ == method and recognizer.classes_.tolist() == [0, 1, 2]
    assert recognizer.score(fresh.images, fresh.labels) > 0.95


@pytest.mark.parametrize("method", SEMI)
def test_the_same_seed_gives_the_same_bits(method: str) -> None:
    images, labels = with_few_labels()
    first, second = (
        Recognizer(method=method, settings=SETTINGS, **QUICK | {"updates": 8}).fit(images, labels).predict_proba(images)
        for _ in range(2)
    )
    assert np.array_equal(first, second)


def test_the_generator_s_step_changes_the_generator_alone() -> None:
    blobs = small_image_set(60)
    config = SemiConfig(**read_method("gan-semi", SETTINGS).semi.model_dump())  # type: ignore[union-attr]  # it has one
    options: dict[str, Any] = {"learning_rate": 1e-3, "weight_decay": 0.0, "seed": 0, "precision": "fp32"}
    task = SemiTask(
        new_net(choices_of(Recognizer(**QUICK), "gan-semi"), (8, 8, 1), 3, 0),
        config,
        shape=(8, 8, 1),
        device=torch.device("cpu"),
        **options,
    )
    data = ResidentData(blobs, seed=0, device=torch.device("cpu"))
    task.update(SemiData(data, data, count=12).batch(0, 48), 0)
    fake = task._generate(48)
    assert fake is not None
    before = {
        name: [value.clone() for value in task.modules[name].parameters()] for name in ("recognizer", "generator")
    }
    real_features = torch.randn(36, 16)
    task._step_generator(fake, real_features, 48)
    changed = {
        name: [not torch.equal(a, b) for a, b in zip(values, task.modules[name].parameters(), strict=True)]
        for name, values in before.items()
    }
    assert not any(changed["recognizer"]) and any(changed["generator"])
    assert all(parameter.requires_grad for parameter in task.net.parameters())


def test_unlabeled_images_may_also_be_given_apart() -> None:
    blobs = small_image_set(240)
    labels = blobs.require_labels()
    recognizer = Recognizer(method="consistency", settings=SETTINGS, **QUICK)
    recognizer.fit(blobs.images[:6], labels[:6], unlabeled=blobs.images)
    assert recognizer.score(blobs.images, labels) > 0.95


def test_auto_takes_what_there_is() -> None:
    images, labels = with_few_labels()
    quick = QUICK | {"updates": 1}
    known = labels >= 0
    assert Recognizer(method="auto", **quick).fit(images[known], labels[known]).method_ == "augment"
    assert (
        Recognizer(method="auto", settings={"semi.labeled": 12}, **quick).fit(images, labels).method_ == "consistency"
    )
    taught = Recognizer(method="auto", **quick).fit(images, labels, generated=(images[known], labels[known]))
    assert taught.method_ == "gan-augment"


def test_every_method_is_a_file_that_says_what_it_is() -> None:
    of_labels = {"supervised", "augment", "strong", "elastic", "erasing", "photometric", "mixup", "cutmix"}
    of_gan = {"gan-augment", "gan-first", "features-first", "gan-robust"}
    assert set(method_names()) == of_labels | of_gan | {
        *("auto-augment", "decoupled", "feature-oversampling", "adapt", "robust"),
        *SEMI,
    }
    assert all(len(read_method(name).about) > 20 for name in method_names())


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"method": "magic"}, "no method 'magic'"),
        ({"method": "consistency"}, "learns from unlabeled images, too"),
        ({"method": "gan-augment"}, "learns from generated images, too"),
        ({"settings": {"semi.consistency.threshold": 1}}, "has no choice 'semi.consistency.threshold'"),
        ({"settings": {"learning_rat": 1}}, "no setting .learning_rat."),
        ({"settings": {"batch.size": 3}}, "has no choice 'batch.size'"),
        ({"batch": 0}, "batch is 0"),
        ({"base": 6}, "base is 6"),
    ],
)
def test_what_cannot_be_done_is_refused(parameters: dict[str, Any], message: str) -> None:
    blobs = small_image_set(30)
    with pytest.raises(InputError, match=message):
        Recognizer(**QUICK | parameters).fit(blobs.images, blobs.labels)


@pytest.mark.parametrize(
    ("labels", "unlabeled", "message"),
    [
        (np.full(30, -1), None, "all labels in y are -1"),
        (np.r_[np.zeros(10, int), np.full(20, -1)], None, "at least two classes"),
        (np.r_[np.nan, np.zeros(29)], None, "NaN"),
        (np.full(30, -1.0), None, "all labels in y are -1"),
        (np.array([*["a"] * 29, None], object), None, "several types, or None"),
        (np.arange(30) % 3, np.zeros((5, 9, 9), np.uint8), "make them alike"),
        (np.arange(30) % 3, np.zeros((5, 8, 8)), "uint8"),
    ],
)
def test_labels_and_images_that_teach_nothing_are_refused(
    labels: np.ndarray, unlabeled: np.ndarray | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Recognizer(method="auto", **QUICK).fit(small_image_set(30).images, labels, unlabeled=unlabeled)


def test_a_batch_without_room_for_unlabeled_images_is_refused() -> None:
    images, labels = with_few_labels()
    with pytest.raises(InputError, match="a batch of 12 has no room"):
        Recognizer(method="consistency", settings=SETTINGS, **QUICK | {"batch": 12}).fit(images, labels)
