"""The index of a tar file: kept in the cache, taken while the file is the same, and never for another."""

import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

from elmyr.core.notes import kept_notes
from elmyr.images import load_images
from elmyr.images.readers.labels.members import TOLD
from elmyr.images.storage import members
from elmyr.images.storage.members import Index, Member, kept_index
from tests.images.layouts import read, tar

LABELS = {1: "cat", 2: "dog", 3: "cat"}
FILES: dict[str, bytes | str | int] = {f"{gray}.png": gray for gray in LABELS} | {
    f"{gray}.cls": name for gray, name in LABELS.items()
}


@pytest.fixture
def walks(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The tar files that are gone through, one after the other; also small ones are kept."""
    monkeypatch.setattr(members, "FEWEST_KEPT", 1)
    seen, opened = list[Path](), tarfile.open

    def noted(path: Path, mode: str = "r") -> tarfile.TarFile:
        if mode.startswith("r"):
            seen.append(path)
        return opened(path, mode)  # type: ignore[call-overload]  # of literal modes

    monkeypatch.setattr(tarfile, "open", noted)
    return seen


def kept() -> list[Path]:
    return sorted((Path(os.environ["ELMYR_CACHE_DIR"]) / "members").glob("*"))


def test_a_shard_is_gone_through_once_and_read_the_same_after(
    tmp_path: Path, walks: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = {"readme.md": "x", "nested/4.JSON": "{}"}
    path = tar(tmp_path / "a.tar", FILES | odd)
    walks.clear()
    first = read(path)
    assert walks == [path] and first.train == LABELS and "passed over" in first.notes[0]
    for _ in range(2):
        assert read(path) == first
    assert walks == [path]
    with kept_notes():
        pixels = load_images(path).images
        monkeypatch.setenv("ELMYR_CACHE_DIR", str(tmp_path / "other"))
        assert np.array_equal(load_images(path).images, pixels) and len(walks) == 2


@pytest.mark.parametrize("change", ["content", "same size and time", "replaced", "time"])
def test_a_shard_that_changed_is_gone_through_again(tmp_path: Path, walks: list[Path], change: str) -> None:
    path = tar(tmp_path / "a.tar", FILES)
    assert read(path).train == LABELS
    before, walks[:] = path.stat(), []
    others = {name: "cow" if content == "cat" else content for name, content in FILES.items()}
    if change == "time":
        os.utime(path, (1, 1))
    elif change == "replaced":
        os.replace(tar(tmp_path / "b.tar", others), path)
    else:
        tar(path, others | ({"4.png": 4, "4.cls": "dog"} if change == "content" else {}))
    if change in ("same size and time", "replaced"):
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert path.stat().st_size == before.st_size
    walks.clear()
    found = read(path).train
    assert walks == [path] and (set(found.values()) == {"cat", "dog"}) == (change == "time")
    assert read(path).train == found and walks == [path]
    assert len(kept()) == 1  # in place of the one before


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"\x93NUMPY", "cut"])
def test_an_index_that_is_not_whole_is_made_again(tmp_path: Path, walks: list[Path], content: bytes | str) -> None:
    path = tar(tmp_path / "a.tar", FILES)
    assert read(path).train == LABELS
    (index,) = kept()
    index.write_bytes(index.read_bytes()[:-40] if isinstance(content, str) else content)
    walks.clear()
    assert read(path).train == LABELS and walks == [path]
    assert read(path).train == LABELS and walks == [path]


def test_an_index_with_any_byte_damaged_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tar"
    path.touch()
    index = Index([Member(f"{number}", 512 * number, 9, {"cls": "cat"}) for number in range(9)], ["readme.md"])
    monkeypatch.setattr(members, "FEWEST_KEPT", 1)
    kept_index(path, lambda: index)
    monkeypatch.setattr(members, "FEWEST_KEPT", 100)  # so that the damaged one stays
    (file,) = kept()
    whole, walked = file.read_bytes(), 0

    def walk() -> Index:
        nonlocal walked
        walked += 1
        return index

    for place in range(0, len(whole), 5):  # the headers of the archive, and what is deflated
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        assert kept_index(path, walk) == index
    assert walked > len(whole) / 10


def test_an_index_by_another_elmyr_or_by_other_kinds_of_labels_is_made_again(
    tmp_path: Path, walks: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tar(tmp_path / "a.tar", FILES)
    walks.clear()
    for changed, count in ((lambda: None, 1), (lambda: monkeypatch.setattr(members, "__version__", "0.0.9"), 2)):
        changed()
        assert read(path).train == LABELS and read(path).train == LABELS and len(walks) == count
    monkeypatch.delitem(TOLD, ".json")
    assert read(path).train == LABELS and len(walks) == 3


def test_what_is_refused_is_refused_each_time_and_not_kept(tmp_path: Path, walks: list[Path]) -> None:
    path = tar(tmp_path / "a.tar", FILES | {"../b.png": 1})
    for _ in range(2):
        assert "which leads out of it" in read(path).refused
    assert kept() == []


def test_a_file_that_changes_while_it_is_gone_through_is_not_kept(tmp_path: Path, walks: list[Path]) -> None:
    path = tmp_path / "a.tar"
    path.touch()

    def walk() -> Index:
        os.utime(path, (2, 2))
        return Index([Member("a", 512, 9, {"\ud800": "odd"})], [])

    assert kept_index(path, walk) == walk() and kept() == []
    still = Index([Member("a", 512, 9, {"\ud800": "odd"})], ["\udcff"])
    assert kept_index(path, lambda: still) == still
    assert kept_index(path, lambda: pytest.fail("it is kept")) == still


def test_where_the_cache_cannot_be_written_shards_are_read(
    tmp_path: Path, walks: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ELMYR_CACHE_DIR", str(tmp_path / "file"))
    path = tar(tmp_path / "a.tar", FILES)
    assert read(path).train == LABELS and read(path).train == LABELS


def test_few_members_are_not_worth_an_index(tmp_path: Path) -> None:
    assert read(tar(tmp_path / "a.tar", FILES)).train == LABELS
    assert kept() == []
