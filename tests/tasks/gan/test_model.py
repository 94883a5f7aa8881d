import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from elmyr.core import machine, seeds
from elmyr.core.errors import InputError
from elmyr.core.threads import computing
from elmyr.images import ImageSet
from elmyr.nets import NetworkConfig
from elmyr.tasks.gan.model import CHUNK, GAN, CodeConfig, GANConfig, to_pixels, to_unit
from elmyr.tasks.gan.sampling.asked import in_shares

SMALL = NetworkConfig(base=8, latent=6, embedding=4)


def new_gan(classes: tuple[str, ...] = ("cat", "dog", "7")) -> GAN:
    torch.manual_seed(0)
    config = GANConfig(height=8, width=10, channels=3, classes=classes, network=SMALL)
    return GAN(config, *config.build(), trained={"images": 5}, device="cpu", precision="fp32")


def test_sample_i_of_a_seed_is_the_same_image_whatever_the_count() -> None:
    gan = new_gan()
    many = gan.sample(CHUNK + 20, seed=4)
    assert np.array_equal(gan.sample(3, seed=4).images, many.images[:3])
    assert np.array_equal(gan.sample(CHUNK + 7, seed=4).images, many.images[: CHUNK + 7])
    assert not np.array_equal(gan.sample(3, seed=5).images, many.images[:3])


def test_samples_are_the_same_on_one_thread_and_on_two() -> None:
    gan = new_gan()
    with machine.threads(2):
        two = gan.sample(20, seed=4)
    assert np.array_equal(gan.sample(20, seed=4).images, two.images)


def test_samples_that_are_made_ahead_are_made_on_the_chosen_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    gan, seen = new_gan(), set[int]()
    make = gan.generator.forward
    monkeypatch.setattr(gan.generator, "forward", lambda *given: (seen.add(torch.get_num_threads()), make(*given))[1])
    monkeypatch.setattr("elmyr.core.threads.measured", lambda work, counts, seconds: {1: 1.0, 2: 2.0})
    monkeypatch.setattr("elmyr.core.threads.set_by_user", lambda: False)
    with machine.threads(2), computing("auto"):
        torch.set_num_threads(1)  # until it has looked
        gan.sample(CHUNK + 1, seed=4)
    assert seen == {2}


@pytest.mark.parametrize("n", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 3])
@pytest.mark.parametrize("label", [None, "dog", "one each"])
def test_the_parts_of_samples_are_together_what_is_sampled_at_once(n: int, label: str | None) -> None:
    gan = new_gan()
    asked = np.arange(n, dtype=np.int64) // 2 % 3 if label == "one each" else label
    whole = gan.sample(n, label=asked, seed=4)
    parts = list(gan.samples(n, label=asked, seed=4))
    assert sum(map(len, parts)) == len(whole) == n
    assert max(map(len, parts)) <= CHUNK  # so much is in memory, however many are asked for
    assert np.array_equal(np.concatenate([part.images for part in parts]), whole.images)
    assert np.array_equal(np.concatenate([part.require_labels() for part in parts]), whole.require_labels())
    assert {(part.classes, part.name) for part in parts} == {(whole.classes, whole.name)}


def test_sample_i_comes_in_the_same_part_whatever_the_count() -> None:
    gan = new_gan(())
    many = [np.asarray(part.images) for part in gan.samples(2 * CHUNK + 3, seed=4)]
    assert not np.array_equal(many[0], many[1])
    for n in (1, CHUNK, CHUNK + 1, 2 * CHUNK + 1):
        parts = list(gan.samples(n, seed=4))
        assert all(part.labels is None for part in parts)
        for few, full in zip(parts, many, strict=False):
            assert np.array_equal(few.images, full[: len(few)])


def test_parts_are_made_as_they_are_asked_for_and_one_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    gan, made = new_gan(), []
    generate = gan.make
    monkeypatch.setattr(gan, "make", lambda *given, **named: made.append(1) or generate(*given, **named))
    parts = gan.samples(1000 * CHUNK)
    assert len(made) == 0
    next(parts)
    next(parts)
    assert 2 <= len(made) <= 3
    parts.close()  # waits for the one ahead
    assert len(made) == 3


def test_an_error_in_a_part_reaches_the_one_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    gan = new_gan()
    monkeypatch.setattr(gan, "make", lambda *given, **named: 1 / 0)
    for n in (1, 3 * CHUNK):
        with pytest.raises(ZeroDivisionError):
            list(gan.samples(n))


def test_no_samples_at_all_are_refused() -> None:
    for n in (0, -1):
        with pytest.raises(InputError, match=f"cannot sample {n} images"):
            list(new_gan().samples(n))


