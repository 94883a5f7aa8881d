"""Recognizers that are trained to withstand attacks: what they learn from, what they withstand, what they tell."""

import signal
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from elmyr import Recognizer
from elmyr.cli import main
from elmyr.core import seeds
from elmyr.core.errors import InputError, InterruptedRun
from elmyr.core.files import read_json
from elmyr.engine import repeat, resume
from elmyr.engine.task import Batch
from elmyr.images import ImageSet, save_npz
from elmyr.nets import StridedClassifier
from elmyr.report import write_report
from elmyr.tasks.gan import train
from elmyr.tasks.recognition import open_recognizer, read_through, train_recognizer
from elmyr.tasks.recognition.attacks.epsilons import told_of
from elmyr.tasks.recognition.learning.augmenting import Augmenting
from elmyr.tasks.recognition.learning.task import RecognizerTask
from elmyr.tasks.recognition.robust.config import RobustConfig, epsilon_of
from elmyr.tasks.recognition.robust.judging import MOST, Attack, Withstood, spread, withstood_by
from elmyr.tasks.recognition.robust.training import RobustTask, climbed
from tests.conftest import small_image_set

QUICK: dict[str, Any] = {"updates": 30, "batch": 32, "base": 4, "dimension": 16, "device": "cpu", "precision": "fp32"}
LEARNING: dict[str, Any] = {
    "learning_rate": 2e-3, "weight_decay": 0.02, "seed": 3, "device": torch.device("cpu"), "precision": "fp32",
    "augment": Augmenting("affine"),
}  # fmt: skip
BLOBS = small_image_set(120)


def classifier() -> StridedClassifier:
    with seeds.initialization(3, "classifier"):
        return StridedClassifier(8, 8, 1, 3, base=4, dimension=8)


def a_batch() -> Batch:
    images = torch.from_numpy(BLOBS.in_memory()[:24]).permute(0, 3, 1, 2)
    return Batch(images, torch.from_numpy(BLOBS.require_labels()[:24]))


def robust_task(**choices: Any) -> RobustTask:
    config = RobustConfig(epsilon=0.2, rising=0, **choices)
    return RobustTask(classifier(), robust=config, updates=10, batch=24, **LEARNING)


