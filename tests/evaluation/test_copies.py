"""Copies are called copies, images that are only typical are not; what is shown are the copies."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, rotate, shift

from elmyr.core.errors import InputError
from elmyr.evaluation.altered_copies import AlteredSearch, Change, tangent_distances, views_of
from elmyr.evaluation.copies import look_for_copies
from elmyr.evaluation.paired_samples import never_seen
from elmyr.images import ImageSet, Source, Splits, load_images, split_source
from elmyr.report.parts.evidence import copies_section, copies_sentence
from elmyr.report.parts.records import Copies
from elmyr.report.words import words_in
from tests.conftest import small_image_set

RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def digits() -> Splits:
    return split_source(Source("digits", load_images("digits"), None), 0)


def noised(images: ImageSet, levels: float) -> ImageSet:
    pixels = np.clip(images.in_memory() + RANDOM.normal(0, levels, images.images.shape), 0, 255)
    return ImageSet(pixels.astype(np.uint8), images.labels, images.classes)


def test_a_copycat_is_certain_and_its_pairs_are_the_copies(digits: Splits) -> None:
    held_out, others = never_seen(digits, "test")
    copied = noised(digits.train.take(np.arange(100, 300)), 2)
    found = look_for_copies(copied, digits.train, held_out, others)
    assert found.verdict == "certain"
    assert found.doubles > 190
    assert found.expected == pytest.approx(5 / 6, abs=0.01)
    assert len(found.pairs) == 16
    assert all(training == generated + 100 for generated, training in found.pairs)
    assert found["copying_statistic"].high < -3 and found["authenticity"].value < 0.02
    with pytest.raises(KeyError):
        found["membership"]  # there was no discriminator


def test_a_few_copies_among_many_are_found(digits: Splits) -> None:
    held_out, others = never_seen(digits, "test")
    mixed = np.concatenate([digits.train.images[:40], others.images[:300]])
    found = look_for_copies(ImageSet(mixed, None), digits.train, held_out, others)
    assert found.verdict == "certain"
    assert 40 <= found.doubles < 60
    assert {generated for generated, _ in found.pairs} <= set(range(40))


CHANGES = {
    "moved by a pixel": lambda images: np.pad(images[:, :, :-1], ((0, 0), (0, 0), (1, 0), (0, 0))),
    "turned by 5 degrees": lambda images: rotate(images, 5, axes=(1, 2), reshape=False, order=1, mode="nearest"),
    "turned by -10 degrees": lambda images: rotate(images, -10, axes=(1, 2), reshape=False, order=1, mode="nearest"),
    "mirrored": lambda images: images[:, :, ::-1],
    "inverted": lambda images: 255 - images,
    "less contrast": lambda images: (images * 0.5 + 60).astype(np.uint8),
}


@pytest.mark.parametrize("change", CHANGES)
def test_altered_copies_are_found_and_shown_beside_their_originals(digits: Splits, change: str) -> None:
    held_out, others = never_seen(digits, "test")
    altered = ImageSet(np.ascontiguousarray(CHANGES[change](digits.train.images[100:400])), None)
    found = look_for_copies(altered, digits.train, held_out, others)
    assert found.altered.verdict != "no evidence" and found.verdict != "no evidence"
    assert found.altered.share > 0.9 > found.altered.expected
    if found.verdict != found.unaltered:
        assert sum(training == generated + 100 for generated, training in found.pairs) > 12
        told = copies_sentence(Copies.model_validate(asdict(found)))
        assert f"{found.altered.verdict.capitalize()}, altered" in told and told.count("Copies") == 1


def test_the_tangent_distance_to_an_image_that_was_moved_a_little_is_next_to_nothing() -> None:
    images = gaussian_filter(RANDOM.random((5, 32, 32, 1)) * 255, (0, 4, 4, 0)) * 4 % 256
    smooth = gaussian_filter(images, (0, 2, 2, 0))
    moved = shift(smooth, (0, 0.4, -0.3, 0), order=1, mode="nearest")
    here, there = (views_of(ImageSet(each.astype(np.uint8), None)) for each in (smooth, moved))
    known = AlteredSearch(there, here)._sides[0]
    close, far = (tangent_distances(here, Change(), rows) for rows in (known, known[::-1]))
    assert (close < 0.1).all() and (far[[0, 1, 3, 4]] > 0.5).all()


def test_blank_images_are_copies_of_nothing(digits: Splits) -> None:
    held_out, others = never_seen(digits, "test")
    blank = ImageSet(np.full((40, 8, 8, 1), 90, np.uint8), None)
    found = look_for_copies(blank, digits.train, held_out, others)
    assert (found.altered.verdict, found.altered.doubles) == ("no evidence", 0)


@pytest.mark.parametrize("seed", range(5))
def test_images_that_no_network_has_seen_are_not_accused(seed: int) -> None:
    splits = split_source(Source("digits", load_images("digits"), None), seed)
    held_out, others = never_seen(splits, "test")
    found = look_for_copies(others, splits.train, held_out, others)
    assert (found.verdict, found.unaltered, found.altered.verdict) == ("no evidence",) * 3
    assert abs(found.altered.deviations) < 3


def test_what_is_only_typical_is_no_copy(digits: Splits) -> None:
    held_out, others = never_seen(digits, "test")
    means = np.stack([others.images[others.require_labels() == label].mean(axis=0) for label in range(10)])
    blurred = ImageSet(((others.images + 2 * means[others.require_labels()]) / 3).astype(np.uint8), others.labels)
    found = look_for_copies(blurred, digits.train, held_out, others)
    assert found["copying_statistic"].high < -1  # nearer to the training images than real ones are
    assert found.verdict == "no evidence"


def test_a_collapsed_generator_is_not_called_a_copying_one(digits: Splits) -> None:
    """One image again and again is one draw, even where it happens to be near a training image."""
    held_out, others = never_seen(digits, "test")
    image = np.minimum(digits.train.images[5:6], 250) + 3
    collapsed = ImageSet(np.repeat(image.astype(np.uint8), 300, axis=0), None)
    found = look_for_copies(collapsed, digits.train, held_out, others)
    assert found.doubles == 300
    assert found.verdict == "no evidence"


@pytest.mark.parametrize("onto", [1, 2])
def test_a_generator_collapsed_onto_training_images_is_not_told_to_be_without_doubt(digits: Splits, onto: int) -> None:
    held_out, others = never_seen(digits, "test")
    found = look_for_copies(digits.train.take(np.arange(300) % onto), digits.train, held_out, others)
    assert (found.doubles, found.doubled) == (300, onto)
    record = Copies.model_validate(asdict(found))
    for language, clean, told in (
        ("en", "No evidence", "Too few different images"),
        ("zh", "没有证据", "不同的图像太少"),
    ):
        for text in (
            copies_sentence(record, words_in(language)),
            copies_section(record, Path("none.npz"), words_in(language)),
        ):
            assert clean not in text and told in text
    sentence = copies_sentence(Copies.model_validate(asdict(look_for_copies(others, digits.train, held_out, others))))
    assert "No evidence" in sentence and "no more" not in sentence
    assert sentence.count(" %") == 3  # of real images, of these, and without copying


def test_a_thinned_training_part_is_no_copying(digits: Splits) -> None:
    """Where classes have other shares on both sides, a class's own share is what chance gives."""
    held_out, others = never_seen(digits, "test")
    labels = digits.train.require_labels()
    kept = np.flatnonzero((labels < 5) | (np.arange(len(labels)) % 20 == 0))
    assert look_for_copies(others, digits.train.take(kept), held_out, others).verdict == "no evidence"


