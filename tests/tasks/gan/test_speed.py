import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from elmyr.tasks.gan.speed import FlopCounter, measure_speed


def test_flops_are_those_of_torchs_counter() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.LeakyReLU(), nn.ConvTranspose2d(8, 2, 4, stride=2), nn.Flatten())
    images = torch.randn(5, 3, 9, 9)
    with FlopCounterMode(display=False) as theirs:
        net(images).sum().backward()
    with FlopCounter() as ours:
        net(images).sum().backward()
    assert ours.flops == theirs.get_total_flops() > 0


def test_flops_of_a_penalty_are_counted_too() -> None:
    """A dense layer by hand: forward, its gradient at the input, and the gradient of that at the weights."""
    net, inputs = nn.Linear(7, 1, bias=False), torch.randn(3, 7, requires_grad=True)
    with FlopCounter() as counter:
        (gradient,) = torch.autograd.grad(net(inputs).sum(), inputs, create_graph=True)
        gradient.square().sum().backward()
    once = 2 * 3 * 7
    assert counter.flops == 3 * once


def test_the_measured_speed_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elmyr.tasks.gan.speed.PEAK_TRIES", 1)
    speed = measure_speed(device="cpu", seconds=0.1)
    assert round(speed.flops_per_image / 1e6) == 757  # the residual pair at 28x28, R1 + R2 at every fourth update
    assert speed.peak > 0
    assert speed.as_json()["share"] == speed.images_per_second * speed.flops_per_image / speed.peak
