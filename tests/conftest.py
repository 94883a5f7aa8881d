"""Small image sets and runs that the tests share."""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # one thread a test worker: before torch is imported

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from elmyr.core import plugins
from elmyr.images import ImageSet, save_npz

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as in what a shell began in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("elmyr", deadline=None)  # how long an example takes is nothing that a test asserts
settings.load_profile("elmyr")


def small_image_set(n: int = 120, classes: int = 3, size: int = 8, channels: int = 1, seed: int = 0) -> ImageSet:
    """Blobs whose place tells their class: learned in a moment, not a constant."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n, dtype=np.int64) % classes
    images = rng.integers(0, 60, (n, size, size, channels), dtype=np.uint8)
    for number, label in enumerate(labels):
        row = int(label) * (size // classes)
        images[number, row : row + 2, 1 : size - 1] += 180
    return ImageSet(images, labels, tuple("abcdefghij"[:classes]), name="blobs")


@pytest.fixture
def blobs() -> ImageSet:
    return small_image_set()


@pytest.fixture
def blobs_file(tmp_path: Path) -> Path:
    path = tmp_path / "blobs.npz"
    save_npz(small_image_set(), path)
    return path


@pytest.fixture(scope="session")
def extractors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of the feature extractors that the tests of a session train."""
    return tmp_path_factory.mktemp("extractors")


@pytest.fixture
def quick_extractor(_own_folders: None, extractors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A feature extractor that has learned enough to see blobs, in a second; once for the same images."""
    monkeypatch.setattr("elmyr.evaluation.features.UPDATES", 80)
    monkeypatch.setenv("ELMYR_CACHE_DIR", str(extractors))


@pytest.fixture
def quick_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recognizers that tell what images are good for, of as many updates as blobs need."""
    monkeypatch.setattr("elmyr.evaluation.downstream.default_updates", lambda images: 60)


@pytest.fixture
def without_imbalanced_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where it is not installed."""
    for module in [name for name in sys.modules if name.split(".")[0] == "imblearn"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "imblearn", None)


@pytest.fixture(autouse=True)
def _own_parts() -> Iterator[None]:
    """What a test adds to a table of parts, and as a command, is taken out again."""
    yield
    take_out_own_commands()
    for kind, of_kind in plugins.KINDS.items():
        if of_kind.table.partition(":")[0] in sys.modules:
            table = plugins.table_of(kind)
            for name in list(table.origins):
                table.remove(name)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the user's cache, data or runs, or the network."""
    monkeypatch.setenv("ELMYR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("ELMYR_DATA", raising=False)
    monkeypatch.setenv("ELMYR_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)


def take_out_own_commands() -> None:
    """Takes the groups of tasks that plug-ins have added out of the command line, where that was loaded."""
    if "elmyr.cli.app" in sys.modules:
        app, own = sys.modules["elmyr.cli.app"].app, plugins.table_of("task").origins
        app.registered_groups = [group for group in app.registered_groups if group.name not in own]


def unplug() -> None:
    """Takes out of elmyr's tables what plug-ins have added, as a new process has them."""
    take_out_own_commands()
    for kind in plugins.KINDS:
        table = plugins.table_of(kind)
        for name in list(table.origins):
            table.remove(name)
    plugins._files.clear()
    os.environ.pop(plugins.VARIABLE, None)


@pytest.fixture
def unplugged(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No plug-in at the beginning, and none left at the end."""
    monkeypatch.delenv(plugins.VARIABLE, raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    unplug()
