"""Sets larger than memory: the same images as in memory, and next to nothing of them in it."""

import json
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from elmyr.core.errors import InputError
from elmyr.engine.data import Joined, ResidentData
from elmyr.engine.task import Batch
from elmyr.images import ImageSet, StoredPixels, load_images, open_source, split_source
from elmyr.images.storage import stored
from tests.images.any_size import sparse

PIXELS = np.random.default_rng(0).integers(0, 256, (60, 8, 9, 3), dtype=np.uint8)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(stored, "LARGE", 1000)
    np.save(tmp_path / "large.npy", PIXELS)
    return tmp_path / "large.npy"


def test_every_way_to_index_gives_what_an_array_gives(path: Path) -> None:
    images = load_images(path).images
    assert isinstance(images, StoredPixels)
    assert (images.shape, len(images), images.size, images.dtype) == (PIXELS.shape, 60, PIXELS.size, np.uint8)
    places = np.random.default_rng(1).permutation(60)[:20]
    some, known = images.take(places), PIXELS[places]
    for of_disk, of_memory in ((images, PIXELS), (some, known), (some.take(np.array([3, 3, 0])), known[[3, 3, 0]])):
        for wanted in (0, -1, slice(2, 5), slice(None), slice(0, 0), slice(9, 1, -3), np.array([2, 0, 2]), [1]):
            assert np.array_equal(of_disk[wanted], of_memory[wanted])
        assert np.array_equal(np.asarray(of_disk), of_memory)
        assert all(np.array_equal(one, other) for one, other in zip(of_disk, of_memory, strict=True))


