"""Folders as people have them: leftovers, parts, folders around and inside class folders, files that are not read."""

import tarfile
from pathlib import Path

import pytest
from PIL import Image

from elmyr.core.errors import InputError
from elmyr.core.notes import DataWarning
from elmyr.images import open_source, take_account
from elmyr.images.decode import codecs
from elmyr.images.readers.parts import divided
from tests.images.layouts import image, laid, read

PETS = {"cat/a.png": 1, "dog/b.png": 2}
OF_PETS = {1: "cat", 2: "dog"}
LEFTOVERS = {
    "__MACOSX/cat/._a.png": b"junk",
    "cat/@eaDir/a.png": b"junk",
    "cat/._a.png": b"junk",
    "Thumbs.db": b"junk",
    "dog/desktop.ini": b"junk",
    ".DS_Store": b"junk",
    ".ipynb_checkpoints/a-checkpoint.png": b"junk",
    "lost+found/": "",
    "$RECYCLE.BIN/a.png": b"junk",
    "System Volume Information/x": b"junk",
}


def in_part(part: str, files: dict[str, int], more: int = 0) -> dict[str, int]:
    return {f"{part}/{name}": gray + more for name, gray in files.items()}


def packed_as_tar(folder: Path) -> Path:
    with tarfile.open(folder / "in.tar", "w") as tar:
        tar.add(folder / "in", "in")
    return folder / "in.tar"


def test_leftovers_become_no_classes_and_are_not_told(tmp_path: Path) -> None:
    found = read(laid(tmp_path, PETS | LEFTOVERS))
    assert (found.train, found.notes) == (OF_PETS, [])


def test_leftovers_undo_no_split(tmp_path: Path) -> None:
    found = read(laid(tmp_path, in_part("train", PETS) | in_part("test", PETS, 2) | LEFTOVERS | {"cat/": ""}))
    assert found.test is not None and (list(found.train), list(found.test)) == ([1, 2], [3, 4])


@pytest.mark.parametrize(
    ("training", "testing"),
    [
        ("train", "test"),
        ("Train", "Test"),
        ("TRAINING", "TESTING"),
        ("training_set", "test_set"),
        ("TrainImages", "TestImages"),
        ("train2017", "test2017"),
        ("trainset", "testset"),
        ("seg_train", "seg_test"),
    ],
)
def test_parts_are_known_by_their_usual_names(tmp_path: Path, training: str, testing: str) -> None:
    found = read(laid(tmp_path, in_part(training, PETS) | in_part(testing, PETS, 2)))
    assert (found.train, found.test, found.notes) == (OF_PETS, {3: "cat", 4: "dog"}, [])


@pytest.mark.parametrize("name", ["val", "Valid", "validation", "dev", "eval", "valid_set"])
def test_validation_images_count_as_training_images_which_is_told(tmp_path: Path, name: str) -> None:
    files = in_part("train", PETS) | in_part("test", PETS, 2) | in_part(name, PETS, 4)
    found = read(laid(tmp_path, files))
    assert sorted(found.train) == [1, 2, 5, 6] and found.test is not None and sorted(found.test) == [3, 4]
    assert found.notes == [f"'{name}' counts as training images: each split has a validation part of its own"]


def test_what_lies_beside_the_parts_is_told(tmp_path: Path) -> None:
    files = in_part("train", PETS) | in_part("test", PETS, 2) | in_part("prediction", {"x.png": 9})
    found = read(laid(tmp_path, files | {"docs/a.txt": "a"}))
    assert (sorted(found.train), found.test) == ([1, 2], {3: "cat", 4: "dog"})
    assert "beside the training and test parts 'prediction' is passed over" in found.notes
    assert any("1 file is passed over: 1 .txt ('docs/a.txt')" in note for note in found.notes)


@pytest.mark.parametrize("classes", [("train", "bus", "car"), ("test tube", "flask"), ("crash_test", "freight_train")])
def test_class_names_that_hold_a_word_for_a_part_stay_classes(tmp_path: Path, classes: tuple[str, ...]) -> None:
    found = read(laid(tmp_path, {f"{name}/{n}.png": n for n, name in enumerate(classes)}))
    assert (set(found.train.values()), found.test) == (set(classes), None)


