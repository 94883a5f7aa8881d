"""The recognizer's network: normalized in fp32 also where it computes in bf16, and by the function of before."""

import torch
from torch import nn

from elmyr.nets.classifier import SingleGroupNorm

CHANNELS = 32


def norms() -> tuple[SingleGroupNorm, nn.GroupNorm]:
    torch.manual_seed(0)
    ours, plain = SingleGroupNorm(4, CHANNELS), nn.GroupNorm(4, CHANNELS)
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
