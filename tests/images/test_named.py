import bz2
import gzip
import io
import re
import string
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from elmyr.core.errors import InputError
from elmyr.core.files import cache_folder
from elmyr.images import ImageSet, Source, open_source, save_images
from elmyr.images.readers import SOURCES
from elmyr.images.readers.idx import read_idx_folder
from elmyr.images.readers.named import locate, read_named
from elmyr.images.storage.catalog import CATALOG, DataSet
from tests.images.local_mirror import Mirror, data_set, serving


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    monkeypatch.delenv("ELMYR_OFFLINE")
    monkeypatch.delenv("ELMYR_MIRROR", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    with serving() as mirror:
        yield mirror


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes())


def random_images(count: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, *shape), dtype=np.uint8)


def four_files() -> dict[str, bytes]:
    """A little MNIST of 6 training and 3 test images."""
    return {
        "train-images-idx3-ubyte.gz": idx(random_images(6, 4, 3)),
        "train-labels-idx1-ubyte.gz": idx(np.arange(6, dtype=np.uint8) % 3),
        "t10k-images-idx3-ubyte.gz": idx(random_images(3, 4, 3)),
        "t10k-labels-idx1-ubyte.gz": idx(np.arange(3, dtype=np.uint8)),
    }


def put(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def on_mirror(mirror: Mirror, files: dict[str, bytes], **changes: object) -> DataSet:
    mirror.files |= {f"/{name}": content for name, content in files.items()}
    entry = data_set(mirror.address, **{name.replace(".", "_"): content for name, content in files.items()})
    return replace(entry, **changes)  # type: ignore[arg-type]  # the entry's fields, as the case has them


def parts_of(source: Source) -> tuple[ImageSet, ImageSet]:
    assert source.test is not None
    return source.train, source.test


# --- the catalog


@pytest.mark.parametrize("entry", CATALOG.values(), ids=CATALOG)
def test_every_set_of_the_catalog_can_be_had_and_cited(entry: DataSet) -> None:
    assert entry.title and entry.license and re.search(r"\b(19|20)\d\d\b", entry.citation)
    assert entry.mirrors and entry.files
    for mirror in entry.mirrors:
        assert mirror.endswith("/")
        assert mirror.startswith("https://") or "s3-website" in mirror  # the one kind of host that has none
    for file in entry.files:
        assert re.fullmatch(r"sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}", file.checksum)
        assert re.fullmatch(r"[\w-][\w.-]*", file.name)
        assert file.size is None or file.size > 1000
    checksums = [file.checksum for file in entry.files]
    assert len(set(checksums)) == len(checksums)


def test_every_set_of_the_catalog_can_be_opened_by_its_name() -> None:
    assert set(SOURCES) == {"digits", *CATALOG}
    assert all(name == entry.name for name, entry in CATALOG.items())


# --- where the files are


def test_a_set_is_downloaded_once_and_read_offline_from_then_on(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = on_mirror(mirror, four_files())
    train, test = read_named(entry, read_idx_folder, None)
    assert np.array_equal(train.images[..., 0], random_images(6, 4, 3))
    assert test.require_labels().tolist() == [0, 1, 2]
    assert train.name == test.name == "small"
    assert locate(entry, None) == cache_folder() / "data" / "small"
    monkeypatch.setenv("ELMYR_OFFLINE", "1")
    again, _ = read_named(entry, read_idx_folder, None)
    assert again.digest() == train.digest()
    assert len(mirror.requests) == 4


def test_the_data_root_goes_before_cache_and_network(tmp_path: Path, mirror: Mirror) -> None:
    entry = on_mirror(mirror, four_files())
    own = put(tmp_path / "data" / "small", four_files())
    assert locate(entry, tmp_path / "data") == own
    assert mirror.requests == []
    (own / "train-labels-idx1-ubyte.gz").unlink()
    assert locate(entry, tmp_path / "data") == cache_folder() / "data" / "small"


def test_a_file_in_the_data_root_may_be_unpacked(tmp_path: Path) -> None:
    unpacked = {name.removesuffix(".gz"): gzip.decompress(content) for name, content in four_files().items()}
    put(tmp_path / "mnist", unpacked)
    assert len(open_source("mnist", tmp_path).train) == 6


def test_sets_of_one_archive_share_its_folder(tmp_path: Path, mirror: Mirror) -> None:
    letters = on_mirror(mirror, {"all.zip": b"zip"}, name="small-letters", folder="small")
    digits = replace(letters, name="small-digits")
    assert locate(letters, None) == locate(digits, None) == cache_folder() / "data" / "small"
    assert len(mirror.requests) == 1
    shared = put(tmp_path / "data" / "small", {"all.zip": b"zip"})
    assert locate(letters, tmp_path / "data") == shared
    assert locate(letters, put(tmp_path / "data" / "small-letters", {"all.zip": b"zip"}).parent) != shared


def test_without_network_the_files_and_their_place_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        open_source("usps")
    assert str(caught.value) == (
        "'usps' cannot be downloaded (ELMYR_OFFLINE is set): put usps.bz2, usps.t.bz2 into a folder 'usps', "
        "and name the folder above it with --data-root or ELMYR_DATA"
    )
    put(tmp_path / "usps", {"usps.bz2": b""})
    with pytest.raises(InputError) as caught:
        open_source("usps", tmp_path)
    assert str(caught.value) == (
        f"'{tmp_path / 'usps'}' has no usps.t.bz2, and 'usps' cannot be downloaded (ELMYR_OFFLINE is set): "
        "put what is missing there, or name another folder with --data-root or ELMYR_DATA"
    )
    assert not cache_folder().exists()


def test_the_reason_of_a_failed_download_is_told(mirror: Mirror) -> None:
    entry = on_mirror(mirror, four_files())
    mirror.files.clear()
    with pytest.raises(InputError, match=f"'small' cannot be downloaded \\(404 at {mirror.host}\\): put train-images"):
        locate(entry, None)


def test_classes_that_the_files_do_not_tell_come_from_the_catalog(tmp_path: Path) -> None:
    put(tmp_path / "fashion-mnist", four_files())
    train, test = parts_of(open_source("fashion-mnist", tmp_path))
    assert train.classes == test.classes == CATALOG["fashion-mnist"].classes
    assert (len(train.classes), train.classes[9], train.name) == (10, "Ankle boot", "fashion-mnist")


def test_files_of_another_set_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "kmnist", four_files() | {"t10k-labels-idx1-ubyte.gz": idx(np.array([0, 1, 26], np.uint8))})
    with pytest.raises(InputError, match=r"kmnist' holds no Kuzushiji-MNIST: the label 26 has no name among 10"):
        open_source("kmnist", tmp_path)


# --- EMNIST

BALANCED = string.digits + string.ascii_uppercase + "abdefghnqrt"
MAPPINGS = {
    "letters": "".join(f"{i} {64 + i} {96 + i}\n" for i in range(1, 27)),
    "digits": "".join(f"{i} {48 + i}\n" for i in range(10)),
    "balanced": "".join(f"{i} {ord(character)}\r\n" for i, character in enumerate(BALANCED)),
}
CLASSES = {"letters": string.ascii_lowercase, "digits": string.digits, "balanced": BALANCED}
FIRST = {"letters": 1, "digits": 0, "balanced": 0}


def emnist(part: str, **changes: bytes | None) -> bytes:
    """The archive with one part of it; `changes` are other members, None for none."""
    last = FIRST[part] + len(CLASSES[part]) - 1
    labels = np.array([FIRST[part], FIRST[part] + 2, last], np.uint8)
    members: dict[str, bytes | None] = {
        "mapping.txt": MAPPINGS[part].encode(),
        "train-images-idx3-ubyte.gz": idx(random_images(3, 5, 5)),
        "train-labels-idx1-ubyte.gz": idx(labels),
        "test-images-idx3-ubyte.gz": idx(random_images(2, 5, 5)),
        "test-labels-idx1-ubyte.gz": idx(labels[:2]),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (members | changes).items():
            if content is not None:
                archive.writestr(f"gzip/emnist-{part}-{name}", content)
    return packed.getvalue()


@pytest.mark.parametrize("part", MAPPINGS)
def test_emnist_stands_upright_with_labels_from_0_and_names(tmp_path: Path, part: str) -> None:
    put(tmp_path / "emnist", {"gzip.zip": emnist(part)})
    train, test = parts_of(open_source(f"emnist-{part}", tmp_path))
    assert np.array_equal(train.images[..., 0], random_images(3, 5, 5).transpose(0, 2, 1))
    assert train.require_labels().tolist() == [0, 2, len(CLASSES[part]) - 1]
    assert train.classes == test.classes == tuple(CLASSES[part])
    assert (len(test), train.name) == (2, f"emnist-{part}")
    assert train.images.flags.c_contiguous and train.images.flags.writeable


def test_the_balanced_part_has_its_47_classes() -> None:
    assert len(BALANCED) == 47


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mapping.txt": None}, "has no gzip/emnist-letters-mapping.txt"),
        ({"test-images-idx3-ubyte.gz": None}, "has no gzip/emnist-letters-test-images-idx3-ubyte.gz"),
        ({"mapping.txt": b"1 a\n"}, "does not map labels"),
        ({"mapping.txt": b"\xff\n"}, "does not map labels"),
        ({"mapping.txt": b"\n"}, "does not map labels"),
        ({"mapping.txt": b"1\n"}, "does not map labels"),
        ({"mapping.txt": b"1 99999999999999999999\n"}, "does not map labels"),
        ({"mapping.txt": b"1 65\n3 66\n"}, "leaves labels out"),
        ({"mapping.txt": b"1 65\n2 66\n"}, "labels from 1 to 26, its mapping from 1 to 2"),
        ({"train-labels-idx1-ubyte.gz": idx(np.zeros(3, np.uint8))}, "labels from 0 to 0, its mapping from 1 to 26"),
        ({"train-labels-idx1-ubyte.gz": idx(np.ones(2, np.uint8))}, "3 images.* 2 labels"),
        ({"train-images-idx3-ubyte.gz": b"junk"}, "ends within its header"),
        ({"train-images-idx3-ubyte.gz": idx(random_images(3, 5, 5))[:-9]}, "cannot be read"),
    ],
)
def test_an_emnist_archive_that_is_not_whole_is_refused(
    tmp_path: Path, changes: dict[str, bytes | None], message: str
) -> None:
    put(tmp_path / "emnist", {"gzip.zip": emnist("letters", **changes)})
    with pytest.raises(InputError, match=f"gzip.zip.*{message}"):
        open_source("emnist-letters", tmp_path)


