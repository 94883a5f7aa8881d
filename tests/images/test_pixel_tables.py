"""Tables of pixels as people have them: Kaggle's digits, their like without names, FER2013; and what is refused."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elmyr.core.errors import InputError
from elmyr.core.notes import kept_notes
from elmyr.images import Source, convert, open_source

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 8, 8), dtype=np.uint8)
LABELS = np.arange(12) % 3
NAMES = [f"pixel{number}" for number in range(64)]


def table(path: Path, columns: dict[str, Any], *, names: bool = True, separator: str = ",") -> Path:
    """A table of columns, each a list of cells or an array (N, P) of several that are named alike."""
    header, cells = [], []
    for name, column in columns.items():
        many = np.asarray(column)
        header += [name] if many.ndim == 1 else [name.format(number) for number in range(many.shape[1])]
        cells.append(many[:, None] if many.ndim == 1 else many)
    rows = [header] * names + [[str(cell) for part in row for cell in part] for row in zip(*cells, strict=True)]
    text = "".join(separator.join(row) + "\n" for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def opened(path: Path) -> tuple[Source, list[str]]:
    with kept_notes() as told:
        return open_source(path), told


FLAT = IMAGES.reshape(12, 64)


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        ({"label": LABELS, "pixel{}": FLAT}, True),
        ({"pixel{}": FLAT, "label": LABELS}, True),
        ({"Id": np.arange(12), "p{}": FLAT, "Class": LABELS}, True),
        ({"": np.arange(12), "{}": FLAT, "target": LABELS}, True),
        ({"label": LABELS, "1x{}": FLAT}, True),
        ({"label": LABELS, "pixel{}": FLAT}, False),
        ({"pixel{}": FLAT, "label": LABELS}, False),
        ({"label": [f"c{label}" for label in LABELS], "pixel{}": FLAT}, False),
        ({"label": [f"c{label}" for label in LABELS], "{}": FLAT}, True),
    ],
    ids=[
        "kaggle",
        "label last",
        "with an id",
        "with an index",
        "1x1",
        "without names",
        "without names, label last",
        "words without names",
        "words with counted columns",
    ],
)
@pytest.mark.parametrize(("suffix", "separator"), [(".csv", ","), (".csv.gz", ","), (".csv", ";"), (".tsv", "\t")])
def test_pixels_and_labels_are_found_in_their_columns(
    tmp_path: Path, columns: dict[str, Any], names: bool, suffix: str, separator: str
) -> None:
    if not names and list(columns)[-1] == "label":
        columns = {"pixel{}": np.where(np.arange(64) == 0, 0, FLAT), "label": LABELS}  # a corner that is always black
    source, told = opened(table(tmp_path / f"digits{suffix}", columns, names=names, separator=separator))
    assert np.array_equal(source.train.images.reshape(12, 64)[:, 1:], FLAT[:, 1:])
    assert source.train.require_labels().tolist() == LABELS.tolist()
    assert source.name == "digits" and any("labels from " in line for line in told)


def test_a_folder_of_two_tables_has_two_parts_and_converts(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    table(folder / "mnist_train.csv", {"label": ["a", "b", "c"] * 4, "pixel{}": FLAT})
    table(folder / "mnist_test.csv", {"label": ["c", "a"], "pixel{}": FLAT[:2]})
    (folder / "readme.txt").write_text("about")
    source, _ = opened(folder)
    assert source.train.classes == ("a", "b", "c") and source.test is not None
    assert source.test.require_labels().tolist() == [2, 0]
    with kept_notes():
        written = convert(folder, tmp_path / "out.npz")
    assert [np.load(path)["images"].shape for path in written] == [(12, 8, 8, 1), (2, 8, 8, 1)]


def test_a_test_table_without_labels_is_left_out_and_told(tmp_path: Path) -> None:
    table(tmp_path / "set" / "train.csv", {"label": LABELS, "pixel{}": FLAT})
    table(tmp_path / "set" / "test.csv", {"pixel{}": FLAT})
    source, told = opened(tmp_path / "set")
    assert source.test is None and any("have no labels and are left out" in line for line in told)
    assert opened(tmp_path / "set" / "test.csv")[0].train.labels is None


def test_pixels_in_one_column_with_their_part_are_read(tmp_path: Path) -> None:
    columns = {
        "emotion": LABELS,
        "pixels": [" ".join(map(str, row)) for row in FLAT],
        "Usage": ["Training"] * 8 + ["PublicTest"] * 2 + ["PrivateTest"] * 2,
    }
    source, _ = opened(table(tmp_path / "fer2013.csv", columns))
    assert np.array_equal(source.train.images[..., 0], IMAGES[:8]) and source.test is not None
    assert np.array_equal(source.test.images[..., 0], IMAGES[8:])
    assert source.test.require_labels().tolist() == LABELS[8:].tolist()


def test_labels_of_numbers_and_letters_are_words(tmp_path: Path) -> None:
    labels = ["7", "A", "b"] * 4
    source, _ = opened(table(tmp_path / "a.csv", {"label": labels, "pixel{}": FLAT}))
    assert [source.train.classes[label] for label in source.train.require_labels()] == labels


@pytest.mark.parametrize("last", [False, True])
def test_without_names_the_column_of_fewer_values_holds_the_labels(tmp_path: Path, last: bool) -> None:
    columns = {"p{}": FLAT, "label": LABELS} if last else {"label": LABELS, "p{}": FLAT}
    source, told = opened(table(tmp_path / "a.csv", columns, names=False))
    assert source.train.labels is not None and source.train.labels.tolist() == LABELS.tolist()
    assert f"labels from the {'last' if last else 'first'} column" in told[0]


def test_rows_of_colored_images_are_answered_with_the_line_of_numpy(tmp_path: Path) -> None:
    flat = np.random.default_rng(0).integers(0, 256, (6, 192))
    for names in (True, False):
        path = table(tmp_path / f"{names}.csv", {"label": LABELS[:6], "pixel{}": flat}, names=names)
        with pytest.raises(InputError, match=r"RGB images of 8x8.*pixels.reshape\(-1, 3, 8, 8\)"):
            opened(path)


def test_columns_that_are_not_read_are_named(tmp_path: Path) -> None:
    _, told = opened(table(tmp_path / "a.csv", {"id": np.arange(12), "label": LABELS, "pixel{}": FLAT}))
    assert told[1] == f"'{tmp_path / 'a.csv'}': columns that are not read: 'id'"


@settings(deadline=None, max_examples=20)
@given(st.sampled_from([1.0, 255.0, 16.0]), st.integers(0, 2**31))
def test_any_range_of_values_is_that_of_the_whole_table(highest: float, seed: int) -> None:
    from tempfile import TemporaryDirectory

    values = np.round(np.random.default_rng(seed).uniform(0, highest, (12, 64)), 3)
    values[0, 0] = highest
    with TemporaryDirectory() as folder:
        source, _ = opened(table(Path(folder) / "a.csv", {"label": LABELS, "pixel{}": values}))
    assert np.abs(source.train.images.reshape(12, 64) - values * (255 / highest)).max() < 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (",".join(["label", *NAMES, "pixel64"]) + "\n" + ",".join(["1"] * 66) + "\n", "65 pixels.*no square image"),
        (",".join(["label", *NAMES]) + "\n" + ",".join(["1"] * 65) + "\n1,2\n", "cannot be read as a table of pixels"),
        (
            ",".join(["label", *NAMES]) + "\n" + ",".join(["1"] * 65) + "\n" + ",".join(["x"] * 65) + "\n",
            "cannot be read",
        ),
    ],
    ids=["no square", "a short row", "words among the pixels"],
)
def test_a_damaged_table_is_refused_by_name(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "bad.csv").write_text(content)
    with pytest.raises(InputError, match=f"bad.csv': .*{reason}"):
        opened(tmp_path / "bad.csv")


def test_tables_whose_names_tell_of_no_part_are_refused_in_one_folder(tmp_path: Path) -> None:
    for name in ("one", "two"):
        table(tmp_path / "set" / f"{name}.csv", {"label": LABELS, "pixel{}": FLAT})
    with pytest.raises(InputError, match=r"holds 'one.csv', 'two.csv': name the one that is meant"):
        opened(tmp_path / "set")


def test_a_column_of_labels_may_be_named(tmp_path: Path) -> None:
    from elmyr import Shaping

    path = table(tmp_path / "a.csv", {"label": LABELS, "pixel{}": FLAT, "writer": ["x", "y"] * 6})
    with kept_notes():
        assert open_source(path, shaping=Shaping(label_column="writer")).train.classes == ("x", "y")
    with pytest.raises(InputError, match="has no column 'wrter': did you mean 'writer'"):
        open_source(path, shaping=Shaping(label_column="wrter"))