def test_names_tell_parts_only_together() -> None:
    assert divided([Path("a_train.tar"), Path("b_test.tar")]) is None
    found = divided([Path("data-train-1.tar"), Path("data-train-2.tar"), Path("data-test-1.tar")])
    assert found is not None and [len(paths) for paths in found] == [2, 0, 1, 0]


def test_classes_of_one_part_alone_are_named(tmp_path: Path) -> None:
    files = in_part("train", PETS) | {"test/unknown/a.png": 3, "test/cat/b.png": 4}
    found = read(laid(tmp_path, files))
    assert "has test images of 'unknown', and no training image is of that class: name" in found.refused
    files = {"train/a.png": 1, "train/b.png": 2, "test/cat/a.png": 3}
    assert "the test images of" in (refused := read(laid(tmp_path / "x", files)).refused)
    assert "have labels, the training images none" in refused


# --- folders around and inside


def test_folders_inside_class_folders_are_their_images_which_is_told_once(tmp_path: Path) -> None:
    files = {"cat/2024-03-01/a.png": 1, "cat/b.png": 3, "dog/2024-03-01/deep/a.png": 2}
    found = read(laid(tmp_path, files))
    assert found.train == {1: "cat", 3: "cat", 2: "dog"}
    assert found.notes == [
        "folders inside class folders (2: 'cat/2024-03-01', 'dog/2024-03-01/deep') hold images of their class"
    ]


@pytest.mark.parametrize("dates", [("2026-10-01", "2026-10-02"), ("20261001", "20261002"), ("1.10.2026", "2.10.2026")])
@pytest.mark.parametrize("packed", [False, True])
def test_below_folders_of_dates_lie_the_classes_which_is_told(
    tmp_path: Path, dates: tuple[str, str], packed: bool
) -> None:
    day, other = dates
    laid(tmp_path / "in", {f"{day}/cat/a.png": 1, f"{day}/dog/a.png": 2, f"{other}/cat/a.png": 3})
    found = read(packed_as_tar(tmp_path) if packed else tmp_path / "in")
    assert found.train == {1: "cat", 2: "dog", 3: "cat"}
    assert any("are dates" in note and "the folders in them are the classes" in note for note in found.notes)


def test_classes_that_are_dates_are_told(tmp_path: Path) -> None:
    found = read(laid(tmp_path, {"2026-10-01/a.png": 1, "2026-10-02/a.png": 2}))
    assert found.train == {1: "2026-10-01", 2: "2026-10-02"}
    assert any("the classes are dates" in note for note in found.notes)


def test_numbers_of_classes_are_no_dates(tmp_path: Path) -> None:
    found = read(laid(tmp_path, {"2026/a/x.png": 1, "2027/b/x.png": 2}))
    assert found.train == {1: "2026", 2: "2027"} and not any("dates" in note for note in found.notes)


@pytest.mark.parametrize(
    ("files", "inner"),
    [
        ({"PetImages/Cat/a.png": 1, "PetImages/Dog/b.png": 2}, "PetImages"),
        ({"a/b/cat/a.png": 1, "a/b/dog/b.png": 2, "readme.txt": "x"}, "a/b"),
        ({"a/cat/a.png": 1, "__MACOSX/a/cat/._a.png": b"junk"}, "a"),
        ({"a/train/cat/a.png": 1, "a/test/cat/b.png": 2}, "a"),
        ({"a/metadata.csv": "file_name,label\na.png,x\nb.png,y\n", "a/a.png": 1, "a/b.png": 2}, "a"),
    ],
)
def test_the_path_that_would_do_is_named(tmp_path: Path, files: dict[str, int], inner: str) -> None:
    found = read(laid(tmp_path / "archive", files))
    cause = f"'{tmp_path / 'archive'}' holds one folder, and the images lie further down"
    assert found.refused == f"{cause}: give '{tmp_path / 'archive' / inner}'"
    assert not read(tmp_path / "archive" / inner).refused


