"""Round trips: what is written in one form and read, then written in another, is the same image set.

The same is: the same pixels and the name of each image's class, image by image, in the same order. The numbers of the
classes keep their order, too; but where only images tell of them (folders, tar files) a class without images is gone.
"""

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from elmyr.core.errors import InputError
from elmyr.images import ImageSet, Shaping, Source, convert, open_source, save_images, writing_images

FORMS = {"folder": "a", "npz": "a.npz", "parquet": "a.parquet", "tar": "a.tar"}
TELLS_ALL_CLASSES = {"npz", "parquet"}
HOSTILE = (
    "a/b",
    "é",
    "Cat",
    "cat",
    "CON",
    "10",
    "9",
    "..",
    " ",
    "-rf",
    ".hidden",
    'say "a", b',
    "labels.csv",
    "01",
    "1",
)
HOSTILE += ("train", "test", "e\u0301", "a\\b", "\ufeff", "=1+1", "None", "🦊", "c" * 300)
BREAKING_LINES = ("x\ny", "x y", "x\r", "\r\n", "\u2028", "\t")

printable = st.characters(exclude_categories=["C", "Zl", "Zp"])
names = st.sampled_from(HOSTILE) | st.text(printable, min_size=1, max_size=9)
class_lists = st.lists(names, min_size=1, max_size=5, unique=True)


@st.composite
def image_sets(draw: st.DrawFn) -> ImageSet:
    count, height, width = (draw(st.integers(1, 4)) for _ in range(3))
    images = draw(arrays(np.uint8, (count, height, width, draw(st.sampled_from([1, 3])))))
    if draw(st.booleans()):
        return ImageSet(images, None)
    classes = tuple(draw(class_lists))
    return ImageSet(images, draw(arrays(np.int64, count, elements=st.integers(0, len(classes) - 1))), classes)


@st.composite
def sources(draw: st.DrawFn) -> Source:
    """With a test part in which not every class need be; every class has training images."""
    shape = (*(draw(st.integers(1, 4)) for _ in range(2)), draw(st.sampled_from([1, 3])))
    classes = tuple(draw(class_lists)) if draw(st.booleans()) else ()
    parts = []
    for count in (draw(st.integers(len(classes) or 1, 6)), draw(st.integers(1, 4))):
        images = draw(arrays(np.uint8, (count, *shape)))
        extra = draw(arrays(np.int64, count, elements=st.integers(0, max(0, len(classes) - 1))))
        labels = None
        if classes:
            labels = extra if parts else np.concatenate([np.arange(len(classes)), extra])[:count].astype(np.int64)
        parts.append(ImageSet(images, labels, classes))
    return Source("s", *parts)


def random_set(n: int, classes: tuple[str, ...] = (), channels: int = 1, seed: int = 0) -> ImageSet:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n, dtype=np.int64) % len(classes)) if classes else None
    return ImageSet(rng.integers(0, 256, (n, 3, 4, channels), dtype=np.uint8), labels, classes)


def names_of(images: ImageSet) -> list[str] | None:
    return None if images.labels is None else [images.classes[label] for label in images.labels]


def assert_same(found: ImageSet, expected: ImageSet, *, all_classes: bool) -> None:
    assert found.images.dtype == np.uint8
    assert np.array_equal(found.images, expected.images)
    assert names_of(found) == names_of(expected)
    with_images = set(names_of(expected) or ())
    assert found.classes == tuple(name for name in expected.classes if all_classes or name in with_images)


def assert_same_source(found: Source, expected: Source) -> None:
    """For sources with images of every class in the training part."""
    assert found.test is not None and expected.test is not None
    assert_same(found.train, expected.train, all_classes=True)
    assert_same(found.test, expected.test, all_classes=True)


@pytest.mark.parametrize("second", FORMS)
@pytest.mark.parametrize("first", FORMS)
@settings(max_examples=12, deadline=None)
@given(images=image_sets())
def test_what_goes_through_two_forms_is_the_same_image_set(
    tmp_path_factory: pytest.TempPathFactory, first: str, second: str, images: ImageSet
) -> None:
    folder = tmp_path_factory.mktemp("forms")
    save_images(images, folder / FORMS[first])
    (folder / "again").mkdir()
    assert convert(folder / FORMS[first], folder / "again" / FORMS[second]) == [folder / "again" / FORMS[second]]
    source = open_source(folder / "again" / FORMS[second])
    assert source.test is None
    assert_same(source.train, images, all_classes={first, second} <= TELLS_ALL_CLASSES)