def test_the_same_latents_are_drawn_for_every_label() -> None:
    gan = new_gan()
    mixed, dogs = gan.sample(9), gan.sample(9, label="dog")
    assert mixed.labels is not None and mixed.labels.tolist() == [0, 1, 2] * 3
    assert dogs.labels is not None and dogs.labels.tolist() == [1] * 9
    assert np.array_equal(dogs.images[1::3], mixed.images[1::3])


def test_a_label_is_a_class_name_or_else_its_number() -> None:
    gan = new_gan()
    assert [gan.class_number(label) for label in ("dog", "7", 2, "0")] == [1, 2, 2, 0]


def test_each_image_can_be_asked_for_with_its_own_label() -> None:
    gan = new_gan()
    labels = np.array([2, 0, 2, 1])
    asked = gan.sample(4, label=labels)
    assert asked.labels is not None and asked.labels.tolist() == labels.tolist()
    assert np.array_equal(asked.images[[0, 2]], gan.sample(4, label="7").images[[0, 2]])
    for wrong in (labels[:3], labels + 1, labels - 1):
        with pytest.raises(InputError, match="one for each|no class"):
            gan.sample(4, label=wrong)


@pytest.mark.parametrize("label", ["cow", 3, "12", -1])
def test_an_unknown_label_is_refused_with_the_known_ones(label: int | str) -> None:
    with pytest.raises(InputError, match=f"no class '{label}' among 3"):
        new_gan().sample(2, label=label)


def test_the_discriminator_judges_each_image_by_itself_and_its_label() -> None:
    gan = new_gan()
    images = gan.sample(CHUNK + 3)
    logits = gan.discriminate(images)
    assert logits.shape == (CHUNK + 3,) and logits.dtype == np.float64
    assert gan.discriminate(images.take([0, CHUNK + 1])) == pytest.approx(logits[[0, CHUNK + 1]], abs=1e-5)
    with pytest.raises(InputError, match="another shape"):
        gan.discriminate(ImageSet(images.images[:, :, :8], images.labels))
    with pytest.raises(InputError, match="no labels"):
        gan.discriminate(ImageSet(images.images, None))


def test_a_gan_without_classes_takes_no_label() -> None:
    gan = new_gan(())
    assert gan.sample(2).labels is None
    with pytest.raises(InputError, match="no classes"):
        gan.sample(2, label=0)


def test_what_is_saved_samples_the_same_when_loaded(tmp_path: Path) -> None:
    gan = new_gan()
    gan.save(tmp_path / "model")
    for path in (tmp_path / "model", tmp_path):
        again = GAN.load(path, device="cpu", precision="fp32")
        assert np.array_equal(again.sample(5).images, gan.sample(5).images)
        assert again.config == gan.config
        assert again.trained == {"images": 5}


def test_a_damaged_model_is_refused_in_one_line(tmp_path: Path) -> None:
    new_gan().save(tmp_path)
    weights = tmp_path / "generator.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InputError, match="no whole GAN"):
        GAN.load(tmp_path)


@pytest.mark.parametrize(
    "change", [{"format": 2}, {"config": {"height": 8}}, {"config": None}, {"trained": 3}], ids=str
)
def test_a_foreign_description_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    new_gan().save(tmp_path)
    content = json.loads((tmp_path / "gan.json").read_text())
    (tmp_path / "gan.json").write_text(json.dumps(content | change))
    with pytest.raises(InputError):
        GAN.load(tmp_path)


def test_a_folder_without_a_gan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a run directory"):
        GAN.load(tmp_path)


def test_every_pixel_survives_the_way_to_floats_and_back() -> None:
    pixels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_pixels(to_unit(pixels)), pixels)
    assert to_pixels(torch.tensor([-9.0, 9.0])).tolist() == [0, 255]


def new_code_gan(categories: int = 3, values: int = 2) -> GAN:
    code = CodeConfig(categories=categories, values=values)
    config = GANConfig(height=8, width=8, channels=1, code=code, network=NetworkConfig(base=8, latent=9))
    return GAN(config, *config.build(), device="cpu", precision="fp32")


def test_the_code_is_the_first_part_of_the_latent() -> None:
    config = new_code_gan().config
    latents = config.latents(400, seeds.generator(0, "test"))
    kinds, values = config.code.parts(latents)
    assert latents[:, :3].sum(1).tolist() == [1] * 400 and set(kinds.tolist()) == {0, 1, 2}
    assert values.shape == (400, 2) and values.abs().max() <= 1 and values.std() > 0.5
    asked = config.latents(400, seeds.generator(0, "test"), categories=np.full(400, 2))
    assert (config.code.parts(asked)[0] == 2).all()
    assert torch.equal(asked[:, 3:], latents[:, 3:])  # all else stays


def test_samples_of_a_discovered_kind_are_the_same_however_many() -> None:
    gan = new_code_gan()
    images = gan.sample(CHUNK + 5, category=1).images
    assert np.array_equal(images[:4], gan.sample(4, category=1).images)
    assert np.array_equal(images[:4], gan.sample(4, category=np.array([1, 1, 1, 1])).images)
    assert not np.array_equal(images[:4], gan.sample(4, category=2).images)