def faint(count: int = 240, seed: int = 0) -> ImageSet:
    """Two classes that a bright square tells apart surely, and a faint pattern all over it as well.

    The square stays what it is under changes of 0.3 of the range; the pattern does not.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int64) % 2
    images = rng.integers(40, 200, (count, 8, 8, 1)).astype(np.int64)
    pattern = np.indices((8, 8)).sum(0)[..., None] % 2
    images += np.where(labels[:, None, None, None] == 1, 12, -12) * (2 * pattern - 1)
    images[:, 2:5, 2:5] = np.where(labels[:, None, None, None] == 1, 235, 20)
    return ImageSet(images.clip(0, 255).astype(np.uint8), labels, ("dark", "light"), name="faint")


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.5, 2.0])
def test_an_attack_never_leaves_its_bounds_whatever_the_gradient(epsilon: float) -> None:
    random = seeds.generator(0, "bounds")
    images = torch.rand(6, 1, 5, 5, generator=random) * 2 - 1
    images[0], images[1] = -1, 1
    wild = torch.randn(6, 1, 5, 5, generator=random) * 1e6
    begin = torch.rand(6, 1, 5, 5, generator=random) * 2 - 1
    found = climbed(images, begin, lambda changed: wild, epsilon=epsilon, step=0.7, steps=5)
    assert found.abs().max() <= 1 and (found - images).abs().max() <= epsilon + 1e-6
    if epsilon:
        expected = (images + epsilon * wild.sign()).clamp(-1, 1)  # 3.5 in all takes it to the corner of the box
        torch.testing.assert_close(found, expected)


def test_each_step_of_an_attack_raises_the_loss_of_a_linear_reader() -> None:
    """By hand: the loss of a linear reader grows along the sign of its weights, so the corner is worst."""
    weights = torch.tensor([[1.0, -2.0], [0.5, 3.0]]).view(1, 1, 2, 2)
    images = torch.zeros(1, 1, 2, 2)
    found = climbed(images, torch.zeros_like(images), lambda _: weights, epsilon=0.3, step=0.1, steps=2)
    torch.testing.assert_close(found, 0.2 * weights.sign())


def test_an_update_is_a_plain_update_on_the_attacked_images_and_no_more() -> None:
    """The gradients of the attack leave nothing behind in any weight."""
    robust, plain = robust_task(), RecognizerTask(classifier(), **LEARNING)
    seen: list[torch.Tensor] = []
    forward = robust.net.forward
    robust.net.forward = lambda images: seen.append(images) or forward(images)  # type: ignore[method-assign,func-returns-value]  # the images alone are wanted
    told = robust.update(a_batch(), 0)
    assert len(seen) == robust.robust.steps + 1
    shown, labels = plain.augment.shown(a_batch(), slice(0, 24), seed=3, position=0, classes=3)
    moved = (seen[-1] - shown).abs().max()
    assert 0.3 < moved <= 0.4 + 1e-6  # of a range of 2
    batch = a_batch()
    plain.augment = type("AsTheyAre", (), {"shown": lambda *_, **__: (seen[-1].detach(), labels)})()
    torch.testing.assert_close(plain.update(batch, 0)["loss"], told["loss"])
    for ours, theirs in zip(robust.net.parameters(), plain.net.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_other_loss_is_that_of_its_paper() -> None:
    """TRADES by hand: cross-entropy as they are, and 6 times the divergence of what is read nearby from that."""
    task = robust_task(loss="trades", steps=3)
    before, seen = deepcopy(task.net), list[torch.Tensor]()
    forward = task.net.forward
    task.net.forward = lambda images: seen.append(images.detach()) or forward(images)  # type: ignore[method-assign,func-returns-value]  # as above
    told = task.update(a_batch(), 0)
    plain, nearby = before(seen[0]), before(seen[-1])
    read, changed = plain.softmax(1), nearby.softmax(1)
    distance = (read * (read.log() - changed.log())).sum(1).mean()
    expected = F.cross_entropy(plain, a_batch().labels) + 6 * distance  # type: ignore[arg-type]  # they have labels
    torch.testing.assert_close(told["loss"], expected.detach())
    assert len(seen) == 5 and distance > 0


def test_epsilon_rises_at_first_and_follows_from_the_images() -> None:
    config = RobustConfig(epsilon=0.3)
    risen = [config.epsilon_at(update, 100) for update in range(100)]
    assert risen == sorted(risen) and 0 < risen[0] < 0.04 and risen[10:] == [0.3] * 90 and risen[9] < 0.3
    assert RobustConfig(epsilon=0.3, rising=0).epsilon_at(0, 100) == 0.3
    shapes = {(28, 28, 1): 0.3, (8, 8, 1): 0.3, (28, 28, 3): 8 / 255, (32, 32, 1): 8 / 255}
    assert {shape: RobustConfig().of_images(shape).most for shape in shapes} == shapes
    assert RobustConfig(epsilon=0.1).of_images((32, 32, 3)).most == 0.1


@pytest.mark.parametrize(
    ("text", "number", "told"),
    [("0.3", 0.3, "0.3"), ("8/255", 8 / 255, "8/255"), ("1", 1.0, "1"), (" .1 ", 0.1, "0.1")],
)
def test_an_epsilon_is_written_as_the_field_writes_it(text: str, number: float, told: str) -> None:
    assert epsilon_of(text) == number and told_of(number) == told


def test_a_robust_recognizer_withstands_what_fools_a_plain_one() -> None:
    images, others = faint(), faint(seed=1)
    fit: dict[str, Any] = {**QUICK, "base": 8, "updates": 60, "settings": {"augment": "none"}}
    attack = Attack(0.3, 10)
    right = {}
    for method in ("supervised", "robust"):
        robust = {"robust": 0.3} if method == "robust" else {}
        recognizer = Recognizer(method=method, **fit, **robust).fit(images.images, images.labels)
        assert recognizer.score(others.images, others.labels) == 1
        read = attack.read(recognizer.net_, others.images, others.require_labels())
        right[method] = float((read == others.labels).mean())
    assert right["robust"] > 0.9 and right["supervised"] < 0.2, right


def test_judging_is_the_same_every_time_and_no_attack_helps_the_recognizer() -> None:
    net = classifier().requires_grad_(False)
    labels = BLOBS.require_labels()
    one, again = (Attack(0.3, 3, restarts=2).read(net, BLOBS.images, labels) for _ in range(2))
    plain = Attack(1e-9, 1).read(net, BLOBS.images, labels)
    assert np.array_equal(one, again)
    assert ((one == labels) <= (plain == labels)).all() and (plain == labels).any()
    assert (one[plain != labels] == plain[plain != labels]).all()


def test_at_most_a_thousand_images_are_attacked_spread_over_all() -> None:
    labels = np.repeat(np.arange(5), 500)
    many = ImageSet(np.zeros((2500, 8, 8, 1), np.uint8), labels, tuple("abcde"))
    assert len(spread(many)) == MOST and np.bincount(spread(many).require_labels()).tolist() == [200] * 5
    assert spread(BLOBS) is BLOBS


def test_weights_are_chosen_under_attack_and_what_they_withstand_is_kept(tmp_path: Path) -> None:
    validation = small_image_set(30, seed=1)
    recognizer = Recognizer(method="robust", **QUICK | {"updates": 60})
    recognizer.fit(BLOBS.images, BLOBS.labels, validation=(validation.images, validation.require_labels()))
    known = recognizer.robust_
    assert known is not None and (known.epsilon, known.steps, known.images) == (0.3, 20, 30)
    assert known == withstood_by(recognizer, validation) and known.share is not None
    recognizer.save(tmp_path)
    loaded = Recognizer.load(tmp_path, device="cpu")
    assert loaded.robust_ == known and loaded.get_params() == recognizer.get_params()
    validation = replace(validation, classes=("0", "1", "2"))
    reading = read_through(loaded, validation)
    assert reading.withstood == known and reading.as_json()["robust"]["right"] == known.right
    assert Withstood.of_json(known.as_json()) == known
    again = loaded.fit(BLOBS.images, BLOBS.labels)
    assert again.robust_ == Withstood(0.3, 20) and again.robust_.share is None  # nothing to measure it on
    plain = loaded.set_params(method="augment").fit(BLOBS.images, BLOBS.labels)
    assert plain.robust_ is None and read_through(plain, validation).withstood is None
    with pytest.raises(InputError, match="not trained to withstand attacks"):
        withstood_by(plain, validation)


def test_auto_becomes_a_method_that_withstands_and_all_labels_survive() -> None:
    names = np.array(["up", "middle", "down"])[BLOBS.require_labels()]
    recognizer = Recognizer(method="auto", robust=0.05, **QUICK).fit(BLOBS.images, names)
    assert recognizer.method_ == "robust" and set(recognizer.predict(BLOBS.images)) <= {"up", "middle", "down"}
    made = small_image_set(60, seed=2)
    given = (made.images, np.array(["up", "middle", "down"])[made.require_labels()])
    assert (
        Recognizer(method="auto", robust=0.05, **QUICK).fit(BLOBS.images, names, generated=given).method_
        == "gan-robust"
    )


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"robust": 0.0}, r"--robust is 0: it is the most that a pixel may change, above 0 and at most 1"),
        ({"robust": 1.01}, r"--robust is 1.01"),
        ({"robust": -0.1}, r"--robust is -0.1"),
        ({"robust": float("nan")}, r"--robust is nan"),
        ({"robust": 0.3, "method": "strong"}, "method 'strong' has no defense against attacks: leave out --robust"),
        ({"robust": 0.3, "method": "consistency"}, "method 'consistency' (has no defense|learns from unlabeled)"),
        ({"method": "gan-robust"}, "learns from generated images, too"),
        ({"robust": 0.3, "settings": {"robust.epsilon": 0.2}}, "robust.epsilon is given twice"),
        ({"settings": {"robust.loss": "mart"}, "method": "robust"}, "robust.loss"),
        ({"settings": {"robust.steps": 0}, "method": "robust"}, "robust.steps"),
        ({"settings": {"robust.steps": 3}, "method": "augment"}, "method 'augment' has no choice 'robust.steps'"),
        ({"settings": {"retraining": 0.2}, "method": "robust"}, "does not retrain its last layer"),
    ],
)
def test_what_cannot_be_withstood_is_refused(parameters: dict[str, Any], said: str) -> None:
    recognizer = Recognizer(**QUICK | {"method": "auto"} | parameters)
    with pytest.raises(InputError, match=said):
        recognizer.fit(BLOBS.images, BLOBS.labels)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--robust", "0"), "--robust is 0: it is the most that a pixel may change"),
        (("--robust", "9/8"), "--robust is 1.125"),
        (("--robust", "much"), "--robust is 'much': give the most that a pixel may change, as 0.3 or 8/255"),
        (("--robust", "1/0"), "--robust is '1/0'"),
        (("--robust", "1/2/3"), "--robust is '1/2/3'"),
        (("--robust", "0.3", "--method", "gan-semi"), "no defense against attacks"),
        (
            ("--robust", "0.3", "--generated-share", "0.5"),
            "--generated-share is of a GAN's images: name one with --gan",
        ),
        (("--robust", "0.3", "--target", "digits"), "--target has a method of its own"),
    ],
)
def test_the_command_refuses_in_one_line(
    words: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    save_npz(BLOBS, tmp_path / "blobs.npz")
    monkeypatch.setattr("sys.argv", ["elmyr", "recognizer", "train", "blobs.npz", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    error = capfd.readouterr().err
    assert said in error and error.count("\n") == 1 and not list(tmp_path.glob("runs/*"))


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    save_npz(small_image_set(240), tmp_path / "blobs.npz")
    return tmp_path / "blobs.npz"


def robust_recognizer() -> Recognizer:
    return Recognizer(method="auto", robust=0.1, **QUICK | {"settings": {"robust.steps": 2, "robust.judged_steps": 2}})


def test_a_run_stopped_and_resumed_or_repeated_has_the_same_bits_and_tells_what_it_withstands(
    blobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gan = train(blobs, preset="residual", out=tmp_path / "gan", images=32, device="cpu",
                settings={"network.base": 8, "batch": 16})  # fmt: skip
    learned: dict[str, Any] = {"gan": gan.path, "generated": "fresh"}
    whole = train_recognizer(blobs, robust_recognizer(), out=tmp_path / "whole", **learned)
    assert read_json(whole.config)["parameters"]["method"] == "gan-robust"
    update: Callable[..., Any] = RobustTask.update

    def stopping(self: RobustTask, batch: Any, position: int) -> Any:
        if position == 32 * 17:
            signal.raise_signal(signal.SIGINT)
        return update(self, batch, position)

    with monkeypatch.context() as patch, pytest.raises(InterruptedRun, match="elmyr resume"):
        patch.setattr(RobustTask, "update", stopping)
        train_recognizer(blobs, robust_recognizer(), out=tmp_path / "run", **learned)
    resume(tmp_path / "run")
    repeated = repeat(whole.path, out=tmp_path / "repeated")
    runs = [whole.path, tmp_path / "run", repeated.run.path]
    assert len({(run / "model" / "recognizer.safetensors").read_bytes() for run in runs}) == 1
    assert len({(run / "model" / "recognizer.json").read_text() for run in runs}) == 1
    known = open_recognizer(whole.path).robust_
    assert known is not None and known.images > 20
    card, summary = (whole.path / "README.md").read_text(), read_json(whole.summary)
    assert "trained to withstand: pixels changed by up to 0.1 of their range" in card
    assert card.count("robust accuracy ") == 2 and "validation images, attacked by PGD-2, \u03b5 0.1" in card
    assert summary["robust"]["epsilon"] == 0.1 and summary["test"]["robust"]["images"] == 60
    page, chinese = (write_report(whole.path, language=word).read_text(encoding="utf-8") for word in ("en", "zh"))
    assert "Robust accuracy: " in page and "PGD-2, \u03b5 0.1" in page and "稳健准确率" in chinese
