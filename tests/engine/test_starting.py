"""A GAN that begins from another GAN of other classes or images: what is taken, what begins anew, what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from elmyr import train
from elmyr.core.errors import InputError
from elmyr.engine import RunDirectory
from elmyr.images import ImageSet, Shaping, load_images
from elmyr.nets import PAIRS
from elmyr.tasks.gan.presets import preset_names, read_preset

TINY: dict[str, Any] = {"network.base": 8, "network.latent": 16, "network.embedding": 8, "batch": 8}
STILL = {"adversarial.learning_rate": 1e-12, "adversarial.discriminator_learning_rate": 1e-12}


def weights(run: RunDirectory, position: int) -> dict[str, torch.Tensor]:
    return load_file(run.checkpoints / f"images-{position:09}" / "generator.safetensors")


def enlarged(images: Any, factor: int) -> np.ndarray:
    return np.asarray(images[:]).repeat(factor, axis=1).repeat(factor, axis=2)


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return load_images("digits").take(range(200))


@pytest.fixture(scope="module")
def first(digits: ImageSet, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A GAN of the digits 0 to 4."""
    folder = tmp_path_factory.mktemp("first")
    return train(digits, out=folder / "run", images=16, settings=TINY, shaping=Shaping(classes=tuple("01234")))


def begun(data: ImageSet, first: RunDirectory, out: Path, **how: Any) -> tuple[RunDirectory, str]:
    how.setdefault("settings", {**TINY, **STILL})
    run = train(data, out=out, images=8, start_from=first.path, **how)
    return run, run.log.read_text(encoding="utf-8")


def test_classes_keep_their_vectors_by_name_and_others_begin_as_the_mean(
    digits: ImageSet, first: RunDirectory, tmp_path: Path
) -> None:
    run, told = begun(digits, first, tmp_path / "run", shaping=Shaping(classes=("3", "4", "8")))
    assert "2 of 3 classes are known by name, the others begin as their mean" in told
    before, after = weights(first, 16), weights(run, 8)
    (name,) = [name for name, tensor in before.items() if len(tensor) == 5 and len(after[name]) == 3]
    expected = torch.stack([before[name][3], before[name][4], before[name].mean(0)])
    assert torch.allclose(after[name], expected, atol=1e-5)
    assert all(torch.allclose(after[key], before[key], atol=1e-5) for key in before if key != name)


def test_as_many_other_classes_do_not_take_each_other_s_vectors(
    digits: ImageSet, first: RunDirectory, tmp_path: Path
) -> None:
    run, told = begun(digits, first, tmp_path / "run", shaping=Shaping(classes=tuple("56789")))
    assert "0 of 5 classes are known by name" in told
    before, after = weights(first, 16), weights(run, 8)
    (name,) = [name for name in before if "embedding" in name]
    assert torch.allclose(after[name], before[name].mean(0).expand(5, -1), atol=1e-5)


def test_another_size_and_color_take_what_fits(digits: ImageSet, first: RunDirectory, tmp_path: Path) -> None:
    large = ImageSet(
        np.repeat(np.kron(digits.images, np.ones((1, 2, 2, 1), np.uint8)), 3, 3), digits.labels, digits.classes
    )
    run, told = begun(large, first, tmp_path / "run")
    assert "; anew: " in told and run.finished
    resumed = train(large, out=tmp_path / "fresh", images=8, settings=TINY)
    assert resumed.finished


def test_the_same_images_and_classes_are_taken_whole_and_in_silence(
    digits: ImageSet, first: RunDirectory, tmp_path: Path
) -> None:
    _, told = begun(digits, first, tmp_path / "run", shaping=Shaping(classes=tuple("01234")))
    assert "begins with" not in told


def test_other_networks_are_refused(digits: ImageSet, first: RunDirectory, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has other networks \(network.*\): make these the same"):
        begun(digits, first, tmp_path / "run", settings={**TINY, "network.base": 16})
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("preset", [name for name in preset_names() if not name.endswith("-cured")])
@pytest.mark.slow
def test_every_preset_begins_from_its_own_with_other_classes(digits: ImageSet, tmp_path: Path, preset: str) -> None:
    network = read_preset(preset)["network"]["name"]
    assert network in PAIRS
    if network in ("dcgan64",):
        digits = ImageSet(np.kron(digits.images, np.ones((1, 8, 8, 1), np.uint8)), digits.labels, digits.classes)
    before = train(
        digits,
        out=tmp_path / "first",
        preset=preset,
        images=16,
        settings={"batch": 8},
        shaping=Shaping(classes=("0", "1", "2")),
    )
    run = train(digits, out=tmp_path / "run", preset=preset, images=16, settings={"batch": 8}, start_from=before.path)
    assert run.finished