@pytest.mark.parametrize("wrong", [3, -1, np.array([0, 1]), np.array([0, 1, 2, 3])])
def test_a_kind_that_was_not_discovered_is_refused(wrong: Any) -> None:
    with pytest.raises(InputError, match="from 0 to 2"):
        new_code_gan().sample(4, category=wrong)


def test_without_discovered_kinds_none_can_be_asked_for() -> None:
    with pytest.raises(InputError, match="infogan"):
        new_gan().sample(2, category=0)


@pytest.mark.parametrize(("categories", "values"), [(1, 0), (9, 0), (5, 4)])
def test_a_code_that_does_not_fit_is_refused(categories: int, values: int) -> None:
    with pytest.raises(InputError, match=r"network\.latent, 9"):
        new_code_gan(categories, values)


def test_a_discriminator_that_is_not_told_the_class_looks_at_the_image_alone() -> None:
    config = GANConfig(height=8, width=8, channels=1, classes=("a", "b"), projection=False)
    gan = GAN(config, *config.build(), device="cpu", precision="fp32")
    images = gan.sample(6, label="a")
    other = ImageSet(images.images, 1 - images.require_labels(), images.classes)
    assert np.array_equal(gan.discriminate(images), gan.discriminate(other))


@settings(deadline=None)
@given(
    counts=st.lists(st.integers(0, 5000), min_size=1, max_size=12).filter(any),
    n=st.integers(1, 600),
    fewer=st.integers(1, 600),
)
def test_classes_have_their_shares_all_along(counts: list[int], n: int, fewer: int) -> None:
    labels = in_shares(counts, n)
    expected = n * np.array(counts) / sum(counts)
    found = np.bincount(labels, minlength=len(counts))
    assert len(labels) == n and (np.abs(found - expected) < len(counts)).all()
    assert not found[np.array(counts) == 0].any()
    assert np.array_equal(labels[:fewer], in_shares(counts, min(n, fewer)))


def test_classes_of_equal_counts_take_turns() -> None:
    assert in_shares([7, 7, 7], 8).tolist() == [0, 1, 2, 0, 1, 2, 0, 1]
    assert in_shares([30, 10], 8).tolist() == [0, 0, 1, 0, 0, 0, 1, 0]


def test_samples_have_the_classes_of_the_training_images_or_take_turns() -> None:
    config = GANConfig(height=8, width=8, channels=1, classes=("a", "b"), class_counts=(30, 10), network=SMALL)
    gan = GAN(config, *config.build(), device="cpu", precision="fp32")
    assert np.bincount(gan.sample(400).require_labels()).tolist() == [300, 100]
    assert gan.sample(5, balanced=True).require_labels().tolist() == [0, 1, 0, 1, 0]
    assert gan.sample(2, label="b", balanced=True).require_labels().tolist() == [1, 1]


@pytest.mark.parametrize("counts", [(1,), (1, 2, 3), (0, 0), (-1, 2)])
def test_counts_that_fit_no_classes_are_refused(counts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="class_counts has"):
        GANConfig(height=8, width=8, channels=1, classes=("a", "b"), class_counts=counts)


AMOUNTS = (0.1, 0.5, 1, 1.5, 2)


@pytest.mark.parametrize("name", ["residual", "style"])
def test_truncation_draws_samples_to_a_middle_or_away_and_none_changes_no_bit(name: str) -> None:
    network = NetworkConfig(name=name, base=8, latent=32)
    config = GANConfig(height=8, width=8, channels=1, classes=("a", "b"), network=network)
    torch.manual_seed(1)
    gan = GAN(config, *config.build(), device="cpu", precision="fp32")
    whole = gan.sample(40, seed=3)
    assert np.array_equal(gan.sample(40, seed=3, truncation=1.0).images, whole.images)
    spread = [gan.sample(40, seed=3, label=0, truncation=amount).in_memory().std(0).mean() for amount in AMOUNTS]
    assert spread == sorted(spread) and len(set(spread)) == len(AMOUNTS)
    for wrong in (0.0, -1.0, 2.1, float("nan")):
        with pytest.raises(InputError, match="truncation"):
            gan.sample(1, truncation=wrong)


EACH = [[2, 0, 1], ("dog", 0, "7"), np.array([2, 0, 1], np.uint8), torch.tensor([2, 0, 1])]


@pytest.mark.parametrize("label", EACH, ids=lambda each: type(each).__name__)
def test_labels_for_each_image_may_be_an_array_a_tensor_or_a_list(label: Any) -> None:
    gan = new_gan()
    asked = gan.sample(3, label=label).require_labels().tolist()
    assert asked == [gan.class_number(each) for each in np.asarray(label).tolist()]
