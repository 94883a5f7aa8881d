"""Small runs of every kind, trained once, and a workbench that serves them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import elmyr
from elmyr.images import ImageSet, load_images
from elmyr.tasks.recognition import train_recognizer
from elmyr.tasks.restoration import train_restorer
from elmyr.tasks.translation import train_translator
from tests.serving.workbench import Workbench, served

SERVED = ("gan", "reader", "restorer", "translator")


@pytest.fixture(scope="session")
def small_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small run of each kind, of the 8x8 digits: `gan`, `reader`, `restorer`, `translator`."""
    folder = tmp_path_factory.mktemp("served") / "runs"
    small = {"network.base": 8, "batch": 32}
    elmyr.train("digits", out=folder / "gan", images=320, settings=small, device="cpu", precision="fp32")
    recognizer = elmyr.Recognizer(method="supervised", updates=60, base=8, dimension=32, device="cpu")
    train_recognizer("digits", recognizer, out=folder / "reader")
    train_restorer("digits", out=folder / "restorer", images=160, device="cpu", precision="fp32")
    train_translator(
        "digits-thin",
        "digits-thick",
        out=folder / "translator",
        images=64,
        settings={"widths": (8, 8)},
        device="cpu",
        precision="fp32",
        quiet=True,
    )
    return folder


@pytest.fixture(scope="session")
def workbench(small_runs: Path) -> Iterator[Workbench]:
    with served(*(small_runs / name for name in SERVED), options=["--runs", small_runs]) as it:
        yield it


@pytest.fixture(scope="session")
def digits() -> ImageSet:
    return load_images("digits")
