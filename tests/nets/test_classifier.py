"""The recognizer's network: normalized in fp32 also where it computes in bf16, and by the function of before."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from elmyr.nets.classifier import Fp32GroupNorm

CHANNELS = 32


def norms() -> tuple[Fp32GroupNorm, nn.GroupNorm]:
    torch.manual_seed(0)
    ours, plain = Fp32GroupNorm(4, CHANNELS), nn.GroupNorm(4, CHANNELS)
    nn.init.normal_(ours.weight)
    nn.init.normal_(ours.bias)
    plain.load_state_dict(ours.state_dict())
    return ours, plain


def test_in_fp32_it_is_group_normalization_to_the_bit() -> None:
    ours, plain = norms()
    x = torch.randn(8, CHANNELS, 14, 14).to(memory_format=torch.channels_last).requires_grad_()
    assert torch.equal(ours(x), plain(x))
    gradients = [torch.autograd.grad(net(x).square().sum(), [x, *net.parameters()]) for net in (ours, plain)]
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(*gradients, strict=True))
    assert torch.equal(ours.double()(x.double()), plain.double()(x.double()))


def test_in_bf16_it_is_nearer_to_what_is_exact_than_torchs_own() -> None:
    ours, plain = norms()
    x = torch.randn(8, CHANNELS, 14, 14).bfloat16().to(memory_format=torch.channels_last)
    exact = plain.double()(x.double())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        made = [net.float()(x) for net in (ours, plain)]
    assert [each.dtype for each in made] == [torch.bfloat16] * 2
    apart = [(each.double() - exact).abs() for each in made]
    # What is left is one rounding to bf16, half a step of 2**-7 of the value, and that of the sums in fp32.
    assert (apart[0] <= exact.abs() * 2**-8 + 1e-5).all()
    assert apart[0].mean() <= apart[1].mean()


class Conversions(TorchDispatchMode):
    """Counts what is converted to another type."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += function is torch.ops.aten._to_copy.default
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize(("device", "conversions"), [("cpu", 2), ("meta", 0)])
def test_its_own_rounding_is_for_a_cpu_alone(device: str, conversions: int) -> None:
    ours, _ = norms()
    net = ours.to(device) if device == "cpu" else ours.to(device).bfloat16()
    with torch.no_grad(), Conversions() as found:
        net(torch.zeros(2, CHANNELS, 4, 4, dtype=torch.bfloat16, device=device))
    assert found.count == conversions