def test_a_member_far_too_large_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elmyr.images.readers.emnist.LARGEST", 50)
    put(tmp_path / "emnist", {"gzip.zip": emnist("letters")})
    with pytest.raises(InputError, match="far too large"):
        open_source("emnist-letters", tmp_path)


# --- USPS


def usps(values: np.ndarray, labels: list[int]) -> bytes:
    lines = (
        f"{label} " + " ".join(f"{place}:{value:.6g}" for place, value in enumerate(row, start=1)) + " \n"
        for label, row in zip(labels, values, strict=True)
    )
    return bz2.compress("".join(lines).encode())


def usps_files(**changes: bytes) -> dict[str, bytes]:
    values = np.linspace(-1, 1, 256).reshape(1, 256)
    files = {"usps": usps(np.concatenate([values, -values]), [1, 10]), "usps.t": usps(values, [7])}
    return {f"{name}.bz2": content for name, content in (files | changes).items()}


def test_usps_is_read_with_digits_as_labels(tmp_path: Path) -> None:
    put(tmp_path / "usps", usps_files())
    train, test = parts_of(open_source("usps", tmp_path))
    assert train.images.shape == (2, 16, 16, 1)
    assert train.images[0].ravel().tolist() == list(range(256))
    assert train.images[1].ravel().tolist() == list(range(255, -1, -1))
    assert (train.require_labels().tolist(), test.require_labels().tolist()) == ([0, 9], [6])
    assert train.classes == test.classes == tuple(string.digits)