def test_one_folder_more_inside_a_part_is_entered(tmp_path: Path) -> None:
    files = in_part("seg_train/seg_train", PETS) | in_part("seg_test/seg_test", PETS, 2)
    found = read(laid(tmp_path, files))
    assert (found.train, found.test) == (OF_PETS, {3: "cat", 4: "dog"})
    assert all("holds one folder, 'seg_t" in note for note in found.notes) and len(found.notes) == 2


def test_a_folder_named_images_is_no_class(tmp_path: Path) -> None:
    found = read(laid(tmp_path, {"images/a.png": 1, "images/b.png": 2}))
    assert set(found.train.values()) == {None} and "have no labels" in found.notes[0]


def test_masks_beside_images_are_no_classes(tmp_path: Path) -> None:
    found = read(laid(tmp_path, {"images/a.png": 1, "masks/a.png": 2}))
    assert f"has 'images', 'masks', which are no classes: give '{tmp_path / 'images'}' alone" in found.refused


def test_names_of_files_that_seem_to_be_labels_are_told(tmp_path: Path) -> None:
    files = {f"{name}{number}.png": number for name in ("cat.", "dog_") for number in range(3)}
    (note,) = read(laid(tmp_path / "pets", files)).notes
    assert "names of files are not read as labels, although they begin with 'cat', 'dog': sort" in note
    for other in ({"IMG_1.png": 1, "IMG_2.png": 2}, {"cat1.png": 1, "dog1.png": 2}, files | {"x.png": 9}):
        assert read(laid(tmp_path / str(len(other)), other)).notes == []


# --- files that are not read


def test_files_that_are_not_read_are_counted_and_named_with_what_helps(tmp_path: Path) -> None:
    others = {f"cat/{n}.HEIC": b"x" for n in range(3)} | {
        "a.svg": b"x",
        "b.zip": b"x",
        "cat/c.txt": "x",
        "LICENSE": "x",
    }
    found = read(laid(tmp_path / "data", PETS | others))
    assert found.train == OF_PETS
    (note,) = found.notes
    assert note == (
        f"'{tmp_path / 'data'}': 7 files are passed over: 3 .heic ('cat/0.HEIC', …: pip install 'elmyr[heic]'), "
        "1 without suffix ('LICENSE'), 1 .svg ('a.svg': convert to PNG), 1 .zip ('b.zip': unpack first), "
        "1 .txt ('cat/c.txt')"
    )
    assert take_account(tmp_path / "data").notes == (note,)


def test_a_class_whose_images_are_not_read_is_refused_with_what_helps(tmp_path: Path) -> None:
    found = read(laid(tmp_path, PETS | {"bird/a.heic": b"x"}))
    assert (
        "bird' has no images that are read here, but 1 .heic ('bird/a.heic': pip install 'elmyr[heic]')"
        in found.refused
    )
    found = read(laid(tmp_path / "photos", {"a.heic": b"x", "b.dcm": b"x"}))
    assert "has no images that are read here, but 1 .heic" in found.refused and "convert to PNG" in found.refused


def test_a_folder_of_other_files_beside_class_folders_is_no_class(tmp_path: Path) -> None:
    found = read(laid(tmp_path, PETS | {"docs/a.pdf": b"x"}))
    assert found.train == OF_PETS and "1 .pdf ('docs/a.pdf')" in found.notes[0]


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".JPG"])
def test_a_jpeg_is_read_by_any_of_its_suffixes(tmp_path: Path, suffix: str) -> None:
    assert len(read(laid(tmp_path, {f"a{suffix}": image(100, "JPEG")})).train) == 1


def test_avif_is_read_and_turned_where_pillow_can(tmp_path: Path) -> None:
    if ".avif" not in codecs.decoders():
        pytest.skip("this Pillow has no AVIF")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (8, 4), 200).save(tmp_path / "a.avif", exif=exif)
    assert open_source(tmp_path).train.images.shape[1:3] == (8, 4)


