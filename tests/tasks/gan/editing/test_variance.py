"""What the sources of generated images do to their pixels, where that is known."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from elmyr import GAN
from elmyr.core.errors import InputError
from elmyr.tasks.gan.editing.variance import _heard_again, effects_of, entrances_of
from elmyr.tasks.gan.model import GANConfig


class Known(nn.Module):
    """One pixel from the latent's first entry, one row from the class, one pixel from both."""

    def forward(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        images = torch.zeros(len(latents), 1, 8, 8)
        images[:, 0, 0, 0] = 0.3 * latents[:, 0]
        if labels is not None:
            images[:, 0, 7] = labels[:, None] - 0.5
            images[:, 0, 4, 4] = 0.3 * latents[:, 1] * labels
        return images


def gan_of(generator: nn.Module | None = None, *, channels: int = 1, **how: Any) -> GAN:
    config = GANConfig(height=8, width=8, channels=channels, **how)
    torch.manual_seed(0)
    made, discriminator = config.build()
    return GAN(config, made if generator is None else generator, discriminator, device="cpu", precision="fp32")


def test_effects_are_those_that_were_built_in() -> None:
    found = effects_of(gan_of(Known(), classes=("a", "b")), count=2_000)
    assert [each.source for each in found.all] == ["everything", "class", "latent"]
    whole, by_class, by_latent = (each.deviation for each in found.all)
    assert by_latent[0, 0] == pytest.approx(0.3 * 127.5, rel=0.1) and by_class[0, 0] == 0
    assert by_class[7] == pytest.approx(np.full(8, 0.5 * 127.5), rel=0.1) and not by_latent[7].any()
    # by the latent half of all images move; by the class those whose class is another, as far as from the middle
    assert by_latent[4, 4] == pytest.approx(0.3 * 127.5 / np.sqrt(2), rel=0.1)
    assert by_class[4, 4] == pytest.approx(0.3 * 127.5 / 2, rel=0.1)
    assert not whole[1:4].any()
    assert found.all[0].share == pytest.approx(1)
    assert all(each.low < each.share < each.high for each in found.all)
    assert found.all[1].share + found.all[2].share >= 1  # they act together in one pixel
    assert found.mean.shape == (8, 8, 1) and found.mean[3, 3, 0] == 128


def test_of_one_class_only_the_latent_is_a_source() -> None:
    (found,) = effects_of(gan_of(Known(), classes=("a", "b")), label="a", count=300).all
    assert found.source == "latent" and not found.deviation[4:].any() and found.deviation[0, 0] > 0


@pytest.mark.parametrize("name", ["style", "biggan-lite"])
@pytest.mark.parametrize("classes", [(), ("a", "b")])
def test_all_levels_told_anew_make_the_image_of_the_other_latent(name: str, classes: tuple[str, ...]) -> None:
    gan = gan_of(channels=3, classes=classes, network={"name": name, "base": 8})
    with torch.no_grad():
        for parameter in gan.generator.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3)))
    levels = entrances_of(gan.generator)
    latents = [gan.config.latents(5, torch.Generator().manual_seed(seed)) for seed in (0, 1)]
    labels = torch.tensor([0, 1, 0, 1, 1]) if classes else None
    drawn, again = ((each, labels) for each in latents)
    every = [entrance for entrances in levels.values() for entrance in entrances]
    assert np.array_equal(_heard_again(gan, every)(drawn, again), gan.make(latents[1], labels))
    assert np.array_equal(_heard_again(gan, every)(drawn, drawn), gan.make(latents[0], labels))
    plain = gan.make(latents[0], labels)
    assert all((_heard_again(gan, entrances)(drawn, again) != plain).any() for entrances in levels.values())
    assert not any(module._forward_pre_hooks for module in gan.generator.modules())


def test_noise_of_strength_0_moves_nothing_and_styles_do() -> None:
    gan = gan_of(network={"name": "style", "base": 8})
    found = {each.source: each for each in effects_of(gan, count=20).all}
    assert list(found) == ["latent", "style at 4x4", "style at 8x8", "noise at 4x4", "noise at 8x8"]
    assert found["noise at 4x4"].share == found["noise at 8x8"].share == 0
    assert found["style at 4x4"].share > 0 and found["style at 8x8"].share > 0


def test_the_parts_of_a_code_are_sources() -> None:
    found = effects_of(gan_of(code={"categories": 3, "values": 2}), count=20)
    assert [each.source for each in found.all] == ["latent", "category", "value 1", "value 2"]
    assert all(each.share > 0 for each in found.all)
    assert all(each.share < 1 for each in found.all[1:])
    assert "value 2" in "\n".join(found.lines()) and len(found.as_json()) == 4


def test_the_same_seed_gives_the_same_effects() -> None:
    once, again, other = (effects_of(gan_of(Known()), count=30, seed=seed) for seed in (0, 0, 1))
    assert once.as_json() == again.as_json() != other.as_json()


def test_what_has_no_effects_is_refused() -> None:
    class Constant(nn.Module):
        def forward(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
            return torch.zeros(len(latents), 1, 8, 8)

    with pytest.raises(InputError, match="all images of this GAN are the same"):
        effects_of(gan_of(Constant()))
    with pytest.raises(InputError, match="at least 2"):
        effects_of(gan_of(), count=1)
    with pytest.raises(InputError, match="no class 'c' among 2"):
        effects_of(gan_of(classes=("a", "b")), label="c")
    with pytest.raises(InputError, match="this GAN has no classes"):
        effects_of(gan_of(), label="a")
