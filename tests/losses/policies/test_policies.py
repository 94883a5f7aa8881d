import math

import pytest
import torch

from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.losses.policies import CHANGES, policy_of
from elmyr.losses.policies.elastic import elastic
from elmyr.losses.policies.erasing import erasing
from elmyr.losses.policies.flips import flips
from elmyr.losses.policies.mixing import DRAWS, MIXINGS, cutmix, mixup
from elmyr.losses.policies.photometric import photometric
from elmyr.losses.policies.strong import strong


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int = 16, channels: int = 3, height: int = 12, width: int = 9) -> torch.Tensor:
    return 2 * torch.rand(n, channels, height, width, generator=generator(9)) - 1


def draws(n: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(DRAWS, n, 1, 1, 1, generator=generator(seed))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", CHANGES)
def test_each_image_is_changed_in_its_own_way_and_stays_an_image(name: str, channels: int) -> None:
    images = pictures(1, channels).repeat(40, 1, 1, 1)
    changed = policy_of(name)(images, generator())
    assert changed.shape == images.shape and changed.dtype == images.dtype
    assert torch.equal(changed, policy_of(name)(images, generator()))
    assert not torch.equal(changed, policy_of(name)(images, generator(1)))
    assert changed.abs().max() <= 1
    different = {tuple(image.flatten().tolist()) for image in changed}
    assert len(different) >= {"flips": 2, "erasing": 12}.get(name, 38)


@pytest.mark.parametrize("name", [*CHANGES, "affine+elastic+erasing+photometric+strong+flips"])
def test_a_part_of_a_batch_is_changed_as_it_is_in_the_whole(name: str) -> None:
    images, policy = pictures(10).double(), policy_of(name)
    whole = policy(images, seeds.for_part(3, "augmentation", 128, (slice(0, 10), 10)))
    for part in (slice(0, 4), slice(4, 7), slice(7, 10)):
        alone = policy(images[part], seeds.for_part(3, "augmentation", 128, (part, 10)))
        assert torch.allclose(alone, whole[part], atol=1e-12)


def test_a_policy_is_its_changes_in_their_order() -> None:
    images, random = pictures(), generator()
    expected = erasing(elastic(images, random), random)
    assert torch.equal(policy_of("elastic + erasing")(images, generator()), expected)
    assert torch.equal(policy_of("none")(images, generator()), images)


@pytest.mark.parametrize("name", ["elastics", "affine+", "none+affine", "auto"])
def test_what_is_no_policy_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="no change of training images"):
        policy_of(name)


def shifts(n: int, **settings: float) -> torch.Tensor:
    """How far each pixel of 28x28 is moved across and down, in pixels: read off ramps, on which bilinear is exact."""
    rows, columns = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    places = torch.stack([columns, rows]).double().repeat(n, 1, 1, 1)
    return elastic(places, generator(), **settings) - places


def test_an_elastic_deformation_is_smooth_and_of_its_amount() -> None:
    moved = shifts(200)[..., 8:-8, 8:-8]  # away from the borders, which are held
    assert moved.std().item() == pytest.approx(0.05 * 28, rel=0.1)
    assert moved.mean().abs() < 0.1
    step = (moved[..., 1:] - moved[..., :-1]).std() / moved.std()
    assert step.item() == pytest.approx(1 / (4 * math.sqrt(2)), rel=0.15)  # of a Gaussian's correlation, 4 pixels
    assert shifts(3, amount=0.0).abs().max() < 1e-5


