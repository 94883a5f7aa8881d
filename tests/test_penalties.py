import pytest
import torch
from torch.autograd import gradcheck

from elmyr.penalties import squared_gradient_norm


def test_the_penalty_of_a_linear_discriminator_is_the_squared_norm_of_its_weights() -> None:
    weights = torch.randn(1, 3, 4, 4, dtype=torch.float64)
    images = torch.randn(5, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    penalty = squared_gradient_norm((images * weights).sum((1, 2, 3)), images)
    assert penalty.tolist() == pytest.approx([weights.square().sum().item()] * 5, rel=1e-6)


def test_the_penalty_of_a_quadratic_discriminator_differs_from_image_to_image() -> None:
    images = torch.randn(5, 1, 2, 2, requires_grad=True)
    penalty = squared_gradient_norm(images.square().sum((1, 2, 3)), images)
    assert penalty.tolist() == pytest.approx((4 * images.square().sum((1, 2, 3))).tolist(), rel=1e-5)


def test_the_penalty_has_the_right_gradient_in_the_discriminators_weights() -> None:
    images = torch.randn(3, 1, 2, 2)

    def penalty(weights: torch.Tensor) -> torch.Tensor:
        x = images.double().requires_grad_()
        return squared_gradient_norm(torch.tanh((x * weights).sum((1, 2, 3))), x).double()

    # The norm is taken in float32, so the differences are taken with a wide step.
    assert gradcheck(penalty, torch.randn(1, 1, 2, 2, dtype=torch.float64, requires_grad=True), eps=1e-2, atol=2e-2)
