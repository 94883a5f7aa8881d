"""Decoding and its cache: found again while the files are the same, and never wrong."""

import os
import resource
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from PIL import Image

from elmyr.core.errors import InputError
from elmyr.core.files import cache_folder
from elmyr.images import AS_IT_IS, ImageSet, Shaping, open_source
from elmyr.images.decode.decoding import decode
from elmyr.images.decode.encoded import EncodedImages
from elmyr.images.readers.folder import read_folder
from elmyr.images.storage import cache as caching
from elmyr.images.storage.cache import Content, Decoded, PixelStore, cached

pytestmark = pytest.mark.usefixtures("small_sets_are_cached")


@pytest.fixture
def small_sets_are_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elmyr.images.decode.decoding.FEWEST_CACHED", 4)


@pytest.fixture(params=["mapped", "on the disk"])
def way_of_reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As small sets are read, and as those are that are larger than memory."""
    if request.param == "on the disk":
        monkeypatch.setattr("elmyr.images.storage.stored.LARGE", 1)


def write_image(path: Path, value: int, size: tuple[int, int] = (4, 3), mode: str = "L") -> None:
    """A picture of one color, 3 high and 4 wide. A BMP, so that all of a size have as many bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, value).convert(mode).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(6):
        write_image(tmp_path / "data" / f"{number}.bmp", 10 * number)
    return tmp_path / "data"


def entries() -> list[Path]:
    """What is in the cache of images, with whatever was left there."""
    place = cache_folder() / "images"
    return sorted(place.iterdir()) if place.is_dir() else []


def values(images: ImageSet) -> list[int]:
    return np.asarray(images.images)[:, 0, 0, 0].tolist()


class Counting:
    """The images of a folder, which count how often one is opened."""

    def __init__(self, folder: Path) -> None:
        self.opened = 0
        self._images, _ = read_folder(folder)

    def _open(self, place: int) -> BinaryIO:
        self.opened += 1
        return self._images.open(place)

    def decode(self, shaping: Shaping = AS_IT_IS) -> ImageSet:
        (images,) = decode([replace(self._images, open=self._open)], shaping).parts
        return images


# --- found again


@pytest.mark.usefixtures("way_of_reading")
def test_the_second_opening_decodes_nothing_and_gives_the_same(folder: Path) -> None:
    first, second = Counting(folder), Counting(folder)
    images = first.decode()
    assert first.opened == 15  # each for its header, three until their range is known, each for its pixels
    again = second.decode()
    assert second.opened == 0
    assert values(again) == values(images) == [0, 10, 20, 30, 40, 50]
    assert again.digest() == images.digest()
    assert len(entries()) == 1


def test_few_images_are_not_kept(folder: Path) -> None:
    for name in ("4.bmp", "5.bmp", "3.bmp"):
        (folder / name).unlink()
    Counting(folder).decode()
    assert entries() == []


def change_a_pixel(folder: Path) -> None:
    before = (folder / "2.bmp").stat()
    write_image(folder / "2.bmp", 99)
    assert (folder / "2.bmp").stat().st_size == before.st_size
    os.utime(folder / "2.bmp", ns=(before.st_atime_ns, before.st_mtime_ns + 1_000))


def change_the_size_of_the_file(folder: Path) -> None:
    before = (folder / "2.bmp").stat()
    write_image(folder / "2.bmp", 99)
    with (folder / "2.bmp").open("ab") as file:
        file.write(b"\0")
    os.utime(folder / "2.bmp", ns=(before.st_atime_ns, before.st_mtime_ns))


def swap_names(folder: Path) -> None:
    (folder / "2.bmp").rename(folder / "x")
    (folder / "3.bmp").rename(folder / "2.bmp")
    (folder / "x").rename(folder / "3.bmp")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (change_a_pixel, [0, 10, 99, 30, 40, 50]),
        (change_the_size_of_the_file, [0, 10, 99, 30, 40, 50]),
        (swap_names, [0, 10, 30, 20, 40, 50]),
        (lambda folder: (folder / "2.bmp").unlink(), [0, 10, 30, 40, 50]),
        (lambda folder: (folder / "2.bmp").rename(folder / "9.bmp"), [0, 10, 30, 40, 50, 20]),
        (lambda folder: write_image(folder / "25.bmp", 7), [0, 10, 20, 7, 30, 40, 50]),
    ],
    ids=["pixel", "size", "swapped", "removed", "renamed", "added"],
)
def test_a_changed_folder_is_decoded_anew(folder: Path, change: Callable[[Path], object], expected: list[int]) -> None:
    for number in range(6):  # written in one moment, as an archive would leave them; not so the two that are swapped
        os.utime(folder / f"{number}.bmp", ns=(10**18, 10**18 + (number == 3)))
    Counting(folder).decode()
    change(folder)
    assert values(Counting(folder).decode()) == expected


