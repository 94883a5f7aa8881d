"""What shaping promises: the form of pictures, the choice among them, and what training may see of them."""

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from pydantic import ValidationError

from elmyr import GAN, evaluate, train
from elmyr.cli.options import shaped
from elmyr.core.errors import InputError
from elmyr.core.files import read_json
from elmyr.engine import resume
from elmyr.images import (
    AS_IT_IS,
    ImageSet,
    Shaping,
    Source,
    load_images,
    open_source,
    parse_size,
    save_images,
    save_npz,
    split_source,
)
from elmyr.images.dataset.shaping import LARGEST_SIZE, choice_of, fitted, in_form, labeled_places, thinned_for_training
from elmyr.tasks.gan.plan import config_of, splits_of
from elmyr.tasks.gan.task import AdversarialTask
from tests.conftest import small_image_set

FEW = settings(max_examples=40, deadline=None)
FITS = ("crop", "pad", "stretch")


def numbered(labels: list[int] | NDArray[np.int64] | None, classes: tuple[str, ...] = (), n: int = 0) -> ImageSet:
    """Images that carry their number in their pixels."""
    n = n if labels is None else len(labels)
    images = np.arange(n, dtype=np.uint32).view(np.uint8).reshape(n, 2, 2, 1)
    return ImageSet(images, None if labels is None else np.array(labels, np.int64), classes, "numbered")


def numbers(images: ImageSet) -> list[int]:
    return np.ascontiguousarray(images.images).reshape(-1, 4).view(np.uint32)[:, 0].tolist()


def chosen(images: ImageSet, **wanted: Any) -> tuple[list[int], list[int] | None, tuple[str, ...]]:
    """Numbers, labels and class names of what is taken."""
    choice = choice_of(images, Shaping(**wanted))
    assert choice is not None
    return choice.places.tolist(), None if choice.labels is None else choice.labels.tolist(), choice.classes


def counts(images: ImageSet) -> list[int]:
    return np.bincount(images.require_labels(), minlength=len(images.classes)).tolist()


# --- sizes


@FEW
@given(st.integers(1, LARGEST_SIZE), st.integers(1, LARGEST_SIZE))
def test_a_size_is_height_by_width_and_one_number_is_both(height: int, width: int) -> None:
    assert parse_size(f"{height}x{width}") == parse_size(f"{height}X{width}") == (height, width)
    assert parse_size(str(width)) == (width, width)


@pytest.mark.parametrize(
    "text", ["", "x", "28x", "x28", "28x28x3", "-28", "+28", "2_8", "28.0", " 28", "²", "٢٨", "28 x 28", "1e2", "0x1c"]
)
def test_what_is_no_size_is_refused_with_two_that_are(text: str) -> None:
    with pytest.raises(InputError, match="give pixels, as 28, or height and width, as 28x32|from 1 to 4096"):
        parse_size(text)


@pytest.mark.parametrize("text", ["0", "0x28", "28x0", "4097", "28x4097", "999999999"])
def test_a_size_beyond_the_limits_is_refused_with_the_limits(text: str) -> None:
    with pytest.raises(InputError, match="from 1 to 4096 pixels a side"):
        parse_size(text)


