import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.autograd import gradcheck, gradgradcheck

from elmyr.nets.layers.to_pixels import ConvToPixels, ConvTransposeToPixels

SIZES = {
    "inputs": st.integers(1, 5),
    "channels": st.integers(1, 4),
    "height": st.integers(1, 7),
    "width": st.integers(1, 7),
}


def assert_same(ours: nn.Module, plain: nn.Module, x: torch.Tensor) -> None:
    """The same images and the same gradients of the same weights."""
    plain.load_state_dict(ours.state_dict())
    torch.testing.assert_close(ours(x), plain(x), rtol=1e-12, atol=1e-12)
    gradients = [torch.autograd.grad(net(x).square().sum(), [x, *net.parameters()]) for net in (ours, plain)]
    for mine, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-11, atol=1e-11)


@settings(deadline=None)
@given(**SIZES)
def test_a_convolution_to_pixels_is_a_convolution(inputs: int, channels: int, height: int, width: int) -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(inputs, channels, 3, padding=1).double()
    x = torch.randn(2, inputs, height, width, dtype=torch.float64, requires_grad=True)
    assert_same(ConvToPixels(inputs, channels).double(), plain, x)


@settings(deadline=None)
@given(**SIZES)
def test_a_transposed_convolution_to_pixels_is_one(inputs: int, channels: int, height: int, width: int) -> None:
    torch.manual_seed(0)
    plain = nn.ConvTranspose2d(inputs, channels, 4, stride=2, padding=1).double()
    x = torch.randn(2, inputs, height, width, dtype=torch.float64, requires_grad=True)
    assert_same(ConvTransposeToPixels(inputs, channels).double(), plain, x)


@pytest.mark.parametrize("net", [ConvToPixels(2, 1), ConvTransposeToPixels(2, 3)])
def test_gradients_are_right_twice(net: nn.Module) -> None:
    x = torch.randn(1, 2, 3, 2, dtype=torch.float64, requires_grad=True)
    assert gradcheck(net.double(), x)
    assert gradgradcheck(net, x)


@pytest.mark.parametrize(
    ("net", "plain"),
    [
        (ConvToPixels(64, 1), nn.Conv2d(64, 1, 3, padding=1)),
        (ConvTransposeToPixels(64, 1), nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1)),
    ],
)
def test_in_bf16_it_is_about_as_near_as_the_plain_convolution(net: nn.Module, plain: nn.Module) -> None:
    torch.manual_seed(0)
    plain.load_state_dict(net.state_dict())
    x = torch.randn(4, 64, 14, 14)
    exact = plain.double()(x.double())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        errors = [(each.float()(x) - exact).square().mean().sqrt().item() for each in (net, plain)]
        assert net(x).dtype == torch.float32
    assert errors[0] < 1.5 * errors[1]