@pytest.mark.parametrize(
    "wanted",
    [{"size": (3, 3)}, {"size": (3, 3), "fit": "pad"}, {"size": (3, 3), "fit": "stretch"}, {"channels": 3}],
    ids=str,
)
def test_another_form_is_another_entry_and_both_are_kept(folder: Path, wanted: dict[str, object]) -> None:
    for other in ({}, {"size": (3, 3)}, {"size": (3, 3), "fit": "pad"}, {"size": (3, 3), "fit": "stretch"}):
        Counting(folder).decode(Shaping(**other))  # type: ignore[arg-type]
    own, again = Counting(folder), Counting(folder)
    images = own.decode(Shaping(**wanted))  # type: ignore[arg-type]
    assert (own.opened == 0) == (wanted != {"channels": 3})
    assert again.decode(Shaping(**wanted)).digest() == images.digest()  # type: ignore[arg-type]
    assert again.opened == 0
    assert images.images.shape == (6, *wanted.get("size", (3, 4)), wanted.get("channels", 1))  # type: ignore[misc]
    assert len(entries()) == 4 + (wanted == {"channels": 3})


def test_the_choice_of_images_has_its_own_entry(folder: Path) -> None:
    source = folder.parent / "labeled"
    for name, value in (("a", 10), ("b", 20)):
        for number in range(5):
            write_image(source / name / f"{number}.bmp", value + number)
    for _ in range(2):
        assert values(open_source(source).train) == [10, 11, 12, 13, 14, 20, 21, 22, 23, 24]
        assert values(open_source(source, shaping=Shaping(classes=("b",))).train) == [20, 21, 22, 23, 24]
        assert values(open_source(source, shaping=Shaping(classes=("a",))).train) == [10, 11, 12, 13, 14]


def test_folders_of_the_same_relative_name_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, value in (("one", 1), ("two", 2)):
        for number in range(5):
            write_image(tmp_path / place / "data" / f"{number}.bmp", value)
            os.utime(tmp_path / place / "data" / f"{number}.bmp", ns=(10**18, 10**18))
    for place, value in (("one", 1), ("two", 2), ("one", 1)):
        monkeypatch.chdir(tmp_path / place)
        assert values(open_source("data").train) == [value] * 5


def test_new_labels_go_with_the_pixels_that_are_kept(folder: Path) -> None:
    for number in (4, 5):
        (folder / f"{number}.bmp").unlink()
    for order, labels in (([0, 1, 2, 3], "aabb"), ([0, 1, 2, 3], "abab"), ([3, 1, 0, 2], "aabb")):
        rows = [f"{number}.bmp,{label}" for number, label in zip(order, labels, strict=True)]
        (folder / "labels.csv").write_text("\n".join(["file,label", *rows]))
        images = open_source(folder).train
        assert values(images) == [10 * number for number in order]
        assert [images.classes[label] for label in images.require_labels()] == list(labels)


def test_the_training_and_the_test_part_are_kept_together_in_one_form(tmp_path: Path) -> None:
    for number in range(4):
        write_image(tmp_path / "data" / "train" / f"{number}.bmp", number)
        write_image(tmp_path / "data" / "test" / f"{number}.bmp", 100 + number, mode="RGB" if number == 3 else "L")
    for _ in range(2):
        source = open_source(tmp_path / "data")
        assert source.test is not None
        assert source.train.images.shape == source.test.images.shape == (4, 3, 4, 3)
        assert (values(source.train), values(source.test)) == ([0, 1, 2, 3], [100, 101, 102, 103])
    assert len(entries()) == 1


# --- never wrong


def cut(length: int) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(path.read_bytes()[:length])


