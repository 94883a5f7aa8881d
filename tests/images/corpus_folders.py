"""The hostile corpus, its folders: odd names, links, pipes, layouts in which images would be lost, and `labels.csv`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from tests.images.corpus import RANDOM, TEXT, Build, Case, answered, encoded, one, png, put


def named(name: str) -> Build:
    return one(name, encoded)


def beside_hundred(name: str, content: bytes = b"") -> Build:
    """One damaged file among 200."""
    return lambda folder: put(folder, {f"{n}.png": encoded() for n in range(199)} | {name: content})


def linked(name: str, target: Callable[[Path], Path | str]) -> Build:
    """A folder with one image and one link."""

    def build(folder: Path) -> Path:
        put(folder / "in", {"1.png": encoded()})
        put(folder / "out", {"2.png": encoded()})
        os.symlink(target(folder), folder / "in" / name)
        return folder / "in"

    return build


def with_linked_class(folder: Path) -> Path:
    put(folder, {"in/cat/1.png": encoded(), "out/2.png": encoded()})
    os.symlink(folder / "out", folder / "in" / "dog")
    return folder / "in"


def with_pipe(folder: Path) -> Path:
    put(folder, {"a.png": encoded()})
    os.mkfifo(folder / "x.png")
    return folder


def with_unreadable_file(folder: Path) -> Path:
    (put(folder, {"a.png": encoded()}) / "a.png").chmod(0)
    return folder


def with_folder(name: str) -> Build:
    def build(folder: Path) -> Path:
        (put(folder, {"cat/1.png": encoded()}) / name).mkdir(parents=True)
        return folder

    return build


def with_many_folders(folder: Path) -> Path:
    for number in range(2_000):
        (folder / f"{number:04}").mkdir()
    return folder


def nested(folder: Path) -> Path:
    deep = folder.joinpath(*["d"] * 300)
    deep.mkdir(parents=True)
    put(deep, {"a.png": encoded()})
    return folder


def hundred_damaged(folder: Path) -> Path:
    return put(folder, {"x" * 240 + f"{number}.png": b"" for number in range(100)})


LINUX = sys.platform == "linux"
CAN_LINK, CAN_PIPE = os.name == "posix", hasattr(os, "mkfifo")

FOLDERS = [
    Case("name-with-a-newline", named("a\nb.png"), read=1, possible=LINUX),
    Case("damaged-name-with-a-newline", one("a\nb.png", bytes), refused=r"a\\nb.png", possible=LINUX),
    Case("skipped-name-with-a-newline", beside_hundred("a\nb.png"), warned=r"a\\nb.png", read=199, possible=LINUX),
    Case("name-with-an-escape-sequence", one("a\x1b[31m.png", bytes), refused=r"a\\x1b\[31m.png", possible=LINUX),
    Case("name-with-spaces", named("  a  b .png"), read=1),
    Case("name-in-unicode", named("Füße-猫-🐈.png"), read=1),
    Case("name-with-leading-dashes", named("--rf.png"), read=1),
    Case("name-of-255-bytes", named("x" * 251 + ".png"), read=1),
    Case("damaged-names-of-250-bytes", hundred_damaged, refused="100 unreadable images"),
    Case("name-that-is-not-utf-8", named(os.fsdecode(b"a\xff.png")), read=1, possible=LINUX),
    Case("damaged-name-that-is-not-utf-8", one(os.fsdecode(b"a\xff.png"), bytes), refused="a.*png", possible=LINUX),
    Case(
        "class-that-is-not-utf-8",
        named(os.fsdecode(b"a\xff/a.png")),
        refused=r"class 'a\\udcff', which is not UTF-8: rename",
        possible=LINUX,
    ),
    Case("empty-class-with-a-newline", with_folder("a\nb"), refused=r"a\\nb' has no images", possible=LINUX),
    Case("class-with-a-newline", named("a\nb/1.png"), read=1, possible=LINUX),
    Case("only-a-suffix", named(".png"), refused="has no images"),
    Case(
        "link-to-itself", linked("b.png", lambda folder: folder / "in" / "b.png"), refused="'b.png'", possible=CAN_LINK
    ),
    Case(
        "link-to-nothing", linked("b.png", lambda folder: "absent"), refused="'b.png': leads nowhere", possible=CAN_LINK
    ),
    Case(
        "link-to-an-image-outside", linked("b.png", lambda folder: folder / "out" / "2.png"), read=2, possible=CAN_LINK
    ),
    Case(
        "link-to-a-secret",
        linked("b.png", lambda folder: "/etc/passwd"),
        refused="'b.png': not an image",
        possible=CAN_LINK,
    ),
    Case(
        "link-to-a-device",
        linked("b.png", lambda folder: "/dev/zero"),
        refused="'b.png': not a file",
        possible=CAN_LINK,
    ),
    Case("linked-class", with_linked_class, read=2, possible=CAN_LINK),
    Case("pipe", with_pipe, refused="'x.png': not a file", possible=CAN_PIPE),
    Case("folder-named-like-an-image", with_folder("x.png"), refused=r"class folder '.*x.png' has no images"),
    Case(
        "unreadable-file",
        with_unreadable_file,
        refused="'a.png': permission denied",
        possible=os.name == "posix" and os.geteuid() != 0,
    ),
    Case(
        "classes-that-differ-by-case",
        lambda f: put(f, {"Cat/1.png": encoded(), "cat/2.png": encoded()}),
        refused="'Cat' and 'cat': make them one",
        possible=LINUX,
    ),
    Case(
        "empty-class", with_folder("dog"), refused=r"class folder '.*dog' has no images: put some there, or remove it"
    ),
    Case("deep-nesting", nested, refused=r"holds a folder \('d'\): put its images directly"),
    Case("2000-empty-classes", with_many_folders, refused=r"class folder '.*0000' has no images"),
    Case("empty-folder", lambda folder: folder, refused="has no images: put them there"),
    Case(
        "images-beside-classes",
        lambda f: put(f, {"1.png": encoded(), "cat/1.png": encoded()}),
        refused="put every image into the folder",
    ),
    Case(
        "sizes-that-differ",
        lambda f: put(f, {"1.png": encoded(), "2.png": png(3, 3, b""), "3.png": encoded()}),
        refused=r"image '2.png' is 3x3, the others are 8x12: resize them",
    ),
    Case("a-file-as-folder", lambda f: put(f, {"a.txt": TEXT}) / "a.txt", refused="is no image set: give"),
    Case("a-path-too-long", lambda folder: folder / ("x" * 300), refused="no such path"),
    Case("a-path-with-a-null", lambda folder: folder / "a\0b", refused="no such path"),
]

# --- labels.csv


def with_labels(content: bytes) -> Build:
    return lambda folder: put(folder, {"cat/1.png": encoded(), "dog/2.png": encoded(), "labels.csv": content})


LABELS = [
    ("no-columns", b"cat/1.png,cat\ndog/2.png,dog\n", "first line of .* has no columns 'file' and 'label': add"),
    ("no-label-column", b"file,kind\ncat/1.png,cat\n", "no columns 'file' and 'label'"),
    ("empty-file", b"", "no columns 'file' and 'label'"),
    ("only-a-header", b"file,label\n", "names no image: add a row"),
    ("blank-cells", b"file,label\ncat/1.png,\n", "row 2 of .* names no file or no label: complete it"),
    ("too-many-cells", b"file,label\ncat/1.png,cat,7,8\ndog/2.png,dog\n", 2),
    ("a-file-that-is-not-there", b"file,label\ncat/1.png,cat\ndog/3.png,dog\n", "dog/3.png"),
    ("up-and-out", b"file,label\n../../etc/x.png,cat\n", "no image inside the folder: give paths relative to it"),
    ("absolute", b"file,label\n/etc/x.png,cat\n", "no image inside the folder"),
    ("absolute-on-windows", b"file,label\nC:\\x.png,cat\n", "leads nowhere|no image inside the folder"),
    ("no-image", b"file,label\nlabels.csv,cat\n", "no image inside the folder"),
    ("twice-the-same", b"file,label\ncat/1.png,cat\n./cat/1.png,dog\n", "names './cat/1.png' twice: keep one"),
    ("twice-the-same-otherwise", b"file,label\ncat/1.png,cat\ncat//1.png,dog\n", "twice"),
    (
        "contradicting",
        b"file,label,class\ncat/1.png,0,cat\ndog/2.png,1,cat\n",
        "the class 'cat' the label 1, which contradicts a row above: give each",
    ),
    (
        "one-number-for-two",
        b"file,label,class\ncat/1.png,0,cat\ndog/2.png,0,dog\n",
        "the class 'dog' the label 0, which contradicts a row above",
    ),
    ("binary", b"file,label\n" + RANDOM, "cannot be read|no list of labels"),
    ("zeros", bytes(1 << 16), "no list of labels"),
    ("utf-16", "file,label\ncat/1.png,cat\n".encode("utf-16"), "save it as CSV in UTF-8"),
    ("latin-1", "file,label\ncat/1.png,Käse\n".encode("latin-1"), "save it as CSV in UTF-8"),
    ("a-line-of-10-megabytes", b"file,label\n" + b"x" * 10_000_000, "a line is too long"),
    ("a-header-of-5000-columns", b"file,label" + b",a" * 4_900 + b"\ncat/1.png,cat\n", 1),
    ("an-unclosed-quote", b'file,label\n"cat/1.png,cat\ndog/2.png,dog\n', "cannot be read .*save it as CSV"),
    ("a-quote-that-swallows-a-line", b'file,label\ncat/1.png,"cat\ndog/2.png,dog"\n', 1),
    (
        "a-quote-of-3-megabytes",
        b'file,label\n"' + b"x" * 9_000 + (b"\n" + b"x" * 9_000) * 300,
        "field larger than field limit",
    ),
    ("a-file-name-with-a-newline", b'file,label\n"a\nb.txt",cat\n', r"names 'a\\nb.txt', which is no image inside"),
    ("a-long-name", b"file,label\n" + b"x" * 9_000 + b".txt,cat\n", "names 'xxx.*…x*.txt', which is no image inside"),
    ("a-null-in-a-name", b"file,label\na\0.png,cat\n", "no list of labels"),
    ("only-returns", b"file,label\rcat/1.png,cat\rdog/2.png,dog\r", 2),
    ("a-mark-of-bytes", b"\xef\xbb\xbffile,label\ncat/1.png,cat\n", 1),
    ("a-folder-by-name-of-an-image", b"file,label\ncat,cat\n", "no image inside the folder"),
]


def labels_that_are_a_folder(folder: Path) -> Path:
    (put(folder, {"a.png": encoded()}) / "labels.csv").mkdir()
    return folder


def labels_from_a_pipe(folder: Path) -> Path:
    os.mkfifo(put(folder, {"a.png": encoded()}) / "labels.csv")
    return folder


FOLDER_CASES = [
    *FOLDERS,
    *(answered(f"labels-{name}", with_labels(content), answer) for name, content, answer in LABELS),
    Case("labels-a-folder", labels_that_are_a_folder, refused="labels.csv"),
    Case("labels-a-pipe", labels_from_a_pipe, refused="labels.csv", possible=CAN_PIPE),
]
