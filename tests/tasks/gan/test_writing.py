"""Samples by parts: what several processes write is together what one writes, to the bit, in memory that stays."""

import csv
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn

from elmyr.core.errors import InputError
from elmyr.images import writers
from elmyr.nets import NetworkConfig
from elmyr.tasks.gan import model
from elmyr.tasks.gan.model import GAN, GANConfig
from elmyr.tasks.gan.sampling import writing
from elmyr.tasks.gan.sampling.asked import in_shares, in_shares_between
from elmyr.tasks.gan.sampling.writing import place_of_samples, write_samples

CHUNK, SHARD = 20, 30  # in place of 250 and 10,000
N = 5 * CHUNK + 12
PARTED = ["a.npz", "a.parquet", "a.tar", "a"]


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (model, writing):
        monkeypatch.setattr(module, "CHUNK", CHUNK)
    monkeypatch.setattr(writers, "SHARD", SHARD)


class Squares(nn.Module):
    """A generator that costs nothing: what an image shows follows from its latents and its label."""

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        shown = latents[:, :4] + (0 if labels is None else labels[:, None])
        return torch.tanh(shown).reshape(-1, 1, 2, 2).repeat(1, 1, 4, 4)


def new_gan(counts: tuple[int, ...] = (50, 3, 20)) -> GAN:
    classes = tuple("abcdefgh"[: len(counts)])
    config = GANConfig(
        height=8, width=8, channels=1, classes=classes, class_counts=counts, network=NetworkConfig(latent=6)
    )
    return GAN(config, Squares(), nn.Identity(), device="cpu", precision="fp32")  # type: ignore[arg-type]  # not asked


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def reference(counts: Sequence[int], n: int) -> NDArray[np.int64]:
    """The row of numbers as it is sorted whole."""
    shares = np.array(counts) / sum(counts)
    turns = [(float((turn + 0.5) / share), k) for k, share in enumerate(shares) if share for turn in range(n + 1)]
    return np.array([k for _, k in sorted(turns)[:n]], np.int64)


@given(
    counts=st.lists(st.integers(0, 50), min_size=1, max_size=6).filter(any), ends=st.tuples(*[st.integers(0, 90)] * 2)
)
def test_any_stretch_of_the_labels_is_that_of_the_whole_row(counts: list[int], ends: tuple[int, int]) -> None:
    start, stop = sorted(ends)
    row = in_shares(counts, 90)
    if min(counts) < max(counts):
        assert np.array_equal(row, reference(counts, 90))
    assert np.array_equal(in_shares_between(counts, start, stop), row[start:stop])


