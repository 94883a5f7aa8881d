from pathlib import Path

import numpy as np
import pytest

from elmyr.core.errors import InputError
from elmyr.images import ImageSet, Source, load_images, open_source, save_npz


def blank(n: int, size: int = 2, classes: tuple[str, ...] = ()) -> ImageSet:
    labels = np.zeros(n, np.int64) if classes else None
    return ImageSet(np.zeros((n, size, size, 1), np.uint8), labels, classes)


def test_an_unknown_name_is_told_with_the_nearest_known() -> None:
    with pytest.raises(InputError) as caught:
        open_source("mnits")
    assert str(caught.value) == "no data named 'mnits' and no such path: did you mean 'mnist'?"
    with pytest.raises(InputError, match="choose from: .*digits,.* mnist"):
        open_source("zebra")


def test_a_path_that_is_not_there_is_answered_with_one_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(InputError, match=f"no such path '{tmp_path}/fotos': did you mean '{tmp_path}/photos'"):
        open_source(tmp_path / "fotos")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="no such path 'photso': did you mean 'photos'"):
        open_source("photso")
    with pytest.raises(InputError, match="no data named 'digitz' and no such path: did you mean 'digits'"):
        open_source("digitz")
    with pytest.raises(InputError, match="no such path '.*/zebra': check how it is written"):
        open_source(tmp_path / "zebra")


def test_a_known_name_wins_over_a_path_of_the_same_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_npz(blank(3), tmp_path / "digits")
    assert len(open_source("digits").train) == 1797


def test_a_path_may_be_text_or_path_and_names_the_source(tmp_path: Path) -> None:
    save_npz(blank(3), tmp_path / "mine.npz")
    for path in (tmp_path / "mine.npz", str(tmp_path / "mine.npz")):
        source = open_source(path)
        assert (source.name, len(source.train), source.test) == ("mine", 3, None)


def test_a_file_that_is_no_image_set_is_told_with_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InputError, match=r"notes.txt' holds no images: give an .npz file"):
        open_source(tmp_path / "notes.txt")


def test_mnist_without_a_data_root_is_told_with_its_files_and_their_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ELMYR_DATA", raising=False)
    with pytest.raises(InputError, match="train-images-idx3-ubyte.*folder 'mnist'.*--data-root or ELMYR_DATA"):
        open_source("mnist")


def test_the_data_root_comes_from_the_argument_else_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELMYR_DATA", str(tmp_path / "one"))
    with pytest.raises(InputError, match=r"one.mnist' has no"):
        open_source("mnist")
    with pytest.raises(InputError, match=r"two.mnist' has no"):
        open_source("mnist", tmp_path / "two")


def test_test_images_are_given_only_where_the_source_has_its_own() -> None:
    assert len(load_images("digits")) == 1797
    with pytest.raises(InputError, match="'digits' has no test split of its own"):
        load_images("digits", split="test")
    with pytest.raises(InputError, match="no split named 'tset': did you mean 'test'"):
        load_images("digits", split="tset")


def test_a_source_whose_test_images_do_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="make them one shape"):
        Source("odd", blank(3), blank(3, size=4))
    with pytest.raises(InputError, match="has test images of 'b', and no training image is of that class"):
        Source("odd", blank(3, classes=("a",)), blank(3, classes=("b",)))