def test_a_number_too_long_for_python_is_refused_in_a_short_line() -> None:
    with pytest.raises(InputError) as caught:
        parse_size("9" * 5000)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "wanted",
    [
        {"size": (0, 8)},
        {"size": (8, 4097)},
        {"size": (8,)},
        {"fit": "squeeze"},
        {"channels": 2},
        {"limit": 0},
        {"labels_per_class": 0},
        {"imbalance": 0.5},
        {"imbalance": float("nan")},
        {"imbalance": float("inf")},
        {"images_per_class": 0},
        {"label_noise": 1.0},
        {"label_noise": -0.1},
        {"sise": (8, 8)},
    ],
    ids=str,
)
def test_a_shaping_that_cannot_be_is_no_shaping(wanted: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Shaping(**wanted)


# --- the form


def striped() -> NDArray[np.uint8]:
    """8 high and 16 wide: 4 columns of 50, 8 of 255, 4 of 100."""
    picture = np.full((8, 16), 255, np.uint8)
    picture[:, :4], picture[:, 12:] = 50, 100
    return picture


def shape_one(picture: NDArray[np.uint8], **wanted: Any) -> NDArray[np.uint8]:
    images = picture[None, ..., None] if picture.ndim == 2 else picture[None]
    (shaped_one,) = in_form(images, Shaping(**wanted))
    return shaped_one[..., 0] if shaped_one.shape[-1] == 1 else shaped_one


def test_crop_takes_the_middle_and_loses_the_sides() -> None:
    assert np.array_equal(shape_one(striped(), size=(8, 8), fit="crop"), np.full((8, 8), 255))
    assert np.array_equal(shape_one(striped().T, size=(8, 8), fit="crop"), np.full((8, 8), 255))


def test_crop_enlarges_what_is_too_small_until_it_covers_all() -> None:
    shaped_one = shape_one(striped(), size=(16, 16), fit="crop")
    assert shaped_one.min() > 200 and (shaped_one[:, 3:-3] == 255).all()  # its sides were beside darker pixels


def test_pad_keeps_every_pixel_and_puts_black_around() -> None:
    expected = np.zeros((16, 16), np.uint8)
    expected[4:12] = striped()
    assert np.array_equal(shape_one(striped(), size=(16, 16), fit="pad"), expected)
    assert np.array_equal(shape_one(striped().T, size=(16, 16), fit="pad"), expected.T)
    in_color = np.repeat(striped()[..., None], 3, axis=2)
    assert np.array_equal(shape_one(in_color, size=(16, 16), fit="pad"), np.repeat(expected[..., None], 3, axis=2))


def test_pad_of_a_white_picture_is_white_in_the_middle_and_black_beside_it() -> None:
    shaped_one = shape_one(np.full((40, 20), 255, np.uint8), size=(10, 10), fit="pad")
    assert shaped_one[0].tolist() == [0, 0, *[255] * 5, 0, 0, 0]
    assert (shaped_one == shaped_one[0]).all()


def test_stretch_keeps_the_whole_picture_out_of_proportion() -> None:
    shaped_one = shape_one(striped(), size=(8, 8), fit="stretch")
    assert np.abs(shaped_one[0].astype(int) - [50, 50, 255, 255, 255, 255, 100, 100]).max() < 25
    assert (shaped_one == shaped_one[0]).all()


@pytest.mark.parametrize("fit", FITS)
def test_a_white_square_stays_a_white_square_in_the_middle(fit: str) -> None:
    picture = np.zeros((32, 32), np.uint8)
    picture[8:24, 8:24] = 255
    shaped_one = shape_one(picture, size=(8, 8), fit=fit)
    assert (shaped_one[3:5, 3:5] == 255).all()
    assert (shaped_one[[0, -1]] == 0).all() and (shaped_one[:, [0, -1]] == 0).all()
    assert np.array_equal(shaped_one, shaped_one[::-1]) and np.array_equal(shaped_one, shaped_one[:, ::-1])


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("size", [4, 8, 5])
def test_a_checkerboard_of_single_pixels_shrinks_to_gray_not_to_black_or_white(fit: str, size: int) -> None:
    board = (np.indices((16, 16)).sum(0) % 2 * 255).astype(np.uint8)
    shaped_one = shape_one(board, size=(size, size), fit=fit)
    assert shaped_one.min() > 100 and shaped_one.max() < 155


@pytest.mark.parametrize("fit", FITS)
def test_what_fits_is_not_touched(fit: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 5, 6, 1), dtype=np.uint8)
    assert in_form(images, AS_IT_IS) is images
    assert in_form(images, Shaping(size=(5, 6), fit=fit, channels=1)) is images
    picture = Image.fromarray(images[0, ..., 0])
    assert fitted(picture, (5, 6), fit) is picture
    assert np.array_equal(in_form(images, Shaping(size=(5, 6), fit=fit, channels=3)), images.repeat(3, axis=3))


@FEW
@given(st.tuples(st.integers(1, 40), st.integers(1, 40)), st.tuples(st.integers(1, 9), st.integers(1, 9)), st.data())
def test_every_picture_takes_every_size(of: tuple[int, int], size: tuple[int, int], data: st.DataObject) -> None:
    fit, channels = data.draw(st.sampled_from(FITS)), data.draw(st.sampled_from([1, 3]))
    images = np.full((2, *of, 1), 200, np.uint8)
    shaped_all = in_form(images, Shaping(size=size, fit=fit, channels=channels))
    assert shaped_all.shape == (2, *size, channels) and shaped_all.dtype == np.uint8
    if fit != "pad":
        assert (shaped_all == 200).all()


