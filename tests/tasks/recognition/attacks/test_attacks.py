"""APGD, Square and FAB by what is known: the optimum and margin of a linear model and of a sphere, the ball."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from elmyr.core import seeds
from elmyr.tasks.recognition.attacks import losses
from elmyr.tasks.recognition.attacks.apgd import _checks, apgd, targeted, targets_of
from elmyr.tasks.recognition.attacks.balls import BALLS
from elmyr.tasks.recognition.attacks.fab import _by_slope, _evenly, fab, nearest_misread
from elmyr.tasks.recognition.attacks.square import square

SIZE = {"Linf": lambda change: change.abs().flatten(1).amax(1), "L2": lambda change: change.flatten(1).norm(dim=1)}
DUAL = {"Linf": lambda weight: weight.abs().sum(1), "L2": lambda weight: weight.norm(dim=1)}
BY_GRADIENT = {
    "apgd-ce": partial(apgd, loss=lambda places: losses.cross_entropy),
    "apgd-dlr": partial(apgd, loss=lambda places: losses.difference_of_logits_ratio),
    "apgd-t": targeted,
    "fab-t": fab,
}
ALL = {**BY_GRADIENT, "square": square}


def linear(classes: int, shape: tuple[int, int, int], seed: int = 0) -> torch.nn.Module:
    """Logits that are all 0 for an image that is gray all over, so that its borders are near."""
    with seeds.initialization(seed, "linear"):
        model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(int(np.prod(shape)), classes))
    with torch.no_grad():
        model[1].bias.copy_(-0.5 * model[1].weight.sum(1))
    return model


def images_of(count: int, shape: tuple[int, int, int], low: float, high: float) -> torch.Tensor:
    drawn = torch.rand(count, *shape, generator=torch.Generator().manual_seed(count))
    return (low + (high - low) * drawn).clamp(0, 1)


def some(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def margins(model: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor, norm: str) -> torch.Tensor:
    """How far each image is from the nearest border of a linear model, by a norm, without bounds of the range."""
    with torch.no_grad():
        logits, weight = model(images), model[1].weight
        gaps = logits.gather(1, labels[:, None]) - logits
        far = torch.stack([DUAL[norm](weight[labels] - weight[other]) for other in range(len(weight))], 1)
        return torch.where(far > 0, gaps / far, torch.inf).amin(1)


@pytest.mark.parametrize("norm", BALLS)
@pytest.mark.parametrize(
    ("name", "classes"),
    [*((name, 2) for name in BY_GRADIENT), ("apgd-t", 5), ("fab-t", 3), ("fab-t", 5)],  # towards one class at a time
)
def test_an_image_of_a_linear_model_is_misread_from_its_margin_on(name: str, classes: int, norm: str) -> None:
    shape = (1, 4, 4)
    model, images = linear(classes, shape), images_of(12, shape, 0.45, 0.55)
    labels = model(images).argmax(1)
    known = margins(model, images, labels, norm)
    near = (known > 0.002) & (known < 0.4)  # no step leaves [0, 1]
    for number in near.nonzero().flatten()[:2].tolist():
        image, label = images[number : number + 1], labels[number : number + 1]
        attack = partial(BY_GRADIENT[name], model, image, label, norm=norm, steps=40, generator=some())
        inside = attack(epsilon=0.98 * float(known[number]))
        beyond = attack(epsilon=1.05 * float(known[number]))
        assert model(inside).argmax(1) == label
        assert model(beyond).argmax(1) != label
    assert near.sum() >= 2


@pytest.mark.parametrize("norm", BALLS)
def test_the_nearest_misread_image_of_a_linear_model_is_as_far_as_its_margin(norm: str) -> None:
    shape = (1, 4, 4)
    model, images = linear(2, shape), images_of(20, shape, 0.45, 0.55)
    labels = model(images).argmax(1)
    known = margins(model, images, labels, norm)
    found = nearest_misread(model, images, labels, 1 - labels, norm=norm, steps=20)
    sizes = SIZE[norm](found - images)
    assert torch.allclose(sizes[known < 0.3], known[known < 0.3], rtol=0.02)


@settings(max_examples=40)
@given(
    name=st.sampled_from(sorted(ALL)),
    norm=st.sampled_from(sorted(BALLS)),
    epsilon=st.floats(0.001, 1),
    steps=st.integers(1, 8),
    classes=st.integers(2, 5),
    shape=st.sampled_from([(1, 5, 5), (3, 4, 7), (1, 2, 9)]),
    seed=st.integers(0, 1000),
)
def test_every_attack_stays_in_the_ball_and_in_the_range(
    name: str, norm: str, epsilon: float, steps: int, classes: int, shape: tuple[int, int, int], seed: int
) -> None:
    model, images = linear(classes, shape, seed), images_of(5, shape, -0.3, 1.3)
    labels = model(images).argmax(1)
    before = images.clone()
    attacked = ALL[name](model, images, labels, norm=norm, epsilon=epsilon, steps=steps, generator=some(seed))
    again = ALL[name](model, images, labels, norm=norm, epsilon=epsilon, steps=steps, generator=some(seed))
    assert torch.equal(attacked, again) and torch.equal(images, before)
    assert attacked.shape == images.shape and attacked.isfinite().all() and not attacked.requires_grad
    assert attacked.min() >= 0 and attacked.max() <= 1
    assert (SIZE[norm](attacked - images) <= epsilon + 1e-5).all()


@pytest.mark.parametrize("name", ALL)
def test_no_image_is_no_attack(name: str) -> None:
    model, none = linear(3, (1, 4, 4)), torch.zeros(0, 1, 4, 4)
    labels = torch.zeros(0, dtype=torch.int64)
    assert ALL[name](model, none, labels, norm="Linf", epsilon=0.1, steps=3, generator=some()).shape == none.shape


class Blind(torch.autograd.Function):
    """The values as they are, and no way back to a gradient."""

    @staticmethod
    def forward(context: object, values: torch.Tensor) -> torch.Tensor:
        return values.clone()

    @staticmethod
    def backward(context: object, *gradients: torch.Tensor) -> torch.Tensor:
        raise AssertionError("a gradient was asked for")


@pytest.mark.parametrize("norm", BALLS)
def test_square_asks_for_no_gradient_and_still_fools(norm: str) -> None:
    shape = (1, 6, 6)
    model, images = linear(3, shape), images_of(20, shape, 0.4, 0.6)
    labels = model(images).argmax(1)
    asked = []

    def blind(shown: torch.Tensor) -> torch.Tensor:
        asked.append(torch.is_grad_enabled())
        return Blind.apply(model(shown))

    epsilon = 0.3 if norm == "Linf" else 1.5
    attacked = square(blind, images, labels, norm=norm, epsilon=epsilon, steps=200, generator=some())
    assert (model(attacked).argmax(1) != labels).float().mean() > 0.5
    assert 1 < len(asked) <= 200 and not any(asked)


def test_the_ratio_of_differences_is_the_same_at_every_scale_and_the_margin_with_two_classes() -> None:
    logits, labels = torch.tensor([[3.0, 1.0, 0.0, -2.0], [0.0, 4.0, 2.0, 1.0]]), torch.tensor([0, 2])
    expected = torch.tensor([-2 / 3, 2 / 3])  # (1 − 3) / (3 − 0), and (4 − 2) / (4 − 1)
    assert torch.allclose(losses.difference_of_logits_ratio(logits, labels), expected)
    assert torch.allclose(losses.difference_of_logits_ratio(100 * logits, labels), expected)
    two = logits[:, :2]
    assert torch.allclose(losses.difference_of_logits_ratio(two, torch.tensor([0, 1])), torch.tensor([-2.0, -4.0]))
    towards = losses.towards(torch.tensor([2, 0]))
    # (0 − 3) / (3 − (0 − 2) / 2), and (0 − 2) / (4 − (1 + 0) / 2)
    assert torch.allclose(towards(logits, labels), torch.tensor([-3 / 4, -2 / 3.5]))
    three = logits[:, :3]
    assert torch.allclose(towards(three, labels), torch.tensor([-3 / 3, -2 / 4]))
    assert torch.allclose(losses.towards(torch.tensor([1, 0]))(two, torch.tensor([0, 1])), torch.tensor([-2.0, -4.0]))


def test_targets_are_the_other_classes_the_most_likely_first() -> None:
    images = torch.tensor([[0.1, 0.9, 0.5, 0.3]]).view(1, 1, 2, 2)
    ranks = targets_of(torch.nn.Flatten(), images, torch.tensor([2]))
    assert [rank.tolist() for rank in ranks] == [[1], [3], [0]]
    many = torch.rand(2, 1, 4, 4, generator=some())
    assert len(targets_of(torch.nn.Flatten(), many, torch.tensor([0, 5]))) == 9


def test_step_sizes_are_looked_at_as_the_paper_has_it() -> None:
    looks = [number for number, (is_check, _) in enumerate(_checks(100), 1) if is_check]
    assert looks == [22, 41, 57, 70, 80, 87, 93, 99]  # 22 steps, then 3 fewer each time, at least 6


def test_steps_are_halved_where_the_search_runs_to_and_fro() -> None:
    """A loss with its top inside the ball: steps of 2 ε jump over it, and only shorter ones come near."""

    def top_at_a_tenth(images: torch.Tensor) -> torch.Tensor:
        height = -(images - 0.6).square().flatten(1).sum(1)
        return torch.stack([torch.full_like(height, 1.0), height], 1)

    images, labels = torch.full((3, 1, 2, 2), 0.5), torch.zeros(3, dtype=torch.int64)
    found = apgd(
        top_at_a_tenth,
        images,
        labels,
        norm="Linf",
        epsilon=0.4,
        steps=100,
        loss=lambda places: losses.margin,
        generator=some(),
    )
    assert torch.allclose(found, torch.full_like(found, 0.6), atol=5e-3)


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), share=st.floats(0.01, 1.5))
def test_the_smallest_change_onto_a_border_is_that_of_a_search(seed: int, share: float) -> None:
    random = some(seed)
    slopes, room = torch.rand(1, 1, 2, 4, generator=random), torch.rand(1, 1, 2, 4, generator=random)
    slopes[0, 0, 0, 0] = 0
    room[0, 0, 1, 1] = 0
    room = torch.where(slopes > 0, room, 0)
    most = (slopes * room).sum()
    wanted = share * most.view(1, 1, 1, 1)
    for change_of, at in (
        (_evenly, lambda level: torch.minimum(torch.full_like(room, level), room)),
        (_by_slope, lambda level: torch.minimum(level * slopes, room)),
    ):
        change = change_of(slopes, room, wanted)
        assert (change >= 0).all() and (change <= room + 1e-6).all()
        assert torch.allclose((slopes * change).sum(), torch.minimum(wanted.squeeze(), most), rtol=1e-4, atol=1e-6)
        low, high = 0.0, 1e3
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (
                (low, middle) if (slopes * at(middle)).sum() >= min(wanted.item(), most.item()) else (middle, high)
            )
        if share < 0.999:
            assert torch.allclose(change, at(high), atol=1e-4)


def sphere(images: torch.Tensor) -> torch.Tensor:
    """Class 0 within RADIUS of MIDDLE, beyond it one of two others: not linear, and its optimum is known."""
    far = (images - MIDDLE).flatten(1)
    gap = far.square().sum(1) - RADIUS**2
    return torch.stack([torch.zeros_like(gap), gap + 0.01 * far[:, 0], gap - 0.01 * far[:, 0] - 0.05], 1)


MIDDLE, RADIUS = 0.5, 0.6
STEPS = {"square": 400, "fab-t": 15}


def margin_to_sphere(images: torch.Tensor, norm: str) -> torch.Tensor:
    """The least change after which an image is out of the sphere, by bisection on the best change."""
    away = (images - MIDDLE).flatten(1)
    low, high = torch.zeros(len(away)), torch.full((len(away),), 2.0)
    for _ in range(40):
        middle = (low + high) / 2
        if norm == "Linf":
            reached = away + middle[:, None] * torch.where(away < 0, -1.0, 1.0)
        else:
            reached = away * (1 + middle / away.norm(dim=1))[:, None]
        out = sphere(reached.view_as(images) + MIDDLE).argmax(1) != 0
        low, high = torch.where(out, low, middle), torch.where(out, middle, high)
    return high


@pytest.mark.parametrize("norm", BALLS)
@pytest.mark.parametrize("name", ALL)
def test_an_image_in_a_sphere_is_misread_from_its_distance_to_the_surface_on(name: str, norm: str) -> None:
    drawn = 2 * torch.rand(4, 1, 3, 3, generator=some()) - 1
    images = MIDDLE + 0.12 * drawn.sign() + 0.04 * drawn  # farther from the middle than the ball is wide: one optimum
    labels, known = torch.zeros(len(images), dtype=torch.int64), margin_to_sphere(images, norm)
    assert (sphere(images).argmax(1) == 0).all()
    beyond = 1.1 if name != "square" else 2.0  # random search comes near the optimum, and not to it
    for number in range(2):
        image, label = images[number : number + 1], labels[number : number + 1]
        attack = partial(ALL[name], sphere, image, label, norm=norm, steps=STEPS.get(name, 40), generator=some(number))
        assert sphere(attack(epsilon=0.95 * float(known[number]))).argmax(1) == 0
        assert sphere(attack(epsilon=beyond * float(known[number]))).argmax(1) != 0


def test_an_image_that_was_ever_misread_comes_back_misread() -> None:
    """Where a greater loss is no mistake: classes of like probability, a curved border, steps that are often halved."""
    with seeds.initialization(0, "curved"):
        model = torch.nn.Sequential(
            torch.nn.Flatten(), torch.nn.Linear(16, 32), torch.nn.Tanh(), torch.nn.Linear(32, 4)
        )
    with torch.no_grad():
        model[1].weight.mul_(20)
        model[3].weight.mul_(0.3)
    images = images_of(1500, (1, 4, 4), 0, 1)
    labels = model(images).argmax(1)
    ever = torch.zeros(len(images), dtype=torch.bool)
    at_hand = torch.arange(len(images))

    def loss(places: torch.Tensor) -> losses.Loss:
        nonlocal at_hand
        at_hand = places
        return losses.cross_entropy

    def watched(shown: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = model(shown)
        ever[at_hand] |= logits.detach().argmax(1) != labels[at_hand]
        return logits

    found = apgd(watched, images, labels, norm="Linf", epsilon=0.06, steps=10, loss=loss, generator=some())
    assert 100 < ever.sum() < 1400
    assert ((model(found).argmax(1) != labels) == ever).all()