@pytest.mark.parametrize("name", ["0.", "1.0", "-3.00"])
@pytest.mark.parametrize("form", FORMS)
def test_a_class_that_looks_like_a_whole_number_keeps_its_name(tmp_path: Path, form: str, name: str) -> None:
    images = random_set(4, (name,))
    save_images(images, tmp_path / FORMS[form])
    assert_same(open_source(tmp_path / FORMS[form]).train, images, all_classes=True)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("form", FORMS)
def test_hostile_class_names_keep_their_images_and_their_order(tmp_path: Path, form: str, channels: int) -> None:
    images = random_set(60, HOSTILE, channels)
    save_images(images, tmp_path / FORMS[form])
    assert_same(open_source(tmp_path / FORMS[form]).train, images, all_classes=True)


@pytest.mark.parametrize("form", FORMS)
def test_class_names_that_break_a_line_survive_too(tmp_path: Path, form: str) -> None:
    images = random_set(12, BREAKING_LINES)
    save_images(images, tmp_path / FORMS[form])
    assert_same(open_source(tmp_path / FORMS[form]).train, images, all_classes=True)


@pytest.mark.parametrize("form", FORMS)
def test_gray_pixels_in_three_channels_stay_three(tmp_path: Path, form: str) -> None:
    images = ImageSet(random_set(5).images.repeat(3, axis=3), None)
    save_images(images, tmp_path / FORMS[form])
    assert_same(open_source(tmp_path / FORMS[form]).train, images, all_classes=True)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("ndim", [3, 4])
def test_an_npy_goes_into_every_form(tmp_path: Path, form: str, ndim: int) -> None:
    images = random_set(5)
    np.save(tmp_path / "x.npy", np.asarray(images.images)[..., 0] if ndim == 3 else images.images)
    before = (tmp_path / "x.npy").read_bytes()
    convert(tmp_path / "x.npy", tmp_path / FORMS[form])
    assert_same(open_source(tmp_path / FORMS[form]).train, images, all_classes=True)
    assert (tmp_path / "x.npy").read_bytes() == before


@pytest.mark.parametrize("form", FORMS)
def test_an_npy_that_stays_on_the_disk_goes_into_every_form_and_shape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    images = random_set(5)
    np.save(tmp_path / "x.npy", images.images)
    monkeypatch.setattr("elmyr.images.storage.stored.LARGE", 1)
    convert(tmp_path / "x.npy", tmp_path / FORMS[form])
    assert_same(open_source(tmp_path / FORMS[form]).train, images, all_classes=True)
    shaping = Shaping(size=(5, 5), channels=3, limit=3)
    on_the_disk = open_source(tmp_path / "x.npy", shaping=shaping).train
    assert_same(on_the_disk, open_source(tmp_path / FORMS[form], shaping=shaping).train, all_classes=True)


