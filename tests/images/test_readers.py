import gzip
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from elmyr.core.errors import InputError
from elmyr.core.notes import Note
from elmyr.images import ImageSet, Shaping, open_source


def read(path: Path) -> ImageSet:
    return open_source(path).train


def image(path: Path, value: int = 0, mode: str = "L", size: tuple[int, int] = (6, 5)) -> Path:
    """An image file of one color, 5 high and 6 wide."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, value).convert(mode).save(path)
    return path


# --- digits


def test_the_digits_span_the_whole_range_of_gray() -> None:
    digits = open_source("digits").train
    assert digits.images.shape == (1797, 8, 8, 1)
    assert (digits.images.min(), digits.images.max()) == (0, 255)
    assert sorted(set(digits.images.ravel().tolist()))[:3] == [0, 16, 32]  # 255/16 and 510/16, rounded
    assert (digits.classes, digits.name) == (tuple("0123456789"), "digits")


# --- IDX


def idx(path: Path, array: np.ndarray, *, magic: int | None = None, shape: tuple[int, ...] | None = None) -> None:
    """An IDX file; the header may lie."""
    shape = array.shape if shape is None else shape
    magic = 0x0800 + array.ndim if magic is None else magic
    content = struct.pack(f">{1 + len(shape)}I", magic, *shape) + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def mnist(folder: Path, suffix: str = "") -> tuple[np.ndarray, np.ndarray]:
    """A little MNIST of 6 training and 3 test images; gives the training images and the test labels."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    train, test = (rng.integers(0, 256, (n, 4, 3), dtype=np.uint8) for n in (6, 3))
    idx(folder / f"train-images-idx3-ubyte{suffix}", train)
    idx(folder / f"train-labels-idx1-ubyte{suffix}", np.arange(6, dtype=np.uint8) % 4)
    idx(folder / f"t10k-images-idx3-ubyte{suffix}", test)
    idx(folder / f"t10k-labels-idx1-ubyte{suffix}", np.array([0, 1, 2], np.uint8))
    return train, np.array([0, 1, 2])


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_mnist_is_read_from_the_data_root_with_its_own_test_split(tmp_path: Path, suffix: str) -> None:
    images, test_labels = mnist(tmp_path / "data" / "mnist", suffix)
    source = open_source("mnist", tmp_path / "data")
    assert source.test is not None
    assert np.array_equal(source.train.images, images[..., None])
    assert source.train.require_labels().tolist() == [0, 1, 2, 3, 0, 1]
    assert source.test.require_labels().tolist() == test_labels.tolist()
    assert source.test.classes == source.train.classes == ("0", "1", "2", "3")
    assert source.train.images.flags.writeable  # torch takes no other without a warning


def test_a_folder_of_idx_files_is_read_like_mnist(tmp_path: Path) -> None:
    images, _ = mnist(tmp_path / "fashion")
    source = open_source(tmp_path / "fashion")
    assert source.name == "fashion"
    assert np.array_equal(source.train.images[..., 0], images)
    assert source.test is not None and len(source.test) == 3


def test_gzip_is_known_by_its_content_not_by_its_suffix(tmp_path: Path) -> None:
    images, _ = mnist(tmp_path / "data")
    packed, plain = (tmp_path / "data" / f"train-images-idx3-ubyte{suffix}" for suffix in (".gz", ""))
    plain.rename(packed)
    assert np.array_equal(read(tmp_path / "data").images[..., 0], images)


def test_missing_idx_files_are_named(tmp_path: Path) -> None:
    mnist(tmp_path / "data")
    (tmp_path / "data" / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(InputError, match="has no test labels in IDX beside t10k-images-idx3-ubyte"):
        read(tmp_path / "data")


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    ("lie", "message"),
    [
        ({"magic": 0x0801}, "holds labels, no images"),
        ({"shape": (2**32 - 1, 2**16, 2**16)}, "but holds 72"),
        ({"shape": (6, 4, 4)}, "should hold 96 bytes but holds 72"),
        ({"shape": (5, 4, 3)}, "should hold 60 bytes but holds more"),
        ({"shape": (0, 4, 3)}, "should hold 0 bytes but holds more"),
        ({"shape": (6,)}, None),
    ],
    ids=["magic", "huge", "short", "long", "zero", "header"],
)
def test_an_idx_file_that_is_not_what_its_header_says_is_refused(
    tmp_path: Path, suffix: str, lie: dict[str, object], message: str | None
) -> None:
    images, _ = mnist(tmp_path / "data", suffix)
    path = tmp_path / "data" / f"train-images-idx3-ubyte{suffix}"
    idx(path, images, **lie)  # type: ignore[arg-type]  # the header's parts, as the case has them
    with pytest.raises(InputError, match=message or "should hold") as caught:
        read(tmp_path / "data")
    assert path.name in str(caught.value)


