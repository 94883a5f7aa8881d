import os
from collections import Counter
from pathlib import Path

import pytest

from elmyr.core.errors import InputError
from elmyr.images.decode.listing import Listing, as_people_order, files_in, listed, matches_of, paths_in


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def names_of(listing: Listing, folder: Path) -> list[str]:
    return [os.path.relpath(file, folder) for file in listing.files]


def test_the_files_of_a_folder_and_those_inside_come_in_natural_order(tmp_path: Path) -> None:
    names = ["10.png", "2.PNG", "1.png", "B/11.jpg", "B/9.jpg", "a 3.webp", "猫/１.png", "2024-01-05/x.tif"]
    found = files_in(str(touched(tmp_path, *names)))
    assert names_of(found, tmp_path) == [
        *("1.png", "2.PNG", "10.png", "2024-01-05/x.tif", "a 3.webp", "B/9.jpg", "B/11.jpg", "猫/１.png")
    ]


def test_what_is_passed_over_in_a_folder_is_counted(tmp_path: Path) -> None:
    names = ["a.png", "notes.txt", "more.TXT", "Makefile", ".hidden.png", "__MACOSX/a.png", "@eaDir/b.png", "c.mov"]
    found = files_in(str(touched(tmp_path, *names)))
    assert names_of(found, tmp_path) == ["a.png"]
    assert found.passed_over == {".txt": 2, "": 1, ".mov": 1}
    assert found.told() == "2 .txt, 1 without a suffix, 1 .mov"
    many = Listing([], Counter({f".{sign}": 1 for sign in "abcdefg"}))
    assert many.told().endswith("1 .e, …")


def test_links_are_followed_once(tmp_path: Path) -> None:
    folder = touched(tmp_path / "photos", "in/1.png")
    elsewhere = touched(tmp_path / "elsewhere", "2.png")
    (folder / "link").symlink_to(elsewhere)
    (folder / "in" / "round").symlink_to(folder)
    (folder / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (folder / "one.png").symlink_to(elsewhere / "2.png")
    assert names_of(files_in(str(folder)), folder) == ["gone.png", "in/1.png", "link/2.png", "one.png"]


def test_words_keep_their_order_and_globs_are_natural(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(touched(tmp_path, "b.png", "a.png", "p/10.png", "p/2.png", "p/deep/1.png", "odd[1].png"))
    assert listed(["b.png", "a.png", Path("b.png")]).files == ["b.png", "a.png", "b.png"]
    assert listed(["p/*.png", "nowhere.png"]).files == ["p/2.png", "p/10.png", "nowhere.png"]
    assert matches_of("p/**/*.png") == ["p/2.png", "p/10.png", "p/deep/1.png"]
    assert listed(["odd[1].png"]).files == ["odd[1].png"]  # a file of that name is no pattern


def test_what_a_shell_makes_of_a_glob_comes_in_natural_order_and_what_is_typed_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(touched(tmp_path, "1.png", "10.png", "2.png", "B1.png", "a10.png", "a2.png"))
    assert as_people_order(["1.png", "10.png", "2.png"]) == ["1.png", "2.png", "10.png"]
    assert as_people_order(["a10.png", "a2.png", "B1.png"]) == ["a2.png", "a10.png", "B1.png"]
    for typed in (["2.png", "1.png", "10.png"], ["1.png", "10.png", "2.png", "nowhere.png"], ["-", "10.png", "2.png"]):
        assert as_people_order(typed) == typed


@pytest.mark.parametrize(
    ("word", "message"),
    [("none/*.png", "'none/\\*.png' matches no file"), ("empty", "'empty' has no images .*: it is empty")],
)
def test_a_word_that_stands_for_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=message):
        listed([word])


def test_a_folder_of_other_files_says_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no images .*: it holds 1 .txt"):
        listed([touched(tmp_path / "notes", "a.txt")])


def test_a_list_is_read_as_editors_and_find_write_it() -> None:
    assert paths_in("\ufeffa b.png\r\n\r\nü/2.png\n".encode()) == ["a b.png", "ü/2.png"]
    assert paths_in(b"with\nnewline.png\0other.png\0") == ["with\nnewline.png", "other.png"]
    assert paths_in(b"\n") == []
    assert os.fsencode(paths_in(b"\xff.png\n")[0]) == b"\xff.png"
