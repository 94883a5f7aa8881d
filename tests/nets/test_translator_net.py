"""The translator's network: any size, at first nearly the identity, or a blend with the example that it is given."""

import pytest
import torch

from elmyr.nets import TranslatorNet, quartered


@pytest.mark.parametrize(("height", "width"), [(28, 28), (8, 8), (13, 22)])
@pytest.mark.parametrize("styled", [False, True])
def test_it_takes_any_size(height: int, width: int, styled: bool) -> None:
    net = TranslatorNet(3, (4, 8), 1, styled)
    images, examples = torch.rand(2, 2, 3, height, width) * 2 - 1
    assert net(images, examples if styled else None).shape == images.shape


def test_at_first_it_changes_little_or_blends() -> None:
    torch.manual_seed(0)
    images, examples = torch.rand(2, 4, 1, 28, 28) * 2 - 1
    assert (TranslatorNet(1, (24, 48), 2, False)(images) - images).abs().mean() < 0.15
    blend = TranslatorNet(1, (24, 48), 2, True)(images, examples)
    assert (blend - (images + examples) / 2).abs().mean() < 0.15


def test_features_are_those_of_each_level() -> None:
    features = TranslatorNet(1, (4, 8), 1, False).encode(torch.zeros(2, 1, 28, 28))
    assert [each.shape for each in features] == [(2, 4, 14, 14), (2, 8, 7, 7)]


def test_quarters_change_places() -> None:
    image = torch.arange(16.0).view(1, 1, 4, 4)
    assert quartered(image)[0, 0].tolist() == [[10, 11, 8, 9], [14, 15, 12, 13], [2, 3, 0, 1], [6, 7, 4, 5]]
    assert torch.equal(quartered(quartered(image)), image)
