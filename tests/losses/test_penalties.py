import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.autograd import gradcheck
from torch.func import functional_call

from elmyr.losses.penalties import (
    LogitAverages,
    consistency,
    dragan,
    gradient_penalty,
    lecam,
    squared_gradient_norm,
    weight_norms,
)

PIXELS = 3 * 3


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, 1, 3, 3, dtype=torch.float64, generator=generator(seed))


def tanh_net(first: torch.Tensor, second: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    """A smooth discriminator of 3x3 images, from weights (K, 9) and (K,)."""
    return lambda x: torch.tanh(x.flatten(1) @ first.T) @ second


def weights_of(hidden: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    first = torch.randn(hidden, PIXELS, dtype=torch.float64, generator=generator(7)) / 2
    second = torch.randn(hidden, dtype=torch.float64, generator=generator(8))
    return first.requires_grad_(), second.requires_grad_()


def slopes_of(discriminate: Callable[[torch.Tensor], torch.Tensor], points: torch.Tensor) -> torch.Tensor:
    """Norms of the gradients by central differences, pixel by pixel."""
    step = 1e-5 * torch.eye(PIXELS, dtype=torch.float64).view(PIXELS, 1, 3, 3)
    with torch.no_grad():
        differences = [(discriminate(points + s) - discriminate(points - s)) / 2e-5 for s in step]
    return torch.stack(differences).square().sum(0).sqrt()


def test_the_penalty_of_a_linear_discriminator_is_the_squared_norm_of_its_weights() -> None:
    weights = torch.randn(1, 3, 4, 4, dtype=torch.float64)
    images = torch.randn(5, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    penalty = squared_gradient_norm((images * weights).sum((1, 2, 3)), images)
    assert penalty.tolist() == pytest.approx([weights.square().sum().item()] * 5, rel=1e-12)


def test_the_penalty_of_a_quadratic_discriminator_differs_from_image_to_image() -> None:
    images = torch.randn(5, 1, 2, 2, requires_grad=True)
    penalty = squared_gradient_norm(images.square().sum((1, 2, 3)), images)
    assert penalty.tolist() == pytest.approx((4 * images.square().sum((1, 2, 3))).tolist(), rel=1e-5)


def test_squares_of_half_precision_gradients_are_taken_in_float32() -> None:
    images = torch.zeros(2, 1, 3, 3, dtype=torch.float16, requires_grad=True)
    penalty = squared_gradient_norm((300 * images).sum((1, 2, 3)), images)  # 90,000 is beyond float16
    assert penalty.tolist() == [PIXELS * 90_000.0] * 2


def test_the_squared_gradient_norm_has_the_right_gradient_in_the_discriminators_weights() -> None:
    def penalty(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        points = images(3).requires_grad_()
        return squared_gradient_norm(tanh_net(first, second)(points), points)

    assert gradcheck(penalty, weights_of())


def test_the_gradient_penalty_is_the_squared_distance_of_the_slope_from_one() -> None:
    real, fake = images(4), images(4, seed=1)
    weights = torch.arange(1.0, 10.0, dtype=torch.float64)  # a linear discriminator's slope is the same everywhere
    penalty = gradient_penalty(lambda x: x.flatten(1) @ weights, real, fake, generator())
    assert penalty.tolist() == pytest.approx([(math.sqrt(285) - 1) ** 2] * 4, rel=1e-12)

    discriminate = tanh_net(*weights_of())
    share = torch.rand(4, 1, 1, 1, generator=generator())
    expected = (slopes_of(discriminate, fake + share * (real - fake)) - 1).square()
    assert gradient_penalty(discriminate, real, fake, generator()).tolist() == pytest.approx(
        expected.tolist(), rel=1e-6
    )


def test_the_gradient_penalty_looks_between_each_real_image_and_its_partner() -> None:
    seen = []

    def discriminate(x: torch.Tensor) -> torch.Tensor:
        seen.append(x.detach())
        return x.sum((1, 2, 3))

    gradient_penalty(discriminate, torch.ones(50, 1, 3, 3), torch.zeros(50, 1, 3, 3), generator())
    (points,) = seen
    assert torch.equal(points, points[:, :, :1, :1].expand_as(points))  # one share an image
    assert points.min() >= 0 and points.max() <= 1
    assert points[:, 0, 0, 0].unique().numel() == 50


def test_dragan_looks_from_each_real_image_toward_a_noisy_copy() -> None:
    real, seen = images(40), []

    def discriminate(x: torch.Tensor) -> torch.Tensor:
        seen.append(x.detach())
        return 2 * x.sum((1, 2, 3))

    penalty = dragan(discriminate, real, generator())
    moves = seen[0] - real
    assert penalty.tolist() == pytest.approx([(2 * 3 - 1) ** 2] * 40, rel=1e-12)
    assert moves.min() >= 0 and moves.max() <= 0.5 * real.std()
    assert moves.max() > 0.4 * real.std()
    dragan(discriminate, real, generator(), spread=0.0)
    assert torch.equal(seen[1], real)


def test_the_draws_fix_where_gradient_penalties_look() -> None:
    discriminate, real, fake = tanh_net(*weights_of()), images(4), images(4, seed=1)
    for penalty in (lambda g: gradient_penalty(discriminate, real, fake, g), lambda g: dragan(discriminate, real, g)):
        assert torch.equal(penalty(generator()), penalty(generator()))
        assert not torch.equal(penalty(generator()), penalty(generator(1)))


@pytest.mark.parametrize("kind", ["wgan-gp", "dragan"])
def test_penalties_of_the_slope_have_the_right_gradient_in_the_discriminators_weights(kind: str) -> None:
    def penalty(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        net = tanh_net(first, second)
        if kind == "dragan":
            return dragan(net, images(3), generator())
        return gradient_penalty(net, images(3), images(3, seed=1), generator())

    assert gradcheck(penalty, weights_of())


def test_a_discriminator_without_slope_gives_finite_gradients() -> None:
    flat = torch.zeros(PIXELS, dtype=torch.float64, requires_grad=True)
    penalty = gradient_penalty(lambda x: x.flatten(1) @ flat, images(3), images(3, seed=1), generator())
    assert penalty.tolist() == [1.0] * 3
    (gradient,) = torch.autograd.grad(penalty.sum(), flat)
    assert gradient.isfinite().all()


def test_penalties_of_the_slope_leave_the_generator_and_the_images_alone() -> None:
    real, fake = images(3).requires_grad_(), images(3, seed=1).requires_grad_()
    net = tanh_net(*weights_of())
    (gradient_penalty(net, real, fake, generator()) + dragan(net, real, generator())).sum().backward()
    assert real.grad is None and fake.grad is None


def test_consistency_is_the_squared_difference_of_the_logits() -> None:
    logits = torch.tensor([0.0, 2.0, -1e4, 1e4], dtype=torch.float64, requires_grad=True)
    augmented = torch.tensor([0.0, -1.0, 1e4, 1e4], dtype=torch.float64, requires_grad=True)
    assert consistency(logits, augmented).tolist() == [0.0, 9.0, 4e8, 0.0]
    assert gradcheck(consistency, (logits[:2], augmented[:2]))

    def through_the_net(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        net = tanh_net(first, second)
        return consistency(net(images(3)), net(images(3).flip(3)))

    assert gradcheck(through_the_net, weights_of())


def test_lecam_is_the_squared_distance_from_the_other_sides_average() -> None:
    real = torch.tensor([0.0, 2.0, 1e4], dtype=torch.float64, requires_grad=True)
    fake = torch.tensor([0.0, -1.0, -1e4], dtype=torch.float64, requires_grad=True)
    averages = torch.tensor(1.5, dtype=torch.float64), torch.tensor(-0.5, dtype=torch.float64)
    expected = [0.5**2 + 1.5**2, 2.5**2 + 2.5**2, 10_000.5**2 + 10_001.5**2]
    assert lecam(real, fake, *averages).tolist() == pytest.approx(expected, rel=1e-15)
    assert gradcheck(lambda r, f: lecam(r, f, *averages), (real[:2], fake[:2]))


def test_the_averages_are_the_plain_mean_first_and_forget_by_half_in_a_half_life() -> None:
    averages = LogitAverages(half_life=100)
    averages.update(torch.full((10,), 2.0), torch.full((10,), -1.0))
    assert (averages.real.item(), averages.fake.item()) == (2.0, -1.0)
    averages.update(torch.full((30,), 4.0), torch.full((30,), -3.0))
    assert averages.real.item() == pytest.approx((10 * 2 + 30 * 4) / 40)
    assert averages.fake.item() == pytest.approx(-(10 * 1 + 30 * 3) / 40)

    for _ in range(200):
        averages.update(torch.zeros(10), torch.zeros(10))
    averages.real.fill_(8.0)
    for _ in range(10):
        averages.update(torch.zeros(10), torch.zeros(10))
    assert averages.real.item() == pytest.approx(4.0, rel=1e-5)


def test_the_averages_take_no_gradient_and_travel_in_a_checkpoint(tmp_path: Path) -> None:
    averages = LogitAverages()
    averages.update(torch.tensor([1.0, 3.0], requires_grad=True), torch.tensor([0.0, -1.0], requires_grad=True))
    assert not averages.real.requires_grad
    save_file(averages.state_dict(), tmp_path / "averages.safetensors")
    resumed = LogitAverages()
    resumed.load_state_dict(load_file(tmp_path / "averages.safetensors"))
    for both in (averages, resumed):
        both.update(torch.tensor([5.0]), torch.tensor([5.0]))
    assert averages.state_dict() == resumed.state_dict()
    assert averages.real.item() == 3.0


def test_weight_norms_are_of_weights_and_not_of_biases_or_gains() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 1)).double()
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[1.0, -2.0], [3.0, -4.0]]))
        net[2].weight.copy_(torch.tensor([[0.5, 0.0]]))
        for parameter in net.parameters():
            if parameter.dim() < 2:
                parameter.fill_(1e4)
    assert weight_norms(net, 1).item() == 10.5
    assert weight_norms(net, 2).item() == 30.25
    weight_norms(net, 2).backward()
    assert net[0].weight.grad is not None
    assert torch.equal(net[0].weight.grad, 2 * net[0].weight.detach())
    assert net[0].bias.grad is None


class NormOf(nn.Module):
    def __init__(self, net: nn.Module, power: int) -> None:
        super().__init__()
        self.net, self.power = net, power

    def forward(self) -> torch.Tensor:
        return weight_norms(self.net, self.power)


@pytest.mark.parametrize("power", [1, 2])
def test_weight_norms_have_the_right_gradient(power: int) -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2, 1)).double()
    probe = NormOf(net, power)
    names = ["net.0.weight", "net.2.weight"]

    def penalty(*weights: torch.Tensor) -> torch.Tensor:
        norms: torch.Tensor = functional_call(probe, dict(zip(names, weights, strict=True)), ())
        return norms

    weights = tuple(probe.get_parameter(name).detach().clone().requires_grad_() for name in names)
    assert gradcheck(penalty, weights)
