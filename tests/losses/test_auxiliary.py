"""ACGAN's and InfoGAN's terms against values worked out by hand, and their gradients."""

import math

import pytest
import torch

from elmyr.losses.auxiliary import classification_loss, information_loss


def test_the_classification_loss_is_minus_the_logarithm_of_the_right_classs_probability() -> None:
    logits = torch.tensor([[0.0, math.log(3)], [0.0, 0.0], [1000.0, 0.0]], dtype=torch.float64)
    losses = classification_loss(logits, torch.tensor([1, 0, 1]))
    assert losses.tolist() == pytest.approx([-math.log(3 / 4), math.log(2), 1000])


def test_the_information_loss_is_that_of_the_category_and_half_the_squared_error_of_the_values() -> None:
    logits = torch.tensor([[0.0, math.log(3)]], dtype=torch.float64)
    means, values = torch.tensor([[1.0, 0.0]]).double(), torch.tensor([[0.0, -2.0]]).double()
    both = information_loss(logits, torch.tensor([0]), means, values)
    assert both.tolist() == pytest.approx([math.log(4) + (1 + 4) / 2])
    assert information_loss(None, torch.tensor([0]), means, values).tolist() == pytest.approx([2.5])
    assert information_loss(logits, torch.tensor([0]), None, values[:, :0]).tolist() == pytest.approx([math.log(4)])


def test_a_code_that_is_read_without_error_costs_nothing() -> None:
    sure = torch.tensor([[50.0, 0.0], [0.0, 50.0]], dtype=torch.float64)
    values = torch.tensor([[0.3], [-0.7]], dtype=torch.float64)
    assert information_loss(sure, torch.tensor([0, 1]), values, values).tolist() == pytest.approx([0, 0], abs=1e-12)


def test_gradients_are_those_of_finite_differences() -> None:
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 4, generator=random, dtype=torch.float64, requires_grad=True)
    means = torch.randn(3, 2, generator=random, dtype=torch.float64, requires_grad=True)
    values = torch.randn(3, 2, generator=random, dtype=torch.float64)
    kinds = torch.tensor([0, 3, 1])
    assert torch.autograd.gradcheck(lambda x: classification_loss(x, kinds), logits)
    assert torch.autograd.gradcheck(lambda x, m: information_loss(x, kinds, m, values), (logits, means))
