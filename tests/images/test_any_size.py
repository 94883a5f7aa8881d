"""Sets of any size: an image costs what it costs, however many others there are; nothing is read twice."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elmyr.images import ImageSet, Shaping, StoredPixels, load_images, save_images, split_source
from elmyr.images.dataset import shaping as shapings
from elmyr.images.dataset.shaping import choice_of, in_form, thinned_for_training
from elmyr.images.dataset.sources import Source, every_part
from elmyr.images.decode.encoded import EncodedImages
from elmyr.images.storage import stored
from elmyr.images.storage.cache import Content, Decoded, PixelStore, cached
from tests.images.any_size import Work, sparse, work_of

FEW, MANY = 100, 1_000_000
SHAPE = (4, 4, 1)
LITTLE = 256 << 10  # bytes: an index of MANY has 8 million
SOME = np.array([5, 99, 0, 5])
PIXELS = np.random.default_rng(0).integers(0, 256, (60, 8, 9, 3), dtype=np.uint8)

ACCESSES: dict[str, Callable[[Any], Any]] = {
    "a number": lambda images: images[7],
    "the last": lambda images: images[-1],
    "numbers": lambda images: images[SOME],
    "a slice": lambda images: images[3:9],
    "a slice with steps": lambda images: images[90:3:-4],
    "a part": lambda images: images.take(SOME),
    "a part of a part": lambda images: images.take(SOME).take([1, 2]),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("sparse")
    return sparse(folder / "few.npy", (FEW, *SHAPE)), sparse(folder / "many.npy", (MANY, *SHAPE))


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(stored, "LARGE", 1000)
    np.save(tmp_path / "large.npy", PIXELS)
    return tmp_path / "large.npy"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images each look at a file has read."""
    seen: list[int] = []
    read = StoredPixels._read

    def counted(images: StoredPixels, firsts: list[int], run: int) -> Any:
        seen.append(len(firsts) * run)
        return read(images, firsts, run)

    monkeypatch.setattr(StoredPixels, "_read", counted)
    return seen


@pytest.mark.parametrize("access", ACCESSES)
@pytest.mark.parametrize("chosen", [False, True])
def test_an_image_of_a_million_costs_what_one_of_a_hundred_does(
    files: tuple[Path, Path], access: str, chosen: bool
) -> None:
    work = list[Work]()
    for file, count in zip(files, (FEW, MANY), strict=True):
        pixels = StoredPixels(file)
        pixels = pixels.take(np.random.default_rng(0).permutation(count)) if chosen else pixels
        images = ImageSet(pixels, np.zeros(count, np.int64), ("all",))
        for of in (pixels, images):
            work.append(work_of(lambda of=of: ACCESSES[access](of)))  # type: ignore[misc]  # bound now
    few, of_few, many, of_many = work
    assert (many.calls, of_many.calls) == (few.calls, of_few.calls)
    assert max(many.peak, of_many.peak) < LITTLE


def test_resizing_costs_as_much_an_image_however_many_there_are(files: tuple[Path, Path]) -> None:
    form = Shaping(size=(2, 2))
    work = [
        work_of(lambda file=file, count=count: in_form(StoredPixels(file).take(np.arange(count)), form))  # type: ignore[misc]
        for file, count in ((files[0], 50), (files[1], 50), (files[1], 100))
    ]
    assert work[1].calls == work[0].calls
    assert work[2].calls <= 2 * work[1].calls
    assert work[1].peak < LITTLE


@pytest.mark.parametrize("name", ["folder", "shards.tar", "shards.parquet"])
def test_a_file_of_many_is_opened_as_one_of_few(tmp_path: Path, name: str) -> None:
    calls = []
    for count in (20, 400):
        place = tmp_path / str(count)
        place.mkdir()
        save_images(ImageSet(np.zeros((count, 2, 2, 1), np.uint8), np.arange(count) % 2), place / name)
        part = every_part(place / name)[0]
        assert isinstance(part, EncodedImages)
        calls.append(work_of(lambda part=part: part.open(7).close()).calls)  # type: ignore[misc]
    assert calls[0] == calls[1]


class Counted(np.ndarray[Any, np.dtype[np.int64]]):
    """Labels that count the numbers that are compared and computed with."""

    numbers = 0

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **options: Any) -> Any:
        Counted.numbers += max(np.size(each) for each in inputs)
        plain = [each.view(np.ndarray) if isinstance(each, Counted) else each for each in inputs]
        return getattr(function, method)(*plain, **options)


