import math
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save_file
from torch.autograd import gradcheck
from torch.utils._python_dispatch import TorchDispatchMode

from elmyr.losses.augment import GEOMETRY, KINDS, AdaptiveStrength, Augmentation, AugmentationConfig
from elmyr.losses.penalties import squared_gradient_norm

NOTHING: dict[str, Any] = dict.fromkeys(KINDS, 0) | {"horizontal_flip": False, "vertical_flip": False}
AMOUNTS: dict[str, Any] = {
    "horizontal_flip": True,
    "vertical_flip": True,
    "crop": 0.4,
    "scale": 0.5,
    "shear": 0.3,
    "rotation": 45.0,
    "translation": 0.25,
    "brightness": 0.5,
    "saturation": 1.0,
    "contrast": 0.5,
    "noise": 0.2,
    "cutout": 0.5,
}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def only(*kinds: str, **settings: Any) -> Augmentation:
    """These kinds alone, applied to every image."""
    amounts = {kind: AMOUNTS[kind] for kind in kinds}
    return Augmentation(AugmentationConfig(**NOTHING | {"probability": 1.0} | amounts | settings))


def pictures(n: int = 16, channels: int = 3, height: int = 8, width: int = 8) -> torch.Tensor:
    return 2 * torch.rand(n, channels, height, width, generator=generator(9)) - 1


@pytest.mark.parametrize("strength", [0.0, torch.zeros(())])
def test_every_kind_is_the_identity_to_the_bit_at_strength_zero(strength: float | torch.Tensor) -> None:
    images = pictures(height=9, width=12)
    for kind in KINDS:
        assert torch.equal(only(kind)(images, generator(), strength), images)
    assert torch.equal(only(*KINDS)(images, generator(), strength), images)


def test_nothing_is_done_unless_asked() -> None:
    assert torch.equal(Augmentation(AugmentationConfig())(pictures(), generator()), pictures())


def test_every_kind_changes_each_image_in_its_own_way_and_the_draws_fix_how() -> None:
    images = pictures(1).repeat(6, 1, 1, 1)
    for kind in KINDS:
        augmented = only(kind)(images, generator())
        assert torch.equal(augmented, only(kind)(images, generator()))
        assert not torch.equal(augmented, only(kind)(images, generator(1)))
        different = {tuple(image.flatten().tolist()) for image in augmented}
        assert len(different) == (2 if "flip" in kind else 6), kind
        assert augmented.shape == images.shape and augmented.dtype == images.dtype


def test_strength_is_the_share_of_images_that_a_kind_is_applied_to() -> None:
    images = pictures(2000, channels=1, height=4, width=4)
    for strength in (0.3, torch.tensor(0.3)):
        changed = (only("brightness")(images, generator(), strength) != images).flatten(1).any(1)
        assert changed.float().mean().item() == pytest.approx(0.3, abs=0.03)
    untouched = (only("brightness", "rotation")(images, generator(), 0.5) == images).flatten(1).all(1)
    assert untouched.float().mean().item() == pytest.approx(0.25, abs=0.03)  # each kind draws for itself


def test_by_some_each_image_is_changed_by_so_many_kinds_of_those_in_use() -> None:
    images, two = pictures(600, channels=1), only("brightness", "noise")
    assert torch.equal(two.by_some(images, generator(), 0), images)
    assert torch.equal(two.by_some(images, generator(), 2), two(images, generator()))
    change = (two.by_some(images, generator(), 1) - images).flatten(1)
    assert (change != 0).any(1).all()
    lighter = change.std(1) < 1e-5  # by the same everywhere, which noise is not
    assert lighter.float().mean().item() == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("padding", ["reflection", "border", "zeros"])
def test_gradients_pass_through_all_kinds_at_once(padding: str) -> None:
    images = pictures(2, channels=2, height=3, width=4).double().requires_grad_()
    assert gradcheck(lambda x: only(*KINDS, padding=padding)(x, generator(), 0.8), images)