def test_a_stored_set_is_the_same_set(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_disk = open_source(path)
    parts = split_source(on_disk, 3)
    assert isinstance(parts.train.images, StoredPixels)
    monkeypatch.setattr(stored, "LARGE", 1 << 30)
    in_memory = open_source(path)
    assert not isinstance(in_memory.train.images, StoredPixels)
    of_memory = split_source(in_memory, 3)
    assert on_disk.train.digest() == in_memory.train.digest()
    assert parts.train.digest() == of_memory.train.digest()
    data, known = (ResidentData(one, seed=1, device=torch.device("cpu")) for one in (parts.train, of_memory.train))
    for position in (0, 16, 64):
        assert torch.equal(data.batch(position, 16).images, known.batch(position, 16).images)


def test_a_device_with_room_for_a_large_set_has_it_all(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "AHEAD", 7 * 8 * 9 * 3)  # in nine blocks, the last of four images
    on_disk = ImageSet(StoredPixels(path), np.arange(60) % 3, ("a", "b", "c"))
    monkeypatch.setattr("elmyr.core.machine.keeps_resident", lambda size, device: size == PIXELS.size)
    data = ResidentData(on_disk, seed=1, device=torch.device("cpu"))
    path.unlink()
    known = ResidentData(ImageSet(PIXELS, on_disk.labels, on_disk.classes), seed=1, device=torch.device("cpu"))
    for position in (0, 16, 56):
        assert torch.equal(data.batch(position, 16).images, known.batch(position, 16).images)


def settled(data: ResidentData) -> None:
    """Returns when all that was to be read ahead is read."""
    assert data._ahead is not None
    data._ahead._pool.submit(int).result()


def test_the_next_batch_is_read_on_a_thread_and_every_order_of_asking_gives_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = list[str]()
    read = StoredPixels._read

    def told(images: StoredPixels, firsts: list[int], run: int) -> np.ndarray:
        readers.append(threading.current_thread().name.partition("_")[0])
        return read(images, firsts, run)

    images = ImageSet(StoredPixels(path), np.arange(60) % 3, ("a", "b", "c"))
    monkeypatch.setattr(StoredPixels, "_read", told)
    data = ResidentData(images, seed=1, device=torch.device("cpu"))
    known = ResidentData(ImageSet(PIXELS, images.labels, images.classes), seed=1, device=torch.device("cpu"))
    asked = [(0, 16), (16, 16), (32, 16), (48, 16), (64, 16), (0, 16), (16, 8), (24, 60), (7, 7)]
    for position, size in asked:
        batch, expected = data.batch(position, size), known.batch(position, size)
        assert torch.equal(batch.images, expected.images)
        assert batch.labels is not None and expected.labels is not None and torch.equal(batch.labels, expected.labels)
    assert len(data.at(torch.tensor([3, 1])).images) == 2
    assert readers.count("MainThread") == 6  # the first, four that were not expected, and two alone
    settled(data)
    assert readers.count("read ahead") == len(asked)


def test_of_a_share_no_other_image_is_read_now_or_ahead(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, original = list[int](), StoredPixels._read

    def told(images: StoredPixels, firsts: list[int], run: int) -> np.ndarray:
        assert run == 1
        read.extend(firsts)
        return original(images, firsts, run)

    monkeypatch.setattr(StoredPixels, "_read", told)
    data = ResidentData(ImageSet(StoredPixels(path)), seed=1, device=torch.device("cpu"))
    known = ResidentData(ImageSet(PIXELS), seed=1, device=torch.device("cpu"))
    share = slice(4, 8)
    for position in (0, 8, 16):
        batch, expected = data.batch(position, 8), known.batch(position, 8)
        assert len(batch) == 8
        assert torch.equal(batch.part(share).images, expected.images[share])
    settled(data)
    assert read == [int(place) for position in (0, 8, 16, 24) for place in known.order(position, 8)[share]]
    batch = ResidentData(ImageSet(StoredPixels(path)), seed=1, device=torch.device("cpu")).batch(40, 8)
    partners = torch.tensor([7, 0, 7])
    assert torch.equal(batch.images_at(partners), known.batch(40, 8).images[partners])


@pytest.mark.parametrize("places", [[0, 3, 9], [9, 0, 5, 5, 3], [4, 5], [2], [7, 8]])
def test_of_joined_batches_any_places_in_any_order(places: list[int]) -> None:
    pixels = torch.from_numpy(PIXELS).permute(0, 3, 1, 2)
    parts = [Batch(pixels[:3], None), Batch(pixels[3:3], None), Batch(pixels[3:8], None), Batch(pixels[8:12], None)]
    joined = Batch(Joined(parts), torch.arange(12))
    assert len(joined) == 12
    assert torch.equal(joined.images_at(torch.tensor(places)), pixels[places])
    part = joined.part(slice(2, 9))
    assert torch.equal(part.images, pixels[2:9]) and part.labels is not None and part.labels.tolist() == [*range(2, 9)]
    assert torch.equal(joined.images, pixels[:12]) and torch.equal(joined.part(slice(2, 9)).images, pixels[2:9])


def test_a_file_that_is_cut_while_it_is_read_ahead_is_told(path: Path) -> None:
    data = ResidentData(ImageSet(StoredPixels(path)), seed=1, device=torch.device("cpu"))
    data.order(0, 1)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(OSError, match="has become shorter"):
        for position in range(0, 60, 16):
            assert len(data.batch(position, 16).images) == 16


def test_gray_images_without_a_channel_axis_have_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "LARGE", 1000)
    np.save(tmp_path / "gray.npy", PIXELS[..., 0])
    assert np.array_equal(load_images(tmp_path / "gray.npy").in_memory(), PIXELS[..., :1])


@pytest.mark.parametrize("kind", ["short", "type", "order", "flat"])
def test_a_large_file_that_is_not_what_it_says_is_refused(path: Path, kind: str) -> None:
    if kind == "short":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        wrong = {"type": PIXELS.astype(np.int16), "order": np.asfortranarray(PIXELS), "flat": PIXELS.ravel()}[kind]
        np.save(path, wrong)
    with pytest.raises(InputError, match=r"large\.npy"):
        load_images(path)


def test_a_part_keeps_its_labels(path: Path) -> None:
    images = ImageSet(StoredPixels(path), np.arange(60) % 3, ("a", "b", "c"))
    part = images.take([5, 1])
    assert part.require_labels().tolist() == [2, 1]
    assert np.array_equal(part.in_memory(), PIXELS[[5, 1]])


@pytest.mark.slow
def test_ten_million_images_are_learned_from_within_a_gigabyte(tmp_path: Path) -> None:
    """A sparse file of 123 GB: opened, split and trained on in a process of its own."""
    sparse(tmp_path / "huge.npy", (10_000_000, 64, 64, 3))
    program = """
        import json, resource, sys
        import torch
        from elmyr.images import open_source, split_source
        from elmyr.engine.data import Joined, ResidentData
from elmyr.engine.task import Batch
        splits = split_source(open_source(sys.argv[1]), 0)
        data = ResidentData(splits.train, seed=0, device=torch.device("cpu"))
        for position in range(0, 64 * 200, 64):
            data.batch(position, 64)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps({"images": len(splits.train), "peak_kb": peak}))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path / "huge.npy")],
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    assert told["images"] == 6_250_000
    assert told["peak_kb"] < 1_000_000