LINE = np.zeros((1, 256))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (bz2.compress(b""), "does not hold lines"),
        (b"junk", "cannot be read"),
        (bz2.compress(b"1 1:0.5\n"), "does not hold lines"),
        (bz2.compress(b"one 1:0.5\n"), "cannot be read"),
        (usps(LINE, [11]), "labels other than 1 to 10"),
        (usps(LINE, [0]), "labels other than 1 to 10"),
        (usps(LINE + 1.5, [1]), "pixels beyond -1 to 1"),
        (usps(LINE * np.nan, [1]), "pixels beyond -1 to 1"),
        (bz2.compress(bz2.decompress(usps(LINE, [1])).replace(b" 9:", b" 8:")), "leaves pixels out"),
        (usps(LINE, [1])[:-4], "cannot be read"),
    ],
)
def test_a_usps_file_that_is_not_whole_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    put(tmp_path / "usps", usps_files(usps=content))
    with pytest.raises(InputError, match=f"usps.bz2' .*{message}|usps.bz2' {message}"):
        open_source("usps", tmp_path)


def test_usps_text_without_end_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elmyr.images.readers.usps.LARGEST", 1000)
    put(tmp_path / "usps", usps_files())
    with pytest.raises(InputError, match="usps.bz2"):
        open_source("usps", tmp_path)