def test_gray_becomes_rgb_of_three_equal_channels_and_back_without_loss() -> None:
    gray = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    color = in_form(gray, Shaping(channels=3))
    assert np.array_equal(color, gray.repeat(3, axis=3))
    assert np.array_equal(in_form(color, Shaping(channels=1)), gray)


def test_rgb_becomes_gray_by_the_brightness_of_its_colors() -> None:
    colors = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]], np.uint8).reshape(4, 1, 1, 3)
    assert in_form(colors, Shaping(channels=1)).ravel().tolist() == [76, 150, 29, 255]  # ITU-R 601: .299, .587, .114


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 9), st.sampled_from([1, 3]), st.sampled_from([1, 3, None]), st.sampled_from(FITS))
def test_shaping_makes_the_same_of_images_in_files_as_of_images_in_an_array(
    tmp_path_factory: pytest.TempPathFactory, seed: int, of: int, channels: int | None, fit: str
) -> None:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 20, 2)
    images = ImageSet(rng.integers(0, 256, (3, height, width, of), dtype=np.uint8), None)
    folder = tmp_path_factory.mktemp("forms")
    shaping = Shaping(size=(int(rng.integers(1, 12)), 7), fit=fit, channels=channels)  # type: ignore[arg-type]
    for name in ("a.npz", "a", "a.tar"):
        save_images(images, folder / name)
        found = load_images(folder / name, shaping=shaping)
        assert np.array_equal(found.images, in_form(np.asarray(images.images), shaping))


# --- the choice


def test_classes_are_chosen_reordered_and_numbered_anew() -> None:
    images = numbered([0, 1, 2, 0, 1, 2, 2], ("cat", "dog", "eel"))
    assert chosen(images, classes=("eel", "cat")) == ([0, 2, 3, 5, 6], [1, 0, 1, 0, 0], ("eel", "cat"))
    assert chosen(images, classes=("dog",)) == ([1, 4], [0, 0], ("dog",))
    assert chosen(images, classes=("eel", "dog", "cat")) == (
        [0, 1, 2, 3, 4, 5, 6],
        [2, 1, 0, 2, 1, 0, 0],
        ("eel", "dog", "cat"),
    )


def test_nothing_asked_takes_everything_as_it_is() -> None:
    images = numbered([0, 1, 1], ("a", "b"))
    assert choice_of(images, AS_IT_IS) is None
    assert choice_of(images, Shaping(limit=3)) is None
    assert choice_of(images, Shaping(size=(4, 4), channels=3, labels_per_class=1, imbalance=9)) is None


@pytest.mark.parametrize("form", ["a.npz", "a", "a.parquet", "a.tar"])
def test_chosen_classes_bring_their_own_images_from_every_form(tmp_path: Path, form: str) -> None:
    labels = [0, 1, 2, 0, 1, 2, 2]
    images = numbered(labels, ("cat", "dog", "eel"))
    save_images(images, tmp_path / form)
    found = load_images(tmp_path / form, shaping=Shaping(classes=("eel", "cat"), limit=4))
    assert found.classes == ("eel", "cat") and len(found) == 4
    assert [found.classes[label] for label in found.require_labels()] == [
        images.classes[labels[number]] for number in numbers(found)
    ]


@pytest.mark.parametrize("form", ["a.npz", "a.parquet"])
def test_chosen_classes_without_images_are_refused_in_a_line(tmp_path: Path, form: str) -> None:
    save_images(numbered([0, 1, 1], ("cat", "dog", "eel")), tmp_path / form)
    with pytest.raises(InputError, match="'a' has no images of eel: choose other classes"):
        load_images(tmp_path / form, shaping=Shaping(classes=("eel",)))


def test_classes_that_cannot_be_chosen_are_refused_by_name() -> None:
    images = numbered([0, 1], ("cat", "dog"))
    for classes, message in [
        (("cat", "dgo"), "'numbered' has no class 'dgo': did you mean 'dog'"),
        (("0",), "no class '0'"),  # a class is chosen by its name
        (("cat", "cat"), "name one twice"),
    ]:
        with pytest.raises(InputError, match=message):
            choice_of(images, Shaping(classes=classes))
    with pytest.raises(InputError, match="no classes to choose from: leave out --classes"):
        choice_of(numbered(None, n=3), Shaping(classes=("cat",)))