def test_idx_files_cut_off_are_refused(tmp_path: Path) -> None:
    mnist(tmp_path / "data", ".gz")
    path = tmp_path / "data" / "train-images-idx3-ubyte.gz"
    whole = path.read_bytes()
    for length in (0, 1, 8, 20, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="train-images"):
            read(tmp_path / "data")


def test_as_many_labels_as_images_are_asked_for(tmp_path: Path) -> None:
    mnist(tmp_path / "data")
    idx(tmp_path / "data" / "train-labels-idx1-ubyte", np.zeros(5, np.uint8))
    with pytest.raises(InputError, match="6 images.* 5 labels"):
        read(tmp_path / "data")


def test_an_idx_file_without_images_is_refused(tmp_path: Path) -> None:
    mnist(tmp_path / "data")
    idx(tmp_path / "data" / "train-images-idx3-ubyte", np.zeros((0, 4, 3), np.uint8))
    with pytest.raises(InputError, match="holds no images"):
        read(tmp_path / "data")


def test_training_and_test_images_of_unequal_size_are_refused(tmp_path: Path) -> None:
    mnist(tmp_path / "data")
    idx(tmp_path / "data" / "t10k-images-idx3-ubyte", np.zeros((3, 5, 3), np.uint8))
    with pytest.raises(InputError, match="make them one shape"):
        read(tmp_path / "data")


# --- folders


def test_class_folders_become_classes_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, value in (("dog", 200), ("cat", 100), ("cat", 50)):
        image(tmp_path / name / f"{value}.png", value)
    images = read(tmp_path)
    assert images.classes == ("cat", "dog")
    assert images.require_labels().tolist() == [0, 0, 1]
    assert images.images[:, 0, 0, 0].tolist() == [100, 50, 200]  # "100.png" stands before "50.png"
    assert images.images.shape == (3, 5, 6, 1)
    assert images.name == tmp_path.name


def test_a_flat_folder_is_an_image_set_without_labels(tmp_path: Path) -> None:
    image(tmp_path / "b.png", 2)
    image(tmp_path / "a.png", 1)
    images = read(tmp_path)
    assert images.labels is None and images.classes == ()
    assert images.images[:, 0, 0, 0].tolist() == [1, 2]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG", ".bmp", ".webp", ".gif", ".tif", ".TIFF"])
def test_every_format_is_read(tmp_path: Path, suffix: str) -> None:
    image(tmp_path / f"a{suffix}", 120, mode="L")
    images = read(tmp_path)
    assert images.images.shape[:3] == (1, 5, 6)
    assert np.abs(images.images.astype(int) - 120).max() <= 2  # JPEG and WebP may be a little off


