"""The translator's network: any size, at first nearly the identity."""

import pytest
import torch

from elmyr.nets import TranslatorNet


@pytest.mark.parametrize(("height", "width"), [(28, 28), (8, 8), (13, 22)])
def test_it_takes_any_size(height: int, width: int) -> None:
    images = torch.rand(2, 3, height, width) * 2 - 1
    assert TranslatorNet(3, (4, 8), 1)(images).shape == images.shape


def test_at_first_it_changes_little() -> None:
    torch.manual_seed(0)
    images = torch.rand(4, 1, 28, 28) * 2 - 1
    assert (TranslatorNet(1, (24, 48), 2)(images) - images).abs().mean() < 0.15


def test_features_are_those_of_each_level() -> None:
    features = TranslatorNet(1, (4, 8), 1).encode(torch.zeros(2, 1, 28, 28))
    assert [each.shape for each in features] == [(2, 4, 14, 14), (2, 8, 7, 7)]