def test_penalties_of_gradients_pass_through_the_augmentation() -> None:
    def r1(weights: torch.Tensor) -> torch.Tensor:
        images = pictures(2, channels=1, height=4, width=4).double().requires_grad_()
        logits = torch.tanh((only(*KINDS)(images, generator(), 0.8) * weights).sum((1, 2, 3)))
        return squared_gradient_norm(logits, images)

    weights = torch.randn(4, 4, dtype=torch.float64, generator=generator(3), requires_grad=True)
    assert gradcheck(r1, weights)


def test_autocast_does_not_blur_where_pixels_are_read() -> None:
    images = pictures(height=32, width=32)
    with torch.autocast("cpu", torch.bfloat16):
        augmented = only(*KINDS)(images, generator())
    assert torch.equal(augmented, only(*KINDS)(images, generator()))


class NoReading(TorchDispatchMode):
    """Inside, a tensor's value that is asked for on the host is an error."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert func is not torch.ops.aten._local_scalar_dense.default
        return func(*args, **kwargs or {})


def test_nothing_is_read_back_to_the_host() -> None:
    adaptive, images = AdaptiveStrength(), pictures()
    with pytest.raises(AssertionError), NoReading():
        images.sum().item()
    with NoReading():
        adaptive.update(torch.ones(4), 4)
        only(*KINDS)(images, generator(), adaptive.strength)


# What the geometric kinds do is read off a picture whose channels hold each pixel's own place, from its center: it
# shows where each output pixel came from, exactly, since bilinear reading is exact on ramps.


def map_of(*kinds: str, n: int = 200, **settings: Any) -> torch.Tensor:
    """The maps (N, 2, 3) from output to input places, (column, row, 1), about the center of a 33x25 picture."""
    rows, columns = torch.meshgrid(torch.arange(25.0) - 12, torch.arange(33.0) - 16, indexing="ij")
    places = torch.stack([columns, rows]).double().repeat(n, 1, 1, 1)
    read = only(*kinds, **settings)(places, generator())
    center, right, below = read[:, :, 12, 16], read[:, :, 12, 17], read[:, :, 13, 16]
    return torch.stack([right - center, below - center, center], 2)


def close(values: torch.Tensor, expected: torch.Tensor | float) -> bool:
    return torch.allclose(values, torch.as_tensor(expected, dtype=values.dtype).expand_as(values), atol=1e-4)


def test_a_rotation_turns_about_the_center_by_up_to_its_degrees_either_way() -> None:
    maps = map_of("rotation")
    turns = maps[:, :, :2]
    assert close(turns @ turns.mT, torch.eye(2)) and close(torch.linalg.det(turns), 1.0)
    assert close(maps[:, :, 2], 0.0)
    angles = torch.rad2deg(torch.atan2(turns[:, 1, 0], turns[:, 0, 0]))
    assert -45 <= angles.min() < -40 and 40 < angles.max() <= 45


def test_a_scale_is_the_same_in_both_directions_and_as_often_larger_as_smaller() -> None:
    maps = map_of("scale")
    factors = maps[:, 0, 0]
    assert close(maps[:, :, :2], factors.view(-1, 1, 1) * torch.eye(2))
    assert close(maps[:, :, 2], 0.0)
    assert 1 / 1.5 - 1e-4 <= factors.min() < 0.7 and 1.45 < factors.max() <= 1.5 + 1e-4
    assert (factors > 1).float().mean().item() == pytest.approx(0.5, abs=0.1)


def test_a_shear_moves_rows_in_proportion_to_their_height() -> None:
    maps = map_of("shear")
    slants = maps[:, 0, 1].clone()
    maps[:, 0, 1] = 0
    assert close(maps, torch.eye(2, 3))
    assert -0.3 <= slants.min() < -0.25 and 0.25 < slants.max() <= 0.3


def test_a_crop_zooms_into_a_window_that_lies_inside() -> None:
    maps = map_of("crop")
    shares = maps[:, 0, 0]
    assert close(maps[:, :, :2], shares.view(-1, 1, 1) * torch.eye(2))
    assert 0.6 <= shares.min() < 0.65 and 0.95 < shares.max() <= 1
    room = (1 - shares).unsqueeze(1) * torch.tensor([33, 25]) / 2
    assert (maps[:, :, 2].abs() <= room + 1e-4).all()
    assert ((maps[:, :, 2] / room).abs() > 0.8).any(0).all()


def test_a_flip_mirrors_half_of_the_images_it_is_applied_to() -> None:
    for kind, mirror in (("horizontal_flip", (-1.0, 1.0)), ("vertical_flip", (1.0, -1.0))):
        maps = map_of(kind)
        assert close(maps[:, :, 2], 0.0)
        mirrored = maps[:, :, :2].diagonal(dim1=1, dim2=2).prod(1) < 0
        assert close(maps[mirrored, :, :2], torch.diag(torch.tensor(mirror)))
        assert close(maps[~mirrored, :, :2], torch.eye(2))
        assert mirrored.float().mean().item() == pytest.approx(0.5, abs=0.1)


def test_flips_are_off_by_default() -> None:
    assert not {"horizontal_flip", "vertical_flip"} & Augmentation(AugmentationConfig()).amounts.keys()


def test_a_dot_is_translated_by_whole_pixels_up_to_its_share_of_the_side() -> None:
    dots = torch.full((400, 1, 20, 10), -1.0)
    dots[:, :, 10, 5] = 1
    moved = only("translation", translation=0.2)(dots, generator())
    images, _, rows, columns = torch.nonzero(moved > 0, as_tuple=True)
    assert images.tolist() == list(range(400))  # one dot each
    assert torch.allclose(moved.amax((1, 2, 3)), torch.ones(400), atol=1e-4)
    assert set((rows - 10).tolist()) == set(range(-4, 5))
    assert set((columns - 5).tolist()) == set(range(-2, 3))


def test_the_geometric_kinds_are_one_map_read_once() -> None:
    whole = torch.eye(3, dtype=torch.float64)
    last = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64).expand(200, 1, 3)
    for kind in GEOMETRY:  # each kind's draws are the same whichever others are in use
        whole = whole @ torch.cat([map_of(kind, translation=0.1 * (kind == "translation")), last], 1)
    together = map_of(*GEOMETRY, translation=0.1)
    assert torch.allclose(together, whole[:, :2], atol=1e-3)


@pytest.mark.parametrize(("padding", "width"), [("zeros", 1), ("reflection", 2), ("border", 3)])
def test_what_comes_in_from_outside_is_as_asked(padding: str, width: int) -> None:
    images = torch.full((100, 1, 8, 8), -0.25)
    images[:, :, :, 0] = 0.75
    moved = only("translation", padding=padding)(images, generator())  # by up to two pixels
    values = {-0.25, 0.75, 0.0} if padding == "zeros" else {-0.25, 0.75}
    assert {round(value, 3) for value in moved.abs().flatten().tolist()} == {abs(value) for value in values}
    assert (moved > 0.5).sum(3).max() == width


def test_brightness_shifts_an_image_by_up_to_its_amount() -> None:
    images = pictures(200)
    shifts = (only("brightness")(images, generator()) - images).flatten(1)
    assert torch.allclose(shifts, shifts[:, :1].expand_as(shifts), atol=1e-6)
    assert -0.5 <= shifts.min() < -0.45 and 0.45 < shifts.max() <= 0.5 + 1e-6


@pytest.mark.parametrize(("kind", "over", "amount"), [("contrast", (1, 2, 3), 0.5), ("saturation", (1,), 1.0)])
def test_contrast_and_saturation_stretch_about_the_mean(kind: str, over: tuple[int, ...], amount: float) -> None:
    images = pictures(200).double()
    changed = only(kind)(images, generator())
    assert torch.allclose(changed.mean(over), images.mean(over))
    factors = ((changed - changed.mean(over, keepdim=True)) / (images - images.mean(over, keepdim=True))).flatten(1)
    assert torch.allclose(factors, factors[:, :1].expand_as(factors))
    assert 1 - amount <= factors.min() + 1e-9 and factors.max() <= 1 + amount + 1e-9
    assert factors.min() < 1 - 0.9 * amount and factors.max() > 1 + 0.9 * amount


def test_gray_stays_gray() -> None:
    images = pictures(channels=1)
    assert torch.equal(only("saturation")(images, generator()), images)
    kinds = [kind for kind in KINDS if kind != "noise"]  # each channel has its own
    in_color = only(*kinds)(images.repeat(1, 3, 1, 1), generator())
    assert torch.equal(in_color, in_color[:, :1].expand_as(in_color))


def test_noise_is_white_and_its_strength_is_drawn_for_each_image() -> None:
    images = pictures(100, height=24, width=24)
    noise = (only("noise")(images, generator()) - images).flatten(1)
    deviations = noise.std(1)
    assert deviations.min() < 0.02 and 0.18 < deviations.max() < 0.21
    assert (noise.mean(1).abs() < 5 * deviations / math.sqrt(noise.shape[1]) + 1e-6).all()


def test_a_square_is_cut_out_anywhere_and_the_rest_is_left() -> None:
    images = pictures(200, height=8, width=16)
    cut = only("cutout")(images, generator())
    gone = (cut == 0).all(1)
    assert torch.equal(cut, images.masked_fill(gone.unsqueeze(1), 0))
    rows, columns = gone.any(2), gone.any(1)
    assert torch.equal(gone, rows.unsqueeze(2) & columns.unsqueeze(1))
    assert (rows.sum(1).min(), rows.sum(1).max()) == (2, 4)  # a quarter of the side at the corners, else half of it
    assert (columns.sum(1).min(), columns.sum(1).max()) == (4, 8)
    assert rows.any(0).all() and columns.any(0).all()


def test_every_kind_has_its_amount_and_a_wrong_one_is_refused() -> None:
    assert set(KINDS) == AugmentationConfig.model_fields.keys() - {"probability", "padding"}
    for wrong in ({"translation": 1.0}, {"cutout": -0.1}, {"probability": 1.5}, {"padding": "wrap"}, {"blur": 1.0}):
        with pytest.raises(ValidationError):
            AugmentationConfig(**wrong)


SURE, FOOLED = torch.ones(8), -torch.ones(8)


def test_the_strength_goes_from_0_to_1_in_500_000_images_and_no_further() -> None:
    adaptive = AdaptiveStrength()
    for _ in range(250):
        adaptive.update(1e4 * SURE, 1000)
    assert adaptive.strength.shape == ()
    assert adaptive.strength.item() == pytest.approx(0.5, rel=1e-4)
    for _ in range(300):
        adaptive.update(SURE, 1000)
    assert adaptive.strength.item() == 1
    for _ in range(100):
        adaptive.update(FOOLED, 1000)
    assert adaptive.strength.item() == pytest.approx(0.8, rel=1e-4)
    for _ in range(500):
        adaptive.update(FOOLED, 1000)
    assert adaptive.strength.item() == 0


def test_the_strength_moves_by_the_mean_sign_of_a_whole_window() -> None:
    adaptive = AdaptiveStrength()
    adaptive.strength.fill_(0.5)
    for logits in (SURE, SURE, SURE):
        adaptive.update(logits, 64)
        assert adaptive.strength == 0.5
    adaptive.update(FOOLED, 64)  # a mean sign of 0.5, below the target
    assert adaptive.strength.item() == pytest.approx(0.5 - 256 / 500_000)
    adaptive.update(torch.cat([SURE, torch.zeros(1)]), 256)  # the window before is forgotten
    assert adaptive.strength.item() == pytest.approx(0.5)


def test_the_strength_settles_where_the_mean_sign_is_the_target() -> None:
    adaptive = AdaptiveStrength(ramp=10_000)
    for _ in range(300):
        # A discriminator that is wrong on more real images the more they are augmented: mean sign 1 - strength.
        positive = torch.linspace(0, 1, 1001) >= adaptive.strength / 2
        adaptive.update(2.0 * positive - 1, 256)
    assert adaptive.strength.item() == pytest.approx(0.4, abs=0.03)


def test_the_adaptive_strength_travels_in_a_checkpoint_within_a_window(tmp_path: Path) -> None:
    adaptive, resumed = AdaptiveStrength(), AdaptiveStrength()
    for _ in range(6):
        adaptive.update(SURE, 64)
    save_file(adaptive.state_dict(), tmp_path / "adaptive.safetensors")
    resumed.load_state_dict(load_file(tmp_path / "adaptive.safetensors"))
    for _ in range(2):
        adaptive.update(SURE, 64)
        resumed.update(SURE, 64)
    assert resumed.state_dict() == adaptive.state_dict()
    assert resumed.strength.item() == pytest.approx(512 / 500_000)
