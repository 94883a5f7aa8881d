"""The hostile corpus: each bad input is refused in one line, or its damaged images are skipped with a warning.

The inputs and their answers are in `corpus.py`, `corpus_folders.py`, `corpus_archives.py` and `corpus_arrays.py`.
"""

import io
import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from elmyr.core.errors import InputError
from elmyr.core.notes import DataWarning
from elmyr.images import open_source, take_account
from tests.images.corpus import IMAGE_CASES, Case, encoded, picture
from tests.images.corpus_archives import ARCHIVE_CASES, labeled, tar_cut_off
from tests.images.corpus_arrays import ARRAY_CASES, GOOD, npz
from tests.images.corpus_folders import FOLDER_CASES

CASES = [case for case in IMAGE_CASES + FOLDER_CASES + ARCHIVE_CASES + ARRAY_CASES if case.possible]
LONGEST_LINE = 600
MOST_MEMORY = 100  # MiB
MOST_TIME = 3.0  # seconds: generous, each takes less than one


def built(case: Case, folder: Path) -> Path:
    folder.mkdir(parents=True)
    return case.build(folder)


def told(path: Path) -> tuple[str, int, list[str]]:
    """What is told of a path: the refusal, or the number of images, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            refused, count = "", len(open_source(path).train)
        except InputError as error:
            refused, count = str(error), 0
    assert all(issubclass(warning.category, DataWarning) for warning in caught)
    return refused, count, [str(warning.message) for warning in caught]


def tree(folder: Path) -> set[str]:
    """All that lies in a folder, but for the cache."""
    found = {os.path.join(place, name) for place, *inside in os.walk(folder) for names in inside for name in names}
    return {path for path in found if not path.startswith(str(folder / "cache"))}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_gets_its_answer_and_leaves_no_file(case: Case, tmp_path: Path) -> None:
    path = built(case, tmp_path / "data")
    before = tree(tmp_path)
    refused, count, warned = told(path)
    assert tree(tmp_path) == before
    assert re.search(case.refused, refused) if case.refused else not refused, refused
    assert count == case.read
    assert bool(warned) == bool(case.warned)
    assert all(re.search(case.warned, warning) for warning in warned), warned


def test_every_refusal_and_warning_is_one_short_line(tmp_path: Path) -> None:
    for case in CASES:
        refused, _, warned = told(built(case, tmp_path / case.name / "data"))
        for line in filter(None, [refused, *warned]):
            assert len(line.splitlines()) == 1, case.name
            assert len(line.replace(str(tmp_path), "")) < LONGEST_LINE, case.name
            line.encode()  # a name that is no text cannot be printed


def test_data_info_has_an_account_or_the_same_refusals(tmp_path: Path) -> None:
    for case in CASES:
        path = built(case, tmp_path / case.name / "data")
        try:
            account = take_account(path)
        except InputError as error:
            assert case.refused and len(str(error).splitlines()) == 1, case.name
        else:
            assert account.train.count == case.read or case.refused, case.name


def test_no_case_takes_another_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES) > 60


# --- cut off


FORMATS = {"png": "PNG", "jpg": "JPEG", "gif": "GIF", "bmp": "BMP", "tif": "TIFF", "webp": "WEBP"}


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_image_cut_off_anywhere_is_refused_by_name_or_still_whole(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    whole = encoded(FORMATS[suffix], picture(mode="RGB"))
    pixels = np.asarray(Image.open(io.BytesIO(whole)).convert("RGB"))
    for length in range(0, len(whole), 10):
        path.write_bytes(whole[:length])
        try:
            found = open_source(tmp_path).train.images[0]
        except InputError as error:
            assert f"1 unreadable image ('a.{suffix}'" in str(error)
        else:
            assert length > 0.9 * len(whole) and np.array_equal(found, pixels), length


ARCHIVES: dict[str, Callable[[], bytes]] = {
    "set.parquet": labeled([0, 1]),
    "set.npz": lambda: npz(images=GOOD, labels=GOOD),
    "set.npy": lambda: GOOD,
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_file_cut_off_anywhere_is_refused_by_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    whole = ARCHIVES[name]()
    for length in range(0, len(whole), 10):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=name):
            open_source(path)


def test_a_tar_cut_off_anywhere_before_its_end_mark_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "set.tar"
    for length in [*range(0, 4 * 1024, 100), 1024, 2048, 3072, 4096]:
        path.write_bytes(tar_cut_off(length))
        with pytest.raises(InputError, match="set.tar"):
            open_source(path)
    path.write_bytes(tar_cut_off(4096 + 1024))
    assert len(open_source(path).train) == 2


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_image_with_bytes_that_are_not_its_own_is_read_or_refused_by_name(suffix: str, tmp_path: Path) -> None:
    whole = np.frombuffer(encoded(FORMATS[suffix], picture(mode="RGB")), np.uint8)
    random = np.random.default_rng(0)
    for _ in range(60):
        changed = whole.copy()
        changed[random.integers(len(whole), size=3)] = random.integers(256, size=3)
        (tmp_path / f"a.{suffix}").write_bytes(changed.tobytes())
        refused, count, _ = told(tmp_path)
        assert count == 1 or f"'a.{suffix}'" in refused


# --- what it costs


# Of each path on stdin: its seconds, and the MiB that it took for a while. Linux alone can forget an earlier peak.
MEASURE = """
import json, pathlib, sys, time, warnings
import pyarrow.parquet
from elmyr.core.errors import InputError
from elmyr.images import open_source

def mebibytes(name):
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split(name + ":")[1].split()[0]) / 1024

warnings.simplefilter("ignore")
for path in json.load(sys.stdin):
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    before, start = mebibytes("VmRSS"), time.perf_counter()
    try:
        open_source(path)
    except InputError:
        pass
    print(json.dumps([time.perf_counter() - start, mebibytes("VmHWM") - before]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
def test_none_takes_long_or_much_memory(tmp_path: Path) -> None:
    paths = [str(built(case, tmp_path / case.name / "data")) for case in CASES]
    words = [sys.executable, "-c", MEASURE]
    measured = subprocess.run(words, input=json.dumps(paths), capture_output=True, text=True, check=True, timeout=300)
    costs = {case.name: json.loads(line) for case, line in zip(CASES, measured.stdout.splitlines(), strict=True)}
    assert {name: cost for name, cost in costs.items() if cost[0] > MOST_TIME or cost[1] > MOST_MEMORY} == {}
