"""What the writers promise. All is read back by means that know nothing of elmyr: numpy, PIL, csv, tarfile, pyarrow."""

import csv
import io
import json
import resource
import subprocess
import sys
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from elmyr.core.errors import InputError
from elmyr.images import ImageSet, check_writable, open_source, save_images, save_npz, writing_images
from elmyr.images.writers import sink as sinks
from elmyr.images.writers.names import folder_names

names = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=8)
HOSTILE = ("a/b", "..", "CON", "é", "x\ny", "Cat", "cat", " ", "-rf", ".hidden", 'say "a", b', "labels.csv")
STREAMED = ["a.npz", "a.parquet", "a.tar", "a"]
KINDS = [*STREAMED, "a.png"]


@st.composite
def image_sets(draw: st.DrawFn) -> ImageSet:
    count, height, width = (draw(st.integers(1, 5)) for _ in range(3))
    images = draw(arrays(np.uint8, (count, height, width, draw(st.sampled_from([1, 3])))))
    classes = tuple(draw(st.lists(names, max_size=4, unique=True)))
    labels = draw(arrays(np.int64, count, elements=st.integers(0, len(classes) - 1))) if classes else None
    return ImageSet(images, labels, classes)


def blank(n: int = 5) -> ImageSet:
    return ImageSet(np.zeros((n, 2, 3, 1), np.uint8), None)


def noise(n: int, *, channels: int = 1, size: int = 4, classes: Sequence[str] | None = ("a", "b")) -> ImageSet:
    rng = np.random.default_rng(n)
    images = rng.integers(0, 256, (n, size, size + 1, channels), dtype=np.uint8)
    return ImageSet(images, rng.permutation(n) % len(classes) if classes else None, tuple(classes or ()))


def write(path: Path, image_set: ImageSet, *, cuts: Sequence[int] = (), shard: int = 10_000) -> None:
    """Writes the set in chunks that are cut at `cuts`."""
    labeled = image_set.labels is not None
    with writing_images(path, count=len(image_set), classes=image_set.classes, labeled=labeled, shard=shard) as sink:
        for part in np.split(np.arange(len(image_set)), cuts):
            sink.add(image_set.take(part))


