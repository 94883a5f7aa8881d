"""The hostile corpus, its folders: odd names, links, pipes, layouts in which images would be lost, and `labels.csv`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from tests.images.corpus import RANDOM, TEXT, Answer, Build, Case, answered, encoded, one, png, put


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
    Case("deep-nesting", nested, refused=r"holds one folder, and the images lie further down: give"),
    Case("2000-empty-classes", with_many_folders, refused="has no images: put them there"),
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
    Case("a-file-as-folder", lambda f: put(f, {"a.txt": TEXT}) / "a.txt", refused="holds no images: give"),
    Case("a-path-too-long", lambda folder: folder / ("x" * 300), refused="no such path"),
    Case("a-path-with-a-null", lambda folder: folder / "a\0b", refused="no such path"),
]

# --- labels.csv


def with_labels(content: bytes) -> Build:
    return lambda folder: put(folder, {"cat/1.png": encoded(), "dog/2.png": encoded(), "labels.csv": content})


NONE_NAMED = r"no column names an image here \(it has 'file', 'label'; an image is 'cat/1.png'\)"
LEFT_OUT = "1 of 2 images are in no row of 'labels.csv' and are left out .'dog/2.png'."

LABELS: list[tuple[str, bytes, Answer]] = [
    ("no-columns", b"cat/1.png,cat\ndog/2.png,dog\n", (2, "no line of column names")),
    ("no-label-column", b"file,owner\ncat/1.png,me\ndog/2.png,me\n", (2, "column 'owner'")),
    ("only-files", b"file\ncat/1.png\n", "tells no labels: it has no column of labels .it has no other."),
    ("empty-file", b"", "is empty: give it a first line 'file,label'"),
    ("only-a-header", b"file,label\n", "tells no labels: it names no image: add a row"),
    ("blank-cells", b"file,label\ncat/1.png,\n", "row 2 of .* names no file or no label: complete it"),
    ("some-blank-cells", b"file,label\ncat/1.png,\ndog/2.png,dog\n", (1, "row 2|'cat/1.png'")),
    ("too-many-cells", b"file,label\ncat/1.png,cat,7,8\ndog/2.png,dog\n", 2),
    ("a-file-that-is-not-there", b"file,label\ncat/1.png,cat\ndog/3.png,dog\n", (1, "'dog/3.png'|'dog/2.png'")),
    ("up-and-out", b"file,label\n../../etc/x.png,cat\n", NONE_NAMED),
    ("absolute", b"file,label\n/etc/x.png,cat\n", NONE_NAMED),
    ("absolute-on-windows", b"file,label\nC:\\x.png,cat\n", NONE_NAMED),
    ("no-image", b"file,label\nlabels.csv,cat\n", NONE_NAMED),
    ("twice-the-same", b"file,label\ncat/1.png,cat\n./cat/1.png,dog\n", "names './cat/1.png' twice, as 'cat' and as"),
    ("twice-the-same-otherwise", b"file,label\ncat/1.png,cat\ncat//1.png,dog\n", "twice"),
    ("twice-with-one-label", b"file,label\ncat/1.png,cat\ncat/1.png,cat\n", (1, LEFT_OUT)),
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
    ("binary", b"file,label\n" + RANDOM, "no list of labels .it is binary"),
    ("zeros", bytes(1 << 16), "no list of labels"),
    ("utf-16", "file,label\ncat/1.png,cat\ndog/2.png,Kä\n".encode("utf-16"), (2, "utf-16")),
    ("utf-16-cut-off", "file,label\ncat/1.png,cat\n".encode("utf-16")[:-1], "no list of labels"),
    ("windows", "file,label\ncat/1.png,Käse\ndog/2.png,€\n".encode("cp1252"), (2, "cp1252")),
    ("a-line-of-10-megabytes", b"file,label\n" + b"x" * 10_000_000, "a line is too long"),
    (
        "a-header-of-5000-columns",
        b"file,label" + b",a" * 4_900 + b"\ncat/1.png,cat\n",
        (1, f"{LEFT_OUT}|passed over: 'a'"),
    ),
    ("an-unclosed-quote", b'file,label\n"cat/1.png,cat\ndog/2.png,dog\n', "cannot be read .*save it as CSV"),
    ("a-quote-that-swallows-a-line", b'file,label\ncat/1.png,"cat\ndog/2.png,dog"\n', (1, LEFT_OUT)),
    (
        "a-quote-of-3-megabytes",
        b'file,label\n"' + b"x" * 9_000 + (b"\n" + b"x" * 9_000) * 300,
        "field larger than field limit",
    ),
    ("a-file-name-with-a-newline", b'file,label\n"a\nb.txt",cat\n', NONE_NAMED),
    ("a-long-name", b"file,label\n" + b"x" * 9_000 + b".txt,cat\n", NONE_NAMED),
    ("a-long-name-beside", b"file,label\ncat/1.png,cat\n" + b"x\t" * 4_000 + b",cat\n", (1, "xxx|dog/2|x.t.*x")),
    ("a-null-in-a-name", b"file,label\na\0.png,cat\n", "no list of labels"),
    ("only-returns", b"file,label\rcat/1.png,cat\rdog/2.png,dog\r", 2),
    ("a-mark-of-bytes", b"\xef\xbb\xbffile,label\ncat/1.png,cat\ndog/2.png,dog\n", 2),
    ("a-folder-by-name-of-an-image", b"file,label\ncat,cat\n", NONE_NAMED),
    ("fractions", b"file,label\ncat/1.png,0.25\ndog/2.png,0.75\n", "numbers such as 0.25, which are no classes"),
    ("two-ones-of-a-row", b"file,a,b\ncat/1.png,1,1\ndog/2.png,0,1\n", "row 2 of .* has 2 of the classes 'a', 'b'"),
    ("no-ones-in-a-row", b"file,a,b\ncat/1.png,1,0\ndog/2.png,0,0\n", "row 3 of .* has 0 of the classes 'a', 'b'"),
]

JSONS: list[tuple[str, bytes, Answer]] = [
    ("broken", b"{", "dataset.json' is no JSON"),
    ("nested", b"[" * 100_000, "dataset.json' is no JSON"),
    ("a-number", b"1", "dataset.json' is no list of labels"),
    ("an-empty-list", b"[]", "dataset.json' is no list of labels"),
    ("labels-null", b'{"labels": null}', (2, "'dataset.json' is passed over: it names no image")),
    ("a-list-of-mixtures", b'[1, "a", {}]', "dataset.json' is no list of labels"),
    ("others", b'{"labels": [["x.png", 0]]}', "dataset.json' tells no labels: no column names an image here"),
    ("vectors", b'{"labels": [["1.png", [1, 0]], ["2.png", [0, 1]]]}', (2, "labels from 'dataset.json'")),
    ("two-ones", b'{"labels": [["1.png", [1, 1]], ["2.png", [1, 1]]]}', "row 1 of .* names no file or no label"),
]


def with_json(content: bytes) -> Build:
    return lambda folder: put(folder, {"1.png": encoded(), "2.png": encoded(), "dataset.json": content})


def labels_that_are_a_folder(folder: Path) -> Path:
    (put(folder, {"a.png": encoded()}) / "labels.csv").mkdir()
    return folder


def labels_from_a_pipe(folder: Path) -> Path:
    os.mkfifo(put(folder, {"a.png": encoded()}) / "labels.csv")
    return folder


FOLDER_CASES = [
    *FOLDERS,
    *(answered(f"labels-{name}", with_labels(content), answer) for name, content, answer in LABELS),
    *(answered(f"json-{name}", with_json(content), answer) for name, content, answer in JSONS),
    Case("labels-a-folder", labels_that_are_a_folder, read=1),
    Case("labels-a-pipe", labels_from_a_pipe, refused="labels.csv", possible=CAN_PIPE),
]