def test_of_an_animation_the_first_frame_is_read(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (6, 5), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.warns(Note, match="1 file has several frames"):
        assert read(tmp_path).images[0, 0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
def test_gray_modes_give_one_channel(tmp_path: Path, mode: str) -> None:
    image(tmp_path / "a.png", 255, mode)
    assert np.array_equal(read(tmp_path).images, np.full((1, 5, 6, 1), 255))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_become_the_nearest_of_eight(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(np.full((5, 6), 0xAB12, np.uint16)).save(tmp_path / f"a{suffix}")
    assert np.array_equal(read(tmp_path).images, np.full((1, 5, 6, 1), round(0xAB12 * 255 / 0xFFFF)))
    image(tmp_path / "b.png", 7, "RGB")
    assert read(tmp_path).images[:, 0, 0].tolist() == [[170] * 3, [7] * 3]


def test_a_palette_of_grays_is_gray(tmp_path: Path) -> None:
    image(tmp_path / "gray" / "a.png", 100, "P")
    assert read(tmp_path / "gray").images.shape == (1, 5, 6, 1)
    Image.new("RGB", (6, 5), "red").convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "red.png")
    (tmp_path / "gray" / "a.png").unlink()
    (tmp_path / "red.png").rename(tmp_path / "gray" / "red.png")
    assert read(tmp_path / "gray").images[0, 0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_one_image_of_color_makes_the_set_rgb(tmp_path: Path, mode: str) -> None:
    image(tmp_path / "a.png", 100)
    image(tmp_path / "b.png", 200, mode)
    assert read(tmp_path).images[:, 0, 0].tolist() == [[100] * 3, [200] * 3]


def test_what_is_transparent_lies_on_white(tmp_path: Path) -> None:
    picture = Image.new("RGB", (6, 5), (10, 20, 30)).convert("P", palette=Image.Palette.ADAPTIVE)
    for folder in ("palette", "LA", "RGBA", "opaque"):
        (tmp_path / folder).mkdir()
    picture.save(tmp_path / "palette" / "a.png", transparency=bytes([0, 128]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(tmp_path / "palette").images[0, 0, 0].tolist() == [255, 255, 255]
    for folder, mode, color, shown in (
        ("LA", "LA", (0, 0), [255]),
        ("opaque", "LA", (7, 255), [7]),
        ("RGBA", "RGBA", (200, 0, 0, 51), [244, 204, 204]),
    ):
        Image.new(mode, (6, 5), color).save(tmp_path / folder / "a.png")
        assert read(tmp_path / folder).images[0, 0, 0].tolist() == shown


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_as_the_camera_was_held(tmp_path: Path, orientation: int) -> None:
    upright = np.zeros((16, 24), np.uint8)
    upright[:8, :8] = 255
    as_stored = {1: [], 2: [1], 3: [0, 1], 4: [0], 5: ["t"], 6: ["t", 0], 7: ["t", 0, 1], 8: ["t", 1]}
    pixels = upright
    for step in as_stored[orientation]:
        pixels = pixels.T if step == "t" else np.flip(pixels, step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(pixels)).save(tmp_path / "a.jpg", exif=exif, quality=100)
    (found,) = read(tmp_path).images[..., 0]
    assert found.shape == (16, 24)
    assert np.abs(found.astype(int) - upright).max() < 60


def test_the_image_of_another_size_is_named_with_the_size_of_most(tmp_path: Path) -> None:
    for number in range(3):
        image(tmp_path / "cat" / f"{number}.png", size=(28, 28))
    image(tmp_path / "cat" / "17.png", size=(30, 28))
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert str(caught.value) == (
        "image 'cat/17.png' is 28x30, the others are 28x28: resize them to one size, or pass --size 28x28"
    )


def test_hidden_files_are_passed_over_and_other_suffixes_are_told(tmp_path: Path) -> None:
    image(tmp_path / "data" / "a" / "1.png")
    (tmp_path / "data" / "a" / "._1.png").write_bytes(b"junk")
    (tmp_path / "data" / "a" / "notes.txt").write_text("junk")
    (tmp_path / "data" / "README.md").write_text("junk")
    (tmp_path / "data" / ".cache").mkdir()
    with pytest.warns(Note, match=r"2 files are passed over: 1 .md \('README.md'\), 1 .txt \('a/notes.txt'\)"):
        assert len(read(tmp_path / "data")) == 1


@pytest.mark.parametrize("content", [b"", b"not an image", b"cut off"])
def test_unreadable_images_are_named_and_refused_past_one_percent(tmp_path: Path, content: bytes) -> None:
    whole = image(tmp_path / "data" / "a" / "1.png").read_bytes()
    broken = tmp_path / "data" / "a" / "2.png"
    broken.write_bytes(whole[:40] if content == b"cut off" else content)
    with pytest.raises(InputError, match=r"1 unreadable image \('a/2.png'.* among 2"):
        read(tmp_path / "data")


def test_one_unreadable_image_in_a_hundred_is_skipped_with_a_warning_that_names_it(tmp_path: Path) -> None:
    whole = image(tmp_path / "b" / "0.png", 90).read_bytes()
    for number in range(1, 99):
        (tmp_path / "b" / f"{number}.png").write_bytes(whole)
    image(tmp_path / "a" / "0.png", 50)
    broken = tmp_path / "b" / "50.png"
    broken.write_bytes(whole[:-30])  # the header is whole, the pixels are not
    with pytest.warns(UserWarning, match=r"'b/50.png'.* skipped"):
        images = read(tmp_path)
    assert np.bincount(images.require_labels()).tolist() == [1, 98]
    assert images.images[:2, 0, 0, 0].tolist() == [50, 90]
    (tmp_path / "b" / "51.png").write_bytes(b"")
    with pytest.raises(InputError, match="2 unreadable images"):
        read(tmp_path)


def test_numbers_without_a_known_range_are_not_guessed_into_gray(tmp_path: Path) -> None:
    Image.fromarray(np.linspace(-2, 3, 30, dtype=np.float32).reshape(5, 6)).save(tmp_path / "a.tif")
    with pytest.raises(InputError, match="the values go from -2 to 3.*pass --range -2:3"):
        read(tmp_path)
    ranged = open_source(tmp_path, shaping=Shaping(range=(-2, 3))).train
    assert np.array_equal(ranged.images.ravel(), np.rint(np.linspace(0, 255, 30)))


@pytest.mark.parametrize("side", [10_001, 50_000, 2**31 - 1])
def test_a_decompression_bomb_is_refused_by_name(tmp_path: Path, side: int) -> None:
    whole = image(tmp_path / "bomb.png").read_bytes()
    header = b"IHDR" + struct.pack(">II", side, side) + whole[24:29]
    (tmp_path / "bomb.png").write_bytes(whole[:12] + header + struct.pack(">I", zlib.crc32(header)) + whole[33:])
    with pytest.raises(InputError, match="'bomb.png' is far too large"):
        read(tmp_path)


def test_a_file_is_read_only_by_the_decoders_of_the_listed_formats(tmp_path: Path) -> None:
    Image.new("L", (6, 5)).save(tmp_path / "a.png", format="PPM")
    with pytest.raises(InputError, match=r"a.png"):
        read(tmp_path)


def test_folders_without_images_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no images"):
        read(tmp_path)
    image(tmp_path / "cat" / "1.png")
    (tmp_path / "dog").mkdir()
    with pytest.raises(InputError, match="class folder '.*dog' has no images"):
        read(tmp_path)


def test_images_that_would_be_lost_in_the_layout_are_told(tmp_path: Path) -> None:
    image(tmp_path / "pets" / "cat" / "1.png")
    with pytest.raises(InputError, match=r"lie further down: give '.*pets'"):
        read(tmp_path)
    image(tmp_path / "1.png")
    with pytest.raises(InputError, match=r"images \('1.png'\) beside folders \('pets'\)"):
        read(tmp_path)


# --- npz


IMAGES = np.arange(4 * 3 * 2, dtype=np.uint8).reshape(4, 3, 2)


def test_an_npz_of_gray_images_without_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "plain.npz", images=IMAGES)
    images = read(tmp_path / "plain.npz")
    assert np.array_equal(images.images, IMAGES[..., None])
    assert (images.labels, images.classes, images.name) == (None, (), "plain")


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_an_npz_keeps_labels_of_every_integer_type(tmp_path: Path, dtype: type) -> None:
    labels = np.array([2, 0, 1, 2], dtype)
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=labels, classes=["x", "y", "z"])
    images = read(tmp_path / "a.npz")
    assert images.require_labels().tolist() == [2, 0, 1, 2]
    assert images.classes == ("x", "y", "z")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": IMAGES}, "no key 'images'"),
        ({"images": np.array([{"a": 1}], dtype=object)}, "cannot be read .*allow_pickle"),
        ({"images": IMAGES - 0.5}, "pass --range -0.5"),
        ({"images": IMAGES.astype(str)}, "not uint8 or other numbers"),
        ({"images": IMAGES[0]}, "shape"),
        ({"images": IMAGES[:0]}, "no images"),
        ({"images": IMAGES, "labels": np.full(4, 0.5)}, "0.5 among them is no whole number"),
        ({"images": IMAGES, "labels": np.zeros(5, np.int64)}, "5 labels.*one label per image"),
        ({"images": IMAGES, "labels": np.array([0, 1, -1, 0])}, "from -1 to 1"),
        ({"images": IMAGES, "labels": np.full(4, 2**64 - 1, np.uint64)}, "number the classes from 0"),
        ({"images": IMAGES, "labels": np.arange(4), "classes": ["a"]}, "names of 1 classes"),
        ({"images": IMAGES, "labels": np.arange(4), "classes": np.zeros(4)}, "list of names"),
        ({"images": IMAGES, "classes": ["a"]}, "no labels"),
    ],
)
def test_a_wrong_npz_is_refused_by_name(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(InputError, match=f"bad.npz'.*{message}") as caught:
        read(tmp_path / "bad.npz")
    assert "\n" not in str(caught.value)


def test_an_npz_cut_off_anywhere_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    np.savez_compressed(path, images=IMAGES, labels=np.arange(4))
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"bad\.npz"):
            read(path)


def test_a_single_array_under_the_name_of_an_npz_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "bad.npz").open("wb") as file:
        np.save(file, IMAGES)
    with pytest.raises(InputError, match="single array"):
        read(tmp_path / "bad.npz")