# --- CIFAR-10

INSIDE = "cifar-10-batches-bin/"


def record(label: int, red: int, green: int, blue: int) -> bytes:
    """A record whose first pixel is black."""
    planes = (bytes([0]) + bytes([value]) * 1023 for value in (red, green, blue))
    return bytes([label]) + b"".join(planes)


def cifar(mode: str = "w:gz", **changes: bytes | None) -> bytes:
    """The archive with one record a batch; `changes` are other members, None for none."""
    members: dict[str, bytes | None] = {f"data_batch_{i}.bin": record(i, i, 10 * i, 20 * i) for i in range(1, 6)}
    members |= {"test_batch.bin": record(9, 1, 2, 3) + record(0, 4, 5, 6)}
    members |= {"batches.meta.txt": "".join(f"class {i}\n" for i in range(10)).encode() + b"\n"}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:  # type: ignore[call-overload]  # w or w:gz
        for name, content in (members | changes).items():
            if content is not None:
                member = tarfile.TarInfo(name if name.startswith(("/", ".")) else INSIDE + name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@pytest.mark.parametrize(("mode", "suffix"), [("w:gz", ".gz"), ("w", "")])
def test_cifar10_is_read_from_its_binary_archive(tmp_path: Path, mode: str, suffix: str) -> None:
    put(tmp_path / "cifar10", {f"cifar-10-binary.tar{suffix}": cifar(mode)})
    train, test = parts_of(open_source("cifar10", tmp_path))
    assert (train.images.shape, test.images.shape) == ((5, 32, 32, 3), (2, 32, 32, 3))
    assert train.require_labels().tolist() == [1, 2, 3, 4, 5]
    assert test.require_labels().tolist() == [9, 0]
    assert train.images[1, 0, 0].tolist() == [0, 0, 0]
    assert train.images[1, 0, 1].tolist() == train.images[1, 31, 31].tolist() == [2, 20, 40]
    assert train.classes == test.classes == tuple(f"class {i}" for i in range(10))
    assert train.images.flags.c_contiguous and train.images.flags.writeable


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"junk", "cannot be read"),
        (cifar()[:300], "cannot be read"),
        (cifar(**{"data_batch_3.bin": None}), f"has no {INSIDE}data_batch_3.bin"),
        (cifar(**{"batches.meta.txt": None}), f"has no {INSIDE}batches.meta.txt"),
        (cifar(**{"test_batch.bin": b""}), "does not hold records"),
        (cifar(**{"test_batch.bin": record(1, 2, 3, 4)[:-1]}), "does not hold records"),
        (cifar(**{"test_batch.bin": record(10, 2, 3, 4)}), "the label 10, but there are 10 class names"),
        (cifar(**{"batches.meta.txt": b""}), "there are 0 class names"),
    ],
)
def test_a_cifar10_archive_that_is_not_whole_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    put(tmp_path / "cifar10", {"cifar-10-binary.tar.gz": content})
    with pytest.raises(InputError, match=f"cifar-10-binary.tar.gz.*{message}"):
        open_source("cifar10", tmp_path)


