"""Damage: seeded, what its words say, to the letter of its masks, and refused in one line where it makes no sense."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from elmyr.core.errors import InputError
from elmyr.tasks.restoration import KINDS, corrupt, damage_of
from elmyr.tasks.restoration.damage import AnyDamage


def images_of(n: int = 6, height: int = 16, width: int = 12, channels: int = 1) -> np.ndarray:
    smooth = np.add.outer(np.linspace(40, 200, height), np.linspace(0, 50, width))
    noise = np.random.default_rng(0).integers(0, 6, (n, height, width, channels))
    return (smooth[None, ..., None] + noise).astype(np.uint8)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_is_a_function_of_the_seed_and_changes_images(name: str, channels: int) -> None:
    images = images_of(channels=channels)
    before = images.copy()
    first, again, other = (corrupt(images, name, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(images, before)
    assert first.images.shape == images.shape and first.images.dtype == np.uint8
    assert np.array_equal(first.images, again.images)
    assert not np.array_equal(first.images, images)
    drawn = name not in ("center", "left", "right", "top", "bottom", "blur", "lowres", "contrast", "jpeg")
    assert np.array_equal(first.images, other.images) != drawn
    assert (first.masks is not None) == KINDS[name].hides
    if first.masks is not None:
        assert first.masks.shape == images.shape[:3]
        assert np.array_equal(first.images[~first.masks], images[~first.masks])


@pytest.mark.parametrize("name", [name for name in KINDS if name != "half"])
def test_more_severe_is_further_from_the_image(name: str) -> None:
    images, kind = images_of(20, 24, 24), KINDS[name]
    low, high = kind.trained_range(24)
    apart = [
        np.abs(corrupt(images, f"{name}:{severity:g}").images.astype(float) - images).mean() for severity in (low, high)
    ]
    falling = name in ("poisson", "jpeg")  # fewer photons, lower quality
    assert apart[0] > apart[1] if falling else apart[0] < apart[1]


def test_noise_has_the_deviation_that_is_asked_for() -> None:
    gray = np.full((8, 64, 64, 1), 128, np.uint8)
    assert corrupt(gray, "noise:0.1").images.std() == pytest.approx(25.5, rel=0.02)
    assert corrupt(gray, "poisson:50").images.std() == pytest.approx(255 * np.sqrt(128 / 255 / 50), rel=0.03)
    salted = corrupt(gray, "salt:0.3").images
    assert (salted == 0).mean() == pytest.approx(0.15, abs=0.01) and (salted == 255).mean() == pytest.approx(
        0.15, abs=0.01
    )


def test_holes_are_as_large_as_they_are_called_and_black() -> None:
    images = images_of(5, 28, 28)
    for words, share in (
        ("missing:0.75", 588 / 784),
        ("block:14", 196 / 784),
        ("center:14", 196 / 784),
        ("right:0.5", 0.5),
        ("half:0.25", 0.25),
        ("missing:0.98", 768 / 784),
    ):
        damaged = corrupt(images, words)
        assert damaged.masks is not None
        assert (damaged.masks.mean((1, 2)) == share).all(), words
        assert (damaged.images[damaged.masks] == 0).all()
    masks = corrupt(images, "center:14").masks
    assert masks is not None and masks[:, 7:21, 7:21].all()
    masks = corrupt(images, "right:0.5").masks
    assert masks is not None and masks[:, :, 14:].all()


def test_blocks_reach_every_place() -> None:
    masks = corrupt(images_of(400, 8, 8), "block:7").masks
    assert masks is not None
    assert {(int(mask[0].any()), int(mask[:, 0].any())) for mask in masks} == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_an_occlusion_is_of_another_image() -> None:
    images = np.stack([np.full((12, 12, 1), value, np.uint8) for value in (10, 20, 30)])
    damaged, masks = corrupt(images, "occlusion:5")
    assert masks is not None
    assert [int(image[mask].mean()) for image, mask in zip(damaged, masks, strict=True)] == [30, 10, 20]


def test_blur_keeps_light_and_a_motion_smears_along_a_line() -> None:
    dot = np.zeros((40, 31, 31, 1), np.uint8)
    dot[:, 15, 15] = 255
    smeared = corrupt(dot, "motion:9").images[..., 0].astype(float)
    assert smeared.sum((1, 2)) == pytest.approx(255, rel=0.1)
    for image in smeared:
        rows, columns = np.nonzero(image)
        spread = np.linalg.svd(np.stack([rows - 15, columns - 15]), compute_uv=False)
        assert spread[0] > 3 * spread[1]  # long and thin, whatever its angle
    blurred = corrupt(dot, "blur:2").images[0, ..., 0].astype(float)
    assert np.array_equal(blurred, blurred.T) and blurred[15, 15] == blurred.max()
    flat = np.full((1, 9, 9, 1), 77, np.uint8)
    assert np.array_equal(corrupt(flat, "blur:3").images, flat) and np.array_equal(
        corrupt(flat, "motion:5").images, flat
    )


def test_few_pixels_are_the_means_of_squares() -> None:
    images = images_of(2, 10, 9)  # no multiple of 4
    large = corrupt(images, "lowres:4").images
    assert large.shape == images.shape
    assert large[0, :4, :4].min() == large[0, :4, :4].max() == round(images[0, :4, :4].mean())
    assert np.array_equal(corrupt(images, "lowres:1").images, images)


@pytest.mark.parametrize("quality", [3, 10, 50, 90, 100])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_loses_what_pillow_loses(quality: int, channels: int) -> None:
    noise = np.random.default_rng(1).normal(0, 25, (61, 76, channels))
    image = np.clip(images_of(1, 61, 76, channels)[0] + noise, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    picture = Image.fromarray(image[..., 0] if channels == 1 else image)
    picture.save(file, "JPEG", quality=quality, subsampling=0)
    theirs = np.asarray(Image.open(file)).reshape(image.shape).astype(int)
    apart = np.abs(corrupt(image[None], f"jpeg:{quality}").images[0].astype(int) - theirs)
    assert (apart <= 3).mean() > 0.9 and apart.mean() < 1.5  # they round whole blocks otherwise where a value is a tie
    lost = np.abs(image.astype(int) - theirs).mean()
    assert apart.mean() < 0.2 * lost or quality == 100


def test_kinds_follow_each_other_and_masks_add_up() -> None:
    images = images_of(4, 28, 28)
    both = corrupt(images, "center:6,right:0.25")
    assert both.masks is not None
    assert both.masks[:, 11:17, 11:17].all() and both.masks[:, :, 21:].all()
    assert both.masks.mean() == pytest.approx((36 + 28 * 7) / 784)
    noisy = corrupt(images, "center:14,noise:0.2")
    assert noisy.masks is not None and (noisy.images[noisy.masks] > 0).any()


def test_no_image_is_hidden_wholly() -> None:
    images = images_of(4, 28, 28)
    damaged, masks = corrupt(images, "left:0.5,right:0.5")
    assert masks is not None and masks[..., :14].all() and not masks[..., 14:].any()
    assert np.array_equal(damaged[~masks], images[~masks])


def test_what_are_no_images_is_told_in_one_line() -> None:
    for wrong, told in (
        (images_of()[:0], r"uint8 of the shape \(0, 16, 12, 1\)"),
        (images_of()[..., 0], r"uint8 of the shape \(6, 16, 12\)"),
        (images_of() / 255, "float64 of the shape"),
        (images_of().tolist(), "are a list: give an array uint8"),
    ):
        with pytest.raises(InputError, match=told):
            corrupt(wrong, "noise")  # type: ignore[arg-type]  # as a user may


def test_a_range_draws_a_severity() -> None:
    part = damage_of("block:2-5")
    images = torch.ones(1, 1, 20, 20)
    drawn = {int(part(images, torch.Generator().manual_seed(seed))[1].sum()) for seed in range(60)}
    assert drawn == {4, 9, 16, 25}


def test_any_damage_has_every_kind_and_keeps_most_images_recognizable() -> None:
    images = torch.from_numpy(images_of(64, 28, 28)).permute(0, 3, 1, 2) / 255
    damage, wholly = AnyDamage(), 0
    for seed in range(20):
        damaged, masks = damage(images, torch.Generator().manual_seed(seed))
        assert damaged.shape == images.shape and masks.dtype == torch.bool
        assert 0 <= damaged.min() <= damaged.max() <= 1
        wholly += int(masks.all((1, 2, 3)).sum())
    assert wholly == 0


def test_a_function_of_one_s_own_takes_part() -> None:
    def darker(images: torch.Tensor, random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        return images / 2, torch.rand(images.shape, generator=random) < 0.5

    images = images_of()
    damaged, masks = corrupt(images, darker, seed=3)
    assert (
        np.array_equal(damaged, np.round(images / 2 + 1e-6).astype(np.uint8))
        or np.abs(damaged - images / 2).max() <= 0.5
    )
    assert masks is not None and 0.4 < masks.mean() < 0.6
    with pytest.raises(InputError, match="give the same shape"):
        corrupt(images, lambda images, random: images[:, :, 1:])
    with pytest.raises(InputError, match="masks bool"):
        corrupt(images, lambda images, random: (images, torch.zeros(len(images), 1, 16, 12)))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("blok:14", "did you mean 'block'"),
        ("nois", "did you mean 'noise'"),
        ("", "give a kind and its severity"),
        ("noise:", "give a kind and its severity"),
        ("noise:-1", "give a kind and its severity"),
        ("noise:nan", "give a kind and its severity"),
        ("noise:0.1,,blur", "give a kind and its severity"),
        ("noise:5", "from 0 to 2"),
        ("noise:1e999", "out of range"),
        ("missing:1", "from 0 to 0.98"),
        ("block:0", "from 1 to 4096"),
        ("block:2.5", "a whole number"),
        ("jpeg:101", "from 1 to 100"),
        ("noise:0.5-0.2", "the lesser severity first"),
        ("block:16", "choose less than 12"),
        ("motion:12", "smaller side is 12 pixels"),
        ("any,noise", "no corruption 'any'"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(words: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as raised:
        corrupt(images_of(), words)
    assert "\n" not in str(raised.value)