@FEW
@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.data())
def test_a_limit_keeps_the_shares_of_the_classes(sizes: list[int], data: st.DataObject) -> None:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
    images = numbered(labels, tuple(map(str, range(len(sizes)))))
    if len(images) == 1:
        return
    limit = data.draw(st.integers(1, len(images) - 1))
    places, kept, classes = chosen(images, limit=limit)
    assert len(places) == limit and places == sorted(set(places)) and classes == images.classes
    assert kept == labels[places].tolist()
    shares = np.array(sizes) / sum(sizes)
    off = np.abs(np.bincount(kept, minlength=len(sizes)) - limit * shares)
    assert (off <= 1 + len(sizes) * shares / 2).all()  # each class is rounded by itself


def test_even_classes_stay_even() -> None:
    images = numbered(list(range(5)) * 20, tuple("abcde"))
    for limit in (5, 10, 50, 95):
        assert np.bincount(chosen(images, limit=limit)[1] or []).tolist() == [limit // 5] * 5


@pytest.mark.parametrize("labeled", [True, False])
def test_a_smaller_limit_takes_a_part_of_what_a_larger_one_takes(labeled: bool) -> None:
    images = numbered([n % 3 for n in range(60)] if labeled else None, n=60)
    taken = [set(chosen(images, limit=limit)[0]) for limit in range(1, 60)]
    assert all(small < large for small, large in pairwise(taken))


def test_the_limit_of_chosen_classes_counts_only_these() -> None:
    images = numbered([0] * 90 + [1] * 10, ("many", "few"))
    assert chosen(images, classes=("few",), limit=5)[1:] == ([0] * 5, ("few",))
    assert chosen(images, classes=("few",), limit=50)[0] == list(range(90, 100))


def test_what_a_limit_takes_is_the_same_on_every_machine_and_in_every_version() -> None:
    assert chosen(numbered(None, n=20), limit=6)[0] == PINNED_UNLABELED
    assert chosen(numbered([n // 14 for n in range(20)]), limit=10)[0] == PINNED_LABELED


PINNED_UNLABELED = [0, 1, 5, 6, 10, 15]
PINNED_LABELED = [0, 1, 4, 5, 6, 10, 12, 15, 16, 19]


def test_the_limit_and_the_classes_hold_for_the_test_part_too(tmp_path: Path) -> None:
    for part, first in (("train", 0), ("test", 100)):
        images = numbered(list(range(3)) * 8, tuple("abc"))
        (tmp_path / "data").mkdir(exist_ok=True)
        save_images(ImageSet(images.images + np.uint8(first), images.labels, images.classes), tmp_path / "data" / part)
    source = open_source(tmp_path / "data", shaping=Shaping(classes=("c", "a"), limit=6, size=(3, 3), channels=3))
    assert source.test is not None
    for images in (source.train, source.test):
        assert images.classes == ("c", "a") and counts(images) == [3, 3] and images.images.shape == (6, 3, 3, 3)
    assert source.train.images.max() < 100 <= source.test.images[..., 0].max()


# --- what training may see


def split_of(shaping: Shaping = AS_IT_IS, seed: int = 0, classes: int = 3) -> Any:
    """Of 160 images a class: 40 are for testing, 20 for validation, 100 for training."""
    labels = np.random.default_rng(1).permutation(np.arange(160 * classes) % classes)
    return split_source(Source("s", numbered(labels, tuple("abcdef"[:classes])), None), seed, shaping)


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        ({}, [100, 100, 100]),
        ({"labels_per_class": 7}, [7, 7, 7]),
        ({"labels_per_class": 1}, [1, 1, 1]),
        ({"labels_per_class": 101}, [100, 100, 100]),
        ({"imbalance": 1}, [100, 100, 100]),
        ({"imbalance": 100}, [100, 10, 1]),
        ({"imbalance": 4}, [100, 50, 25]),
        ({"imbalance": 1e4}, [100, 1, 1]),
        ({"images_per_class": 7}, [7, 7, 7]),
        ({"images_per_class": 50, "imbalance": 25}, [50, 10, 2]),
        ({"labels_per_class": 50, "imbalance": 25}, [50, 20, 4]),
        ({"images_per_class": 30, "labels_per_class": 8}, [8, 8, 8]),
    ],
    ids=str,
)
def test_only_the_training_part_is_thinned_and_to_the_asked_counts(wanted: dict[str, Any], left: list[int]) -> None:
    whole, thin = split_of(), split_of(Shaping(**wanted))
    assert counts(thin.train) == left
    for part in ("validation", "test"):
        assert getattr(thin, part).digest() == getattr(whole, part).digest()
    assert np.array_equal(thin.test_indices, whole.test_indices)
    kept, of = numbers(thin.train), numbers(whole.train)
    assert set(kept) <= set(of) and kept == sorted(kept)
    label_of = dict(zip(of, whole.train.labels.tolist(), strict=True))
    assert [label_of[number] for number in kept] == thin.train.labels.tolist()


def test_an_imbalance_never_gives_a_class_more_than_it_has() -> None:
    images = numbered([0] * 10 + [1] * 100 + [2] * 100, tuple("abc"))
    assert counts(thinned_for_training(images, Shaping(imbalance=100), 0)) == [10, 10, 1]
    assert counts(thinned_for_training(numbered([0] * 9), Shaping(imbalance=100), 0)) == [9]


@pytest.mark.parametrize("noise", [0.2, 0.5, 0.99])
def test_the_asked_share_of_training_labels_is_wrong_and_no_other(noise: float) -> None:
    whole, noisy = split_of(), split_of(Shaping(label_noise=noise))
    wrong = noisy.train.labels != whole.train.labels
    assert wrong.sum() == round(noise * 300)
    assert numbers(noisy.train) == numbers(whole.train)
    for part in ("validation", "test"):
        assert getattr(noisy, part).digest() == getattr(whole, part).digest()
    # Each of the other two classes as likely as the other: at most 6 standard deviations off (false alarm 2e-9).
    shift = (noisy.train.labels - whole.train.labels)[wrong] % 3
    assert abs((shift == 1).sum() - wrong.sum() / 2) <= 3 * wrong.sum() ** 0.5
    assert split_of(Shaping(label_noise=noise)).train.digest() == noisy.train.digest()
    assert split_of(Shaping(label_noise=noise), seed=1).train.digest() != noisy.train.digest()


def test_fewer_images_a_class_are_among_more_and_noise_follows_them() -> None:
    few, more = (numbers(split_of(Shaping(images_per_class=count)).train) for count in (5, 50))
    assert set(few) < set(more)
    noisy, clean = (split_of(Shaping(images_per_class=50, label_noise=n)).train for n in (0.2, 0.0))
    assert numbers(noisy) == numbers(clean) and (noisy.labels != clean.labels).sum() == 30


def test_what_keeps_its_label_is_what_a_recognizer_is_told() -> None:
    shaping = Shaping(images_per_class=30, labels_per_class=8)
    present = split_of(Shaping(images_per_class=30)).train
    seen = present.take(labeled_places(present, shaping, 0))
    assert seen.digest() == split_of(shaping).train.digest()


def test_with_one_class_no_label_can_be_wrong() -> None:
    with pytest.raises(InputError, match="leave out --label-noise"):
        thinned_for_training(numbered([0] * 9), Shaping(label_noise=0.2), 0)


@pytest.mark.parametrize("wanted", [{"labels_per_class": 10}, {"imbalance": 100}], ids=str)
def test_what_is_thinned_out_is_a_function_of_the_seed(wanted: dict[str, Any]) -> None:
    labels = np.arange(300) % 3
    images = numbered(labels, tuple("abc"))
    kept = {seed: tuple(numbers(thinned_for_training(images, Shaping(**wanted), seed))) for seed in range(5)}
    assert len(set(kept.values())) == 5
    again = {seed: tuple(numbers(thinned_for_training(images, Shaping(**wanted), seed))) for seed in range(5)}
    assert kept == again


def test_images_without_labels_cannot_be_thinned_by_class() -> None:
    images = numbered(None, n=30)
    assert thinned_for_training(images, AS_IT_IS, 0) is images
    for wanted in ({"labels_per_class": 3}, {"imbalance": 10}):
        with pytest.raises(InputError, match="'numbered' has no labels"):
            split_source(Source("numbered", images, None), 0, Shaping(**wanted))


# --- as words


def parsed(words: list[str]) -> Shaping:
    """What the command line makes of the words."""
    got: list[Shaping] = []

    def command(data: Annotated[str, typer.Argument()], shaping: Any = None) -> None:
        got.append(shaping)

    app = typer.Typer()
    app.command()(shaped(command))
    app(["x", *words], standalone_mode=False)
    return got[0]


class_names = st.text(st.characters(exclude_characters=",", exclude_categories=["Cs"]), min_size=1, max_size=5)
shapings = st.builds(
    Shaping,
    size=st.none() | st.tuples(st.integers(1, 4096), st.integers(1, 4096)),
    fit=st.sampled_from(FITS),
    channels=st.sampled_from([None, 1, 3]),
    classes=st.lists(class_names.map(str.strip).filter(len), max_size=3).map(tuple),
    limit=st.none() | st.integers(1, 10**9),
    images_per_class=st.none() | st.integers(1, 10**9),
    imbalance=st.none() | st.floats(1, 1e9),
    label_noise=st.floats(0, 0.999),
    labels_per_class=st.none() | st.integers(1, 10**9),
)


@FEW
@given(shapings)
def test_the_words_of_a_shaping_are_parsed_into_the_same_shaping(shaping: Shaping) -> None:
    assert parsed(shaping.as_words()) == shaping


def test_the_words_are_those_that_a_user_would_write() -> None:
    assert AS_IT_IS.as_words() == []
    shaping = Shaping(size=(28, 32), fit="pad", channels=3, classes=("-rf", "é"), labels_per_class=5, label_noise=0.2)
    assert " ".join(shaping.as_words()) == (
        "--size 28x32 --fit pad --channels 3 --classes -rf,é --label-noise 0.2 --labels-per-class 5"
    )
    assert parsed(shaping.as_words()) == shaping
    assert parsed(["--size", "28", "--classes", " cat , dog "]) == Shaping(size=(28, 28), classes=("cat", "dog"))


@FEW
@given(shapings)
def test_a_shaping_survives_json(shaping: Shaping) -> None:
    assert Shaping.model_validate_json(shaping.model_dump_json()) == shaping


# --- through a run


RUN = Shaping(size=(10, 8), fit="pad", channels=3, classes=("c", "a"), limit=128, labels_per_class=15)


@pytest.mark.usefixtures("quick_extractor")
def test_a_shaped_run_is_resumed_and_judged_with_the_images_it_was_begun_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_npz(small_image_set(420), tmp_path / "blobs.npz")
    tiny = {"network.base": 8, "network.latent": 8, "network.embedding": 4, "batch": 16}
    options: dict[str, Any] = {"images": 96, "settings": tiny, "device": "cpu", "shaping": RUN}
    whole = train(tmp_path / "blobs.npz", out=tmp_path / "whole", **options)
    update = AdversarialTask.update

    def crashing(self: AdversarialTask, batch: Any, position: int) -> Any:
        if position >= 48:
            raise RuntimeError("crash")
        return update(self, batch, position)

    with monkeypatch.context() as patch:
        patch.setattr(AdversarialTask, "update", crashing)
        with pytest.raises(RuntimeError, match="crash"):
            train(tmp_path / "blobs.npz", out=tmp_path / "crashed", **options)
    crashed = resume(tmp_path / "crashed")
    samples = [GAN.load(run.path, device="cpu").sample(8) for run in (whole, crashed)]
    assert samples[0].classes == ("c", "a") and samples[0].images.shape == (8, 10, 8, 3)
    assert samples[0].digest() == samples[1].digest()

    assert read_json(whole.config)["data"]["shaping"] == {
        "size": [10, 8], "fit": "pad", "channels": 3, "label_column": None, "range": None, "classes": ["c", "a"],
        "limit": 128, "folds": None,
        "images_per_class": None, "imbalance": None, "label_noise": 0.0, "labels_per_class": 15,
    }  # fmt: skip
    splits = splits_of(config_of(whole))
    assert counts(splits.train) == [15, 15]
    assert counts(splits.validation) == [8, 8] and counts(splits.test) == [16, 16]
    assert splits.train.images.shape[1:] == (10, 8, 3)
    assert (splits.train.images[:, [0, -1]] == 0).all()  # the black that was put around
    assert evaluate(whole.path, extractor="pixels").count == 16
    with pytest.raises(InputError, match="a run brings its data and its split with it"):
        evaluate(whole.path, shaping=RUN)


@pytest.mark.parametrize("written", [64, "64", "64x64", (64, 64), [64, 64]], ids=repr)
def test_a_square_size_is_one_number_or_two(written: Any) -> None:
    assert Shaping(size=written).size == (64, 64)
