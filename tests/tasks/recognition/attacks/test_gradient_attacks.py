"""Attacks along the gradient: where they end is known of a linear model, and they never leave the ball."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.tasks.recognition import Recognizer
from elmyr.tasks.recognition.attacks.balls import BALLS
from elmyr.tasks.recognition.attacks.gradient import fgsm, pgd
from elmyr.tasks.recognition.attacks.seam import logits_of
from tests.conftest import small_image_set

CHANGE = {"Linf": lambda change: change.abs().flatten(1).amax(1), "L2": lambda change: change.flatten(1).norm(dim=1)}


def linear(classes: int, shape: tuple[int, int, int], seed: int = 0) -> torch.nn.Module:
    with seeds.initialization(seed, "linear"):
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(int(np.prod(shape)), classes))


def gray(count: int, shape: tuple[int, int, int] = (1, 4, 4), low: float = 0.4, high: float = 0.6) -> torch.Tensor:
    return low + (high - low) * torch.rand(count, *shape, generator=torch.Generator().manual_seed(count))


def some(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("norm", BALLS)
def test_of_two_classes_pgd_and_fgsm_reach_the_optimum_of_a_linear_model(norm: str) -> None:
    model, images, epsilon = linear(2, (1, 4, 4)), gray(6), 0.2
    labels = model(images).argmax(1)
    weight = model[1].weight.detach()
    gain = weight[1 - labels] - weight[labels]  # of the other class over the own one, a unit of change
    if norm == "Linf":
        expected = images + epsilon * gain.sign().view_as(images)
    else:
        expected = images + epsilon * (gain / gain.norm(dim=1, keepdim=True)).view_as(images)
    for attacked in (
        fgsm(model, images, labels, norm=norm, epsilon=epsilon),
        pgd(model, images, labels, norm=norm, epsilon=epsilon, steps=20, step_size=epsilon, generator=some()),
    ):
        assert torch.allclose(attacked, expected, atol=2e-3)


@settings(max_examples=40)
@given(
    norm=st.sampled_from(sorted(BALLS)),
    epsilon=st.floats(0, 1),
    steps=st.integers(0, 3),
    restarts=st.integers(1, 2),
    step_size=st.none() | st.floats(0, 2),
    seed=st.integers(0, 1000),
)
def test_an_attacked_image_stays_in_the_ball_and_in_the_range(
    norm: str, epsilon: float, steps: int, restarts: int, step_size: float | None, seed: int
) -> None:
    model, images = linear(3, (2, 3, 5), seed), gray(4, (2, 3, 5), -0.2, 1.2).clamp(0, 1)
    labels = torch.tensor([0, 1, 2, 0])
    for attacked in (
        fgsm(model, images, labels, norm=norm, epsilon=epsilon),
        pgd(model, images, labels, norm=norm, epsilon=epsilon, steps=steps, step_size=step_size, restarts=restarts,
            generator=some(seed)),
    ):  # fmt: skip
        assert attacked.shape == images.shape and not attacked.requires_grad
        assert attacked.min() >= 0 and attacked.max() <= 1
        assert (CHANGE[norm](attacked - images) <= epsilon + 1e-5).all()


@pytest.mark.parametrize("norm", BALLS)
def test_an_attack_adds_no_gradient_to_weights_and_is_the_same_by_the_same_seed(norm: str) -> None:
    model, images, labels = linear(3, (1, 4, 4)), gray(5), torch.tensor([0, 1, 2, 0, 1])
    before = [weight.clone() for weight in model.parameters()]
    first, again, other = (
        pgd(model, images, labels, norm=norm, epsilon=0.1, steps=1, step_size=0.01, generator=some(seed))
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert all(weight.grad is None and weight.requires_grad for weight in model.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert not images.requires_grad


def test_of_several_restarts_each_image_keeps_the_greatest_loss() -> None:
    model, images, labels = linear(3, (1, 4, 4)), gray(8), torch.arange(8) % 3
    random = some(3)
    several = [pgd(model, images, labels, norm="L2", epsilon=1.0, steps=0, generator=random) for _ in range(4)]
    losses = torch.stack([torch.nn.functional.cross_entropy(model(x), labels, reduction="none") for x in several])
    best = pgd(model, images, labels, norm="L2", epsilon=1.0, steps=0, restarts=4, generator=some(3))
    assert torch.allclose(torch.nn.functional.cross_entropy(model(best), labels, reduction="none"), losses.amax(0))


@pytest.mark.parametrize("norm", BALLS)
def test_random_changes_have_the_length_that_they_say(norm: str) -> None:
    ball, images = BALLS[norm], gray(200, (1, 3, 3))
    assert torch.allclose(CHANGE[norm](ball.outermost(images, some())), torch.ones(200), atol=1e-5)
    lengths = CHANGE[norm](ball.within(images, some()))
    assert lengths.max() <= 1 + 1e-6
    # uniform in a ball of dimension 9, the median length is the ninth root of a half
    assert abs(float(lengths.median()) - 0.5 ** (1 / 9)) < 0.03


@pytest.mark.parametrize("average", [1, 3])
def test_a_recognizer_predicts_by_the_logits_that_are_attacked(average: int) -> None:
    blobs = small_image_set(90)
    names = np.array(blobs.classes)[blobs.require_labels()]
    reader = Recognizer(updates=12, base=8, dimension=16).fit(blobs.images, names, validation=(blobs.images, names))
    images = torch.from_numpy(np.asarray(blobs.images)).permute(0, 3, 1, 2) / 255
    logits = logits_of(reader, average=average)(images)
    expected = reader.predict_proba(blobs.images, average=average)
    assert np.allclose(logits.softmax(1).detach().numpy(), expected, atol=1e-5)
    labels = torch.from_numpy(blobs.require_labels())
    attacked = pgd(
        logits_of(reader, average=average), images, labels, norm="Linf", epsilon=0.5, steps=8, generator=some()
    )
    after = logits_of(reader, average=average)(attacked).argmax(1)
    assert (after == labels).float().mean() < (logits.argmax(1) == labels).float().mean()


def test_what_there_is_not_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="no norm 'linf': did you mean 'Linf'"):
        fgsm(linear(2, (1, 4, 4)), gray(1), torch.tensor([0]), norm="linf", epsilon=0.1)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="0 views"):
        logits_of(Recognizer(), average=0)
