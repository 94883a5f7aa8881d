"""The hostile corpus, its archives: tar and parquet files that are not what they claim to be."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow
from pyarrow import parquet as parquet_files

from tests.images.corpus import RANDOM, TEXT, Answer, Build, Case, Trap, encoded, of_one_file, put
from tests.images.corpus_folders import CAN_PIPE

IMAGE = encoded()


def pipe(name: str) -> Build:
    """A folder with a pipe of this name, to which nobody writes."""

    def build(folder: Path) -> Path:
        os.mkfifo(folder / name)
        return folder

    return build


# --- tar


def tar(*members: tuple[str, bytes], **odd: dict[str, object]) -> bytes:
    """An archive of files; odd: by a member's number as `_0`, what its header says instead."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for number, (name, content) in enumerate(members):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in odd.get(f"_{number}", {}).items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(content) if info.isfile() else None)
    return file.getvalue()


def claimed(size: int) -> bytes:
    """A tar whose last member claims a size."""
    info = tarfile.TarInfo("b.png")
    info.size = size
    return tar(("a.png", IMAGE))[:1024] + info.tobuf(tarfile.GNU_FORMAT) + IMAGE


CLS = (("a.png", IMAGE), ("a.cls", b"0"), ("b.png", IMAGE))
LINK = {"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"}
DEVICE = {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 5}
SYMLINK = {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}

TARS: list[tuple[str, Callable[[], bytes], Answer]] = [
    ("empty-file", bytes, "set.tar'.*: make it again"),
    ("text", lambda: TEXT * 100, "set.tar' cannot be read .*: make it again"),
    ("gzip", lambda: gzip.compress(tar(*CLS)), "set.tar' cannot be read"),
    ("torn-in-the-middle", lambda: tar(*CLS[:2])[:1024] + RANDOM, "damaged after member 1: make it again"),
    ("no-images", lambda: tar(("a.txt", TEXT)), "set.tar' holds no images"),
    ("up-and-out", lambda: tar(("../a.png", IMAGE)), "'../a.png', which leads out of it: make it again"),
    ("absolute", lambda: tar(("/tmp/a.png", IMAGE)), "'/tmp/a.png', which leads out of it"),
    ("hard-link", lambda: tar(("a.png", IMAGE), ("b.png", b""), _1=LINK), 1),
    ("symlink", lambda: tar(("a.png", IMAGE), ("b.png", b""), _1=SYMLINK), 1),
    ("device", lambda: tar(("a.png", IMAGE), ("b.png", b""), _1=DEVICE), 1),
    ("only-links", lambda: tar(("b.png", b""), _0=LINK), "holds no images"),
    (
        "member-of-a-terabyte",
        lambda: claimed(1 << 40),
        "set.tar' cannot be read .unexpected end of data.: make it again",
    ),
    (
        "member-of-200-megabytes",
        lambda: claimed(200 << 20),
        "set.tar' cannot be read .unexpected end of data.: make it again",
    ),
    ("member-of-negative-size", lambda: claimed(-512), "'b.png' of a negative size: make it again"),
    ("label-in-words", lambda: tar(*CLS, ("b.cls", b"cat")), 2),
    (
        "label-empty",
        lambda: tar(*CLS, ("b.cls", b"")),
        "'b.cls' in .*set.tar' holds no label: write the number of the class",
    ),
    ("label-of-2-70", lambda: tar(*CLS, ("b.cls", b"%d" % 2**70)), 2),
    (
        "label-of-60000-digits",
        lambda: tar(*CLS, ("b.cls", b"9" * 60_000)),
        "'b.cls' in .*set.tar' holds no label: write the number of the class",
    ),
    ("label-negative", lambda: tar(*CLS, ("b.cls", b"-1")), 2),
    (
        "label-of-a-megabyte",
        lambda: tar(*CLS, ("b.cls", b"1" * (1 << 20))),
        "'b.cls' in .*set.tar' holds no label: write the number of the class",
    ),
    (
        "label-that-is-binary",
        lambda: tar(*CLS, ("b.cls", RANDOM)),
        "'b.cls' in .*set.tar' holds no label: write the number of the class",
    ),
    ("label-for-some-only", lambda: tar(*CLS), "'b' in .*set.tar' has no label, others have: add b.cls"),
    ("json-broken", lambda: tar(("a.png", IMAGE), ("a.json", b"{")), "'a.json' in .*set.tar' holds no label: write"),
    (
        "json-nested",
        lambda: tar(("a.png", IMAGE), ("a.json", b"[" * 60_000)),
        "'a.json' in .*set.tar' holds no label: write",
    ),
    ("json-a-list", lambda: tar(("a.png", IMAGE), ("a.json", b"[1]")), 1),
    ("json-class-of-line-breaks", lambda: tar(("a.png", IMAGE), ("a.json", b'{"class": "a\\nb"}')), 1),
    (
        "json-not-utf-8",
        lambda: tar(("a.png", IMAGE), ("a.json", b'{"class": "\xff"}')),
        "'a.json' in .*set.tar' holds no label: write",
    ),
    (
        "json-class-a-surrogate",
        lambda: tar(("a.png", IMAGE), ("a.json", b'{"class": "\\ud800"}')),
        r"class '\\ud800', which is not UTF-8: rename it",
    ),
    ("name-with-a-newline", lambda: tar(("a\nb.png", b"")), r"a\\nb"),
    ("name-with-a-newline-without-label", lambda: tar(*CLS[:2], ("a\nb.png", IMAGE)), r"a\\nb"),
    ("name-with-a-newline-up-and-out", lambda: tar(("../a\nb.png", b"")), r"a\\nb"),
    ("name-of-5000-signs", lambda: tar(("x" * 5_000 + ".png", b"")), "xxx"),
    ("name-of-5000-signs-up-and-out", lambda: tar(("../" + "x" * 5_000 + ".png", b"")), "leads out"),
    ("same-name-twice", lambda: tar(("a.png", IMAGE), ("a.png", IMAGE)), 1),
    ("10000-empty-members", lambda: tar(*((f"{n}.txt", b"") for n in range(10_000))), "holds no images"),
]


