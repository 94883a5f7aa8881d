"""How attacked images are read: every restart counts, in fp32, by draws of its own, and where nothing is measured."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from elmyr import Recognizer
from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.images import ImageSet
from elmyr.metrics import accuracy
from elmyr.nets import StridedClassifier
from elmyr.report.pages.recognizer_report import _withstood
from elmyr.report.parts.records import Reading
from elmyr.report.words import words_in
from elmyr.tasks.recognition import read_through
from elmyr.tasks.recognition.attacks.asked import AttackAsk
from elmyr.tasks.recognition.attacks.gradient import pgd
from elmyr.tasks.recognition.attacks.measuring import attack
from elmyr.tasks.recognition.learning.lesson import Lesson
from elmyr.tasks.recognition.learning.policy_choice import _short_training, chosen_policy, with_policy
from elmyr.tasks.recognition.model_card import model_card
from elmyr.tasks.recognition.robust.judging import CHOOSING, Attack, RobustSelection, Withstood
from tests.conftest import small_image_set
from tests.tasks.recognition.test_robust import robust_task

QUICK: dict[str, Any] = {"updates": 3, "batch": 16, "base": 4, "dimension": 8, "device": "cpu", "precision": "fp32"}
BLOBS = small_image_set(60)
COUNT, EPSILON = 200, 0.06


@pytest.fixture(scope="module")
def noise() -> tuple[StridedClassifier, ImageSet]:
    """A network of ten classes with random weights, and images that it all reads right."""
    with seeds.initialization(3, "classifier"):
        net = StridedClassifier(8, 8, 1, 10, base=4, dimension=8).requires_grad_(False).eval()
    images = np.random.default_rng(0).integers(0, 256, (COUNT, 8, 8, 1), dtype=np.uint8)
    read = net(2 * unit(images) - 1).argmax(1).numpy()
    return net, ImageSet(images, read, tuple("abcdefghij"))


def unit(images: Any) -> torch.Tensor:
    return torch.from_numpy(np.asarray(images)).permute(0, 3, 1, 2).float() / 255


def by_hand(net: StridedClassifier, images: ImageSet, draws: str, restarts: int = 1) -> Any:
    """PGD of one step from the random numbers of a name, and of its restarts the one of the greatest loss."""
    labels = torch.from_numpy(images.require_labels())
    how: dict[str, Any] = {"norm": "Linf", "epsilon": EPSILON, "steps": 1, "restarts": restarts}
    model, random = (lambda values: net(2 * values - 1)), seeds.generator(0, draws, 0)
    return net(2 * pgd(model, unit(images.images), labels, **how, generator=random) - 1).argmax(1).numpy()


def test_an_image_is_right_where_no_restart_is_misread(noise: tuple[StridedClassifier, ImageSet]) -> None:
    """The restart of the greatest loss may be read right where another is misread."""
    (net, images), labels = noise, noise[1].require_labels()
    once, thrice = (Attack(EPSILON, 1, restarts).read(net, images.images, labels, CHOOSING) for restarts in (1, 3))
    loudest = by_hand(net, images, CHOOSING, restarts=3)
    assert ((loudest == labels) & (once != labels)).any()  # else this test says nothing
    assert (thrice[once != labels] == once[once != labels]).all()
    assert 0 < (thrice == labels).sum() < (once == labels).sum() < COUNT


def test_weights_are_chosen_by_the_draws_that_they_always_were_and_measured_by_others(
    noise: tuple[StridedClassifier, ImageSet],
) -> None:
    net, images = noise
    chosen = RobustSelection(robust_task(), images, Attack(EPSILON, 1))._read(net)
    assert np.array_equal(chosen, by_hand(net, images, "judged by an attack"))
    measured = Attack(EPSILON, 1).read(net, images.images, images.require_labels())
    assert not np.array_equal(chosen, measured)


def test_attacks_compute_in_fp32_there_and_back(noise: tuple[StridedClassifier, ImageSet]) -> None:
    """As predictions do: a GPU would round to ten bits, and gradients would be those of another network."""
    seen: dict[str, list[str]] = {"there": [], "back": []}

    def look(module: Any, inputs: Any, output: torch.Tensor) -> None:
        convolutions = torch.backends.cudnn.conv  # type: ignore[attr-defined]  # torch makes it when it is imported
        seen["there"].append(convolutions.fp32_precision)
        if output.requires_grad:
            output.register_hook(lambda gradient: seen["back"].append(convolutions.fp32_precision))

    recognizer = Recognizer(**QUICK).fit(BLOBS.images, np.array(BLOBS.classes)[BLOBS.require_labels()])
    measured = (
        lambda: Attack(0.1, 2).read(recognizer.net_, BLOBS.images, BLOBS.require_labels()),
        lambda: attack(recognizer, BLOBS, AttackAsk(attack="pgd", steps=2, count=8, epsilons=(0.1,))),
    )
    handle = recognizer.net_.register_forward_hook(look)
    for each in measured:
        seen["there"], seen["back"] = [], []
        each()
        assert {*seen["there"]} == {*seen["back"]} == {"ieee"}, seen
    handle.remove()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"robust": True}, "--robust is True: it is a number, the most that a pixel may change"),
        ({"robust": False}, "--robust is False"),
        ({"robust": "0.3"}, "--robust is '0.3': it is a number"),
        ({"robust": [0.3]}, r"--robust is \[0.3\]"),
        ({"settings": {"robust.epsilon": True}}, "robust.epsilon"),
    ],
)
def test_an_epsilon_that_is_no_number_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Recognizer(method="robust", **QUICK, **given).fit(BLOBS.images, BLOBS.labels)


@pytest.mark.parametrize("marked", [False, True])
def test_auto_refuses_unlabeled_images_that_it_would_leave_aside(marked: bool) -> None:
    labels = np.where(np.arange(60) < 30, BLOBS.require_labels(), -1) if marked else BLOBS.require_labels()
    more = {} if marked else {"unlabeled": small_image_set(30, seed=1).images}
    reader = Recognizer(method="auto", robust=0.1, **QUICK)
    with pytest.raises(InputError, match=r"leave out --robust or --unlabeled, or take the method robust"):
        reader.fit(BLOBS.images, labels, **more)
    lesson = Lesson.of(BLOBS.images, labels, **more)
    assert reader.set_params(method="robust").settled(lesson).method == "robust"


def test_a_policy_is_chosen_by_how_attacked_images_are_read() -> None:
    fine = small_image_set(60, seed=1)
    settings = {"augment": "auto", "robust.steps": 1, "robust.judged_steps": 2}
    reader = Recognizer(method="robust", robust=0.2, **QUICK | {"updates": 40, "settings": settings})
    lesson = Lesson.of(BLOBS.images, BLOBS.labels, validation=(fine.images, fine.require_labels()))
    choice = chosen_policy(reader, lesson)
    assert choice is not None and choice.attack == Attack(0.2, 2)
    assert "chosen by short trainings on 60 validation images, attacked by PGD-2, \u03b5 0.2, for 25%" in choice.told
    net = _short_training(with_policy(reader, "none", 2), replace(lesson, validation=None), None)
    read = Attack(0.2, 2).read(net, fine.images, fine.require_labels(), CHOOSING)
    assert choice.reached["none"] == pytest.approx(accuracy(read, fine.require_labels()))


def test_what_was_not_measured_is_told_and_what_flatters_too() -> None:
    reader = Recognizer(**QUICK).fit(BLOBS.images, np.array(BLOBS.classes)[BLOBS.require_labels()])
    reader.robust_ = Withstood(0.1, 2, 60, 30)
    once, often = (read_through(reader, BLOBS, average=views) for views in (1, 3))
    told = "robust accuracy is not measured over 3 views: leave out --average, or attack the mean of them by elmyr"
    assert any(line.startswith("robust accuracy ") and "attacked by" in line for line in once.lines("test images", "x"))
    assert next(line for line in often.lines("test images", "x") if "robust" in line).startswith(told)
    record = Reading.model_validate(often.as_json())
    english, chinese = (str(_withstood(record, words_in(language))) for language in ("en", "zh"))
    assert "Robust accuracy is not measured over several views" in english and "稳健准确率" in chinese
    assert "attacked by PGD-2, \u03b5 0.1; these chose the weights, which flatters it" in model_card("x", reader, once)
