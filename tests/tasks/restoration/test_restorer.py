"""The restorer: what is known stays, answers agree with it and differ where it leaves them open, tiles are not seen."""

from pathlib import Path

import numpy as np
import pytest
import torch

import elmyr
from elmyr import Restorer
from elmyr.core.errors import InputError
from elmyr.images import ImageSet
from elmyr.tasks.restoration import corrupt
from elmyr.tasks.restoration.tiles import tiles
from tests.conftest import small_image_set

TINY = {"widths": (8, 12), "bottom": 1, "noise": 4, "discriminator_base": 8}


def restorer_of(images: int = 160, channels: int = 1, corruption: str = "any", **settings: object) -> Restorer:
    restorer = Restorer(corruption=corruption, images=images, settings=TINY | settings, device="cpu")
    return restorer.fit(small_image_set(60, channels=channels))


@pytest.fixture(scope="module")
def trained() -> Restorer:
    return restorer_of()


@pytest.fixture(scope="module")
def deaf() -> Restorer:
    """One whose answers are all over the place: nothing in it is near zero, as in a fresh one."""
    restorer = restorer_of(16)
    torch.manual_seed(0)
    for parameter in restorer.net_.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    return restorer


def test_it_learns_to_undo_damage() -> None:
    images = small_image_set(240)
    restorer = Restorer(corruption="center:4", images=6_000, settings=TINY | {"noise": 0}, device="cpu")
    restorer.fit(images)
    fresh = small_image_set(60, seed=1)
    damaged, masks = corrupt(fresh.in_memory(), "center:4")
    assert masks is not None
    repaired = restorer.restore(damaged, masks).images
    hidden = np.broadcast_to(masks[..., None], repaired.shape)
    before, after = (
        np.abs(each[hidden].astype(float) - fresh.in_memory()[hidden]).mean() for each in (damaged, repaired)
    )
    assert after < before / 3  # the ground is noise, which nobody can know


@pytest.mark.parametrize("channels", [1, 3])
def test_known_pixels_stay_to_the_bit_and_all_answers_agree_on_them(channels: int) -> None:
    restorer = restorer_of(16, channels)
    damaged, masks = corrupt(small_image_set(5, channels=channels).in_memory(), "block:4,noise:0.3", seed=2)
    assert masks is not None
    repair = restorer.restore(damaged, masks, answers=5)
    assert repair.images.shape == damaged.shape and repair.answers.shape == (5, *damaged.shape)
    for answer in (repair.images, *repair.answers):
        assert np.array_equal(answer[~masks], damaged[~masks])
    assert (repair.uncertainty[~masks] == 0).all() and (repair.uncertainty[masks] > 0).mean() > 0.5


def test_the_answers_of_a_seed_are_the_same_in_whatever_company(deaf: Restorer) -> None:
    images = small_image_set(6).in_memory()
    whole, part, other = (
        deaf.restore(images, answers=3),
        deaf.restore(images[:2], answers=3),
        deaf.restore(images, answers=3, seed=1),
    )
    assert np.abs(whole.answers[:, :2].astype(int) - part.answers).max() <= 1
    last = deaf.restore(images[4:], answers=3, first=4)
    assert np.abs(whole.answers[:, 4:].astype(int) - last.answers).max() <= 1
    assert np.abs(whole.images.astype(int) - other.images).max() <= 1
    assert np.abs(whole.answers.astype(int) - other.answers).max() > 1
    assert whole.uncertainty.max() > 1


def test_one_answer_has_no_uncertainty(trained: Restorer) -> None:
    repair = trained.restore(small_image_set(3).in_memory())
    assert repair.answers.shape[0] == 0 and not repair.uncertainty.any()