def test_heic_is_read_where_pillow_heif_is_installed(tmp_path: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    Image.new("RGB", (64, 48), (200, 10, 10)).save(tmp_path / "a.heic")
    pixels = open_source(tmp_path).train.images
    assert pixels.shape == (1, 48, 64, 3) and abs(int(pixels[0, 20, 20, 0]) - 200) < 8


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("a.png", "is a single image: give the folder of the images"),
        ("labels.jsonl", "is a table without images: give the folder that holds it and the images"),
        ("data.zip", "is not read as it is: unpack first, and give the folder"),
        ("scan.dcm", "is not read as it is: convert to PNG, and give the folder"),
        ("notes.txt", "holds no images: give an .npz file"),
    ],
)
def test_a_file_that_is_no_data_is_refused_by_its_likely_cause(tmp_path: Path, name: str, cause: str) -> None:
    assert cause in read(laid(tmp_path, {name: image()}) / name).refused


# --- what may mean something else


def test_the_same_folders_in_all_class_folders_are_told_as_parts_or_classes(tmp_path: Path) -> None:
    for name, inside, told in (
        ("parts", ("train", "test"), "for a test part of its own put folders for each class into train and test"),
        ("folds", ("x", "y"), "where 'x', 'y' are the classes, put each into one folder"),
    ):
        files = {f"{outer}/{inner}/{n}.png": n for outer in "ab" for inner in inside for n in range(2)}
        assert any(told in note for note in read(laid(tmp_path / name, files)).notes)


def test_several_folders_of_training_images_are_told(tmp_path: Path) -> None:
    found = read(laid(tmp_path, {"trainA/a.png": 1, "trainB/b.png": 2}))
    assert len(found.train) == 2 and any("those of 'trainA', 'trainB' together" in note for note in found.notes)


def test_a_class_whose_images_have_no_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'[^']*a' has no images that are read here, but 1 without suffix"):
        open_source(laid(tmp_path, {"a/1": b"x", "b/1.png": 1}))


def test_a_folder_of_arrays_further_down_is_named(tmp_path: Path) -> None:
    folder = laid(tmp_path, {"x/raw/train-images-idx3-ubyte": b"x", "x/raw/train-labels-idx1-ubyte": b"x"})
    with pytest.raises(InputError, match="has no images itself: give '[^']*x/raw'"):
        open_source(folder)


# --- damage


def damaged(folder: Path, *counts: int, bad: dict[str, int]) -> Path:
    files: dict[str, bytes | int] = {
        f"{'abc'[c]}/{n}.png": 100 + n % 150 for c, count in enumerate(counts) for n in range(count)
    }
    return laid(
        folder, files | {f"{name}/bad{n}.png": b"no image" for name, count in bad.items() for n in range(count)}
    )


@pytest.mark.parametrize(
    ("counts", "bad", "read_on"),
    [
        ((9, 9), {"a": 1}, True),
        ((9, 9), {"a": 1, "b": 1}, True),
        ((8, 30), {"a": 1}, False),
        ((30, 8), {"a": 1}, True),
        ((30, 30), {"a": 2}, False),
        ((150, 148), {"a": 3}, True),  # 1 %
        ((150, 148), {"a": 4}, False),
    ],
)
def test_one_bad_image_of_a_class_of_ten_is_skipped_and_named(
    tmp_path: Path, counts: tuple[int, ...], bad: dict[str, int], read_on: bool
) -> None:
    folder = damaged(tmp_path / "data", *counts, bad=bad)
    if read_on:
        with pytest.warns(DataWarning, match="'a/bad0.png': not an image.* skipped"):
            assert len(open_source(folder).train) == sum(counts)
    else:
        with pytest.raises(InputError, match="unreadable image"):
            open_source(folder)


def test_one_bad_image_of_ten_without_labels_is_skipped(tmp_path: Path) -> None:
    files: dict[str, bytes | int] = {f"{n}.png": 100 + n for n in range(9)}
    with pytest.warns(DataWarning, match="'bad.png'"):
        assert len(open_source(laid(tmp_path / "data", files | {"bad.png": b""})).train) == 9
