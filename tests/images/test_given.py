"""What people give as data in Python becomes an image set; what does not is refused with the line that mends it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset

from elmyr.core.errors import InputError
from elmyr.core.notes import Note
from elmyr.images import ImageSet, Shaping, load_images, open_source, save_npz, source_of
from elmyr.images.dataset.given import KINDS
from tests.conftest import small_image_set

BLOBS = small_image_set(36)
assert BLOBS.labels is not None
PIXELS, LABELS = BLOBS.in_memory(), BLOBS.labels
NAMES = np.array(BLOBS.classes)[LABELS]
CHANNELS_FIRST = torch.from_numpy(PIXELS).permute(0, 3, 1, 2)


class Items:
    """A map-style data set, as those of torch: what it gives of an image and its label."""

    classes = ("a", "b", "c")

    def __init__(self, item: Callable[[int], Any]) -> None:
        self._item = item

    def __len__(self) -> int:
        return len(PIXELS)

    def __getitem__(self, number: int) -> Any:
        return self._item(number)


class Kept(Items):
    """As torchvision has MNIST: all images in one tensor, and nothing to change about them."""

    def __init__(self) -> None:
        super().__init__(lambda number: pytest.fail("gone through, though its images are there"))
        self.data, self.targets, self.transform = torch.from_numpy(PIXELS[..., 0]), torch.from_numpy(LABELS), None


def picture(number: int) -> Image.Image:
    return Image.fromarray(PIXELS[number, ..., 0])


def unit(number: int) -> torch.Tensor:
    return CHANNELS_FIRST[number].float() / 255  # as ToTensor gives it


class HubSet(Items):
    """As Hugging Face's data sets: items are dicts, and features name the classes."""

    classes = None  # type: ignore[assignment]
    features = MappingProxyType({"label": SimpleNamespace(names=["a", "b", "c"])})


# The kinds with labels; each is what its name says, with the same images.
LABELED: dict[str, Callable[[], Any]] = {
    "image set": lambda: BLOBS,
    "array and numbers": lambda: (PIXELS, LABELS),
    "array and names": lambda: (PIXELS, NAMES),
    "array and a list of names": lambda: (PIXELS, NAMES.tolist()),
    "gray array": lambda: (PIXELS[..., 0], NAMES),
    "floats": lambda: (PIXELS / 255, NAMES),
    "floats of -1 to 1": lambda: (PIXELS / 127.5 - 1, NAMES),
    "rows of pixels": lambda: (PIXELS.reshape(len(PIXELS), -1), NAMES),
    "channels first": lambda: (PIXELS.transpose(0, 3, 1, 2), NAMES),
    "tensors": lambda: (CHANNELS_FIRST.float() / 255, torch.from_numpy(LABELS)),
    "list of arrays": lambda: (list(PIXELS), NAMES),
    "list of images and labels": lambda: [PIXELS, LABELS],
    "list of pairs": lambda: [(unit(number), int(LABELS[number])) for number in range(len(PIXELS))],
    "list of dicts": lambda: [{"image": picture(number), "label": LABELS[number]} for number in range(len(PIXELS))],
    "list of pictures": lambda: ([picture(number) for number in range(len(PIXELS))], NAMES),
    "tensor data set": lambda: TensorDataset(CHANNELS_FIRST, torch.from_numpy(LABELS)),
    "data set of tensors": lambda: Items(lambda number: (unit(number), int(LABELS[number]))),
    "data set of pictures": lambda: Items(lambda number: (picture(number), torch.tensor(LABELS[number]))),
    "data set of dicts": lambda: HubSet(lambda number: {"image": picture(number), "label": int(LABELS[number])}),
    "data set with its tensor": Kept,
    "subset": lambda: Subset(Items(lambda number: (unit(number), int(LABELS[number]))), range(len(PIXELS))),  # type: ignore[arg-type]
    "data loader": lambda: DataLoader(TensorDataset(CHANNELS_FIRST, torch.from_numpy(LABELS)), batch_size=4),
}
SAID = {
    "floats": "0 is taken as black, 1 as white",
    "floats of -1 to 1": "-1 is taken as black",
    "rows of pixels": r"taken as \(N, H\*W\)",
    "channels first": "moveaxis",
}