def content(folder: Path) -> dict[str, bytes]:
    """All files below the folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


Rows = tuple[NDArray[np.uint8], list[int] | None, list[str] | None]  # images, labels, the name of each one's class


def pixels(png: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG"
        array = np.asarray(picture)
    return array[..., None] if array.ndim == 2 else array


def read_npz(path: Path) -> Rows:
    with np.load(path, allow_pickle=False) as file:
        assert file["images"].dtype == np.uint8
        if "labels" not in file.files:
            return file["images"], None, None
        assert file["labels"].dtype == np.int64
        return file["images"], file["labels"].tolist(), file["classes"][file["labels"]].tolist()


def read_parquet(path: Path) -> Rows:
    table = pyarrow.parquet.read_table(path)
    images = np.stack([pixels(image["bytes"]) for image in table["image"].to_pylist()])
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert features["image"] == {"_type": "Image"}
    if "label" not in table.column_names:
        assert list(features) == ["image"]
        return images, None, None
    assert features["label"]["_type"] == "ClassLabel"
    labels = table["label"].to_pylist()
    return images, labels, [features["label"]["names"][label] for label in labels]


def read_tar(path: Path) -> Rows:
    with tarfile.open(path) as archive:
        members = {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]
    assert list(members) == sorted(members)
    images = np.stack([pixels(content) for name, content in members.items() if name.endswith(".png")])
    if len(members) == len(images):
        return images, None, None
    labels = [int(content) for name, content in members.items() if name.endswith(".cls")]
    return images, labels, [json.loads(text)["class"] for name, text in members.items() if name.endswith(".json")]


def read_folder(path: Path) -> Rows:
    if not (path / "labels.csv").is_file():
        return np.stack([pixels(file.read_bytes()) for file in sorted(path.iterdir())]), None, None
    with (path / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["file"] for row in rows} == set(content(path)) - {"labels.csv"}
    images = np.stack([pixels((path / row["file"]).read_bytes()) for row in rows])
    return images, [int(row["label"]) for row in rows], [row["class"] for row in rows]


READERS: dict[str, Callable[[Path], Rows]] = {
    "a.npz": read_npz,
    "a.parquet": read_parquet,
    "a.tar": read_tar,
    "a": read_folder,
}


def assert_same(found: Rows, image_set: ImageSet) -> None:
    images, labels, of_class = found
    assert np.array_equal(images, image_set.images)
    assert labels == (None if image_set.labels is None else image_set.labels.tolist())
    assert of_class == (None if labels is None else [image_set.classes[label] for label in labels])


@settings(max_examples=60, deadline=None)
@given(image_sets())
def test_what_is_written_as_npz_is_read_back_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, images: ImageSet
) -> None:
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    save_npz(images, path)
    again = open_source(path).train
    assert np.array_equal(again.images, images.images)
    assert again.digest() == images.digest()
    assert again.classes == images.classes


def test_the_keys_and_types_are_those_that_other_programs_expect(tmp_path: Path) -> None:
    save_npz(ImageSet(blank().images, np.arange(5), tuple("abcde")), tmp_path / "labeled.npz")
    save_npz(blank(), tmp_path / "plain.npz")
    with np.load(tmp_path / "labeled.npz", allow_pickle=False) as arrays:
        kinds = {key: arrays[key].dtype.kind for key in arrays.files}
        assert kinds == {"images": "u", "labels": "i", "classes": "U"}
        assert arrays["images"].shape == (5, 2, 3, 1)
    with np.load(tmp_path / "plain.npz", allow_pickle=False) as arrays:
        assert "labels" not in arrays.files


@pytest.mark.parametrize("classes", [HOSTILE, ("a", "b"), None], ids=["hostile names", "plain names", "unlabeled"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", STREAMED)
def test_every_kind_gives_back_pixels_labels_and_names(
    tmp_path: Path, name: str, channels: int, classes: tuple[str, ...] | None
) -> None:
    images = noise(40, channels=channels, classes=classes)
    save_images(images, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert_same(READERS[name](tmp_path / name), images)


def test_parquet_has_the_columns_of_hugging_face_in_small_row_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks, "BLOCK", 4)
    write(tmp_path / "a.parquet", noise(10), cuts=range(1, 10))
    with pyarrow.parquet.ParquetFile(tmp_path / "a.parquet") as file:
        assert str(file.schema_arrow.field("image").type) == "struct<bytes: binary, path: string>"
        assert str(file.schema_arrow.field("label").type) == "int64"
        lengths = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        assert lengths == [4, 4, 2]
        features = '{"image": {"_type": "Image"}, "label": {"names": ["a", "b"], "_type": "ClassLabel"}}'
        assert file.schema_arrow.metadata[b"huggingface"].decode() == f'{{"info": {{"features": {features}}}}}'
        assert file.read()["image"][7].as_py()["path"] == "000000007.png"


def test_tar_entries_are_named_by_number_and_tell_neither_time_nor_owner(tmp_path: Path) -> None:
    write(tmp_path / "a.tar", noise(2))
    with tarfile.open(tmp_path / "a.tar") as archive:
        entries = archive.getmembers()
    assert [entry.name for entry in entries] == [
        f"00000000{number}.{suffix}" for number in (0, 1) for suffix in ("cls", "json", "png")
    ]
    assert {(entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname) for entry in entries} == {(0, 0, 0, "", "")}


def test_a_folder_has_a_folder_for_each_class_that_has_images_and_a_quoted_table(tmp_path: Path) -> None:
    images = ImageSet(blank(3).images, np.array([1, 3, 1]), ("none", "x\ny", "nor here", 'a "b", c'))
    save_images(images, tmp_path / "a")
    assert sorted(content(tmp_path / "a")) == ["a _b_, c/000001.png", "labels.csv", "x_y/000000.png", "x_y/000002.png"]
    assert (tmp_path / "a" / "labels.csv").read_bytes().decode() == (
        "file,label,class\r\n"
        'x_y/000000.png,1,"x\ny"\r\n'
        '"a _b_, c/000001.png",3,"a ""b"", c"\r\n'
        'x_y/000002.png,1,"x\ny"\r\n'
    )
    save_images(blank(2), tmp_path / "plain")
    assert sorted(content(tmp_path / "plain")) == ["000000.png", "000001.png"]


def test_a_name_that_is_no_unicode_is_escaped(tmp_path: Path) -> None:
    save_images(ImageSet(blank(1).images, np.array([0]), ("a\udcff",)), tmp_path / "a")
    assert read_folder(tmp_path / "a")[2] == ["a\\udcff"]


def test_hostile_class_names_become_safe_folders() -> None:
    safe = folder_names((*HOSTILE[:7], "", *HOSTILE[7:]), taken=["labels.csv"])
    assert safe == [
        "a_b", "_", "_CON", "é", "x_y", "Cat", "cat_2", "__2", "__3", "_rf", "_hidden", "say _a_, b", "labels.csv_2"
    ]  # fmt: skip
    assert folder_names(["nul.txt", "COM¹", "a.", "a", "e\u0301", "é", "\u202ex", "Console"]) == [
        "_nul.txt", "_COM¹", "a", "a_2", "e\u0301", "é_2", "_x", "Console"
    ]  # fmt: skip
    assert len(folder_names(["é" * 1000])[0].encode()) == 200


@given(st.lists(st.text(st.sampled_from("aA./\\-_ 2é\0")), max_size=6, unique=True))
def test_no_two_classes_share_a_folder_even_where_case_is_not_seen(classes: list[str]) -> None:
    safe = folder_names(classes)
    assert len({name.casefold() for name in safe}) == len(classes)
    assert all(name and name[0] not in ".- " and name[-1] not in ". " and not set(name) & set("/\\\0") for name in safe)


@pytest.mark.parametrize(
    ("count", "tars", "parquets"),
    [
        (1, ["a.tar"], ["a.parquet"]),
        (5, ["a.tar"], ["a.parquet"]),
        (6, ["a-000000.tar", "a-000001.tar"], ["a-00000-of-00002.parquet", "a-00001-of-00002.parquet"]),
    ],
)
def test_more_images_than_a_shard_holds_go_into_several_files(
    tmp_path: Path, count: int, tars: list[str], parquets: list[str]
) -> None:
    images = noise(count)
    for name, shards in [("a.tar", tars), ("a.parquet", parquets)]:
        write(tmp_path / name, images, cuts=[count // 2], shard=5)
        for number, shard in enumerate(shards):
            assert_same(READERS[name](tmp_path / shard), images.take(np.arange(count)[number * 5 : number * 5 + 5]))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(tars + parquets)


@pytest.mark.parametrize("name", ["a.parquet", "a.tar"])
def test_a_shard_is_closed_before_the_next_is_opened(tmp_path: Path, name: str) -> None:
    with limited(resource.RLIMIT_NOFILE, 64):
        write(tmp_path / name, noise(64), shard=1)
    assert len(content(tmp_path)) == 64


def test_a_file_that_has_no_shards_takes_them_all(tmp_path: Path) -> None:
    images = noise(11)
    for name in ("a.npz", "a"):
        write(tmp_path / name, images, shard=5)
        assert_same(READERS[name](tmp_path / name), images)


@pytest.mark.parametrize("cuts", [[7], [1, 2, 3, 9], [0, 5, 5, 12, 20], range(1, 20)])
@pytest.mark.parametrize("name", KINDS)
def test_the_same_images_give_the_same_bytes_however_they_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, cuts: Sequence[int]
) -> None:
    monkeypatch.setattr(sinks, "BLOCK", 3)
    for folder, at in [("whole", []), ("cut", cuts)]:
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / name, noise(20, channels=3), cuts=at, shard=8)
    assert content(tmp_path / "whole") == content(tmp_path / "cut") != {}


def test_an_array_that_the_caller_uses_again_is_not_mixed_up(tmp_path: Path) -> None:
    chunk = blank(2)
    with writing_images(tmp_path / "a.npz", count=6, labeled=False) as sink:
        for value in (1, 2, 3):
            chunk.images[:] = value
            sink.add(chunk)
    assert read_npz(tmp_path / "a.npz")[0][:, 0, 0, 0].tolist() == [1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("error", [RuntimeError("in the caller"), KeyboardInterrupt(), OSError(5, "the caller's own")])
@pytest.mark.parametrize("name", KINDS)
def test_an_interrupted_write_leaves_nothing_and_the_error_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException
) -> None:
    monkeypatch.setattr(sinks, "BLOCK", 2)
    images = noise(10)

    def interrupted() -> Iterator[ImageSet]:
        yield images.take(range(7))
        raise error

    with (
        pytest.raises(type(error)) as caught,
        writing_images(tmp_path / name, count=10, classes=images.classes, shard=3) as sink,
    ):
        for chunk in interrupted():
            sink.add(chunk)
    assert caught.value is error
    assert list(tmp_path.iterdir()) == []


KILLED = """
import sys
import numpy as np
from elmyr.images import ImageSet, writing_images
chunk = ImageSet(np.zeros((1000, 2, 2, 1), np.uint8), np.zeros(1000, np.int64), ("a",))
with writing_images(sys.argv[1], count=9000, classes=("a",), shard=1000) as sink:
    for number in range(3):
        sink.add(chunk)
    print("written", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("name", STREAMED)
def test_a_killed_write_leaves_nothing_that_looks_whole(tmp_path: Path, name: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / name)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.kill()
    left = [path.name for path in tmp_path.iterdir()]
    assert left
    assert all(file.startswith(".") and file.endswith(".part") for file in left)


@contextmanager
def limited(what: int, most: int) -> Iterator[None]:
    """A limit of the system: what goes beyond is a real error in the middle of a write, as on a full disk."""
    limits = resource.getrlimit(what)
    resource.setrlimit(what, (most, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(what, limits)


@pytest.mark.parametrize("name", [name for name in KINDS if name != "a"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, name: str) -> None:
    save_images(noise(3), tmp_path / name)
    before = (tmp_path / name).read_bytes()
    with (
        limited(resource.RLIMIT_FSIZE, 5_000),
        pytest.raises(InputError, match="cannot be written .*File too large") as caught,
    ):
        save_images(noise(9, size=50), tmp_path / name)
    assert "\n" not in str(caught.value)
    assert content(tmp_path) == {name: before}


@pytest.mark.parametrize("name", KINDS)
def test_a_failed_write_leaves_no_new_file(tmp_path: Path, name: str) -> None:
    with limited(resource.RLIMIT_FSIZE, 1_000), pytest.raises(InputError, match="cannot be written .*File too large"):
        write(tmp_path / name, noise(9, size=50), shard=3)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_that_is_passed_over_makes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinks, "BLOCK", 3)
    large, small = noise(6, size=50), noise(3, size=50)
    with (
        pytest.raises(ValueError, match="9 images were announced, 9 came and 6 were written"),
        writing_images(tmp_path / "a", count=9, classes=("a", "b")) as sink,
    ):
        with limited(resource.RLIMIT_FSIZE, 1_000), suppress(InputError):
            sink.add(small)
        sink.add(large)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        ([noise(3)], "4 images were announced, 3 came"),
        ([noise(3), noise(2)], "4 images were announced, but 5 came"),
        ([noise(2), noise(2, size=5)], r"images of \(5, 6, 1\) among images of \(4, 5, 1\)"),
        ([noise(2), noise(2, channels=3)], r"images of \(4, 5, 3\) among images of \(4, 5, 1\)"),
        ([noise(4, classes=None)], "images with labels were announced"),
        ([noise(4, classes=("a", "c"))], "other classes"),
    ],
)
@pytest.mark.parametrize("name", KINDS)
def test_chunks_that_were_not_announced_are_refused(
    tmp_path: Path, name: str, chunks: list[ImageSet], message: str
) -> None:
    with (
        pytest.raises(ValueError, match=message),
        writing_images(tmp_path / name, count=4, classes=("a", "b"), shard=2) as sink,
    ):
        for chunk in chunks:
            sink.add(chunk)
    assert list(tmp_path.iterdir()) == []


def test_labels_that_were_not_announced_are_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="images without labels were announced"),
        writing_images(tmp_path / "a.npz", count=4, labeled=False) as sink,
    ):
        sink.add(noise(4))