def test_a_changed_pixel_in_a_cifar10_archive_is_found(tmp_path: Path) -> None:
    stored = bytearray(gzip.compress(cifar("w"), compresslevel=0))
    stored[5000] ^= 1
    put(tmp_path / "cifar10", {"cifar-10-binary.tar.gz": bytes(stored)})
    with pytest.raises(InputError, match="CRC"):
        open_source("cifar10", tmp_path)


def test_a_cifar10_batch_far_too_large_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elmyr.images.readers.cifar_binary.LARGEST", 3073)
    put(tmp_path / "cifar10", {"cifar-10-binary.tar.gz": cifar()})
    with pytest.raises(InputError, match="test_batch.bin' is far too large"):
        open_source("cifar10", tmp_path)


def test_nothing_of_an_archive_is_written_anywhere(tmp_path: Path) -> None:
    outside = {str(tmp_path / "absolute"): b"x", "../beside": b"x", "data_batch_1": b"pickled"}
    put(tmp_path / "data" / "cifar10", {"cifar-10-binary.tar.gz": cifar(**outside)})
    before = sorted(tmp_path.rglob("*"))
    assert len(open_source("cifar10", tmp_path / "data").train) == 5
    assert sorted(tmp_path.rglob("*")) == before


def test_cifar10_is_read_from_parquet_too(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    (tmp_path / "cifar10").mkdir()
    images = random.integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
    for part in ("train", "test"):
        save_images(ImageSet(images, np.arange(6), tuple("abcdef")), tmp_path / "cifar10" / f"{part}-0.parquet")
    source = open_source("cifar10", tmp_path)
    assert source.test is not None
    assert np.array_equal(source.test.images, images)
    assert (source.train.name, source.train.classes) == ("cifar10", tuple("abcdef"))


# --- damage anywhere


@pytest.mark.parametrize(
    ("name", "file", "make"),
    [
        ("emnist-digits", "gzip.zip", lambda: emnist("digits")),
        ("usps", "usps.bz2", lambda: usps_files()["usps.bz2"]),
        ("cifar10", "cifar-10-binary.tar.gz", cifar),
    ],
)
def test_a_file_cut_off_or_changed_anywhere_never_raises_anything_else(
    tmp_path: Path, name: str, file: str, make: Callable[[], bytes]
) -> None:
    folder = put(tmp_path / name, usps_files() if name == "usps" else {})
    whole = make()
    damaged = [whole[: len(whole) * step // 25] for step in range(25)]
    for place in range(0, len(whole), len(whole) // 60):
        damaged.append(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
    for content in damaged:
        (folder / file).write_bytes(content)
        try:
            open_source(name, tmp_path)
        except InputError as error:
            assert file in str(error) and "\n" not in str(error)