@pytest.mark.parametrize("kind", LABELED)
def test_every_kind_becomes_the_same_images_with_their_labels(kind: str) -> None:
    data = LABELED[kind]()
    if kind in SAID:
        with pytest.warns(Note, match=SAID[kind]):
            images = ImageSet.of(data)
    else:
        images = ImageSet.of(data)
    assert np.array_equal(images.in_memory(), PIXELS)
    assert np.array_equal(images.require_labels(), LABELS)
    assert images.classes in (("a", "b", "c"), ("0", "1", "2"))


@pytest.mark.parametrize("data", [PIXELS, PIXELS[..., 0], CHANNELS_FIRST, list(PIXELS), ImageSet(PIXELS)], ids=type)
def test_images_without_labels_are_taken_too(data: Any) -> None:
    images = ImageSet.of(data, name="mine")
    assert np.array_equal(images.images, PIXELS) and images.labels is None and images.name == "mine"


def test_labels_may_be_given_beside_images_or_in_the_place_of_their_own() -> None:
    for data in (PIXELS, ImageSet(PIXELS), TensorDataset(CHANNELS_FIRST)):
        assert ImageSet.of(data, NAMES).digest() == BLOBS.digest() == load_images(data, NAMES).digest()


def test_images_of_several_sizes_take_that_of_the_shaping() -> None:
    pictures = [Image.new("L", (8 + number, 9)) for number in range(3)]
    assert load_images((pictures, [0, 1, 1]), shaping=Shaping(size=(8, 8))).images.shape == (3, 8, 8, 1)
    with pytest.raises(InputError, match=r"several sizes, 9x10 and 9x8 …|several sizes, 9x8 and 9x9 ….*size=64\)"):
        load_images((pictures, [0, 1, 1]))


class Stream(IterableDataset[int]):
    """A data set without a length."""

    def __iter__(self) -> Iterator[int]:
        return iter(())


class Column(list[Any]):
    """As pandas has a column."""

    def to_numpy(self) -> Any:
        return np.array([*self, None], object)[:-1]


class Frame:
    """As pandas has a table of pixels."""

    columns = ("label", *(f"pixel{number}" for number in range(64)))

    def __len__(self) -> int:
        return 1

    def __getitem__(self, column: str) -> Column:
        return Column([7])

    def to_numpy(self) -> Any:
        pytest.fail("a table is refused")