def test_training_images_on_the_disk_are_read_block_by_block(
    digits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_out, others = never_seen(digits, "test")
    labels = digits.train.require_labels()
    np.save(tmp_path / "train.npy", digits.train.in_memory())
    read = []

    class Counted(np.ndarray[Any, Any]):
        def __getitem__(self, places: Any) -> Any:
            found = np.asarray(self)[places]
            read.append(len(found))
            return found

    on_disk = ImageSet(np.load(tmp_path / "train.npy", mmap_mode="r").view(Counted), labels, digits.train.classes)
    for module in ("copies", "altered_copies"):
        monkeypatch.setattr(f"elmyr.evaluation.{module}.AT_ONCE", 100)
    read.clear()
    found = look_for_copies(others, on_disk, held_out, others)
    assert max(read) <= 100 and sum(read) == 2 * len(labels)
    monkeypatch.undo()
    assert found == look_for_copies(others, digits.train, held_out, others)


def test_validation_is_halved_where_the_test_part_is_not_to_be_looked_at(digits: Splits) -> None:
    held_out, others = never_seen(digits, "validation")
    assert abs(len(held_out) - len(others)) <= 1
    assert len(held_out) + len(others) == len(digits.validation)
    both = {image.tobytes() for image in digits.validation.images}
    assert all(image.tobytes() in both for image in held_out.images)


def test_images_of_the_held_out_part_itself_and_a_handful_do_no_harm(digits: Splits) -> None:
    held_out, others = never_seen(digits, "test")
    found = look_for_copies(held_out, digits.train, held_out, others)
    assert found.verdict == "no evidence"
    assert "distance_ratio" not in [figure.name for figure in found.figures]
    few = small_image_set(60)
    parts = [few.take(np.arange(start, start + 20)) for start in (0, 20, 40)]
    assert look_for_copies(parts[0], *parts[1:], parts[2]).count == 20
    with pytest.raises(InputError, match="columns"):
        look_for_copies(small_image_set(20, size=9), *parts[1:], parts[2])