def test_erasing_puts_noise_into_one_rectangle_of_half_of_the_images() -> None:
    images = torch.full((400, 2, 20, 20), 0.5)
    erased = erasing(images, generator())
    gone = (erased != images).any(1)
    assert gone.any(2).any(1).float().mean().item() == pytest.approx(0.5, abs=0.06)
    rows, columns = gone.any(2), gone.any(1)
    assert (gone == rows.unsqueeze(2) & columns.unsqueeze(1)).float().mean() > 0.999  # noise may be 0.5
    area = (rows.sum(1) * columns.sum(1))[gone.any(2).any(1)] / 400
    assert 0.01 <= area.min() < 0.06 and 0.33 < area.max() <= 0.45
    noise = erased[:, 0][gone]
    assert noise.mean().abs() < 0.02 and noise.std().item() == pytest.approx(1 / math.sqrt(3), abs=0.02)
    assert gone.any(0).all()  # wherever it may be
    tall, wide = rows.sum(1).float(), columns.sum(1).float()
    assert ((tall > 2 * wide).sum() > 10) and ((wide > 2 * tall).sum() > 10)


def test_half_of_the_images_are_mirrored_and_nothing_else_is_done() -> None:
    images = pictures(1000)
    flipped = flips(images, generator())
    mirrored = (flipped == images.flip(3)).flatten(1).all(1)
    assert torch.equal(flipped[~mirrored], images[~mirrored])
    assert mirrored.float().mean().item() == pytest.approx(0.5, abs=0.05)


def test_other_light_keeps_grays_gray_and_turns_the_hue_of_colors() -> None:
    gray = pictures(50, 1).mul(0.3)
    as_color = photometric(gray.repeat(1, 3, 1, 1), generator())
    assert torch.allclose(as_color, photometric(gray, generator()).repeat(1, 3, 1, 1), atol=1e-6)
    red = torch.tensor([0.5, -0.2, -0.3]).view(1, 3, 1, 1).expand(200, 3, 2, 2)
    nothing = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0}
    turned = photometric(red, generator(), **nothing, hue=1 / 3)
    assert torch.allclose(turned.mean(1), red.mean(1), atol=1e-6)
    assert torch.allclose(turned.std(1), red.std(1), atol=1e-6)  # the color is as strong as it was
    assert {int(image[:, 0, 0].argmax()) for image in turned} == {0, 1, 2}
    assert torch.allclose(photometric(red, generator(), **nothing, hue=0.0), red, atol=1e-6)


def test_strong_changes_are_of_geometry_and_of_light_and_never_mirror() -> None:
    arrow = torch.full((300, 1, 16, 16), -1.0)
    arrow[:, :, 4:12, 2:6] = 1.0  # left of the middle
    changed = strong(arrow, generator())
    left, right = changed[..., :8].mean((1, 2, 3)), changed[..., 8:].mean((1, 2, 3))
    assert (left > right).float().mean() > 0.97
    assert (changed != arrow).flatten(1).any(1).float().mean() > 0.97


def test_mixup_is_a_weighted_mean_by_any_weight() -> None:
    images, others = torch.ones(500, 1, 4, 4), torch.zeros(500, 1, 4, 4)
    mixed, own = mixup(images, others, draws(500))
    assert torch.equal(mixed, own.expand_as(mixed))
    assert own.shape == (500, 1, 1, 1)
    assert own.min() < 0.02 and own.max() > 0.98 and own.mean().item() == pytest.approx(0.5, abs=0.04)


def test_cutmix_counts_the_pixels_that_are_an_image_s_own() -> None:
    images, others = torch.ones(1000, 1, 10, 14), torch.zeros(1000, 1, 10, 14)
    mixed, own = cutmix(images, others, draws(1000))
    assert torch.allclose(mixed.mean((1, 2, 3)), own.flatten())
    window = mixed[:, 0] == 0
    assert torch.equal(window, window.any(2).unsqueeze(2) & window.any(1).unsqueeze(1))
    assert (own == 1).float().mean().item() == pytest.approx(0.5, abs=0.06)
    assert own.min() < 0.1


def test_every_mixing_keeps_an_image_that_is_its_own_partner() -> None:
    for mixing in MIXINGS.values():
        images = pictures()
        assert torch.allclose(mixing(images, images, draws(len(images)))[0], images, atol=1e-6)