@pytest.mark.parametrize(
    "wrapper",
    [
        lambda images: split_source(Source("images", images, None), 0),
        lambda images: split_source(Source("images", images, None), 0, Shaping(folds=3)),
        lambda images: thinned_for_training(images, Shaping(images_per_class=2), 0),
        lambda images: thinned_for_training(images, Shaping(labels_per_class=2, imbalance=3), 0),
        lambda images: choice_of(images, Shaping(limit=500)),
    ],
)
def test_the_images_are_gone_through_as_often_for_a_thousand_classes_as_for_two(
    wrapper: Callable[[ImageSet], object],
) -> None:
    numbers = []
    for classes in (2, 1000):
        labels = (np.arange(5000) % classes).view(Counted)
        images = ImageSet(np.zeros((5000, 1, 1, 1), np.uint8), labels, tuple(map(str, range(classes))))
        Counted.numbers = 0
        wrapper(images)
        numbers.append(Counted.numbers)
    assert numbers[1] < numbers[0] + 10 * 1000


def test_a_file_of_twice_the_memory_opens(tmp_path: Path) -> None:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    images = load_images(sparse(tmp_path / "huge.npy", (2 * memory // 1024**2, 1024, 1024, 1))).images
    assert isinstance(images, StoredPixels)
    assert images[-1].max() == 0


def test_what_the_cache_tells_of_a_set_does_not_grow_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    for count in (10, 5000):

        def make(folder: Path | None, count: int = count) -> Content:
            store = PixelStore(folder and folder / "0.npy", count, (1, 1, 1))
            for number in range(count):
                store.add(np.full((1, 1, 1), number % 256, np.uint8))
            return Content([Decoded(store.end(), {3: "cut off"})], {})

        found = cached(f"{count:032}", make).parts[0]
        assert found.whole.tolist() == [0, 1, 2, *range(4, count + 1)]
        sizes.append((Path(os.environ["ELMYR_CACHE_DIR"]) / "images" / f"{count:032}" / "content.json").stat().st_size)
    assert sizes[1] - sizes[0] == len("5000") - len("10")


# --- digests


def test_a_digest_is_taken_once(large: Path, reads: list[int]) -> None:
    images = load_images(large)
    first = images.digest()
    assert sum(reads) >= len(PIXELS)
    again = load_images(large)
    reads.clear()
    assert again.digest() == first == ImageSet(PIXELS).digest()
    assert not reads
    parts = [images.take([3, 1]), images.take([1, 3]), ImageSet(images.images, np.arange(60) % 2, ("a", "b"))]
    digests = {part.digest() for part in parts}
    assert digests == {ImageSet(np.asarray(part.images), part.labels, part.classes).digest() for part in parts}
    reads.clear()
    assert {part.digest() for part in parts} == digests
    assert not reads
    renamed = ImageSet(images.images, np.arange(60) % 2, ("a", "c"))
    assert renamed.digest() not in digests


@pytest.mark.parametrize("change", ["time", "content", "kept"])
def test_a_digest_is_taken_again_where_something_changed(large: Path, reads: list[int], change: str) -> None:
    first = load_images(large).digest()
    pixels = PIXELS
    if change == "time":
        os.utime(large, (1, 1))
    elif change == "content":
        pixels = PIXELS[::-1]
        np.save(large, pixels)
    else:
        (kept,) = (Path(os.environ["ELMYR_CACHE_DIR"]) / "digests").iterdir()
        kept.write_text('"0123"')
    images = load_images(large)
    reads.clear()
    assert (images.digest() == first) == (change != "content")
    assert images.digest() == ImageSet(np.ascontiguousarray(pixels)).digest()
    assert sum(reads) == len(PIXELS)


def test_a_digest_of_a_file_that_changes_meanwhile_is_not_kept(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, read = load_images(large), StoredPixels._read

    def meddled(images: StoredPixels, firsts: list[int], run: int) -> Any:
        os.utime(large, (2, 2))
        return read(images, firsts, run)

    monkeypatch.setattr(StoredPixels, "_read", meddled)
    images.digest()
    assert not (Path(os.environ["ELMYR_CACHE_DIR"]) / "digests").exists()


def test_where_the_cache_cannot_be_written_digests_are_right(
    large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ELMYR_CACHE_DIR", str(tmp_path / "file"))
    assert load_images(large).digest() == ImageSet(PIXELS).digest()


# --- another form


@pytest.mark.parametrize(
    "form",
    [Shaping(size=(6, 5)), Shaping(channels=1, limit=30), Shaping(range=(0, 100)), Shaping(size=(6, 6), range=(9, 99))],
)
@pytest.mark.filterwarnings("ignore:.*is cut off:elmyr.core.notes.Note")
def test_a_stored_set_in_another_form_stays_on_the_disk_and_is_made_once(
    large: Path, form: Shaping, monkeypatch: pytest.MonkeyPatch, reads: list[int]
) -> None:
    images = load_images(large, shaping=form)
    assert isinstance(images.images, StoredPixels)
    monkeypatch.setattr(stored, "LARGE", 1 << 30)
    assert images.digest() == load_images(large, shaping=form).digest()
    monkeypatch.setattr(stored, "LARGE", 1000)
    monkeypatch.setattr(shapings, "fitted", lambda *given: pytest.fail("it is resized again"))
    assert load_images(large, shaping=form).digest() == images.digest()
