"""Images read between their pixels: torch's function, its adjoint in one order of sums, gradients of gradients."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional as F

from elmyr.losses.sampled import given_back, sampled

PADDINGS = ("zeros", "border", "reflection")


@settings(max_examples=60)
@given(
    sides=st.tuples(*[st.integers(1, 6)] * 4),
    padding=st.sampled_from(PADDINGS),
    reach=st.sampled_from([0.5, 1.0, 3.7]),
    seed=st.integers(0, 2**16),
)
def test_what_is_given_back_is_torchs_own_gradient(
    sides: tuple[int, int, int, int], padding: str, reach: float, seed: int
) -> None:
    random = torch.Generator().manual_seed(seed)
    images = torch.rand(2, 3, *sides[:2], generator=random, dtype=torch.float64, requires_grad=True)
    grid = reach * (2 * torch.rand(2, *sides[2:], 2, generator=random, dtype=torch.float64) - 1)
    read = F.grid_sample(images, grid, padding_mode=padding, align_corners=False)
    asked = torch.rand(read.shape, generator=random, dtype=torch.float64)
    expected = torch.autograd.grad(read, images, asked)[0]
    torch.testing.assert_close(given_back(asked, grid, padding, images.shape), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("padding", PADDINGS)
def test_it_is_differentiable_twice(padding: str) -> None:
    images = torch.rand(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    grid = 3 * torch.rand(1, 2, 3, 2, dtype=torch.float64) - 1.5
    assert gradcheck(lambda each: sampled(each, grid, padding).square(), images)
    assert gradgradcheck(lambda each: sampled(each, grid, padding).square(), images)