def test_writing_to_the_pixels_of_an_npy_changes_no_file(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", random_set(5).images)
    before = (tmp_path / "x.npy").read_bytes()
    images = open_source(tmp_path / "x.npy").train
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images.images[:] = 7
    assert (np.asarray(images.images) == 7).all()
    assert (tmp_path / "x.npy").read_bytes() == before


@pytest.mark.parametrize("form", ["parquet", "tar"])
def test_the_shards_of_a_folder_are_one_set_in_the_order_of_their_numbers(tmp_path: Path, form: str) -> None:
    images = random_set(23, ("10", "9", "x"))
    (tmp_path / "shards").mkdir()
    with writing_images(tmp_path / "shards" / FORMS[form], count=23, classes=images.classes, shard=4) as sink:
        sink.add(images)
    assert len(list((tmp_path / "shards").iterdir())) == 6
    assert_same(open_source(tmp_path / "shards").train, images, all_classes=True)


def opened_with_both(place: Path, form: str) -> Source:
    """What `convert` made of a source with a test part; an `.npz` has one part only, so both files are opened."""
    if form == "folder":
        return open_source(place / "a")
    if form == "npz":
        return Source("a", *(open_source(place / f"{part}-a.npz").train for part in ("train", "test")))
    return open_source(place)


def write_source(source: Source, folder: Path) -> Path:
    """A source with a test part, as parquet: the names of its files tell which is which."""
    folder.mkdir()
    for part, images in (("train", source.train), ("test", source.test)):
        assert images is not None
        save_images(images, folder / f"{part}.parquet")
    return folder


@pytest.mark.parametrize("second", FORMS)
@pytest.mark.parametrize("first", ["folder", "parquet", "tar"])
@settings(max_examples=8, deadline=None)
@given(source=sources())
def test_a_source_with_its_own_test_part_keeps_it_through_two_forms(
    tmp_path_factory: pytest.TempPathFactory, first: str, second: str, source: Source
) -> None:
    place = tmp_path_factory.mktemp("sources")
    given_source = write_source(source, place / "given")
    for folder in (place / "first", place / "second"):
        folder.mkdir()
    written = convert(given_source, place / "first" / FORMS[first])
    assert len(written) == 2 and all(path.exists() for path in written)
    assert_same_source(opened_with_both(place / "first", first), source)
    convert(place / "first" / ("a" if first == "folder" else ""), place / "second" / FORMS[second])
    assert_same_source(opened_with_both(place / "second", second), source)


def test_the_parts_lie_beside_each_other_or_in_one_folder(tmp_path: Path) -> None:
    source = write_source(Source("s", random_set(4), random_set(2)), tmp_path / "given")
    assert convert(source, tmp_path / "x.npz") == [tmp_path / "train-x.npz", tmp_path / "test-x.npz"]
    assert convert(source, tmp_path / "x") == [tmp_path / "x" / "train", tmp_path / "x" / "test"]
    assert [len(list(folder.iterdir())) for folder in (tmp_path / "x" / "train", tmp_path / "x" / "test")] == [4, 2]
    assert convert(source, tmp_path / "x.png") == [tmp_path / "train-x.png", tmp_path / "test-x.png"]


def test_what_is_written_has_the_asked_form_in_both_parts(tmp_path: Path) -> None:
    given_source = Source("s", random_set(30, ("a", "b", "c")), random_set(15, ("a", "b", "c"), seed=1))
    shaping = Shaping(size=(6, 5), fit="pad", channels=3, classes=("c", "a"), limit=8)
    convert(write_source(given_source, tmp_path / "given"), tmp_path / "out", shaping=shaping)
    again = open_source(tmp_path / "out")
    assert again.test is not None
    for images in (again.train, again.test):
        assert images.images.shape == (8, 6, 5, 3) and images.classes == ("c", "a")
    assert_same_source(again, open_source(tmp_path / "given", shaping=shaping))


@pytest.mark.parametrize(
    "wanted", [{"labels_per_class": 3}, {"imbalance": 10}, {"images_per_class": 3}, {"label_noise": 0.1}], ids=str
)
def test_thinning_out_is_refused_before_anything_is_read_or_written(tmp_path: Path, wanted: dict[str, float]) -> None:
    with pytest.raises(InputError, match="thinning out is for training"):
        convert("no such data", tmp_path / "x.npz", shaping=Shaping(**wanted))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["full", "nowhere/x.npz", "x.gif", "folder.npz"])
def test_a_place_that_cannot_be_written_is_told_before_the_source_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match=Path(name).name):
        convert("no such data", tmp_path / name)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(("form", "old"), [("a.tar", "train-a-000003.tar"), ("a.npz", "test-a.npz")])
def test_where_one_part_has_no_place_neither_is_written(tmp_path: Path, form: str, old: str) -> None:
    source = write_source(Source("s", random_set(4), random_set(2)), tmp_path / "given")
    if form == "a.npz":
        (tmp_path / old).mkdir()
    else:
        (tmp_path / old).touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match=old):
        convert(source, tmp_path / form)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("form", FORMS)
def test_a_source_is_converted_onto_itself(tmp_path: Path, form: str) -> None:
    images = random_set(6, ("a", "b"))
    path = tmp_path / FORMS[form]
    save_images(images, path)
    if form == "folder":
        with pytest.raises(InputError, match="it holds files already"):
            convert(path, path)
    else:
        convert(path, path)
    assert_same(open_source(path).train, images, all_classes=True)
