from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.autograd import gradcheck, gradgradcheck
from torch.utils._python_dispatch import TorchDispatchMode

from elmyr.nets.layers.to_pixels import ConvToPixels, ConvTransposeToPixels, as_written, sum_of_taps

SIZES = {
    "inputs": st.integers(1, 5),
    "channels": st.integers(1, 5),
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


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (4, 2)])
def test_what_a_gpu_computes_is_what_a_cpu_does(kernel: int, stride: int) -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(3, 8, 5, 6, requires_grad=True), torch.randn(8, 2, kernel, kernel, requires_grad=True) / 9
    ways = [way(x, weight, torch.ones(2), stride, 1) for way in (sum_of_taps, as_written)]
    torch.testing.assert_close(ways[1], ways[0], rtol=0, atol=1e-6)  # sums of 72 products of about 1/9, in two orders
    gradients = [torch.autograd.grad(way.sin().sum(), [x])[0] for way in ways]
    torch.testing.assert_close(gradients[1], gradients[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("net", "device"),
    [(ConvToPixels(4, 1), "meta"), (ConvTransposeToPixels(4, 3), "meta"), (ConvTransposeToPixels(4, 6), "cpu")],
)
def test_on_another_device_and_of_many_channels_nothing_is_folded_image_by_image(net: nn.Module, device: str) -> None:
    class Seen(TorchDispatchMode):
        def __init__(self) -> None:
            super().__init__()  # type: ignore[no-untyped-call]  # torch's own lacks annotations
            self.names = list[str]()

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.names.append(func.overloadpacket.__name__)
            return func(*args, **(kwargs or {}))

    with Seen() as seen:
        images = net.to(device)(torch.ones(2, 4, 7, 7, device=device, requires_grad=True))
        torch.autograd.grad(images.sum(), list(net.parameters()))
    assert {"convolution", "convolution_backward"} <= set(seen.names)
    assert not {"col2im", "im2col"} & set(seen.names)
