import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.autograd import gradcheck, gradgradcheck

from elmyr.nets.cost import cost_of
from elmyr.nets.layers.upsampled import UpsampledConv2d


@settings(deadline=None)
@given(
    inputs=st.integers(1, 4),
    outputs=st.integers(1, 4),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    bias=st.booleans(),
)
def test_it_is_the_convolution_of_the_doubled_map(
    inputs: int, outputs: int, height: int, width: int, bias: bool
) -> None:
    torch.manual_seed(0)
    fused = UpsampledConv2d(inputs, outputs, bias=bias).double()
    plain = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)).double()
    plain[1].load_state_dict(fused.state_dict())
    x = torch.randn(2, inputs, height, width, dtype=torch.float64)
    torch.testing.assert_close(fused(x), plain(x), rtol=1e-12, atol=1e-12)
    gradients = [torch.autograd.grad(net(x).square().sum(), net.parameters()) for net in (fused, plain)]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-11)


def test_its_gradients_are_right_twice() -> None:
    torch.manual_seed(0)
    net = UpsampledConv2d(2, 3, bias=True).double()
    x = torch.randn(1, 2, 3, 2, dtype=torch.float64, requires_grad=True)
    assert gradcheck(net, x)
    assert gradgradcheck(net, x)


def test_it_costs_four_ninths() -> None:
    class Doubled(nn.Module):
        def __init__(self, net: nn.Module) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: torch.Tensor, labels: None) -> torch.Tensor:
            result: torch.Tensor = self.net(x)
            return result

    x = torch.zeros(1, 3, 8, 8)
    fused = cost_of(Doubled(UpsampledConv2d(3, 5)), x, None).flops
    plain = cost_of(Doubled(nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(3, 5, 3, padding=1))), x, None).flops
    assert fused / plain == pytest.approx(4 / 9)