@pytest.mark.parametrize("asked", [{}, {"label": "b"}, {"balanced": True}, {"truncation": 0.5}, {"label": "each"}])
def test_the_parts_of_samples_are_together_the_samples(asked: dict[str, object]) -> None:
    gan = new_gan()
    if asked.get("label") == "each":
        asked = {"label": np.arange(N) // 3 % 3}
    whole = gan.sample(N, seed=3, **asked)  # type: ignore[arg-type]
    for of in (2, 6):
        parts = [gan.sample(N, seed=3, part=f"{number}/{of}", **asked) for number in range(1, of + 1)]  # type: ignore[arg-type]
        assert np.array_equal(np.concatenate([part.images for part in parts]), whole.images)
        assert np.array_equal(np.concatenate([part.require_labels() for part in parts]), whole.require_labels())
    some = gan.sample(N, seed=3, part=range(CHUNK - 7, 2 * CHUNK + 1), **asked)  # type: ignore[arg-type]
    assert np.array_equal(some.images, whole.images[CHUNK - 7 : 2 * CHUNK + 1])
    assert np.array_equal(some.require_labels(), whole.require_labels()[CHUNK - 7 : 2 * CHUNK + 1])


def test_the_last_of_a_billion_samples_costs_what_the_first_does() -> None:
    gan, peaks = new_gan(), []
    next(gan.samples(300, part=(1, 2)))
    for n in (1000, 10**9):
        tracemalloc.start()
        last = list(gan.samples(n, part=range(n - 3, n)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(last) == 1 and len(last[0]) == 3
    assert peaks[1] < 1.5 * peaks[0] < 1e6


def write(gan: GAN, path: Path, part: str | None = None) -> Path:
    place = place_of_samples(N, path, part)
    write_samples(gan, N, place, seed=2)
    return place.path


def test_what_parts_write_is_what_one_process_writes(tmp_path: Path) -> None:
    gan = new_gan()
    for name in PARTED:
        one, several = (tmp_path / name.strip(".") / which for which in ("one", "several"))
        for folder in (one, several):
            folder.mkdir(parents=True)
        whole, paths = write(gan, one / name), [write(gan, several / name, f"{number}/3") for number in (3, 1, 2)]
        if name in ("a.tar", "a.parquet"):
            assert set(paths) == {several / name}
            assert content(several) == content(one) != {}
        elif name == "a.npz":
            assert [path.name for path in paths] == ["a-3-of-3.npz", "a-1-of-3.npz", "a-2-of-3.npz"]
            with np.load(whole) as all_of_them:
                for key in ("images", "labels"):
                    parts = [np.load(path)[key] for path in sorted(paths)]
                    assert np.array_equal(np.concatenate(parts), all_of_them[key])
        else:
            files = [content(path) for path in sorted(paths)]
            tables = [list(csv.reader(part.pop("labels.csv").decode().splitlines())) for part in files]
            assert {name: png for part in files for name, png in part.items()} == {
                name: png for name, png in content(whole).items() if name != "labels.csv"
            }
            rows = list(csv.reader((whole / "labels.csv").read_text().splitlines()))
            assert [tables[0][0], *(row for table in tables for row in table[1:])] == rows


@pytest.mark.parametrize("count", [2, 7])
def test_under_torchrun_each_process_writes_its_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    gan, one, several = new_gan(), tmp_path / "one", tmp_path / "several"
    one.mkdir()
    several.mkdir()
    write(gan, one / "a.tar")
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    monkeypatch.setenv("WORLD_SIZE", str(count))
    for number in range(count):  # of seven one has nothing to write
        monkeypatch.setenv("RANK", str(number))
        write(gan, several / "a.tar")
    assert content(several) == content(one)


@pytest.mark.parametrize(
    ("name", "part", "message"),
    [
        ("a.png", "1/2", "one picture"),
        ("a.npz", "7/7", "at most 6 parts"),
        ("a.tar", "5/5", "at most 4 parts"),
        ("a.gif", "1/2", "suffix"),
        ("nowhere/a.tar", "1/1", "nowhere"),
    ],
)
def test_a_part_that_cannot_be_written_is_refused(tmp_path: Path, name: str, part: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        write(new_gan(), tmp_path / name, part)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("part", ["7/7", range(3, 3), range(0, N + 1), range(-1, 3), range(0, 9, 2)])
def test_no_samples_at_all_are_no_part(part: str | range) -> None:
    with pytest.raises(InputError, match=r"is empty|are asked for"):
        new_gan().sample(N, part=part)


@pytest.mark.parametrize("name", ["a.tar", "a.parquet"])
def test_a_part_that_is_there_already_is_refused_and_those_of_others_are_not(tmp_path: Path, name: str) -> None:
    write(new_gan(), tmp_path / name, "1/2")
    write(new_gan(), tmp_path / name, "2/2")
    there = content(tmp_path)
    with pytest.raises(InputError, match="is a shard of an older set"):
        write(new_gan(), tmp_path / name, "2/2")
    assert content(tmp_path) == there
    for path in tmp_path.iterdir():
        path.unlink()
    (tmp_path / f"a-000777-of-000888{Path(name).suffix}").touch()
    (tmp_path / f"a-000777{Path(name).suffix}").touch()
    with pytest.raises(InputError, match="a-000777"):
        write(new_gan(), tmp_path / name, "2/2")
    assert len(content(tmp_path)) == 2
