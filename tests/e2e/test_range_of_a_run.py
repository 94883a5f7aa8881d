"""Models of images of 12 bits are shown images of 12 bits: the range of the training's values is theirs, too."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from elmyr.cli import main
from elmyr.core.notes import Note
from elmyr.tasks.restoration import train_restorer
from elmyr.tasks.translation import train_translator
from tests.conftest import small_image_set

IMAGES = small_image_set(60, size=16).images[..., 0].astype(np.uint16) * 16


def trained_restorer(folder: Path) -> str:
    with pytest.warns(Note, match="4095"):
        train_restorer(folder / "a.npz", out=folder / "restorer", images=16)
    return "restorer"


def trained_translator(folder: Path) -> str:
    with pytest.warns(Note, match="4095"):
        train_translator(folder / "a.npz", folder / "b.npz", out=folder / "translator", images=16)
    return "translator"


def applied(monkeypatch: pytest.MonkeyPatch, kind: str, images: Path, out: Path) -> list[NDArray[np.uint8]]:
    monkeypatch.setattr("sys.argv", ["elmyr", kind, "apply", kind, str(images), "--out", str(out)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    made = sorted(path for path in out.rglob("*.png") if path.stem.isdecimal())
    return [np.asarray(Image.open(path)) for path in made]


@pytest.mark.parametrize("trained", [trained_restorer, trained_translator])
def test_files_of_twelve_bits_are_taken_as_the_training_took_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: Callable[[Path], str]
) -> None:
    np.savez(tmp_path / "a.npz", images=IMAGES)
    np.savez(tmp_path / "b.npz", images=IMAGES[::-1])
    dark = IMAGES[:3] // 4  # whose own values do not tell the range
    for name, images in (("twelve", dark), ("eight", np.rint(dark * (255 / 4095)).astype(np.uint8))):
        (tmp_path / name).mkdir()
        for number, image in enumerate(images):
            Image.fromarray(image).save(tmp_path / name / f"{number}.png")
    kind = trained(tmp_path)
    twelve, eight = (
        applied(monkeypatch, kind, tmp_path / name, tmp_path / f"{name}-out") for name in ("twelve", "eight")
    )
    assert len(twelve) == len(eight) == 3
    assert all(np.array_equal(one, other) for one, other in zip(twelve, eight, strict=True))