def tar_cut_off(length: int) -> bytes:
    """A tar of two labeled images, cut off."""
    return tar(*CLS, ("b.cls", b"1"))[:length]


# --- parquet


def parquet(columns: dict[str, object], metadata: dict[str, str] | None = None) -> bytes:
    """A parquet file; metadata: of its schema."""
    table = pyarrow.table(columns)
    file = io.BytesIO()
    parquet_files.write_table(table.replace_schema_metadata(metadata), file, row_group_size=64)
    return file.getvalue()


def features(names: object) -> dict[str, str]:
    """What the schema says of the classes."""
    return {"huggingface": json.dumps({"info": {"features": {"label": {"names": names}}}})}


def images(count: int = 2) -> list[dict[str, object]]:
    """A column of images."""
    return [{"bytes": IMAGE, "path": None}] * count


def labeled(labels: object, names: object = None) -> Callable[[], bytes]:
    """Two images with these labels."""
    return lambda: parquet({"image": images(2), "label": labels}, None if names is None else features(names))


def described(metadata: str) -> Callable[[], bytes]:
    """Two labeled images with these words in the schema."""
    return lambda: parquet({"image": images(2), "label": [0, 1]}, {"huggingface": metadata})


DEEP: object = [[[[1]]]]
PARQUETS: list[tuple[str, Callable[[], bytes], Answer]] = [
    ("empty-file", bytes, "set.parquet' cannot be read .*: write it again"),
    ("text", lambda: TEXT, "set.parquet' cannot be read .*: write it again"),
    ("only-its-mark", lambda: b"PAR1" * 3, "set.parquet' cannot be read"),
    ("random-footer", lambda: b"PAR1" + RANDOM + struct.pack("<I", 4_000) + b"PAR1", "set.parquet' cannot be read"),
    (
        "no-image-column",
        lambda: parquet({"thing": [1, 2]}),
        "no column 'image' .it has 'thing'.: name the column",
    ),
    ("no-columns", lambda: parquet({}), "no column 'image' .it has none."),
    ("column-with-a-newline", lambda: parquet({"a\nb" * 300: [1]}), "no column 'image'"),
    ("image-column-of-text", lambda: parquet({"image": ["a", "b"]}), "'image' of .* is string: give encoded images"),
    ("image-column-of-numbers", lambda: parquet({"image": [1, 2]}), "'image' of .* is int64: give encoded images"),
    ("image-column-of-lists", lambda: parquet({"image": DEEP}), "'image' of .* is list.*: give encoded images"),
    ("image-column-of-nulls", lambda: parquet({"image": [None, None]}), "'image' of .* is null: give encoded images"),
    ("image-structs-without-bytes", lambda: parquet({"image": [{"path": "a.png"}]}), "give encoded images"),
    ("image-structs-of-text", lambda: parquet({"image": [{"bytes": "a"}]}), "give encoded images"),
    (
        "all-images-null",
        lambda: parquet({"image": pyarrow.array([None] * 3, pyarrow.binary())}),
        r"3 unreadable images .*\[0\]': it is null",
    ),
    (
        "50000-null-images",
        lambda: parquet({"image": pyarrow.nulls(50_000, pyarrow.binary())}),
        "50000 unreadable images",
    ),
    (
        "only-paths",
        lambda: parquet({"image": [{"bytes": None, "path": "a.png"}, images(1)[0]]}),
        "its bytes are not in the file, only the path 'a.png'",
    ),
    (
        "only-long-paths",
        lambda: parquet({"image": [{"bytes": None, "path": "x\ny" * 500}] * 9 + images(1)}),
        "9 unreadable images",
    ),
    ("image-bytes-pickled", lambda: parquet({"image": [pickle.dumps(Trap())]}), r"1 unreadable image .*not an image"),
    ("image-bytes-empty", lambda: parquet({"image": [b""]}), "not an image"),
    ("labels-null", labeled([0, None]), "row 1 of .*set.parquet' has the label None: give a number or a name"),
    ("labels-negative", labeled([0, -1], ["a", "b"]), "labels from -1 to 0 for 2 names"),
    ("labels-beyond-their-names", labeled([0, 2], ["a", "b"]), "labels from 0 to 2 for 2 names"),
    ("labels-of-2-63", labeled(pyarrow.array([0, 2**64 - 1], pyarrow.uint64()), ["a"]), "labels from 0 to"),
    ("labels-of-floats", labeled([0.5, 1.5]), "has the label 0.5: give a number or a name"),
    ("labels-of-not-a-number", labeled([float("nan"), 1.0]), "has the label nan"),
    ("labels-of-truths", labeled([True, False]), 2),
    ("labels-of-whole-floats", labeled([1.0, 0.0]), 2),
    ("labels-of-lists", labeled([[0], [1]]), r"has the label \[0\]"),
    ("labels-of-long-lists", labeled([list(range(10_000))] * 2), r"has the label \[0"),
    ("labels-of-long-bytes", labeled([b"x" * 100_000] * 2), "has the label b'xxx"),
    ("labels-with-newlines", labeled(["a\nb", "c"]), 2),
    ("labels-by-text-with-names", labeled(["x", "y"], ["a", "b"]), 2),
    ("names-twice", labeled([0, 1], ["a", "a"]), "two classes are named 'a'"),
    ("names-of-nulls", labeled([0, 1], [None, None]), 2),
    ("names-of-lists", labeled([0, 1], [["a"], {"b": 1}]), 2),
    ("names-of-surrogates", labeled([0, 1], ["\ud800", "b"]), r"class '\\ud800', which is not UTF-8"),
    ("names-a-text", labeled([0, 1], "ab"), 2),
    ("metadata-broken", described("{"), 2),
    ("metadata-nested", described("[" * 100_000), 2),
    ("metadata-a-list", described("[]"), 2),
    ("metadata-a-number", described("1"), 2),
    ("metadata-features-null", described('{"info": {"features": null}}'), 2),
    ("metadata-column-a-text", described('{"info": {"features": {"label": "x"}}}'), 2),
    ("metadata-of-big-numbers", described("1" * 10_000), 2),
    ("no-rows", lambda: parquet({"image": pyarrow.array([], pyarrow.binary())}), "has no rows: write it again"),
]


def few_null_images(folder: Path) -> Path:
    """One of 200."""
    content = parquet({"image": [*images(199), {"bytes": None, "path": None}]})
    return put(folder, {"set.parquet": content}) / "set.parquet"


ARCHIVE_CASES = [
    *of_one_file("tar", "set.tar", TARS),
    Case("tar-pipe", pipe("a.tar"), refused="a.tar|no images", possible=CAN_PIPE),
    *of_one_file("parquet", "set.parquet", PARQUETS),
    Case(
        "parquet-few-null-images",
        few_null_images,
        read=199,
        warned=r"1 unreadable image \('set.parquet\[199\]': it is null\) skipped",
    ),
    Case("parquet-pipe", pipe("a.parquet"), refused="a.parquet|no images", possible=CAN_PIPE),
]