@pytest.mark.parametrize("name", STREAMED)
def test_memory_does_not_grow_with_the_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(sinks, "BLOCK", 20)
    chunk = noise(20, channels=3, size=64)
    tracemalloc.start()
    try:
        with writing_images(tmp_path / name, count=600, classes=chunk.classes, shard=100) as sink:
            for _ in range(30):
                sink.add(chunk)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2e6  # the images are 7.5 MB


def test_labels_are_not_held_in_memory(tmp_path: Path) -> None:
    chunk = ImageSet(np.zeros((1000, 1, 1, 1), np.uint8), np.arange(1000) % 3)
    tracemalloc.start()
    try:
        with writing_images(tmp_path / "a.npz", count=200_000, classes=chunk.classes) as sink:
            for _ in range(200):
                sink.add(chunk)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4e5  # the labels are 1.6 MB
    with np.load(tmp_path / "a.npz") as written:
        assert np.array_equal(written["labels"], np.tile(np.arange(1000) % 3, 200))


@pytest.mark.slow
@pytest.mark.parametrize("name", STREAMED)
def test_two_hundred_thousand_images_are_written_within_little_memory(tmp_path: Path, name: str) -> None:
    program = """
import resource, sys
import numpy as np
from elmyr.images import ImageSet, writing_images
images = np.random.default_rng(0).integers(0, 256, (1000, 28, 28, 1), dtype=np.uint8)
chunk = ImageSet(images, np.arange(1000) % 10)
with writing_images(sys.argv[1], count=200_000, classes=chunk.classes) as sink:
    for _ in range(200):
        sink.add(chunk)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    command = [sys.executable, "-c", program, str(tmp_path / name)]
    kilobytes = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert kilobytes < 1_500_000


def test_the_suffix_decides_the_kind_of_file(tmp_path: Path) -> None:
    save_images(blank(), tmp_path / "a.npz")
    assert len(open_source(tmp_path / "a.npz").train) == 5
    save_images(blank(), tmp_path / "a.PNG")
    with Image.open(tmp_path / "a.PNG") as picture:
        assert picture.size == (44 * (3 * 3 + 2), 44 * (2 * 2 + 1))  # 5 images: 3 columns, 2 rows


@pytest.mark.parametrize("act", [check_writable, lambda path: save_images(blank(), path)])
def test_a_place_that_cannot_be_written_is_told_and_nothing_is_left(tmp_path: Path, act: Any) -> None:
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "full").mkdir()
    for old in ("file", "full/a.txt", "old-00000-of-00002.parquet", "old-000003.tar"):
        (tmp_path / old).touch()
    before = sorted(tmp_path.rglob("*"))
    for path, message in [
        (tmp_path / "nowhere" / "x.npz", "nowhere.*cannot be written"),
        (tmp_path / "nowhere" / "x", "nowhere.*cannot be written"),
        (tmp_path / "nowhere" / "x.tar", "nowhere.*cannot be written"),
        (tmp_path / "folder.npz", r"cannot be written \(it is a folder\)"),
        (tmp_path / "x.gif", r"x.gif': give it the suffix .npz or .png or .parquet or .tar, or none for a folder"),
        (tmp_path / "full", r"full' cannot be written \(it holds files already\): choose another place"),
        (tmp_path / "file", "file' cannot be written"),
        (tmp_path / ".npz", "no name for a folder of images"),
        (tmp_path / "full" / "..", "no name for a folder of images"),
        (tmp_path / "old.parquet", "old-00000-of-00002.parquet' is a shard of an older set .* remove the old shards"),
        (tmp_path / "old.tar", "old-000003.tar' is a shard of an older set"),
    ]:
        with pytest.raises(InputError, match=message) as caught:
            act(path)
        assert "\n" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_an_old_file_is_not_left_beside_new_shards(tmp_path: Path) -> None:
    write(tmp_path / "a.tar", noise(2))
    before = content(tmp_path)
    with pytest.raises(InputError, match=r"a.tar' would stand beside the shards of a new set: remove it"):
        write(tmp_path / "a.tar", noise(2), shard=1)
    assert content(tmp_path) == before


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    check_writable(tmp_path / "a")
    assert list((tmp_path / "a").iterdir()) == []
    save_images(noise(3), tmp_path / "a")
    assert_same(read_folder(tmp_path / "a"), noise(3))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.png", {"count": 10_001}, "one picture of 10,001 images: ask for at most 10,000, or give another suffix"),
        ("a.npz", {"count": 0}, "no images to write to .*a.npz': ask for at least 1"),
        ("a.tar", {"count": 3, "shard": 0}, "a shard of 0 images holds nothing: ask for at least 1"),
    ],
)
def test_numbers_that_make_no_file_are_refused_in_a_line(
    tmp_path: Path, name: str, options: dict[str, int], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught, writing_images(tmp_path / name, **options):
        pass
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("act", [check_writable, lambda path: save_images(blank(), path)])
def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Any) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError) as caught:
        act(tmp_path / "a.parquet")
    assert str(caught.value) == "writing .parquet needs pyarrow: pip install 'elmyr[data]'"
    save_images(blank(), tmp_path / "a.tar")


def test_the_check_leaves_an_old_file_as_it_is(tmp_path: Path) -> None:
    save_npz(blank(), tmp_path / "a.npz")
    before = (tmp_path / "a.npz").read_bytes()
    for name in ("a.npz", "b.png", "b.parquet", "b.tar", "b"):
        check_writable(tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_a_picture_has_one_row_per_class_whatever_the_number_of_images(tmp_path: Path) -> None:
    labels = np.tile([2, 0, 1], 7)[:20]  # seven of class 2 and 0, six of 1
    images = np.zeros((20, 8, 8, 1), np.uint8) + (labels * 60 + 40).astype(np.uint8)[:, None, None, None]
    save_images(ImageSet(images, labels, ("a", "b", "c")), tmp_path / "three.png")
    three = pixels((tmp_path / "three.png").read_bytes())[..., 0]
    scale = three.shape[1] // 35  # four columns of 8 pixels, and lines between them; two rows of each class
    assert three.shape == (scale * 53, scale * 35)
    middle = three[4 * scale :: 9 * scale, 4 * scale :: 9 * scale]
    assert middle.tolist() == [
        [40] * 4,
        [40] * 3 + [128],
        [100] * 4,
        [100] * 2 + [128] * 2,
        [160] * 4,
        [160] * 3 + [128],
    ]

    save_images(ImageSet(images[:9], np.arange(9), tuple("abcdefghi")), tmp_path / "one_each.png")
    one_each = pixels((tmp_path / "one_each.png").read_bytes())
    assert one_each.shape[0] == one_each.shape[1]  # not a strip
