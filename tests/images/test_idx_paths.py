"""IDX files under the names that they have on people's disks: read with their labels, or the missing one is named."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from elmyr.core.errors import InputError
from elmyr.core.notes import kept_notes
from elmyr.images import open_source

TRAIN = np.random.default_rng(0).integers(0, 256, (12, 6, 5), dtype=np.uint8)
TEST = np.random.default_rng(1).integers(0, 256, (4, 6, 5), dtype=np.uint8)
ARRAYS = {
    "train-images": TRAIN,
    "train-labels": np.arange(12, dtype=np.uint8) % 3 + 1,
    "t10k-images": TEST,
    "t10k-labels": np.array([3, 1, 1, 2], np.uint8),
}


def write(folder: Path, form: str, test: str = "t10k", without: str = "") -> Path:
    """The four files, named as `form` says of part, kind and number of dimensions."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in ARRAYS.items():
        part, kind = name.split("-")
        path = folder / form.format(part=part.replace("t10k", test), kind=kind, dims=array.ndim)
        content = struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape) + array.tobytes()
        if name != without:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return folder


@pytest.mark.parametrize("test", ["t10k", "test"])
@pytest.mark.parametrize(
    "form",
    [
        "{part}-{kind}-idx{dims}-ubyte",
        "{part}-{kind}.idx{dims}-ubyte",
        "{part}-{kind}.idx{dims}-ubyte.gz",
        "{part}_{kind}.idx{dims}",
        "emnist-letters-{part}-{kind}-idx{dims}-ubyte.gz",
        "{part}-{kind}-idx{dims}-ubyte/{part}-{kind}-idx{dims}-ubyte",
        "{part}-{kind}.ubyte",
    ],
)
def test_every_usual_name_is_understood(tmp_path: Path, form: str, test: str) -> None:
    source = open_source(write(tmp_path / "set", form, test))
    assert np.array_equal(source.train.images[..., 0], TRAIN)
    assert source.test is not None and np.array_equal(source.test.images[..., 0], TEST)
    assert source.train.classes == source.test.classes == ("1", "2", "3")
    assert source.test.require_labels().tolist() == [2, 0, 0, 1]


@pytest.mark.parametrize("form", ["{part}-{kind}-idx{dims}-ubyte", "{part}-{kind}.idx{dims}-ubyte.gz"])
def test_a_single_file_has_the_labels_that_lie_beside_it(tmp_path: Path, form: str) -> None:
    folder = write(tmp_path, form)
    images = folder / form.format(part="t10k", kind="images", dims=3)
    with kept_notes() as told:
        source = open_source(images)
    assert source.train.require_labels().tolist() == [2, 0, 0, 1] and source.test is None
    assert told == [f"'{images}': labels from '{form.format(part='t10k', kind='labels', dims=1)}'"]
    (folder / form.format(part="t10k", kind="labels", dims=1)).unlink()
    assert open_source(images).train.labels is None


def test_a_set_without_test_images_is_a_training_part(tmp_path: Path) -> None:
    folder = write(tmp_path, "{part}-{kind}.idx{dims}-ubyte")
    for kind in ("images.idx3", "labels.idx1"):
        (folder / f"t10k-{kind}-ubyte").unlink()
    source = open_source(folder)
    assert len(source.train) == 12 and source.test is None


@pytest.mark.parametrize(
    ("without", "missing"),
    [
        ("t10k-labels", "no test labels"),
        ("train-labels", "no train labels"),
        ("train-images", "no train images"),
        ("t10k-images", "no test images"),
    ],
)
def test_what_is_missing_is_named_with_what_is_there(tmp_path: Path, without: str, missing: str) -> None:
    folder = write(tmp_path, "{part}-{kind}.idx{dims}-ubyte", without=without)
    with pytest.raises(InputError, match=f"{missing} in IDX beside .*idx.*: put what is missing there"):
        open_source(folder)


def test_several_sets_in_one_folder_and_a_file_of_labels_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "letters-{part}-{kind}-idx{dims}-ubyte")
    write(tmp_path, "digits-{part}-{kind}-idx{dims}-ubyte")
    with pytest.raises(InputError, match=r"several sets \('digits…', 'letters…'\)"):
        open_source(tmp_path)
    with pytest.raises(InputError, match="holds labels, no images"):
        open_source(tmp_path / "letters-train-labels-idx1-ubyte")