class Table(dict[str, Any]):
    """As pandas has a table of anything."""

    def __init__(self, **columns: list[Any]) -> None:
        super().__init__({name: Column(values) for name, values in columns.items()})

    @property
    def columns(self) -> list[str]:
        return list(self)

    def __len__(self) -> int:
        return len(self["label"])

    def to_numpy(self) -> Any:
        pytest.fail("a table is refused")


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "generator": (lambda: (image for image in PIXELS), r"a generator is given, .* give a list of its images"),
    "stream": (Stream, "a Stream is given, which has no length"),
    "open file": (lambda: io.BytesIO(), r"an open file \(BytesIO\) is given: give its path"),
    "table": (Frame, r"frame.drop\(columns='label'\).to_numpy\(\).reshape\(-1, 8, 8\), frame\['label'\]"),
    "table of files": (
        lambda: Table(path=["a.png"], label=["b"]),
        r"PIL.Image.open\(path\) for path in frame\['path'\]\], fr.*'label'",
    ),
    "table of images": (lambda: Table(scan=[PIXELS[0]], label=[1]), r"\(list\(frame\['scan'\]\), frame\['label'\]\)"),
    "names of files": (lambda: ["a.png", "b.png"], r"names of files are given: open them: \(\[PIL.Image.open"),
    "names with labels": (lambda: (["a.png", "b.png"], [0, 1]), "names of files are given: open them"),
    "a split of torch": (lambda: [Subset(TensorDataset(CHANNELS_FIRST), [0])] * 2, r"a list of data sets .*data\[0\]"),
    "a split of scikit-learn": (lambda: (PIXELS, PIXELS, LABELS, LABELS), r"give two of it: \(images, labels\)"),
    "a class": (lambda: Items, r"the class Items is given, not images: give an object of it: Items\(…\)"),
    "dict": (lambda: {"x": PIXELS, "y": LABELS}, r"a dict of 'x', 'y' is given: give \(d\['images'\]"),
    "Keras' pairs": (lambda: ((PIXELS, LABELS), (PIXELS, LABELS)), r"give one, the training images: data\[0\]"),
    "run": (lambda: SimpleNamespace(path=Path("run")), r"gan.sample\(10_000\) .*elmyr.resume\(run\)"),
    "number": (lambda: 3, "a int is given where images are meant: give a name, a path"),
    "None": (lambda: None, "a NoneType is given where images are meant"),
    "transparent": (lambda: np.zeros((9, 8, 8, 4), np.uint8), r"images\[..., :3\]"),
    "odd range": (lambda: np.full((9, 8, 8, 1), -70.0), "scale them to 0..255"),
    "text": (lambda: [["a"]], "image 0 is of the type list, not an array"),
    "no images": (lambda: [], "empty|there are none"),
    "path with labels": (lambda: ("digits", [0]), "'digits' is opened with the labels that it has"),
    "too few labels": (lambda: (PIXELS, LABELS[:3]), "there are 3 labels, and the images have the shape"),
    "some labels": (
        lambda: Items(lambda number: (unit(number), 0) if number else (unit(number),)),
        "item 0 of the data set items has no label, others have",
    ),
    "odd dicts": (lambda: Items(lambda number: {"picture": 1}), "item 0 has the keys 'picture'"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_data_is_refused_in_one_line_with_what_mends_it(kind: str) -> None:
    make, line = REFUSED[kind]
    with pytest.raises(InputError, match=line) as refused:
        open_source(make())
    assert "\n" not in str(refused.value)
    with pytest.raises(InputError, match=line):
        source_of(make())


def test_every_kind_of_the_table_is_tried() -> None:
    tried = [*(make() for make in LABELED.values()), *(make() for make, _ in REFUSED.values()), "digits"]
    found = {next(kind.what for kind in KINDS if kind.matches(data)) for data in tried}
    assert found == {kind.what for kind in KINDS}


def test_a_name_or_a_path_is_its_own_source(tmp_path: Path) -> None:
    assert source_of("digits") == "digits" and source_of(tmp_path) == tmp_path


def test_what_is_in_memory_is_kept_once_by_its_content() -> None:
    paths = {source_of(PIXELS, NAMES), source_of((PIXELS, NAMES.tolist())), source_of(PIXELS.copy(), NAMES)}
    assert len(paths) == 1
    again = load_images(paths.pop())
    assert again.digest() == BLOBS.digest() and again.name == "images"
    assert source_of(PIXELS[:30], NAMES[:30]) not in paths


def test_classes_that_a_slice_has_no_images_of_are_left_out_and_named() -> None:
    with pytest.warns(Note, match="'blobs' has no images of 'c': left out of the classes"):
        path = source_of(BLOBS[BLOBS.labels != 2])
    assert load_images(path).classes == ("a", "b")


def test_a_run_s_directory_is_no_folder_of_images(tmp_path: Path) -> None:
    for name in ("config.json", "environment.json"):
        (tmp_path / name).write_text("{}")
    save_npz(BLOBS, tmp_path / "real.npz")
    with pytest.raises(InputError, match="is a run, and images are meant: .* elmyr resume"):
        load_images(tmp_path)
