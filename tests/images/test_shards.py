"""Labels in tar files and parquet files: by the usual names, told, or asked for by `--label-column`."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from tests.images.layouts import image, laid, read, tar

LABELS = {1: "cat", 2: "dog", 3: "cat"}
IMAGES: dict[str, bytes | str | int] = {"a.png": 1, "b.png": 2, "c.png": 3}
NAMES = {"a": "cat", "b": "dog", "c": "cat"}


def told(**keys: list[Any]) -> dict[str, bytes | str | int]:
    """The `.json` file of each image."""
    return {f"{key}.json": json.dumps({name: of[n] for name, of in keys.items()}) for n, key in enumerate("abc")}


# --- tar


@pytest.mark.parametrize("key", ["label", "class", "category", "target", "class_name", "Species"])
def test_the_label_of_a_json_member_is_found(tmp_path: Path, key: str) -> None:
    found = read(tar(tmp_path / "a.tar", IMAGES | told(**{key: ["cat", "dog", "cat"], "width": [4, 4, 4]})))
    assert found.train == LABELS
    assert found.notes == [f"keys in '{tmp_path / 'a.tar'}' that are passed over: 'width'"]


def test_a_number_and_a_name_in_json_are_one_label(tmp_path: Path) -> None:
    found = read(tar(tmp_path / "a.tar", IMAGES | told(label=[1, 0, 1], class_name=["cat", "dog", "cat"])))
    assert (found.train, found.classes, found.notes) == (LABELS, ("dog", "cat"), [])


def test_of_several_keys_the_option_for_another_is_told(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar", IMAGES | told(fine_label=[0, 1, 2], coarse_label=[5, 5, 6]))
    found = read(path)
    assert found.train == {1: "0", 2: "1", 3: "2"}
    assert found.notes == [f"'{path}': labels from 'fine_label'; pass --label-column coarse_label to take that"]
    assert read(path, "coarse_label").train == {1: "5", 2: "5", 3: "6"}
    assert "has no column 'x': choose from 'fine_label', 'coarse_label'" in read(path, "x").refused


def test_labels_in_words_and_in_text_files_are_read_and_captions_are_not(tmp_path: Path) -> None:
    for suffix in (".cls", ".txt"):
        files = IMAGES | {f"{key}{suffix}": f"{name}\n" for key, name in NAMES.items()}
        assert read(tar(tmp_path / f"{suffix[1:]}.tar", files)).train == LABELS
    captions = {f"{key}.txt": f"this is {key}" for key in NAMES}
    found = read(tar(tmp_path / "captions.tar", IMAGES | captions))
    assert set(found.train.values()) == {None} and "are no labels: too many are different" in found.notes[0]


def test_folders_in_an_archive_are_classes(tmp_path: Path) -> None:
    files = {f"pets/{NAMES[name[0]]}/{name}": gray for name, gray in IMAGES.items()}
    path = tar(tmp_path / "a.tar", files | {"__MACOSX/pets/cat/._a.png": b"junk", "pets/.DS_Store": b"junk"})
    found = read(path)
    assert found.train == LABELS
    assert found.notes == [f"'{path}': labels from the folders in it ('cat', 'dog')"]
    split = {f"{part}/{name}": content for part in ("train", "test") for name, content in files.items()}
    assert (
        "holds the parts 'test', 'train': unpack it, and give the folder"
        in read(tar(tmp_path / "b.tar", split)).refused
    )


def test_members_that_are_not_read_are_counted_and_named(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar", IMAGES | {"d.heic": b"x", "e.pdf": b"x", "f.cls": "1"})
    (note,) = read(path).notes
    assert "3 files are passed over: 1 .heic ('d.heic': pip install 'elmyr[heic]'), 1 .pdf ('e.pdf')" in note
    refused = read(tar(tmp_path / "b.tar", {"d.heic": b"x"})).refused
    assert "holds no images, but 1 .heic ('d.heic': pip install 'elmyr[heic]')" in refused


def test_a_table_in_an_archive_is_told_where_the_images_have_no_other_labels(tmp_path: Path) -> None:
    folders: dict[str, bytes | str | int] = {"00000/a.png": 1, "00001/b.png": 2}
    for name in ("dataset.json", "labels.csv"):
        refused = read(tar(tmp_path / "a.tar", folders | {name: '{"labels": []}'})).refused
        assert f"holds a table of labels, '{name}': unpack it, and give the folder" in refused


def test_suffixes_of_two_parts_and_names_with_dots_are_images(tmp_path: Path) -> None:
    assert read(tar(tmp_path / "a.tar", {"0.img.png": 1, "0.cls": "x", "1.img.png": 2, "1.cls": "y"})).train == {
        1: "x",
        2: "y",
    }
    files: dict[str, bytes | str | int] = {"cat/IMG.01.png": 1, "cat/IMG.02.png": 2, "dog/IMG.01.png": 3}
    assert read(tar(tmp_path / "b.tar", files)).train == {1: "cat", 2: "cat", 3: "dog"}


def test_nested_keys_are_no_labels(tmp_path: Path) -> None:
    found = read(tar(tmp_path / "a.tar", IMAGES | {f"{key}.json": '{"meta": {"label": 1}}' for key in "abc"}))
    assert set(found.train.values()) == {None} and "the keys 'meta' are no labels" in found.notes[0]


def test_shards_in_folders_of_parts_are_its_parts(tmp_path: Path) -> None:
    for part, gray in (("train", 1), ("val", 2), ("test", 3)):
        (tmp_path / "tar" / part).mkdir(parents=True)
        tar(tmp_path / "tar" / part / "0.tar", {"a.png": gray, "a.cls": "x"})
        (tmp_path / "parquet" / part).mkdir(parents=True)
        written(tmp_path / "parquet" / part / "0000.parquet", {"image": pictures(gray), "label": ["x"]})
    for kind in ("tar", "parquet"):
        found = read(tmp_path / kind)
        assert (found.train, found.test) == ({1: "x", 2: "x"}, {3: "x"})
        assert found.notes == ["'val' counts as training images: each split has a validation part of its own"]


# --- parquet


def written(path: Path, columns: dict[str, Any], features: dict[str, Any] | None = None) -> Path:
    metadata = {"huggingface": json.dumps({"info": {"features": features}})} if features else None
    parquet.write_table(pyarrow.table(columns).replace_schema_metadata(metadata), path)
    return path


def pictures(*grays: int) -> list[dict[str, Any]]:
    return [{"bytes": image(gray), "path": None} for gray in grays]


@pytest.mark.parametrize("name", ["image", "img", "picture", "whatever"])
@pytest.mark.parametrize("column", ["label", "labels", "fine_label", "coarse_label", "class", "target", "Category"])
def test_images_and_labels_are_found_by_type_and_name(tmp_path: Path, name: str, column: str) -> None:
    path = written(tmp_path / "a.parquet", {"id": [7, 8, 9], name: pictures(1, 2, 3), column: ["cat", "dog", "cat"]})
    found = read(path)
    assert (found.train, found.notes) == (LABELS, [f"columns of '{path}' that are passed over: 'id'"])


def test_bare_bytes_are_images_too(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", {"jpg": [image(1), image(2)], "cls": ["x", "y"]})
    assert read(path).train == {1: "x", 2: "y"}


def test_names_of_the_schema_are_the_classes_of_any_column(tmp_path: Path) -> None:
    features = {"breed_of_it": {"names": ["cat", "dog"], "_type": "ClassLabel"}}
    path = written(tmp_path / "a.parquet", {"img": pictures(1, 2), "breed_of_it": [1, 0]}, features)
    found = read(path)
    assert (found.train, found.classes) == ({1: "dog", 2: "cat"}, ("cat", "dog"))


def test_of_several_columns_the_option_for_another_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", {"img": pictures(1, 2), "fine_label": [3, 4], "coarse_label": [0, 0]})
    found = read(path)
    assert found.train == {1: "3", 2: "4"}
    assert "labels from the column 'fine_label'; pass --label-column coarse_label" in found.notes[0]
    assert read(path, "coarse_label").train == {1: "0", 2: "0"}
    assert "has no column 'course_label': did you mean 'coarse_label'?" in read(path, "course_label").refused


def test_a_test_part_whose_labels_are_kept_secret_is_left_out(tmp_path: Path) -> None:
    written(tmp_path / "train-0.parquet", {"image": pictures(1, 2), "label": [0, 1]})
    written(tmp_path / "test-0.parquet", {"image": pictures(3, 4), "label": [-1, -1]})
    found = read(tmp_path)
    assert (found.train, found.test) == ({1: "0", 2: "1"}, None)
    assert "the 2 test images" in found.notes[0]


def test_shards_of_a_name_that_is_no_part_are_told(tmp_path: Path) -> None:
    for name, gray in (("train", 1), ("test", 2), ("extra", 3)):
        written(tmp_path / f"{name}.parquet", {"image": pictures(gray), "label": [0]})
    found = read(tmp_path)
    assert (list(found.train), found.test) == ([1], {2: "0"})
    assert found.notes == ["beside the training and test parts 'extra.parquet' is passed over"]


def test_what_lies_beside_shards_is_told_and_images_beside_them_are_what_is_meant(tmp_path: Path) -> None:
    written(tmp_path / "train.parquet", {"image": pictures(1), "label": [0]})
    laid(tmp_path, {"README.md": "x", "cat/a.png": 9})
    found = read(tmp_path)
    assert list(found.train) == [1]
    assert any("1 file is passed over: 1 .md ('README.md')" in note for note in found.notes)
    assert any("'cat' with images beside 'train.parquet' is passed over" in note for note in found.notes)
    laid(tmp_path / "flat", {"a.png": 5})
    tar(tmp_path / "flat" / "download.tar", IMAGES)
    found = read(tmp_path / "flat")
    assert list(found.train) == [5] and "1 .tar ('download.tar')" in found.notes[0]


def test_columns_are_for_files_that_have_some(tmp_path: Path) -> None:
    laid(tmp_path, {"cat/a.png": 1})
    assert "has no table of labels" in read(tmp_path, "label").refused