def put(at: int, byte: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(path.read_bytes()[:at] + byte + path.read_bytes()[at + 1 :])


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("0.npy", Path.unlink),
        ("0.npy", cut(0)),
        ("0.npy", cut(5)),
        ("0.npy", cut(100)),
        ("0.npy", cut(-1)),
        ("0.npy", put(1, b"M")),
        ("0.npy", put(127, b"{")),
        ("0.npy", lambda path: np.save(path, np.zeros((6, 3, 4, 1)))),
        ("0.npy", lambda path: np.save(path, np.zeros((5, 3, 4, 1), np.uint8))),
        ("0.npy", lambda path: np.save(path, np.zeros((6, 4, 3, 1), np.uint8))),
        ("0.npy", lambda path: np.save(path, np.array([{}] * 6, object), allow_pickle=True)),
        ("content.json", Path.unlink),
        ("content.json", cut(0)),
        ("content.json", cut(20)),
        ("content.json", cut(-5)),
        *[("content.json", partial(Path.write_text, data=text)) for text in ("[]", "{}", "null", "[3]", '""')],
        ("content.json", lambda path: path.write_text(path.read_text().replace("shape", "shade"))),
        ("content.json", lambda path: path.write_bytes(b"\xff\xfe")),
        ("content.json", lambda path: path.write_text("[" * 100_000)),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("way_of_reading")
def test_a_damaged_entry_is_made_anew(folder: Path, name: str, damage: Callable[[Path], object]) -> None:
    expected = Counting(folder).decode().digest()
    (entry,) = entries()
    damage(entry / name)
    mending, after = Counting(folder), Counting(folder)
    assert mending.decode().digest() == expected
    assert mending.opened == 15
    assert after.decode().digest() == expected
    assert after.opened == 0
    assert entries() == [entry]


@contextmanager
def no_file_larger_than(most: int) -> Iterator[None]:
    """As on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("place", ["file", "below a file", "read-only", "nowhere", "full"])
def test_where_nothing_can_be_kept_all_is_decoded_each_time(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "read-only").mkdir(mode=0o500)
    if place == "read-only" and os.access(tmp_path / "read-only", os.W_OK):
        pytest.skip("root may write everywhere")
    paths = {"below a file": tmp_path / "file" / "cache", "nowhere": Path("/proc/no-such-folder")}
    monkeypatch.setenv("ELMYR_CACHE_DIR", str(paths.get(place, tmp_path / place)))
    for _ in range(2):
        counting = Counting(folder)
        with no_file_larger_than(150 if place == "full" else 1 << 30):  # the pixels take 128 + 72 bytes
            images = counting.decode()
        assert values(images) == [0, 10, 20, 30, 40, 50]
        assert counting.opened >= 12
        images.images[:] = 1
    assert (tmp_path / "file").read_text() == "no folder"
    assert not (tmp_path / "full").exists() or entries() == []


def test_writing_to_the_pixels_changes_no_file(folder: Path) -> None:
    for expected in ([0, 10, 20, 30, 40, 50],) * 3:
        images = Counting(folder).decode()
        assert values(images) == expected
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            images.images[:] = 255
        assert values(images) == [255] * 6
    assert values(open_source(folder).train) == [0, 10, 20, 30, 40, 50]


@pytest.mark.parametrize("broken", ["header", "pixels"])
def test_damage_is_told_again_when_the_images_come_from_the_cache(tmp_path: Path, broken: str) -> None:
    for number in range(100):
        write_image(tmp_path / "data" / ("a" if number < 60 else "b") / f"{number:03}.png", number)
    whole = (tmp_path / "data" / "a" / "050.png").read_bytes()
    (tmp_path / "data" / "a" / "050.png").write_bytes(whole[: 10 if broken == "header" else -30])
    told = []
    for _ in range(3):
        with pytest.warns(UserWarning) as caught:
            images = open_source(tmp_path / "data").train
        told.append([str(warning.message) for warning in caught])
        assert values(images) == [number for number in range(100) if number != 50]
        assert np.bincount(images.require_labels()).tolist() == [59, 40]
    assert told[0] == told[1] == told[2] and len(told[0]) == 1
    assert "1 unreadable image ('a/050.png': " in told[0][0] and told[0][0].endswith("skipped")
    assert len(entries()) == 1
    (tmp_path / "data" / "a" / "050.png").write_bytes(whole)
    assert len(open_source(tmp_path / "data").train) == 100  # mended, and not a word of it


class Stopping(Counting):
    """At an image it raises what no reader may swallow."""

    def __init__(self, folder: Path, error: BaseException, at: int) -> None:
        super().__init__(folder)
        self._error, self._at = error, at

    def _open(self, place: int) -> BinaryIO:
        if self.opened == self._at:
            raise self._error
        return super()._open(place)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError(), SystemExit(143)], ids=repr)
@pytest.mark.parametrize("at", [0, 3, 6, 9, 11])
def test_an_interrupted_decoding_leaves_nothing_and_the_next_is_whole(
    folder: Path, error: BaseException, at: int
) -> None:
    with pytest.raises(type(error)) as caught:
        Stopping(folder, error, at).decode()
    assert caught.value is error
    assert entries() == []
    assert values(Counting(folder).decode()) == [0, 10, 20, 30, 40, 50]


def test_a_refused_set_leaves_nothing(folder: Path) -> None:
    (folder / "3.bmp").write_bytes((folder / "3.bmp").read_bytes()[:-40])  # its header is whole
    with pytest.raises(InputError, match=r"1 unreadable image \('3.bmp': .*\) among 6: replace or remove"):
        Counting(folder).decode()
    write_image(folder / "3.bmp", 1, size=(5, 5))
    with pytest.raises(InputError, match="image '3.bmp' is 5x5, the others are 3x4"):
        Counting(folder).decode()
    assert entries() == []


def test_a_process_that_was_killed_does_not_disturb_the_next(folder: Path) -> None:
    left = cache_folder() / "images" / ".12345678-abcdefgh"
    left.mkdir(parents=True)
    (left / "0.npy").write_bytes(b"cut off")
    for _ in range(2):
        assert values(Counting(folder).decode()) == [0, 10, 20, 30, 40, 50]


PROGRAM = """
import sys
from elmyr.images import open_source
from elmyr.images.decode import decoding
decoding.FEWEST_CACHED = 4
print("ready", flush=True)
sys.stdin.readline()
print(open_source(sys.argv[1]).train.digest())
"""


def test_processes_that_decode_at_once_all_get_it_right(tmp_path: Path) -> None:
    for number in range(200):
        write_image(tmp_path / "data" / f"{number:03}.png", number)
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(tmp_path / "data")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(3)]  # type: ignore[call-overload]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], told
    images = open_source(tmp_path / "data").train
    assert values(images) == list(range(200))
    assert {digest.strip() for digest, _ in told} == {images.digest()}
    assert [entry.name.startswith(".") for entry in entries()] == [False]


def decoded(folder: Path | None, value: int) -> Content:
    store = PixelStore(folder and folder / "0.npy", 2, (1, 1, 1))
    for _ in range(2):
        store.add(np.full((1, 1, 1), value, np.uint8))
    return Content([Decoded(store.end(), {})], {"range": None})


def test_where_another_was_quicker_both_are_right() -> None:
    key = "a" * 32

    def overtaken(folder: Path | None) -> Content:
        mine = decoded(folder, 5)
        assert cached(key, lambda folder: decoded(folder, 5)).parts[0].pixels.tolist() == mine.parts[0].pixels.tolist()
        return mine

    assert cached(key, overtaken).parts[0].pixels.ravel().tolist() == [5, 5]
    assert [entry.name for entry in entries()] == [key]


def test_a_folder_in_use_that_can_be_neither_removed_nor_replaced_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "a" * 32
    cached(key, lambda folder: decoded(folder, 5))
    monkeypatch.setattr(caching.shutil, "rmtree", lambda *args, **options: None)
    monkeypatch.setattr(Path, "rename", lambda path, target: (_ for _ in ()).throw(PermissionError(13, "in use")))
    monkeypatch.setattr(caching, "_find", lambda folder: None)
    made: list[Path | None] = []
    again = cached(key, lambda folder: made.append(folder) or decoded(folder, 6))
    assert again.parts[0].pixels[:].ravel().tolist() == [6, 6]
    assert len(made) == 1  # what was decoded is used, though it could not be put there


# --- the store


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_store_gives_what_was_put_there_though_more_was_announced(tmp_path: Path, in_memory: bool) -> None:
    store = PixelStore(None if in_memory else tmp_path / "a.npy", 12_345, (2, 3, 1))
    images = np.arange(5 * 6, dtype=np.uint8).reshape(5, 2, 3, 1)
    for image in images:
        store.add(image)
    pixels = store.end()
    store.close()
    assert np.array_equal(pixels, images) and pixels.dtype == np.uint8
    if not in_memory:
        assert np.array_equal(np.load(tmp_path / "a.npy", allow_pickle=False), images)


def test_a_store_takes_views_that_are_not_contiguous(tmp_path: Path) -> None:
    image = np.arange(24, dtype=np.uint8).reshape(4, 6, 1)
    store = PixelStore(tmp_path / "a.npy", 2, (6, 4, 1))
    store.add(image.transpose(1, 0, 2))
    store.add(image.transpose(1, 0, 2)[::-1])
    assert np.array_equal(store.end(), [image.transpose(1, 0, 2), image.transpose(1, 0, 2)[::-1]])


# --- many threads


def test_large_images_that_are_decoded_in_threads_keep_their_order_and_their_labels() -> None:
    labels = np.arange(12, dtype=np.int64) % 3
    contents = []
    for number in range(12):
        file = BytesIO()
        Image.new("L", (260, 256), number * 20).save(file, format="PNG")
        contents.append(file.getvalue())
    contents[7] = contents[7][:100]  # too much damage
    encoded = EncodedImages(
        "s", "s", [f"{n}.png" for n in range(12)], lambda n: BytesIO(contents[n]), [], labels, tuple("abc")
    )
    with pytest.raises(InputError, match="'7.png'"):
        decode([encoded], AS_IT_IS)
    contents[7] = contents[8]
    (images,) = decode([encoded], Shaping(size=(2, 2))).parts
    assert values(images) == [0, 20, 40, 60, 80, 100, 120, 160, 160, 180, 200, 220]
    assert images.require_labels().tolist() == labels.tolist()