@pytest.mark.parametrize(("height", "width"), [(100, 131), (64, 64), (37, 203)])
@pytest.mark.parametrize("masked", [False, True])
def test_a_large_image_in_tiles_is_what_the_whole_would_be(
    deaf: Restorer, monkeypatch: pytest.MonkeyPatch, height: int, width: int, masked: bool
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, height, width, 1), dtype=np.uint8)
    masks = np.random.default_rng(1).random((1, height, width)) < 0.5 if masked else None
    whole = deaf.restore(image, masks, answers=2)
    monkeypatch.setattr("elmyr.tasks.restoration.restorer.tiles", lambda *sides, **form: tiles(*sides, **form, side=32))
    in_tiles = deaf.restore(image, masks, answers=2)
    assert whole.images.std() > 20
    for one, other in ((whole.images, in_tiles.images), (whole.answers, in_tiles.answers)):
        assert np.abs(one.astype(int) - other).max() <= 1  # sums in another order


def test_tiles_cover_an_image_once_and_bring_their_surroundings() -> None:
    seen = np.zeros((70, 45), int)
    image = np.arange(70 * 45).reshape(70, 45)
    for tile in tiles(70, 45, reach=10, multiple=4, side=18):
        seen[tile.place] += 1
        outer = image[tile.outer]
        assert np.array_equal(outer[tile.inner], image[tile.place])
        for span, outer_span, length in zip(tile.place, tile.outer, (70, 45), strict=True):
            assert outer_span.start % 4 == 0
            assert outer_span.start <= max(0, span.start - 10) and outer_span.stop >= min(length, span.stop + 10)
    assert (seen == 1).all()


def test_saved_and_loaded_it_repairs_the_same(trained: Restorer, tmp_path: Path) -> None:
    trained.save(tmp_path / "model")
    loaded = Restorer.load(tmp_path / "model", device="cpu")
    images = small_image_set(4).in_memory()
    assert np.array_equal(loaded.restore(images).images, trained.restore(images).images)
    weights = (tmp_path / "model" / "restorer.safetensors").read_bytes()
    (tmp_path / "model" / "restorer.safetensors").write_bytes(weights[:-4] + b"\0\0\0\1")
    with pytest.raises(InputError, match="no whole restorer"):
        Restorer.load(tmp_path / "model", device="cpu")


def test_it_learns_from_a_function_of_one_s_own() -> None:
    def inverted(images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        return 1 - images

    restorer = Restorer(corruption=inverted, images=32, settings=TINY, device="cpu").fit(
        small_image_set(40).in_memory()
    )
    assert restorer.restore(small_image_set(2).in_memory()).images.shape == (2, 8, 8, 1)


def test_it_is_among_the_public_names() -> None:
    assert elmyr.Restorer is Restorer


def test_bad_input_is_told_in_one_line(trained: Restorer) -> None:
    images = small_image_set(3).in_memory()
    nothing = np.zeros((3, 8, 8), bool)
    whole = nothing.copy()
    whole[1] = True
    for arguments, told in (
        ((np.zeros((2, 8, 8, 3), np.uint8),), "the images are RGB, the model is for gray images"),
        ((images.astype(float),), "give uint8"),
        ((images, np.zeros((3, 8, 9), bool)), "make them one size"),
        ((images, np.zeros((2, 8, 8), bool)), "make them one size"),
        ((images, nothing.astype(np.uint8)), "give bool"),
        ((images, whole), "image 1 is hidden wholly"),
    ):
        with pytest.raises(InputError, match=told) as raised:
            trained.restore(*arguments)
        assert "\n" not in str(raised.value)
    with pytest.raises(InputError, match="at least 1"):
        trained.restore(images, answers=0)
    with pytest.raises(InputError, match="learned nothing"):
        Restorer().restore(images)
    with pytest.raises(InputError, match="has one answer"):
        restorer_of(16, noise=0).restore(images, answers=2)
    with pytest.raises(InputError, match="8 pixels a side"):
        Restorer(images=16).fit(np.zeros((20, 7, 9, 1), np.uint8))
    with pytest.raises(InputError, match="choose less than 8"):
        Restorer(corruption="block:14", images=16).fit(images)
    with pytest.raises(InputError, match="no objective"):
        restorer_of(16, objective="minmax")
    with pytest.raises(InputError, match="a whole number of at least 1"):
        Restorer(images=0)
    with pytest.raises(InputError, match="empty"):
        Restorer(images=16).fit(ImageSet(np.zeros((0, 8, 8, 1), np.uint8), None))
