"""An image over textures: its shape stays, the example's goes, and colors and layout are the example's."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elmyr.core import seeds
from elmyr.losses.textures import over_textures, textures


def cross(side: int = 28) -> torch.Tensor:
    """A light cross on black: (1, 1, side, side)."""
    image = torch.full((1, 1, side, side), -1.0)
    image[..., side // 2, :] = image[..., :, side // 2] = 0.6
    return image


@given(st.integers(8, 30), st.integers(8, 30), st.sampled_from([1, 3]), st.integers(0, 100))
def test_any_size_stays_within_range(height: int, width: int, channels: int, seed: int) -> None:
    random = seeds.generator(seed, "images")
    images, examples = 2 * torch.rand(2, 3, channels, height, width, generator=random) - 1
    for made in (textures(examples, random), over_textures(images, examples, random)):
        assert made.shape == images.shape
        assert made.isfinite().all()
        assert made.abs().max() <= 1


def test_the_shape_of_an_example_does_not_stay() -> None:
    examples = cross().expand(64, -1, -1, -1)
    made = textures(examples, seeds.generator(0, "textures"))
    alike = [np.corrcoef(each.flatten(), cross().flatten())[0, 1] for each in made]
    assert np.abs(alike).max() < 0.6  # what is coarse of it stays: a cross without its edges
    assert (made[0] - made[1]).abs().mean() > 0.05


def test_colors_and_layout_of_an_example_stay() -> None:
    example = torch.zeros(1, 3, 28, 28)
    example[:, 0, :, :14], example[:, 2] = 0.5, -0.7
    made = textures(example.expand(32, -1, -1, -1), seeds.generator(0, "textures"))
    assert (made.mean((2, 3)) - example.mean((2, 3))).abs().max() < 1e-5
    assert (made[:, 0, :, 2:12].mean((1, 2)) > 0.2 + made[:, 0, :, 16:26].mean((1, 2))).all()


@pytest.mark.parametrize("ground", [-0.5, 0.5])
def test_ink_is_light_or_dark_and_nothing_else_changes(ground: float) -> None:
    made = over_textures(
        cross().expand(200, 3, -1, -1), torch.full((200, 3, 28, 28), ground), seeds.generator(0, "textures")
    )
    ink = (cross() > 0)[0, 0]
    assert (made[:, :, ~ink] - ground).abs().max() < 1e-5
    lighter = (made[:, :, ink].mean((1, 2)) > ground).float().mean()
    assert 0.3 < lighter < 0.7  # half of 200: beyond this in fewer than 1 of 10^7 runs, were the seed not fixed


def test_what_is_drawn_for_an_image_does_not_depend_on_its_company() -> None:
    images = 2 * torch.rand(6, 1, 12, 12, generator=seeds.generator(0, "images")) - 1

    def made(numbers: range) -> torch.Tensor:
        chosen = images[numbers.start : numbers.stop]
        return over_textures(chosen, chosen, seeds.Each([seeds.generator(7, "textures", each) for each in numbers]))

    assert torch.allclose(made(range(6))[2:4], made(range(2, 4)), atol=1e-6)
