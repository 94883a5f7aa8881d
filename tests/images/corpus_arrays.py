"""The hostile corpus, its arrays: npz, npy and IDX files that are not what they claim to be."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.lib import format as npy_format

from tests.images.corpus import GIANT, RANDOM, TEXT, Answer, Build, Case, Trap, of_one_file, put, zeros

# --- npz and npy


def npy(array: np.ndarray, **claims: object) -> bytes:
    """An array as `.npy`; claims: what its header says instead."""
    file = io.BytesIO()
    header = npy_format.header_data_from_array_1_0(array) | claims
    npy_format.write_array_header_1_0(file, header)
    return file.getvalue() + array.tobytes()


def npz(**members: bytes) -> bytes:
    """A zip of `.npy` files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(f"{name}.npy", content)
    return file.getvalue()


def zip_of(name: bytes, packed: bytes, size: int) -> bytes:
    """A zip with one member that is packed already and claims a size; its checksum is wrong."""
    about = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, 0, len(packed), size, len(name), 0)
    local = b"PK\3\4" + about + name + packed
    entry = b"PK\1\2" + struct.pack("<H", 20) + about + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    return local + entry + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(entry), len(local), 0)


def deflated(content: bytes) -> bytes:
    """The content and a gigabyte of zeros after it, deflated."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush(zlib.Z_FULL_FLUSH) + zeros(GIANT, -15)


def object_array() -> bytes:
    """An `.npy` of a pickled object."""
    file = io.BytesIO()
    np.save(file, np.array([Trap()], dtype=object), allow_pickle=True)
    return file.getvalue()


ARRAY = np.arange(4 * 3 * 2, dtype=np.uint8).reshape(4, 3, 2)
GOOD = npy(ARRAY)

NPYS: list[tuple[str, Callable[[], bytes], Answer]] = [
    ("empty-file", bytes, "cannot be read"),
    ("text", lambda: TEXT, "cannot be read"),
    ("pickled", object_array, "cannot be read"),
    ("a-bare-pickle", lambda: pickle.dumps(Trap()), "cannot be read"),
    ("of-floats", lambda: npy(ARRAY / 255), (4, "1 as white")),
    ("of-floats-of-no-range", lambda: npy(ARRAY - 0.5), "pass --range -0.5:22.5"),
    (
        "of-floats-that-are-none",
        lambda: npy(np.where(ARRAY > 0, np.nan, ARRAY)),
        "image 0 has values that are no numbers",
    ),
    ("of-truths", lambda: npy(ARRAY > 3), 4),
    ("of-records", lambda: npy(np.zeros(3, [("a", "u1")])), "not uint8"),
    ("of-text", lambda: npy(np.array(["a", "b"])), "not uint8"),
    ("of-no-dimension", lambda: npy(np.uint8(3)[()].reshape(())), "shape"),
    ("of-two-dimensions", lambda: npy(ARRAY[0]), "shape"),
    ("of-five-dimensions", lambda: npy(ARRAY[None, None]), "shape"),
    ("of-no-images", lambda: npy(ARRAY[:0]), "no images"),
    ("of-2-channels", lambda: npy(ARRAY[None]), "shape"),
    ("of-2-40-images", lambda: npy(ARRAY, shape=(2**40, 3, 2)), "cannot be read"),
    ("of-2-70-images", lambda: npy(ARRAY, shape=(2**70, 3, 2)), "cannot be read"),
    ("of-negative-images", lambda: npy(ARRAY, shape=(-4, 3, 2)), "cannot be read"),
    ("shape-of-texts", lambda: npy(ARRAY, shape=("a", 3)), "cannot be read"),
    ("in-fortran-order", lambda: npy(np.asfortranarray(ARRAY).T, fortran_order=True, shape=ARRAY.shape), 4),
    ("header-of-64-kilobytes", lambda: b"\x93NUMPY\1\0\xff\xff" + b"(" * 65_535, "cannot be read"),
    ("header-of-4-gigabytes", lambda: b"\x93NUMPY\2\0\xff\xff\xff\xff" + b"(" * 100, "cannot be read"),
    ("header-nested", lambda: b"\x93NUMPY\1\0" + struct.pack("<H", 9_000) + b"[" * 9_000, "cannot be read"),
    ("header-of-a-call", lambda: b"\x93NUMPY\1\0\x40\0" + b"{'descr': print(1)}".ljust(64), "cannot be read"),
    ("header-with-a-newline", lambda: b"\x93NUMPY\1\0\x40\0" + b"{'a\n': 1, 'b\\n': 2}".ljust(64), "cannot be read"),
    ("version-99", lambda: b"\x93NUMPY\x63\0" + GOOD[8:], "cannot be read"),
]

NPZS: list[tuple[str, Callable[[], bytes], Answer]] = [
    ("empty-file", bytes, "cannot be read"),
    ("text", lambda: TEXT, "cannot be read"),
    ("pickled", lambda: npz(images=object_array()), "cannot be read"),
    ("pickled-labels", lambda: npz(images=GOOD, labels=object_array()), "cannot be read"),
    ("pickled-beside", lambda: npz(images=GOOD, more=object_array()), (4, "not read: 'more'")),
    ("of-2-40-images", lambda: npz(images=npy(ARRAY, shape=(2**40, 3, 2))), "cannot be read"),
    ("of-4-gigabyte-images", lambda: npz(images=npy(ARRAY, shape=(2**32, 1, 1))), "cannot be read"),
    ("in-fortran-order", lambda: npz(images=npy(np.asfortranarray(ARRAY).T, fortran_order=True, shape=ARRAY.shape)), 4),
    ("bomb-behind-its-images", lambda: zip_of(b"images.npy", deflated(GOOD), GIANT + len(GOOD)), 4),
    ("bomb-that-claims-little", lambda: zip_of(b"images.npy", deflated(GOOD), len(GOOD)), "cannot be read"),
    (
        "bomb-without-a-header",
        lambda: zip_of(b"images.npy", zeros(GIANT, -15), GIANT),
        "'images.npy', which is no array: write it again",
    ),
    (
        "bomb-in-the-header",
        lambda: zip_of(b"images.npy", deflated(b"\x93NUMPY\2\0\0\0\0\x40"), GIANT),
        "no array: write it again",
    ),
    ("header-nested", lambda: npz(images=b"\x93NUMPY\1\0" + struct.pack("<H", 9_000) + b"[" * 9_000), "cannot be read"),
    ("bomb-beside", lambda: zip_of(b"more.npy", zeros(GIANT, -15), GIANT), "no key 'images'"),
    ("member-absolute", lambda: npz(**{"/tmp/images": GOOD}), "no key 'images'"),
    ("member-up-and-out", lambda: npz(**{"../images": GOOD}), "no key 'images'"),
    ("member-not-npy", lambda: npz(images=TEXT), "'images.npy', which is no array: write it again"),
    (
        "member-not-npy-of-a-gigabyte",
        lambda: zip_of(b"images", zeros(GIANT, -15), GIANT),
        "'images', which is no array: write it again",
    ),
    ("labels-of-floats", lambda: npz(images=GOOD, labels=npy(np.zeros(4))), 4),
    ("labels-of-two-dimensions", lambda: npz(images=GOOD, labels=npy(np.zeros((4, 1), int))), 4),
    ("labels-of-2-63", lambda: npz(images=GOOD, labels=npy(np.full(4, 2**63 - 1))), "number the classes from 0"),
    ("labels-of-99999", lambda: npz(images=GOOD, labels=npy(np.full(4, 99_999))), 4),
    (
        "classes-of-numbers",
        lambda: npz(images=GOOD, labels=npy(np.arange(4)), classes=npy(np.arange(4))),
        4,
    ),
    (
        "classes-of-400-megabytes",
        lambda: npz(images=GOOD, labels=npy(np.zeros(4, int)), classes=npy(np.array(["a"]), descr=f"<U{10**8}")),
        "cannot be read",
    ),
    (
        "classes-with-a-newline",
        lambda: npz(images=GOOD, labels=npy(np.zeros(4, int)), classes=npy(np.array(["a\nb", "a\nb"]))),
        "two classes",
    ),
]


# --- IDX


def idx(magic: int, shape: tuple[int, ...], content: bytes) -> bytes:
    """An IDX file of any claims."""
    return struct.pack(f">{1 + len(shape)}I", magic, *shape) + content


def gz_bomb(content: bytes) -> bytes:
    """The content and a gigabyte of zeros after it, in gzip."""
    return gzip.compress(content) + gzip.compress(bytes(1 << 20)) * (GIANT >> 20)


def idx_folder(**files: Callable[[], bytes]) -> Build:
    """A little set of IDX files, some of them others than they should be."""
    names = {"images": "train-images-idx3-ubyte", "labels": "train-labels-idx1-ubyte"}

    def build(folder: Path) -> Path:
        good = {"images": idx(0x803, (4, 3, 2), bytes(24)), "labels": idx(0x801, (4,), bytes(4))}
        test = {name.replace("train", "t10k"): good[part] for part, name in names.items()}
        made = {part: content() for part, content in files.items()}
        return put(folder, test | {name: (good | made)[part] for part, name in names.items()})

    return build


IDX = [
    Case(
        "idx-of-2-31-images",
        idx_folder(images=lambda: idx(0x803, (2**31, 28, 28), bytes(99))),
        refused="should hold 1,683,627,180,032 bytes but holds 99: download it again",
    ),
    Case(
        "idx-of-2-96-bytes",
        idx_folder(images=lambda: idx(0x803, (2**32 - 1,) * 3, bytes(99))),
        refused="but holds 99: download it again",
    ),
    Case("idx-of-no-pixels", idx_folder(images=lambda: idx(0x803, (4, 0, 0), b"")), refused="holds no images"),
    Case(
        "idx-with-a-wrong-magic-number",
        idx_folder(images=lambda: idx(0x802, (4, 3, 2), bytes(24))),
        refused="its magic number is 0x00000802, not 0x00000803",
    ),
    Case(
        "idx-of-floats",
        idx_folder(images=lambda: idx(0xD03, (4, 3, 2), bytes(96))),
        refused="its magic number is 0x00000d03",
    ),
    Case("idx-empty", idx_folder(images=bytes), refused="train-images-idx3-ubyte' ends within its header"),
    Case("idx-text", idx_folder(labels=lambda: TEXT), refused="train-labels-idx1-ubyte' is no IDX file"),
    Case(
        "idx-gzip-bomb",
        idx_folder(images=lambda: gz_bomb(idx(0x803, (4, 3, 2), bytes(24)))),
        refused="should hold 24 bytes but holds more",
    ),
    Case(
        "idx-gzip-of-junk",
        idx_folder(images=lambda: b"\x1f\x8b" + RANDOM),
        refused="train-images-idx3-ubyte' cannot be read",
    ),
    Case(
        "idx-gzip-in-gzip",
        idx_folder(images=lambda: gzip.compress(gzip.compress(bytes(99)))),
        refused="is no IDX file of 3 dimensions",
    ),
    Case(
        "idx-more-labels-than-images",
        idx_folder(labels=lambda: idx(0x801, (5,), bytes(5))),
        refused="holds 4 images, .* 5 labels: put files of one set there",
    ),
    Case(
        "idx-pixels-as-labels",
        idx_folder(labels=lambda: idx(0x803, (4, 3, 2), bytes(24))),
        refused="its magic number is 0x00000803, not 0x00000801",
    ),
]

ARRAY_CASES = [*of_one_file("npy", "set.npy", NPYS), *of_one_file("npz", "set.npz", NPZS), *IDX]
