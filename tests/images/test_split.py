from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elmyr.core.errors import InputError
from elmyr.images import ImageSet, Shaping, Source, Splits, split_source

FEW = settings(max_examples=60, deadline=None)
class_sizes = st.lists(st.integers(3, 40), min_size=1, max_size=5)
seeds = st.integers(0, 2**63 - 1)


def numbered(n: int, labels: np.ndarray | None = None, start: int = 0) -> ImageSet:
    """Images that carry their number in their pixels."""
    numbers = np.arange(start, start + n, dtype=np.uint32)
    return ImageSet(numbers.view(np.uint8).reshape(n, 2, 2, 1), labels, name="numbered")


def mixed(sizes: list[int], start: int = 0) -> ImageSet:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    return numbered(len(labels), np.random.default_rng(0).permutation(labels), start)


def numbers(images: ImageSet) -> list[int]:
    return np.ascontiguousarray(images.images).reshape(-1, 4).view(np.uint32)[:, 0].tolist()


def parts(splits: Splits) -> list[list[int]]:
    return [numbers(part) for part in (splits.train, splits.validation, splits.test)]


@FEW
@given(class_sizes, seeds)
def test_the_parts_are_disjoint_and_together_everything(sizes: list[int], seed: int) -> None:
    splits = split_source(Source("s", mixed(sizes), None), seed)
    assert sorted(chain.from_iterable(parts(splits))) == list(range(sum(sizes)))
    assert splits.test_indices.dtype == np.int64
    assert splits.test_indices.tolist() == numbers(splits.test)


@FEW
@given(class_sizes, seeds)
def test_every_class_has_its_share_of_each_part_within_one_image(sizes: list[int], seed: int) -> None:
    splits = split_source(Source("s", mixed(sizes), None), seed)
    train, validation, test = (
        np.bincount(part.require_labels(), minlength=len(sizes))
        for part in (splits.train, splits.validation, splits.test)
    )
    rest = sizes - test
    assert np.abs(test - np.array(sizes) / 4).max() <= 1
    assert np.abs(validation - rest / 6).max() <= 1
    assert min(train.min(), validation.min(), test.min()) >= 1


@FEW
@given(class_sizes, seeds)
def test_the_same_seed_gives_the_same_split(sizes: list[int], seed: int) -> None:
    source = Source("s", mixed(sizes), None)
    assert parts(split_source(source, seed)) == parts(split_source(source, seed))


@FEW
@given(seeds, seeds)
def test_another_seed_gives_another_split(first: int, second: int) -> None:
    source = Source("s", mixed([40, 40]), None)
    differ = parts(split_source(source, first)) != parts(split_source(source, second))
    assert differ == (first != second)


@FEW
@given(st.integers(3, 80), seeds)
def test_images_without_labels_are_split_in_the_same_shares(n: int, seed: int) -> None:
    train, validation, test = parts(split_source(Source("s", numbered(n), None), seed))
    assert sorted(train + validation + test) == list(range(n))
    assert len(test) == max(1, round(n / 4))
    assert len(validation) == max(1, round((n - len(test)) / 6))


def test_the_labels_go_with_their_images() -> None:
    images = mixed([30, 20, 10])
    splits = split_source(Source("s", images, None), 0)
    for part in (splits.train, splits.validation, splits.test):
        assert np.array_equal(part.require_labels(), images.require_labels()[numbers(part)])
        assert part.classes == images.classes


def test_the_split_of_a_seed_is_the_same_on_every_machine_and_in_every_version() -> None:
    splits = split_source(Source("s", numbered(12), None), 7)
    assert parts(splits) == PINNED


PINNED = [[0, 1, 3, 5, 6, 7, 11], [2, 8], [4, 9, 10]]


def test_a_test_split_of_the_source_is_taken_whole_and_as_it_is() -> None:
    source = Source("s", mixed([24, 24]), mixed([5, 5], start=100))
    splits = split_source(source, 3)
    assert source.test is not None
    assert splits.test.digest() == source.test.digest()
    assert splits.test_indices.tolist() == list(range(10))
    train, validation, _ = parts(splits)
    assert (len(train), len(validation)) == (40, 8)
    assert sorted(train + validation) == list(range(48))


@pytest.mark.parametrize(("label", "count"), [(1, "2 images"), (2, "0 images")])
def test_a_class_too_small_for_three_parts_is_refused_by_name(label: int, count: str) -> None:
    labels = np.array([0] * 5 + [1] * (2 if label == 1 else 5), np.int64)
    images = ImageSet(np.zeros((len(labels), 2, 2, 1), np.uint8), labels, ("a", "b", "c"), "letters")
    with pytest.raises(InputError, match=f"class '{'abc'[label]}' of 'letters' has {count}"):
        split_source(Source("letters", images, None), 0)


def test_too_few_images_and_a_negative_seed_are_refused() -> None:
    with pytest.raises(InputError, match="has 2 images, a split needs 3"):
        split_source(Source("s", numbered(2), None), 0)
    with pytest.raises(InputError, match="seed is -1"):
        split_source(Source("s", numbered(9), None), -1)


@FEW
@given(st.lists(st.integers(5, 40), min_size=1, max_size=5), st.integers(2, 5), st.integers(0, 1000))
def test_so_many_seeds_as_folds_test_each_image_once(sizes: list[int], folds: int, round_: int) -> None:
    source, shaping = Source("s", mixed(sizes), None), Shaping(folds=folds)
    splits = [split_source(source, round_ * folds + fold, shaping) for fold in range(folds)]
    tested = np.concatenate([each.test_indices for each in splits])
    assert sorted(tested.tolist()) == list(range(sum(sizes)))
    for each in splits:
        assert sorted(chain.from_iterable(parts(each))) == list(range(sum(sizes)))
        train, validation, test = (
            np.bincount(part.require_labels(), minlength=len(sizes))
            for part in (each.train, each.validation, each.test)
        )
        assert np.abs(test - np.array(sizes) / folds).max() < 1
        assert min(train.min(), validation.min(), test.min()) >= 1


def test_the_next_seeds_are_another_partition() -> None:
    source, shaping = Source("s", mixed([20, 20]), None), Shaping(folds=4)
    first, second = (split_source(source, seed, shaping).test_indices.tolist() for seed in (0, 4))
    assert first != second


@pytest.mark.parametrize(
    ("sizes", "folds", "complaint"),
    [
        ([9, 4], 5, "'1' has 4 images: give at most --folds 4"),
        ([9, 3], 2, "'1' has 3 images: give --folds 3"),
    ],
)
def test_folds_that_leave_a_class_out_of_a_part_are_refused(sizes: list[int], folds: int, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        split_source(Source("s", mixed(sizes), None), 0, Shaping(folds=folds))


def test_folds_beside_a_test_part_are_refused() -> None:
    with pytest.raises(InputError, match="has a test part of its own: leave out --folds"):
        split_source(Source("s", mixed([9]), mixed([9], start=9)), 0, Shaping(folds=3))
